"""A `Result` from the panel model: effects on mean absence or on its change, gaps modelled.

One panel fit answers for both outcomes. The rows of the tidy table mean what they mean in the model
of complete cases: the intercept is where predictors are zero, sd_group and sd_resid are of the
realised quantity between and within industries.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

import numpy as np

from bayes_sf.engines.panel.draws import complete
from bayes_sf.engines.panel.fitted import PanelFit
from bayes_sf.engines.panel.quantities import realised
from bayes_sf.engines.panel.sampling import fit_panel
from bayes_sf.engines.sampled.nuts import Sampled
from bayes_sf.errors import UsageError
from bayes_sf.inputs.panel import Panel, build_panel
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.panel import PanelSpec

__all__ = ["PanelSampled", "fit_missing"]

#: Outcomes that the panel model answers for: the suffix of its variables, and the quantity.
_PARTS: Final = {"absence_mean": ("", "mean"), "absence_change": ("_change", "change")}
#: Completed panels whose average the moments describe.
_COMPLETED = 100


@dataclass(frozen=True, eq=False, kw_only=True)
class PanelSampled(Sampled):
    """Draws of one outcome's part of a panel model.

    Parameters
    ----------
    panel_fit : PanelFit
        The whole of it. `moments` are those of the panel with its gaps at their posterior means.
    """

    panel_fit: PanelFit

    @cached_property
    def _exist(self) -> Mapping[str, int]:
        """All moments do: every prior of a panel's sds is proper, and it has many workplaces."""
        return {}


def fit_missing(spec: ModelSpec, data: Any, engine: str, *, seed: int = 1) -> PanelSampled:
    """Fit the panel model of a specification whose gaps are modelled.

    Parameters
    ----------
    spec : ModelSpec
        Of mean absence or its change. Its rule of observed quarters does not apply: every linked
        workplace counts, with what it has.
    data : AnalysisSample
        Survey and register.
    engine : str
        Must be ``nuts``.
    seed : int
        Seed.

    Raises
    ------
    UsageError
        For another engine, or data without quarters.
    """
    where = f"model {spec.name!r} of {spec.outcome!r}"
    if not isinstance(data, AnalysisSample):
        raise UsageError(
            where, "needs every workplace's quarters to model what is missing",
            got=type(data).__name__, fix="use --data replica, or survey and register of your own",
        )  # fmt: skip
    if engine != "nuts":
        rule = "is sampled: what is missing is modelled"
        raise UsageError(where, rule, got=f"engine {engine!r}", fix="use engine 'nuts'")
    unlinked = spec.missing == "model_unlinked"
    panel = build_panel(data, spec.predictors, unlinked=unlinked)
    asked = PanelSpec(spec.predictors, unlinked=unlinked, priors=spec.priors)
    return _part(_fitted(_Asked(panel.digest, asked, seed, panel)), spec, seed)


class _Asked:
    """A panel fit that is asked for; equal where the answer is the same."""

    def __init__(self, digest: str, spec: PanelSpec, seed: int, panel: Panel) -> None:
        self.key = (digest, spec, seed)
        self.panel = panel

    def __eq__(self, other: object) -> bool:
        """Whether data, model and seed are the same."""
        return isinstance(other, _Asked) and self.key == other.key

    def __hash__(self) -> int:
        """Of data, model and seed."""
        return hash(self.key)


@lru_cache(maxsize=1)
def _fitted(asked: _Asked) -> PanelFit:
    """Fit, once for the outcomes that follow each other."""
    _, spec, seed = asked.key
    return fit_panel(asked.panel, spec, seed=seed)


def _part(fit: PanelFit, spec: ModelSpec, seed: int) -> PanelSampled:
    """What the panel fit says of one outcome."""
    import xarray as xr

    part, quantity = _PARTS[spec.outcome]
    panel, posterior = fit.panel, fit.tree["posterior"].to_dataset()
    names = [f"{name}{part}" for name in ("beta", "u", "sd_group", "sd_resid", "icc")]
    chosen = posterior[names].rename({name: name.removesuffix(part) for name in names if part})
    tree = xr.DataTree.from_dict(
        {"posterior": chosen, "sample_stats": fit.tree["sample_stats"].to_dataset()}
    )
    done = complete(fit, _COMPLETED, seed=seed)
    outcome = realised(done.y, panel.quarters, quantity).mean(axis=0)
    moments = Moments.from_arrays(
        np.column_stack([done.x.mean(axis=0), outcome]), panel.code, outcome=spec.outcome,
        predictors=panel.predictors, groups=panel.industries, group=spec.group,
    )  # fmt: skip
    priors = fit.spec.priors.used(fit.spec.extra_priors)
    return PanelSampled(moments, priors, tree, fit.settings, panel_fit=fit)
