"""Which counts may be shown: against linear programming, which knows all that is implied."""

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linprog

from bayes_sf.disclosure.safe_counts import unsaid_counts

LEAST = 3


def populations(seed: int) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Units of four groups, and five populations: a chain of three, and two more parts of all."""
    rng = np.random.default_rng(seed)
    code = np.repeat(np.arange(4), rng.integers(8, 30, size=4))
    whole = np.ones(len(code), dtype=bool)
    one = whole & (rng.random(len(code)) > rng.choice([0.03, 0.1, 0.4]))
    two = one & (rng.random(len(code)) > rng.choice([0.03, 0.1, 0.4]))
    others = [whole & (rng.random(len(code)) > 0.1) for _ in range(2)]
    return code, np.array([whole, one, two, *others])


def losses(
    code: NDArray[np.intp], masks: NDArray[np.bool_], hidden: list[dict[int, str]]
) -> list[tuple[int, int]]:
    """Small losses of groups and how wide the interval is that linear programming leaves."""
    counts = np.array([np.bincount(code[mask], minlength=4) for mask in masks])
    at = np.arange(counts.size).reshape(counts.shape)
    nested = [
        (a, b) for a, b in itertools.permutations(range(len(masks)), 2)
        if not (masks[b] & ~masks[a]).any() and (masks[a] & ~masks[b]).any()
    ]  # fmt: skip
    equal, known, least = [], [], []
    for p, own in enumerate(hidden):
        equal.append(np.isin(at.ravel(), at[p]).astype(float))
        known.append(counts[p].sum())
        for g in set(range(4)) - set(own):
            equal.append((at.ravel() == at[p, g]).astype(float))
            known.append(counts[p, g])
    for (a, b), g in itertools.product(nested, range(4)):
        row = np.zeros(counts.size)
        row[at[b, g]], row[at[a, g]] = 1.0, -1.0
        least.append(row)
        # As tables of answers may say; where all lost one or two, it would say who did.
        if counts[a, g] == counts[b, g] and (counts[a] - counts[b]).sum() >= LEAST:
            equal.append(row)
            known.append(0)
    found = []
    for (a, b), g in itertools.product(nested, range(4)):
        lost = counts[a] - counts[b]
        if not 0 < lost[g] < LEAST:
            continue
        cost = np.zeros(counts.size)
        cost[at[a, g]], cost[at[b, g]] = 1.0, -1.0
        ends = [
            sign * linprog(sign * cost, A_ub=least, b_ub=np.zeros(len(least)), A_eq=equal,
                           b_eq=known, bounds=(0, None)).fun
            for sign in (1, -1)
        ]  # fmt: skip
        width = math.floor(ends[1] + 1e-6) - math.ceil(ends[0] - 1e-6)
        # Of what all lost, where that is less than three, the best is that it was any group.
        found.append((int(lost[g]), width + max(LEAST - int(lost.sum()), 0)))
    return found


def test_no_small_loss_is_told() -> None:
    looked = 0
    for seed in range(12):
        code, masks = populations(seed)
        found = losses(code, masks, unsaid_counts(code, masks, {}, least=LEAST))
        looked += len(found)
        assert all(width >= LEAST for _, width in found), seed
    assert looked > 40


def test_losses_are_told_where_all_is_shown() -> None:
    code, masks = populations(0)
    found = losses(code, masks, [{} for _ in masks])
    assert found
    assert all(width < LEAST for _, width in found)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_hidden_without_need(seed: int) -> None:
    """What is hidden would tell a small loss if it were shown by itself, all else as it is."""
    code, masks = populations(seed)
    hidden = unsaid_counts(code, masks, {}, least=LEAST)
    for at, own in enumerate(hidden):
        for group in own:
            one = [{g: why for g, why in h.items() if (i, g) != (at, group)}
                   for i, h in enumerate(hidden)]  # fmt: skip
            assert any(width < LEAST for _, width in losses(code, masks, one)), (at, group)


def test_labels_of_groups_change_nothing() -> None:
    code, masks = populations(3)
    swap = np.array([2, 0, 3, 1])
    counts = {tuple(np.bincount(code[mask], minlength=4)) for mask in masks}
    assert all(len(set(count)) == 4 for count in counts), "no ties, which order would decide"
    first = unsaid_counts(code, masks, {}, least=LEAST)
    second = unsaid_counts(swap[code], masks, {}, least=LEAST)
    assert [{int(swap[g]): why for g, why in own.items()} for own in first] == second


def test_what_is_decided_stays() -> None:
    code, masks = populations(1)
    before = unsaid_counts(code, masks[:3], {}, least=LEAST)
    after = unsaid_counts(code, masks, {}, least=LEAST, decided=before)
    assert after[:3] == before
    assert all(width >= LEAST for _, width in losses(code, masks, after))


def test_a_hidden_group_is_hidden_everywhere() -> None:
    code, masks = populations(2)
    found = unsaid_counts(code, masks, {1: "workplaces"}, least=LEAST)
    assert all(own[1] == "workplaces" for own in found)


def flow(seed: int) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Units of four groups; steps that each lose a few of some groups, and two parts of steps."""
    rng = np.random.default_rng((seed, 7))
    code = np.repeat(np.arange(4), rng.integers(8, 30, size=4))
    masks = [np.ones(len(code), dtype=bool)]
    for at in range(7):
        kept = masks[-1 if at < 5 else int(rng.integers(len(masks)))].copy()
        for group in np.flatnonzero(rng.random(4) < 0.6):
            there = np.flatnonzero(kept & (code == group))
            n = min(int(rng.integers(1, 5)), len(there) - 4)
            if n > 0:
                kept[rng.choice(there, n, replace=False)] = False
        if at >= 5 or (kept != masks[-1]).any():
            masks.append(kept)
    return code, np.array(masks)


@pytest.mark.parametrize("seed", [16, 40])
def test_what_only_follows_from_all_of_it_together_is_not_told(seed: int) -> None:
    """What passing on bounds does not find: sums of hidden counts of one step limit another's."""
    code, masks = flow(seed)
    hidden = unsaid_counts(code, masks, {}, least=LEAST)
    found = losses(code, masks, hidden)
    assert len(found) > 5
    assert all(width >= LEAST for _, width in found)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_what_is_told_nevertheless_is_told_by_totals(seed: int) -> None:
    code, masks = flow(seed)
    told, anyway = (
        [width < LEAST for _, width in losses(code, masks, hidden)]
        for hidden in (
            unsaid_counts(code, masks, {}, least=LEAST),
            [{}, *(dict.fromkeys(range(4), "") for _ in masks[1:])],
        )
    )
    assert told == anyway
