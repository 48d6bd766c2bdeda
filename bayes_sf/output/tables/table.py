"""A table: raw values, how each is printed, and what a reader must know of them.

Terminal, HTML, LaTeX, Markdown, CSV, Excel and Word all print the same `Table`, so that a figure
has the same digits everywhere. Lower and upper limits share their decimals; a value that does not
exist is Statistics Norway's symbol, and the footer says what the symbols mean.

Examples
--------
>>> from bayes_sf.catalogue import speaking
>>> import pandas as pd
>>> frame = pd.DataFrame({"term": ["q13"], "mean": [-0.2351], "sd": [0.1], "low": [-0.43],
...                       "high": [-0.0041]})
>>> columns = [Column("term", "Ledd", "text"), Column("mean", "Forventning"),
...            Column("low", "95 %", "interval", upper="high")]
>>> with speaking("nb"):
...     table = table_from_frame(
...         frame, "Slopes", digits="sd", unit="pp", n=572, source="replica", columns=columns)
>>> table.caption
'SYNTETISK kopi: Slopes, prosentpoeng (n = 572)'
>>> table.texts
(('q13', '−0,24', '−0,430 til −0,004'),)
"""

import functools
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Concatenate, Final, Literal

from bayes_sf.catalogue import language, say, speaking
from bayes_sf.disclosure.control import HIDDEN
from bayes_sf.errors import UsageError, legible
from bayes_sf.output.numbers import (
    as_printed,
    estimate,
    interval,
    probability,
    r_hat,
    row_decimals,
    shared_decimals,
)
from bayes_sf.output.words.words import STATEMENTS, SYMBOLS, statement_of, unit_name

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Cell", "Column", "Kind", "Table", "Value", "as_made", "is_figure", "printed_table",
    "raw_values", "table_from_frame",
]  # fmt: skip

type Kind = Literal["text", "printed", "number", "integer", "interval", "probability", "r_hat"]
type Value = str | float | int | None
type Cell = Value | tuple[float, float]

#: Decimals of a number whose uncertainty is not known.
_DECIMALS: Final = 2
#: Decimals that are added until an interval's limit does not look like zero.
_MORE: Final = 1
_NOT_THERE: Final = "."
_FIGURE: Final = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Column:
    """One column.

    Parameters
    ----------
    key : str
        Name in CSV, and in the frame that a table is made from; of an interval, of its lower limit.
    label : str
        Header.
    kind : {"number", "integer", "interval", "probability", "r_hat", "text", "printed"}
        What the values are. `printed` are figures whose digits stay as they are ("-0.30").
    decimals : int or None
        Of every row; None stands for those of the row, of which a limit near zero may have more.
    upper : str
        Of an interval, the key of its upper limit.
    """

    key: str
    label: str
    kind: Kind = "number"
    decimals: int | None = None
    upper: str = ""

    def __post_init__(self) -> None:
        """Show every character of the label."""
        object.__setattr__(self, "label", legible(self.label))

    @property
    def is_text(self) -> bool:
        """Whether it is aligned to the left."""
        return self.kind == "text"

    @property
    def keys(self) -> tuple[str, ...]:
        """One name, or two of an interval."""
        return (self.key, self.upper) if self.kind == "interval" else (self.key,)


def as_made[**P, R](function: Callable[Concatenate["Table", P], R]) -> Callable[..., R]:
    """Make a function of a table speak the language that the table was made in."""

    @functools.wraps(function)
    def said(table: "Table", *args: P.args, **named: P.kwargs) -> R:
        with speaking(table.lang):
            return function(table, *args, **named)

    return said


@dataclass(frozen=True)
class Table:
    """A table, with everything that a reader must know of it.

    Parameters
    ----------
    name : str
        Name of its files.
    title : str
        What is shown, without unit and n.
    columns : tuple of Column
    rows : tuple of tuples
        Raw values, one for each column: text, a number, ``(lower, upper)`` of an interval. A number
        that does not exist is NaN or None; a symbol (``:`` for hidden) stands for one as well.
    decimals : tuple of int
        Of each row, negative where digits before the decimal mark do not count; () for two
        everywhere.
    unit : str
        Unit of the outcome; ``pp`` is written out.
    n : int or tuple of int
        Rows of the data, of one model or the smallest and largest of many; 0 for none.
    notes : tuple of str
        Priors, kind and probability of intervals, and what else must be known.
    source : str
        ``published``, ``replica``, ``microdata``, ``frame`` or ``report``; "" where it is said
        elsewhere.
    lang : str
        In which it was made, and is printed whatever is spoken then.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    decimals: tuple[int, ...] = ()
    unit: str = ""
    n: int | tuple[int, int] = 0
    notes: tuple[str, ...] = ()
    source: str = ""
    lang: str = field(default_factory=language)

    def __post_init__(self) -> None:
        """Refuse rows that do not fit the columns; show every character of every text."""
        width, where = len(self.columns), f"table {self.name}"
        for row in self.rows:
            if len(row) != width:
                raise UsageError(where, f"must have {width} values in every row", got=row)
        if len(self.decimals) not in (0, len(self.rows)):
            raise UsageError(where, "must have decimals for every row, or none", got=self.decimals)
        if self.source and self.source not in STATEMENTS:
            fix = f"known: {', '.join(STATEMENTS)}"
            raise UsageError(where, "must have a known source", got=self.source, fix=fix)
        texts = {
            "title": legible(self.title), "unit": legible(self.unit),
            "notes": tuple(map(legible, self.notes)),
            "rows": tuple(tuple(map(_legible, row)) for row in self.rows),
        }  # fmt: skip
        for name, value in texts.items():
            object.__setattr__(self, name, value)

    @property
    @as_made
    def caption(self) -> str:
        """Title with unit and n; the replica says what it is."""
        parts = [self.title, *([unit_name(self.unit)] if self.unit else [])]
        label = f"{self.statement.partition(':')[0]}: " if self.source == "replica" else ""
        return label + ", ".join(parts) + self._counted()

    def _counted(self) -> str:
        low, high = self.n if isinstance(self.n, tuple) else (self.n, self.n)
        if not high:
            return ""
        return f" (n = {low})" if low == high else f" (n = {low}–{high})"

    @property
    @as_made
    def statement(self) -> str:
        """Which data these are; "" where it is said elsewhere."""
        return statement_of(self.source)

    def without(self, *keys: str) -> "Table":
        """Leave columns out.

        Parameters
        ----------
        *keys : str
            Of columns; a table may lack them.
        """
        kept = [place for place, column in enumerate(self.columns) if column.key not in keys]
        return replace(
            self, columns=tuple(self.columns[place] for place in kept),
            rows=tuple(tuple(row[place] for place in kept) for row in self.rows),
        )  # fmt: skip

    @property
    def header(self) -> tuple[str, ...]:
        """Labels of the columns."""
        return tuple(column.label for column in self.columns)

    @property
    def texts(self) -> tuple[tuple[str, ...], ...]:
        """Every cell as printed."""
        return tuple(
            tuple(self.text(at, place) for place in range(len(self.columns)))
            for at in range(len(self.rows))
        )

    @property
    @as_made
    def footer(self) -> tuple[str, ...]:
        """Notes, what the symbols mean that are used, and the source."""
        used = {text for text, column in self._cells() if not column.is_text}
        symbols = [f"{s} = {say(meaning)}" for s, meaning in SYMBOLS.items() if s in used]
        symbol_note = ["; ".join(symbols) + "."] if symbols else []
        source = [f"{say('Source')}: {self.statement}"] if self.statement else []
        return (*self.notes, *symbol_note, *source)

    def _cells(self) -> Iterable[tuple[str, Column]]:
        """Every printed cell and its column."""
        for row in self.texts:
            yield from zip(row, self.columns, strict=True)

    @as_made
    def text(self, at: int, place: int) -> str:
        """One cell as printed; see `places` for its decimals."""
        column, value = self.columns[place], self.rows[at][place]
        if isinstance(value, str) or column.is_text:
            figure = is_figure(value, column)
            return as_printed(str(value)) if figure else _as_text(value)
        if not _exists(value):
            return _NOT_THERE
        decimals = self.places(at, place)
        if isinstance(value, tuple):
            return interval(*value, decimals)
        assert value is not None
        if column.kind == "r_hat":
            return r_hat(value)
        printed = probability if column.kind == "probability" else estimate
        return printed(value, decimals)

    def places(self, at: int, place: int) -> int:
        """Decimals of one cell that holds a number or an interval."""
        column, value = self.columns[place], self.rows[at][place]
        row = self.decimals[at] if self.decimals else _DECIMALS
        usual = {"integer": 0, "probability": 3, "r_hat": 3}.get(column.kind, row)
        decimals = usual if column.decimals is None else column.decimals
        if isinstance(value, tuple) and column.decimals is None:
            return shared_decimals(*value, decimals, _MORE)
        return decimals

    def coarser(self, most: int) -> "Table":
        """Print no more decimals than so many, of estimates, shares and probabilities.

        Counts, R-hat and figures that are kept as printed stay; so does the decimal more that a
        limit near zero may have.

        Parameters
        ----------
        most : int

        Examples
        --------
        >>> table = Table("t", "T", (Column("m", "Mean"), Column("p", "P", "probability")),
        ...               ((-0.2351, 0.0384),), decimals=(3,))
        >>> table.texts, table.coarser(2).texts
        ((('−0.235', '0.038'),), (('−0.24', '0.04'),))
        """
        usual = {"number": None, "interval": None, "probability": 3}
        columns = []
        for column in self.columns:
            places = column.decimals if column.decimals is not None else usual.get(column.kind)
            fewer = column.kind in usual and places is not None and places > most
            columns.append(replace(column, decimals=most) if fewer else column)
        rows = self.decimals or (_DECIMALS,) * len(self.rows)
        return replace(
            self, columns=tuple(columns), decimals=tuple(min(places, most) for places in rows)
        )

    @property
    def raw_header(self) -> tuple[str, ...]:
        """Names of the raw values, as in CSV: an interval has two."""
        return tuple(key for column in self.columns for key in column.keys)

    @property
    def raw_rows(self) -> tuple[tuple[Value, ...], ...]:
        """Raw values, as in CSV: nothing is rounded; None for a number that does not exist."""
        return tuple(
            tuple(
                value
                for cell, column in zip(row, self.columns, strict=True)
                for value in raw_values(cell, column)
            )
            for row in self.rows
        )


def _legible(cell: Cell) -> Cell:
    return legible(cell) if isinstance(cell, str) else cell


def raw_values(cell: Cell, column: Column) -> tuple[Value, ...]:
    """Raw values of one cell: two of an interval, None for a number that does not exist."""
    if column.kind == "interval":
        both = cell if isinstance(cell, tuple) else (cell, cell)
        return tuple(value if isinstance(value, str) or _exists(value) else None for value in both)
    assert not isinstance(cell, tuple)
    return (cell if isinstance(cell, str) or _exists(cell) else None,)


def is_figure(cell: Cell, column: Column) -> bool:
    """Whether a cell's text is a number whose digits stay as they are."""
    return column.kind == "printed" and bool(_FIGURE.fullmatch(str(cell)))


def _exists(cell: Cell) -> bool:
    """Whether there is a number; of an interval, both."""
    values = cell if isinstance(cell, tuple) else (cell,)
    return not any(v is None or (isinstance(v, float) and math.isnan(v)) for v in values)


def _as_text(value: Cell) -> str:
    """Text as it is, nothing for nothing."""
    return "" if value is None else str(value)


def printed_table(
    title: str, header: Sequence[str], rows: Iterable[Sequence[str]], note: str
) -> Table:
    """Make a table of cells that are printed already.

    Parameters
    ----------
    title : str
    header : sequence of str
        The first column, and those without a name, are text.
    rows : iterable of sequences of str
    note : str
        Priors, intervals and what else a reader must know.
    """
    columns = tuple(
        Column(name, name, "printed" if place and name else "text")
        for place, name in enumerate(header)
    )
    return Table("", title, columns, tuple(map(tuple, rows)), notes=(note,))


def table_from_frame(
    frame: "pd.DataFrame",
    title: str,
    *,
    columns: Sequence[Column],
    name: str = "table",
    digits: str = "",
    mcse: str = "",
    unit: str = "",
    n: int | tuple[int, int] = 0,
    notes: Sequence[str] = (),
    source: str = "",
) -> Table:
    """Make a table of any tidy frame.

    Parameters
    ----------
    frame : pandas.DataFrame
        One line per row, raw floats.
    title : str
        What is shown, without unit and n.
    columns : sequence of Column
        Columns of the frame to show, by key.
    name : str
        Name of its files.
    digits : str
        Column of the frame with each row's uncertainty (sd or SE): rows show two digits of it, or
        where there is none two digits of their numbers.
    mcse : str
        Column of the frame with each row's MCSE, which limits the digits.
    unit, n, notes, source
        As in `Table`.

    Raises
    ------
    UsageError
        When the frame lacks a column that is named.
    """
    wanted = [key for column in columns for key in column.keys]
    for key in (*wanted, *filter(None, (digits, mcse))):
        if key not in frame.columns:
            known = ", ".join(map(str, frame.columns))
            raise UsageError(f"table {name}", "needs a column", got=key, fix=f"there are: {known}")
    records = frame.to_dict("records")
    numbers = [c.key for c in columns if c.kind == "number" and c.decimals is None]
    decimals = tuple(
        row_decimals(
            (record[key] for key in numbers if isinstance(record[key], int | float)),
            record[digits], mcse=record[mcse] if mcse else math.nan,
        )
        if record[digits] != HIDDEN
        else 0
        for record in records
        if digits
    )  # fmt: skip
    rows = tuple(tuple(_cell(record, column) for column in columns) for record in records)
    return Table(
        name, title, tuple(columns), rows, decimals, unit, n, tuple(notes), source)  # fmt: skip


def _cell(record: dict[Any, Any], column: Column) -> Cell:
    """A cell of a frame's line: plain Python numbers; of a hidden interval, its symbol."""
    values = [_plain(record[key]) for key in column.keys]
    if column.kind == "integer" and isinstance(values[0], float) and values[0].is_integer():
        return int(values[0])  # pandas makes counts floats where one is missing
    if column.kind != "interval" or isinstance(values[0], str):
        return values[0]
    low, high = (math.nan if value is None else float(value) for value in values)
    return (low, high)


def _plain(value: Any) -> Value:
    """NumPy's numbers as Python's, pandas' missing value as None."""
    if hasattr(value, "item"):
        value = value.item()
    return None if value is None or type(value).__name__ in {"NAType", "NaTType"} else value
