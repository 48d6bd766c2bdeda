"""The panel model sampled: quarters within workplaces within industries, gaps and all in one model.

See `panel_graph` for the density. What is reported is in percentage points: effects on the mean
over the whole period and on the change from 2016Q4 to 2019Q4, from one model. The change is twelve
quarters of a line, so every quarter tells of it; a third of it is the trend in pp per year.
"""

from collections.abc import Mapping
from typing import Any

from bayes_sf.engines.panel.data import PanelData
from bayes_sf.engines.panel.fitted import PANEL_SETTINGS, PanelFit
from bayes_sf.engines.panel.graph import arrays, panel_model
from bayes_sf.engines.panel.report import report
from bayes_sf.engines.sampled.compiling import compile_large
from bayes_sf.engines.sampled.nuts import sample, sampler_stats, try_twice
from bayes_sf.errors import UsageError
from bayes_sf.inputs.panel import Panel
from bayes_sf.spec.names import predictor_of
from bayes_sf.spec.panel import PanelSpec

__all__ = ["compile_panel", "fit_panel"]


def compile_panel(data: PanelData, spec: PanelSpec) -> Any:
    """Compile the model: once for panels of the same shape, which `with_data` puts in.

    Parameters
    ----------
    data : PanelData
        Of a panel whose gaps in predictors are where they will be in all others.
    spec : PanelSpec
        The model.
    """
    return compile_large(panel_model(data, spec))


def fit_panel(
    panel: Panel,
    spec: PanelSpec,
    *,
    seed: int = 1,
    settings: Mapping[str, float] = PANEL_SETTINGS,
    compiled: Any = None,
    retry: bool = True,
) -> PanelFit:
    """Sample the posterior of a panel model.

    Parameters
    ----------
    panel : Panel
        Absence by workplace and quarter, and predictors.
    spec : PanelSpec
        The model; its predictors are the panel's.
    seed : int
        Seed of everything random.
    settings : mapping
        Chains, draws, warm-up, acceptance target.
    compiled : optional
        What `compile_panel` made for a panel of the same shape.
    retry : bool
        Whether a fit that fails its diagnostics is tried once more, as in `fit_nuts`.

    Raises
    ------
    UsageError
        When the specification's predictors are not the panel's.
    DataError
        When the panel cannot be fitted.
    ConvergenceError
        When the sampler itself breaks down.
    """
    theirs = {predictor_of(term, spec.predictors) for term in panel.predictors}
    if theirs != set(spec.predictors):
        raise UsageError(
            "panel: predictors", f"must be those of the panel: {', '.join(panel.predictors)}",
            got=list(spec.predictors), fix="build the panel with the specification's predictors",
        )  # fmt: skip
    data = PanelData(panel, walk=spec.period == "walk")
    if compiled is None:
        compiled = compile_panel(data, spec)
    else:
        compiled = compiled.with_data(**arrays(data, spec))

    def attempt(settings: Mapping[str, float]) -> PanelFit:
        trace = sample(compiled, seed, settings)
        posterior = trace["posterior"].to_dataset()
        tree = report(data, spec, posterior)
        tree["sample_stats"] = sampler_stats(trace)
        return PanelFit(spec, data, tree, posterior, settings)

    return try_twice(attempt, settings) if retry else attempt(settings)
