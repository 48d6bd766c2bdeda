"""Tables as users keep them: CSV, Excel, SPSS, Stata and Parquet, read without guessing.

What a file says is kept as text until the codebook or the register gives it a meaning. A file that
cannot be read in one way only is refused with the reason. No message ever quotes a line or a cell
of the file here: it could hold an organisation number.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bayes_sf.errors import DataError
from bayes_sf.inputs.delimited import csv_format, csv_rows
from bayes_sf.inputs.numerals import StoredNumber
from bayes_sf.inputs.pseudonym import mask_numbers

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Cells", "Kind", "check_columns", "kind_of", "parquet_columns", "read_cells"]

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
type Kind = Literal["csv", "excel", "spss", "stata", "parquet"]


@dataclass(frozen=True)
class Cells:
    """A whole table as text.

    Parameters
    ----------
    where : str
        The file's name, for messages.
    frame : pandas.DataFrame
        One text or None per cell; row i of the frame is row i + 2 of the file.
    labels : dict
        For SPSS and Stata: column to {code: label}.
    """

    where: str
    frame: "pd.DataFrame"
    labels: dict[str, dict[str, str]] = field(default_factory=dict)


def read_cells(path: str | Path) -> Cells:
    """Read a table into memory as text.

    Parameters
    ----------
    path : str or pathlib.Path
        `.csv`, `.txt`, `.xlsx` (first sheet), `.sav`, `.zsav`, `.dta` or `.parquet`.

    Returns
    -------
    Cells
        At least one row and one column, names unique.

    Raises
    ------
    DataError
        If the file cannot be read in exactly one way.
    """
    import pandas as pd

    path = Path(path)
    readers = {"csv": _csv, "excel": _excel, "spss": _spss, "stata": _stata, "parquet": _parquet}
    columns, rows, labels = readers[kind_of(path)](path)
    check_columns(path.name, columns)
    if not rows:
        raise DataError(path.name, "must have at least one row below its header", got="none")
    return Cells(path.name, pd.DataFrame(rows, columns=columns, dtype=object), labels)


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
    """Refuse column names that are missing, repeated or too many."""
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
            got=mask_numbers(", ".join(repeated[:5])),
            fix="rename or delete the copies",
        )


type _Table = tuple[list[str], list[list[str | None]], dict[str, dict[str, str]]]


def _csv(path: Path) -> _Table:
    layout = csv_format(path)
    rows = [[_text(cell) for cell in row] for row in csv_rows(path, layout)]
    return list(layout.columns), rows, {}


def _excel(path: Path) -> _Table:
    import openpyxl

    # A sheet may be formatted far beyond its cells: empty rows and columns at its end are no data.
    with _reading(path, "Excel"):
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        records = [list(record) for record in book.worksheets[0].iter_rows(values_only=True)]
        book.close()
    if not records:
        raise DataError(path.name, "must have a header in the first sheet", got="an empty sheet")
    cells = [[_text(cell) for cell in record] for record in records]
    while cells and not any(cells[-1]):
        cells.pop()
    width = max((i for row in cells for i, cell in enumerate(row, start=1) if cell), default=0)
    header, *rows = [row[:width] + [None] * (width - len(row)) for row in cells] or [[]]
    return [name or "" for name in header], rows, {}


def _spss(path: Path) -> _Table:
    import pyreadstat

    return _labelled(path, "SPSS", pyreadstat.read_sav)


def _stata(path: Path) -> _Table:
    import pyreadstat

    return _labelled(path, "Stata", pyreadstat.read_dta)


def _labelled(path: Path, program: str, reader: Callable[..., Any]) -> _Table:
    """Codes and value labels; user-missing codes stay codes, since they say why."""
    with _reading(path, program):
        frame, meta = reader(str(path), user_missing=True, disable_datetime_conversion=True)
    rows = [[_text(cell) for cell in row] for row in frame.itertuples(index=False, name=None)]
    labels = {
        column: {_text(code) or "": label for code, label in codes.items()}
        for column, codes in meta.variable_value_labels.items()
    }
    return list(meta.column_names), rows, labels


def _parquet(path: Path) -> _Table:
    import pyarrow.parquet as pq

    columns = parquet_columns(path)
    check_columns(path.name, columns)
    with _reading(path, "Parquet"):
        values = [column.to_pylist() for column in pq.read_table(path).columns]
    return columns, [[_text(cell) for cell in row] for row in zip(*values, strict=True)], {}


def parquet_columns(path: Path) -> list[str]:
    """Names of a Parquet file's columns."""
    import pyarrow.parquet as pq

    with _reading(path, "Parquet"):
        return list(pq.read_schema(path).names)


@contextmanager
def _reading(path: Path, program: str) -> Iterator[None]:
    """Turn any failure of a reading library into one message; its own text is not quoted."""
    try:
        yield
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
    ['3', '2.5', 'ja', None, None, '1', None]
    """
    if cell is None:
        return None
    if isinstance(cell, str):
        return cell.translate(_NBSP).strip() or None
    if isinstance(cell, bool):
        return str(int(cell))
    if isinstance(cell, float):
        if math.isnan(cell):
            return None
        return str(int(cell)) if cell.is_integer() else StoredNumber(repr(cell))
    return StoredNumber(cell) if isinstance(cell, Decimal) else str(cell)
