"""Digits that an uncertainty leaves, and figures with no more than those."""

import math
from collections.abc import Callable, Sequence
from math import copysign
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "beside", "blunted", "direction", "direction_of", "normal_of", "shortened",
    "significant_decimals",
]  # fmt: skip

#: Decimals of a number whose uncertainty is not known, where they show two digits of it.
UNKNOWN: Final = 3
#: More decimals than a number has.
MOST: Final = 99


def significant_decimals(sd: float, *, mcse: float = math.nan) -> int:
    """Decimals that show two digits of an uncertainty; three where there is none.

    Parameters
    ----------
    sd : float
        Posterior sd or standard error.
    mcse : float
        Monte Carlo standard error of what is printed, NaN for none: a digit is shown only while
        one unit of it is at least 2 MCSE, so that another run gives the same within one unit of
        the last digit.

    Returns
    -------
    int
        Negative where the digits that count end before the decimal mark.

    Examples
    --------
    >>> [significant_decimals(sd) for sd in (0.103, 4.1e-8, float("nan"))]
    [2, 9, 3]
    >>> significant_decimals(0.103, mcse=0.004), significant_decimals(0.103, mcse=0.006)
    (2, 1)
    """
    decimals = UNKNOWN
    if math.isfinite(sd) and sd > 0:
        decimals = 1 - math.floor(math.log10(sd))
    if math.isfinite(mcse) and mcse > 0:
        decimals = min(decimals, -math.ceil(math.log10(2 * mcse)))
    return decimals


def blunted(
    frame: "pd.DataFrame",
    columns: Sequence[str],
    sd: str,
    *,
    fewer: int = 0,
    most: int | Sequence[int] = MOST,
) -> dict[str, list[float]]:
    """Figures with two digits of their uncertainty.

    In full they are so many equations in what is hidden.

    Parameters
    ----------
    frame : pandas.DataFrame
    columns : sequence of str
        Its figures.
    sd : str
        Its column of uncertainties; "" where `most` alone says how many decimals there are.
    fewer : int
        Digits fewer than two.
    most : int, or one for each row
        Most decimals, whatever the uncertainty.
    """
    at = [most] * len(frame) if isinstance(most, int) else most
    own = [MOST if not sd else significant_decimals(error) for error in frame[sd or columns[0]]]
    places = [min(one, other) - fewer for one, other in zip(own, at, strict=True)]
    return {
        name: [
            _kept(name)(value, digits) for value, digits in zip(frame[name], places, strict=True)
        ]
        for name in columns
    }


def _kept(name: str) -> "Callable[[float, int], float]":
    """How a figure is rounded: a limit keeps its side of zero."""
    return shortened if name in {"lower", "upper"} else round


def shortened(value: float, decimals: int) -> float:
    """Round, but never to zero what is not: a limit keeps its side.

    Parameters
    ----------
    value : float
    decimals : int

    Examples
    --------
    >>> shortened(-0.001, 2), shortened(0.1234, 2), shortened(0.0, 2)
    (-0.01, 0.12, 0.0)
    """
    found = round(value, decimals)
    return copysign(10.0**-decimals, value) if found == 0 != value else found


def beside(value: float, full: float, shown: float, places: int, *, is_sd: bool = False) -> float:
    """A figure as one that has left, and the rounded difference between the two in full.

    It is good to a unit of the last digit, and tells no more than the difference.

    Parameters
    ----------
    value : float
    full, shown : float
        Another figure in full, and as it has left.
    places : int
        Decimals.
    is_sd : bool
        Whether it is above zero.

    Examples
    --------
    >>> beside(1.234, 1.212, 1.2, 1), beside(1.284, 1.212, 1.2, 1)
    (1.2, 1.3)
    >>> beside(0.02, 0.41, 0.4, 1, is_sd=True)
    0.1
    """
    found = round(shown + round(value - full, places), max(places, 0) + 1)
    return 10.0**-places if is_sd and found <= 0 else found


def normal_of(mean: float, sd: float) -> NormalDist | None:
    """What is known of a figure once it has left; None where nothing is.

    Parameters
    ----------
    mean, sd : float
    """
    return NormalDist(mean, sd) if math.isfinite(mean) and sd > 0 else None


def direction_of(mean: float, sd: float) -> float:
    """A probability of direction of what has left; NaN where nothing has.

    Parameters
    ----------
    mean, sd : float

    Examples
    --------
    >>> direction_of(-0.5, 0.25), direction_of(float("nan"), 0.25)
    (0.977, nan)
    """
    own = normal_of(mean, sd)
    if own is None:
        return math.nan
    below = own.cdf(0.0)
    return round(max(below, 1 - below), UNKNOWN)


def direction(probability: float, fewer: int = 0) -> float:
    """A probability of direction as it may leave: in full it is an estimate over its sd.

    Parameters
    ----------
    probability : float
        0.5 to 1, or NaN.
    fewer : int
        Digits fewer than two of its estimate's sd: the same are taken from it; with two none is
        left.

    Examples
    --------
    >>> [direction(p) for p in (0.8765, 0.9912, 0.99812, 1.0)]
    [0.88, 0.991, 0.998, 0.999]
    >>> [direction(p, 1) for p in (0.8765, 0.9912, 1.0)], direction(0.9, 2)
    ([0.9, 0.99, 0.99], nan)
    """
    places = (2 if probability < _SURE else UNKNOWN) - fewer
    if fewer > 1:
        return math.nan
    return round(min(round(probability, places), 1 - 10.0 ** (fewer - UNKNOWN)), UNKNOWN)


#: From here on a probability of direction has three decimals.
_SURE: Final = 0.99
