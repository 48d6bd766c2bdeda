"""Priors: their families, their default scales and what they say about the ICC.

Scales are unit-equivariant. An autoscaled prior is a multiple of sd(y) (of sd(y)/sd(x) for a
slope), so that a change of unit in the outcome changes every posterior by exactly that factor,
and the prior on the group standard deviation never depends on the covariates.

Examples
--------
>>> Prior("half-t", scale=1.0, df=3.0).resolve(2.0).scale
2.0
>>> print(Prior("exponential", scale=0.5, autoscale=False))
exponential(mean 0.5)
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from bayes_sf.errors import SpecError

__all__ = ["LOCATION_FAMILIES", "SCALE_FAMILIES", "Prior", "Priors", "icc_prior_quantiles"]

LOCATION_FAMILIES = ("flat", "normal")
SCALE_FAMILIES = ("flat", "half-t", "half-normal", "exponential", "gamma")

#: What a prior of each family is specified with, beside its family and the reason for it.
_KEYS: Mapping[str, tuple[str, ...]] = {
    "flat": (),
    "normal": ("scale", "location", "autoscale"),
    "half-t": ("scale", "df", "autoscale"),
    "half-normal": ("scale", "autoscale"),
    "exponential": ("scale", "autoscale"),
    "gamma": ("scale", "shape", "autoscale"),
}
_KINDS = {
    "family": (str, "text"),
    "reason": (str, "text"),
    "autoscale": (bool, "true or false"),
}


@dataclass(frozen=True)
class Prior:
    """One prior: family, scale and, where the family has them, df or shape.

    Parameters
    ----------
    family : str
        ``normal`` or ``flat`` for coefficients; ``half-t``, ``half-normal``, ``exponential``
        (mean `scale`; the PC prior of Simpson et al. 2017), ``gamma`` (shape `shape`, mean
        shape x scale; boundary-avoiding for shape > 1, Chung et al. 2013) or ``flat`` for
        standard deviations.
    scale : float
        In units of sd(y), or of sd(y)/sd(x) for slopes, when `autoscale`; else in the
        outcome's unit.
    df : float
        Degrees of freedom of ``half-t``.
    shape : float
        Shape of ``gamma``.
    autoscale : bool
        Whether `scale` is a multiple of the data's spread.
    location : float or None
        Mean of a ``normal``; None stands for mean(y) for the intercept and 0 for slopes.
    reason : str
        Why this prior; printed beside it.
    """

    family: str
    scale: float = 1.0
    df: float = 3.0
    shape: float = 2.0
    autoscale: bool = True
    location: float | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        """Refuse unknown families, and values that are no numbers or not positive."""
        if self.family not in _KEYS:
            raise SpecError("prior: family", f"must be one of {', '.join(_KEYS)}", got=self.family)
        for key in ("scale", "df", "shape"):
            value = getattr(self, key)
            if not (_is_number(value) and value > 0):
                raise SpecError(f"prior: {key}", "must be a positive number", got=value)
        if self.location is not None and not _is_number(self.location):
            raise SpecError("prior: location", "must be a number", got=self.location)

    def resolve(self, unit: float, location: float = 0.0) -> "Prior":
        """Return the same prior in the outcome's unit.

        Parameters
        ----------
        unit : float
            What one autoscaled unit is: sd(y) or sd(y)/sd(x).
        location : float
            Mean of a normal whose `location` is not stated.
        """
        return replace(
            self,
            scale=self.scale * unit if self.autoscale else self.scale,
            location=location if self.location is None else self.location,
            autoscale=False,
        )

    def log_density(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log density of a standard deviation `value` (resolved scale, normalised unless flat)."""
        x = np.asarray(value, dtype=float) / self.scale
        if self.family == "flat":
            return np.zeros_like(x)
        if self.family == "half-normal":
            unnormalised = 0.5 * np.log(2 / np.pi) - 0.5 * x**2
        elif self.family == "exponential":
            unnormalised = -x
        elif self.family == "gamma":
            from scipy.special import gammaln

            with np.errstate(divide="ignore"):
                unnormalised = (self.shape - 1) * np.log(x) - x - gammaln(self.shape)
        else:
            from scipy.special import betaln

            norm = np.log(2.0) - 0.5 * np.log(self.df) - betaln(0.5, 0.5 * self.df)
            unnormalised = norm - 0.5 * (self.df + 1) * np.log1p(x**2 / self.df)
        return np.asarray(unnormalised - np.log(self.scale))

    def quantile(self, prob: NDArray[np.float64]) -> NDArray[np.float64]:
        """Quantiles of a standard deviation under this (proper, resolved) prior."""
        from scipy import special

        p = np.asarray(prob, dtype=float)
        if self.family == "half-normal":
            value = special.ndtri(0.5 + 0.5 * p)
        elif self.family == "exponential":
            value = -np.log1p(-p)
        elif self.family == "gamma":
            value = special.gammaincinv(self.shape, p)
        elif self.family == "half-t":
            value = special.stdtrit(self.df, 0.5 + 0.5 * p)
        else:
            raise SpecError(
                "prior: sd",
                "a flat prior has no quantiles",
                got=self.family,
                fix="use a proper prior where the prior itself is to be shown",
            )
        return np.asarray(self.scale * value)

    def cdf(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distribution function of a standard deviation under this (proper, resolved) prior."""
        from scipy import special

        x = np.asarray(value, dtype=float) / self.scale
        if self.family == "half-normal":
            return np.asarray(special.erf(x / np.sqrt(2)))
        if self.family == "exponential":
            return np.asarray(-np.expm1(-x))
        if self.family == "gamma":
            return np.asarray(special.gammainc(self.shape, x))
        if self.family == "half-t":
            return np.asarray(2 * special.stdtr(self.df, x) - 1)
        raise SpecError("prior: sd", "a flat prior has no distribution function", got=self.family)

    @property
    def tail_power(self) -> float:
        """Power p of the density's tail x^-p: 0 for flat, df + 1 for half-t, else infinite."""
        return {"flat": 0.0, "half-t": self.df + 1}.get(self.family, np.inf)

    def text(self, unit: str = "sd(y)", centre: str = "mean(y)") -> str:
        """Write the prior out: ``half-t(3, 0, 2.96)``, ``normal(0, 2.5 sd(y)/sd(x))``.

        Parameters
        ----------
        unit : str
            What an autoscaled prior is a multiple of.
        centre : str
            Mean of a normal whose `location` is not stated.
        """
        scale = f"{self.scale:.4g}" + (f" {unit}" if self.autoscale else "")
        middle = centre if self.location is None else f"{self.location:.4g}"
        return {
            "flat": "flat",
            "normal": f"normal({middle}, {scale})",
            "half-t": f"half-t({self.df:g}, 0, {scale})",
            "half-normal": f"half-normal(0, {scale})",
            "exponential": f"exponential(mean {scale})",
            "gamma": f"gamma(shape {self.shape:g}, scale {scale})",
        }[self.family]

    def __str__(self) -> str:
        """As printed in tables: ``half-t(3, 0, 2.96)``."""
        return self.text()


def _is_number(value: object) -> bool:
    """Whether a value is a finite number and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(frozen=True)
class Priors:
    """The four priors of a Gaussian random-intercept model, with the package's defaults.

    Defaults: the intercept (at the predictors' means, as in brms and rstanarm) normal with mean
    mean(y) and sd 2.5 sd(y); slopes normal(0, 2.5 sd(y)/sd(x)); both standard deviations
    half-t(3, 0, sd(y)).
    """

    intercept: Prior = field(default=Prior("normal", scale=2.5))
    slope: Prior = field(default=Prior("normal", scale=2.5))
    sd_resid: Prior = field(default=Prior("half-t"))
    sd_group: Prior = field(default=Prior("half-t"))

    def __post_init__(self) -> None:
        """Let coefficients have a location family and standard deviations a scale family."""
        for key in ("intercept", "slope", "sd_resid", "sd_group"):
            allowed = SCALE_FAMILIES if key.startswith("sd_") else LOCATION_FAMILIES
            got = getattr(self, key).family
            if got not in allowed:
                rule = f"family must be one of {', '.join(allowed)}"
                raise SpecError(f"priors.{key}", rule, got=got)

    @classmethod
    def flat(cls) -> "Priors":
        """Flat in both standard deviations and in every coefficient: the mode is REML's."""
        return cls(*(Prior("flat") for _ in fields(cls)))

    @classmethod
    def from_table(cls, table: Mapping[str, object], where: str) -> "Priors":
        """Priors from a parsed TOML table; unknown keys are errors.

        Parameters
        ----------
        table : mapping
            ``{"sd_group": {"family": "half-t", "scale": 1.0}, ...}``; what is not named keeps
            its default.
        where : str
            File, for messages.

        Raises
        ------
        SpecError
            For an unknown prior, a key that its family does not have, a value of the wrong kind.

        Examples
        --------
        >>> print(Priors.from_table({"sd_group": {"family": "half-normal"}}, "x.toml").sd_group)
        half-normal(0, 1 sd(y))
        """
        names = [f.name for f in fields(cls)]
        chosen = {}
        for name, entry in table.items():
            if name not in names:
                raise SpecError(
                    f"{where}: priors.{name}",
                    f"is no prior (known: {', '.join(names)})",
                    fix=_closest(name, names),
                )
            chosen[name] = _read_prior(entry, f"{where}: priors.{name}")
        try:
            return cls(**chosen)
        except SpecError as error:
            raise SpecError(f"{where}: {error.where}", error.rule, got=error.got) from None

    def __str__(self) -> str:
        """Write all four out, as specified or resolved."""
        return "; ".join(
            (
                f"intercept {self.intercept.text()}",
                f"slope {self.slope.text('sd(y)/sd(x)', '0')}",
                f"sd_resid {self.sd_resid.text()}",
                f"sd_group {self.sd_group.text()}",
            )
        )


def _read_prior(entry: object, where: str) -> Prior:
    """One prior from its TOML table; only the keys that its family has."""
    if not isinstance(entry, Mapping):
        raise SpecError(where, "must be a table", got=entry, fix='write { family = "half-t", ... }')
    families = ", ".join(_KEYS)
    if "family" not in entry:
        raise SpecError(where, "must name its family", fix=f"family is one of {families}")
    family = entry["family"]
    if family not in _KEYS:
        fix = _closest(str(family), _KEYS)
        raise SpecError(f"{where}.family", f"must be one of {families}", got=family, fix=fix)
    known = ("family", "reason", *_KEYS[family])
    for key, value in entry.items():
        if key not in known:
            rule = f"is no key of a {family} prior (known: {', '.join(known)})"
            raise SpecError(f"{where}.{key}", rule, fix=_closest(key, known) or "remove it")
        kind, said = _KINDS.get(key, (None, "a finite number"))
        if not (isinstance(value, kind) if kind else _is_number(value)):
            raise SpecError(f"{where}.{key}", f"must be {said}", got=value)
    try:
        return Prior(**entry)
    except SpecError as error:
        key = error.where.removeprefix("prior: ")
        raise SpecError(f"{where}.{key}", error.rule, got=error.got) from None


def _closest(name: str, known: Iterable[str]) -> str:
    """Suggest what an unknown name may have been meant as."""
    close = get_close_matches(name, tuple(known), n=1)
    return f"did you mean {close[0]!r}?" if close else ""


def icc_prior_quantiles(
    sd_resid: Prior, sd_group: Prior, prob: NDArray[np.float64], nodes: int = 100
) -> NDArray[np.float64]:
    """Quantiles of the ICC under the prior alone.

    P(ICC <= x) = E[F_tau(sigma sqrt(x/(1 - x)))] over sigma, by Gauss-Legendre in sigma's
    probability, then monotone interpolation in the logit of the ICC.

    Parameters
    ----------
    sd_resid, sd_group : Prior
        Resolved priors of sigma and tau.
    prob : (m,) array
        Probabilities.
    nodes : int
        Quadrature nodes.

    Returns
    -------
    (m,) array
        NaN where either prior is flat (then the ICC has no prior distribution).

    Examples
    --------
    >>> same = Prior("half-t").resolve(1.0)
    >>> icc_prior_quantiles(same, same, np.array([0.5])).round(3)
    array([0.5])
    """
    prob = np.asarray(prob, dtype=float)
    if "flat" in (sd_resid.family, sd_group.family):
        return np.full(prob.shape, np.nan)
    x, w = np.polynomial.legendre.leggauss(nodes)
    sigma = sd_resid.quantile(0.5 * (x + 1))
    logit = np.linspace(-25.0, 25.0, 2001)
    ratio = np.exp(0.5 * logit)
    cdf = sd_group.cdf(sigma[:, None] * ratio) * (0.5 * w)[:, None]
    icc_logit = np.interp(prob, cdf.sum(axis=0), logit)
    return np.asarray(1 / (1 + np.exp(-icc_logit)))
