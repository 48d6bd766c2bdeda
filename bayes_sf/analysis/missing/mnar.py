"""Missing not at random: what becomes of an effect when gaps are delta pp from what the model says.

The estimand is the coefficient of a predictor in the random-intercept regression of workplaces'
realised quantity (the mean of all quarters, or the change) on the predictors; what was observed
is as it is, what was imputed is moved by delta. Every completed panel has an exact posterior, and
the posterior is their average (Zhou & Reiter 2010).

References
----------
Little & Rubin (2019), Statistical Analysis with Missing Data, 3rd ed., ch. 15; van Buuren (2018),
Flexible Imputation of Missing Data, 2nd ed., sec. 3.8 (delta adjustment); Zhou & Reiter (2010),
The American Statistician 64, 159-163 (posteriors averaged over completed data sets).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.exact import ExactPosterior, fit_exact
from bayes_sf.engines.gaussian.posterior import Posterior
from bayes_sf.engines.panel.draws import Completed
from bayes_sf.engines.panel.fitted import PanelFit
from bayes_sf.engines.panel.quantities import QUANTITIES, loadings, realised
from bayes_sf.errors import DataError, UsageError
from bayes_sf.inputs.panel import Panel
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.priors import Priors

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EFFECTS", "PATTERNS", "completed_posterior", "delta_effects", "shifted_cells"]


#: Whose unobserved quarters are moved.
PATTERNS: Final = {
    "quarters": "every unobserved quarter",
    "unlinked": "quarters of workplaces that are not in the register",
    "new": "unobserved quarters of workplaces first seen after the first year",
    "small": "unobserved quarters of workplaces with less than the median of contracted days",
}
#: Quarters before the first observed one that make a workplace new.
_FIRST_YEAR = 4
#: Nodes for sigma and tau of each completed panel: the average is over many of them.
_NODES = (24, 32)


def shifted_cells(panel: Panel, pattern: str) -> NDArray[np.bool_]:
    """Which quarters a pattern moves, (N, T).

    Parameters
    ----------
    panel : Panel
        The panel.
    pattern : str
        One of `PATTERNS`.

    Raises
    ------
    UsageError
        For an unknown pattern.
    DataError
        For one that no quarter of the panel has.
    """
    if pattern not in PATTERNS:
        raise UsageError("pattern", f"must be one of {', '.join(PATTERNS)}", got=pattern)
    seen = panel.observed
    some = seen.any(axis=1)
    chosen = np.ones(len(seen), dtype=bool)
    if pattern == "unlinked":
        chosen = ~panel.linked
    elif pattern == "new":
        chosen = some & (seen.argmax(axis=1) >= _FIRST_YEAR)
    elif pattern == "small":
        days = np.full(len(seen), np.nan)
        days[some] = np.nanmedian(np.where(seen, panel.days, np.nan)[some], axis=1)
        chosen = days < np.nanmedian(days)
    cells = chosen[:, None] & ~seen
    if not cells.any():
        rule = f"must be one that this panel has ({PATTERNS[pattern]})"
        raise DataError("pattern", rule, got=pattern)
    return np.asarray(cells)


def completed_posterior(
    fit: PanelFit,
    done: Completed,
    *,
    quantity: str = "mean",
    priors: Priors | None = None,
    delta: float = 0.0,
    pattern: str = "quarters",
) -> Posterior:
    """Posterior of the random-intercept regression of a realised quantity, gaps filled in.

    Parameters
    ----------
    fit : PanelFit
        The panel model.
    done : Completed
        Its gaps filled in, many times.
    quantity : {"mean", "change", "trend"}
        The outcome: see `realised`.
    priors : Priors, optional
        Of this regression; the panel's own by default.
    delta : float
        What imputed quarters are moved by, pp.
    pattern : str
        Which of them: one of `PATTERNS`.
    """
    panel, given = fit.panel, priors or fit.spec.priors
    values = realised(done.y, panel.quarters, quantity)
    if delta:
        values = values + delta * (
            shifted_cells(panel, pattern) @ loadings(panel.quarters, quantity)
        )
    parts: list[ExactPosterior] = []
    for outcome, x in zip(values, done.x, strict=True):
        moments = Moments.from_arrays(
            np.column_stack([x, outcome]), panel.code, outcome=f"absence_{quantity}",
            predictors=panel.predictors, groups=panel.industries, group="industry",
        )  # fmt: skip
        start = parts[-1].box if parts else None  # completed panels are alike
        parts.append(fit_exact(moments, given.used(()), nodes=_NODES, start=start))
    return Posterior(tuple(parts))


def delta_effects(
    fit: PanelFit,
    done: Completed,
    *,
    term: str | Sequence[str],
    deltas: Sequence[float],
    quantity: str = "mean",
    pattern: str = "quarters",
    prob: float = 0.95,
) -> "pd.DataFrame":
    """Posterior of an effect at every delta.

    Parameters
    ----------
    fit, done, quantity, pattern
        As in `completed_posterior`.
    term : str or sequence of str
        A coefficient such as ``q13``, ``icc``, or ``industry[care]``: the average of the quantity
        over an industry's workplaces. Several cost hardly more than one.
    deltas : sequence of float
        Percentage points.
    prob : float
        Probability of the equal-tailed intervals.

    Returns
    -------
    pandas.DataFrame
        `pattern, quantity, term, delta, estimate` (mean), `sd, lower, upper, prob, interval,
        p_direction, n_cells, n_workplaces` (moved), `n, n_groups, unit`.

    Raises
    ------
    UsageError
        For an unknown term, quantity or pattern, or an impossible probability.
    """
    import pandas as pd

    if not 0 < prob < 1:
        raise UsageError("prob", "must lie between 0 and 1", got=prob)
    panel, cells = fit.panel, shifted_cells(fit.panel, pattern)
    known = (*fit.panel.predictors, "icc", *(f"industry[{name}]" for name in panel.industries))
    terms = (term,) if isinstance(term, str) else tuple(term)
    for name in terms:
        if name not in known:
            raise UsageError("term", f"must be one of {', '.join(known)}", got=name)
    ends, weights = [0.5 - 0.5 * prob, 0.5 + 0.5 * prob], loadings(panel.quarters, quantity)
    rows = []
    for delta in map(float, deltas):
        move = _Move(quantity, pattern, delta)
        told = dict(_of_industries(panel, done, terms, move, ends))
        slopes = [name for name in terms if name not in told]
        if slopes:
            told |= _of_posterior(completed_posterior(fit, done, **vars(move)), slopes, ends)
        rows += [{"term": name, "delta": delta, **told[name]} for name in terms]
    rows.sort(key=lambda row: terms.index(str(row["term"])))
    table = pd.DataFrame(rows)
    table.insert(0, "pattern", pattern)
    table.insert(1, "quantity", quantity)
    return table.assign(
        prob=prob, interval="credible-eti",
        n_cells=int((cells & (weights != 0)).sum()),
        n_workplaces=int((~np.isclose(cells @ weights, 0)).sum()),
        n=len(panel.code), n_groups=len(panel.industries),
        unit=["" if name == "icc" else QUANTITIES[quantity] for name in table["term"]],
    )[EFFECTS]  # fmt: skip


#: Columns of `delta_effects`.
EFFECTS: Final = [
    "pattern", "quantity", "term", "delta", "estimate", "sd", "lower", "upper", "prob", "interval",
    "p_direction", "n_cells", "n_workplaces", "n", "n_groups", "unit",
]  # fmt: skip


@dataclass(frozen=True)
class _Move:
    """Which quantity, whose gaps, and by how much."""

    quantity: str
    pattern: str
    delta: float


def _of_industries(
    panel: Panel, done: Completed, terms: Sequence[str], move: _Move, ends: list[float]
) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield what completed panels say of each ``industry[name]`` among the terms."""
    for name in terms:
        if name.startswith("industry["):
            draws = _industry_draws(panel, done, name[9:-1], move)
            lower, upper = np.quantile(draws, ends)
            yield name, _told(draws.mean(), draws.std(ddof=1), lower, upper, (draws > 0).mean())


def _of_posterior(
    posterior: Posterior, terms: Sequence[str], ends: list[float]
) -> dict[str, dict[str, float]]:
    """Slopes and ICC of a posterior, by term."""
    slopes = posterior.parts[0].moments.terms
    told = {}
    for name in terms:
        if name == "icc":
            lower, upper = posterior.quantile("icc", ends)
            told[name] = _told(posterior.mean("icc"), posterior.sd("icc"), lower, upper, np.nan)
        else:
            mixture = posterior.coef.take([slopes.index(name)])
            lower, upper = mixture.quantile(ends)[0]
            above = 1 - mixture.cdf(0.0)[0]
            told[name] = _told(mixture.mean()[0], mixture.sd()[0], lower, upper, above)
    return told


def _told(mean: float, sd: float, lower: float, upper: float, above: float) -> dict[str, float]:
    """One row's numbers; `above` is the probability of being above 0."""
    numbers = {"estimate": mean, "sd": sd, "lower": lower, "upper": upper}
    return {
        **{name: float(value) for name, value in numbers.items()},
        "p_direction": float(max(above, 1 - above)),
    }


def _industry_draws(panel: Panel, done: Completed, industry: str, move: _Move) -> Floats:
    """Average of a quantity over an industry's workplaces, (S,)."""
    weights = loadings(panel.quarters, move.quantity)
    mine = panel.code == panel.industries.index(industry)
    moved = move.delta * (shifted_cells(panel, move.pattern) @ weights)[mine].mean()
    return np.asarray(done.y[:, mine].mean(axis=1) @ weights + moved)
