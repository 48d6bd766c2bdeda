"""A first `study.toml`, written from a file of data: what was assumed is said, nothing is guessed.

What can be read in two ways is asked for: which column groups rows, where several could; which
column is the outcome, where several could be. What is not known by its looks (whether answers run
from low to high, what a row is called) stands in the file as an assumption, to be read and mended.
"""

import json
import shlex
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from bayes_sf.errors import DataError, OutputError, UsageError, closest
from bayes_sf.inputs.files.numerals import MISSING, StoredTime
from bayes_sf.inputs.files.tabular import Cells, read_cells
from bayes_sf.inputs.own_study.header import FILE
from bayes_sf.inputs.own_table import looks_numeric
from bayes_sf.inputs.variables import BEYOND, NOT_A_GROUP, QUANTITIES, can_group

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Draft", "draft_study"]

#: Names that formulas and results have for something else.
NOT_COLUMNS: Final = frozenset({"Intercept", *QUANTITIES, *BEYOND})
#: Kinds of columns that are no items, and why.
_OF_NO_USE: Final = {
    "empty": "it is empty", "mixed": "it has values of several kinds", "dates": "it has dates",
}  # fmt: skip
#: A column of more different texts is not taken for answers.
_MOST_ANSWERS: Final = 12
#: A column that groups rows has at least so many groups, and so many rows in each on average.
_GROUPS: Final = 3


@dataclass(frozen=True)
class Draft:
    """What was written, and what was assumed.

    Parameters
    ----------
    path : pathlib.Path
        Of `study.toml`.
    assumed : tuple of str
        A line each.
    analyses : tuple of str
        Their names.
    """

    path: Path
    assumed: tuple[str, ...]
    analyses: tuple[str, ...]


@dataclass(frozen=True)
class _Column:
    """How a column looks."""

    name: str
    kind: Literal["numbers", "answers", "texts", "dates", "mixed", "empty"]
    values: tuple[str, ...] = field(repr=False)
    title: str = ""
    labelled: bool = False
    whole: bool = False
    different: int = 0
    rows: int = 0

    @property
    def groups(self) -> bool:
        """Whether it could be what groups rows: some groups, with more rows than one each."""
        many = _GROUPS <= self.different <= self.rows / 2
        return many and self.kind not in {"mixed", "empty"} and (
            self.kind != "numbers" or self.whole
        )  # fmt: skip

    @property
    def of_use(self) -> bool:
        """Whether a model can have it as a predictor."""
        return (
            self.kind in {"numbers", "answers"} and self.different > 1 and not self.counts_rows
            and self.name not in NOT_COLUMNS
        )  # fmt: skip

    @property
    def counts_rows(self) -> bool:
        """Whether it tells rows apart and nothing else: another whole number, or text, in each."""
        return self.different == self.rows and (self.whole or self.kind == "texts")


def draft_study(
    file: Path, *, group: str = "", outcomes: Sequence[str] = (), folder: Path | None = None
) -> Draft:
    """Write a first `study.toml`.

    Parameters
    ----------
    file : pathlib.Path
        CSV, Excel, SPSS, Stata or Parquet.
    group : str
        Column that groups rows; needed where several could.
    outcomes : sequence of str
        Columns that models are of; needed where several could be.
    folder : pathlib.Path, optional
        A folder that the file is copied to; by default `study.toml` is written beside it.

    Raises
    ------
    DataError
        For a file that cannot be read, or has nothing that groups its rows.
    UsageError
        For a column that is not there, and where group or outcome must be said.
    OutputError
        Where a `study.toml` is there already.
    """
    cells = read_cells(file)
    columns = {column.name: column for column in _looks(cells)}
    for option, names in (("--group", [group] if group else []), ("--outcome", outcomes)):
        for name in names:
            if name not in columns:
                fix = closest(name, columns) or f"its columns: {', '.join([*columns][:20])}"
                raise UsageError(option, f"must be a column of {file.name}", got=name, fix=fix)
    assumed: list[str] = []
    chosen = columns[group] if group else _group(columns, outcomes, file, assumed)
    if chosen.kind == "empty" or chosen.different < 2:
        raise UsageError("--group", "must have at least two different values", got=chosen.name)
    if not can_group(chosen.name):
        raise UsageError("--group", NOT_A_GROUP, got=chosen.name, fix="rename it in the file")
    asked = [columns[name] for name in outcomes] or [_outcome(columns, chosen, file, assumed)]
    for column in asked:
        if column.kind != "numbers" or column is chosen:
            rule = "must be a column of numbers, other than the group"
            raise UsageError("--outcome", rule, got=f"{column.name}: {column.kind}")
    others = [c for c in columns.values() if c is not chosen and c not in asked]
    items = [c for c in others if c.of_use]
    assumed += [f"{c.name} is left out: {_why_not(c)}" for c in others if c not in items]
    text, analyses = _text(file, chosen, asked, items, [c for c in others if c not in items])
    assumed += _of_items(items)
    assumed += [
        f"a row has no other name than row, one of its groups is called {chosen.name}",
        "rows are persons: what fewer than 5 have is not said ([disclosure] in study.toml)",
    ]
    return Draft(_write(file, folder, text), tuple(assumed), analyses)


def _looks(cells: Cells) -> Iterator[_Column]:
    """Columns by their looks."""
    for name in map(str, cells.frame.columns):
        declared = cells.missing.get(name, frozenset())
        labels = {
            code: text for code, text in cells.labels.get(name, {}).items() if code not in declared
        }
        column: pd.Series[str] = cells.frame[name]
        signs = {sign for sign in MISSING if sign not in labels} | set(declared)
        there = column[column.notna() & ~column.isin(list(signs))]
        title, different = cells.titles.get(name, ""), int(there.nunique())
        about: dict[str, Any] = {"title": title, "different": different, "rows": len(column)}
        if there.empty:
            yield _Column(name, "empty", (), **about)
            continue
        if labels and there.isin(list(labels)).all():
            used = [labels[code] for code in sorted(labels, key=_in_order) if (there == code).any()]
            kind: Literal["answers", "texts"] = "answers" if len(used) > 1 else "texts"
            yield _Column(name, kind, tuple(used), labelled=True, **about)
            continue
        dates = there.map(lambda cell: isinstance(cell, StoredTime))
        if dates.any():
            yield _Column(name, "dates" if dates.all() else "mixed", (), **about)
            continue
        numbers = looks_numeric(there)
        if numbers.all():
            whole = bool(there.str.fullmatch(r"\s*[-+]?\d+(\.0+)?\s*").all())
            yield _Column(name, "numbers", (), whole=whole, **about)
        elif numbers.any():
            yield _Column(name, "mixed", (), **about)
        else:
            values = tuple(sorted(map(str, there.unique()), key=_in_order))
            kind = "answers" if 2 <= len(values) <= _MOST_ANSWERS else "texts"
            yield _Column(name, kind, values, **about)


def _in_order(value: str) -> tuple[float, str]:
    try:
        return float(value), value
    except ValueError:
        return float("inf"), value


def _group(
    columns: dict[str, _Column], outcomes: Sequence[str], file: Path, assumed: list[str]
) -> _Column:
    """The one column that could group rows, or a question."""
    could = [c for c in columns.values() if c.groups and c.name not in outcomes]
    if not could:
        rule = "must have a column that groups rows, with several rows to a group"
        raise DataError(file.name, rule, fix="name it with --group")
    if len(could) > 1:
        rule = f"must be named: {len(could)} columns of {file.name} could group rows"
        named = ", ".join(f"{c.name} ({c.different} values)" for c in could)
        fix = f"--group {shlex.quote(could[0].name)}, say"
        raise UsageError("--group", rule, got=named, fix=fix)
    assumed.append(f"{could[0].name} groups rows ({could[0].different} values)")
    return could[0]


def _outcome(
    columns: dict[str, _Column], group: _Column, file: Path, assumed: list[str]
) -> _Column:
    """The one column that could be an outcome, or a question."""
    could = [c for c in columns.values() if c.kind == "numbers" and c is not group and c.of_use]
    if not could:
        raise DataError(file.name, "must have an outcome: a column of numbers", got="none")
    if len(could) > 1:
        rule = f"must be named: {len(could)} columns of {file.name} are numbers"
        named = ", ".join(c.name for c in could)
        fix = f"--outcome {shlex.quote(could[0].name)}, say"
        raise UsageError("--outcome", rule, got=named, fix=fix)
    assumed.append(f"{could[0].name} is the outcome: the only column of numbers")
    return could[0]


def _why_not(column: _Column) -> str:
    """Why a column is no item."""
    if column.kind in _OF_NO_USE:
        return _OF_NO_USE[column.kind]
    if column.counts_rows:
        return "it has another value in every row"
    if column.name in NOT_COLUMNS:
        return "it has the name of what results have themselves; rename the column"
    if column.different == 1:
        return "it has one value"
    return f"it has {column.different} different texts"


def _of_items(items: Sequence[_Column]) -> Iterator[str]:
    """What is assumed of items."""
    numbers = [c.name for c in items if c.kind == "numbers"]
    if numbers:
        yield f"{', '.join(numbers)}: numbers, with one slope"
    answers = [c.name for c in items if c.kind == "answers"]
    if answers:
        yield (
            f"{', '.join(answers)}: answers without order, compared with the first "
            "(write scale in the place of categories where they run from low to high)"
        )


def _key(name: str) -> str:
    """A name as TOML and formulas have it."""
    return name if name.isidentifier() and name.isascii() else json.dumps(name, ensure_ascii=False)


def _term(name: str) -> str:
    return name if name.isidentifier() else f"`{name}`"


def _text(
    file: Path, group: _Column, outcomes: Sequence[_Column], items: Sequence[_Column],
    left_out: Sequence[_Column],
) -> tuple[str, tuple[str, ...]]:  # fmt: skip
    """The file, with comments; and names of its analyses."""
    lines = [
        "# A study of your own, drafted by bayes-sf init: read it, and mend what is assumed.",
        '# Texts may be { en = "...", nb = "..." }: English and Norwegian.',
        "schema = 1                    # keys: models/schema/study.json of bayes_sf",
        'kind = "data"',
        f"file = {_quoted(file.name)}",
        f"title = {_quoted(file.stem)}",
        '# decimal_mark = ","          # where the file leaves it open',
        "",
        "[rows]                        # what a row is called",
        'one = { en = "row", nb = "rad" }     # pupil, elev',
        'many = { en = "rows", nb = "rader" } # pupils, elever',
        "",
        "[group]",
        f"column = {_quoted(group.name)}",
        f"one = {_quoted(group.name)}",
        f"many = {_quoted(group.name)}  # in the plural, as in: the sd between schools",
        "",
    ]
    for column in outcomes:
        lines += [
            f"[outcomes.{_key(column.name)}]",
            f"label = {_quoted(column.title or column.name)}",
            'unit = ""                     # points',
            "",
        ]
    for column in items:
        lines += [*_item(column), ""]
    if left_out:
        lines += ["# Left out:", *(f"# {c.name}: {_why_not(c)}" for c in left_out), ""]
    lines += [
        "[disclosure]",
        "# control = false             # for public data alone, and then",
        '# reason = "public data"      # why',
        'unit = "rows"                 # or the column that tells apart who is protected',
        "min_units = 5                 # what fewer have is not said",
        "",
        "[analyses]                    # name = formula, or an analysis file beside this one",
    ]
    outcome, by = _term(outcomes[0].name), _term(group.name)
    analyses = {"null": f"{outcome} ~ 1 + (1 | {by})"}
    for column in items[:1]:
        name = column.name if column.name.isidentifier() and column.name != "null" else "first"
        analyses[name] = f"{outcome} ~ {_term(column.name)} + (1 | {by})"
    if len(items) > 1:
        terms = " + ".join(_term(column.name) for column in items)
        analyses["all_items"] = f"{outcome} ~ {terms} + (1 | {by})"
    lines += [f"{name} = {_quoted(formula)}" for name, formula in analyses.items()]
    return "\n".join(lines) + "\n", tuple(analyses)


def _item(column: _Column) -> list[str]:
    head = [
        f"[items.{_key(column.name)}]",
        f"label = {_quoted(column.title or column.name)}",
    ]
    if column.kind == "numbers":
        lines = [
            *head,
            'unit = ""',
            "# contrast = 1                # worth asking of; else two sds",
        ]
        if column.whole and column.different <= _MOST_ANSWERS:
            lines.append("# scale = [...]               # if its numbers are answers, low to high")
        return lines
    listed = ", ".join(map(_quoted, column.values))
    return [*head, f"categories = [{listed}]  # the first is the reference"]


def _quoted(text: str) -> str:
    """A text as TOML has it: JSON's escapes are TOML's."""
    return json.dumps(text, ensure_ascii=False)


def _write(file: Path, folder: Path | None, text: str) -> Path:
    """Write `study.toml`, and the copy of the file."""
    place = file.parent if folder is None else folder
    path = place / FILE
    for name in [path] if folder is None else [path, place / file.name]:
        if name.exists():
            fix = "name another folder with --to: none is replaced"
            raise OutputError(str(name), "is there already", fix=fix)
    try:
        place.mkdir(parents=True, exist_ok=True)
        if folder is not None:
            shutil.copyfile(file, place / file.name)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(str(place), "must be a folder to write to", got=error.strerror) from None
    return path
