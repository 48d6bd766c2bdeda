"""Power-scaling: what a little more or less weight of the prior, or of the data, does to a result.

Prior and likelihood are each raised to the powers 0.8 and 1.25 (`engines.power_scaling` for exact
results, ArviZ's ``psense`` with smoothed importance weights for sampled ones). How far the
posterior moves is the cumulative Jensen-Shannon distance per doubling of the power, between what
4,000 draws would span, as in ArviZ. From 0.05 on (a normal moved by a quarter of its sd, or made
wider by a quarter, per doubling) Kallioinen et al. call a posterior sensitive:

- to the prior, and not to the likelihood: the prior is strong or the data say little;
- to both: prior and data may contradict each other, or the prior may be meant to be informative.

Only priors that an analyst states are raised to a power, never the distribution of group effects
given their sd.

References
----------
Kallioinen, Paananen, Bürkner & Vehtari (2024), Statistics and Computing 34, 57.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_sf.analysis.priors.scaled_posterior import PowerScaled, cjs_distance, power_scale
from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.mixture import NormalMixture
from bayes_sf.engines.gaussian.posterior import SPREADS, Posterior
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ALPHAS", "SENSITIVE", "power_scaling"]

type _Row = dict[str, Any]

#: Powers below and above one.
ALPHAS = (0.8, 1.25)
#: Distance per doubling of the power from which a posterior is called sensitive.
SENSITIVE = 0.05
#: Probability left out at either end: what 4,000 draws span.
_TAIL = 1 / 8000
#: Places at which distribution functions are compared.
_PLACES = np.polynomial.legendre.leggauss(80)
#: Components of a mixture that together weigh less are left out.
_NONE = 1e-9


def power_scaling(
    results: Result | Iterable[Result],
    *,
    alphas: tuple[float, float] = ALPHAS,
    prob: float = 0.95,
) -> "pd.DataFrame":
    """Sensitivity of every coefficient and spread to powers of prior and likelihood.

    Parameters
    ----------
    results : Result or iterable of Result
        Of engine ``exact`` or ``nuts``; the latter need their rows.
    alphas : (float, float)
        Powers below and above one.
    prob : float
        Probability of the equal-tailed intervals.

    Returns
    -------
    pandas.DataFrame
        Two rows per model and term, `component` ``prior`` and ``likelihood``: `outcome, model,
        term, component, alpha_low, alpha_high`; `sensitivity`, the distance per doubling;
        `mean, lower, upper` as fitted and `mean_low, lower_low, upper_low, mean_high, lower_high,
        upper_high` under either power (of sampled models NaN); `changes`: whether the interval
        excludes zero under one power only; `diagnosis`, of both components together ("" is none);
        `prob, n, n_data, unit, engine, source`.

    Raises
    ------
    UsageError
        For ols and reml; for powers that do not surround one; for a sampled result without rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from bayes_sf.engines.fit import fit
    >>> from bayes_sf.spec.model import ModelSpec
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8], "x": [0, 1, 2, 0, 1, 2], "g": list("aaabbb")})
    >>> table = power_scaling(fit(ModelSpec("y", predictors=("x",), group="g"), df))
    >>> x = table[table["term"] == "x"].set_index("component")["sensitivity"]
    >>> bool(x["likelihood"] > x["prior"])
    True
    """
    import pandas as pd

    low, high = alphas
    if not 0 < low < 1 < high < np.inf:
        raise UsageError("alphas", "must be below and above one, and positive", got=alphas)
    if not 0 < prob < 1:
        raise UsageError("prob", "must lie between 0 and 1", got=prob)
    rows: list[_Row] = []
    for result in [results] if isinstance(results, Result) else results:
        if isinstance(result.fitted, Posterior):
            found = list(_exact(result.fitted, result.moments.terms, alphas, prob))
        else:
            found = list(_sampled(result, alphas))
        moments, spec = result.moments, result.spec
        for row, verdict in zip(found, _diagnoses(found), strict=True):
            rows.append(
                {
                    "outcome": spec.outcome, "model": spec.name, **row, "diagnosis": verdict,
                    "alpha_low": low, "alpha_high": high, "prob": prob, "n": moments.n_obs,
                    "n_data": len(result.fitted.parts), "engine": result.engine,
                    "unit": "" if row["term"] == "icc" else spec.unit,
                    "source": result.provenance.source,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _diagnoses(rows: list[_Row]) -> list[str]:
    """What both components of a term say together; rows are in pairs."""
    by_term: dict[str, dict[str, float]] = {}
    for row in rows:
        by_term.setdefault(row["term"], {})[row["component"]] = row["sensitivity"]
    said = {}
    for term, found in by_term.items():
        prior, data = (found[name] >= SENSITIVE for name in ("prior", "likelihood"))
        conflict = "prior and data may conflict" if data else "strong prior or weak data"
        said[term] = conflict if prior else ""
    return [said[row["term"]] for row in rows]


def _exact(
    posterior: Posterior, terms: tuple[str, ...], alphas: tuple[float, float], prob: float
) -> Iterator[_Row]:
    """Rows of an exact result: nodes with new weights."""
    tails = [0.5 - 0.5 * prob, 0.5 + 0.5 * prob, _TAIL, 1 - _TAIL]
    base = _Scaled([power_scale(part) for part in posterior.parts], tails)
    scaled = {
        (component, alpha): _Scaled(
            [power_scale(part, **{component: alpha}) for part in posterior.parts], tails
        )
        for component in ("prior", "likelihood")
        for alpha in alphas
    }
    half = 0.5 * (base.limits[:, 3] - base.limits[:, 2])
    places = base.limits[:, 2, None] + half[:, None] * (1 + _PLACES[0])
    weights, before = half[:, None] * _PLACES[1], base.cdf(places)
    after = {key: found.cdf(places) for key, found in scaled.items()}
    for at, term in enumerate((*terms, *SPREADS)):
        for component in ("prior", "likelihood"):
            keys = [(component, alpha) for alpha in alphas]
            far = [cjs_distance(before[at], after[key][at], weights[at]) for key in keys]
            yield _pair_row(
                term, component, base.summary[at], [scaled[key].summary[at] for key in keys],
                _gradient(alphas, far), signed=term in terms,
            )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Scaled:
    """Coefficients and spreads of several data sets together: first m terms, then `SPREADS`.

    Parameters
    ----------
    parts : list of PowerScaled
        One per data set.
    tails : list of float
        Probabilities of the limits.
    """

    parts: list[PowerScaled]
    tails: list[float]

    @cached_property
    def coef(self) -> NormalMixture:
        """Coefficients, without the components that weigh next to nothing."""
        whole = NormalMixture.average([part.coef for part in self.parts])
        order = np.argsort(whole.weight)[::-1]
        last = int(np.searchsorted(np.cumsum(whole.weight[order]), 1 - _NONE)) + 1
        keep = order[:last]
        weight = whole.weight[keep] / whole.weight[keep].sum()
        return NormalMixture(weight, whole.means[:, keep], whole.sds[:, keep], whole.exist)

    @cached_property
    def spreads(self) -> Posterior:
        """For the standard deviations and the ICC."""
        return Posterior(tuple(part.spreads for part in self.parts))

    @cached_property
    def limits(self) -> Floats:
        """Quantiles, (m + 3, tails)."""
        spreads = [self.spreads.quantile(name, self.tails) for name in SPREADS]
        return np.vstack([self.coef.quantile(self.tails), *spreads])

    @cached_property
    def summary(self) -> Floats:
        """Mean, lower and upper limit, (m + 3, 3)."""
        means = [*self.coef.mean(), *(self.spreads.mean(name) for name in SPREADS)]
        return np.column_stack([means, self.limits[:, :2]])

    def cdf(self, places: Floats) -> Floats:
        """Distribution functions at places (m + 3, P), same shape."""
        m = len(self.coef.means)
        coef = [self.coef.cdf(column) for column in places[:m].T]
        spreads = [self.spreads.cdf(n, at) for n, at in zip(SPREADS, places[m:], strict=True)]
        return np.vstack([np.column_stack(coef), *spreads])


def _gradient(alphas: tuple[float, float], distances: list[float]) -> float:
    """Distance per doubling of the power, mean of both sides."""
    return float(np.mean(np.array(distances) / np.abs(np.log2(alphas))))


def _pair_row(
    term: str, component: str, base: Floats, pair: list[Floats], found: float, *, signed: bool
) -> _Row:
    """One row: (mean, lower, upper) as fitted and under both powers."""
    excludes = [bool(part[1] > 0 or part[2] < 0) for part in (base, *pair)]
    names = [f"{name}{end}" for end in ("", "_low", "_high") for name in ("mean", "lower", "upper")]
    values = np.concatenate([base, *pair]).tolist()
    changes = "zero" if signed and len(set(excludes)) > 1 else ""
    return {
        "term": term, "component": component, "sensitivity": found,
        **dict(zip(names, values, strict=True)), "changes": changes,
    }  # fmt: skip


def _sampled(result: Result, alphas: tuple[float, float]) -> Iterator[_Row]:
    """Rows of a sampled result: ArviZ's importance weights."""
    import xarray as xr
    from arviz_stats.psense import psense

    from bayes_sf.engines.sampled.log_prior import log_prior
    from bayes_sf.engines.sampled.pointwise import given_draws

    where = f"model {result.spec.name!r}"
    if not result.has_draws:
        raise UsageError(f"engine {result.engine!r}", "has no posterior", fix="use exact or nuts")
    if result.data is None:
        raise UsageError(where, "has none of its rows in memory, and power-scaling needs them")
    tree = result.draws(rows=False)
    dims = ("chain", "draw")
    coords = {name: tree["posterior"][name].to_numpy() for name in dims}
    prior = log_prior(tree, result.data, result.spec)
    rows = given_draws(tree, result.data, result.spec).log_likelihood()
    whole = xr.DataTree.from_dict(
        {
            "posterior": tree["posterior"].to_dataset(),
            "log_prior": xr.Dataset({n: (dims, v) for n, v in prior.items()}, coords),
            "log_likelihood": xr.Dataset({"y": ((*dims, "row"), rows)}, coords),
        }
    )
    group = result.moments.group
    names = [
        str(name) for name, value in tree["posterior"].data_vars.items() if group not in value.dims
    ]
    found = {
        component: psense(  # type: ignore[no-untyped-call]
            whole, var_names=names, group=component, alphas=alphas,
            group_var_names=sorted(prior) if component == "prior" else None, sample_dims=list(dims),
        )
        for component in ("prior", "likelihood")
    }  # fmt: skip
    nothing = np.full(3, np.nan)
    estimates = {row.term: row for row in result.singles}
    for name in names:
        labels = [str(dim) for dim in tree["posterior"][name].dims][2:]
        levels = tree["posterior"][labels[0]].to_numpy() if labels else [""]
        for at, level in enumerate(levels):
            term = name if not labels else str(level) if name == "beta" else f"{name}[{level}]"
            row = estimates[term]
            base = np.array([row.estimate, row.lower, row.upper])
            for component, table in found.items():
                value = float(np.ravel(table[name].to_numpy())[at])
                yield _pair_row(term, component, base, [nothing, nothing], value, signed=False)
