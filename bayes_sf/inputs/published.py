"""The report's published tables, as transcribed in `data/published/`.

Printed figures stay strings: "0.05" in a table of three decimals stands for 0.050, and what it can
mean is an interval, not a number. `rounding_interval` gives that interval. Counts are integers.

Examples
--------
>>> scalar("icc_mean")
0.299
>>> rounding_interval("0.05", decimals=DECIMALS["46"])
(0.0495, 0.0505)
"""

import csv
import re
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from bayes_sf.errors import UsageError
from bayes_sf.inputs.variables import unknown_key
from bayes_sf.resources import data_dir

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DECIMALS", "published_table", "rounding_interval", "scalar"]

_FILE_OF_TABLE = {
    **dict.fromkeys(("1", "6", "8", "9"), "samples"),
    "11": "univariate",
    **{str(number): "by_industry" for number in range(12, 46)},
    **dict.fromkeys(("figure5", "3", "4", "5", "46", "47"), "coefficients"),
}
_FILES = (*dict.fromkeys(_FILE_OF_TABLE.values()), "scalars")
_COUNTS = ["count", "n"]

DECIMALS = {
    table: {"coefficients": 3}.get(file, 0 if table == "29" else 1)
    for table, file in _FILE_OF_TABLE.items()
}
"""Decimals to which each table rounds: its coefficients, or its percentages.

The tables made in R (8, 9, 11 and all coefficients) drop trailing zeros, so the number of decimals
is the table's, not the string's.
"""


@cache
def _read(file: str) -> tuple[dict[str, str], ...]:
    """Rows of a transcribed file, as strings."""
    path = data_dir() / "published" / f"{file}.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        return tuple(csv.DictReader(stream))


def published_table(key: str) -> "pd.DataFrame":
    """Return one published table, or one whole transcribed file.

    Parameters
    ----------
    key : str
        Number of a table ("1", "11", "46", ...), "figure5", or a file: "samples", "univariate",
        "by_industry", "coefficients", "scalars".

    Returns
    -------
    pandas.DataFrame
        The file's columns. `count` and `n` are nullable integers (table 29 prints no counts,
        tables 46 and 47 no N per model); everything else is the printed string.

    Raises
    ------
    UsageError
        If there is no such table.

    Examples
    --------
    >>> published_table("30").query("category == 'Nei'")["count"].sum()
    np.int64(95)
    """
    if not isinstance(key, str):
        raise UsageError("published_table", "is asked for by text", got=key, fix=f"write '{key}'")
    file = _FILE_OF_TABLE.get(key, key)
    if file not in _FILES:
        raise unknown_key("published_table", "no such table", key, (*_FILE_OF_TABLE, *_FILES))
    return _frame(file, key).copy()


@cache
def _frame(file: str, key: str) -> "pd.DataFrame":
    """One table of a file; the caller gets a copy of it."""
    import pandas as pd

    frame = pd.DataFrame([row for row in _read(file) if key in {file, row.get("table")}])
    for column in frame.columns.intersection(_COUNTS):
        frame[column] = pd.array([int(c) if c else pd.NA for c in frame[column]], dtype="Int64")
    return frame


def _decimal(printed: str) -> Decimal:
    """Read a printed number: decimal point or comma, groups of three set off by spaces.

    Journals that follow the APA print no zero before the mark of what cannot exceed 1.
    """
    plain = re.sub(r"\s", "", printed).replace(",", ".").replace("\N{MINUS SIGN}", "-")
    number = re.fullmatch(r"-?(?:\d+(?:\.\d+)?|\.\d+)", plain)
    if number is None:
        raise UsageError("printed number", "must be digits and one decimal mark", got=printed)
    return Decimal(number[0])


def scalar(name: str) -> float:
    """Return a number that the report prints in its text or in a caption.

    Parameters
    ----------
    name : str
        Name in `data/published/scalars.csv`, in the unit that its note gives.

    Returns
    -------
    float
        The printed value.

    Raises
    ------
    UsageError
        If there is no such name, or if it is a claim in words (read those from
        `published_table("scalars")`).

    Examples
    --------
    >>> round(scalar("var_between") / (scalar("var_between") + scalar("var_within")), 3)
    0.299
    """
    values = {row["name"]: row["value"] for row in _read("scalars")}
    if name not in values:
        raise unknown_key("scalar", "no such published number", name, values)
    if name.startswith("claim_"):
        raise UsageError(
            f"scalar {name}",
            "is a claim in words, not a number",
            got=values[name],
            fix='read it from published_table("scalars")',
        )
    return float(_decimal(values[name]))


def rounding_interval(printed: str, *, decimals: int | None = None) -> tuple[float, float]:
    """Return all numbers that a printed, rounded figure can stand for.

    Parameters
    ----------
    printed : str
        The figure as printed, decimal point or comma.
    decimals : int, optional
        Decimals to which it was rounded, when trailing zeros may have been dropped (`DECIMALS`);
        by default those that are printed.

    Returns
    -------
    tuple of float
        Lower and upper end, half a unit of the last decimal to each side. Both ends belong to the
        interval: ties are rounded up by some software and to even by other.

    Raises
    ------
    UsageError
        If `printed` is not a number or shows more decimals than `decimals`.

    Examples
    --------
    >>> rounding_interval("0", decimals=3)
    (-0.0005, 0.0005)
    >>> rounding_interval("0,78"), rounding_interval(".78")
    ((0.775, 0.785), (0.775, 0.785))
    """
    value = _decimal(printed)
    shown = max(0, -int(value.as_tuple().exponent))
    if decimals is not None and shown > decimals:
        raise UsageError("printed number", f"has more than {decimals} decimals", got=printed)
    half = Decimal(5).scaleb(-(shown if decimals is None else decimals) - 1)
    return float(value - half), float(value + half)
