"""A response's mean and variance given its linear predictor, and back."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.spec.family import Family

__all__ = ["linked", "mean_slope", "moments"]


def moments(family: Family, eta: Floats, given: Mapping[str, Any]) -> tuple[Floats, Floats]:
    """Mean and variance of a response; of a single trial where there are trials.

    Parameters
    ----------
    family : Family
        Of numbers, not of categories.
    eta : array
        Linear predictors.
    given : mapping
        Of the parameters that the family has beside the mean, each a number or an array as `eta`.

    Examples
    --------
    >>> from bayes_sf.spec.family import family_of
    >>> mean, variance = moments(family_of("bernoulli"), np.zeros(1), {})
    >>> float(mean[0]), float(variance[0])
    (0.5, 0.25)
    """
    from scipy.special import expit

    name = family.name
    if family.link == "logit":
        mean = expit(eta)
        return mean, mean * (1 - mean) / (1 + given["kappa"] if name == "beta" else 1.0)
    mean = np.exp(eta)
    if name == "hurdle_lognormal":
        mean, ratio = mean * np.exp(given["sigma"] ** 2 / 2), np.exp(given["sigma"] ** 2)
    elif name == "hurdle_gamma":
        ratio = 1 + 1 / given["alpha"]
    else:
        more = mean**2 / given["alpha"] if name == "negativebinomial" else 0.0
        return mean, mean + more
    some = given["psi"]
    return some * mean, some * ratio * mean**2 - (some * mean) ** 2


def mean_slope(family: Family, mean: Floats) -> Floats:
    """Derivative of means in the linear predictor.

    Parameters
    ----------
    family : Family
    mean : array
        Of `moments`.
    """
    return mean * (1 - mean) if family.link == "logit" else mean


def linked(family: Family, mean: Floats) -> Floats:
    """Return the linear predictors that have these means, the family having no parameters.

    Parameters
    ----------
    family : Family
    mean : array
    """
    from scipy.special import logit

    with np.errstate(divide="ignore"):
        return np.asarray(logit(mean) if family.link == "logit" else np.log(mean))
