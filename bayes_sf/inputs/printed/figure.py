"""A printed figure: its text, and all numbers that rounding lets it stand for.

Examples
--------
>>> figure = read_figure("\u2212.236*", "coefficients.csv: row 2, column estimate")
>>> figure.value, figure.interval, figure.stars
(-0.236, (-0.2365, -0.2355), '*')
>>> read_figure("7 185", "fit.csv: row 2, column n").value
7185.0
"""

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Literal, get_args

from bayes_sf.errors import DataError

__all__ = ["ROUNDINGS", "Figure", "Interval", "Rounding", "read_figure"]

type Interval = tuple[float, float]
type Rounding = Literal["half", "truncated", "unknown"]
ROUNDINGS: Final[tuple[Rounding, ...]] = get_args(Rounding.__value__)

#: Signs that tables print for a minus; blanks that part thousands.
_MINUS: Final = str.maketrans(dict.fromkeys("\u2212\u2012\u2013\ufe63\uff0d", "-"))
_BLANKS: Final = "[ \u00a0\u2009\u202f]"
_NUMBER: Final = re.compile(
    rf"(?P<bound>[<>]?)\s*(?P<sign>[-+]?)(?P<whole>\d{{1,3}}(?:{_BLANKS}\d{{3}})+|\d*)"
    r"(?:(?P<mark>[.,])(?P<part>\d+))?(?:[eE](?P<power>[-+]?\d{1,3}))?"
)
_STARS: Final = re.compile(r"\s*([*\u2020\u2021\u00a7#]+)$")
#: Longest cell that can be a number.
_LONGEST: Final = 40


@dataclass(frozen=True)
class Figure:
    """One printed number.

    Parameters
    ----------
    text : str
        As printed, without stars.
    decimal : Decimal
        The number that is printed.
    places : int
        Decimals that it was rounded to; negative where digits before the mark do not count.
    rounding : {"half", "truncated", "unknown"}
        How it was rounded.
    place : str
        File, row and column, or key.
    stars : str
        What stood behind it.
    bound : {"", "<", ">"}
        Whether it is printed as an end: "< 0.001".
    """

    text: str
    decimal: Decimal
    places: int
    rounding: Rounding = "half"
    place: str = ""
    stars: str = ""
    bound: str = ""

    @property
    def value(self) -> float:
        """The printed number."""
        return float(self.decimal)

    @property
    def interval(self) -> Interval:
        """Smallest and largest number that is printed so, ends included."""
        return self.as_rounded(self.rounding)

    def as_rounded(self, rounding: Rounding) -> Interval:
        """The same under another way of rounding.

        Parameters
        ----------
        rounding : {"half", "truncated", "unknown"}
            Half a unit of the last decimal to each side; one unit away from zero, to both sides of
            a zero; or whatever either allows.
        """
        if self.bound:
            return (-float("inf"), self.value) if self.bound == "<" else (self.value, float("inf"))
        unit = Decimal(1).scaleb(-self.places)
        half, away = unit / 2, unit
        low = self.decimal - (half if rounding != "truncated" else 0)
        high = self.decimal + (half if rounding != "truncated" else 0)
        if rounding != "half":
            low = min(low, self.decimal - (away if self.decimal <= 0 else 0))
            high = max(high, self.decimal + (away if self.decimal >= 0 else 0))
        return float(low), float(high)

    def rounded(self, rounding: Rounding, places: int | None = None) -> "Figure":
        """The same figure of a table that rounds in this way."""
        return replace(self, rounding=rounding, places=self.places if places is None else places)


def read_figure(
    text: str,
    place: str,
    *,
    decimal_mark: str = ".",
    marks: tuple[str, ...] = (),
    bounds: bool = False,
) -> Figure:
    """Read a cell.

    Parameters
    ----------
    text : str
        As printed: digits with one decimal mark, which may have no digit before it; thousands
        parted by blanks; a minus of any kind; a power of ten; stars behind.
    place : str
        File, row and column, for messages.
    decimal_mark : {".", ","}
        The report's.
    marks : tuple of str
        Further marks of significance that the report explains.
    bounds : bool
        Whether "< 0.001" may stand here.

    Raises
    ------
    DataError
        For what is no number, or can be read as two.

    Examples
    --------
    >>> read_figure("12,637", "fit.csv: row 2, column n")
    Traceback (most recent call last):
        ...
    bayes_sf.errors.DataError: fit.csv: row 2, column n: must have the decimal mark '.' (got \
'12,637'); write thousands with blanks or not at all, or say decimal_mark = "," in study.toml
    """
    cell = text.strip().translate(_MINUS)
    stars = ""
    for mark in sorted(marks, key=len, reverse=True):
        if cell.endswith(mark):
            cell, stars = cell.removesuffix(mark).strip(), mark
            break
    found = _STARS.search(cell)
    if found and not stars:
        cell, stars = cell[: found.start()].strip(), found[1]
    if cell.endswith("%"):
        raise DataError(
            place, "must be a number without a percent sign", got=text.strip(),
            fix="is it 0.21 or 21 %? write 0.21",
        )  # fmt: skip
    number = _NUMBER.fullmatch(cell) if len(cell) <= _LONGEST else None
    if number is None or not (number["whole"] or number["part"]):
        raise DataError(
            place, "must be a number as printed, or empty", got=text.strip(),
            fix="digits with one decimal mark; leave the cell empty where nothing is printed",
        )  # fmt: skip
    if number["mark"] and number["mark"] != decimal_mark:
        raise DataError(
            place, f"must have the decimal mark {decimal_mark!r}", got=text.strip(),
            fix="write thousands with blanks or not at all, or say decimal_mark = "
            f'"{number["mark"]}" in study.toml',
        )  # fmt: skip
    if number["bound"] and not bounds:
        raise DataError(place, "must be a number, not a bound", got=text.strip())
    whole = re.sub(_BLANKS, "", number["whole"] or "0")
    part, power = number["part"] or "", int(number["power"] or 0)
    decimal = Decimal(f"{number['sign']}{whole}.{part or 0}").scaleb(power)
    shown = cell.translate({ord("\u00a0"): " "})
    return Figure(shown, decimal, len(part) - power, "half", place, stars, number["bound"])
