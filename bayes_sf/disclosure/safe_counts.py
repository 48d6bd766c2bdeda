"""Which counts of groups in populations, parts of one another, may be shown.

Two counts of which one is a part of the other tell of the units between them. At first no count is
shown but those of populations that are part of no other; then one after the other is, unless a
small loss were told by it. What is told follows from bounds, passed on until nothing moves: of a
part by what it is a part of, of a group by the total and the others, of what a group lost by what
all lost. That a group lost nothing may be known from elsewhere: nobody left an answer out.

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
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["unsaid_counts"]

#: More than any count.
_MANY: Final = 10**9
_COMPLEMENT, _DIFFERENCE = "complement", "difference"

type _Mask = NDArray[np.bool_]


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
    told = known.n_told()
    for at in range(len(decided), len(masks)):
        for group in np.argsort(counts[at], kind="stable"):
            if shown[at, group] or group in groups:
                continue
            shown[at, group] = True
            now = known.n_told()
            shown[at, group] = now <= told
            told = min(now, told)
    primary = known.small.any(axis=1)
    rules: list[dict[int, str]] = [dict(groups) for _ in masks]
    for at, group in np.argwhere(~shown):
        why = _DIFFERENCE if primary[at, group] else _COMPLEMENT
        rules[at].setdefault(int(group), why)
    return rules


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
