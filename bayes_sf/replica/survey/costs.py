"""How far counts of an item are from what tables 46 and 47 print of its models.

Both costs take a batch of counts (..., 6, C), let the slopes have their printed t, and weigh the
gap of the intercept's t, standard errors outside their printed ranges, and unlikely counts.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.replica.published.recover import (
    MeanMoments,
    bivariate,
    change_moments,
    fit_mean,
    scores,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from bayes_sf.replica.published.targets import Target
    from bayes_sf.replica.survey.answers import Question

    type Array = NDArray[np.float64]
    type Counts = NDArray[np.int64]

__all__ = ["Strictness", "change_cost", "mean_cost", "strictness", "surprise"]

# Where not all answered, those who did may be less spread than all: factors of the sum of squares,
# and the standard deviation of a factor's logarithm per share that did not answer.
_SPREADS, _NARROW = (1.0, 0.95, 0.9, 0.8, 0.7), 0.25
_UNLIKELY = 0.02


@dataclass(frozen=True)
class Strictness:
    """What counts of an item must do by themselves.

    Parameters
    ----------
    silent : float
        Share of the 605 whose answer the model does not use. Where it is zero, nothing but the
        counts decides the intercept; otherwise the outcomes of those who did not answer help.
    t : float
        Tolerance of the intercept's t.
    of_intercept, of_slopes : float
        Weights of standard errors outside their ranges, in squared widths of the range.
    """

    silent: float
    t: float
    of_intercept: float
    of_slopes: float


def strictness(question: "Question") -> Strictness:
    """Tell how strictly an item's counts are judged."""
    unused = np.isnan(scores(question, len(bivariate("46")[question.key].t))).any(axis=1)
    silent = float(question.counts[:, unused].sum() / question.counts.sum())
    # q13's three don't-knows are not linked (`allocation`), so its models have all workplaces.
    if silent == 0 or question.key == "q13":
        return Strictness(0.0, t=1.5e-4, of_intercept=1e4, of_slopes=1e4)
    return Strictness(silent, t=0.05, of_intercept=1e2, of_slopes=2e3)


def _distance(t: "Array", se: "Array", target: "Target", strict: Strictness) -> "Array":
    """Cost of the intercept's t (...,) and of standard errors (..., k)."""
    width = target.se_high - target.se_low
    outside = np.maximum(target.se_low - se, 0) + np.maximum(se - target.se_high, 0)
    weight = np.full(len(width), strict.of_slopes)
    weight[0] = strict.of_intercept
    gap = (t - target.t[0]) / strict.t
    return np.asarray(gap**2 + (weight * (outside / width) ** 2).sum(-1))


def _at_best_spread(cost: "Callable[[float], Array]", strict: Strictness) -> "Array":
    """Cost at the spread of the answering workplaces that suits each batch best."""
    if strict.silent == 0:
        return cost(1.0)
    prior = _NARROW * strict.silent
    costs = [cost(spread) + (np.log(spread) / prior) ** 2 for spread in _SPREADS]
    return np.asarray(np.min(costs, axis=0))


def mean_cost(question: "Question", linked: "Counts", moments: MeanMoments) -> "Array":
    """Cost of counts among the 582 in table 46.

    Parameters
    ----------
    question : Question
    linked : (..., 6, C) int array
    moments : MeanMoments
        Of absence_mean.

    Returns
    -------
    (...,) float array
    """
    target, strict = bivariate("46")[question.key], strictness(question)

    def cost(spread: float) -> "Array":
        narrowed = replace(moments, within=moments.within * spread)
        fitted = fit_mean(
            linked.astype(float), scores(question, len(target.t)), target.t[1:], narrowed
        )
        return _distance(fitted.t[..., 0], fitted.se, target, strict)

    return _at_best_spread(cost, strict)


def change_cost(question: "Question", change: "Counts") -> "Array":
    """Cost of counts among the 420 in table 47, by least squares in closed form.

    With slopes b = sigma v, v_i = t_i sqrt(C_ii) and C = S_xx^-1, the residual variance is
    sigma^2 = S_yy / (n - k + v' S_xx v).

    Parameters
    ----------
    question : Question
    change : (..., 6, C) int array

    Returns
    -------
    (...,) float array
    """
    target, strict, moments = bivariate("47")[question.key], strictness(question), change_moments()
    # Without a variance between industries there is no second way to mend the intercept's error.
    firm = replace(strict, of_intercept=strict.of_slopes)
    score = scores(question, len(target.t))
    kept = ~np.isnan(score).any(axis=1)
    cells, score = change[..., kept].sum(-2).astype(float), score[kept]
    n = cells.sum(-1)
    centre = cells @ score / n[..., None]
    about = np.einsum("...c,ca,cb->...ab", cells, score, score)
    about = about - n[..., None, None] * centre[..., :, None] * centre[..., None, :]
    inverse = np.linalg.inv(about + 1e-9 * np.eye(about.shape[-1]))
    diagonal = np.diagonal(inverse, axis1=-2, axis2=-1)
    scale = target.t[1:] * np.sqrt(diagonal)
    gain = np.einsum("...a,...ab,...b->...", scale, about, scale)
    lever = 1 / n + np.einsum("...a,...ab,...b->...", centre, inverse, centre)
    length = np.sqrt(np.concatenate([lever[..., None], diagonal], axis=-1))

    def cost(spread: float) -> "Array":
        total = spread * moments.total * n / change.sum((-1, -2))
        sigma = np.sqrt(total / (n - len(target.t) + gain))
        intercept = moments.mean - sigma * (centre * scale).sum(-1)
        se = sigma[..., None] * length
        return _distance(intercept / se[..., 0], se, target, firm)

    return _at_best_spread(cost, strict)


def surprise(counts: "Counts", expected: "Array") -> "Array":
    """Cost of counts (..., 6, C) that are far from what is expected, after Pearson."""
    return np.asarray(_UNLIKELY * ((counts - expected) ** 2 / (expected + 0.5)).sum((-1, -2)))
