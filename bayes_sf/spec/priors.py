"""Priors of a model, their defaults, and what they say about the ICC.

Examples
--------
>>> print(Priors(sd_group=Prior("half-normal")).sd_group)
half-normal(0, 1 sd(y))
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol

from bayes_sf.errors import SpecError, closest
from bayes_sf.spec.prior import (
    LOCATION_FAMILIES,
    SCALE_FAMILIES,
    SHRINKAGE_FAMILIES,
    Prior,
)  # fmt: skip
from bayes_sf.spec.statements import icc_prior_quantiles

__all__ = [
    "ALLOWED",
    "BASIC",
    "LOCATION_FAMILIES",
    "SCALE_FAMILIES",
    "SHRINKAGE_FAMILIES",
    "EarlierStudy",
    "Prior",
    "Priors",
    "icc_prior_quantiles",
]

#: Families that each prior may have.
ALLOWED: Mapping[str, tuple[str, ...]] = {
    "intercept": LOCATION_FAMILIES,
    "slope": (*LOCATION_FAMILIES, *SHRINKAGE_FAMILIES),
    "sd_resid": SCALE_FAMILIES,
    "sd_group": SCALE_FAMILIES,
    "sd_slope": SCALE_FAMILIES,
    "correlation": ("lkj",),
    "df_resid": ("gamma",),
    "sd_log_resid": SCALE_FAMILIES[1:],
    "sd_repeat": SCALE_FAMILIES,
    "simplex": ("dirichlet",),
    "sd_workplace": SCALE_FAMILIES,
    "sd_trend": SCALE_FAMILIES,
    "sd_group_change": SCALE_FAMILIES,
    "sd_period": SCALE_FAMILIES[1:],
}
#: Priors that every model has.
BASIC = ("intercept", "slope", "sd_resid", "sd_group")
#: Defaults of those that only some models have.
_DEFAULTS: Mapping[str, Prior] = {
    "sd_slope": Prior("half-t"),
    "correlation": Prior("lkj", autoscale=False),
    "df_resid": Prior("gamma", shape=2.0, scale=10.0, autoscale=False),
    "sd_log_resid": Prior("half-normal", scale=0.5, autoscale=False),
    "sd_repeat": Prior("half-t"),
    "simplex": Prior("dirichlet", shape=1.0, autoscale=False),
    "sd_workplace": Prior("half-t"),
    "sd_trend": Prior("half-t"),
    "sd_group_change": Prior("half-t"),
    "sd_period": Prior("half-t", scale=0.5),
}


class EarlierStudy(Protocol):
    """What `Priors.from_study` asks of an earlier study."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def unit(self) -> str:
        """Unit of its outcome."""

    def spreads(self) -> Mapping[str, tuple[float, float]]:
        """Posterior mean and sd of ``sd_group`` and ``sd_resid``."""

    def slope(self, term: str) -> tuple[float, float]:
        """Posterior mean and sd of a coefficient."""


@dataclass(frozen=True)
class Priors:
    """Priors of a model, with the package's defaults.

    Defaults: the intercept (at the predictors' means, as in brms and rstanarm) normal with mean
    mean(y) and sd 2.5 sd(y); slopes normal(0, 2.5 sd(y)/sd(x)); both standard deviations
    half-t(3, 0, sd(y)). The others are used by models that have what they are about, and None
    stands for their default: sd_slope half-t(3, 0, sd(y)/sd(x)); correlation lkj(2); df_resid
    gamma(2, 10), Juárez & Steel 2010; sd_log_resid half-normal(0, 0.5); sd_repeat half-t(3, 0,
    sd(y)); simplex dirichlet(1). Of the panel: sd_workplace, sd_trend and sd_group_change
    half-t(3, 0, sd(y)), sd_period half-t(3, 0, 0.5 sd(y)).

    Parameters
    ----------
    intercept, slope, sd_resid, sd_group : Prior
        Of every random-intercept model.
    sd_slope, correlation : Prior, optional
        Spread of the slopes over groups, and their correlation with the intercepts. It and
        `sd_group` are then those where the predictor whose slope varies is zero, as in brms.
    df_resid : Prior, optional
        Degrees of freedom of Student-t residuals.
    sd_log_resid : Prior, optional
        Spread of the log residual sd over groups.
    sd_repeat : Prior, optional
        Sd of one of the repeated measurements that an outcome is the mean of.
    simplex : Prior, optional
        Steps of a monotonic predictor.
    sd_workplace, sd_trend, sd_group_change, sd_period : Prior, optional
        Of a panel: spread of workplaces' intercepts and of their changes over twelve quarters
        within groups, of the groups' changes, and of a random walk's steps.
    terms : mapping of str to Prior
        Of single coefficients by their names in the result, in the place of `slope` (and
        `intercept`); of a formula's, of sds and correlations, too. Kept as pairs.

    Examples
    --------
    >>> print(Priors(terms={"q13": Prior("normal", scale=0.5, autoscale=False)}))
    intercept normal(mean(y), 2.5 sd(y)); slope normal(0, 2.5 sd(y)/sd(x)); sd_resid \
half-t(3, 0, 1 sd(y)); sd_group half-t(3, 0, 1 sd(y)); q13 normal(0, 0.5)
    """

    intercept: Prior = field(default=Prior("normal", scale=2.5))
    slope: Prior = field(default=Prior("normal", scale=2.5))
    sd_resid: Prior = field(default=Prior("half-t"))
    sd_group: Prior = field(default=Prior("half-t"))
    sd_slope: Prior | None = None
    correlation: Prior | None = None
    df_resid: Prior | None = None
    sd_log_resid: Prior | None = None
    sd_repeat: Prior | None = None
    simplex: Prior | None = None
    sd_workplace: Prior | None = None
    sd_trend: Prior | None = None
    sd_group_change: Prior | None = None
    sd_period: Prior | None = None
    terms: Mapping[str, Prior] | tuple[tuple[str, Prior], ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        """Let every prior have a family that it can have."""
        for key, allowed in ALLOWED.items():
            prior = getattr(self, key)
            if not isinstance(prior, Prior) and (prior is not None or key in BASIC):
                raise SpecError(f"priors.{key}", "must be a Prior(...)", got=prior)
            if prior is not None:
                prior.check_family(f"priors.{key}", allowed)
        self._check_terms()
        beside = self.sd_group.beside
        if beside is not None and beside != self.sd_resid:
            raise SpecError(
                "priors.sd_group", "states an ICC beside another prior of sd_resid",
                got=f"sd_resid {self.sd_resid}",
                fix=f"give sd_resid={beside}, or solve icc_prior(..., sd_resid=...) for yours",
            )  # fmt: skip

    def _check_terms(self) -> None:
        """Keep priors by name as pairs: priors, and none beside a joint one of all slopes."""
        try:
            pairs = tuple(dict(self.terms).items())
        except (TypeError, ValueError):
            rule = "must be priors by name: {'x': Prior(...)}"
            raise SpecError("priors: terms", rule, got=self.terms) from None
        object.__setattr__(self, "terms", pairs)
        for name, prior in pairs:
            if not (isinstance(name, str) and isinstance(prior, Prior)):
                raise SpecError(
                    "priors: terms", "must be a Prior(...) of a name", got=(name, prior)
                )
        if pairs and self.slope.family in SHRINKAGE_FAMILIES:
            rule = f"cannot be stated beside {self.slope.family}, which is a prior of all slopes"
            raise SpecError("priors: terms", rule, got=[name for name, _ in pairs])

    @classmethod
    def flat(cls) -> "Priors":
        """Flat in both standard deviations and in every coefficient: the mode is REML's."""
        flat = Prior("flat")
        return cls(intercept=flat, slope=flat, sd_resid=flat, sd_group=flat)

    def of(self, role: str) -> Prior:
        """Return a prior by its name, the default where none is given.

        Parameters
        ----------
        role : str
            Such as ``sd_slope``.
        """
        prior: Prior | None = getattr(self, role)
        return _DEFAULTS[role] if prior is None else prior

    @property
    def named(self) -> Mapping[str, Prior]:
        """Priors by name."""
        return dict(self.terms)

    def of_slopes(self, names: Sequence[str]) -> list[Prior]:
        """Return the prior of each slope: by its name, or else `slope`.

        Parameters
        ----------
        names : sequence of str
            Coefficients without the intercept.
        """
        named = self.named
        return [named.get(name, self.slope) for name in names]

    def flat_among(self, roles: Iterable[str], slopes: Sequence[str]) -> list[str]:
        """Return which of some priors are flat, and so no distributions.

        Parameters
        ----------
        roles : iterable of str
            Such as ``sd_group``.
        slopes : sequence of str
            Coefficients without the intercept: ``slope`` where one of theirs is.
        """
        found = [role for role in roles if self.of(role).family == "flat"]
        return found + ["slope"] * any(prior.family == "flat" for prior in self.of_slopes(slopes))

    def check_names(self, known: Sequence[str]) -> None:
        """Refuse priors of names that a model does not have.

        Parameters
        ----------
        known : sequence of str
            What can be named.

        Raises
        ------
        SpecError
            With the name that is closest.
        """
        for name in self.named:
            if name not in known:
                rule = "cannot be stated by name here, where nothing is fitted"
                if known:
                    what = "a coefficient, sd or correlation of the model"
                    rule = f"must name {what}: {', '.join(known)}"
                raise SpecError(f"priors: {name!r}", rule, fix=closest(name, known))

    def used(self, roles: Iterable[str]) -> "Priors":
        """Return the same priors with just these of the additional ones, defaults filled in.

        Parameters
        ----------
        roles : iterable of str
            Additional priors that a model has: `ModelSpec.extra_priors`.
        """
        chosen = set(roles)
        filled: dict[str, Any] = {
            role: self.of(role) if role in chosen else None for role in _DEFAULTS
        }
        return replace(self, **filled)

    @classmethod
    def from_study(
        cls, study: EarlierStudy, *, weight: float, unit: str, slope: str = ""
    ) -> "Priors":
        """Priors from an earlier study, worth a stated share of it: a power prior.

        Its likelihood counts `weight` times (Ibrahim & Chen 2000, Statistical Science 15, 46-60),
        so variances grow by 1/weight. A slope is normal; the two standard deviations are gamma
        with the earlier posterior's mean and the grown variance. Whether one's own data agree with
        it is for `sf.prior_conflict` to say.

        Parameters
        ----------
        study : EarlierStudy
            Such as a model of `sf.reread(...)` that is printed with its components.
        weight : float
            Above 0; 1 takes the study for as good as one's own rows.
        unit : str
            Of one's own outcome: it must be the study's.
        slope : str
            Term of the study whose coefficient is every slope's prior; by default slopes keep
            theirs.

        Raises
        ------
        SpecError
            For a weight that is none, another unit, or one that is not stated.
        """
        weighed = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not weighed or not 0 < weight <= 1:
            raise SpecError("priors: weight", "must lie above 0 and be at most 1", got=weight)
        if not unit or study.unit != unit:
            raise SpecError(
                "priors: unit", "must be stated, and be the earlier study's",
                got=f"{unit!r} and {study.unit!r}", fix="say unit in study.toml and in the call",
            )  # fmt: skip
        reason = f"power prior of weight {weight:g} from {study.name}"
        chosen: dict[str, Any] = {}
        for role, (mean, sd) in study.spreads().items():
            variance = sd**2 / weight
            chosen[role] = Prior(
                "gamma", scale=variance / mean, shape=mean**2 / variance, autoscale=False,
                reason=reason,
            )  # fmt: skip
        if slope:
            mean, sd = study.slope(slope)
            chosen["slope"] = Prior(
                "normal", scale=sd / weight**0.5, location=mean, autoscale=False, reason=reason
            )
        return cls(**chosen)

    def __str__(self) -> str:
        """Write all out that are given, as specified or resolved."""
        parts = []
        for part in fields(self):
            prior = getattr(self, part.name)
            if isinstance(prior, Prior):
                unit = {"slope": "sd(y)/sd(x)", "sd_slope": "sd(y)/sd(x)"}.get(part.name, "sd(y)")
                centre = "mean(y)" if part.name == "intercept" else "0"
                parts.append(f"{part.name} {prior.text(unit, centre)}")
        for name, prior in self.named.items():
            parts.append(f"{name} {prior.text('sd(y)/sd(x)', '0')}")
        return "; ".join(parts)
