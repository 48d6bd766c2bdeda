"""Outcomes per workplace such that all published models print as published.

From a plausible draw, each step fits every model, takes the derivatives of its t values and
standard errors by the outcomes, and makes the smallest change that mends them together: with J the
stacked derivatives, g the gaps, D the freedom of each outcome and T the tolerances,

    dy = -D J' (J D J' + T)^-1 g,

a Gauss-Newton step with a Gaussian penalty. The gap of a standard error is its distance from the
range that all printed figures of the coefficient allow.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.inputs.published import published_table, rounding_interval
from bayes_sf.replica.published.models import Model, sensitivities
from bayes_sf.replica.published.recover import ChangeMoments, MeanMoments
from bayes_sf.replica.survey.strata import workplaces

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from bayes_sf.replica.survey.respondents import Traits

    type Array = NDArray[np.float64]

__all__ = [
    "DECIMALS",
    "draw_change",
    "draw_mean",
    "like_figure_2",
    "solve_change",
    "solve_mean",
]

DECIMALS = 4
"""Decimals, in pp, to which outcomes are rounded before quarters are made of them.

Few enough that machines which differ in the ninth decimal write the same files; no printed figure
notices.
"""

# Standard deviation of absence_mean by stratum, in pp. Table 3's residuals are far less spread
# than figure 5's: those without all controls, and with few quarters, hold the difference.
_MEAN_SPREAD = (2.6, 5.5, 4.8, 2.3, 4.8, 2.3)
# By industry: construction is the most spread (figure 1).
_INDUSTRY_SPREAD = (1.3, 0.85, 0.85, 1.0, 1.0, 1.0)
_LOWEST_PART = 0.05
# Smaller workplaces vary more; a change is at most this many times the mean.
_SIZE_EFFECT, _LARGEST_CHANGE = -0.4, 2.5
# Shapes of the gamma distributions of the changes: the median of architects falls below their
# mean, the others' lie above (figure 2).
_FALLING, _FALLING_SHAPE, _RISING_SHAPE = 1, 1.5, 5.0
_FALLING_SHIFT = -1.0  # pp; within what leaves REML at the boundary
# Freedom of the 17 changes that only the bivariate models see.
_BARE_FREEDOM = 3.0

# Tolerance (standard deviation) of a t value, and of the log of a standard error or variance that
# is in its range already (and no more than a part of the range) or not yet.
_T, _HELD, _PART, _SOUGHT = 1e-4, 0.003, 0.3, 1e-4
# The two variance components have four and seven printed digits.
_COMPONENT = 1e-5
# Damping: no tolerance is tighter than this part of the larger of the present gaps.
_DAMPING, _LARGER, _STUCK = 0.3, 0.8, 1e4
_STEPS, _LONGEST, _SETTLED = 80, 1.0, 1e-5


@dataclass(frozen=True)
class _System:
    """Stacked gaps (m,), tolerances (m,) and derivatives (m, 605) of all models."""

    gap: "Array"
    tolerance: "Array"
    jacobian: "Array"

    @property
    def misfit(self) -> float:
        """Sum of squared gaps, in units of what is asked of each."""
        return float(((self.gap / np.minimum(self.tolerance, _SOUGHT)) ** 2).sum())


def draw_mean(traits: "Traits", moments: MeanMoments) -> "Array":
    """Draw absence_mean: gamma within strata, industry means as recovered, (605,), in pp."""
    from scipy import stats

    places = workplaces()
    centre = moments.means[places.industry]
    spread = np.array(_MEAN_SPREAD)[places.stratum] * np.exp(_SIZE_EFFECT * traits.size)
    spread = spread * np.array(_INDUSTRY_SPREAD)[places.industry]
    rank = stats.norm.cdf(traits.absence)
    drawn = stats.gamma.ppf(rank, (centre / spread) ** 2, scale=spread**2 / centre)
    drawn = np.maximum(drawn, _LOWEST_PART * centre)
    for industry, mean in enumerate(moments.means):
        members = places.industry == industry
        drawn[members] *= mean / drawn[members & places.linked].mean()
    return np.asarray(drawn)


def _change_scale(traits: "Traits", mean: "Array") -> "Array":
    """Relative spread of the changes: larger where workplaces are small or absence is high."""
    return np.asarray(np.exp(_SIZE_EFFECT * traits.size) * np.minimum(np.sqrt(mean), 0.8 * mean))


def draw_change(
    rng: np.random.Generator, traits: "Traits", mean: "Array", moments: ChangeMoments
) -> "Array":
    """Draw absence_change, (605,): about equal in mean between industries, 0 beyond the 420."""
    places = workplaces()
    falling = places.industry == _FALLING
    shape = np.where(falling, _FALLING_SHAPE, _RISING_SHAPE)
    noise = (rng.gamma(shape) - shape) / np.sqrt(shape) * np.where(falling, 1.0, -1.0)
    drawn = noise * _change_scale(traits, mean) * places.change
    drawn = np.clip(drawn, -_LARGEST_CHANGE * mean, _LARGEST_CHANGE * mean)
    for industry in range(int(places.industry.max()) + 1):
        members = places.change & (places.industry == industry)
        drawn[members] -= drawn[members].mean()
    drawn *= np.sqrt(moments.total / (drawn**2).sum())
    drawn[falling] += _FALLING_SHIFT
    drawn -= drawn[places.change].mean()
    return np.where(places.change, drawn + moments.mean, 0.0)


def like_figure_2(change: "Array") -> bool:
    """Whether the median change (605,) is a rise in every industry but architects."""
    places = workplaces()
    medians = [
        np.median(change[places.change & (places.industry == industry)])
        for industry in range(len(_INDUSTRY_SPREAD))
    ]
    return all((median <= 0) == (number == _FALLING) for number, median in enumerate(medians))


def _ranges(model: Model) -> tuple["Array", "Array"]:
    """Logarithms of what the standard errors, or else the two variances, may be, (m,) each."""
    if model.target is not None:
        return np.log(model.target.se_low), np.log(model.target.se_high)
    printed = published_table("scalars").set_index("name")["value"]
    names = ("var_between", "var_within")
    ends = np.log([np.multiply(1e4, rounding_interval(printed[name])) for name in names])
    inward = 0.3 * (ends[:, 1] - ends[:, 0])
    return ends[:, 0] + inward, ends[:, 1] - inward


def _stack(models: list[Model], outcome: "Array") -> _System:
    """Collect gaps and derivatives of all models."""
    gaps, tolerances, rows = [], [], []
    for model in models:
        values, by_row = sensitivities(model, outcome)
        low, high = _ranges(model)
        n_t = len(values) - len(low)
        outside = values[n_t:] - np.clip(values[n_t:], low, high)
        held = np.where(outside == 0, np.minimum(_HELD, _PART * (high - low)), _SOUGHT)
        if model.target is None:
            held = np.full(len(outside), _COMPONENT)
        else:
            outside = np.concatenate([values[:n_t] - model.target.t, outside])
        gaps.append(outside)
        tolerances.append(np.concatenate([np.full(n_t, _T), held]))
        jacobian = np.zeros((len(values), len(outcome)))
        jacobian[:, model.rows] = by_row
        rows.append(jacobian)
    return _System(np.concatenate(gaps), np.concatenate(tolerances), np.concatenate(rows))


def _solve(
    outcome: "Array",
    models: list[Model],
    freedom: "Callable[[Array], Array]",
    move: "Callable[[Array, Array], Array]",
) -> "Array":
    """Change outcomes until the models print as published or nothing more is gained.

    A step that widens the gaps is not taken; the next one is damped more (Levenberg & Marquardt).
    """
    system, damping = _stack(models, outcome), _DAMPING
    for _ in range(_STEPS):
        scale = freedom(outcome)
        free = scale > 0
        scaled = system.jacobian[:, free] * scale[free]
        present = np.quantile(np.abs(system.gap), _LARGER)
        tolerance = np.maximum(system.tolerance, damping * present)
        inner = scaled @ scaled.T + np.diag(tolerance**2)
        step = -scaled.T @ np.linalg.solve(inner, system.gap)
        longest = np.abs(step).max()
        change = np.zeros(len(outcome))
        change[free] = scale[free] * step * min(1.0, _LONGEST / longest)
        proposed = move(outcome, change)
        reached = _stack(models, proposed)
        if reached.misfit < system.misfit:
            outcome, system, damping = proposed, reached, damping / 2
        else:
            damping *= 4
        if longest < _SETTLED or damping > _STUCK:
            break
    return outcome.round(DECIMALS)


def solve_mean(drawn: "Array", models: list[Model]) -> "Array":
    """Solve for absence_mean.

    Parameters
    ----------
    drawn : (605,) float array
        Start, above zero.
    models : list of Model
        With the model without predictors, for the variance components.

    Returns
    -------
    (605,) float array
        In pp, above zero: steps are taken on the log scale.
    """
    linked = workplaces().linked

    def freedom(outcome: "Array") -> "Array":
        return 0.5 * np.sqrt(outcome) * np.minimum(1.0, outcome / 2) * linked

    return _solve(drawn, models, freedom, lambda y, change: y * np.exp(change / y))


def solve_change(drawn: "Array", models: list[Model], traits: "Traits", mean: "Array") -> "Array":
    """Solve for absence_change; the freedom of each is as its spread in `draw_change`."""
    places = workplaces()
    scale = _change_scale(traits, mean) * places.change
    scale = scale * np.where(places.full, 1.0, _BARE_FREEDOM)
    return _solve(drawn, models, lambda _: scale, lambda y, change: y + change)
