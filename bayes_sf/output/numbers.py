"""The only place that rounds.

Half is rounded up (away from zero), as Statistics Norway does and Python does not; the minus sign
is U+2212. An interval limit that is not zero is never printed as zero. Norwegian has a decimal
comma, and a space before the percent sign at which no line breaks. A number that would be a row of
zeros, before or behind its digits, is written with a power of ten.

Examples
--------
>>> from bayes_sf.catalogue import speaking
>>> fixed(-0.235, 2), fixed(2.5, 0), fixed(-0.0004, 2)
('−0.24', '3', '0.00')
>>> limit(0.00002, 3), limit(-0.0004, 2), percent(0.349), level(0.95)
('<0.001', '>−0.01', '34.9', '95 %')
>>> with speaking("nb"):
...     fixed(-0.235, 2), interval(-0.004, 0.31, 2, more=2)
('−0,24', '−0,004 til 0,310')
>>> estimate(8.72e-8, significant_decimals(4.1e-8)), estimate(-3.21e12, significant_decimals(4e11))
('8.7×10⁻⁸', '−3.21×10¹²')
"""

import math
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Final

from bayes_sf.catalogue import say, say_as
from bayes_sf.disclosure.rounding import UNKNOWN, significant_decimals

__all__ = [
    "ICC_DECIMALS", "as_printed", "decimals_in", "digits_of", "estimate", "fixed", "interval",
    "level", "limit", "percent", "power_of", "probability", "r_hat", "row_decimals",
    "shared_decimals", "with_percent",
]  # fmt: skip

_MINUS: Final = "\u2212"
#: Decimals of an ICC and of its limits, everywhere; as a percentage it has two fewer.
ICC_DECIMALS: Final = 3
#: Decimals of R-hat: the verdict's limit is 1.01.
_R_HAT: Final = 3
#: With more decimals than these, a number below 0.0001 has a power of ten; so has one of more than
#: these digits of which the last ones say nothing.
_MOST_DECIMALS, _SMALL, _LARGE = 6, -4, 7
#: Significant digits that a float has at most.
_DIGITS: Final = 17
_RAISED: Final = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def fixed(value: float, decimals: int) -> str:
    """Round to a number of decimals; "" for what is not a number."""
    if math.isnan(value):
        return ""
    if math.isinf(value):
        return "∞" if value > 0 else _MINUS + "∞"
    return _rounded(Decimal(repr(float(value))), decimals)


def _rounded(value: Decimal, decimals: int) -> str:
    """Round what Python prints of a number, so that 2.675 is the tie that a reader sees."""
    rounded = _quantized(value, decimals)
    return as_printed(f"{rounded or abs(rounded):f}")


def _quantized(value: Decimal, decimals: int) -> Decimal:
    with localcontext(prec=1000):  # enough for the largest float beside the smallest
        return value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def power_of(size: float, decimals: int) -> int:
    """Power of ten that is written behind a number; 0 where its digits alone can be read.

    Parameters
    ----------
    size : float
        The number, or of numbers that share a power the one farthest from zero.
    decimals : int
        Decimals that it would have without a power; negative ones round before the decimal mark.

    Examples
    --------
    >>> power_of(8.72e-8, 9), power_of(0.0123, 4), power_of(1234.5, -2), power_of(3.2e12, -10)
    (-8, 0, 0, 12)
    """
    if not math.isfinite(size) or 0 <= decimals <= _MOST_DECIMALS:
        return 0
    rounded = _quantized(Decimal(repr(abs(float(size)))), decimals)
    order = rounded.adjusted() if rounded else -math.inf
    if decimals > _MOST_DECIMALS and order < _SMALL:
        return int(max(order, 1 - decimals))
    return int(order) if decimals < 0 and order >= _LARGE else 0


def estimate(value: float, decimals: int) -> str:
    """Round a number to a number of decimals, and write it so that its digits can be read.

    Parameters
    ----------
    value : float
    decimals : int
        As `significant_decimals` gives them. Digits before the decimal mark are kept, unless the
        number has a power of ten.

    Examples
    --------
    >>> estimate(54321.9, -2), estimate(0.0, 9), estimate(1000.0, 10), estimate(9.96e-8, 9)
    ('54322', '0.0×10⁻⁸', '1000.0000000000', '1.00×10⁻⁷')
    """
    return _with_power(value, decimals, power_of(value, decimals))


def _with_power(value: float, decimals: int, power: int) -> str:
    """A number with a power of ten, or none for 0; no more digits than a float has."""
    if not math.isfinite(value):
        return fixed(value, 0)
    exact = Decimal(repr(float(value)))
    if exact:
        decimals = min(decimals, _DIGITS - 1 - exact.adjusted())
    if not power:
        return _rounded(exact, max(decimals, 0))
    raised = str(power).translate(_RAISED)
    return f"{_rounded(exact.scaleb(-power), max(decimals + power, 0))}×10{raised}"


def as_printed(figure: str) -> str:
    """Return a figure with its digits as they stand: a true minus, and the language's mark.

    Examples
    --------
    >>> as_printed("-0.30")
    '−0.30'
    """
    text = figure.replace("-", _MINUS)
    return text.replace(".", say_as("decimal mark", "."))


def limit(value: float, decimals: int, power: int = 0) -> str:
    """Round an interval's limit; what would print as zero is said to be below the last digit.

    Parameters
    ----------
    value : float
    decimals : int
    power : int
        Power of ten behind it, which both limits share.
    """
    if not _looks_zero(value, decimals if power else max(decimals, 0)):
        return _with_power(value, decimals, power)
    smallest = _with_power(10.0 ** -(decimals if power else max(decimals, 0)), decimals, power)
    return f"<{smallest}" if value > 0 else f">{_MINUS}{smallest}"


def _looks_zero(value: float, decimals: int) -> bool:
    """Whether a number that is not zero would print as zero."""
    half = Decimal(5).scaleb(-decimals - 1)
    return value != 0 and math.isfinite(value) and Decimal(repr(abs(float(value)))) < half


def interval(low: float, high: float, decimals: int, *, more: int = 0) -> str:
    """Both limits with the same decimals, and the same power of ten: ``0.15 to 0.71``.

    Parameters
    ----------
    low, high : float
        Limits.
    decimals : int
        Decimals of both.
    more : int
        Decimals that may be added to both until neither limit looks like zero; where they do not
        suffice, none is added, and the limit is said to be below the last digit.

    Examples
    --------
    >>> interval(5e-9, 1.68e-7, 9), interval(-math.inf, 2.5, 1)
    ('0.05×10⁻⁷ to 1.68×10⁻⁷', '−∞ to 2.5')
    """
    decimals = shared_decimals(low, high, decimals, more)
    power = power_of(_largest(low, high), decimals)
    first, second = (limit(value, decimals, power) for value in (low, high))
    return say("{} to {}", first, second)


def _largest(*values: float) -> float:
    """Distance from zero of the number farthest from it, of those that are numbers."""
    return max((abs(value) for value in values if math.isfinite(value)), default=0.0)


def shared_decimals(low: float, high: float, decimals: int, more: int) -> int:
    """Decimals for both limits: at most `more` above `decimals`, if then neither looks like zero.

    Examples
    --------
    >>> shared_decimals(-0.004, 0.31, 2, 2), shared_decimals(1e-9, 0.31, 2, 2)
    (3, 2)
    """
    added = (
        n
        for n in range(more + 1)
        if not any(_looks_zero(value, decimals + n) for value in (low, high))
    )
    return decimals + next(added, 0)


def percent(share: float, decimals: int = 1) -> str:
    """Return a share in percent, without the sign."""
    if math.isnan(share):
        return ""
    return _rounded(Decimal(repr(float(share))).scaleb(2), decimals)


def with_percent(text: str) -> str:
    """Put the percent sign behind a printed number."""
    return say_as("percent", "{} %", text)


def level(prob: float) -> str:
    """Return an interval's probability: ``95 %``, ``99.9 %``.

    Examples
    --------
    >>> level(0.999), level(0.89)
    ('99.9 %', '89 %')
    """
    percents = Decimal(repr(float(prob))).scaleb(2).normalize()
    return with_percent(as_printed(f"{percents:f}"))


def probability(value: float, decimals: int = 3) -> str:
    """Return a probability; never 0 or 1 unless it is."""
    text = fixed(value, decimals)
    smallest = 10.0**-decimals
    if text == fixed(0.0, decimals) and value > 0:
        return f"<{fixed(smallest, decimals)}"
    if text == fixed(1.0, decimals) and value < 1:
        return f">{fixed(1 - smallest, decimals)}"
    return text


def r_hat(value: float) -> str:
    """Return R-hat with three decimals.

    Examples
    --------
    >>> r_hat(1.0005), r_hat(1.0)
    ('1.001', '1.000')
    """
    return fixed(value, _R_HAT)


def digits_of(term: str, estimate: float, sd: float) -> float:
    """Return the uncertainty that sets a row's digits: none for an ICC, which has three decimals.

    An ICC that disclosure control has rounded to the digits of its sd shows no more of them.

    Examples
    --------
    >>> rows = ("q13", 0.2351), ("icc", 0.3491), ("icc", 0.35)
    >>> [significant_decimals(digits_of(*row, 0.15)) for row in rows]
    [2, 3, 2]
    """
    coarse = round(estimate, significant_decimals(sd)) == estimate != 0
    return sd if term != "icc" or coarse else math.nan


def decimals_in(values: Iterable[float]) -> int:
    """Decimals that numbers have as they are: of rounded ones, no more are to be printed.

    Parameters
    ----------
    values : iterable of float

    Examples
    --------
    >>> decimals_in([0.3, 0.25, float("nan")]), decimals_in([50.0, -10.0])
    (2, 0)
    """
    exponents = (Decimal(repr(float(v))).normalize().as_tuple().exponent for v in values
                 if math.isfinite(v))  # fmt: skip
    return max((-e for e in exponents if isinstance(e, int) and e < 0), default=0)


def row_decimals(values: Iterable[float], sd: float, *, mcse: float = math.nan) -> int:
    """Decimals of numbers that stand in one row: two digits of their uncertainty.

    Where that is zero or not known, two digits of the number farthest from zero, unless three
    decimals show them.

    Parameters
    ----------
    values : iterable of float
        The row's numbers.
    sd, mcse : float
        As in `significant_decimals`.

    Examples
    --------
    >>> row_decimals([0.26], 0.12), row_decimals([0.26], 0.0), row_decimals([2.6e-9], float("nan"))
    (2, 3, 10)
    """
    known = math.isfinite(sd) and sd > 0
    size = _largest(*values)
    if not known and size and not 10.0 ** (1 - UNKNOWN) <= size < 10.0**_LARGE:
        sd = size
    return significant_decimals(sd, mcse=mcse)
