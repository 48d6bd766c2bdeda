"""The only place that rounds.

Half is rounded up (away from zero), as Statistics Norway does and Python does not; the minus sign
is U+2212. An interval limit that is not zero is never printed as zero. Norwegian has a decimal
comma, and a space before the percent sign at which no line breaks.

Examples
--------
>>> fixed(-0.235, 2), fixed(2.5, 0), fixed(-0.0004, 2), fixed(-0.235, 2, "nb")
('−0.24', '3', '0.00', '−0,24')
>>> limit(0.00002, 3), limit(-0.0004, 2), percent(0.349), level(0.95)
('<0.001', '>−0.01', '34.9', '95 %')
>>> interval(-0.004, 0.31, 2, more=2), interval(-0.004, 0.31, 2, "nb", more=2)
('−0.004 to 0.310', '−0,004 til 0,310')
"""

import math
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Final

from bayes_sf.inputs.variables import Language

__all__ = [
    "ICC_DECIMALS", "as_printed", "digits_of", "fixed", "interval", "level", "limit",
    "percent", "probability", "r_hat", "shared_decimals", "significant_decimals", "with_percent",
]  # fmt: skip

_MINUS: Final = "\u2212"
_NO_BREAK: Final = "\u00a0"
_TO: Final = {"en": "to", "nb": "til"}
#: Decimals of an ICC and of its limits, everywhere; as a percentage it has two fewer.
ICC_DECIMALS: Final = 3
#: Decimals of R-hat: the verdict's limit is 1.01.
_R_HAT: Final = 3


def fixed(value: float, decimals: int, lang: Language = "en") -> str:
    """Round to a number of decimals; "" for what is not a number."""
    if math.isnan(value):
        return ""
    if math.isinf(value):
        return "∞" if value > 0 else _MINUS + "∞"
    return _rounded(Decimal(repr(float(value))), decimals, lang)


def _rounded(value: Decimal, decimals: int, lang: Language) -> str:
    """Round what Python prints of a number, so that 2.675 is the tie that a reader sees."""
    with localcontext(prec=400):  # enough for the largest float
        rounded = value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    return as_printed(f"{rounded or abs(rounded):f}", lang)


def as_printed(figure: str, lang: Language = "en") -> str:
    """Return a figure with its digits as they stand: a true minus, and the language's mark.

    Examples
    --------
    >>> as_printed("-0.30", "nb")
    '−0,30'
    """
    text = figure.replace("-", _MINUS)
    return text.replace(".", ",") if lang == "nb" else text


def limit(value: float, decimals: int, lang: Language = "en") -> str:
    """Round an interval's limit; what would print as zero is said to be below the last digit."""
    text = fixed(value, decimals, lang)
    if not _looks_zero(value, decimals):
        return text
    smallest = fixed(10.0**-decimals, decimals, lang)
    return f"<{smallest}" if value > 0 else f">{_MINUS}{smallest}"


def _looks_zero(value: float, decimals: int) -> bool:
    """Whether a number that is not zero would print as zero."""
    return (
        value != 0 and math.isfinite(value) and not set(fixed(value, decimals)) & set("123456789")
    )


def interval(
    low: float, high: float, decimals: int, lang: Language = "en", *, more: int = 0
) -> str:
    """Both limits with the same decimals: ``0.15 to 0.71``.

    Parameters
    ----------
    low, high : float
        Limits.
    decimals : int
        Decimals of both.
    lang : {"en", "nb"}
        Language.
    more : int
        Decimals that may be added to both until neither limit looks like zero; where they do not
        suffice, none is added, and the limit is said to be below the last digit.
    """
    decimals = shared_decimals(low, high, decimals, more)
    return f"{limit(low, decimals, lang)} {_TO[lang]} {limit(high, decimals, lang)}"


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


def percent(share: float, decimals: int = 1, lang: Language = "en") -> str:
    """Return a share in percent, without the sign."""
    if math.isnan(share):
        return ""
    return _rounded(Decimal(repr(float(share))).scaleb(2), decimals, lang)


def with_percent(text: str, lang: Language = "en") -> str:
    """Put the percent sign behind a printed number."""
    return f"{text}{_NO_BREAK if lang == 'nb' else ' '}%"


def level(prob: float, lang: Language = "en") -> str:
    """Return an interval's probability: ``95 %``, ``99.9 %``.

    Examples
    --------
    >>> level(0.999), level(0.89)
    ('99.9 %', '89 %')
    """
    percents = Decimal(repr(float(prob))).scaleb(2).normalize()
    return with_percent(as_printed(f"{percents:f}", lang), lang)


def probability(value: float, decimals: int = 3, lang: Language = "en") -> str:
    """Return a probability; never 0 or 1 unless it is."""
    text = fixed(value, decimals, lang)
    smallest = 10.0**-decimals
    if text == fixed(0.0, decimals, lang) and value > 0:
        return f"<{fixed(smallest, decimals, lang)}"
    if text == fixed(1.0, decimals, lang) and value < 1:
        return f">{fixed(1 - smallest, decimals, lang)}"
    return text


def r_hat(value: float, lang: Language = "en") -> str:
    """Return R-hat with three decimals.

    Examples
    --------
    >>> r_hat(1.0005), r_hat(1.0, "nb")
    ('1.001', '1,000')
    """
    return fixed(value, _R_HAT, lang)


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


def significant_decimals(sd: float, most: int = 6, *, mcse: float = math.nan) -> int:
    """Decimals that show two digits of an uncertainty; three where there is none.

    Parameters
    ----------
    sd : float
        Posterior sd or standard error.
    most : int
        No more than these.
    mcse : float
        Monte Carlo standard error of what is printed, NaN for none: a digit is shown only while
        one unit of it is at least 2 MCSE, so that another run gives the same within one unit of
        the last digit.

    Examples
    --------
    >>> significant_decimals(0.103), significant_decimals(12.0), significant_decimals(float("nan"))
    (2, 0, 3)
    >>> significant_decimals(0.103, mcse=0.004), significant_decimals(0.103, mcse=0.006)
    (2, 1)
    """
    decimals = 3
    if math.isfinite(sd) and sd > 0:
        decimals = min(max(1 - math.floor(math.log10(sd)), 0), most)
    if math.isfinite(mcse) and mcse > 0:
        decimals = max(min(decimals, -math.ceil(math.log10(2 * mcse))), 0)
    return decimals
