"""The only place that rounds.

Half is rounded up (away from zero), as Statistics Norway does and Python does not; the minus sign
is U+2212. An interval limit that is not zero is never printed as zero.

Examples
--------
>>> fixed(-0.235, 2), fixed(2.5, 0), fixed(-0.0004, 2)
('−0.24', '3', '0.00')
>>> limit(0.00002, 3), limit(-0.0004, 2), percent(0.349)
('<0.001', '>−0.01', '34.9')
"""

import math
from decimal import ROUND_HALF_UP, Decimal, localcontext

__all__ = ["fixed", "interval", "limit", "percent", "probability", "significant_decimals"]

_MINUS = "\u2212"


def fixed(value: float, decimals: int) -> str:
    """Round to a number of decimals; "" for what is not a number."""
    return "" if math.isnan(value) else _rounded(Decimal(repr(float(value))), decimals)


def _rounded(value: Decimal, decimals: int) -> str:
    """Round what Python prints of a number, so that 2.675 is the tie that a reader sees."""
    with localcontext(prec=400):  # enough for the largest float
        rounded = value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    text = f"{rounded.copy_abs():f}"
    return _MINUS + text if rounded < 0 else text


def limit(value: float, decimals: int) -> str:
    """Round an interval's limit; what would print as zero is said to be below the last digit."""
    text = fixed(value, decimals)
    if value == 0 or math.isnan(value) or any(digit in text for digit in "123456789"):
        return text
    smallest = fixed(10.0**-decimals, decimals)
    return f"<{smallest}" if value > 0 else f">{_MINUS}{smallest}"


def interval(low: float, high: float, decimals: int) -> str:
    """Both limits with the same decimals: ``0.15 to 0.71``."""
    return f"{limit(low, decimals)} to {limit(high, decimals)}"


def percent(share: float, decimals: int = 1) -> str:
    """Return a share in percent, without the sign."""
    if math.isnan(share):
        return ""
    return _rounded(Decimal(repr(float(share))).scaleb(2), decimals)


def probability(value: float, decimals: int = 3) -> str:
    """Return a probability; never 0 or 1 unless it is."""
    text = fixed(value, decimals)
    smallest = 10.0**-decimals
    if text == fixed(0.0, decimals) and value > 0:
        return f"<{fixed(smallest, decimals)}"
    if text == fixed(1.0, decimals) and value < 1:
        return f">{fixed(1 - smallest, decimals)}"
    return text


def significant_decimals(sd: float, most: int = 6) -> int:
    """Decimals that show two digits of an uncertainty; three where there is none.

    Examples
    --------
    >>> significant_decimals(0.103), significant_decimals(12.0), significant_decimals(float("nan"))
    (2, 0, 3)
    """
    if not math.isfinite(sd) or sd <= 0:
        return 3
    return min(max(1 - math.floor(math.log10(sd)), 0), most)
