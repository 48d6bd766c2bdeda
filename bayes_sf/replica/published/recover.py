"""What the printed t values say of the outcomes, before any workplace is invented.

A bivariate model on an item that every workplace answered sees of the outcome only its industry
means and its spread, and of the item its counts, which are published. Twenty such models share one
outcome.

- `absence_mean`: six industry means and the sum of squares within are fitted to the twenty
  intercept t's
  and to the two printed variance components; each slope's t gives its cross product.
- `absence_change`: REML sits at the boundary, so the fit is OLS and the intercept's t is
  R sqrt(q (n - 2 + t1^2)) - t1 sqrt(p), with t1 the slope's t, p = 1 - q the share choosing the
  option among the 420 and R = n mean / sqrt(n S_yy). Only R is unknown and common, and p n is an
  integer: R is scanned until all twenty find an integer, and the scale follows from the printed
  estimates.
"""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.inputs.published import scalar
from bayes_sf.replica.published.reml import Fit, Sums, fit
from bayes_sf.replica.published.targets import Target, targets
from bayes_sf.replica.survey.answers import Question, questions
from bayes_sf.replica.survey.strata import Stratum, stratum_sizes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Array = NDArray[np.float64]

__all__ = [
    "ChangeMoments",
    "MeanMoments",
    "bivariate",
    "change_moments",
    "chosen",
    "complete_counts",
    "complete_items",
    "fit_mean",
    "mean_moments",
    "scores",
]

_NEWTON_STEPS = 4
_SEARCH_STEPS = 20
_LONGEST_STEP = 0.4
_SETTLED = 1e-6


@dataclass(frozen=True)
class MeanMoments:
    """absence_mean of the 582: industry means (6,), in pp, and sum of squares within, in pp^2."""

    means: "Array"
    within: float


@dataclass(frozen=True)
class ChangeMoments:
    """absence_change of the 420: mean, in pp, and sum of squares about it, in pp^2."""

    mean: float
    total: float


def bivariate(table: str) -> dict[str, Target]:
    """Return the 30 models of table 46 or 47 by question; multi-response ones option by option."""
    return {target.question: target for target in targets() if target.table == table}


def scores(question: Question, n_terms: int) -> "Array":
    """Score categories as the models do, (C, n_terms - 1); NaN where the row drops out.

    Numeric with one slope for ordinal items and options; indicators of the second category and on
    for items with two or three unordered answers (the first, yes, is the reference).
    """
    codes = question.codes.astype(float)
    n_categories = len(codes)
    if question.key in {"q11", "q17"} or n_terms > 2:
        return np.eye(n_categories)[:, 1:]
    codes[~question.answered] = np.nan
    return codes[:, None]


def _mean_sums(counts: "Array", score: "Array", moments: MeanMoments, cross: "Array") -> Sums:
    """Sums of [1, x, y] for counts (..., 6, C) and cross products within (..., k - 1)."""
    kept = ~np.isnan(score).any(axis=1)
    cells, score = counts[..., kept].astype(float), score[kept]
    size = cells.sum(-1)
    column = cells @ score
    total = size * moments.means
    groups = np.concatenate([size[..., None], column, total[..., None]], axis=-1)
    k = score.shape[1] + 1
    products = np.zeros((*size.shape[:-1], k + 1, k + 1))
    products[..., 0, :] = products[..., :, 0] = groups.sum(-2)
    products[..., 1:k, 1:k] = np.einsum("...jc,ca,cb->...ab", cells, score, score)
    xy = np.einsum("...ja,j->...a", column, moments.means) + cross
    products[..., 1:k, k] = products[..., k, 1:k] = xy
    linked = stratum_sizes()[Stratum.FEW :].sum()
    spread = moments.within * (size.sum(-1) - len(moments.means)) / (linked - len(moments.means))
    products[..., k, k] = spread + (size * moments.means**2).sum(-1)
    return Sums(groups, products)


def fit_mean(counts: "Array", score: "Array", t: "Array", moments: MeanMoments) -> Fit:
    """Fit absence_mean on an item whose slopes have given t values.

    Parameters
    ----------
    counts : (..., 6, C) array
        Workplaces per industry and category.
    score : (C, k - 1) float array
        From `scores`.
    t : (k - 1,) float array
        t of the slopes, reached by Newton steps in the cross products of item and outcome within
        industries, which nothing else fixes.
    moments : MeanMoments
        Of the outcome.

    Returns
    -------
    Fit
        Batch axes of `counts`.
    """
    kept = ~np.isnan(score).any(axis=1)
    cells = counts[..., kept].astype(float)
    size = np.maximum(cells.sum(-1), 1.0)
    centre = cells @ score[kept] / size[..., None]
    about = np.einsum("...jc,ca->...a", cells, score[kept] ** 2) - np.einsum(
        "...j,...ja->...a", size, centre**2
    )
    sigma = np.sqrt(moments.within / stratum_sizes()[Stratum.FEW :].sum())
    step = sigma * np.sqrt(about)
    cross = t * step
    for _ in range(_NEWTON_STEPS):
        base = fit(_mean_sums(counts, score, moments, cross))
        gap = base.t[..., 1:] - t
        slopes = []
        for column in range(score.shape[1]):
            moved = cross.copy()
            moved[..., column] += 0.05 * step[..., column]
            change = fit(_mean_sums(counts, score, moments, moved)).t[..., 1:] - base.t[..., 1:]
            slopes.append(change / 0.05 / step[..., column, None])
        cross = cross - np.linalg.solve(np.stack(slopes, axis=-1), gap[..., None])[..., 0]
    return fit(_mean_sums(counts, score, moments, cross))


def complete_items() -> list[tuple[Question, Target, Target]]:
    """Items with two answers that all workplaces gave, with their models in tables 46 and 47."""
    mean, change = bivariate("46"), bivariate("47")
    found = []
    for key, question in questions().items():
        if key in mean and len(question.codes) == 2:
            found.append((question, mean[key], change[key]))
    return found


def complete_counts(unlinked: dict[str, "NDArray[np.int64]"]) -> "Array":
    """Counts of the complete items among the 582, (items, 6, 2), the predictor's category first.

    Without counts of the unlinked (6, C), an item's are taken in proportion to those of the 605.
    """
    linked = stratum_sizes()[Stratum.FEW :].sum(axis=0)
    found = []
    for question, _, _ in complete_items():
        known = unlinked.get(question.key)
        if known is None:
            counts = question.counts * (linked / question.counts.sum(axis=1))[:, None]
        else:
            counts = (question.counts - known).astype(float)
        first = chosen(question)
        found.append(counts[:, [first, 1 - first]])
    return np.array(found)


def mean_moments(counts: "Array", start: MeanMoments | None = None) -> MeanMoments:
    """Recover industry means and spread of absence_mean from table 46 and the variance components.

    Parameters
    ----------
    counts : (items, 6, 2) array
        From `complete_counts`.
    start : MeanMoments, optional
        By default the industries start in the order of their managers' own view (table 12).

    Returns
    -------
    MeanMoments
        By Gauss-Newton: least squares in the intercept t's; the variance components as printed.

    Examples
    --------
    From figures near them, which is faster:

    >>> near = MeanMoments(np.array([5.8, 4.3, 3.6, 8.4, 7.7, 5.1]), 4744.0)
    >>> mean_moments(complete_counts({}), near).means.round(2).tolist()
    [5.77, 4.34, 3.59, 8.42, 7.74, 5.13]
    """
    linked = stratum_sizes()[Stratum.FEW :].sum(axis=0)
    t = np.array([target.t for _, target, _ in complete_items()])
    components = 1e4 * np.array([scalar("var_between"), scalar("var_within")])

    def gaps(values: "Array") -> "Array":
        moments = MeanMoments(values[:-1], values[-1] * 1e3)
        fitted = fit_mean(counts, np.array([[1.0], [0.0]]), t[:, 1:], moments).t[:, 0]
        empty = fit(
            _mean_sums(linked[:, None].astype(float), np.zeros((1, 0)), moments, np.zeros(0))
        )
        variances = np.array([empty.ratio * empty.within, empty.within])
        return np.concatenate([(fitted - t[:, 0]) / 0.01, (variances / components - 1) / 1e-5])

    if start is None:
        view = questions()["q3"]
        total = view.counts[:, view.answered] @ view.codes[view.answered]
        opinion = total / view.counts.sum(axis=1)
        level = t[0, 0] * np.sqrt(components[0] / len(opinion))
        means = level + np.sqrt(components[0]) * (opinion - opinion.mean()) / opinion.std()
        start = MeanMoments(means, (linked.sum() - len(linked)) * components[1])
    values = np.append(start.means, start.within / 1e3)
    for _ in range(_SEARCH_STEPS):
        base = gaps(values)
        jacobian = np.stack(
            [(gaps(values + 1e-4 * row) - base) / 1e-4 for row in np.eye(len(values))], axis=1
        )
        step = np.linalg.lstsq(jacobian, base, rcond=None)[0]
        values = values - step / max(1.0, np.abs(step).max() / _LONGEST_STEP)
        if np.abs(step).max() < _SETTLED:
            break
    return MeanMoments(values[:-1], float(values[-1] * 1e3))


def chosen(question: Question) -> int:
    """Column of the category whose indicator is the model's predictor."""
    return 1 if question.key in {"q11", "q17"} else 0


@cache
def change_moments() -> ChangeMoments:
    """Recover mean and spread of absence_change from the complete items of table 47.

    Returns
    -------
    ChangeMoments
        The middle of what all printed figures of those models allow.

    Examples
    --------
    >>> round(change_moments().mean, 2), round((change_moments().total / 419) ** 0.5, 2)
    (0.57, 5.41)
    """
    n = int(stratum_sizes()[Stratum.CHANGE_BARE :].sum())
    surveyed = int(stratum_sizes().sum())
    ratios = np.arange(0.05, 0.2, 2e-6)
    fitting = np.zeros(len(ratios), int)
    models = []
    for question, _, target in complete_items():
        total = int(question.counts[:, chosen(question)].sum())
        possible = np.arange(max(1, total - (surveyed - n)), min(total, n - 1) + 1)
        share = possible / n
        t0, t1 = target.t
        slope, level = np.sqrt((1 - share) * (n - 2 + t1**2)), t1 * np.sqrt(share)
        slack = 5e-4 * (1 + np.sqrt(share))
        fits = np.zeros(len(ratios), bool)
        for at in range(len(possible)):
            fits |= np.abs(ratios * slope[at] - level[at] - t0) - slack[at] <= 0
        fitting += fits
        # Where several integers fit, the one nearest to what the 605 lead to expect.
        distance = np.abs(possible - total * n / surveyed)
        models.append((possible, slope, level + t0, slack, distance))
    best = np.flatnonzero(fitting == fitting.max())
    middle = int(best[len(best) // 2])
    integers = []
    for possible, slope, printed, slack, distance in models:
        excess = np.maximum(np.abs(ratios[middle] * slope - printed) - slack, 0.0)
        integers.append(possible[(excess + 1e-9 * distance).argmin()])
    low, high = 0.0, np.inf
    for (_, _, target), ones in zip(complete_items(), integers, strict=True):
        unit = np.sqrt([1 / (n - ones), 1 / ones + 1 / (n - ones)]) / np.sqrt(
            n - 2 + target.t[1] ** 2
        )
        low, high = max(low, *(target.se_low / unit)), min(high, *(target.se_high / unit))
    root = (low + high) / 2
    return ChangeMoments(float(ratios[middle] * root / np.sqrt(n)), float(root**2))
