"""The joint density of two numbers and the data, once coefficients and group effects are out.

Given (sigma, tau) the coefficients and group effects of a Gaussian random-intercept model are
Gaussian and integrate out. What is left is a density of t = ln sigma and z, where

    tau = s sinh(z^4),    s = sigma/sqrt(mean group size).

The map is regular at tau = 0, where REML often sits; it is logarithmic in tau for large tau; and
the fourth power sends nodes towards tau = 0, where group effects shrink to points and where a
gamma prior may have a fractional power (see `docs/decisions/exact_engine.md`).

All quantities are standardised: columns are centred and divided by their spread.

References
----------
Harville (1974), Biometrika 61 (REML as a marginal likelihood); Lindley & Smith (1972), J. R.
Stat. Soc. B 34 (the Gaussian algebra).
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayes_sf.engines.gaussian import CrossProducts, Standardised
from bayes_sf.errors import SpecError
from bayes_sf.spec.priors import Prior, Priors

__all__ = ["Given", "Joint", "coefficient_prior", "resolve_priors"]

_Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Given:
    """What depends on z alone: lambda, and coefficients diagonalised against their prior.

    With S = X'(I + lambda Z Z')^-1 X = L L' and L^-1 P0 L^-T = U diag(e) U', the posterior
    precision of the coefficients is L U (1/sigma^2 + e) U' L'; `basis` is L^-T U. Axes may stand
    before Z, for several data sets.

    Parameters
    ----------
    lam : (..., Z) array
        lambda = tau^2/sigma^2.
    basis : (..., Z, k, k) array
    ridge : (..., Z, k) array
        e, the prior's eigenvalues.
    pull : (..., Z, k) array
        basis' X'(I + lambda Z Z')^-1 y.
    prior_pull : (..., Z, k) array
        basis' P0 m0.
    yy : (..., Z) array
        y'(I + lambda Z Z')^-1 y.
    log_det : (..., Z) array
        ln |I + lambda Z Z'| + ln |S|.
    """

    lam: _Floats
    basis: _Floats
    ridge: _Floats
    pull: _Floats
    prior_pull: _Floats
    yy: _Floats
    log_det: _Floats

    @classmethod
    def of(cls, lam: _Floats, at: CrossProducts, precision: _Floats, mean: _Floats) -> "Given":
        """Diagonalise.

        Parameters
        ----------
        lam : (..., Z) array
            Where the cross products were taken.
        at : CrossProducts
            With axes (..., Z) before their own.
        precision, mean : (k,) or (..., 1, k) arrays
            Of the coefficients' prior.
        """
        lower = np.linalg.cholesky(at.xx)
        inverse = np.linalg.inv(lower)
        upper = np.swapaxes(inverse, -1, -2)
        ridge, rotation = np.linalg.eigh((inverse * precision[..., None, :]) @ upper)
        basis = upper @ rotation
        turned = np.swapaxes(basis, -1, -2)
        log_det = at.log_det + 2 * np.log(np.diagonal(lower, axis1=-2, axis2=-1)).sum(axis=-1)
        return cls(
            lam,
            basis,
            np.maximum(ridge, 0.0),
            (turned @ at.xy[..., None])[..., 0],
            (turned @ (precision * mean)[..., None])[..., 0],
            at.yy,
            log_det,
        )

    def precision(self, inv_var: _Floats) -> _Floats:
        """Precisions along the basis at each 1/sigma^2, (T,) or (..., Z, T), as (..., Z, T, k)."""
        return np.asarray(inv_var[..., None] + self.ridge[..., None, :])

    def centre(self, inv_var: _Floats) -> _Floats:
        """Conditional means along the basis at each 1/sigma^2, as (..., Z, T, k)."""
        pull = self.pull[..., None, :] * inv_var[..., None] + self.prior_pull[..., None, :]
        return np.asarray(pull / self.precision(inv_var))

    def log_likelihood(self, inv_var: _Floats) -> _Floats:
        """Log density of y with the coefficients integrated out, (..., Z, T).

        But for constants and for a factor sigma^-n, which `Joint.log_density` adds.
        """
        precision = self.precision(inv_var)
        fitted = (self.centre(inv_var) ** 2 * precision).sum(axis=-1)
        log_det = self.log_det[..., None] + np.log(precision).sum(axis=-1)
        return np.asarray(-0.5 * (log_det + self.yy[..., None] * inv_var - fitted))


@dataclass(frozen=True, eq=False)
class Joint:
    """Density of (t, z) and the data under given priors, standardised.

    Parameters
    ----------
    data : Standardised
        The data.
    precision, mean : (k,) arrays
        Of the coefficients' normal priors; precision 0 is flat.
    sd_resid, sd_group : Prior
        Of sigma and tau.
    """

    data: Standardised
    precision: _Floats
    mean: _Floats
    sd_resid: Prior
    sd_group: Prior

    @classmethod
    def build(cls, data: Standardised, priors: Priors) -> "Joint":
        """Bring resolved priors (see `resolve_priors`) to the standardised scale.

        Raises
        ------
        SpecError
            When the priors leave the posterior improper.
        """
        y_sd = float(data.scale[-1])
        precision, mean = coefficient_prior(data, priors)
        joint = cls(
            data,
            precision,
            mean,
            replace(priors.sd_resid, scale=priors.sd_resid.scale / y_sd),
            replace(priors.sd_group, scale=priors.sd_group.scale / y_sd),
        )
        if min(joint.room) <= 0:
            raise SpecError(
                "priors",
                "must give a proper posterior of sd_resid and sd_group",
                got=f"flat priors with {data.n_obs} rows in {data.moments.n_groups} groups",
                fix="use a half-t or another proper prior on sd_group",
            )
        return joint

    @property
    def root_size(self) -> float:
        """Square root of the mean group size."""
        return float(np.sqrt(self.data.moments.sizes.mean()))

    def ratio(self, z: _Floats) -> _Floats:
        """tau/sigma at z, same shape."""
        return np.asarray(np.sinh(z**4) / self.root_size)

    def place(self, ratio: _Floats) -> _Floats:
        """Z at tau/sigma: the inverse of `ratio`."""
        return np.asarray(np.arcsinh(self.root_size * ratio) ** 0.25)

    @cached_property
    def open_directions(self) -> _Floats:
        """Orthonormal coefficient vectors, (k, d), that neither prior nor within-group data hold.

        Along them (a flat intercept, flat slopes of predictors that are constant within groups)
        the conditional variance grows with tau^2.
        """
        flat = np.flatnonzero(self.precision == 0)
        value, vector = np.linalg.eigh(self.data.within[np.ix_(flat, flat)] / self.data.n_obs)
        directions = np.zeros((self.data.n_coef, int((value < 1e-10).sum())))
        directions[flat] = vector[:, value < 1e-10]
        return directions

    @cached_property
    def room(self) -> tuple[float, float]:
        """Powers below which moments of tau and of sigma exist; not positive is improper.

        For tau to infinity the likelihood falls as tau^-(J - d), d the number of open directions;
        for both to infinity together as r^-(n - f), f the number of flat coefficients. Priors add
        the powers of their own tails.
        """
        n, flat = self.data.n_obs, int((self.precision == 0).sum())
        sigma, tau = self.resid_tail, self.sd_group.tail_power
        both = n - flat + sigma + tau - 2
        between = self.data.moments.n_groups - self.open_directions.shape[1]
        return min(between + tau - 1, both), min(n - flat + sigma - 1, both)

    def given(self, z: _Floats) -> Given:
        """Return everything that depends on z, (Z,), alone."""
        lam = self.ratio(z) ** 2
        return Given.of(lam, self.data.cross_products(lam), self.precision, self.mean)

    def log_density(self, t: _Floats, z: _Floats, given: Given | None = None) -> _Floats:
        """Log joint density of t, (T,), z, (Z,), and the standardised outcome, (Z, T).

        Normalised when every prior is proper.

        Parameters
        ----------
        t, z : (T,), (Z,) arrays
            Values; z > 0.
        given : Given, optional
            What `given(z)` returned.
        """
        given = given or self.given(z)
        proper = self.precision[self.precision > 0]
        constant = (
            np.log(proper).sum()
            - (self.data.n_obs - self.data.n_coef + len(proper)) * np.log(2 * np.pi)
            - float(self.mean @ (self.precision * self.mean))
        )
        return np.asarray(
            0.5 * constant
            + given.log_likelihood(np.exp(-2 * t))
            - self.data.n_obs * t
            + self.log_prior(t, z)
        )

    def log_prior(self, t: _Floats, z: _Floats) -> _Floats:
        """Log prior density of (t, z), (Z, T): that of (sigma, tau) and the map's derivative."""
        tau = np.exp(t) * self.ratio(z)[:, None]
        stretch = np.logaddexp(z**4, -(z**4)) + np.log(2 * z**3 / self.root_size)
        return np.asarray(
            2 * t
            + stretch[:, None]
            + self.log_resid_prior(np.exp(t))
            + self.sd_group.log_density(tau)
        )

    def log_resid_prior(self, sigma: _Floats) -> _Floats:
        """Log prior density of sigma, same shape; a model of two residual sds has another."""
        return self.sd_resid.log_density(sigma)

    @property
    def resid_tail(self) -> float:
        """Power p of that density's tail sigma^-p."""
        return self.sd_resid.tail_power

    def linear_moments(self, limit: _Floats) -> NDArray[np.int_]:
        """How many moments (at most 2) of linear quantities exist, (m,).

        Parameters
        ----------
        limit : (m, k) array
            Loadings on the coefficients as tau grows.
        """
        open_part = np.abs(limit @ self.open_directions).max(axis=1, initial=0.0)
        held = open_part <= 1e-8 * np.linalg.norm(limit, axis=1)
        return np.where(held, 2, int(np.ceil(min(self.room[0], 3.0)) - 1))

    def tilt(self, t: _Floats, z: _Floats) -> _Floats:
        """Log of what second moments multiply the density with, as far as they exist, (Z, T)."""
        group, resid = (float(np.clip(room - 0.5, 0.0, 2.0)) for room in self.room)
        tau = np.exp(t) * self.ratio(z)[:, None]
        return np.asarray(group * np.log1p(tau) + resid * np.log1p(np.exp(t)))


def coefficient_prior(data: Standardised, priors: Priors) -> tuple[_Floats, _Floats]:
    """Precisions and means of the standardised coefficients, (k,) each; precision 0 is flat.

    Parameters
    ----------
    data : Standardised
        The data.
    priors : Priors
        Resolved: see `resolve_priors`.
    """
    y_mean, y_sd = float(data.centre[-1]), float(data.scale[-1])
    unit = data.scale[:-1] / y_sd
    precision, mean = np.zeros(data.n_coef), np.zeros(data.n_coef)
    if priors.intercept.family == "normal":
        precision[0] = (y_sd / priors.intercept.scale) ** 2
        mean[0] = ((priors.intercept.location or 0.0) - y_mean) / y_sd
    if priors.slope.family == "normal":
        precision[1:] = (priors.slope.scale * (1 if priors.slope.autoscale else unit)) ** -2.0
        mean[1:] = (priors.slope.location or 0.0) * unit
    return precision, mean


def resolve_priors(priors: Priors, data: Standardised) -> Priors:
    """Priors in the outcome's unit, but for the slopes: their unit differs by predictor.

    Parameters
    ----------
    priors : Priors
        As specified.
    data : Standardised
        Whose mean(y) and sd(y) they refer to.
    """
    y_mean, y_sd = float(data.centre[-1]), float(data.scale[-1])
    return Priors(
        intercept=priors.intercept.resolve(y_sd, y_mean),
        slope=priors.slope,
        sd_resid=priors.sd_resid.resolve(y_sd),
        sd_group=priors.sd_group.resolve(y_sd),
    )
