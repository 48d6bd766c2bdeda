"""A panel model that has been sampled: its draws, and what they say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.engines.panel.counts import count_quarters
from bayes_sf.engines.panel.data import PanelData
from bayes_sf.engines.sampled.diagnostics import Diagnosed
from bayes_sf.engines.sampled.nuts import SETTINGS
from bayes_sf.inputs.panel import Panel
from bayes_sf.spec.panel import PanelSpec

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["PANEL_SETTINGS", "PanelFit"]

#: The sampler's settings: coefficients mix so well that a short warm-up does.
PANEL_SETTINGS: Mapping[str, float] = {**SETTINGS, "tune": 500}


@dataclass(frozen=True, eq=False)
class PanelFit(Diagnosed):
    """Draws of a panel model.

    Parameters
    ----------
    spec : PanelSpec
        What was asked.
    data : PanelData
        The panel, standardised; in memory only.
    tree : xarray.DataTree
        ``posterior`` in percentage points. Of the mean over the period: ``beta`` (term), ``u``
        (industry), ``sd_group``, ``sd_resid`` (of a workplace's mean within its industry, all of
        it: true differences and quarters' noise), ``icc``. Of the change from 2016Q4 to 2019Q4 the
        same, ``..._change``. ``calendar`` (season, pandemic), ``sd_workplace`` and ``sd_trend``
        (true differences of level and change), ``sd_quarter`` (noise of a quarter with the median
        of contracted days), ``weight_power``, ``autocorrelation``, ``sd_period``; and
        ``sample_stats``. Of counts these are average differences in pp, see `panel/report.py`, with
        ``concentration`` in place of ``weight_power``.
    trace : xarray.Dataset
        What was sampled, standardised.
    settings : mapping
        The sampler's settings.
    """

    spec: PanelSpec
    data: PanelData
    tree: "xr.DataTree" = field(repr=False)
    trace: "xr.Dataset" = field(repr=False)
    settings: Mapping[str, float] = field(default_factory=lambda: PANEL_SETTINGS)

    @property
    def panel(self) -> Panel:
        """The data as they are."""
        return self.data.panel

    @property
    def rounding(self) -> str:
        """What was rounded to whole days for a panel of counts, in a sentence; "" for others."""
        if self.spec.likelihood == "gaussian":
            return ""
        counts, seen = count_quarters(self.data), int(self.panel.observed.sum())
        return (
            f"Lost and contracted days were rounded to whole days in {counts.n_rounded} of {seen} "
            f"quarters, which moves a quarter's absence by at most {counts.largest:.3f} pp."
        )

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
