"""ICCs of models whose outcome is not Gaussian, on the latent and on the response's scale.

Latent: variances of the random effects against the distribution's own variance on the link's
scale: pi^2/3 for logits; for log links ln(1 + 1/lambda + 1/alpha), lambda being the mean (Nakagawa,
Johnson & Schielzeth 2017, J. R. Soc. Interface 14, 20170213); for beta by the delta method.

Response: Var(E[y | effects]) against Var(y), predictors held (Goldstein, Browne & Rasbash 2002,
Understanding Statistics 1, 223-231, whose simulation is a quadrature here: effects are normal, so
that a mean over them needs one dimension, or two for a factor among several).

Both are adjusted, that is beside the predictors, and averaged over the rows.

References
----------
Where slopes vary: Johnson (2014), Methods in Ecology and Evolution 5, 944-946.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.outcomes.response import moments
from bayes_sf.errors import UsageError
from bayes_sf.spec.family import Family
from bayes_sf.spec.terms.matrices import Matrices

__all__ = ["SCALES", "Shares"]


SCALES = ("latent", "response")
#: Nodes for a mean over a normal, alone and in two dimensions.
_NODES, _PAIRED = 41, 21
#: Of so many values in all an ICC of the response is made, if these are fewer than all, every so
#: manieth draw being taken; but of so many draws at least.
_MOST, _LEAST = 200_000_000, 200
_OF_LOGIT = np.pi**2 / 3


@dataclass(frozen=True, eq=False)
class Shares:
    """Shares of the variance that factors have, for N estimates or draws.

    Parameters
    ----------
    matrices : Matrices
        What was fitted.
    family : Family
    coef : (N, p) array
        Fixed coefficients.
    covariances : tuple of (N, k, k) arrays
        Of each factor's effects.
    parameters : mapping of str to (N,) arrays
        What the family has beside the mean.
    """

    matrices: Matrices
    family: Family
    coef: Floats = field(repr=False)
    covariances: tuple[Floats, ...] = field(repr=False)
    parameters: Mapping[str, Floats]

    def of(self, scale: str) -> tuple[tuple[Floats, ...], Floats]:
        """Share of every factor, (N,) each, and of all together, (N,).

        Parameters
        ----------
        scale : {"latent", "response"}

        Raises
        ------
        UsageError
            For another scale, and the response's of categories.
        """
        if scale not in SCALES:
            raise UsageError("icc: scale", f"must be one of {', '.join(SCALES)}", got=scale)
        if scale == "response" and self.family.ordered:
            rule = "is latent for categories in order, which are no numbers"
            raise UsageError("icc: scale", rule, got=scale, fix="use scale='latent'")
        found = [self._one(draw, scale) for draw in range(0, len(self.coef), self._thin(scale))]
        parts = tuple(np.array([f[0][i] for f in found]) for i in range(len(self.covariances)))
        return parts, np.array([f[1] for f in found])

    def _thin(self, scale: str) -> int:
        """Which draws are taken."""
        nodes = _NODES if len(self.covariances) == 1 else _PAIRED**2 * len(self.covariances)
        values = len(self.coef) * len(self.matrices.x) * nodes
        if scale == "latent" or values <= _MOST:
            return 1
        return max(1, min(-(-values // _MOST), len(self.coef) // _LEAST))

    def named(self, scale: str) -> Iterator[tuple[str, Floats]]:
        """Shares by the names that results have: ``icc``, or ``icc|factor`` of several."""
        parts, _ = self.of(scale)
        for factor, share in zip(self.matrices.factors, parts, strict=True):
            yield "icc" if len(parts) == 1 else f"icc|{factor.name}", share

    def explained(self) -> tuple[float, float]:
        """Nakagawa's R2 on the link's scale at the first draw: marginal and conditional.

        The distribution's own variance is in the place of the residual one.
        """
        counts = self.matrices.counts
        explained = float(np.cov(
            self.matrices.x @ self.coef[0], fweights=None if counts is None else counts.astype(int)
        ))  # fmt: skip
        parts, rest = self._latent(0)
        total = explained + sum(parts) + rest
        return explained / total, 1 - rest / total

    def _one(self, draw: int, scale: str) -> tuple[list[float], float]:
        """Shares of one draw."""
        if scale == "latent":
            parts, rest = self._latent(draw)
            total = sum(parts) + rest
            return [part / total for part in parts], sum(parts) / total
        return self._on_response(*self._linear(draw), self._given(draw))

    def _latent(self, draw: int) -> tuple[list[float], float]:
        """Variances of one draw on the link's scale: of each factor, and the distribution's."""
        eta, between = self._linear(draw)
        rest = self._distribution(eta, np.sum(between, axis=0), self._given(draw))
        return [self._average(each) for each in between], rest

    def _linear(self, draw: int) -> tuple[Floats, list[Floats]]:
        """Fixed part of every row's linear predictor, and its variance by each factor, (n,)."""
        between = [
            np.einsum("nk,kl,nl->n", factor.z, covariance[draw], factor.z)
            for factor, covariance in zip(self.matrices.factors, self.covariances, strict=True)
        ]
        eta = self.matrices.x @ self.coef[draw]
        return eta if self.matrices.offset is None else eta + self.matrices.offset, between

    def _given(self, draw: int) -> dict[str, float]:
        return {name: float(values[draw]) for name, values in self.parameters.items()}

    def _average(self, values: Floats) -> float:
        """Mean over the rows."""
        return float(np.average(values, weights=self.matrices.counts))

    def _distribution(self, eta: Floats, variance: Floats, given: Mapping[str, float]) -> float:
        """The distribution's own variance on the link's scale."""
        name = self.family.name
        if name == "hurdle_lognormal":
            return given["sigma"] ** 2
        if name == "hurdle_gamma":
            return float(np.log1p(1 / given["alpha"]))
        if name == "beta":
            mean = self._average(self._expected(eta, variance, given)[0])
            return 1 / (mean * (1 - mean) * (1 + given["kappa"]))
        if self.family.link == "logit":
            return _OF_LOGIT
        mean = self._average(np.exp(eta + variance / 2))
        more = 1 / given["alpha"] if name == "negativebinomial" else 0.0
        return float(np.log1p(1 / mean + more))

    def _on_response(
        self, eta: Floats, between: list[Floats], given: Mapping[str, float]
    ) -> tuple[list[float], float]:
        """Shares on the response's own scale; of single trials where there are trials."""
        variance = np.sum(between, axis=0)
        mean, square, within = self._expected(eta, variance, given)
        all_between = self._average(square - mean**2)
        total = all_between + self._average(within)
        if len(between) == 1:
            return [all_between / total], all_between / total
        z, w = _normal(_PAIRED)
        parts = []
        for own in between:
            other = np.sqrt(np.maximum(variance - own, 0.0))
            at = eta[:, None, None] + np.sqrt(own)[:, None, None] * z[:, None] + (
                other[:, None, None] * z
            )  # fmt: skip
            inner = moments(self.family, at, given)[0] @ w  # (n, Q): others averaged out
            parts.append(self._average((inner**2) @ w - (inner @ w) ** 2) / total)
        return parts, all_between / total

    def _expected(
        self, eta: Floats, variance: Floats, given: Mapping[str, float]
    ) -> tuple[Floats, Floats, Floats]:
        """Mean over the effects of a row's mean, of its square, and of its variance, (n,) each."""
        z, w = _normal(_NODES)
        at = eta[:, None] + np.sqrt(variance)[:, None] * z
        mean, spread = moments(self.family, at, given)
        return mean @ w, mean**2 @ w, spread @ w


def _normal(nodes: int) -> tuple[Floats, Floats]:
    """Nodes and weights of a mean over a standard normal."""
    z, w = np.polynomial.hermite_e.hermegauss(nodes)
    return z, w / w.sum()
