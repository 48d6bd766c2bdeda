"""Whether an outcome is what a Gaussian model is for; a warning where it is not.

The rule looks at the values alone:

- two values: a truth value;
- whole numbers of three or four values, in at least three rows each on average: categories in order
  (scales of five and more steps are commonly read as numbers, and pass);
- whole numbers from 0 up that crowd at 0: their mean is less than two sds above it, and their tail
  is to the right (skewness above 0.3): counts;
- numbers within [0, 1] that crowd at an end: their mean is less than two sds from it: proportions.

Two sds: a Gaussian of that mean and sd would have more than 2 % beyond the end, where nothing is.
"""

import warnings
from pathlib import Path
from typing import Final

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.errors import OutcomeWarning

__all__ = ["warn_of_outcome", "what_else"]


#: Scales of so many steps are read as numbers; rows behind each value of a shorter one, at least.
_STEPS: Final = 5
_ROWS_PER_STEP: Final = 3
#: How close to an end a mean may be, in sds, and the skewness of a tail.
_REACH: Final = 2.0
_SKEW: Final = 0.3
#: Where a warning is not said to come from.
_PACKAGE: Final = str(Path(__file__).resolve().parents[1])


def what_else(values: Floats) -> str:
    """Say what an outcome looks like and what is made for it; "" for one that is Gaussian's.

    Parameters
    ----------
    values : (n,) array
        The outcome.

    Examples
    --------
    >>> what_else(np.array([0.0, 1, 1, 0, 1, 1]))
    'has two values: a bernoulli (logistic) model is made for it'
    >>> what_else(np.array([1.0, 2, 3, 4, 5, 4]))  # a rating scale
    ''
    """
    steps = np.unique(values)
    if len(steps) == 2 and len(values) > 2:
        return "has two values: a bernoulli (logistic) model is made for it"
    if len(steps) < 3:
        return ""
    low, mean, sd = steps[0], values.mean(), values.std()
    if (steps == np.round(steps)).all():
        if len(steps) < _STEPS and len(values) >= _ROWS_PER_STEP * len(steps):
            return (
                f"has {len(steps)} whole numbers only: a cumulative (ordinal) model is made for "
                "categories in order, a poisson one for counts"
            )
        skew = ((values - mean) ** 3).mean() / sd**3
        if low == 0 and len(values) >= _ROWS_PER_STEP * 2 and mean < _REACH * sd and skew > _SKEW:
            return (
                "has whole numbers that crowd at 0: a poisson or negativebinomial model is "
                "made for counts"
            )
    elif low >= 0 and steps[-1] <= 1 and min(mean, 1 - mean) < _REACH * sd:
        return (
            "lies within 0 and 1 and crowds at an end: a beta or binomial model is made for "
            "proportions"
        )
    return ""


def warn_of_outcome(other: str, name: str) -> None:
    """Warn where an outcome is not what a Gaussian model is for.

    Parameters
    ----------
    other : str
        What `what_else` says of it; "" is nothing to warn of.
    name : str
        Its column.

    Warns
    -----
    OutcomeWarning
        Says what else there is, by its name in `bayes_sf.spec.family`.
    """
    if other:
        said = f"outcome {name!r} {other}, by sf.fit with a formula and family=...; its residuals "
        warnings.warn(
            said + "are taken to be normal here",
            OutcomeWarning, stacklevel=2, skip_file_prefixes=(_PACKAGE,),
        )  # fmt: skip
