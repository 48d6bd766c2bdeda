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
from typing import TYPE_CHECKING, Final

from bayes_sf.errors import DataError
from bayes_sf.inputs.files.delimited import CsvFormat, csv_format, csv_records
from bayes_sf.inputs.files.numerals import StoredNumber
from bayes_sf.inputs.files.tabular import (
    Cells,
    Kind,
    check_columns,
    check_stamp,
    kind_of,
    parquet_columns,
    read_cells,
    stamp_of,
)
from bayes_sf.inputs.register.spark import ROW, scan_file
from bayes_sf.inputs.register.spill import BELIEVE_NO_STATISTICS

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

type _Record = tuple[int, list[str | None]]


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
        check_stamp(self.path, self.stamp)

    def load(
        self, connection: "Backend", names: Mapping[str, str], *, coded: Iterable[str]
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
            records = _typed_records(self, names, lists, missing)
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
    kind, stamp = kind_of(path), stamp_of(path)
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


def _csv_records(path: Path, layout: CsvFormat, names: Mapping[str, str]) -> Iterator[_Record]:
    """Some columns of a CSV, row by row."""
    places = [layout.columns.index(theirs) for theirs in names.values()]
    for number, row in csv_records(path, layout):
        yield number, [row[place].strip() or None for place in places]


def _typed_records(
    source: Source, names: Mapping[str, str], coded: Iterable[str], missing: Counter[str]
) -> Iterator[_Record]:
    """Some columns of an Excel, SPSS or Stata file, row by row; no number has a decimal mark."""
    assert source.cells is not None
    _check_formats(source, names, coded)
    cells = source.cells.rename(names)
    figures = [ours not in coded for ours in names]
    declared = [cells.missing.get(ours, frozenset()) for ours in names]
    labels = [cells.labels.get(ours, {}) for ours in names]
    for number, *row in cells.frame[list(names)].itertuples(name=None):
        for place, ours in enumerate(names):
            cell = row[place]
            if cell is None or not figures[place]:
                continue
            if cell in declared[place]:
                missing[ours] += 1
                row[place] = None
            elif cell in labels[place]:
                raise DataError(
                    f"{source.where}: row {number}, column {ours}", "must be a figure",
                    got="a code with a label", fix="declare the code missing, or empty the cell",
                )  # fmt: skip
            elif isinstance(cell, StoredNumber):
                row[place] = cell.without_mark
        yield number, row


def _check_formats(source: Source, names: Mapping[str, str], coded: Iterable[str]) -> None:
    """Refuse figures that SPSS or Stata store as dates, times or durations."""
    if source.kind == "excel":
        return
    import pyreadstat

    read = pyreadstat.read_sav if source.kind == "spss" else pyreadstat.read_dta
    _, meta = read(str(source.path), metadataonly=True)
    for ours, theirs in names.items():
        form = meta.original_variable_types.get(theirs) or ""
        if ours not in coded and _TIMES.match(form):
            raise DataError(f"{source.where}: column {ours}", "must be numbers", got=form)


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
    for numbered in batched(records, BATCH, strict=False):
        columns = zip(*(row for _, row in numbered), strict=True)
        batch = {"row": pa.array([number for number, _ in numbered], pa.int64())} | {
            ours: column(ours, cells) for ours, cells in zip(names, columns, strict=True)
        }
        connection.insert(kept, pa.table(batch))
    return table


def _scan_parquet(connection: "Backend", source: Source, names: Mapping[str, str]) -> "ibis.Table":
    """Scan a Parquet file: its name is no pattern, and all its rows are there."""
    import pyarrow.parquet as pq

    if connection.name == "duckdb":
        literal = re.sub(r"([\[*?])", r"[\1]", str(source.path))
        connection.raw_sql(BELIEVE_NO_STATISTICS)
        scanned = connection.read_parquet(literal, hive_partitioning=False)
        row = None
    else:
        scanned = scan_file(connection, source.path)
        row = scanned[ROW]
    expected = pq.read_metadata(source.path).num_rows
    found = scanned.count().to_pyarrow().as_py()
    if found != expected:
        raise DataError(
            source.where, f"must have the {expected} rows that it says it has", got=found
        )
    return _numbered(scanned, names, row)


def _numbered(
    scanned: "ibis.Table", names: Mapping[str, str], row: "ibis.Column | None"
) -> "ibis.Table":
    """Columns under our names, with the row of the file: counted, or as the engine says it."""
    import ibis

    columns = {ours: scanned[theirs] for ours, theirs in names.items()}
    if row is not None:
        return scanned.select(**columns, row=row + 2)
    return scanned.select(**columns).mutate(row=ibis.row_number() + 2)


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
