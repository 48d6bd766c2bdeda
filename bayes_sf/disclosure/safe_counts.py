"""Which counts of groups in populations, parts of one another, may be shown.

Two counts of which one is a part of the other tell of the units between them. At first no count is
shown but those of populations that are part of no other; then one after the other is, unless a
small loss were told by it. What is told follows from bounds, passed on until nothing moves: of a
part by what it is a part of, of a group by the total and the others, of what a group lost by what
all lost. Linear programs, which know whatever follows from all of it together, have the last word:
while they tell a loss that could be hidden, the count that was shown last goes again. That a group
lost nothing may be known from elsewhere: nobody left an answer out.

Examples
--------
One workplace is lost in the first industry, three in the second, none in the third.

>>> code = np.repeat([0, 1, 2], 10)
>>> some = np.ones(30, dtype=bool)
>>> some[[0, 10, 11, 12]] = False
>>> unsaid_counts(code, np.array([np.ones(30, dtype=bool), some]), {}, least=3)
[{}, {0: 'difference', 1: 'complement'}]
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from bayes_sf.arrays import Floats

__all__ = ["unsaid_counts"]

#: More than any count.
_MANY: Final = 10**9
#: How near a program's solution is.
_NEAR: Final = 1e-6
_COMPLEMENT, _DIFFERENCE = "complement", "difference"

type _Mask = NDArray[np.bool_]
#: Part, whole and group.
type _Loss = tuple[int, int, int]


def unsaid_counts(
    code: NDArray[np.intp],
    masks: NDArray[np.bool_],
    groups: Mapping[int, str],
    *,
    least: int,
    totals: _Mask | None = None,
    n_groups: int = 0,
    decided: Sequence[Mapping[int, str]] = (),
) -> list[dict[int, str]]:
    """Decide which groups' counts are not said in each of several populations.

    Parameters
    ----------
    code : (n,) int array
        Group of every unit.
    masks : (P, n) bool array
        Units of each population; the counts of the first matter most.
    groups : mapping
        Groups that are hidden everywhere -> rule.
    least : int
        Fewest units that two counts may differ by.
    totals : (P,) bool array, optional
        Whether the population's total is said; by default all are.
    n_groups : int
        Number of groups; by default those in `code`.
    decided : sequence of mapping
        As returned, of the first populations: that stays.

    Returns
    -------
    list of dict
        For each population, group -> rule.
    """
    n_groups = n_groups or int(code.max()) + 1
    counts = np.array([np.bincount(code[mask], minlength=n_groups) for mask in masks])
    both, sizes = masks.astype(np.int64) @ masks.T.astype(np.int64), masks.sum(axis=1)
    inside = (both == sizes[:, None]) & (sizes[:, None] < sizes)  # [b, a]: b is a part of a
    said = np.ones(len(masks), bool) if totals is None else totals
    shown = np.zeros(counts.shape, dtype=bool)
    shown[~inside.any(axis=1)] = True
    for at, own in enumerate(decided):
        shown[at] = [group not in own for group in range(n_groups)]
    shown[:, list(groups)] = False
    known = _Known(counts, inside, said, shown, least)
    told, order = known.n_told(), []
    for at in range(len(decided), len(masks)):
        for group in np.argsort(counts[at], kind="stable"):
            if shown[at, group] or group in groups:
                continue
            shown[at, group] = True
            now = known.n_told()
            shown[at, group] = now <= told
            told = min(now, told)
            if shown[at, group]:
                order.append((at, int(group)))
    _take_back(known, order)
    primary = known.small.any(axis=1)
    rules: list[dict[int, str]] = [dict(groups) for _ in masks]
    for at, group in np.argwhere(~shown):
        why = _DIFFERENCE if primary[at, group] else _COMPLEMENT
        rules[at].setdefault(int(group), why)
    return rules


def _take_back(known: "_Known", order: list[tuple[int, int]]) -> None:
    """Hide again, of counts in the order in which they were shown, what programs need hidden."""
    if not (told := known.told()):
        return
    kept, gone = list(order), []
    for at in order:
        known.shown[at] = False
    anyway = set(known.told(told))  # with less shown no more is told
    for at in order:
        known.shown[at] = True
    while told := [one for one in told if one not in anyway]:
        beside = {population for *pair, _ in told for population in pair}
        gone.append(next((at for at in reversed(kept) if at[0] in beside), kept[-1]))
        kept.remove(gone[-1])
        known.shown[gone[-1]] = False
        told = known.told(told)
    for at in gone[:-1]:  # some went for nothing
        known.shown[at] = True
        known.shown[at] = anyway.issuperset(known.told())


@dataclass(frozen=True, eq=False)
class _Known:
    """Counts of P populations by J groups, and what can be told of those that are not shown.

    Parameters
    ----------
    counts : (P, J) int array
    inside : (P, P) bool array
        Whether population b is a part of a, at [b, a].
    said : (P,) bool array
        Whether the population's total is.
    shown : (P, J) bool array
        Changed as counts are shown.
    least : int
        Fewest that two counts may differ by.
    """

    counts: NDArray[np.int64]
    inside: _Mask
    said: _Mask
    shown: _Mask
    least: int

    @cached_property
    def _lost(self) -> NDArray[np.int64]:
        """How many fewer the part has in all, (P, P) at [b, a]; no limit where it is not told."""
        sizes = self.counts.sum(axis=1)
        told = self.inside & self.said & self.said[:, None]
        return np.where(told, sizes - sizes[:, None], _MANY)

    @cached_property
    def small(self) -> _Mask:
        """Whether a group lost too few from a to b, (P, P, J) at [b, a]."""
        lost = self.counts[None] - self.counts[:, None]
        found: _Mask = self.inside[:, :, None] & (lost > 0) & (lost < self.least)
        return found

    @cached_property
    def _same(self) -> _Mask:
        """Whether a group lost nobody from a to b, (P, P, J) at [b, a]."""
        found: _Mask = self.inside[:, :, None] & (self.counts[None] == self.counts[:, None])
        return found

    def n_told(self) -> int:
        """How many small losses are, to those who know who lost nobody, and to those who do not."""
        nobody = np.zeros_like(self._same)
        return sum(int(self._told(same).sum()) for same in (nobody, self._same))

    def _bounds(self, same: _Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Smallest and largest value of every count, (P, J), that nothing shown contradicts."""
        low = np.where(self.shown, self.counts, 0)
        high = np.where(self.shown, self.counts, _MANY)
        sizes, part = self.counts.sum(axis=1)[:, None], self.inside[:, :, None]
        lost, width = self._lost[:, :, None], -1.0
        while width != (width := float((high - low).sum())):
            low = np.maximum(low, np.where(part, low[:, None], 0).max(axis=0))
            high = np.minimum(high, np.where(part, high[None], _MANY).min(axis=1))
            low = np.maximum(low, np.where(same, low[None], 0).max(axis=1))
            high = np.minimum(high, np.where(same, high[:, None], _MANY).min(axis=0))
            low = np.maximum(low, np.where(part, low[None] - lost, 0).max(axis=1))
            high = np.minimum(high, np.where(part, high[:, None] + lost, _MANY).min(axis=0))
            rest_low = low.sum(axis=1, keepdims=True) - low
            rest_high = high.sum(axis=1, keepdims=True) - high
            told = self.said[:, None]
            low = np.where(told, np.maximum(low, sizes - rest_high), low)
            high = np.where(told, np.minimum(high, sizes - rest_low), high)
        return low, high

    def _told(self, same: _Mask) -> _Mask:
        """Small losses that are known too well, (P, P, J) at [b, a]."""
        low, high = self._bounds(same)
        least = np.where(same, 0, np.maximum(low[None] - high[:, None], 0))
        most = np.where(same, 0, high[None] - low[:, None])
        whole = self._lost[:, :, None]
        rest_least, rest_most = (x.sum(axis=2, keepdims=True) - x for x in (least, most))
        most = np.minimum(most, whole - rest_least)
        least = np.maximum(least, np.where(whole < _MANY, whole - rest_most, 0))
        # Where all lost fewer in all, the best is that it may have been any group.
        known: _Mask = self.small & (most - least < np.minimum(self.least, whole))
        return known

    def told(self, among: Sequence[_Loss] | None = None) -> list[_Loss]:
        """Small losses that linear programs tell, of these or of all.

        A loss that bounds tell, or that has been seen wide enough in two solutions, needs none.
        """
        from scipy.optimize import linprog

        losses: list[_Loss] = [(b, a, g) for b, a, g in np.argwhere(self.small).tolist()]
        if among is not None:
            wanted = set(among)
            losses = [one for one in losses if one in wanted]
        if not losses:
            return []
        part, whole, group = np.array(losses).T
        shown, most = np.where(self.shown, self.counts, 0), int(self.counts.sum())
        bounds = np.stack([shown, np.where(self.shown, self.counts, most)], axis=-1).reshape(-1, 2)
        (totals, sizes), limits = self._totals, self._limits
        ends, found = np.full((2, len(losses)), [[np.inf], [-np.inf]]), []
        by_bounds = self._told(self._nobody)
        for at, (b, a, g) in enumerate(losses):
            if by_bounds[b, a, g]:
                found.append(losses[at])
                continue
            least = min(self.least, self._lost[b, a])
            for sign in (1.0, -1.0):
                if _whole(*ends[:, at]) >= least:
                    break
                cost = np.zeros(self.counts.shape)
                cost[a, g], cost[b, g] = sign, -sign
                solved = linprog(  # type: ignore[call-overload]  # stubs know no sparse matrices
                    cost.ravel(), A_ub=limits, b_ub=np.zeros(limits.shape[0]), A_eq=totals,
                    b_eq=sizes, bounds=bounds,
                )  # fmt: skip
                counts = solved.x.reshape(self.counts.shape)
                values = counts[whole, group] - counts[part, group]
                ends = np.array([np.fmin(ends[0], values), np.fmax(ends[1], values)])
            if _whole(*ends[:, at]) < least:
                found.append(losses[at])
        return found

    @cached_property
    def _nobody(self) -> _Mask:
        """Of which groups it is known that nobody was lost from a to b, (P, P, J) at [b, a].

        Where all lost one or two, that the others lost nobody would say who did: it is not known.
        """
        known: _Mask = self._same & (self._lost >= self.least)[:, :, None]
        return known

    @cached_property
    def _totals(self) -> "tuple[csr_array, Floats]":
        """Which sums of counts are known, and their values: totals, and that nobody is lost."""
        from scipy.sparse import csr_array, eye_array, kron, vstack

        said = csr_array(kron(eye_array(len(self.counts)), np.ones((1, self.counts.shape[1]))))
        matrix = csr_array(vstack([said[np.flatnonzero(self.said)], self._losses(self._nobody)]))
        return matrix, matrix @ self.counts.ravel()

    @cached_property
    def _limits(self) -> "csr_array":
        """Counts of parts less those of what they are a part of: none is above zero."""
        between = self.inside.astype(int) @ self.inside.astype(int) > 0
        pairs = (self.inside & ~between)[:, :, None]
        return -self._losses(np.broadcast_to(pairs, self._same.shape))

    def _losses(self, which: _Mask) -> "csr_array":
        """Rows of what groups lost from a to b, (k, P J), for those of (P, P, J) at [b, a]."""
        from scipy.sparse import csr_array

        part, whole, group = np.nonzero(which)
        rows, n_groups = np.arange(len(group)), self.counts.shape[1]
        columns = np.concatenate([whole * n_groups + group, part * n_groups + group])
        signs = np.repeat([1.0, -1.0], len(group))
        return csr_array((signs, (np.tile(rows, 2), columns)), (len(rows), self.counts.size))


def _whole(low: float, high: float) -> float:
    """How many whole numbers, less one, an interval has."""
    return float(np.floor(high + _NEAR) - np.ceil(low - _NEAR))
