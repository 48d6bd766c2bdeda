"""The counts of a sample as they may leave: answers by industry, sample flow, missing quarters.

All counts of a run are protected together, because they add up across tables: answers to the
industries' sizes and to the totals of table 11, who was not asked to an earlier question's answers,
steps of the flow to the steps after them, states of the register to the linked workplaces.

- **Answers.** Of each question a table of answers by industry and total, whose sensitive cells and
  their complements `output/suppression.py` hides. Hidden industries are one column there: what is
  left of the total when the others are taken from it. Where a trade of units moves a workplace
  between answers that lead to a further question and others, the further question's table hides
  what lets it move there too.
- **Flow.** Two steps of an industry that differ by one or two workplaces tell of those. Such an
  industry is hidden after the first step, in every flow alike, with as many others as it takes for
  what is left of the total to be no small number; steps of the total that differ by so little are
  hidden, from the last one up.
- **Missing quarters.** A small state is hidden, and with it the observed; in industries whose flow
  is hidden the observed always, because the states add up to the linked workplaces.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from bayes_sf.errors import UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.variables import Item
from bayes_sf.output.disclosure import HIDDEN, Hidden, Rules
from bayes_sf.output.suppression import Rectangle, Suppression, suppress

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["protect_answers", "protect_flow", "protect_missing"]

_ALL: Final = "all"
_STATES: Final = ("observed", "no_absence", "no_row")
_COMPLEMENT, _DIFFERENCE = "complement", "difference"

type Log = tuple[Hidden, ...]


@dataclass(frozen=True, eq=False)
class _Question:
    """Answers to one question: rows of answers; columns of industries, the rest, and the total."""

    item: Item
    answers: tuple[str, ...]
    columns: tuple[str, ...]
    counts: NDArray[np.int64]
    rules: NDArray[np.str_]
    sizes: NDArray[np.int64]

    @property
    def closed(self) -> bool:
        """Whether each workplace gave one answer."""
        return self.item.kind != "multi"

    def key(self, at: int) -> str:
        """Our name of an answer."""
        return self.key_of(self.answers[at])

    def key_of(self, answer: str) -> str:
        """Our name of what a table calls an answer; of one that has none, what it says."""
        try:
            return self.item.category(answer).key
        except UsageError:  # "(missing)"
            return answer

    @property
    def not_asked(self) -> int | None:
        """Row of those who were not asked; it may hold those who do not know as well."""
        missing = [answer.key for answer in self.item.missing]
        rows = [at for at in range(len(self.answers)) if self.key(at) in missing]
        exact = [at for at in rows if self.key(at) == "not_asked"]
        return next(iter(exact or rows), None) if self.item.asked_if else None

    @property
    def most(self) -> NDArray[np.int64] | None:
        """Of options: no more can choose one than were asked."""
        if self.closed:
            return None
        most = np.broadcast_to(self.asked, self.counts.shape).copy()
        if self.not_asked is not None:
            most[self.not_asked] = self.sizes
        return most

    @property
    def asked(self) -> NDArray[np.int64]:
        """How many were asked, by column; of options everyone that is not known to be not."""
        return self.sizes - (self.counts[self.not_asked] if self.not_asked is not None else 0)


def protect_answers(
    univariate: "pd.DataFrame",
    by_industry: "pd.DataFrame",
    sizes: Mapping[str, int],
    groups: Mapping[str, str],
    rules: Rules,
) -> "tuple[pd.DataFrame, pd.DataFrame, Log]":
    """Hide counts and percentages of answers that tell of single workplaces.

    Parameters
    ----------
    univariate : pandas.DataFrame
        Table 11: `question, category, count, percent`.
    by_industry : pandas.DataFrame
        Tables 12 to 45: also `table, industry`, and `weight`, the employees of those counted.
    sizes : mapping
        Industry -> surveyed workplaces.
    groups : mapping
        Hidden industry -> rule.
    rules : Rules

    Returns
    -------
    univariate, by_industry : pandas.DataFrame
        Without `weight`; hidden figures are `:`.
    log : tuple of Hidden
    """
    shown, total = by_industry.drop(columns="weight"), univariate.copy()
    for frame in (shown, total):
        frame[["count", "percent"]] = frame[["count", "percent"]].astype(object)
    log: list[Hidden] = []
    done: dict[str, tuple[_Question, Suppression]] = {}
    for name, part in by_industry.groupby("question", sort=False):
        question = _question(str(name), part, sizes, groups, rules)
        parent = done.get(question.item.asked_if.item) if question.item.asked_if else None
        found = _suppressed(question, parent, rules)
        done[question.item.key] = question, found
        log += _hide_answers(question, found, groups, (shown, total))
    return total, shown, tuple(log)


def _question(
    name: str,
    part: "pd.DataFrame",
    sizes: Mapping[str, int],
    groups: Mapping[str, str],
    rules: Rules,
) -> _Question:
    """Gather the counts of one question, and the rule that each of them breaks."""
    items = load_codebook().items.values()
    item = next(item for item in items if item.parent is None and item.printed_key == name)
    counts, weights = (
        part.pivot_table(value, "category", "industry", aggfunc="first", sort=False)
        for value in ("count", "weight")
    )
    kept = [industry for industry in counts.columns if industry not in groups]
    columns = [*kept, *(["rest"] if groups else []), _ALL]
    tables = []
    for table in (counts, weights):
        merged = [table[list(groups)].sum(axis=1)] if groups else []
        parts = [*(table[industry] for industry in kept), *merged, table.sum(axis=1)]
        tables.append(np.column_stack(parts))
    number, weight = tables[0].astype(np.int64), tables[1]
    rest = [sum(sizes[industry] for industry in groups)] if groups else []
    whole = [*(sizes[industry] for industry in kept), *rest, sum(sizes.values())]
    broken = [
        [rules.sensitive_count(int(n), float(w)) for n, w in zip(*row, strict=True)]
        for row in zip(number, weight, strict=True)
    ]
    question = _Question(
        item, tuple(counts.index), tuple(columns), number, np.array(broken, dtype="U12"),
        np.array(whole, dtype=np.int64),
    )  # fmt: skip
    if not question.closed:  # who did not choose an option is a cell as well
        left = question.asked - number
        few = (left > 0) & (left < rules.min_workplaces) & (question.rules == "")
        if question.not_asked is not None:
            few[question.not_asked] = False
        question.rules[few] = _COMPLEMENT
    return question


def _suppressed(
    question: _Question, parent: tuple[_Question, Suppression] | None, rules: Rules
) -> Suppression:
    """Hide what gives a sensitive count away."""
    usable = np.ones(len(question.answers), bool)
    forced: tuple[Rectangle, ...] = ()
    sensitive = question.rules != ""
    if question.not_asked is not None:
        # How many were not asked is known from the earlier question, unless that one moves.
        usable[question.not_asked] = False
        forced = tuple(_continued(question, *parent)) if parent else ()
    if question.most is not None:  # an option that all who were asked chose bounds who was not
        moved = {column for rectangle in forced for (_, column), _ in rectangle.moves}
        left = question.most - question.counts
        sensitive |= (left < rules.min_workplaces) & np.isin(np.arange(left.shape[1]), list(moved))
    return suppress(
        question.counts, sensitive, total=True, closed=question.closed,
        width=rules.min_workplaces, most=question.most, usable=usable, forced=forced,
    )  # fmt: skip


def _continued(question: _Question, parent: _Question, found: Suppression) -> list[Rectangle]:
    """Trades of the earlier question that change who was asked, continued in this one."""
    rule, not_asked = question.item.asked_if, question.not_asked
    assert rule is not None
    assert not_asked is not None
    asks = {at for at in range(len(parent.answers)) if parent.key(at) in rule.any_of}
    continued = []
    for rectangle in found.rectangles:
        changes: dict[int, int] = {}
        for (row, column), sign in rectangle.moves:
            if row in asks:
                changes[column] = changes.get(column, 0) + sign
        moved = {column: change for column, change in changes.items() if change}
        if not moved:
            continue
        moves = [((not_asked, column), -change) for column, change in moved.items()]
        if question.closed:
            others = [at for at in range(len(question.answers)) if at != not_asked]
            best = max(others, key=lambda at: min(question.counts[at, c] for c in moved))
            moves += [((best, column), change) for column, change in moved.items()]
        continued.append(Rectangle(tuple(moves)))
    return continued


def _hide_answers(
    question: _Question,
    found: Suppression,
    groups: Mapping[str, str],
    frames: "tuple[pd.DataFrame, pd.DataFrame]",
) -> list[Hidden]:
    """Hide a question's figures in the table by industry and in that of all."""
    shown, total = frames
    hidden = found.hidden if found.complete else np.ones_like(found.hidden)
    mine = shown["question"] == question.item.printed_key
    table = f"table {shown.loc[mine, 'table'].iloc[0]}"
    log = []
    for at, answer in enumerate(question.answers):
        row = mine & (shown["category"] == answer)
        for group, why in groups.items():
            shown.loc[row & (shown["industry"] == group), ["count", "percent"]] = HIDDEN
            log.append(Hidden(table, answer, group, why))
        for place, column in enumerate(question.columns):
            if not hidden[at, place] or column == "rest":
                continue
            why = str(question.rules[at, place]) or _COMPLEMENT
            if column == _ALL:
                cells = _total_row(question, at, total)
                total.loc[cells, ["count", "percent"]] = HIDDEN
                log += [Hidden("table 11", answer, _ALL, why)] if cells.any() else []
            else:
                shown.loc[row & (shown["industry"] == column), ["count", "percent"]] = HIDDEN
                log.append(Hidden(table, answer, column, why))
    return log


def _total_row(question: _Question, at: int, total: "pd.DataFrame") -> "pd.Series[bool]":
    """Row of table 11 that holds an answer, alone or with another kind of missing."""
    item, key = question.item, question.key(at)
    mine = total["question"] == item.printed_key
    missing = {answer.key for answer in item.missing}
    keys = [question.key_of(name) for name in total.loc[mine, "category"]]
    there = mine.copy()
    exact = [other == key for other in keys]
    shared = [other in missing and key in missing for other in keys]
    there[mine] = np.array(exact if any(exact) else shared, dtype=bool)
    return there


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
