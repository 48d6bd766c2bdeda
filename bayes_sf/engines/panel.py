"""The panel model sampled: quarters within workplaces within industries, gaps and all in one model.

See `panel_graph` for the density. What is reported is in percentage points: the effect of the item
on the mean over the whole period and on the change from 2016Q4 to 2019Q4, from one model.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayes_sf.engines.diagnostics import converged, diagnose
from bayes_sf.engines.nuts import SETTINGS, sample, sampler_stats, try_twice
from bayes_sf.engines.panel_data import PanelData
from bayes_sf.engines.panel_graph import panel_model
from bayes_sf.inputs.panel import Panel
from bayes_sf.spec.moments import INTERCEPT
from bayes_sf.spec.panel import PanelSpec

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["CHANGE", "PanelFit", "compile_panel", "fit_panel"]

_Floats = NDArray[np.float64]

#: Term of the item's effect on the change from 2016Q4 to 2019Q4.
CHANGE = "[change]"


@dataclass(frozen=True, eq=False)
class PanelFit:
    """Draws of a panel model.

    Parameters
    ----------
    spec : PanelSpec
        What was asked.
    data : PanelData
        The panel, standardised; in memory only.
    tree : xarray.DataTree
        ``posterior`` in percentage points: ``beta`` (term; effects on the mean over the period,
        and, as ``item[change]``, on the change over twelve quarters), ``calendar`` (season, trend
        over twelve quarters, pandemic), ``u`` (industry), ``sd_group``, ``sd_workplace``,
        ``sd_trend``, ``sd_resid`` (of a quarter with the median of contracted days),
        ``weight_power``, ``autocorrelation``, ``icc``; and ``sample_stats``.
    trace : xarray.Dataset
        What was sampled, standardised.
    settings : mapping
        The sampler's settings.
    """

    spec: PanelSpec
    data: PanelData
    tree: "xr.DataTree" = field(repr=False)
    trace: "xr.Dataset" = field(repr=False)
    settings: Mapping[str, float] = field(default_factory=lambda: SETTINGS)

    @property
    def panel(self) -> Panel:
        """The data as they are."""
        return self.data.panel

    @cached_property
    def _diagnosed(self) -> "pd.DataFrame":
        return diagnose(self.tree)

    def diagnostics(self) -> "pd.DataFrame":
        """R-hat, ESS, MCSE by parameter, divergences: see `diagnose`."""
        return self._diagnosed.copy()

    @cached_property
    def converged(self) -> bool:
        """Verdict from raw values: R-hat < 1.01, ESS >= 400, no divergence."""
        return converged(self._diagnosed)

    def summary(self, prob: float = 0.95) -> "pd.DataFrame":
        """Posterior mean, sd and equal-tailed interval of every parameter.

        Parameters
        ----------
        prob : float
            Probability of the intervals.
        """
        import pandas as pd

        table = self._diagnosed[["mean", "sd"]].copy()
        posterior = self.tree["posterior"].to_dataset()
        ends = [0.5 - 0.5 * prob, 0.5 + 0.5 * prob]
        low_high = [
            np.quantile(v.to_numpy().reshape(-1, int(np.prod(v.shape[2:]))), ends, axis=0)
            for v in posterior.data_vars.values()
        ]
        table["lower"], table["upper"] = np.concatenate(low_high, axis=1)
        return pd.DataFrame(table)


def compile_panel(data: PanelData, spec: PanelSpec) -> Any:
    """Compile the model: once for panels of the same shape, which `with_data` puts in.

    Parameters
    ----------
    data : PanelData
        Of a panel whose gaps in predictors are where they will be in all others.
    spec : PanelSpec
        The model.
    """
    import nutpie

    return nutpie.compile_pymc_model(panel_model(data, spec))


def fit_panel(
    panel: Panel,
    spec: PanelSpec,
    *,
    seed: int = 1,
    settings: Mapping[str, float] = SETTINGS,
    compiled: Any = None,
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

    Raises
    ------
    DataError
        When the panel cannot be fitted.
    ConvergenceError
        When the sampler itself breaks down.
    """
    data = PanelData(panel, walk=spec.period == "walk")
    if compiled is None:
        compiled = compile_panel(data, spec)
    else:
        arrays = {n: np.asarray(getattr(data, n), dtype=float) for n in _SWAPPED}
        compiled = compiled.with_data(**arrays, pilot=data.pilot[0], root=data.pilot[1])

    def attempt(settings: Mapping[str, float]) -> PanelFit:
        trace = sample(compiled, seed, settings)
        posterior = trace["posterior"].to_dataset()
        tree = _tree(data, spec, posterior)
        tree["sample_stats"] = sampler_stats(trace)
        return PanelFit(spec, data, tree, posterior, settings)

    return try_twice(attempt, settings)


#: Arrays of the graph that another panel of the same shape brings along.
_SWAPPED = ("y", "mask", "log_days", "x", "dummies")


def _tree(data: PanelData, spec: PanelSpec, trace: "xr.Dataset") -> "xr.DataTree":
    """Draws in percentage points."""
    import xarray as xr

    panel, k, scale = data.panel, len(data.panel.predictors), data.scale
    level, over_time = trace["level"].to_numpy(), trace["over_time"].to_numpy()
    slopes = scale * level[..., 1 : 1 + k] / data.x_scale
    intercept = data.location + scale * level[..., 0] - slopes @ data.x_centre
    change = scale * over_time[..., -1] / data.x_scale[0]
    beta = np.concatenate([intercept[..., None], slopes, change[..., None]], axis=-1)
    base = ("chain", "draw")
    sds = {name: scale * trace[name].to_numpy() for name in _sds(trace)}
    variables: dict[str, Any] = {
        "beta": ((*base, "term"), beta),
        "calendar": ((*base, "time"), scale * over_time[..., :-1]),
        "u": (
            (*base, "industry"),
            sds["sd_group"][..., None] * level[..., 1 + k :],
        ),
        **{name: (base, values) for name, values in sds.items()},
        "weight_power": (base, trace["weight_power"].to_numpy()),
        "icc": (base, sds["sd_group"] ** 2 / (sds["sd_group"] ** 2 + sds["sd_workplace"] ** 2)),
    }
    if spec.autocorrelation:
        variables["autocorrelation"] = (base, 2 * trace["autocorrelation"].to_numpy() - 1)
    coords = {
        "term": [INTERCEPT, *panel.predictors, f"{panel.predictors[0]}{CHANGE}"],
        "time": list(data.calendar[0]),
        "industry": list(panel.industries),
        "chain": trace["chain"].to_numpy(),
        "draw": trace["draw"].to_numpy(),
    }
    return xr.DataTree.from_dict({"posterior": xr.Dataset(variables, coords=coords)})


def _sds(trace: "xr.Dataset") -> list[str]:
    """Names of the sampled standard deviations of absence."""
    known = ("sd_resid", "sd_group", "sd_workplace", "sd_trend", "sd_period")
    return [name for name in known if name in trace]
