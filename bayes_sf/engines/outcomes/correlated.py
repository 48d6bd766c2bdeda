"""Correlated effects of a factor's levels: a prior of ours that bambi builds, and what is drawn.

Bambi has independent effects alone (0.21), and takes any prior of an effect that can be called.
Effects of k columns are sds times the lower triangle L of a correlation matrix times standard
normals. L is written by partial correlations, of a column and one before it given those before
both, which are independent, and scaled betas, where the matrix is LKJ(eta) (Lewandowski, Kurowicka
& Joe 2009, J. Multivariate Anal. 100, 1989-2001): of two columns (1 - rho^2)^(eta - 1).

Priors hold where columns are zero. Where that is far from a column's mean, the sd of intercepts
and that of slopes are nearly one number, and what is sampled is at the mean: see `Block.pivot`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.spec.prior import Prior

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Block", "in_pymc", "lower_row"]


@dataclass(frozen=True, eq=False)
class Block:
    """Columns of a factor whose effects are correlated; one by itself has no correlation.

    Parameters
    ----------
    names : tuple of str
        Bambi's, of each column's effects; ``..._sigma`` are their sds.
    pivot : (k,) array
        What was taken off the columns; not 0 only where the first one is the intercept.
    eta : float
        Of the LKJ prior.
    first : Prior
        Of the first column's sd where the columns are zero.
    """

    names: tuple[str, ...]
    pivot: Floats
    eta: float
    first: Prior

    def effects(self, place: int, name: str, *, sigma: Any, dims: Sequence[str]) -> Any:
        """Effects of a column after the first, as bambi asks for them while it builds a model.

        Parameters
        ----------
        place : int
            Of the column.
        name : str
            Bambi's.
        sigma
            Their sd.
        dims : sequence of str
            The levels'.
        """
        import pymc as pm

        model = pm.modelcontext(None)
        normals = [model[f"{other}_offset"] for other in self.names[:place]]
        normals.append(pm.Normal(f"{name}_offset", mu=0.0, sigma=1.0, dims=dims))
        shape = self.eta + 0.5 * (len(self.names) - 2 - np.arange(place))
        shares = pm.Beta(f"{name}_partial", alpha=shape, beta=shape, shape=place)
        row = lower_row([shares[at] for at in range(place)])
        if self.pivot.any() and place == len(self.names) - 1:
            pm.Potential(f"{self.names[0]}_at_zero", self._at_zero(model))
        along = sum(part * normal for part, normal in zip(row, normals, strict=True))
        return pm.Deterministic(name, sigma * along, dims=dims)

    def _at_zero(self, model: Any) -> Any:
        """What the density of sds and correlations has where priors hold at zero, not the pivot.

        With a the first sd at the pivot and tau that at zero: of the prior itself, p(tau)/p(a); of
        the determinant of correlations, which is that of covariances (the same) over squared sds,
        (a/tau)^2 to the power eta - 1; of the change of variables, (a/tau)^k.
        """
        import pymc as pm

        total: list[Any] = [0.0] * len(self.names)
        for place, name in enumerate(self.names):
            load = -float(self.pivot[place]) if place else 1.0
            partial = [model[f"{name}_partial"][at] for at in range(place)]
            for at, part in enumerate(lower_row(partial)):
                total[at] = total[at] + load * model[f"{name}_sigma"] * part
        tau, a = sum(part**2 for part in total) ** 0.5, model[f"{self.names[0]}_sigma"]
        family, arguments = in_pymc(self.first)
        prior = getattr(pm, family).dist(**arguments)
        power = len(self.names) + 2 * self.eta - 2
        return pm.logp(prior, tau) - pm.logp(prior, a) + power * (a / tau).log()

    def spreads(self, posterior: "xr.Dataset") -> tuple[Floats, Floats]:
        """Sds, (chain, draw, k), and correlations, (chain, draw, k, k), where columns are zero.

        Parameters
        ----------
        posterior : xarray.Dataset
            What was sampled, by bambi's names.
        """
        k = len(self.names)
        sds = np.stack([posterior[f"{name}_sigma"].to_numpy() for name in self.names], axis=-1)
        half = np.zeros((*sds.shape, k))
        for place, name in enumerate(self.names):
            shares = posterior[f"{name}_partial"].to_numpy() if place else sds[..., :0]
            row = lower_row(list(np.moveaxis(shares, -1, 0)))
            for at, part in enumerate(row):
                half[..., place, at] = part
        half *= sds[..., None]
        half[..., 0, :] -= self.pivot @ half
        sds = np.sqrt((half**2).sum(axis=-1))
        half /= sds[..., None]
        return sds, half @ np.swapaxes(half, -1, -2)

    def at_zero(self, posterior: "xr.Dataset") -> list[Floats]:
        """Effects of every column, (chain, draw, J) each, where columns are zero.

        Parameters
        ----------
        posterior : xarray.Dataset
            As of `spreads`.
        """
        found = [posterior[name].to_numpy() for name in self.names]
        found = [each.reshape(*each.shape[:2], -1) for each in found]
        moved = sum(at * each for at, each in zip(self.pivot, found, strict=True))
        return [found[0] - moved, *found[1:]]


def lower_row(shares: Sequence[Any]) -> list[Any]:
    """Row of the lower triangle of a correlation matrix.

    Parameters
    ----------
    shares : sequence of arrays or tensors
        (1 + r)/2 of partial correlations r with the columns before.

    Examples
    --------
    >>> lower_row([0.75])  # a correlation of 0.5
    [0.5, 0.8660254037844386]
    >>> lower_row([])
    [1.0]
    """
    row, left = [], 1.0
    for share in shares:
        row.append((2 * share - 1) * left)
        left = left * 2 * (share * (1 - share)) ** 0.5
    return [*row, left]


def in_pymc(prior: Prior) -> tuple[str, dict[str, float]]:
    """PyMC's name and arguments of a resolved prior.

    Parameters
    ----------
    prior : Prior
        Of a coefficient or an sd.

    Examples
    --------
    >>> in_pymc(Prior.read("half-t(3, 0, 2)"))
    ('HalfStudentT', {'nu': 3.0, 'sigma': 2.0})
    """
    return {
        "normal": ("Normal", {"mu": prior.location or 0.0, "sigma": prior.scale}),
        "flat": ("Flat", {}),
        "half-t": ("HalfStudentT", {"nu": prior.df, "sigma": prior.scale}),
        "half-normal": ("HalfNormal", {"sigma": prior.scale}),
        "exponential": ("Exponential", {"lam": 1 / prior.scale}),
        "gamma": ("Gamma", {"alpha": prior.shape, "beta": 1 / prior.scale}),
    }[prior.family]
