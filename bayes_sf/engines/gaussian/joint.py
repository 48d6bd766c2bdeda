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

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.likelihood import STILL, CrossProducts, Standardised
from bayes_sf.errors import SpecError
from bayes_sf.spec.names import INTERCEPT
from bayes_sf.spec.priors import LOCATION_FAMILIES, Prior, Priors

__all__ = ["Given", "Joint", "check_reach", "coefficient_prior", "resolve_priors"]


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

    lam: Floats
    basis: Floats
    ridge: Floats
    pull: Floats
    prior_pull: Floats
    yy: Floats
    log_det: Floats

    @classmethod
    def of(cls, lam: Floats, at: CrossProducts, precision: Floats, mean: Floats) -> "Given":
        """Diagonalise.

        Parameters
        ----------
        lam : (..., Z) array
            Where the cross products were taken.
        at : CrossProducts
            With axes (..., Z) before their own; in turned coordinates where it says so.
        precision, mean : (k,) or (..., 1, k) arrays
            Of the coefficients' prior.
        """
        lower = np.linalg.cholesky(at.xx)
        inverse = np.linalg.inv(lower)
        upper = np.swapaxes(inverse, -1, -2)
        own = upper if at.turn is None else at.turn @ upper  # columns in the coefficients' own axes
        ridge, rotation = np.linalg.eigh((np.swapaxes(own, -1, -2) * precision[..., None, :]) @ own)
        basis = own @ rotation
        turned = np.swapaxes(basis, -1, -2)
        log_det = at.log_det + 2 * np.log(np.diagonal(lower, axis1=-2, axis2=-1)).sum(axis=-1)
        return cls(
            lam,
            basis,
            np.maximum(ridge, 0.0),
            (np.swapaxes(upper @ rotation, -1, -2) @ at.xy[..., None])[..., 0],
            (turned @ (precision * mean)[..., None])[..., 0],
            at.yy,
            log_det,
        )

    def precision(self, inv_var: Floats) -> Floats:
        """Precisions along the basis at each 1/sigma^2, (T,) or (..., Z, T), as (..., Z, T, k)."""
        return np.asarray(inv_var[..., None] + self.ridge[..., None, :])

    def centre(self, inv_var: Floats) -> Floats:
        """Conditional means along the basis at each 1/sigma^2, as (..., Z, T, k)."""
        pull = self.pull[..., None, :] * inv_var[..., None] + self.prior_pull[..., None, :]
        return np.asarray(pull / self.precision(inv_var))

    def log_likelihood(self, inv_var: Floats) -> Floats:
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
    precision: Floats
    mean: Floats
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
        resid, group = priors.sd_resid, priors.sd_group
        for role, prior in (("sd_resid", resid), ("sd_group", group)):
            if prior.family != "flat":
                check_reach(role, prior.scale / y_sd, "sd(y)")
        joint = cls(
            data,
            precision,
            mean,
            replace(resid, scale=resid.scale / y_sd if resid.family != "flat" else 1.0),
            replace(group, scale=group.scale / y_sd if group.family != "flat" else 1.0),
        )
        joint.check_proper()
        return joint

    def check_proper(self) -> None:
        """Refuse an improper posterior, and say what makes it so: a flat sd_group, and few groups.

        Nothing else does: `check_groups` leaves a degree of freedom within groups, which is enough
        for a flat sd_resid.

        Raises
        ------
        SpecError
            See `room` for when.
        """
        j, still = self.data.moments.n_groups, self.open_directions.shape[1]
        if j - still + self.sd_group.tail_power - 1 <= 0:
            beside = "coefficient" if still == 1 else "coefficients"
            raise SpecError(
                "priors.sd_group",
                f"flat gives a proper posterior from {still + 2} groups on, "
                f"beside {still} {beside} with flat priors and no variation within groups",
                got=f"{j} groups",
                fix="give sd_group a half-t or another proper prior",
            )

    @cached_property
    def root_size(self) -> float:
        """Square root of the mean group size."""
        return float(np.sqrt(self.data.moments.sizes.mean()))

    def ratio(self, z: Floats) -> Floats:
        """tau/sigma at z, same shape."""
        return np.asarray(np.sinh(z**4) / self.root_size)

    def place(self, ratio: Floats) -> Floats:
        """Z at tau/sigma: the inverse of `ratio`."""
        return np.asarray(np.arcsinh(self.root_size * ratio) ** 0.25)

    @cached_property
    def open_directions(self) -> Floats:
        """Orthonormal coefficient vectors, (k, d), that neither prior nor within-group data hold.

        Along them (a flat intercept, flat slopes of predictors that are constant within groups)
        the conditional variance grows with tau^2.
        """
        flat = np.flatnonzero(self.precision == 0)
        value, vector = np.linalg.eigh(self.data.within[np.ix_(flat, flat)] / self.data.n_obs)
        directions = np.zeros((self.data.n_coef, int((value < STILL).sum())))
        directions[flat] = vector[:, value < STILL]
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

    def given(self, z: Floats) -> Given:
        """Return everything that depends on z, (Z,), alone."""
        lam = self.ratio(z) ** 2
        return Given.of(lam, self.data.turned_products(lam), self.precision, self.mean)

    def log_density(self, t: Floats, z: Floats, given: Given | None = None) -> Floats:
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

    def log_prior(self, t: Floats, z: Floats) -> Floats:
        """Log prior density of (t, z), (Z, T): that of (sigma, tau) and the map's derivative."""
        tau = np.exp(t) * self.ratio(z)[:, None]
        stretch = np.logaddexp(z**4, -(z**4)) + np.log(2 * z**3 / self.root_size)
        return np.asarray(
            2 * t
            + stretch[:, None]
            + self.log_resid_prior(np.exp(t))
            + self.sd_group.log_density(tau)
        )

    def log_resid_prior(self, sigma: Floats) -> Floats:
        """Log prior density of sigma, same shape; a model of two residual sds has another."""
        return self.sd_resid.log_density(sigma)

    @property
    def resid_tail(self) -> float:
        """Power p of that density's tail sigma^-p."""
        return self.sd_resid.tail_power

    def linear_moments(self, limit: Floats, *, noisy: bool = False) -> NDArray[np.int_]:
        """How many moments (at most 2) of linear quantities exist, (m,).

        Given (sigma, tau) their variance grows with tau^2 where they load on an open direction, and
        with sigma^2 where they load on any flat coefficient, or are `noisy`.

        Parameters
        ----------
        limit : (m, k) array
            Loadings on the coefficients as tau grows.
        noisy : bool
            Whether they have residual noise of their own, as group effects have.
        """
        size = 1e-8 * np.linalg.norm(limit, axis=1)
        open_part = np.abs(limit @ self.open_directions).max(axis=1, initial=0.0)
        flat_part = np.abs(limit[:, self.precision == 0]).max(axis=1, initial=0.0)
        of_group, of_resid = (_count(room) for room in self.room)
        found = np.where((flat_part > size) | noisy, of_resid, 2)
        return np.where(open_part > size, np.minimum(of_group, found), found)

    def spread_moments(self, name: str) -> int:
        """How many moments (at most 2) of ``sd_group``, ``sd_resid`` or ``icc`` exist.

        Parameters
        ----------
        name : str
            One of them.
        """
        return {"sd_group": _count(self.room[0]), "sd_resid": _count(self.room[1])}.get(name, 2)

    def tilt(self, t: Floats, z: Floats) -> Floats:
        """Log of what second moments multiply the density with, as far as they exist, (Z, T).

        A sum of what each asks for: their product may outgrow the density where both are large.
        """
        group, resid = (float(np.clip(room - 0.5, 0.0, 2.0)) for room in self.room)
        tau = np.exp(t) * self.ratio(z)[:, None]
        return np.asarray(np.logaddexp(group * np.log1p(tau), resid * np.log1p(np.exp(t))))

    def at_odds(self) -> str:
        """Name the prior that is farthest from the data, "" where none is far from them.

        Far is where its density at a plain estimate is below e^-20 of what it is at its highest.
        """
        k, at = self.data.n_coef, self.data.cross_products(np.zeros(1))
        coef = np.linalg.solve(at.xx[0], at.xy[0])
        left = float(at.yy[0] - coef @ at.xy[0]) / (self.data.n_obs - k)
        level = self.data.means[:, k] - self.data.means[:, :k] @ coef
        depth = 0.5 * self.precision * (coef - self.mean) ** 2
        depths = {"intercept": float(depth[0]), "slope": float(depth[1:].max(initial=0.0))}
        sds = {"sd_resid": np.sqrt(max(left, 0.0)), "sd_group": float(level.std())}
        for role, value in sds.items():
            prior: Prior = getattr(self, role)
            near = prior.log_density(np.array([value, 0.5 * prior.scale, prior.scale]))
            depths[role] = float(near.max() - near[0])
        role = max(depths, key=depths.__getitem__)
        return role if depths[role] > _DEEP else ""


def coefficient_prior(data: Standardised, priors: Priors) -> tuple[Floats, Floats]:
    """Precisions and means of the standardised coefficients, (k,) each; precision 0 is flat.

    Slopes that are shrunk jointly have 1: they are no flat ones, and their scale is sampled.

    Parameters
    ----------
    data : Standardised
        The data.
    priors : Priors
        Resolved: see `resolve_priors`.
    """
    y_mean, y_sd = float(data.centre[-1]), float(data.scale[-1])
    precision, mean = np.zeros(data.n_coef), np.zeros(data.n_coef)
    if priors.intercept.family == "normal":
        sd = priors.intercept.scale / y_sd
        mean[0] = ((priors.intercept.location or 0.0) - y_mean) / y_sd
        check_reach("intercept", sd, "sd(y)", mean[0])
        precision[0] = sd**-2.0
    names, unit, named = data.moments.predictors, data.scale[:-1] / y_sd, priors.named
    slopes, sds = priors.of_slopes(names), np.ones(len(names))
    for place, (name, prior) in enumerate(zip(names, slopes, strict=True)):
        if prior.family == "normal":
            sds[place] = prior.scale * (1 if prior.autoscale else unit[place])
            mean[1 + place] = (prior.location or 0.0) * unit[place]
            role = name if name in named else "slope"
            check_reach(role, sds[place], f"sd(y)/sd({name})", mean[1 + place])
    flat = [prior.family == "flat" for prior in slopes]
    precision[1:] = np.where(flat, 0.0, sds**-2.0)
    return precision, mean


#: Scales of priors, over the data's own, that the engines' arithmetic is proved for.
_REACH = (1e-6, 1e12)
#: A prior is at odds with the data where its log density is so far below its highest.
_DEEP = 20.0
#: Largest location of a normal prior, over the data's own scale.
_FAR = 1e3


def check_reach(role: str, scale: float, unit: str, location: float = 0.0) -> None:
    """Refuse a prior that has nothing to do with the data's scale.

    Raises
    ------
    SpecError
        With the prior and its scale in units of the data's.
    """
    if not _REACH[0] <= scale <= _REACH[1]:
        raise SpecError(
            f"priors.{role}",
            f"must have a scale between {_REACH[0]:g} and {_REACH[1]:g} times {unit}",
            got=f"{scale:.3g} {unit}",
            fix="state it in the data's unit, or make it flat" if scale > 1
            else "state it in the data's unit",
        )  # fmt: skip
    if not abs(location) <= _FAR:
        raise SpecError(
            f"priors.{role}",
            f"must have its location within {_FAR:g} {unit} of the data",
            got=f"{location:.3g} {unit} away",
            fix="state it in the data's unit",
        )


def _count(room: float) -> int:
    """How many moments (at most 2) exist where powers below `room` do."""
    return int(np.ceil(min(room, 3.0)) - 1)


def resolve_priors(priors: Priors, data: Standardised) -> Priors:
    """Priors in the outcome's unit, but for the slopes: their unit differs by predictor.

    Parameters
    ----------
    priors : Priors
        As specified.
    data : Standardised
        Whose mean(y) and sd(y) they refer to.

    Raises
    ------
    SpecError
        For a prior of a coefficient that is not there, or that is none of coefficients.
    """
    priors.check_names((INTERCEPT, *data.moments.predictors))
    named = dict(priors.named)
    for name, prior in named.items():
        prior.check_family(f"priors: {name!r}", LOCATION_FAMILIES)
    y_mean, y_sd = float(data.centre[-1]), float(data.scale[-1])
    return Priors(
        intercept=named.pop(INTERCEPT, priors.intercept).resolve(y_sd, y_mean),
        slope=priors.slope,
        sd_resid=priors.sd_resid.resolve(y_sd),
        sd_group=priors.sd_group.resolve(y_sd),
        terms=named,
    )
