"""One prior: its family, its scale, its density, and how it is printed.

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
import re
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_sf.catalogue import labels_language
from bayes_sf.errors import SpecError

__all__ = [
    "KEYS",
    "LOCATION_FAMILIES",
    "SCALE_FAMILIES",
    "SHRINKAGE_FAMILIES",
    "Prior",
    "is_number",
]

LOCATION_FAMILIES = ("flat", "normal")
SCALE_FAMILIES = ("flat", "half-t", "half-normal", "exponential", "gamma")
#: Of many slopes jointly: how much they are shrunk is learnt from the data.
SHRINKAGE_FAMILIES = ("pooled-normal", "horseshoe", "r2d2")

#: What a prior of each family is specified with, beside its family and the reason for it.
KEYS: Mapping[str, tuple[str, ...]] = {
    "flat": (),
    "normal": ("scale", "location", "autoscale"),
    "half-t": ("scale", "df", "autoscale"),
    "half-normal": ("scale", "autoscale"),
    "exponential": ("scale", "autoscale"),
    "gamma": ("scale", "shape", "autoscale"),
    "pooled-normal": ("scale",),
    "horseshoe": ("scale", "df", "shape"),
    "r2d2": ("location", "scale", "shape"),
    "lkj": ("shape",),
    "dirichlet": ("shape",),
}
#: What a number of a prior may be at all; against the data's own scale it is checked later.
_RANGES: Mapping[str, tuple[float, float]] = {
    "scale": (1e-100, 1e100), "df": (0.1, 1e6), "shape": (0.01, 1e6),
}  # fmt: skip
#: Numbers that a written prior has, in order; "zero" is where those of sds start.
_READ: Mapping[str, tuple[str, ...]] = {
    "flat": (), "normal": ("location", "scale"), "half-t": ("df", "zero", "scale"),
    "half-normal": ("zero", "scale"), "exponential": ("scale",), "gamma": ("shape", "scale"),
    "lkj": ("shape",),
}  # fmt: skip
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_WRITTEN = re.compile(
    rf"\s*(?P<family>[a-z-]+)\s*(?:\((?P<inside>(?:[\s,]|mean|shape|scale|{_NUMBER})*)\))?\s*"
)
#: What every prior may say of itself, and whether its scale is in units of the data's.
_NAMED = ("family", "autoscale", "reason", "reason_nb", "statement", "beside")


def _check_number(key: str, value: Any) -> None:
    """Refuse what is no number, not positive or absurd."""
    if not (is_number(value) and value > 0):
        raise SpecError(f"prior: {key}", "must be a positive number", got=value)
    low, high = _RANGES[key]
    if not low <= value <= high:
        rule = f"must lie between {low:g} and {high:g}"
        raise SpecError(f"prior: {key}", rule, got=value)


@dataclass(frozen=True)
class Prior:
    """One prior: family, scale and, where the family has them, df or shape.

    Parameters
    ----------
    family : str
        ``normal`` or ``flat`` for coefficients; ``half-t``, ``half-normal``, ``exponential``
        (mean `scale`; the PC prior of Simpson et al. 2017), ``gamma`` (shape `shape`, mean
        shape x scale; boundary-avoiding for shape > 1, Chung et al. 2013) or ``flat`` for
        standard deviations; ``lkj`` for a correlation, ``dirichlet`` for steps that sum to one.
        Of many slopes jointly, on standardised predictors: ``pooled-normal`` (normal with an sd
        that is half-normal(0, scale)), ``horseshoe`` (regularised, Piironen & Vehtari 2017:
        global scale `scale`, slab half-t(`df`) of scale `shape`), ``r2d2`` (Zhang et al. 2022:
        R2 ~ beta with mean `location` and precision `scale`, shares ~ dirichlet(`shape`)).
    scale : float
        In units of sd(y), or of sd(y)/sd(x) for slopes, when `autoscale`; else in the
        outcome's unit.
    df : float
        Degrees of freedom of ``half-t``.
    shape : float
        Shape of ``gamma`` and ``lkj``, concentration of ``dirichlet``.
    autoscale : bool
        Whether `scale` is a multiple of the data's spread.
    location : float or None
        Mean of a ``normal``; None stands for mean(y) for the intercept and 0 for slopes.
    reason : str
        Why this prior; printed beside it.
    reason_nb : str
        The same in Norwegian.
    statement : str
        What its scale was solved from (`bayes_sf.spec.statements`); printed with the prior.
    beside : Prior, optional
        Prior of sd_resid that the statement holds beside; `Priors` refuses another.

    Attributes
    ----------
    measured : bool
        Whether scale and location come from the data, as `resolve` makes them. They are then
        printed to three digits of the scale: in full they are sums over the data, and the data of
        two models may differ by one workplace.
    """

    family: str
    scale: float = 1.0
    df: float = 3.0
    shape: float = 2.0
    autoscale: bool = True
    location: float | None = None
    reason: str = ""
    statement: str = field(default="", repr=False)  # it adds nothing to what is fitted
    measured: bool = field(init=False, default=False, repr=False, compare=False)  # nor does this
    reason_nb: str = field(default="", repr=False, compare=False)
    beside: "Prior | None" = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse unknown families, and values that are no numbers, not positive or absurd."""
        if not isinstance(self.family, str) or self.family not in KEYS:
            raise SpecError("prior: family", f"must be one of {', '.join(KEYS)}", got=self.family)
        for key in ("scale", "df", "shape"):
            _check_number(key, getattr(self, key))
        kept = {*KEYS[self.family], *_NAMED}
        for part in fields(Prior):
            if part.init and part.name not in kept and getattr(self, part.name) != part.default:
                has = ", ".join(KEYS[self.family]) or "nothing"
                rule = f"is no part of a {self.family} prior (it has {has})"
                raise SpecError(f"prior: {part.name}", rule, got=getattr(self, part.name))
        if not isinstance(self.autoscale, bool):
            raise SpecError("prior: autoscale", "must be true or false", got=self.autoscale)
        if self.location is not None and not is_number(self.location):
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
        has = KEYS[self.family]
        found = copy(self)  # checked already, but for what becomes of its scale
        for key, value in {
            "scale": self.scale * unit if self.autoscale and "scale" in has else self.scale,
            "location": location if self.location is None and "location" in has else self.location,
            "autoscale": False, "beside": None, "measured": self.autoscale,
        }.items():  # fmt: skip
            object.__setattr__(found, key, value)
        _check_number("scale", found.scale)
        return found

    def check_family(self, where: str, allowed: Sequence[str]) -> None:
        """Refuse a family that what it is of cannot have.

        Parameters
        ----------
        where : str
            What it is of, for the message.
        allowed : sequence of str
            Families that this can have.

        Raises
        ------
        SpecError
            With what it can have.
        """
        if self.family not in allowed:
            rule = f"family must be one of {', '.join(allowed)}"
            raise SpecError(where, rule, got=self.family)

    def log_density(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log density of a standard deviation `value` (resolved scale, normalised unless flat)."""
        self._check_of_sd()
        x = np.asarray(value, dtype=float) / self.scale
        if self.family == "flat":
            return np.zeros_like(x)
        if self.family in {"half-normal", "half-t"}:
            with np.errstate(over="ignore"):  # so far out that there is no density
                square = x**2
        if self.family == "half-normal":
            unnormalised = 0.5 * np.log(2 / np.pi) - 0.5 * square
        elif self.family == "exponential":
            unnormalised = -x
        elif self.family == "gamma":
            from scipy.special import gammaln

            with np.errstate(divide="ignore"):
                unnormalised = (self.shape - 1) * np.log(x) - x - gammaln(self.shape)
        else:
            from scipy.special import betaln

            norm = np.log(2.0) - 0.5 * np.log(self.df) - betaln(0.5, 0.5 * self.df)
            unnormalised = norm - 0.5 * (self.df + 1) * np.log1p(square / self.df)
        return np.asarray(unnormalised - np.log(self.scale))

    def quantile(self, prob: NDArray[np.float64]) -> NDArray[np.float64]:
        """Quantiles of a standard deviation under this (proper, resolved) prior."""
        from scipy import special

        self._check_of_sd()
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

        self._check_of_sd()
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

    def _check_of_sd(self) -> None:
        """Refuse a prior that is of something else."""
        if self.family not in SCALE_FAMILIES:
            rule = "must be of a standard deviation: " + ", ".join(SCALE_FAMILIES)
            raise SpecError("prior: sd", rule, got=self.family)

    @property
    def reason_said(self) -> str:
        """Why, in the language that is spoken; in English where it is not there in Norwegian."""
        return (labels_language() == "nb" and self.reason_nb) or self.reason

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
        digits = 3 if self.measured else 4
        scale = f"{float(f'{self.scale:.{digits}g}'):.12g}" + (f" {unit}" if self.autoscale else "")
        middle = centre if self.location is None else self._middle(self.location)
        stated = f" [{self.statement}]" if self.statement else ""
        written = {
            "flat": "flat",
            "normal": f"normal({middle}, {scale})",
            "half-t": f"half-t({self.df:g}, 0, {scale})",
            "half-normal": f"half-normal(0, {scale})",
            "exponential": f"exponential(mean {scale})",
            "gamma": f"gamma(shape {self.shape:g}, scale {scale})",
            "pooled-normal": f"pooled-normal(0, sd ~ half-normal(0, {scale}))",
            "horseshoe": f"horseshoe(global {scale}, slab half-t({self.df:g}, 0, {self.shape:g}))",
            "r2d2": f"R2-D2(mean {middle}, precision {self.scale:g}, shares {self.shape:g})",
            "lkj": f"lkj({self.shape:g})",
            "dirichlet": f"dirichlet({self.shape:g})",
        }[self.family]
        return written + stated

    def _middle(self, location: float) -> str:
        """The location, of measured ones with the decimals of the scale."""
        if self.measured:
            location = round(location, 2 - math.floor(math.log10(self.scale)))
            return f"{location + 0.0:.12g}"  # an outcome may be a million, give or take 0.01
        return f"{location:.4g}"

    @classmethod
    def read(cls, text: str) -> "Prior":
        """Read a prior as it is printed, on the scale that it holds on.

        Parameters
        ----------
        text : str
            ``normal(0, 2)``, ``flat``, ``half-t(3, 0, 1)``, ``half-normal(0, 1)``,
            ``exponential(mean 0.5)``, ``gamma(shape 2, scale 1)``, or ``lkj(2)`` of a correlation.

        Raises
        ------
        SpecError
            For anything else.

        Examples
        --------
        >>> Prior.read("normal(0, 2)").scale, str(Prior.read("half-t(3, 0, 1)"))
        (2.0, 'half-t(3, 0, 1)')
        """
        found = _WRITTEN.fullmatch(text) if isinstance(text, str) else None
        numbers = re.findall(_NUMBER, found["inside"] or "") if found else []
        family = found["family"] if found else ""
        keys = _READ.get(family)
        if keys is None or len(numbers) != len(keys):
            raise SpecError(
                "prior", "must be written as normal(0, 2), flat, half-t(3, 0, 1), "
                "half-normal(0, 1), exponential(mean 0.5), gamma(shape 2, scale 1) or lkj(2)",
                got=text,
            )  # fmt: skip
        given: dict[str, Any] = dict(zip(keys, map(float, numbers), strict=True))
        if given.pop("zero", 0.0):
            raise SpecError("prior", "must start at 0, as sds do", got=text)
        if keys:
            given["autoscale"] = False
        return cls(family, **given)

    def __str__(self) -> str:
        """As printed in tables: ``half-t(3, 0, 2.96)``."""
        return self.text()


def is_number(value: object) -> bool:
    """Whether a value is a number that a float can hold, finite, and no truth value.

    Examples
    --------
    >>> is_number(2), is_number(True), is_number(10**400)
    (True, False, False)
    """
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
