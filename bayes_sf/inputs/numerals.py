"""Numbers written as text, in a CSV or as text cells of a workbook.

One decimal mark per file, and spaces (also no-break and thin) between groups of three. In a file
parted by `,` the mark is a point. In a file parted by `;` it is a comma or a point, not both; and
if every point is followed by exactly three digits it could part thousands as well, so the file is
refused until `decimal` says which.
"""

from typing import TYPE_CHECKING, Final

from bayes_sf.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis

    from bayes_sf.inputs.delimited import CsvFormat

__all__ = ["MISSING", "StoredNumber", "as_number", "find_decimal_mark"]

MISSING: Final = ("", ".", "..", ":", "NA")
"""Empty, and Statistics Norway's signs for not possible, not available and confidential."""


class StoredNumber(str):
    """A number that the file stores as one, as text: its mark is a point in any case."""

    __slots__ = ()


_SPACES = "[ \u00a0\u202f\u2009]"
_PATTERN = r"^[-+]?(\d+|\d{{1,3}}( \d{{3}})+)({mark}\d+)?([eE][-+]?\d+)?$"
_POINT_GROUPS = r"^[-+]?\d{1,3}(\.\d{3})+$"


def find_decimal_mark(
    where: str,
    table: "ibis.Table",
    columns: "Sequence[str]",
    layout: "CsvFormat | None",
    decimal: str | None,
) -> str:
    """Find the decimal mark of a file.

    Parameters
    ----------
    where : str
        The file's name.
    table : ibis.Table
        Its cells.
    columns : sequence of str
        The number columns that are text.
    layout : CsvFormat or None
        None for typed files, whose text cells must use a point.
    decimal : {",", "."} or None
        The user's word, which decides.

    Returns
    -------
    str
        "," or ".".

    Raises
    ------
    DataError
        If the file uses both, or a point that may part thousands.
    """
    if decimal not in {None, ",", "."}:
        raise UsageError("decimal", "must be ',' or '.'", got=decimal)
    if decimal or layout is None or layout.delimiter == "," or not columns:
        return decimal or "."
    found = table.agg(
        **{f"comma_{i}": table[name].contains(",").sum() for i, name in enumerate(columns)},
        **{f"point_{i}": table[name].contains(".").sum() for i, name in enumerate(columns)},
        **{
            f"group_{i}": table[name].strip().re_search(_POINT_GROUPS).sum()
            for i, name in enumerate(columns)
        },
        **{
            f"sign_{i}": table[name].strip().isin([".", ".."]).sum()
            for i, name in enumerate(columns)
        },
    ).to_pyarrow()
    counts = found.to_pylist()[0]
    commas, points, groups, signs = (
        sum(counts[f"{kind}_{i}"] or 0 for i in range(len(columns)))
        for kind in ("comma", "point", "group", "sign")
    )
    points -= signs
    if commas and points:
        raise DataError(
            where,
            "must use one decimal mark",
            got=f"{commas} cells with a comma and {points} with a point",
            fix="part thousands with spaces or not at all",
        )
    if points and points == groups:
        raise DataError(
            where,
            "must not leave open whether a point parts decimals or thousands",
            got="three digits after every point",
            fix="give decimal='.' or decimal=','",
        )
    return "." if points else ","


def as_number(cell: "ibis.Column", mark: str) -> "tuple[ibis.Column, ibis.Column]":
    """Turn a text column into numbers.

    Parameters
    ----------
    cell : ibis string column
        The cells.
    mark : str
        The decimal mark.

    Returns
    -------
    value : ibis float column
        The numbers, missing where the cell is a sign of missing or cannot be read.
    unreadable : ibis boolean column
        Where a cell is neither a number nor a sign of missing.
    """
    text = cell.re_replace(_SPACES, " ").strip().replace("\u2212", "-")
    number = text.re_search(_PATTERN.format(mark=r"\." if mark == "." else ","))
    plain = text.replace(" ", "").replace(mark, ".")
    value = number.ifelse(plain, None).try_cast("float64")
    return value, text.notnull() & ~text.isin(MISSING) & value.isnull()
