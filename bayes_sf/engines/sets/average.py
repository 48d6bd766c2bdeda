"""The posterior of a mixed model averaged over completed data sets."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.estimates import Estimate
from bayes_sf.engines.gaussian.mixture import NormalMixture
from bayes_sf.engines.gaussian.quadrature import invert
from bayes_sf.engines.loading import Loading
from bayes_sf.engines.mixed.answer import answer_rows
from bayes_sf.engines.mixed.exact import MixedPosterior
from bayes_sf.engines.mixed.nodes import Surface
from bayes_sf.errors import UsageError
from bayes_sf.spec.priors import Priors
from bayes_sf.spec.terms.matrices import Factor

__all__ = ["MixedAverage"]


#: Probabilities of the ends between which quantiles are searched, in every set.
_ENDS = np.array([1e-6, 1 - 1e-6])
#: Probabilities at which an ICC's distribution is known in every set, from its quantiles.
_STEPS = np.concatenate([[1e-4], np.arange(1, 400) / 400, [1 - 1e-4]])


@dataclass(frozen=True, eq=False)
class MixedAverage:
    """Equal-weight average of the posteriors of one model; made by `fit_sets`.

    Parameters
    ----------
    parts : tuple of MixedPosterior
        One for each set.
    """

    parts: tuple[MixedPosterior, ...]

    @property
    def surface(self) -> Surface:
        """The first set's."""
        return self.parts[0].surface

    @property
    def factors(self) -> tuple[Factor, ...]:
        """Grouping factors, the same in every set."""
        return self.parts[0].factors

    @property
    def priors(self) -> Priors:
        """In the outcome's unit, as the first set has them."""
        return self.parts[0].priors

    @property
    def moved(self) -> float:
        """Largest move of a mean or sd between the last two grids, of all sets."""
        return max(part.moved for part in self.parts)

    @cached_property
    def coef(self) -> NormalMixture:
        """Fixed coefficients, (p,)."""
        return NormalMixture.average([part.coef for part in self.parts])

    @cached_property
    def ranef(self) -> tuple[NormalMixture, ...]:
        """Random effects of each factor, level by level, (J k,)."""
        each = zip(*(part.ranef for part in self.parts), strict=True)
        return tuple(NormalMixture.average(list(mixtures)) for mixtures in each)

    def combine(self, loading: Loading) -> NormalMixture:
        """Linear combinations of coefficients, effects and residuals, (m,)."""
        return NormalMixture.average([part.combine(loading) for part in self.parts])

    def spread(self, name: str) -> tuple[float, float]:
        """Mean and sd of an sd, a correlation or ``icc|factor``."""
        found = np.array([part.spread(name) for part in self.parts])
        mean = found[:, 0].mean()
        return float(mean), float(np.sqrt((found[:, 1] ** 2 + (found[:, 0] - mean) ** 2).mean()))

    def cdf(self, name: str, value: Floats) -> Floats:
        """P(an sd, a correlation or an ICC <= value), same shape."""
        if not name.startswith("icc"):
            return np.asarray(np.mean([part.cdf(name, value) for part in self.parts], axis=0))
        steps = [
            np.interp(value, places, _STEPS, left=0.0, right=1.0)
            for places in self._shares(name)
        ]  # fmt: skip
        return np.asarray(np.mean(steps, axis=0))

    def _shares(self, name: str) -> list[Floats]:
        """Quantiles of an ICC in every set, kept."""
        return self._known.setdefault(name, [part.quantile(name, _STEPS) for part in self.parts])

    @cached_property
    def _known(self) -> dict[str, list[Floats]]:
        return {}

    def quantile(self, name: str, probs: Floats) -> Floats:
        """Quantiles of an sd, a correlation or ``icc|factor``; of ICCs to about 1e-3."""
        ends = _STEPS[[0, -1]] if name.startswith("icc") else _ENDS
        edges = np.array([part.quantile(name, ends) for part in self.parts])
        low, high = float(edges[:, 0].min()), float(edges[:, 1].max())
        return invert(lambda x: self.cdf(name, x), np.asarray(probs, dtype=float), low, high)

    def rows(self, prob: float, *, groups: bool = True) -> Iterator[Estimate]:
        """Posterior means, sds and equal-tailed intervals; with or without effects of levels."""
        return answer_rows(self, prob, groups=groups)

    @property
    def nodes(self) -> None:
        """Refuse: draws of several sets are not made.

        Raises
        ------
        UsageError
            Always.
        """
        raise UsageError(
            "draws", "are not made of a posterior averaged over completed sets",
            fix="see its estimates, or draw from the model of each set",
        )  # fmt: skip
