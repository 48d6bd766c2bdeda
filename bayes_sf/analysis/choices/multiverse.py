"""Every combination of an analyst's choices fitted, and what each choice does to one association.

A combination's rows are reduced to moments once, and fitted exactly under each prior. Combinations
that cannot be fitted are kept, with the reason (Steegen et al. 2016, Perspectives on Psychological
Science 11; Simonsohn, Simmons & Nelson 2020, Nature Human Behaviour 4).

How much a choice matters is the share of the variance of the estimates over the multiverse that
goes with it: its first-order share, Var(E[estimate | choice])/Var(estimate), and its total share,
which includes what it does together with others (Saltelli et al. 2008, eq. 4.3 and 4.13).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import batched, groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_sf.analysis.choices.choices import Workplaces
from bayes_sf.analysis.contrast import Contrast
from bayes_sf.analysis.jobs import in_parts
from bayes_sf.analysis.priors.prior_fan import SLOPE_PRIORS
from bayes_sf.engines.gaussian.exact import ExactPosterior, fit_exact
from bayes_sf.engines.gaussian.quadrature import Box
from bayes_sf.errors import BayesSFError, DataError, UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.multiverse import Multiverse, load_multiverse
from bayes_sf.spec.priors import Priors

if TYPE_CHECKING:
    import pandas as pd


__all__ = ["Explored", "choice_shares", "explore", "option_means", "varied_choices"]

#: Nodes for sigma and tau: means and limits are then good to 1e-6 sd (`benchmarks/multiverse.csv`).
_NODES = (32, 48)
#: Sets of rows that are fitted after each other, in one process.
_PART = 16
#: In posterior sds: estimates that differ by less are the same.
_RESOLVED = 1e-6


@dataclass(frozen=True, eq=False)
class Explored:
    """A multiverse with its fits.

    Parameters
    ----------
    asked : Multiverse
        What was asked.
    contrast : Contrast
        How far the item moves.
    table : pandas.DataFrame
        One row per combination: the choices; ``report``, whether they are all the report's;
        ``estimate, sd, lower, upper`` of the contrast in percentage points (posterior mean, sd,
        equal-tailed limits); ``p_direction``; ``p_rope``, P(less than the rope, in either
        direction); ``n``, ``n_groups``; and ``reason``, why it could not be fitted, or "".
    prob : float
        Probability of the intervals.
    source : str
        ``replica`` or ``microdata``.
    sizes : mapping of str to int
        Industry -> the fewest workplaces that it has in a combination; of those left out none.
    specifications : tuple of mapping
        Choice -> option of each combination, in the order of `table`.
    """

    asked: Multiverse
    contrast: Contrast
    table: "pd.DataFrame" = field(repr=False)
    prob: float
    source: str
    sizes: Mapping[str, int] = field(default_factory=dict, repr=False)
    specifications: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)

    @property
    def outcome(self) -> str:
        """What the estimates are of; of several outcomes of a study of one's own the first."""
        first = str(self.asked.choices["outcome"][0])
        return "absence_mean" if load_codebook().register else first

    @property
    def unit(self) -> str:
        """Of the estimates."""
        return load_codebook().outcomes[self.outcome]

    @property
    def fitted(self) -> "pd.DataFrame":
        """Combinations that could be fitted."""
        return self.table[self.table["reason"] == ""]

    @property
    def n_range(self) -> tuple[int, int]:
        """Smallest and largest n that is given; two zeros for none."""
        told = self.fitted["n"].dropna().astype(int)
        return (int(told.min()), int(told.max())) if len(told) else (0, 0)

    def summary(self) -> dict[str, float]:
        """Where the estimates and their intervals lie.

        Returns
        -------
        dict
            ``combinations, fitted``; ``median, least, largest`` estimate; shares of the fitted
            combinations whose estimate is ``below_zero, above_zero``, ``below_rope, within_rope,
            above_rope``; whose whole interval is ``surely_below_zero, surely_above_zero``,
            ``surely_below_rope, surely_within_rope, surely_above_rope``; and ``undecided``, whose
            interval has a limit of the rope in it.
        """
        rope, t = self.asked.rope, self.fitted
        estimate, low, high = t["estimate"], t["lower"], t["upper"]
        shares = {
            "below_zero": estimate < 0, "above_zero": estimate > 0,
            "below_rope": estimate <= -rope, "within_rope": estimate.abs() < rope,
            "above_rope": estimate >= rope,
            "surely_below_zero": high < 0, "surely_above_zero": low > 0,
            "surely_below_rope": high <= -rope,
            "surely_within_rope": (low > -rope) & (high < rope),
            "surely_above_rope": low >= rope,
        }  # fmt: skip
        decided = [f"surely_{side}_rope" for side in ("below", "within", "above")]
        found = {name: float(where.mean()) for name, where in shares.items()}
        return {
            "combinations": len(self.table), "fitted": len(t),
            "median": float(estimate.median()), "least": float(estimate.min()),
            "largest": float(estimate.max()), **found,
            "undecided": float((~np.any([shares[name] for name in decided], axis=0)).mean()),
        }  # fmt: skip


def explore(
    asked: Multiverse | str,
    sample: AnalysisSample,
    *,
    prob: float = 0.95,
    jobs: int = 1,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> Explored:
    """Fit every combination of a multiverse.

    Parameters
    ----------
    asked : Multiverse or str
        Choices and options; or, as in `load_multiverse`, their name or file.
    sample : AnalysisSample
        Workplaces and their quarters.
    prob : float
        Probability of the intervals.
    jobs : int
        Processes that fit; the answers do not depend on it.
    progress : callable
        Wraps the parts that combinations are fitted in.

    Raises
    ------
    SpecError
        For an industry that is not there, or a last quarter outside the sample's period.
    UsageError
        For an item with several coefficients, or data that are no workplaces.
    DataError
        When no combination can be fitted.
    """
    import pandas as pd

    if isinstance(asked, str):
        asked = load_multiverse(asked)
    if not isinstance(sample, AnalysisSample):
        fix = "use --data replica, or files of your own"
        raise UsageError("multiverse", "needs workplaces", got=type(sample).__name__, fix=fix)
    if not 0 < prob < 1:
        raise UsageError("prob", "must lie between 0 and 1", got=prob)
    book = load_codebook()
    there = set(sample.frame[book.group])
    groups = tuple(one.key for one in book.industries if one.key in there)
    specifications = asked.specifications(groups)
    workplaces = Workplaces.of(asked, sample)
    by_rows: dict[tuple[Any, ...], list[int]] = {}
    for number, one in enumerate(specifications):
        key = tuple(option for choice, option in one.items() if choice != "prior")
        by_rows.setdefault(key, []).append(number)
    same_rows = list(by_rows.values())
    parts = [
        tuple((number, specifications[number]) for numbers in some for number in numbers)
        for some in batched(same_rows, _PART, strict=False)
    ]
    found: dict[int, dict[str, Any]] = {}
    sizes: dict[str, int] = {}
    shared = workplaces, asked.rope, (0.5 - 0.5 * prob, 0.5 + 0.5 * prob)
    for fits, least in in_parts(_fit_part, shared, parts, jobs=jobs, progress=progress):
        found |= fits
        for group, n in least.items():
            sizes[group] = min(n, sizes.get(group, n))
    usual = asked.usual
    rows = [
        {**one, "controls": " + ".join(one["controls"]) or "none", "report": one == usual, **fit}
        for one, fit in zip(specifications, (found[i] for i in range(len(found))), strict=True)
    ]
    figures = ["estimate", "sd", "lower", "upper", "p_direction", "p_rope", "n", "n_groups"]
    table = pd.DataFrame(rows).reindex(columns=[*asked.choices, "report", *figures, "reason"])
    if (table["reason"] != "").all():
        where = f"multiverse {asked.name}"
        raise DataError(where, "must have a combination that can be fitted",
                        got=table["reason"].iloc[0])  # fmt: skip
    return Explored(
        asked, workplaces.contrast, table, prob, sample.source, sizes, tuple(specifications)
    )


type _Part = tuple[tuple[int, dict[str, Any]], ...]
type _Shared = tuple[Workplaces, float, tuple[float, float]]


def _fit_part(shared: _Shared, part: _Part) -> tuple[dict[int, dict[str, Any]], dict[str, int]]:
    """Rows of some combinations by number, and the fewest rows that a group has in them.

    Those of the same rows come after each other; a posterior is looked for where the last one was.
    """
    workplaces, rope, tails = shared
    found: dict[int, dict[str, Any]] = {}
    sizes: dict[str, int] = {}
    box: Box | None = None
    for _, alike in groupby(part, key=lambda one: {**one[1], "prior": ""}):
        combinations = list(alike)
        try:
            moments, size = workplaces.moments(combinations[0][1])
        except BayesSFError as error:
            found |= {number: {"reason": str(error)} for number, _ in combinations}
            continue
        for group, n in zip(moments.groups, moments.sizes, strict=True):
            sizes[str(group)] = min(int(n), sizes.get(str(group), int(n)))
        for number, one in combinations:
            found[number], box = _fit(moments, one["prior"], box, (size, rope, tails))
    return found, sizes


def _fit(
    moments: Moments, prior: str, box: Box | None, judged: tuple[float, float, tuple[float, float]]
) -> tuple[dict[str, Any], Box | None]:
    """One combination's row, and where the next posterior is looked for."""
    try:
        priors = Priors(slope=SLOPE_PRIORS[prior])
        posterior = fit_exact(moments, priors, nodes=_NODES, start=box)
    except BayesSFError as error:
        return {"reason": str(error)}, box
    return _judge(posterior, *judged), posterior.box


def _judge(
    posterior: ExactPosterior, size: float, rope: float, tails: tuple[float, float]
) -> dict[str, Any]:
    """What one fit says of the contrast."""
    loading = np.zeros((1, posterior.data.n_coef))
    loading[0, 1] = size
    mixture = posterior.contrast(loading)
    (low, high), below = mixture.quantile(tails)[0], float(mixture.cdf(0.0)[0])
    inside = float(mixture.cdf(rope)[0] - mixture.cdf(-rope)[0])
    return {
        "estimate": float(mixture.mean()[0]), "sd": float(mixture.sd()[0]), "lower": float(low),
        "upper": float(high), "p_direction": max(below, 1 - below), "p_rope": inside,
        "n": posterior.moments.n_obs, "n_groups": posterior.moments.n_groups, "reason": "",
    }  # fmt: skip


def choice_shares(explored: Explored) -> "pd.DataFrame":
    """Share of the estimates' variance that goes with each choice.

    Parameters
    ----------
    explored : Explored
        A multiverse with its fits.

    Returns
    -------
    pandas.DataFrame
        By choice with more than one option: ``options``; ``first``, the share that goes with it
        alone, and ``total``, with what it does together with others; ``range``, between the largest
        and smallest mean estimate of an option. Over the combinations that could be fitted; where
        some could not, shares need not add up. NaN where all estimates are the same, as far as
        the nodes resolve them.
    """
    import pandas as pd

    table = explored.fitted
    varied = varied_choices(explored)
    estimate = table["estimate"]
    variance = float(estimate.var(ddof=0))
    if np.ptp(estimate) < _RESOLVED * table["sd"].median():
        variance = float("nan")
    rows = {}
    for key in varied:
        means = table.groupby(key)["estimate"].transform("mean")
        others = [other for other in varied if other != key]
        rest = table.groupby(others)["estimate"].transform("mean") if others else estimate.mean()
        rows[key] = (
            int(table[key].nunique()), float(means.var(ddof=0)) / variance,
            float(((estimate - rest) ** 2).mean()) / variance, float(means.max() - means.min()),
        )  # fmt: skip
    columns = ["options", "first", "total", "range"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("choice")


def option_means(explored: Explored) -> "pd.DataFrame":
    """Estimates by option of every choice that has more than one.

    Parameters
    ----------
    explored : Explored
        A multiverse with its fits.

    Returns
    -------
    pandas.DataFrame
        ``choice, option``; ``fitted`` combinations that have it; their mean ``estimate``, the
        ``least`` and ``largest``; ``surely_below_zero, surely_above_zero``, shares whose interval
        lies on that side; ``n_least, n_largest``, workplaces, NaN where no n is given.
    """
    import pandas as pd

    table = explored.fitted
    rows = []
    for key in varied_choices(explored):
        for option, part in table.groupby(key, sort=False):
            rows.append(
                {
                    "choice": key, "option": str(option), "fitted": len(part),
                    "estimate": part["estimate"].mean(), "least": part["estimate"].min(),
                    "largest": part["estimate"].max(),
                    "surely_below_zero": (part["upper"] < 0).mean(),
                    "surely_above_zero": (part["lower"] > 0).mean(),
                    "n_least": part["n"].astype(float).min(),
                    "n_largest": part["n"].astype(float).max(),
                }
            )  # fmt: skip
    columns = [
        "choice", "option", "fitted", "estimate", "least", "largest", "surely_below_zero",
        "surely_above_zero", "n_least", "n_largest",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def varied_choices(explored: Explored) -> list[str]:
    """Choices with more than one option among the combinations that could be fitted."""
    return [key for key in explored.asked.choices if len(explored.fitted[key].unique()) > 1]
