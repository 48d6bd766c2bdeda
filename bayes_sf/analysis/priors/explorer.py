"""What a page needs to move priors by itself: standardised moments on the nodes of all its priors.

The reader's browser does what `engines.nodes` does: it weighs nodes of (sigma, tau) by likelihood
and priors. It gets, for each possible data set of a model, the standardised sufficient statistics,
from which cross products at any node follow; and for each model the nodes, chosen so that every
prior in reach of the sliders is resolved. `output/report/templates/explorer.js` is the other half.

Examples
--------
>>> import pandas as pd
>>> from bayes_sf.engines.fit import fit
>>> from bayes_sf.spec.model import ModelSpec
>>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
>>> model = explorer_model(fit(ModelSpec("y", group="g"), df))
>>> model["terms"], len(model["data"]), max(model["error"]) < 1e-5
([], 1, True)
"""

from collections.abc import Iterator
from itertools import product
from typing import Any, Final

import numpy as np

from bayes_sf.analysis.contrast import exact_posterior
from bayes_sf.analysis.priors.nodes import Nodes
from bayes_sf.engines.gaussian.likelihood import Standardised
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError
from bayes_sf.spec.priors import Prior, Priors

__all__ = ["GROUP_FAMILIES", "GROUP_RANGE", "SLOPE_RANGE", "explorer_model", "explorer_priors"]

#: Families of the prior on tau; gamma has shape 2, half-t 3 degrees of freedom.
GROUP_FAMILIES: Final = ("half-t", "half-normal", "exponential", "gamma", "flat")
#: Reach of the sliders: scale of tau in sd(y), of slopes in sd(y)/sd(x).
GROUP_RANGE: Final = (0.1, 5.0)
SLOPE_RANGE: Final = (0.05, 10.0)
#: Digits of the exported numbers: they move no posterior by more than 1e-7 of its sd or so.
_DIGITS: Final = 9


def explorer_priors(base: Priors) -> tuple[Priors, ...]:
    """Priors at the ends of every slider: nodes that resolve these resolve what is between.

    Parameters
    ----------
    base : Priors
        Intercept and sd_resid, which no slider moves.
    """
    groups = [
        Prior(family, scale=scale)
        for family in GROUP_FAMILIES
        for scale in (GROUP_RANGE if family != "flat" else (1.0,))
    ]
    slopes = [Prior("normal", scale=SLOPE_RANGE[0]), Prior("flat")]
    return tuple(
        Priors(intercept=base.intercept, sd_resid=base.sd_resid, slope=slope, sd_group=group)
        for slope, group in product(slopes, groups)
    )


def explorer_model(result: Result) -> dict[str, Any]:
    """Export one model for a page.

    Parameters
    ----------
    result : Result
        Of engine ``exact``. Its priors of slopes and tau do not matter.

    Returns
    -------
    dict
        What JSON has: ``terms``; ``z`` and its quadrature weights ``dz``, with ``low``, ``high``
        and ``root_size`` as in `Nodes`; ``rules``, for each number of rows ``n`` the nodes ``x``
        and ``log_weight`` of sigma; ``data``, for each data set ``n, sizes, means`` (J rows of
        x1 ... xp, y), ``within`` (its lower triangle by rows) and ``scale`` of the same columns;
        ``intercept`` and ``resid``, the priors that stay; ``error`` of every prior at the sliders'
        ends.

    Raises
    ------
    UsageError
        For another engine, and for priors of intercept or sd_resid that the page does not know.
    """
    posterior, base = exact_posterior(result), result.spec.priors
    for name, prior in base.named.items():
        _refuse(result, name, prior)
    if base.intercept != Prior("normal", 2.5, reason=base.intercept.reason):
        _refuse(result, "intercept", base.intercept)
    if base.sd_resid != Prior("half-t", reason=base.sd_resid.reason):
        _refuse(result, "sd_resid", base.sd_resid)
    nodes = Nodes.resolve([part.data for part in posterior.parts], explorer_priors(base))
    return {
        "terms": list(result.moments.predictors),
        "low": _short(nodes.z.low), "high": _short(nodes.z.high),
        "z": _short(nodes.z.nodes), "dz": _short(nodes.z.weights),
        "root_size": _short(nodes.root_size),
        "rules": dict(_rules(nodes)),
        "data": [_data_set(data) for data in nodes.data],
        "intercept": base.intercept.scale, "resid": base.sd_resid.scale,
        "error": _short(nodes.error),
    }  # fmt: skip


def _refuse(result: Result, name: str, prior: Prior) -> None:
    where = f"model {result.spec.name!r}: priors.{name}"
    raise UsageError(where, "must be the default in the prior explorer", got=str(prior))


def _rules(nodes: Nodes) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield, by number of rows, nodes of sigma over half the residual sum of squares, and weights.

    `Nodes.inv_var` is x over half the residual sum of squares; x depends on the rows alone.
    """
    for place, data in enumerate(nodes.data):
        fitted = nodes.at.xy[place, 0] @ np.linalg.solve(
            nodes.at.xx[place, 0], nodes.at.xy[place, 0]
        )
        half = 0.5 * (nodes.at.yy[place, 0] - fitted)
        yield (
            str(data.n_obs),
            {
                "x": _short(nodes.inv_var[place, 0] * half),
                "log_weight": _short(nodes.log_rule[place, 0] - nodes.log_rule[place, 0].max()),
            },
        )


def _data_set(data: Standardised) -> dict[str, Any]:
    """Export one data set's sufficient statistics, without the intercept's column."""
    rows, columns = np.tril_indices(len(data.within) - 1)
    return {
        "n": data.n_obs,
        "sizes": [int(size) for size in data.moments.sizes],
        "means": _short(data.means[:, 1:]),
        "within": _short(data.within[1:, 1:][rows, columns]),
        "scale": _short(data.scale),
    }


def _short(values: Any) -> Any:
    """Round to as many significant digits as the page needs."""
    if np.ndim(values):
        return [_short(value) for value in values]
    return float(f"{float(values):.{_DIGITS}g}")
