"""Sample flow and missing quarters as they may leave.

Two steps of an industry that differ by one or two workplaces tell of those. Such an industry is
hidden after the first step, in every flow alike, with as many others as it takes for what is left
of the total to be no small number; steps of the total that differ by so little are hidden, from the
last one up. Of a quarter a small state of the register is hidden, and with it the observed; in
industries whose flow is hidden the observed always, because the states add up to the linked.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from bayes_sf.output.disclosure import HIDDEN, Hidden, Rules

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["protect_flow", "protect_missing"]

_ALL: Final = "all"
_STATES: Final = ("observed", "no_absence", "no_row")
_COMPLEMENT, _DIFFERENCE = "complement", "difference"

type Log = tuple[Hidden, ...]


def protect_flow(
    flow: "pd.DataFrame",
    others: Sequence[tuple[Mapping[str, int], Mapping[str, int]]],
    groups: Mapping[str, str],
    rules: Rules,
) -> "tuple[pd.DataFrame, dict[str, str], Log]":
    """Hide steps of a flow whose difference tells of single workplaces.

    Parameters
    ----------
    flow : pandas.DataFrame
        `analysis, outcome, step`, counts by industry, `all`.
    others : sequence of (before, after)
        Counts by industry that leave as well, such as the n of figures.
    groups : mapping
        Hidden industry -> rule.
    rules : Rules

    Returns
    -------
    flow : pandas.DataFrame
    industries : dict
        Industry -> rule, of those whose steps are hidden; they hold `groups`.
    log : tuple of Hidden
    """
    industries = [
        name for name in flow.columns if name not in {"analysis", "outcome", "step", _ALL}
    ]
    flows = [part for _, part in flow.groupby(["analysis", "outcome"], sort=False)]
    gone = _hidden_steps(flows, rules.min_workplaces)
    tables = [
        part[industries].to_numpy(int)[~gone[part.index]]  # what the total leaves to be seen
        for part in flows
    ]
    tables += [np.array([[pair[name] for name in industries] for pair in two]) for two in others]
    every = [part[industries].to_numpy(int) for part in flows]
    every += tables[len(flows) :]
    hidden = _hidden_columns(industries, tables, every, groups, rules.min_workplaces)
    shown = flow.astype(dict.fromkeys([*industries, _ALL], object))
    shown.loc[gone, _ALL] = HIDDEN
    first = ~flow.duplicated(["analysis", "outcome"])
    log = [
        Hidden("flow", f"{line.analysis}, {line.outcome}: {line.step}", _ALL, _DIFFERENCE)
        for line in flow[gone].itertuples()
    ]
    for name, why in hidden.items():
        shown.loc[~first | (name in groups), name] = HIDDEN
        log.append(Hidden("flow", "", name, why))
    return shown, hidden, tuple(log)


def _hidden_steps(flows: "Sequence[pd.DataFrame]", width: int) -> NDArray[np.bool_]:
    """Steps of the total that differ from the next one shown by one or two.

    The same rules in the same order are the same step in every flow: hidden in one, hidden in all.
    """
    keys = {
        index: tuple(part["step"].iloc[: at + 1])
        for part in flows
        for at, index in enumerate(part.index)
    }
    gone: set[tuple[str, ...]] = set()
    before = -1
    while len(gone) != before:
        before = len(gone)
        for part in flows:
            counts = part[_ALL].to_numpy(int)
            below = counts[-1]
            for at in range(len(counts) - 2, 0, -1):
                key = keys[part.index[at]]
                if 0 < counts[at] - below < width:
                    gone.add(key)
                if key not in gone:
                    below = counts[at]
    return np.array([keys[index] in gone for part in flows for index in part.index], dtype=bool)


def _hidden_columns(
    names: Sequence[str],
    merged: Sequence[NDArray[np.int64]],
    every: Sequence[NDArray[np.int64]],
    groups: Mapping[str, str],
    width: int,
) -> dict[str, str]:
    """Industries with small differences, and others until their sum has none."""

    def drops(table: NDArray[np.int64], chosen: Sequence[str]) -> NDArray[np.int64]:
        return -np.diff(table[:, [names.index(name) for name in chosen]].sum(axis=1))

    def small(found: NDArray[np.int64]) -> bool:
        return bool(((found > 0) & (found < width)).any())

    hidden = dict(groups)
    for name in names:
        if name not in hidden and any(small(drops(table, [name])) for table in every):
            hidden[name] = _DIFFERENCE
    left = [name for name in names if name not in hidden]
    left.sort(key=lambda name: int(every[0][0, names.index(name)]))
    while hidden and left and (
        len(hidden) < 2 or any(small(drops(table, list(hidden))) for table in merged)
    ):  # fmt: skip
        hidden[left.pop(0)] = _COMPLEMENT
    return hidden


def protect_missing(
    counts: "pd.DataFrame",
    groups: Mapping[str, str],
    industries: Mapping[str, str],
    rules: Rules,
) -> "tuple[pd.DataFrame, Log]":
    """Hide small states of a quarter, and what would give them or the linked away.

    Parameters
    ----------
    counts : pandas.DataFrame
        `industry, quarter, observed, no_absence, no_row`.
    groups : mapping
        Hidden industry -> rule.
    industries : mapping
        Industries whose flow is hidden, `groups` among them.
    rules : Rules
    """
    shown = counts.astype(dict.fromkeys(_STATES, object))
    log: list[Hidden] = []
    for at, line in counts.iterrows():
        industry, where = str(line["industry"]), f"{line['industry']}, {line['quarter']}"
        why = {state: "workplaces" for state in _STATES if 0 < line[state] < rules.min_workplaces}
        small = bool(why)
        if industry in groups:
            why = dict.fromkeys(_STATES, groups[industry])
        elif small or industry in industries:
            why.setdefault("observed", _COMPLEMENT)
        while small and len(why) < len(_STATES) and (
            len(why) < 2 or sum(int(line[state]) for state in why) < rules.min_workplaces
        ):  # fmt: skip
            others = [state for state in _STATES if state not in why]
            why[max(others, key=lambda state: int(line[state]))] = _COMPLEMENT
        for state in why:
            shown.loc[at, state] = HIDDEN
            log.append(Hidden("missingness", where, state, why[state]))
    return shown, tuple(log)
