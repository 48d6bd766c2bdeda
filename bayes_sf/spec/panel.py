"""What is asked of the panel: one model of quarters within workplaces within industries."""

from dataclasses import dataclass, field

from bayes_sf.errors import SpecError
from bayes_sf.spec.names import check_list
from bayes_sf.spec.priors import Priors

__all__ = ["PANEL_LIKELIHOODS", "PanelSpec"]

PANEL_LIKELIHOODS = ("gaussian", "beta_binomial")


@dataclass(frozen=True)
class PanelSpec:
    """A panel model: absence ~ (1 + predictors + groups) x time + season + period.

    Level and change are modelled at once: every predictor and every group has an effect on the
    mean over the period and one on the change over twelve quarters.

    Parameters
    ----------
    predictors : tuple of str
        Items and controls.
    period : {"step", "walk"}
        A line with a step at 2020Q1, or a random walk over quarters.
    slopes : bool
        Whether workplaces have slopes over time beside their intercepts.
    autocorrelation : bool
        Whether residuals of a workplace follow an AR(1) over quarters.
    unlinked : bool
        Whether workplaces that are not in the register are part of it.
    likelihood : {"gaussian", "beta_binomial"}
        Of percentage points, or of whole lost days out of contracted days.
    priors : Priors
        Those of a model, ``sd_resid`` being a quarter's; and ``sd_workplace``, ``sd_trend``,
        ``sd_group_change``, ``sd_period``.

    Raises
    ------
    SpecError
        For an unknown period or likelihood, or a shrinkage prior.
    """

    predictors: tuple[str, ...] = ()
    period: str = "step"
    slopes: bool = True
    autocorrelation: bool = False
    unlinked: bool = False
    likelihood: str = "gaussian"
    priors: Priors = field(default_factory=Priors)

    def __post_init__(self) -> None:
        """Check what may be asked."""
        object.__setattr__(self, "predictors", check_list("predictors", self.predictors))
        for key in ("slopes", "autocorrelation", "unlinked"):
            if not isinstance(getattr(self, key), bool):
                raise SpecError(f"panel: {key}", "must be true or false", got=getattr(self, key))
        if not isinstance(self.priors, Priors):
            raise SpecError("panel: priors", "must be Priors(...)", got=self.priors)
        twice = sorted({name for name in self.predictors if self.predictors.count(name) > 1})
        if twice:
            raise SpecError("panel: predictors", "must be named once", got=twice)
        if self.period not in ("step", "walk"):
            raise SpecError("panel: period", "must be step or walk", got=self.period)
        if self.likelihood not in PANEL_LIKELIHOODS:
            rule = f"must be {' or '.join(PANEL_LIKELIHOODS)}"
            raise SpecError("panel: likelihood", rule, got=self.likelihood)
        if self.autocorrelation and self.likelihood != "gaussian":
            rule = "is there only for the gaussian likelihood"
            raise SpecError("panel: autocorrelation", rule, got=self.likelihood)
        if self.priors.terms:
            rule = "cannot be stated by name in a panel model, where a coefficient is two"
            raise SpecError("panel: priors", rule, got=list(self.priors.named))
        if self.priors.slope.family not in {"normal", "flat"}:
            rule = "must be normal or flat in a panel model"
            raise SpecError("panel: priors.slope", rule, got=self.priors.slope.family)

    @property
    def extra_priors(self) -> tuple[str, ...]:
        """Names of the priors beside intercept, slope and the two sds."""
        more = {"sd_trend": self.slopes, "sd_period": self.period == "walk"}
        return ("sd_workplace", "sd_group_change", *(name for name, has in more.items() if has))
