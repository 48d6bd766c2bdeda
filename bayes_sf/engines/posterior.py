"""A posterior averaged over data sets: one for given data, many where the data are recovered.

Examples
--------
>>> import numpy as np, pandas as pd
>>> from bayes_sf.engines.exact import fit_exact
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
from numpy.typing import NDArray

from bayes_sf.engines.exact import ExactPosterior
from bayes_sf.engines.mixture import NormalMixture
from bayes_sf.engines.quadrature import invert

__all__ = ["SPREADS", "Posterior"]

_Floats = NDArray[np.float64]

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
        mixtures = [pick(part) for part in self.parts]
        return NormalMixture(
            np.concatenate([m.weight for m in mixtures]) / len(mixtures),
            np.concatenate([m.means for m in mixtures], axis=1),
            np.concatenate([m.sds for m in mixtures], axis=1),
            all(m.finite_mean for m in mixtures),
            all(m.finite_sd for m in mixtures),
        )

    @cached_property
    def coef(self) -> NormalMixture:
        """Coefficients, the intercept first."""
        return self._join(lambda part: part.coef)

    def contrast(self, loading: _Floats) -> NormalMixture:
        """Linear combinations of coefficients; loading (m, k)."""
        return self._join(lambda part: part.contrast(loading))

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Groups that are in every part's data."""
        first = self.parts[0].moments.groups
        return tuple(g for g in first if all(g in part.moments.groups for part in self.parts))

    def _by_group(self, pick: Callable[[ExactPosterior], NormalMixture]) -> NormalMixture:
        """Mixtures of the common groups."""

        def common(part: ExactPosterior) -> NormalMixture:
            rows = [part.moments.groups.index(g) for g in self.groups]
            whole = pick(part)
            return NormalMixture(
                whole.weight, whole.means[rows], whole.sds[rows], whole.finite_mean, whole.finite_sd
            )

        return self._join(common)

    @cached_property
    def ranef(self) -> NormalMixture:
        """Group effects, in the order of `groups`."""
        return self._by_group(lambda part: part.ranef)

    @cached_property
    def group_means(self) -> NormalMixture:
        """Expected outcome of each group at the predictors' means, in the order of `groups`."""
        return self._by_group(lambda part: part.group_means)

    def _moment(self, name: str, power: int) -> float:
        """Raw moment of a quantity of (sigma, tau)."""
        return float(
            np.mean([(part.weight * part.spread_values()[name] ** power).sum() for part in self.parts])
        )

    def mean(self, name: str) -> float:
        """Posterior mean of ``sd_group``, ``sd_resid`` or ``icc``; NaN where it does not exist."""
        exists = name != "sd_group" or all(part.tail_power > 2 for part in self.parts)
        return self._moment(name, 1) if exists else float("nan")

    def sd(self, name: str) -> float:
        """Posterior standard deviation of the same; NaN where it does not exist."""
        if name == "sd_group" and any(part.tail_power <= 3 for part in self.parts):
            return float("nan")
        return float(np.sqrt(max(self._moment(name, 2) - self._moment(name, 1) ** 2, 0.0)))

    def cdf(self, name: str, value: _Floats) -> _Floats:
        """P(quantity <= value), same shape as `value`."""
        parts = [getattr(part, f"{name}_cdf")(value) for part in self.parts]
        return np.asarray(np.mean(parts, axis=0))

    def quantile(self, name: str, probs: Sequence[float]) -> _Floats:
        """Quantiles of ``sd_group``, ``sd_resid`` or ``icc``, (len(probs),)."""
        edges = [part.spread_range(name) for part in self.parts]
        low, high = min(e[0] for e in edges), max(e[1] for e in edges)
        return invert(lambda x: self.cdf(name, x), np.asarray(probs, dtype=float), low, high)

    @property
    def log_evidence(self) -> float:
        """ln p(y | model), averaged over data sets on the natural scale; NaN with flat priors."""
        values = np.array([part.log_evidence for part in self.parts])
        return float(np.logaddexp.reduce(values) - np.log(len(values)))
