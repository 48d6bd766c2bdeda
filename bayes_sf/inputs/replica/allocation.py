"""How many of each answer are among the unlinked and among the 420, industry by industry.

The published counts are of all 605, the models are on subsets. Which answers the missing workplaces gave
decides the items' means in each model, hence the intercept's t given the slope's (`recover`): for each
item, the counts are searched that return it. Ordinary draws (hypergeometric) come close already, which is
what one expects of the true ones.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.published import scalar
from bayes_sf.inputs.replica.answers import DONT_KNOW, NOT_ASKED, Question, questions
from bayes_sf.inputs.replica.recover import (
    MeanMoments,
    bivariate,
    change_moments,
    complete_counts,
    complete_items,
    fit_mean,
    mean_moments,
    scores,
)
from bayes_sf.inputs.replica.strata import Stratum, stratum_sizes

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from bayes_sf.inputs.replica.targets import Target

    type Array = NDArray[np.float64]
    type Counts = NDArray[np.int64]

__all__ = ["Allocation", "allocate"]

# Draws of the unlinked per item, and starts of the search among the 420.
_DRAWS, _STARTS = 600, 5
# Times that moments and counts of the complete items are fitted to each other.
_ROUNDS = 4
# Tolerances of an intercept's t: where the item is complete nothing later can mend it; otherwise the
# outcomes of those who did not answer can.
_EXACT, _LOOSE = 1.5e-4, 0.05
# Where not all answered, the answering workplaces may be less spread than all: factors of the sum of
# squares, and the standard deviation of a factor's logarithm per share that did not answer.
_SPREADS, _NARROW = (1.0, 0.95, 0.9, 0.8, 0.7), 0.25
# Pairs of moves tried where no single move helps.
_PAIRS = 3000
# Weights of the intercept's and the slopes' standard errors outside their ranges, in widths of the range,
# by tolerance, and weight of unlikely counts.
_OUTSIDE = {_EXACT: (1e4, 1e4), _LOOSE: (100.0, 2000.0)}
_UNLIKELY = 0.02
# The smallest model of both tables is taken to be q20r3, asked of those with q19r3 large or very large.
_SMALLEST = "q20r3"


@dataclass(frozen=True)
class Allocation:
    """Counts (6, C) of one item's categories among the unlinked and among the 420."""

    unlinked: "Counts"
    change: "Counts"


def _penalty(reached: "Array", target: "Target", tolerance: float) -> "Array":
    """Cost of standard errors (..., k) outside their printed ranges, by squared widths."""
    width = target.se_high - target.se_low
    outside = np.maximum(target.se_low - reached, 0) + np.maximum(reached - target.se_high, 0)
    of_intercept, of_slopes = _OUTSIDE[tolerance]
    weight = np.r_[of_intercept, np.full(len(width) - 1, of_slopes)]
    return (weight * (outside / width) ** 2).sum(-1)


def _surprise(counts: "Array", expected: "Array") -> "Array":
    """Pearson's distance of counts (..., 6, C) from what is expected, summed."""
    return ((counts - expected) ** 2 / (expected + 0.5)).sum((-1, -2))


def _mean_cost(
    unlinked: "Counts",
    question: Question,
    target: "Target",
    moments: MeanMoments,
    tolerance: float,
    spread: float = 1.0,
) -> "Array":
    """Cost of a batch of unlinked counts in table 46."""
    linked = question.counts - unlinked
    moments = replace(moments, within=moments.within * spread)
    fitted = fit_mean(linked, scores(question, len(target.t)), target.t[1:], moments)
    gap = (fitted.t[..., 0] - target.t[0]) / tolerance
    return gap**2 + _penalty(fitted.se, target, tolerance)


def _change_cost(
    change: "Counts", question: Question, target: "Target", tolerance: float, spread: float = 1.0
) -> "Array":
    """Cost of a batch of counts among the 420 in table 47, by OLS in closed form.

    With slopes b = sigma v, v_i = t_i sqrt(C_ii) and C = S_xx^-1: sigma^2 = S_yy / (n - k + v' S_xx v).
    """
    moments = change_moments()
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
    total = spread * moments.total * n / change.sum((-1, -2))
    sigma = np.sqrt(total / (n - len(target.t) + gain))
    lever = 1 / n + np.einsum("...a,...ab,...b->...", centre, inverse, centre)
    intercept = moments.mean - sigma * (centre * scale).sum(-1)
    se = sigma[..., None] * np.sqrt(np.concatenate([lever[..., None], diagonal], axis=-1))
    gap = (intercept / se[..., 0] - target.t[0]) / tolerance
    return gap**2 + _penalty(se, target, tolerance)


def _best_spread(cost: "Callable[[float], Array]", silent: float) -> "Array":
    """Cost at the spread that suits each table best, where a share did not answer."""
    spreads = _SPREADS if silent else (1.0,)
    prior = _NARROW * max(silent, 1e-9)
    return np.min([cost(value) + (np.log(value) / prior) ** 2 for value in spreads], axis=0)


def _draw(
    rng: np.random.Generator, available: "Counts", rows: "Counts", n_draws: int
) -> "Counts":
    """Draw `rows` workplaces per industry without replacement, (n_draws, 6, C)."""
    return np.stack(
        [
            rng.multivariate_hypergeometric(cells, size, size=n_draws)
            for cells, size in zip(available, rows, strict=True)
        ],
        axis=1,
    )


def _moves(size: int, movable: "NDArray[np.bool_]") -> "Counts":
    """All changes of one workplace's category within an industry, (m, size, C)."""
    columns = np.flatnonzero(movable)
    moves = []
    for industry in range(size):
        for gains in columns:
            for loses in columns[columns != gains]:
                move = np.zeros((size, len(movable)), dtype=np.int64)
                move[industry, gains], move[industry, loses] = 1, -1
                moves.append(move)
    return np.array(moves)


def _descend(
    rng: np.random.Generator,
    start: "Counts",
    available: "Counts",
    movable: "NDArray[np.bool_]",
    cost: "Callable[[Counts], Array]",
    pairs: int = _PAIRS,
) -> tuple["Counts", float]:
    """Change one workplace at a time, or two where one does not help, while that lowers the cost."""
    current, value = start, float(cost(start[None])[0])
    single = _moves(len(start), movable)
    first, second = rng.integers(len(single), size=(2, pairs))
    for moves in (single, single[first] + single[second], single):
        while True:
            candidates = current + moves
            candidates = candidates[((candidates >= 0) & (candidates <= available)).all((1, 2))]
            costs = cost(candidates)
            if not len(costs) or costs.min() >= value - 1e-9:
                break
            current, value = candidates[int(costs.argmin())], float(costs.min())
    return current, value


def _filtered(question: Question, asked: "Allocation", parent: Question) -> Allocation:
    """Counts whose `NOT_ASKED` column follows from who was asked; other columns are still empty.

    The few who were asked and did not know stand in the same column: they are taken from those who are
    linked without a change as far as there are any, then from the 420, then from the unlinked.
    """
    item = load_codebook().items[question.key]
    assert item.asked_if is not None
    codes = [load_codebook().items[parent.key].category(name).code for name in item.asked_if.any_of]
    eligible = np.isin(parent.codes, codes)
    total = parent.counts[:, eligible].sum(axis=1)
    unlinked, change = (part[:, eligible].sum(axis=1) for part in (asked.unlinked, asked.change))
    unknowing = total - question.counts[:, question.answered].sum(axis=1)
    left = np.maximum(unknowing - (total - unlinked - change), 0)
    from_change = np.minimum(left, change)
    sizes = stratum_sizes()
    parts = []
    for rows, answering in (
        (sizes[Stratum.UNLINKED], unlinked - (left - from_change)),
        (sizes[Stratum.CHANGE_BARE :].sum(axis=0), change - from_change),
    ):
        counts = np.zeros_like(question.counts)
        counts[:, ~question.answered] = (rows - answering)[:, None]
        parts.append(counts)
    return Allocation(*parts)


@dataclass(frozen=True)
class Margin:
    """Totals that a set of categories must have among the unlinked and among the 420."""

    columns: "NDArray[np.bool_]"
    unlinked: int
    change: int


def _silent(question: Question) -> float:
    """Share of the 605 without an answer that the models use; 0 where those left out are known."""
    unused = np.isnan(scores(question, len(bivariate("46")[question.key].t))).any(axis=1)
    share = float(question.counts[:, unused].sum() / question.counts.sum())
    return 0.0 if question.key == "q13" else share


def _tolerance(question: Question) -> float:
    """Tolerance of the intercept's t."""
    return _LOOSE if _silent(question) else _EXACT


def _allocate_unlinked(
    rng: np.random.Generator,
    question: Question,
    moments: MeanMoments,
    fixed: "Counts | None" = None,
    margin: Margin | None = None,
) -> "Counts":
    """Choose the answers of the unlinked, (6, C)."""
    target, tolerance = bivariate("46")[question.key], _tolerance(question)
    rows = stratum_sizes()[Stratum.UNLINKED]
    expected = question.counts * (rows / question.counts.sum(axis=1))[:, None]
    answers = question.counts
    if fixed is None:
        fixed = np.zeros_like(question.counts)
        if question.key == "q13":  # figure 5 has all 572: its three don't-knows are not linked
            fixed = np.where(question.answered, 0, question.counts)
            answers = np.where(question.answered, question.counts, 0)
    else:
        answers = np.where(question.answered, question.counts, 0)

    def cost(counts: "Counts") -> "Array":
        value = _best_spread(
            lambda spread: _mean_cost(counts, question, target, moments, tolerance, spread),
            _silent(question),
        )
        if margin is not None:
            value = value + 1e3 * (counts[..., margin.columns].sum((-1, -2)) - margin.unlinked) ** 2
        return value + _UNLIKELY * _surprise(counts, expected)

    draws = np.unique(fixed + _draw(rng, answers, rows - fixed.sum(axis=1), _DRAWS), axis=0)
    best = draws[np.argsort(cost(draws), kind="stable")[:_STARTS]]
    if tolerance == _EXACT:
        return best[0]
    found = [
        _descend(rng, start, question.counts, question.answered, cost, pairs=0) for start in best
    ]
    return min(found, key=lambda pair: pair[1])[0]


def _allocate_change(
    rng: np.random.Generator,
    question: Question,
    unlinked: "Counts",
    fixed: "Counts | None" = None,
    margin: Margin | None = None,
) -> "Counts":
    """Choose the answers of the 420, (6, C), given those of the unlinked."""
    target, tolerance = bivariate("47")[question.key], _tolerance(question)
    available = question.counts - unlinked
    rows = stratum_sizes()[Stratum.CHANGE_BARE :].sum(axis=0)
    expected = available * (rows / available.sum(axis=1))[:, None]

    def cost(counts: "Counts") -> "Array":
        value = _best_spread(
            lambda spread: _change_cost(counts, question, target, tolerance, spread),
            _silent(question),
        )
        if margin is not None:
            value = value + 1e3 * (counts[..., margin.columns].sum((-1, -2)) - margin.change) ** 2
        return value + _UNLIKELY * _surprise(counts, expected)

    answers, movable = available, np.ones(len(question.codes), dtype=bool)
    if fixed is None:
        fixed = np.zeros_like(question.counts)
    else:
        answers, movable = np.where(question.answered, available, 0), question.answered
    starts = fixed + _draw(rng, answers, rows - fixed.sum(axis=1), _STARTS)
    found = [_descend(rng, start, available, movable, cost) for start in starts]
    return min(found, key=lambda pair: pair[1])[0]


def _allocate_complete(rng: np.random.Generator) -> tuple[dict[str, "Counts"], MeanMoments]:
    """Choose the unlinked's answers to the complete items, and the moments that go with them."""
    unlinked: dict[str, Counts] = {}
    moments = mean_moments(complete_counts(unlinked))
    for _ in range(_ROUNDS):
        for question, _, _ in complete_items():
            unlinked[question.key] = _allocate_unlinked(rng, question, moments)
        moments = mean_moments(complete_counts(unlinked), moments)
    return unlinked, moments


def allocate(rng: np.random.Generator) -> tuple[dict[str, Allocation], MeanMoments]:
    """Allocate the answers to all items of tables 46 and 47.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    dict
        Allocation by column of the survey file.
    MeanMoments
        Industry means and spread of absence_mean that the allocation was made for.
    """
    book, everything = load_codebook(), questions()
    filters = {key: book.items[key].asked_if for key in bivariate("46")}
    smallest = filters[_SMALLEST]
    assert smallest is not None
    complete, moments = _allocate_complete(rng)
    found: dict[str, Allocation] = {}
    for key, asked_if in sorted(filters.items(), key=lambda pair: pair[1] is not None):
        question = everything[key]
        fixed = margin = None
        if asked_if is not None:
            fixed = _filtered(question, found[asked_if.item], everything[asked_if.item])
        elif key == smallest.item:
            codes = [book.items[key].category(name).code for name in smallest.any_of]
            columns = np.isin(question.codes, codes)
            asked = int(question.counts[:, columns].sum())
            margin = Margin(
                columns,
                unlinked=asked - int(scalar("n_table46_min")),
                change=int(scalar("n_table47_min")),
            )
        unlinked = complete.get(key)
        if unlinked is None:
            unlinked = _allocate_unlinked(
                rng, question, moments, None if fixed is None else fixed.unlinked, margin
            )
        change = _allocate_change(
            rng, question, unlinked, None if fixed is None else fixed.change, margin
        )
        found[key] = Allocation(unlinked, change)
    return found, moments
