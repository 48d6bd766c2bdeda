"""Tables as users keep them: CSV, Excel, SPSS, Stata and Parquet, read without guessing.

What a file says is kept as text until the codebook or the register gives it a meaning. A file that
cannot be read in one way only is refused with the reason. No message ever quotes a line or a cell
of the file here: it could hold an organisation number.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bayes_sf.errors import DataError
from bayes_sf.inputs.files.delimited import csv_format, csv_records
from bayes_sf.inputs.files.headers import show_name
from bayes_sf.inputs.files.numerals import StoredNumber, StoredTime
from bayes_sf.inputs.files.workbook import read_sheet

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Cells",
    "Kind",
    "check_columns",
    "check_stamp",
    "kind_of",
    "parquet_columns",
    "read_cells",
    "stamp_of",
]

MAX_COLUMNS = 1000
_NBSP = str.maketrans(dict.fromkeys("\u00a0\u202f\u2009", " "))
_SUFFIXES = {
    ".csv": "csv",
    ".txt": "csv",
    ".xlsx": "excel",
    ".sav": "spss",
    ".zsav": "spss",
    ".dta": "stata",
    ".parquet": "parquet",
}
#: Formats of SPSS and Stata that make dates and times of numbers; of `%ty` these are years.
_TIMES = re.compile(r"[AEJS]?DATE|[YQ]?MDHMS|QYR|MOYR|WKYR|[DM]?TIME|%-?(t[^y]|d)")
type Kind = Literal["csv", "excel", "spss", "stata", "parquet"]


@dataclass(frozen=True)
class Cells:
    """A whole table as text.

    Parameters
    ----------
    where : str
        The file's name, for messages.
    frame : pandas.DataFrame
        One text or None per cell, indexed by the rows of the file, whose header is row 1.
    labels : dict
        For SPSS and Stata: column to {code: label}.
    missing : dict
        For SPSS and Stata: column to the cells that the file declares missing.
    titles : dict
        For SPSS and Stata: column to its own label.
    """

    where: str
    frame: "pd.DataFrame" = field(repr=False)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    missing: dict[str, frozenset[str]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)

    def rename(self, names: Mapping[str, str]) -> "Cells":
        """Keep some columns under other names.

        Parameters
        ----------
        names : mapping
            New name to the column's own.

        Returns
        -------
        Cells
            In the order of the file.
        """
        new = {theirs: ours for ours, theirs in names.items()}
        kept = [column for column in self.frame.columns if column in new]
        return Cells(
            self.where,
            self.frame[kept].rename(columns=new),
            {new[name]: codes for name, codes in self.labels.items() if name in new},
            {new[name]: cells for name, cells in self.missing.items() if name in new},
            {new[name]: title for name, title in self.titles.items() if name in new},
        )


def read_cells(path: str | Path) -> Cells:
    """Read a table into memory as text.

    Parameters
    ----------
    path : str or pathlib.Path
        `.csv`, `.txt`, `.xlsx` (its only visible sheet that is not empty), `.sav`, `.zsav`,
        `.dta` or `.parquet`.

    Returns
    -------
    Cells
        At least one row and one column, names unique.

    Raises
    ------
    DataError
        If the file cannot be read in exactly one way, or changes while it is read.
    """
    path = Path(path)
    stamp = stamp_of(path)
    readers = {"csv": _csv, "excel": _excel, "spss": _spss, "stata": _stata, "parquet": _parquet}
    cells = readers[kind_of(path)](path)
    check_stamp(path, stamp)
    return cells


def stamp_of(path: Path) -> tuple[int, ...]:
    """What changes whenever a file's bytes do; nothing for a file that is not there."""
    try:
        now = path.stat()
    except OSError:
        return ()
    return (now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_ino, now.st_dev)


def check_stamp(path: Path, stamp: tuple[int, ...]) -> None:
    """Refuse a file that is not the one that was opened."""
    if stamp_of(path) != stamp:
        raise DataError(
            path.name, "must stay as it is while it is used",
            got="a file that was changed after it was opened", fix="start again",
        )  # fmt: skip


def kind_of(path: Path) -> Kind:
    """Kind of a file that exists and is not empty."""
    if path.is_dir():
        raise DataError(path.name, "must be a file", got="a directory")
    if not path.is_file():
        raise DataError(path.name, "must exist", fix=f"looked in {path.parent.resolve()}")
    if path.stat().st_size == 0:
        raise DataError(path.name, "must not be empty", got="0 bytes")
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise DataError(path.name, f"must end in one of {', '.join(_SUFFIXES)}", got=path.suffix)
    return kind  # type: ignore[return-value]


def check_columns(where: str, columns: Iterable[str]) -> None:
    """Refuse names that are missing, repeated or too many."""
    names = list(columns)
    if len(names) > MAX_COLUMNS:
        raise DataError(where, f"must have at most {MAX_COLUMNS} columns", got=len(names))
    if "" in names:
        raise DataError(f"{where}: row 1, column {names.index('') + 1}", "must have a name")
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise DataError(
            f"{where}: row 1",
            "column names must be unique",
            got=", ".join(map(show_name, repeated[:5])),
            fix="rename or delete the copies",
        )


def _cells(
    path: Path,
    columns: Sequence[str],
    rows: Sequence[Sequence[str | None]],
    numbers: Iterable[int] | None = None,
    **facts: Any,
) -> Cells:
    """Check the header and put the rows into a frame; without numbers they follow it."""
    import pandas as pd

    check_columns(path.name, columns)
    if not rows:
        raise DataError(path.name, "must have at least one row below its header", got="none")
    index = pd.Index(range(2, len(rows) + 2) if numbers is None else list(numbers))
    frame = pd.DataFrame(list(rows), index, list(columns), dtype=object)
    return Cells(path.name, frame, **facts)


def _csv(path: Path) -> Cells:
    layout = csv_format(path)
    numbered = [(n, [_text(cell) for cell in row]) for n, row in csv_records(path, layout)]
    return _cells(path, layout.columns, [row for _, row in numbered], (n for n, _ in numbered))


def _excel(path: Path) -> Cells:
    with _reading(path, "Excel"):
        header, *rows = read_sheet(path, _text, max_columns=MAX_COLUMNS)
    return _cells(path, [name or "" for name in header], rows)


def _spss(path: Path) -> Cells:
    import pyreadstat

    return _labelled(path, "SPSS", pyreadstat.read_sav)


def _stata(path: Path) -> Cells:
    import pyreadstat

    return _labelled(path, "Stata", pyreadstat.read_dta)


def _labelled(path: Path, program: str, reader: Callable[..., Any]) -> Cells:
    """Codes, their labels, and which of them the file declares missing."""
    with _reading(path, program):
        frame, meta = reader(str(path), user_missing=True, disable_datetime_conversion=True)
    is_time = [_TIMES.match(str(kind)) for kind in meta.original_variable_types.values()]
    rows = [
        [_text(cell) if not time else _time(cell) for cell, time in zip(row, is_time, strict=True)]
        for row in frame.itertuples(index=False, name=None)
    ]
    labels = {
        column: {_text(code) or "": label for code, label in codes.items() if label.strip()}
        for column, codes in meta.variable_value_labels.items()
    }
    missing = {column: frozenset(codes) for column, codes in meta.missing_user_values.items()}
    for column, ranges in meta.missing_ranges.items():
        values = frame[column].dropna().unique()
        missing[column] = frozenset(_text(v) or "" for v in values if _is_within(v, ranges))
    made = _cells(path, list(meta.column_names), rows, labels=labels, missing=missing)
    titles = {name: str(title) for name, title in meta.column_names_to_labels.items() if title}
    return replace(made, titles=titles)


def _time(cell: object) -> str | None:
    """Seconds or days since some day, which are no measurement."""
    text = _text(cell)
    return text if text is None else StoredTime(text)


def _is_within(value: Any, ranges: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a value lies in a range that SPSS calls missing; texts are compared as they are."""
    return any(
        str(value).rstrip() == str(each["lo"]).rstrip()
        if isinstance(value, str)
        else each["lo"] <= value <= each["hi"]
        for each in ranges
    )


def _parquet(path: Path) -> Cells:
    import pyarrow.parquet as pq

    columns = parquet_columns(path)
    check_columns(path.name, columns)
    with _reading(path, "Parquet"):
        values = [column.to_pylist() for column in pq.read_table(path).columns]
    rows = [[_text(cell) for cell in row] for row in zip(*values, strict=True)]
    return _cells(path, columns, rows)


def parquet_columns(path: Path) -> list[str]:
    """Header of a Parquet file."""
    import pyarrow.parquet as pq

    with _reading(path, "Parquet"):
        return list(pq.read_schema(path).names)


@contextmanager
def _reading(path: Path, program: str) -> Iterator[None]:
    """Turn any failure of a reading library into one message; its own text is not quoted."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # noqa: BLE001 - every library has errors of its own
        raise DataError(
            path.name,
            f"must be a whole {program} file",
            got=type(error).__name__,
            fix="it is truncated or of another kind; export it again",
        ) from None


def _text(cell: object) -> str | None:
    """One cell as text; whole floats lose their `.0`, empty cells are None.

    Examples
    --------
    >>> [_text(cell) for cell in (3.0, 2.5, " ja\u00a0", "", None, True, float("nan"))]
    ['3', '2.5', 'ja', None, None, 'true', None]
    """
    if cell is None:
        return None
    if isinstance(cell, str):
        return cell.translate(_NBSP).strip() or None
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        if math.isnan(cell):
            return None
        return str(int(cell)) if cell.is_integer() else StoredNumber(repr(cell))
    is_time = isinstance(cell, date | time | timedelta)
    stored = StoredTime if is_time else StoredNumber if isinstance(cell, Decimal) else str
    return stored(cell)
