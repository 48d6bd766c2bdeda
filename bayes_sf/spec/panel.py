"""What is asked of the panel: one model of quarters within workplaces within industries."""

from dataclasses import dataclass, field

from bayes_sf.errors import SpecError
from bayes_sf.spec.priors import Priors

__all__ = ["PanelSpec"]


@dataclass(frozen=True)
class PanelSpec:
    """A panel model: absence ~ 1 + predictors + item x time + season + period + groups.

    Parameters
    ----------
    predictors : tuple of str
        Items and controls; the effect of the first is asked for, on the level and on the change.
    period : {"step", "walk"}
        A line with a step at 2020Q1, or a random walk over quarters.
    slopes : bool
        Whether workplaces have slopes over time beside their intercepts.
    autocorrelation : bool
        Whether residuals of a workplace follow an AR(1) over quarters.
    unlinked : bool
        Whether workplaces that are not in the register are part of it.
    priors : Priors
        Those of a model, and ``sd_workplace``, ``sd_trend``, ``sd_period``.

    Raises
    ------
    SpecError
        For an unknown period, no predictor, or a shrinkage prior.
    """

    predictors: tuple[str, ...]
    period: str = "step"
    slopes: bool = True
    autocorrelation: bool = False
    unlinked: bool = False
    priors: Priors = field(default_factory=Priors)

    def __post_init__(self) -> None:
        """Check what may be asked."""
        object.__setattr__(self, "predictors", tuple(self.predictors))
        if self.period not in {"step", "walk"}:
            raise SpecError("panel: period", "must be step or walk", got=self.period)
        if not self.predictors:
            raise SpecError("panel: predictors", "must name at least one", got="none")
        if self.priors.slope.family not in {"normal", "flat"}:
            rule = "must be normal or flat in a panel model"
            raise SpecError("panel: priors.slope", rule, got=self.priors.slope.family)

    @property
    def extra_priors(self) -> tuple[str, ...]:
        """Names of the priors beside intercept, slope and the two sds."""
        more = {"sd_trend": self.slopes, "sd_period": self.period == "walk"}
        return ("sd_workplace", *(name for name, has in more.items() if has))
