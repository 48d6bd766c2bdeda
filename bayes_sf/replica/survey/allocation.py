"""How many of each answer are among the unlinked and among the 420, industry by industry.

The published counts are of all 605, the models are on subsets. Which answers the missing workplaces
gave decides the items' means in each model, hence the intercept's t given the slopes' (`recover`):
for each item, counts are searched that return it. Ordinary draws (hypergeometric) come close
already, which is what one expects of the true ones.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.published import scalar
from bayes_sf.replica.published.recover import (
    MeanMoments,
    bivariate,
    complete_counts,
    complete_items,
    mean_moments,
)
from bayes_sf.replica.survey.answers import Question, questions
from bayes_sf.replica.survey.costs import change_cost, mean_cost, strictness, surprise
from bayes_sf.replica.survey.strata import Stratum, stratum_sizes

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    type Array = NDArray[np.float64]
    type Counts = NDArray[np.int64]
    type Mask = NDArray[np.bool_]

__all__ = ["Allocation", "allocate"]

# Draws per item, and how many of the best are improved step by step.
_DRAWS, _STARTS = 600, 5
# Pairs of steps tried where no single step helps and the cost is cheap.
_PAIRS = 3000
# Times that the moments of absence_mean and the counts of complete items are fitted to each other.
_ROUNDS = 4
# Weight of a squared difference from the size of the smallest model.
_SIZE_WEIGHT = 1e3
# The smallest model of both tables is taken to be that of q20r3; who was asked it decides its size.
_SMALLEST = "q20r3"


@dataclass(frozen=True)
class Allocation:
    """Counts (6, C) of one item's categories among the unlinked and among the 420."""

    unlinked: "Counts"
    change: "Counts"


@dataclass(frozen=True)
class _Search:
    """Counts wanted of one item in one subset.

    Parameters
    ----------
    rows : (6,) int array
        Size of the subset by industry.
    available : (6, C) int array
        Upper bound of the counts.
    fixed : (6, C) int array
        Counts known beforehand.
    free : (C,) bool array
        Categories whose counts are searched.
    """

    rows: "Counts"
    available: "Counts"
    fixed: "Counts"
    free: "Mask"

    def draw(self, rng: np.random.Generator) -> "Counts":
        """Draw the free counts without replacement; distinct results, (draws, 6, C)."""
        free = np.where(self.free, self.available, 0)
        missing = self.rows - self.fixed.sum(axis=1)
        drawn = [
            rng.multivariate_hypergeometric(cells, size, size=_DRAWS)
            for cells, size in zip(free, missing, strict=True)
        ]
        return np.unique(self.fixed + np.stack(drawn, axis=1), axis=0)

    def expected(self) -> "Array":
        """Counts in proportion to what is available, (6, C)."""
        return np.asarray(self.available * (self.rows / self.available.sum(axis=1))[:, None])

    def steps(self) -> "Counts":
        """All changes of one workplace's answer within an industry, (m, 6, C)."""
        columns = np.flatnonzero(self.free)
        steps = []
        for industry in range(len(self.rows)):
            for gains in columns:
                for loses in columns[columns != gains]:
                    step = np.zeros(self.available.shape, dtype=np.int64)
                    step[industry, gains], step[industry, loses] = 1, -1
                    steps.append(step)
        return np.array(steps)

    def descend(
        self,
        rng: np.random.Generator,
        start: "Counts",
        cost: "Callable[[Counts], Array]",
        *,
        pairs: int,
    ) -> tuple[float, "Counts"]:
        """Change the answers of one workplace, or of two, while that lowers the cost."""
        current, value = start, float(cost(start[None])[0])
        single = self.steps()
        first, second = rng.integers(len(single), size=(2, pairs))
        for steps in (single, single[first] + single[second], single):
            while True:
                reached = current + steps
                reached = reached[((reached >= 0) & (reached <= self.available)).all((1, 2))]
                costs = cost(reached) if len(reached) else np.array([np.inf])
                if costs.min() >= value - 1e-9:
                    break
                current, value = reached[int(costs.argmin())], float(costs.min())
        return value, current


def _search(
    question: Question, rows: "Counts", available: "Counts", fixed: "Counts | None"
) -> _Search:
    """Set up a search; `fixed` holds the counts of those not asked, where there is a filter."""
    free = np.ones(len(question.codes), dtype=bool) if fixed is None else question.answered
    return _Search(rows, available, np.zeros_like(available) if fixed is None else fixed, free)


def _size_cost(counts: "Counts", asked: "Mask | None", size: int) -> "Array | float":
    """Cost of a subset in which not `size` workplaces were asked the item of the smallest model."""
    if asked is None:
        return 0.0
    return np.asarray(_SIZE_WEIGHT * (counts[..., asked].sum((-1, -2)) - size) ** 2)


def _allocate_unlinked(
    rng: np.random.Generator,
    question: Question,
    moments: MeanMoments,
    fixed: "Counts | None" = None,
    asked: "Mask | None" = None,
) -> "Counts":
    """Choose the answers of the unlinked, (6, C)."""
    if question.key == "q13":  # figure 5 has all 572: its three don't-knows are not linked
        fixed = np.where(question.answered, 0, question.counts)
    search = _search(question, stratum_sizes()[Stratum.UNLINKED], question.counts, fixed)
    size = 0 if asked is None else int(question.counts[:, asked].sum() - scalar("n_table46_min"))

    def cost(counts: "Counts") -> "Array":
        of_table = mean_cost(question, question.counts - counts, moments)
        return of_table + _size_cost(counts, asked, size) + surprise(counts, search.expected())

    draws = search.draw(rng)
    best = draws[np.argsort(cost(draws), kind="stable")[:_STARTS]]
    if strictness(question).silent == 0:
        return np.asarray(best[0])
    return min((search.descend(rng, one, cost, pairs=0) for one in best), key=_value)[1]


def _allocate_change(
    rng: np.random.Generator,
    question: Question,
    unlinked: "Counts",
    fixed: "Counts | None" = None,
    asked: "Mask | None" = None,
) -> "Counts":
    """Choose the answers of the 420, (6, C), given those of the unlinked."""
    rows = stratum_sizes()[Stratum.CHANGE_BARE :].sum(axis=0)
    search = _search(question, rows, question.counts - unlinked, fixed)
    size = int(scalar("n_table47_min"))

    def cost(counts: "Counts") -> "Array":
        of_table = change_cost(question, counts)
        return of_table + _size_cost(counts, asked, size) + surprise(counts, search.expected())

    draws = search.draw(rng)
    best = draws[np.argsort(cost(draws), kind="stable")[:_STARTS]]
    return min((search.descend(rng, one, cost, pairs=_PAIRS) for one in best), key=_value)[1]


def _value(found: tuple[float, "Counts"]) -> float:
    """Cost of a search's result."""
    return found[0]


def _asked(question: Question, parent: Question) -> "Mask":
    """Which answers to `parent` lead to `question`, (C,)."""
    item = load_codebook().items[question.key]
    assert item.asked_if is not None
    gate = load_codebook().items[parent.key]
    return np.isin(parent.codes, [gate.category(name).code for name in item.asked_if.any_of])


def _not_asked(question: Question, gate: Allocation, parent: Question) -> Allocation:
    """Counts of those not asked, (6, C) with zeros elsewhere.

    The few who were asked and did not know stand in the same column: they are taken from those who
    are linked without a change as far as there are any, then from the 420, then from the unlinked.
    """
    asked = _asked(question, parent)
    total = parent.counts[:, asked].sum(axis=1)
    unlinked, change = (part[:, asked].sum(axis=1) for part in (gate.unlinked, gate.change))
    unknowing = total - question.counts[:, question.answered].sum(axis=1)
    beyond = np.maximum(unknowing - (total - unlinked - change), 0)
    from_change = np.minimum(beyond, change)

    def column(rows: "Counts", answering: "Counts") -> "Counts":
        return np.where(question.answered, 0, (rows - answering)[:, None])

    sizes = stratum_sizes()
    return Allocation(
        column(sizes[Stratum.UNLINKED], unlinked - (beyond - from_change)),
        column(sizes[Stratum.CHANGE_BARE :].sum(axis=0), change - from_change),
    )


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
    items, everything = load_codebook().items, questions()
    unlinked, moments = _allocate_complete(rng)
    found: dict[str, Allocation] = {}
    smallest = items[_SMALLEST].asked_if
    for key in sorted(bivariate("46"), key=lambda key: items[key].asked_if is not None):
        question, asked_if = everything[key], items[key].asked_if
        fixed_unlinked = fixed_change = asked = None
        if asked_if is not None:
            fixed = _not_asked(question, found[asked_if.item], everything[asked_if.item])
            fixed_unlinked, fixed_change = fixed.unlinked, fixed.change
        elif smallest is not None and key == smallest.item:
            asked = _asked(everything[_SMALLEST], question)
        if key not in unlinked:
            unlinked[key] = _allocate_unlinked(rng, question, moments, fixed_unlinked, asked)
        change = _allocate_change(rng, question, unlinked[key], fixed_change, asked)
        found[key] = Allocation(unlinked[key], change)
    return found, moments
