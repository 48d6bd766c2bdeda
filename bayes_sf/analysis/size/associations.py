"""Associations: the widest contrast of every term, judged alone and as one of many.

By itself an association stands out if its interval of probability 1 - a leaves out zero; as one of
m, if one of probability 1 - a/m does: by Bonferroni's inequality all m of those hold together with
probability 1 - a, however their errors go together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from bayes_sf.analysis.contrast import (
    Contrast,
    contrast_posterior,
    find_contrast,
    widest_contrasts,
)
from bayes_sf.catalogue import language
from bayes_sf.engines.gaussian.estimates import Estimate
from bayes_sf.engines.gaussian.mixture import NormalMixture
from bayes_sf.engines.gaussian.posterior import Posterior
from bayes_sf.engines.result import Result

__all__ = ["AMOUNTS", "Association", "associations", "by_chance"]

#: Differences that contrasts are held against, in percentage points; the first page uses the
#: second. They are printed, and none of them is said to matter.
AMOUNTS: Final = (0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Association:
    """The widest contrast of one term.

    Parameters
    ----------
    outcome, term : str
    contrast : Contrast
        Labelled in the report's language.
    mean, sd, lower, upper : float
        Posterior, in percentage points.
    wide_lower, wide_upper : float
        Interval that holds together with those of all other associations of the report.
    p_direction : float
    at_least : tuple of float
        P(|contrast| >= amount) for every amount of `AMOUNTS`.
    inside : float
        P(|contrast| < rope); NaN without a rope.
    n : int
    answered : int or None
        Rows of the category that the term is for; None for other terms, and where it is not said.
    """

    outcome: str
    term: str
    contrast: Contrast
    mean: float
    sd: float
    lower: float
    upper: float
    wide_lower: float
    wide_upper: float
    p_direction: float
    at_least: tuple[float, ...]
    inside: float
    n: int
    answered: int | None = None

    @property
    def apart(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.lower > 0 or self.upper < 0

    @property
    def left(self) -> bool:
        """Whether it does so as one of as many as there are."""
        return self.wide_lower > 0 or self.wide_upper < 0


def associations(
    results: Sequence[Result], *, rope: float | None = None
) -> tuple[Association, ...]:
    """Judge the widest contrast of every term, in the language that is spoken.

    Parameters
    ----------
    results : sequence of Result
        Models of survey items by engine ``exact``, or what may be seen of them.
    rope : float, optional
        Half-width of the region that is called negligible, in percentage points.
    """
    return _judged(tuple(results), rope, language())


def by_chance(found: Sequence[Association], prob: float) -> float:
    """Expect so many intervals to leave out zero if there is no association anywhere.

    Parameters
    ----------
    found : sequence of Association
    prob : float
        Probability of each interval.

    Examples
    --------
    >>> round(by_chance(["of", "these", "four", "none"], 0.95), 2)
    0.2
    """
    return (1 - prob) * len(found)


@lru_cache(maxsize=1)  # several sections of a page ask
def _judged(results: tuple[Result, ...], rope: float | None, _: str) -> tuple[Association, ...]:
    contrasts = widest_contrasts(results)
    return tuple(
        _associate(result, contrast.term, rope, len(contrasts)) for result, contrast in contrasts
    )


def _associate(result: Result, term: str, rope: float | None, many: int) -> Association:
    """One contrast, and one of `many`."""
    contrast = find_contrast(term, "widest", lang=language())
    posterior, row, (wide_lower, wide_upper) = _posterior_of(result, contrast, many)
    lower, upper = sorted((contrast.size * row.lower, contrast.size * row.upper))

    def beyond(amount: float) -> float:
        return float(1 - posterior.cdf(amount)[0] + posterior.cdf(-amount)[0])

    return Association(
        outcome=result.spec.outcome, term=term, contrast=contrast,
        mean=float(posterior.mean()[0]), sd=float(posterior.sd()[0]), lower=lower, upper=upper,
        wide_lower=wide_lower, wide_upper=wide_upper, p_direction=row.p_direction,
        at_least=tuple(map(beyond, AMOUNTS)),
        inside=float("nan") if rope is None else 1 - beyond(rope),
        n=result.moments.n_obs, answered=_answered(result, term),
    )  # fmt: skip


def _answered(result: Result, term: str) -> int | None:
    """Rows with the answer that a term stands for, on average over the possible data sets."""
    if "[" not in term or not isinstance(result.fitted, Posterior):
        return None
    place = result.moments.predictors.index(term)
    counts = [
        float(part.moments.sizes @ part.moments.means[:, place]) for part in result.fitted.parts
    ]
    return round(float(np.mean(counts)))


def _posterior_of(
    result: Result, contrast: Contrast, many: int
) -> tuple[NormalMixture, Estimate, list[float]]:
    """Posterior of a contrast, its coefficient's row, and its interval as one of `many`.

    Of protected data rows alone are there, and it is what they say: probabilities of the posterior
    in full would be further equations in the data. There a normal distribution has the mean and the
    sd that may be seen.
    """
    (row,) = (one for one in result.coefficients if one.term == contrast.term)
    if not isinstance(result.fitted, Posterior):
        mean, sd = contrast.size * row.estimate, abs(contrast.size) * row.sd
        posterior = NormalMixture(np.ones(1), np.array([[mean]]), np.array([[sd]]))
    else:
        posterior = contrast_posterior(result, contrast)
    tail = 0.5 * (1 - result.prob) / many
    return posterior, row, posterior.quantile([tail, 1 - tail])[0].tolist()
