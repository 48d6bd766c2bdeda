"""How far a posterior moves with the prior: slopes, ICC and industry means under many priors.

Every prior of the fan weighs the same nodes (`engines.nodes`), nothing is fitted again. Where the
data are recovered from tables, every posterior is the average over the possible data sets, as
everywhere else.

The default fan crosses four priors of the slopes with five of tau:

- slopes: flat; normal with sd 2.5 and 1 sd(y)/sd(x); sceptical, sd 0.1: with 95 % one sd of the
  predictor moves the outcome by less than 0.2 sd, which Cohen calls small (Spiegelhalter, Freedman
  & Parmar 1994 on sceptical priors);
- tau: half-t(3, 0, sd(y)); half-normal(0, sd(y)); exponential with P(tau > sd(y)) = 0.05, a
  penalised-complexity prior (Simpson et al. 2017); gamma(2), which avoids the boundary (Chung et
  al. 2013); flat, on tau (Gelman 2006).

Examples
--------
>>> import pandas as pd
>>> from bayes_sf.engines.fit import fit
>>> from bayes_sf.spec.model import ModelSpec
>>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
>>> fan = prior_fan(fit(ModelSpec("y", group="g"), df), default_fan())
>>> sorted(fan["term"].unique()), len(fan)
(['group mean', 'icc'], 80)
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import log
from typing import TYPE_CHECKING, Any

from bayes_sf.analysis.contrast import exact_posterior
from bayes_sf.analysis.priors.nodes import Nodes
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError
from bayes_sf.spec.prior import LOCATION_FAMILIES
from bayes_sf.spec.priors import Prior, Priors

if TYPE_CHECKING:
    import pandas as pd

    from bayes_sf.engines.gaussian.mixture import NormalMixture

_Numbered = tuple[int, dict[str, Any]]
_NAN = float("nan")

__all__ = ["GROUP_PRIORS", "SLOPE_PRIORS", "default_fan", "prior_fan"]

#: Slopes: name to prior.
SLOPE_PRIORS: Mapping[str, Prior] = {
    "2.5 sd": Prior("normal", scale=2.5),
    "flat": Prior("flat"),
    "1 sd": Prior("normal", scale=1.0),
    "sceptical": Prior("normal", scale=0.1),
}
#: Standard deviation of the groups: name to prior.
GROUP_PRIORS: Mapping[str, Prior] = {
    "half-t": Prior("half-t"),
    "half-normal": Prior("half-normal"),
    "exponential": Prior("exponential", scale=-1 / log(0.05)),
    "gamma": Prior("gamma", shape=2.0),
    "flat": Prior("flat"),
}


def default_fan(
    base: Priors | None = None,
    slopes: Mapping[str, Prior] = SLOPE_PRIORS,
    groups: Mapping[str, Prior] = GROUP_PRIORS,
) -> dict[str, Priors]:
    """Cross priors of slopes with priors of tau; the first of both comes first.

    Parameters
    ----------
    base : Priors, optional
        What the priors of intercept and sd_resid are taken from.
    slopes, groups : mapping of str to Prior
        Name to prior. Add one of your own: ``{**SLOPE_PRIORS, "domain": Prior(...)}``.

    Examples
    --------
    >>> len(default_fan()), next(iter(default_fan()))
    (20, 'slope 2.5 sd, sd_group half-t')
    """
    start = base or Priors()
    return {
        f"slope {slope}, sd_group {group}": replace(
            start, slope=slopes[slope], sd_group=groups[group]
        )
        for slope in slopes
        for group in groups
    }


def prior_fan(
    results: Result | Iterable[Result],
    priors: Mapping[str, Priors],
    *,
    icc_bound: float = 0.1,
    groups: bool = True,
    prob: float = 0.95,
) -> "pd.DataFrame":
    """Posteriors under every prior of a fan.

    Parameters
    ----------
    results : Result or iterable of Result
        Of engine ``exact``. Their own priors do not matter.
    priors : mapping of str to Priors
        Name to priors, as specified (scales in sd(y) where they autoscale). The first is what the
        others' conclusions are compared with.
    icc_bound : float
        The ICC is concluded to be above it when the whole interval is.
    groups : bool
        Whether industry means are wanted, too.
    prob : float
        Probability of the equal-tailed intervals.

    Returns
    -------
    pandas.DataFrame
        One row per model, term and prior: `outcome, model, term, group, prior`; `mean, sd, lower,
        upper, prob`; `p_direction`, the probability of the sign of the median (NaN for the ICC and
        for group means); `p_above`, P(ICC > icc_bound), else NaN; `sign` and `concluded`: whether
        the interval excludes zero, or for the ICC is above the bound; `changes`, which of these is
        otherwise than under the first prior ("" is none); `error`, a bound on the error of the
        distribution function; `n, n_groups, n_data, unit, source`. Group means are terms ``group
        mean`` and have no conclusion.

    Raises
    ------
    UsageError
        For an empty fan, another engine, an impossible bound or probability.
    SpecError
        When a prior leaves the posterior improper.
    ConvergenceError
        When the priors differ too much for common nodes.
    """
    import pandas as pd

    if not priors:
        raise UsageError("prior fan", "must have at least one prior")
    if not (0 < prob < 1 and 0 < icc_bound < 1):
        raise UsageError(
            "prior fan", "prob and icc_bound must be between 0 and 1", got=(prob, icc_bound)
        )
    for name, entry in priors.items():
        if entry.terms:
            rule = "must be the same of all slopes: a fan has none by name"
            raise UsageError(f"prior {name!r}", rule, got=list(entry.named))
        if entry.slope.family not in LOCATION_FAMILIES:
            raise UsageError(
                f"prior {name!r}", "must have normal or flat slopes: others are sampled",
                got=entry.slope.family,
            )  # fmt: skip
    rows: list[dict[str, Any]] = []
    for result in [results] if isinstance(results, Result) else results:
        rows += _model(result, priors, icc_bound, groups, prob)
    return pd.DataFrame(rows)


def _model(
    result: Result, priors: Mapping[str, Priors], bound: float, groups: bool, prob: float
) -> Iterator[dict[str, Any]]:
    """Rows of one model."""
    posterior = exact_posterior(result)
    nodes = Nodes.resolve([part.data for part in posterior.parts], list(priors.values()))
    tails = [0.5 - 0.5 * prob, 0.5 + 0.5 * prob]
    spec, moments = result.spec, result.moments
    found = _slopes(nodes, moments.predictors, tails)
    found += [_icc(nodes, number, bound, tails) for number in range(len(priors))]
    if groups:
        found += _group_means(nodes, posterior.groups, tails)
    names, error = list(priors), nodes.error
    first: dict[tuple[str, str], Mapping[str, Any]] = {}
    for number, row in found:
        place = (row["term"], row["group"])
        base = first.setdefault(place, row)
        yield {
            "outcome": spec.outcome, "model": spec.name, "term": row["term"],
            "group": row["group"], "prior": names[number], **row, "prob": prob,
            "changes": _changes(row, base), "error": float(error[number]),
            "n": moments.n_obs, "n_groups": moments.n_groups, "n_data": len(posterior.parts),
            "unit": "" if row["term"] == "icc" else spec.unit, "source": result.provenance.source,
        }  # fmt: skip


def _slopes(nodes: Nodes, terms: Sequence[str], tails: list[float]) -> list[_Numbered]:
    """Rows of the slopes, prior by prior."""
    found = []
    for number, mixture in enumerate(nodes.posteriors(nodes.slopes()) if terms else ()):
        negative = mixture.cdf(0.0)
        for term, share, row in zip(terms, negative, _summary(mixture, tails), strict=True):
            sign = 1 if share < 0.5 else -1
            concluded = row["lower"] > 0 or row["upper"] < 0
            direction = {"p_direction": float(max(share, 1 - share)), "p_above": _NAN}
            found.append(
                (number, _row(term, "", row, direction, {"sign": sign, "concluded": concluded}))
            )
    return found


def _group_means(nodes: Nodes, groups: Sequence[str], tails: list[float]) -> list[_Numbered]:
    """Rows of the group means, which nothing is concluded of."""
    nothing = {"sign": 0, "concluded": False}
    return [
        (number, _row("group mean", group, row, {"p_direction": _NAN, "p_above": _NAN}, nothing))
        for number, mixture in enumerate(nodes.posteriors(nodes.group_means(groups)))
        for group, row in zip(groups, _summary(mixture, tails), strict=True)
    ]


def _icc(nodes: Nodes, number: int, bound: float, tails: list[float]) -> _Numbered:
    """Row of the ICC."""
    icc = nodes.icc(number)
    lower, upper = map(float, icc.quantile(tails))
    row = {"mean": icc.mean(), "sd": icc.sd(), "lower": lower, "upper": upper}
    above = {"p_direction": _NAN, "p_above": 1 - icc.cdf(bound)}
    return number, _row("icc", "", row, above, {"sign": 1, "concluded": lower > bound})


def _row(term: str, group: str, *parts: Mapping[str, Any]) -> dict[str, Any]:
    """One row out of its parts."""
    return {"term": term, "group": group, **{k: v for part in parts for k, v in part.items()}}


def _summary(mixture: "NormalMixture", tails: list[float]) -> Iterator[dict[str, float]]:
    """Mean, sd and limits of each quantity."""
    for mean, sd, (lower, upper) in zip(
        mixture.mean(), mixture.sd(), mixture.quantile(tails), strict=True
    ):
        yield {
            "mean": float(mean), "sd": float(sd), "lower": float(lower), "upper": float(upper)
        }  # fmt: skip


def _changes(row: Mapping[str, Any], base: Mapping[str, Any]) -> str:
    """Which conclusions differ from the first prior's."""
    names = {"sign": "sign", "concluded": "above the bound" if row["term"] == "icc" else "zero"}
    return ", ".join(name for key, name in names.items() if row[key] != base[key])
