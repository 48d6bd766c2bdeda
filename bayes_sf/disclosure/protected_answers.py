"""Answers as they may leave: counts and percentages by industry and of all, tables 11 to 45.

They add up to the industries' sizes and to the totals of table 11, and who was not asked adds up to
an earlier question's answers. So each question is a table of answers by industry and total, whose
sensitive cells and their complements `disclosure/suppression.py` hides. Hidden industries are one
column there: what is left of the total when the others are taken from it. Where a trade of units
moves a workplace between answers that lead to a further question and others, the further question's
table hides what lets it move there too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from bayes_sf.disclosure.control import HIDDEN, Hidden, Rules
from bayes_sf.disclosure.suppression import Rectangle, Suppression, suppress
from bayes_sf.errors import UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.variables import Item

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["protect_answers"]

_ALL: Final = "all"
_COMPLEMENT: Final = "complement"
_FIGURES: Final = ("count", "percent")

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

    def asked_of(self, parent: "_Question") -> list[int]:
        """Rows of the earlier question whose answers lead to this one."""
        rule = self.item.asked_if
        assert rule is not None
        return [at for at in range(len(parent.answers)) if parent.key(at) in rule.any_of]


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
    log: list[Hidden] = []
    done: dict[str, tuple[_Question, Suppression]] = {}
    for name, part in by_industry.groupby("question", sort=False):
        question = _question(str(name), part, sizes, groups, rules)
        parent = done.get(question.item.asked_if.item) if question.item.asked_if else None
        found = _suppressed(question, parent, rules)
        done[question.item.key] = question, found
        log += _hidden_answers(question, found, groups, f"table {part['table'].iloc[0]}")
    gone = {(line.table, line.row, line.column) for line in log}
    cells = zip(by_industry["table"], by_industry["category"], by_industry["industry"], strict=True)
    shown = _without(
        by_industry.drop(columns="weight"),
        [(f"table {table}", answer, industry) in gone for table, answer, industry in cells],
    )
    rows = zip(univariate["question"], univariate["category"], strict=True)
    lost = _total_rows(done.values(), univariate)
    return _without(univariate, [row in lost for row in rows]), shown, tuple(log)


def _without(frame: "pd.DataFrame", hidden: list[bool]) -> "pd.DataFrame":
    """Counts and percentages without the hidden ones."""
    shown = frame.astype(dict.fromkeys(_FIGURES, object))
    shown.loc[np.array(hidden, dtype=bool), list(_FIGURES)] = HIDDEN
    return shown


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
    answers, industries = (list(part[name].unique()) for name in ("category", "industry"))
    kept = [industry for industry in industries if industry not in groups]
    columns = [*kept, *(["rest"] if groups else []), _ALL]
    places = [industries.index(industry) for industry in kept]
    others = [place for place in range(len(industries)) if place not in places]
    tables = []
    for value in ("count", "weight"):  # rows of answers, industries in the same order in each
        table = part[value].to_numpy(float).reshape(len(answers), len(industries))
        merged = [table[:, others].sum(axis=1)] if groups else []
        tables.append(np.column_stack([table[:, places], *merged, table.sum(axis=1)]))
    number, weight = tables[0].astype(np.int64), tables[1]
    rest = [sum(sizes[industry] for industry in groups)] if groups else []
    whole = [*(sizes[industry] for industry in kept), *rest, sum(sizes.values())]
    broken = [
        [rules.sensitive_count(int(n), float(w)) for n, w in zip(*row, strict=True)]
        for row in zip(number, weight, strict=True)
    ]
    question = _Question(
        item, tuple(answers), tuple(columns), number, np.array(broken, dtype="U12"),
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
    fewest = np.zeros_like(question.counts)
    if question.not_asked is not None:
        # How many were not asked is known from the earlier question, unless that one moves.
        usable[question.not_asked] = False
        forced = tuple(_continued(question, *parent, rules.min_workplaces)) if parent else ()
        if parent:  # who did not answer are these, and those who were asked
            known = np.delete(parent[0].counts, question.asked_of(parent[0]), axis=0).sum(axis=0)
            fewest[question.not_asked] = np.minimum(known, question.counts[question.not_asked])
    if question.most is not None:  # an option that all who were asked chose bounds who was not
        moved = {column for rectangle in forced for (_, column), _ in rectangle.moves}
        left = question.most - question.counts
        sensitive |= (left < rules.min_workplaces) & np.isin(np.arange(left.shape[1]), list(moved))
    found = suppress(
        question.counts, sensitive, total=True, closed=question.closed,
        width=rules.min_workplaces, most=question.most, fewest=fewest, usable=usable,
        forced=forced,
    )  # fmt: skip
    # who was not asked would tell of an earlier table that is hidden as a whole
    return replace(found, complete=found.complete and (parent is None or parent[1].complete))


def _continued(
    question: _Question, parent: _Question, found: Suppression, width: int
) -> list[Rectangle]:
    """Trades of the earlier question that change who was asked, continued in this one.

    How many were not asked moves along with the earlier question; an answer that makes up for it
    limits how far, and is another one where it does so too soon.
    """
    not_asked, asks = question.not_asked, question.asked_of(parent)
    assert not_asked is not None
    continued = []
    for rectangle in found.rectangles:
        changes: dict[int, int] = {}
        for (row, column), sign in rectangle.moves:
            if row in asks:
                changes[column] = changes.get(column, 0) + sign
        moved = {column: change for column, change in changes.items() if change}
        if not moved:
            continue
        moves = tuple(((not_asked, column), -change) for column, change in moved.items())
        if not question.closed:
            continued.append(Rectangle(moves, rectangle.room))
            continue
        counts = question.counts
        others = sorted(
            (at for at in range(len(question.answers)) if at != not_asked),
            key=lambda at: -min(counts[at, column] for column in moved),
        )
        trades = [
            Rectangle(
                tuple(((at, column), change) for column, change in moved.items()), rectangle.room
            ).within(np.full_like(counts, counts.sum()), counts)
            for at in others
        ]
        best = next((trade for trade in trades if trade.reach >= width), None)
        best = best or max(trades, key=lambda trade: trade.reach)
        continued.append(Rectangle(moves + best.moves, best.room))
    return continued


def _hidden_answers(
    question: _Question, found: Suppression, groups: Mapping[str, str], table: str
) -> list[Hidden]:
    """What is hidden of a question, in its table by industry and in table 11."""
    log = [Hidden(table, answer, name, why)
           for answer in question.answers for name, why in groups.items()]  # fmt: skip
    for at, place in np.argwhere(_hidden_cells(found)):
        column, answer = question.columns[place], question.answers[at]
        why = str(question.rules[at, place]) or _COMPLEMENT
        if column == _ALL:
            log.append(Hidden("table 11", f"{question.item.printed_key}: {answer}", _ALL, why))
        elif column != "rest":
            log.append(Hidden(table, answer, column, why))
    return log


def _hidden_cells(found: Suppression) -> NDArray[np.bool_]:
    """Cells to hide: all where they cannot be made safe."""
    return found.hidden if found.complete else np.ones_like(found.hidden)


def _total_rows(
    done: "Iterable[tuple[_Question, Suppression]]", total: "pd.DataFrame"
) -> set[tuple[str, str]]:
    """Rows of table 11 to hide: those that hold a hidden total, alone or with another missing."""
    lost = set()
    for question, found in done:
        name, missing = question.item.printed_key, {a.key for a in question.item.missing}
        there = total.loc[total["question"] == name, "category"]
        for at in np.flatnonzero(_hidden_cells(found)[:, -1]):
            key = question.key(int(at))
            exact = [answer for answer in there if question.key_of(answer) == key]
            shared = [answer for answer in there
                      if question.key_of(answer) in missing and key in missing]  # fmt: skip
            lost |= {(name, answer) for answer in exact or shared}
    return lost
