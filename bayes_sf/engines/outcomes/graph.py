"""A model as bambi builds it, from columns that are made already.

Bambi gets numbers under names of ours (``x0``, ``f0``), so that coding, scaling and names of terms
are those of every other engine here, whatever columns are called. Predictors are centred; what
that does to the intercept is taken back in `sampled`. All priors of coefficients and sds are
stated. Bambi has no correlations between random effects (0.21).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.mixed.covariance import sd_names
from bayes_sf.errors import UsageError
from bayes_sf.spec.family import Family
from bayes_sf.spec.names import INTERCEPT
from bayes_sf.spec.prior import Prior
from bayes_sf.spec.terms.matrices import Matrices

__all__ = ["OutcomeGraph", "outcome_graph"]


#: Where the thresholds' priors have their means, from the first to the last.
_REACH = 2.0


@dataclass(frozen=True, eq=False)
class OutcomeGraph:
    """Bambi's model, and what of it stands for what of ours.

    Parameters
    ----------
    model : bambi.Model
        Built.
    coefficients : tuple of str
        Bambi's names of the coefficients, in the order of the terms.
    effects : tuple of tuple of str
        Of each factor, bambi's names of what varies; ``..._sigma`` are the sds.
    means : (p,) array
        What was taken off the columns.
    more : mapping
        Priors of the family's own parameters, as bambi writes them.
    """

    model: Any
    coefficients: tuple[str, ...]
    effects: tuple[tuple[str, ...], ...]
    means: Floats
    more: Mapping[str, str]


def outcome_graph(matrices: Matrices, family: Family, priors: Mapping[str, Prior]) -> OutcomeGraph:
    """Build a model; nothing is compiled.

    Parameters
    ----------
    matrices : Matrices
    family : Family
    priors : mapping
        Of `outcome_priors`.

    Raises
    ------
    UsageError
        Where bambi is not installed, or for correlated effects.
    """
    pairs = [f.name for f in matrices.factors if f.pairs]
    if pairs:
        raise UsageError(
            f"model of {matrices.response!r}: engine 'nuts'",
            f"has no correlations between random effects for family {family.name!r}", got=pairs,
            fix="write (x || g) for uncorrelated ones"
            + (", or use engine 'ml'" if "ml" in family.engines else ""),
        )  # fmt: skip
    try:
        import bambi
    except ImportError:
        raise UsageError(
            "engine 'nuts'", f"needs bambi for family {family.name!r}",
            fix="install bayes-sf[outcomes]",
        ) from None  # fmt: skip
    data, left = _response(matrices, family)
    columns, fixed, coefficients, means = _fixed(matrices, data)
    effects, random = _random(matrices, data)
    stated: dict[str, Any] = {
        own: _in_bambi(bambi, priors[term])
        for own, term in zip(coefficients, matrices.terms, strict=True)
    }
    for factor, names in zip(matrices.factors, effects, strict=True):
        for own, sd in zip(names, sd_names(factor)[0], strict=True):
            stated[own] = bambi.Prior("Normal", mu=0, sigma=_in_bambi(bambi, priors[sd]))
    if family.ordered:
        stated["threshold"] = _thresholds(bambi, priors[INTERCEPT], len(matrices.levels) - 1)
    model = bambi.Model(
        f"{left} ~ {' + '.join([*fixed, *columns, *random])}", data, family=family.name,
        priors=stated, auto_scale=False, center_predictors=False,
    )  # fmt: skip
    model.build()
    more = {name: _written(model.parameters[name].prior) for name in family.parameters}
    return OutcomeGraph(model, coefficients, effects, means, more)


def _response(matrices: Matrices, family: Family) -> tuple[Any, str]:
    """A frame with the response, and the left side of a formula."""
    import pandas as pd

    y = matrices.y
    if family.ordered:
        codes = pd.Categorical(y.astype(int), ordered=True)
        return pd.DataFrame({"y": codes}), "y"
    whole = bool((y == np.round(y)).all()) and family.name not in {"beta", "hurdle_gamma",
                                                                   "hurdle_lognormal"}  # fmt: skip
    data = pd.DataFrame({"y": y.astype(np.int64) if whole else y})
    if matrices.trials is None:
        return data, "y"
    data["n"] = matrices.trials.astype(np.int64)
    return data, "prop(y, n)"


def _fixed(matrices: Matrices, data: Any) -> tuple[list[str], list[str], tuple[str, ...], Floats]:
    """Fixed columns put into the frame, centred where there is an intercept to take it back."""
    centred = matrices.has_intercept or bool(matrices.levels)
    names, means = [], np.zeros(len(matrices.terms))
    columns = []
    for place, term in enumerate(matrices.terms):
        if term == INTERCEPT:
            names.append("Intercept")
            continue
        column = matrices.x[:, place]
        means[place] = column.mean() if centred else 0.0
        data[f"x{place}"] = column - means[place]
        names.append(f"x{place}")
        columns.append(f"x{place}")
    if matrices.offset is not None:
        data["o"] = matrices.offset
        columns.append("offset(o)")
    return columns, ["1" if matrices.has_intercept else "0"], tuple(names), means


def _random(matrices: Matrices, data: Any) -> tuple[tuple[tuple[str, ...], ...], list[str]]:
    """Factors put into the frame, bambi's names of what varies, and random terms."""
    import pandas as pd

    effects, terms = [], []
    for number, factor in enumerate(matrices.factors):
        own = f"f{number}"
        codes = pd.Index(range(factor.n_levels))
        data[own] = pd.Categorical.from_codes(factor.code, categories=codes)
        names = []
        for place, column in enumerate(factor.columns):
            if column == INTERCEPT:
                names.append(f"1|{own}")
                terms.append(f"(1|{own})")
            else:
                slope = f"z{number}_{place}"
                data[slope] = factor.z[:, place]
                names.append(f"{slope}|{own}")
                terms.append(f"(0 + {slope}|{own})")
        effects.append(tuple(names))
    return tuple(effects), terms


def _in_bambi(bambi: Any, prior: Prior) -> Any:
    """A resolved prior in bambi's words."""
    name, arguments = {
        "normal": ("Normal", {"mu": prior.location or 0.0, "sigma": prior.scale}),
        "flat": ("Flat", {}),
        "half-t": ("HalfStudentT", {"nu": prior.df, "sigma": prior.scale}),
        "half-normal": ("HalfNormal", {"sigma": prior.scale}),
        "exponential": ("Exponential", {"lam": 1 / prior.scale}),
        "gamma": ("Gamma", {"alpha": prior.shape, "beta": 1 / prior.scale}),
    }[prior.family]
    return bambi.Prior(name, **arguments)


def _thresholds(bambi: Any, prior: Prior, many: int) -> Any:
    """Prior of thresholds in order."""
    from pymc.distributions.transforms import ordered

    means = (prior.location or 0.0) + np.linspace(-_REACH, _REACH, many)
    return bambi.Prior("Normal", mu=means, sigma=prior.scale, transform=ordered)


def _written(prior: Any) -> str:
    """Bambi's prior of a parameter as it writes it, arrays by their ends."""
    parts = []
    for key, value in prior.args.items():
        if key == "transform":
            parts.append("in order")
        else:
            ends = np.atleast_1d(value)
            text = f"{ends[0]:.3g}" if len(ends) == 1 else f"{ends[0]:.3g} to {ends[-1]:.3g}"
            parts.append(f"{key} {text}")
    return f"{prior.name}({', '.join(parts)})"
