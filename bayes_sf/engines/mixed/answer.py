"""Estimates of a mixed model's posterior, had by quadrature or by draws."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.estimates import Estimate, mixture_rows
from bayes_sf.engines.gaussian.mixture import NormalMixture
from bayes_sf.engines.mixed.nodes import Surface
from bayes_sf.spec.terms.matrices import Factor

__all__ = ["MixedAnswer", "answer_rows"]


class MixedAnswer(Protocol):
    """A posterior of sds, correlations and ICCs by name, of coefficients and of effects."""

    @property
    def surface(self) -> Surface:
        """Data and priors."""

    @property
    def factors(self) -> tuple[Factor, ...]:
        """Grouping factors."""

    @property
    def coef(self) -> NormalMixture:
        """Fixed coefficients, (p,)."""

    @property
    def ranef(self) -> tuple[NormalMixture, ...]:
        """Random effects of each factor, level by level, (J k,)."""

    def spread(self, name: str) -> tuple[float, float]:
        """Mean and sd of an sd, a correlation or ``icc|factor``."""

    def quantile(self, name: str, probs: Floats) -> Floats:
        """Quantiles of the same."""

    def cdf(self, name: str, value: Floats) -> Floats:
        """Distribution function of the same."""


def answer_rows(answer: MixedAnswer, prob: float, *, groups: bool) -> Iterator[Estimate]:
    """Posterior means, sds and equal-tailed intervals; with or without effects of levels.

    Parameters
    ----------
    answer : MixedAnswer
    prob : float
        Probability of the intervals.
    groups : bool
        Whether effects of levels are asked for, last of all.
    """
    tails = [0.5 - 0.5 * prob, 0.5 + 0.5 * prob]
    matrices, factors = answer.surface.products.matrices, answer.factors
    yield from mixture_rows([(term, "") for term in matrices.terms], answer.coef, tails)
    shares = [f"icc|{f.name}" for f in factors] if len(factors) > 1 else ["icc"]
    shares = shares if matrices.weights is None else []
    for name in (*answer.surface.names, "sd_resid", *shares):
        low, high = (float(v) for v in answer.quantile(name, np.array(tails)))
        mean, sd = answer.spread(name)
        direction = float("nan")
        if name.startswith("cor_"):
            below = float(answer.cdf(name, np.array(0.0)))
            direction = max(below, 1 - below)
        yield Estimate(name, "", mean, sd, low, high, p_direction=direction)
    for factor, mixture in zip(factors, answer.ranef, strict=True) if groups else ():
        named = [(f"{c}|{factor.name}", level) for level in factor.levels for c in factor.columns]
        yield from mixture_rows(named, mixture, tails)
