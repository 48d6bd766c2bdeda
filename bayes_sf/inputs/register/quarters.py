"""Quarters: the ways they are written, their place on a line, and the working days in each.

A quarter is an index: 0 is 2015Q1, when the register's present series begins (from 2015 employers
report through A-ordningen; earlier figures are not comparable). Sixty quarters, to 2029Q4, are
known: the set of quarters of a workplace is then one 64-bit mask, whatever engine counts it.

Examples
--------
>>> parse_quarter("2016K4"), quarter_name(7)
(7, '2016Q4')
"""

import re
from datetime import date, timedelta

__all__ = [
    "N_QUARTERS",
    "parse_quarter",
    "quarter_name",
    "quarter_range",
    "quarters_in_mask",
    "working_days",
]

FIRST_YEAR = 2015
N_QUARTERS = 60
_WRITTEN = re.compile(r"(\d{4})\s*(?:[-/ ]?\s*[KkQq]?)\s*([1-4])(?:\.0+)?")


def parse_quarter(text: str) -> int:
    """Index of a quarter written as `20161`, `2016K1`, `2016-1`, `2016Q1` or `2016-Q1`.

    Parameters
    ----------
    text : str
        A year and a quarter.

    Returns
    -------
    int
        0 for 2015Q1, 59 for 2029Q4.

    Raises
    ------
    ValueError
        If the text is none of these, or outside 2015Q1-2029Q4.

    Examples
    --------
    >>> [parse_quarter(text) for text in ("20161", "2016K1", "2016-1", "2016Q1")]
    [4, 4, 4, 4]
    >>> parse_quarter("2016K5")
    Traceback (most recent call last):
        ...
    ValueError: not a quarter
    """
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        raise ValueError("not a quarter")
    index = (int(match[1]) - FIRST_YEAR) * 4 + int(match[2]) - 1
    if not 0 <= index < N_QUARTERS:
        raise ValueError("outside 2015Q1-2029Q4")
    return index


def quarter_name(index: int) -> str:
    """Name of a quarter, as `2016Q4`.

    Examples
    --------
    >>> quarter_name(0), quarter_name(59)
    ('2015Q1', '2029Q4')
    """
    return f"{FIRST_YEAR + index // 4}Q{index % 4 + 1}"


def quarter_range(first: str, last: str) -> range:
    """Give the indices from one quarter to another, both included.

    Examples
    --------
    >>> len(quarter_range("2016Q1", "2020Q4"))
    20
    """
    return range(parse_quarter(first), parse_quarter(last) + 1)


def quarters_in_mask(mask: int) -> tuple[int, ...]:
    """Give the indices of the bits set in a mask (bit t is quarter t).

    Examples
    --------
    >>> [quarter_name(index) for index in quarters_in_mask(0b10010000)]
    ['2016Q1', '2016Q4']
    """
    return tuple(index for index in range(N_QUARTERS) if mask >> index & 1)


def working_days(index: int) -> int:
    """Mondays to Fridays in a quarter that are not Norwegian public holidays.

    One full-time employee has this many contracted days, so contracted days divided by it are
    full-time equivalents.

    Examples
    --------
    >>> sum(working_days(index) for index in quarter_range("2019Q1", "2019Q4"))
    251
    """
    year, quarter = FIRST_YEAR + index // 4, index % 4
    first = date(year, 3 * quarter + 1, 1)
    after = date(year + quarter // 3, (3 * quarter + 3) % 12 + 1, 1)
    days = (first + timedelta(offset) for offset in range((after - first).days))
    holidays = _public_holidays(year)
    return sum(day.weekday() < 5 and day not in holidays for day in days)


def _public_holidays(year: int) -> set[date]:
    """Norway's public holidays; those that move are counted from Easter Sunday."""
    from dateutil.easter import easter  # type: ignore[import-untyped]

    fixed = {date(year, *day) for day in ((1, 1), (5, 1), (5, 17), (12, 25), (12, 26))}
    # Maundy Thursday, Good Friday, Easter Monday, Ascension Day, Whit Monday.
    return fixed | {easter(year) + timedelta(offset) for offset in (-3, -2, 1, 39, 50)}
