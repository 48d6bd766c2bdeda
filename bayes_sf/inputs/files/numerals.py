"""Numbers written as text, in a CSV or as text cells of a workbook.

One decimal mark per file, and spaces (also no-break and thin) between groups of three. In a CSV
parted by `,` the mark is a point. In any other file it is a comma or a point, not both; and if
every mark is followed by exactly three digits it could part thousands as well, so the file is
refused until `decimal` says which. Texts beside numbers that a file stores as such use a point, or
a comma if `decimal` says so.
"""

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from bayes_sf.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis

    from bayes_sf.inputs.files.delimited import CsvFormat

__all__ = ["MISSING", "StoredNumber", "StoredTime", "as_number", "find_decimal_mark"]

MISSING: Final = ("", ".", "..", ":", "NA")
"""Empty, and Statistics Norway's signs for not possible, not available and confidential."""


class StoredNumber(str):
    """A number that the file stores as one, as text: its mark is a point in any case.

    Examples
    --------
    >>> StoredNumber("1234.5").without_mark, StoredNumber("-1e-07").without_mark
    ('12345e-1', '-1e-7')
    """

    __slots__ = ()

    @property
    def without_mark(self) -> str:
        """The same number in a way that no decimal mark changes."""
        sign, digits, exponent = Decimal(self).as_tuple()
        if not isinstance(exponent, int):  # infinite: no number of days
            return str(self)
        return f"{'-' * sign}{''.join(map(str, digits))}e{exponent}"


class StoredTime(str):
    """A date, a time or a length of time that the file stores as one, as text."""

    __slots__ = ()


_SPACES = "[ \u00a0\u202f\u2009]"
_PATTERN = r"^[-+]?(\d+|\d{{1,3}}( \d{{3}})+)({mark}\d+)?([eE][-+]?\d+)?$"
_GROUPS = r"^[-+]?\d{{1,3}}({mark}\d{{3}})+$"


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
        None for files that store numbers as numbers.
    decimal : {",", "."} or None
        The user's word, which decides.

    Returns
    -------
    str
        "," or ".".

    Raises
    ------
    DataError
        If the file uses both, or a mark that may part thousands.
    """
    if decimal not in {None, ",", "."}:
        raise UsageError("decimal", "must be ',' or '.'", got=decimal)
    if decimal or not columns or (layout is not None and layout.delimiter == ","):
        return decimal or "."
    found = {name: _count_marks(table[name]) for name in columns}
    counts = table.agg(
        **{f"{i}{kind}": n for i, name in enumerate(columns) for kind, n in found[name].items()}
    )
    by_name = counts.to_pyarrow().to_pylist()[0]
    commas, points, comma_groups, point_groups = (
        {name: by_name[f"{i}{kind}"] or 0 for i, name in enumerate(columns)}
        for kind in ("comma", "point", "comma_group", "point_group")
    )
    n_commas, n_points = sum(commas.values()), sum(points.values())
    if n_commas and n_points:
        raise DataError(
            where,
            "must use one decimal mark",
            got=f"{n_commas} cells with a comma and {n_points} with a point",
            fix="part thousands with spaces or not at all",
        )
    for mark, n, groups in (("comma", n_commas, comma_groups), ("point", n_points, point_groups)):
        if n and n == sum(groups.values()):
            raise DataError(
                where,
                f"must not leave open whether a {mark} parts decimals or thousands",
                got=f"three digits after every {mark}",
                fix="give decimal='.' or decimal=','",
            )
    if n_commas and layout is None:
        raise DataError(
            f"{where}: column {next(name for name in columns if commas[name])}",
            "must have numbers with decimal mark '.'",
            got=f"{n_commas} texts with a comma",
            fix="give decimal=','",
        )
    return "." if n_points or layout is None else ","


def _count_marks(cell: "ibis.Column") -> "dict[str, ibis.Scalar]":
    """Cells of a text column with a comma or a point, and those that could part thousands."""
    text = cell.strip()
    is_sign = text.isin(MISSING)
    return {
        "comma": (text.contains(",") & ~is_sign).sum(),
        "point": (text.contains(".") & ~is_sign).sum(),
        "comma_group": text.re_search(_GROUPS.format(mark=",")).sum(),
        "point_group": text.re_search(_GROUPS.format(mark=r"\.")).sum(),
    }


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
