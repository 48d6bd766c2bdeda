"""A table of a user's own, as numbers and categories: what a formula is fitted to.

Only the columns that are named are looked at. A grouping factor is text, whatever it looks like.
Any other column is numbers if all its cells are, and categories if none is: a column of both is
refused, because a single typing error would turn a number into a category. Value labels of SPSS
and Stata decide: a column whose codes all have one is a category in the order of its codes, one of
which only some have a label is refused. Empty cells and signs of missing are gaps: what becomes of
their rows is asked of the model (`bayes_sf.spec.terms.gaps`).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from unicodedata import normalize

import numpy as np

from bayes_sf.errors import DataError, closest
from bayes_sf.inputs.files.delimited import CsvFormat, csv_format
from bayes_sf.inputs.files.numerals import (
    MISSING,
    StoredNumber,
    StoredTime,
    as_number,
    find_decimal_mark,
)
from bayes_sf.inputs.files.tabular import Cells, kind_of, read_cells
from bayes_sf.inputs.register.connection import quietly

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["IMP", "OwnTable", "looks_numeric", "read_table", "whole_numbers"]

#: Column that numbers completed data sets which stand one below the other.
IMP: Final = ".imp"
#: What looks like a number with either decimal mark; spaces part thousands.
_NUMBER = r"[-+\u2212]?[\d \u00a0\u202f\u2009]*\d([.,]\d+)*([eE][-+]?\d+)?"
#: What programs write for a value that is not there, and a spreadsheet for one it cannot compute.
_NOTHING = ("nan", "null", "n/a", "<na>", "nat")
_ERROR = r"#(N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|GETTING_DATA|SPILL!|CALC!)"
_HALF = 0.5
#: Below this a float is every whole number.
_EXACT = 2.0**53


@dataclass(frozen=True)
class OwnTable:
    """Rows, gaps among them.

    Parameters
    ----------
    where : str
        The file's name.
    frame : pandas.DataFrame
        Numbers, categories, groups as text.
    labels : dict
        Of SPSS and Stata: column to {code: label}.
    """

    where: str
    frame: "pd.DataFrame" = field(repr=False)
    labels: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)


def read_table(
    path: str | Path,
    columns: Sequence[str],
    *,
    groups: Sequence[str],
    decimal: str | None = None,
    texts: Sequence[str] = (),
) -> OwnTable:
    """Read some columns of a CSV, Excel, SPSS, Stata or Parquet file.

    Parameters
    ----------
    path : path
        The file.
    columns : sequence of str
        Columns, in the file's spelling.
    groups : sequence of str
        Those that are grouping factors.
    decimal : {",", "."}, optional
        Decimal mark of a file that leaves it open.
    texts : sequence of str
        Columns that are text, whatever they look like, but for those with value labels.

    Returns
    -------
    OwnTable

    Raises
    ------
    DataError
        For a file that cannot be read in one way, a column that is not there, one of numbers and
        text, codes of which some have labels.
    """
    cells = _named(read_cells(path), columns)
    for name in columns:
        if name not in cells.frame.columns:
            raise DataError(
                f"{cells.where}: column {name!r}", "is not in the file",
                got=", ".join(map(str, cells.frame.columns[:20])),
                fix=closest(name, map(str, cells.frame.columns)) or "check the spelling",
            )  # fmt: skip
    sets = set() if IMP in columns else set(cells.frame.get(IMP, ()))
    if len(sets) > 1:
        raise DataError(
            f"{cells.where}: column '{IMP}'", "must not number several completed data sets",
            got=f"{len(sets)} of them, whose rows would count as one study's",
            fix="fit them in Python: sf.fit(formula, frame) pools them",
        )  # fmt: skip
    if kind_of(Path(path)) == "parquet":
        _check_types(Path(path), cells, columns)
    found = cells.frame[list(dict.fromkeys(columns))].apply(
        lambda column: column.mask(_missing(cells, column))
    )
    for name in found.columns:
        if name not in texts:
            _check_text(cells.where, found[name], is_group=name in groups)
    coded = [name for name in found.columns if name not in groups and _labels(cells, name)]
    plain = [name for name in found.columns if name not in (*coded, *groups, *texts)]
    numeric = [name for name in plain if _is_numeric(cells.where, found[name].dropna())]
    layout = csv_format(Path(path)) if kind_of(Path(path)) == "csv" else None
    values = _numbers(cells.where, found[numeric], layout, decimal)
    made = found.assign(
        **{name: _by_label(cells, found[name]) for name in coded},
        **{name: whole_numbers(values[name].to_numpy()) for name in numeric},
    )
    labels = {name: _labels(cells, name) for name in map(str, found) if _labels(cells, name)}
    return OwnTable(cells.where, made.reset_index(drop=True), labels)


def _named(cells: Cells, columns: Sequence[str]) -> Cells:
    """The file's columns as they are asked for: letters may be composed in two ways."""
    there = [str(name) for name in cells.frame.columns]
    composed = Counter(normalize("NFC", name) for name in there)
    asked = {normalize("NFC", name): name for name in columns if name not in there}
    names = {
        asked[normal]: name
        for name in there
        if (normal := normalize("NFC", name)) in asked and composed[normal] == 1
    }
    return cells.rename({name: name for name in there if name not in names.values()} | names)


def _check_types(path: Path, cells: Cells, columns: Sequence[str]) -> None:
    """What Parquet declares to be neither numbers nor text is no category for being written out."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = dict(zip(cells.frame.columns, pq.read_schema(path).types, strict=True))
    for name in columns:
        kind = kinds[name]
        if pa.types.is_nested(kind) or "binary" in str(kind):
            raise DataError(
                f"{cells.where}: column {name!r}", "must hold numbers or text",
                got=str(kind), fix="convert it first",
            )  # fmt: skip


def _check_text(where: str, column: "pd.Series[str]", *, is_group: bool) -> None:
    """Dates are no numbers and no answers; a spreadsheet's errors, and words of programs, no text.

    A date among texts is what a spreadsheet makes of an answer such as 1-2.
    """
    cells = column.dropna()
    times = cells.map(lambda cell: isinstance(cell, StoredTime)).to_numpy(bool)
    if times.any() and not (is_group and times.all()):
        rule = (
            "must hold dates in every row, or in none" if is_group else "must hold numbers or text"
        )
        raise DataError(
            f"{where}: column {column.name!r}, row {cells.index[times][0]}", rule,
            got=f"{times.sum()} dates or times", fix="convert it first",
        )  # fmt: skip
    gaps = cells.str.casefold().isin(_NOTHING) | cells.str.fullmatch(_ERROR)
    if gaps.any():
        raise DataError(
            f"{where}: column {column.name!r}, row {cells.index[gaps][0]}",
            "must hold values, and nothing where there is none",
            got=f"{gaps.sum()} cells with a program's word for no value, or its error",
            fix="empty these cells, or write what they say in other words",
        )  # fmt: skip


def _missing(cells: Cells, column: "pd.Series[str]") -> "pd.Series[bool]":
    """Cells that are empty, a sign of missing, or declared missing by the file."""
    labels = cells.labels.get(str(column.name), {})
    signs = {sign for sign in MISSING if sign not in labels}
    return column.isna() | column.isin(signs | cells.missing.get(str(column.name), frozenset()))


def _labels(cells: Cells, name: str) -> dict[str, str]:
    """Labels of a column's codes, less those of codes that are declared missing."""
    declared = cells.missing.get(name, frozenset())
    return {code: text for code, text in cells.labels.get(name, {}).items() if code not in declared}


def _by_label(cells: Cells, column: "pd.Series[str]") -> Any:
    """A labelled column as categories, in the order of their codes."""
    import pandas as pd

    name, labels = str(column.name), _labels(cells, str(column.name))
    without = int((~column.dropna().isin(list(labels))).sum())
    if without:
        raise DataError(
            f"{cells.where}: column {name!r}", "must have a label for every code, or for none",
            got=f"{without} rows with codes that have none",
            fix="label all codes, declare those that stand for no answer missing, or remove the "
            "labels of a column of numbers",
        )  # fmt: skip
    used = [code for code in labels if column.eq(code).any()]
    names = [labels[code] for code in sorted(used, key=_as_code)]
    if len(set(names)) < len(names):
        rule = "must not give two codes one label"
        raise DataError(f"{cells.where}: column {name!r}", rule, fix="make them one code")
    return pd.Categorical(column.map(labels), categories=names)


def _as_code(code: str) -> tuple[float, str]:
    """Numbers in their order, before letters."""
    try:
        return float(code), code
    except ValueError:
        return float("inf"), code


def looks_numeric(column: "pd.Series[str]") -> "pd.Series[bool]":
    """Which cells look like numbers, with either decimal mark."""
    return column.str.fullmatch(_NUMBER)


def _is_numeric(where: str, column: "pd.Series[str]") -> bool:
    """Whether a column is numbers; one that is numbers in some rows only is refused."""
    looks = looks_numeric(column)
    if looks.any() and not looks.all():
        rows = [str(row) for row in column.index[~looks if looks.mean() >= _HALF else looks][:3]]
        raise DataError(
            f"{where}: column {str(column.name)!r}, row{'s' if len(rows) > 1 else ''} "
            f"{', '.join(rows)}",
            "must be numbers in every row, or text in every row",
            got=f"{int(looks.sum())} numbers and {int((~looks).sum())} texts",
            fix="mend these cells, or write the categories in words",
        )  # fmt: skip
    return bool(looks.all())


def whole_numbers(values: Any) -> Any:
    """Whole numbers as such: a column that groups rows, too, has levels 1 and not 1.0.

    Parameters
    ----------
    values : (n,) float array
    """
    whole = bool((np.abs(values) < _EXACT).all() and (values == np.floor(values)).all())
    return values.astype(np.int64) if whole else values


def _numbers(
    where: str, texts: "pd.DataFrame", layout: CsvFormat | None, decimal: str | None
) -> "pd.DataFrame":
    """Texts of numbers as floats: one decimal mark for all of them."""
    import ibis
    import pyarrow as pa

    if texts.empty:
        return texts
    # numbers that a file stores as such have a point, whatever mark its texts have
    stored = {
        str(name)
        for name in texts
        if all(isinstance(c, StoredNumber) for c in texts[name].dropna())
    }
    written = [str(name) for name in texts if name not in stored]
    made = texts.astype(dict.fromkeys(stored, float))
    if not written:
        return made
    with quietly():
        cells = {name: list(map(str, texts[name].fillna(""))) for name in written}
        table = ibis.memtable(pa.table(cells))
        mark = find_decimal_mark(where, table, written, layout, decimal)
        values = {name: as_number(table[name], mark)[0] for name in written}
        read = table.select(**values).to_pyarrow().to_pandas()
    for name in written:
        unread = int((~np.isfinite(read[name].to_numpy(float)) & texts[name].notna()).sum())
        if unread:
            raise DataError(
                f"{where}: column {name!r}", f"must be numbers with decimal mark '{mark}'",
                got=f"{unread} others, or too large ones", fix="give decimal, or mend them",
            )  # fmt: skip
        made[name] = read[name].to_numpy()
    return made
