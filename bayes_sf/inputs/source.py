"""One register file, as the engine sees it: exactly the file named, the same at every look.

CSV, Excel, SPSS and Stata files are read once, as the survey is, and are kept in the engine; what
is looked up in Python (workplace numbers, quarters) goes in as places in a list, so that no
workplace number ever is in the engine's memory or in what it spills. Parquet is scanned where it
lies: by its name and not by a pattern, without partitions from the names of folders, and only as
long as it is the file that was opened.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bayes_sf.errors import DataError
from bayes_sf.inputs.delimited import CsvFormat, csv_format, csv_rows
from bayes_sf.inputs.numerals import StoredNumber
from bayes_sf.inputs.tabular import (
    Cells,
    Kind,
    check_columns,
    kind_of,
    parquet_columns,
    read_cells,
)

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa
    from ibis.backends.duckdb import Backend

__all__ = ["Loaded", "Source", "open_source"]

BATCH: Final = 20_000
"""Rows that are in Python at one time."""

_TIMES = re.compile(
    r"%-?[td]|[AEJS]?DATE|D?TIME|[MY]?M?D?TIME|QYR|MOYR|WKYR|WKDAY|MONTH", re.IGNORECASE
)
"""Formats with which SPSS and Stata store dates, times and durations as numbers."""

type _Record = Sequence[str | None]


@dataclass(frozen=True)
class Loaded:
    """A file's columns in the engine.

    Parameters
    ----------
    table : ibis.Table
        `row` of the file (the header is row 1) and the columns asked for: text, or Parquet's own
        types. A coded column holds places in its list of cells.
    cells : dict
        Coded column to the list of its distinct cells; empty for Parquet.
    declared_missing : int
        Figures that the file itself declares missing, with a value that stands in the cell.
    """

    table: "ibis.Table"
    cells: dict[str, list[str | None]] = field(default_factory=dict)
    declared_missing: int = 0


@dataclass(frozen=True)
class Source:
    """A file that was opened.

    Parameters
    ----------
    path : pathlib.Path
        Where it lies.
    kind : str
        What it is.
    columns : tuple of str
        Its header.
    layout : CsvFormat or None
        For CSV files, how it is written.
    cells : Cells or None
        For Excel, SPSS and Stata files, all of it.
    stamp : tuple of int
        Size, times and place on the disk.
    """

    path: Path
    kind: Kind
    columns: tuple[str, ...]
    layout: CsvFormat | None
    cells: Cells | None = field(repr=False)
    stamp: tuple[int, ...] = field(repr=False)

    @property
    def where(self) -> str:
        """The file's name, for messages."""
        return self.path.name

    def verify(self) -> None:
        """Refuse a file that is not the one that was opened.

        Raises
        ------
        DataError
            If it was changed, replaced or removed.
        """
        if _stamp(self.path) != self.stamp:
            raise DataError(
                self.where, "must stay as it is while it is used",
                got="a file that was changed after it was opened", fix="start again",
            )  # fmt: skip

    def load(
        self, connection: "Backend", names: Mapping[str, str], *, coded: Iterable[str], mark: str
    ) -> Loaded:
        """Give the engine some columns.

        Parameters
        ----------
        connection : ibis backend
            Embedded DuckDB.
        names : mapping
            Our column name to the file's.
        coded : iterable of str
            Ours that go in as places in a list of cells; all others are figures.
        mark : {",", "."}
            Decimal mark of texts, with which cells that are stored as numbers are written, too.

        Returns
        -------
        Loaded
            All rows of the file.

        Raises
        ------
        DataError
            If the file breaks a rule, or changes while it is read.
        """
        lists: dict[str, dict[str | None, int]] = {name: {} for name in coded}
        if self.kind == "parquet":
            _check_types(self, names, lists)
            return Loaded(_scan_parquet(connection, self, names))
        missing: Counter[str] = Counter()
        if self.layout is not None:
            records = _csv_records(self.path, self.layout, names)
        else:
            records = _typed_records(self, names, lists, mark, missing)
        table = _keep(connection, records, names, lists)
        self.verify()
        return Loaded(table, {name: list(cells) for name, cells in lists.items()}, missing.total())


def open_source(path: Path) -> Source:
    """Open a file and read its header; Excel, SPSS and Stata files are read whole.

    Raises
    ------
    DataError
        As `read_cells`; faults below the header of a CSV are found when it is loaded.
    """
    path = path.absolute()
    kind, stamp = kind_of(path), _stamp(path)
    layout, cells = None, None
    if kind == "csv":
        layout = csv_format(path)
        columns = layout.columns
    elif kind == "parquet":
        columns = tuple(parquet_columns(path))
    else:
        cells = read_cells(path)
        columns = tuple(cells.frame.columns)
    check_columns(path.name, columns)
    return Source(path, kind, columns, layout, cells, stamp)


def _stamp(path: Path) -> tuple[int, ...]:
    """What changes whenever a file's bytes do; nothing for a file that is not there."""
    try:
        now = path.stat()
    except OSError:
        return ()
    return (now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_ino, now.st_dev)


def _csv_records(path: Path, layout: CsvFormat, names: Mapping[str, str]) -> Iterator[_Record]:
    """Some columns of a CSV, row by row."""
    places = [layout.columns.index(theirs) for theirs in names.values()]
    for row in csv_rows(path, layout):
        yield [row[place].strip() or None for place in places]


def _typed_records(
    source: Source,
    names: Mapping[str, str],
    coded: Iterable[str],
    mark: str,
    missing: Counter[str],
) -> Iterator[_Record]:
    """Some columns of an Excel, SPSS or Stata file, row by row, with one decimal mark."""
    assert source.cells is not None
    frame = source.cells.frame[list(names.values())]
    declared = _Declared.of(source, {name: names[name] for name in names if name not in coded})
    for number, row in enumerate(frame.itertuples(index=False, name=None), start=2):
        record = list(row)
        for place, (ours, cell) in enumerate(zip(names, row, strict=True)):
            if cell is None or ours in coded:
                continue
            if declared.is_missing(ours, cell, number):
                missing[ours] += 1
                record[place] = None
            elif isinstance(cell, StoredNumber):
                record[place] = cell.replace(".", mark)
        yield record


@dataclass(frozen=True)
class _Declared:
    """What an SPSS or Stata file says of its columns of figures."""

    where: str
    ranges: dict[str, list[tuple[Any, Any]]]
    labels: dict[str, dict[str, str]]

    @classmethod
    def of(cls, source: Source, names: Mapping[str, str]) -> "_Declared":
        """Read it, and refuse figures that are dates, times or durations."""
        assert source.cells is not None
        if source.kind == "excel":
            return cls(source.where, {}, {})
        import pyreadstat

        read = pyreadstat.read_sav if source.kind == "spss" else pyreadstat.read_dta
        _, meta = read(str(source.path), metadataonly=True, user_missing=True)
        for ours, theirs in names.items():
            form = meta.original_variable_types.get(theirs) or ""
            if _TIMES.match(form):
                raise DataError(f"{source.where}: column {ours}", "must be numbers", got=form)
        known = meta.missing_ranges or {}
        ranges = {
            ours: [
                (each["lo"], each["hi"]) for each in known.get(theirs, []) if isinstance(each, dict)
            ]
            for ours, theirs in names.items()
        }
        labels = {ours: source.cells.labels.get(theirs, {}) for ours, theirs in names.items()}
        return cls(source.where, ranges, labels)

    def is_missing(self, column: str, cell: str, row: int) -> bool:
        """Whether a cell is declared missing; a cell with a label that is not is no figure."""
        if any(_within(cell, low, high) for low, high in self.ranges.get(column, ())):
            return True
        if cell in self.labels.get(column, {}):
            raise DataError(
                f"{self.where}: row {row}, column {column}", "must be a figure",
                got="a code with a label", fix="declare the code missing, or empty the cell",
            )  # fmt: skip
        return False


def _within(cell: str, low: object, high: object) -> bool:
    """Whether a cell lies in a range of values that a file declares missing."""
    if isinstance(low, str) or isinstance(high, str):
        return cell == low
    try:
        return float(low) <= float(cell) <= float(high)  # type: ignore[arg-type]
    except ValueError:
        return False


def _keep(
    connection: "Backend",
    records: Iterator[_Record],
    names: Mapping[str, str],
    lists: dict[str, dict[str | None, int]],
) -> "ibis.Table":
    """Put rows into a table of the engine, some columns as places in lists that grow."""
    import ibis
    import pyarrow as pa

    def column(ours: str, cells: Sequence[str | None]) -> "pa.Array":
        if ours not in lists:
            return pa.array(cells, pa.string())
        known = lists[ours]
        return pa.array([known.setdefault(cell, len(known)) for cell in cells], pa.int32())

    types = {"row": "int64"} | {ours: "int32" if ours in lists else "string" for ours in names}
    kept = ibis.util.gen_name("cells")
    table = connection.create_table(kept, schema=ibis.schema(types), temp=True)
    first = 2
    for rows in batched(records, BATCH, strict=False):
        columns = zip(*rows, strict=True)
        batch = {"row": pa.array(range(first, first + len(rows)), pa.int64())} | {
            ours: column(ours, cells) for ours, cells in zip(names, columns, strict=True)
        }
        connection.insert(kept, pa.table(batch))
        first += len(rows)
    return table


def _scan_parquet(connection: "Backend", source: Source, names: Mapping[str, str]) -> "ibis.Table":
    """Scan a Parquet file: its name is no pattern, and all its rows are there."""
    import ibis
    import pyarrow.parquet as pq

    literal = re.sub(r"([\[*?])", r"[\1]", str(source.path))
    scanned = connection.read_parquet(literal, hive_partitioning=False)
    expected = pq.read_metadata(source.path).num_rows
    found = scanned.count().to_pyarrow().as_py()
    if found != expected:
        raise DataError(
            source.where, f"must have the {expected} rows that it says it has", got=found
        )
    table = scanned.select(**{ours: scanned[theirs] for ours, theirs in names.items()})
    return table.mutate(row=ibis.row_number() + 2)


def _check_types(source: Source, names: Mapping[str, str], coded: Iterable[str]) -> None:
    """Refuse columns whose cells are neither texts nor numbers, by what the file says they are."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pq.read_schema(source.path)
    for ours, theirs in names.items():
        kind = schema.field(theirs).type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        lossy = ours in coded and (pa.types.is_float16(kind) or pa.types.is_float32(kind))
        readable = (
            *(pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null),
            *(pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
        )
        if lossy or not any(is_kind(kind) for is_kind in readable):
            got = f"{kind}, which has lost digits" if lossy else str(kind)
            raise DataError(
                f"{source.where}: column {ours}", "must be numbers or text", got=got,
                fix="write it with another type",
            )  # fmt: skip
