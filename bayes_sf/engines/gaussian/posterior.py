"""A posterior averaged over data sets: one for given data, many where the data are recovered.

Examples
--------
>>> import numpy as np, pandas as pd
>>> from bayes_sf.engines.gaussian.exact import fit_exact
>>> from bayes_sf.spec.moments import Moments
>>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
>>> post = Posterior((fit_exact(Moments.from_frame(df, outcome="y", group="g")),))
>>> low, high = post.quantile("icc", [0.025, 0.975])
>>> bool(0 < low < post.mean("icc") < high < 1)
True
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.exact import ExactPosterior
from bayes_sf.engines.gaussian.mixture import NormalMixture
from bayes_sf.engines.gaussian.quadrature import invert
from bayes_sf.engines.loading import Loading

__all__ = ["SPREADS", "Posterior"]


#: Quantities of (sigma, tau).
SPREADS = ("sd_group", "sd_resid", "icc")


@dataclass(frozen=True, eq=False)
class Posterior:
    """Equal-weight average of exact posteriors of the same model.

    Parameters
    ----------
    parts : tuple of ExactPosterior
        One per data set that is possible.
    """

    parts: tuple[ExactPosterior, ...]

    def _join(self, pick: Callable[[ExactPosterior], NormalMixture]) -> NormalMixture:
        """One mixture out of the parts'."""
        return NormalMixture.average([pick(part) for part in self.parts])

    @cached_property
    def coef(self) -> NormalMixture:
        """Coefficients, the intercept first."""
        return self._join(lambda part: part.coef)

    def contrast(self, loading: Floats) -> NormalMixture:
        """Linear combinations of coefficients; loading (m, k)."""
        return self._join(lambda part: part.contrast(loading))

    def combine(self, loading: Loading) -> NormalMixture:
        """Linear combinations of coefficients, effects of all groups and residuals, (m,)."""
        return self._join(lambda part: part.combine(loading))

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Groups that are in every part's data."""
        first, *others = (part.moments.groups for part in self.parts)
        common = set(first).intersection(*others)
        return tuple(g for g in first if g in common)

    def _by_group(self, pick: Callable[[ExactPosterior], NormalMixture]) -> NormalMixture:
        """Mixtures of the common groups."""

        def own(part: ExactPosterior) -> NormalMixture:
            if part.moments.groups == self.groups:
                return pick(part)
            place = {g: row for row, g in enumerate(part.moments.groups)}
            return pick(part).take([place[g] for g in self.groups])

        return self._join(own) if len(self.parts) > 1 else own(self.parts[0])

    @cached_property
    def ranef(self) -> NormalMixture:
        """Group effects, in the order of `groups`."""
        return self._by_group(lambda part: part.ranef)

    @cached_property
    def group_means(self) -> NormalMixture:
        """Expected outcome of each group at the predictors' means, in the order of `groups`."""
        return self._by_group(lambda part: part.group_means)

    def mean(self, name: str) -> float:
        """Posterior mean of ``sd_group``, ``sd_resid`` or ``icc``; NaN where it does not exist."""
        return self._mean(name) if self._exist(name) >= 1 else float("nan")

    def sd(self, name: str) -> float:
        """Posterior standard deviation of the same; NaN where it does not exist."""
        return float(np.sqrt(self._central(name, 2)))

    def fourth(self, name: str) -> float:
        """Fourth central moment of the same: what the sd of draws varies by; NaN without an sd."""
        return self._central(name, 4)

    def _central(self, name: str, power: int) -> float:
        """Central moment; NaN where the variance does not exist."""
        if self._exist(name) < 2:
            return float("nan")
        centre = self._mean(name)
        off = [
            (p.grid.weight * (p.spread_values(name) - centre) ** power).sum() for p in self.parts
        ]
        return float(np.mean(off))

    def _mean(self, name: str) -> float:
        """Mean over parts and nodes."""
        return float(np.mean([(p.grid.weight * p.spread_values(name)).sum() for p in self.parts]))

    def _exist(self, name: str) -> int:
        """How many moments exist."""
        return min(part.spread_moments(name) for part in self.parts)

    def cdf(self, name: str, value: Floats | float) -> Floats:
        """P(quantity <= value) of ``sd_group``, ``sd_resid`` or ``icc``, same shape as `value`."""
        value = np.asarray(value, dtype=float)
        return np.asarray(np.mean([part.spread_cdf(name, value) for part in self.parts], axis=0))

    def quantile(self, name: str, probs: Sequence[float] | Floats) -> Floats:
        """Quantiles of ``sd_group``, ``sd_resid`` or ``icc``, (len(probs),).

        They are searched on a scale where tails are short: ln sigma, or the first part's z.
        """
        edges = np.array([part.spread_range(name) for part in self.parts])
        low, high = self._place(name, np.array([edges[:, 0].min(), edges[:, 1].max()]))
        found = invert(
            lambda x: self.cdf(name, self._value(name, x)),
            np.asarray(probs, dtype=float),
            float(low),
            float(high),
        )
        return self._value(name, found)

    def _place(self, name: str, value: Floats) -> Floats:
        """Where a quantity's values are on the scale they are searched on."""
        first = self.parts[0]
        if name == "sd_resid":
            return np.log(value)
        if name == "icc":
            share = np.minimum(value, 1 - np.finfo(float).epsneg)
            return first.joint.place(np.sqrt(share / (1 - share)))
        return first.joint.place(value / first.data.scale[-1])

    def _value(self, name: str, place: Floats) -> Floats:
        """Inverse of `_place`."""
        first = self.parts[0]
        if name == "sd_resid":
            return np.exp(place)
        ratio = first.joint.ratio(place)
        if name == "icc":
            return np.asarray(ratio**2 / (1 + ratio**2))
        return np.asarray(ratio * first.data.scale[-1])

    @property
    def log_evidence(self) -> float:
        """Log of p(y | model) averaged over the data sets; NaN when a prior is flat."""
        values = np.array([part.log_evidence for part in self.parts])
        return float(np.logaddexp.reduce(values) - np.log(len(values)))
