"""Pictures of simulation-based calibration: distribution functions of ranks, less the uniform."""

from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.analysis.checks.calibration import uniform_band, uniform_p
from bayes_sf.output.figures.page import ALARM, BLUE, MUTED, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["rank_figure"]


def rank_figure(ranks: "pd.DataFrame", kept: int, *, title: str) -> "Figure":
    """Draw the ranks of every kind of quantity, a panel each, with the band of uniform ranks.

    Parameters
    ----------
    ranks : pandas.DataFrame
        A row for each simulated data set, a column for each quantity: ``u[a]`` and ``u[b]`` share
        a panel.
    kept : int
        Draws that a true value is ranked among.
    title : str
        Of the figure.
    """
    from matplotlib.figure import Figure

    kinds = list(dict.fromkeys(str(name).partition("[")[0] for name in ranks))
    across = min(4, len(kinds))
    down = -(-len(kinds) // across)
    level = np.arange(kept + 1)
    uniform = (level + 1) / (kept + 1)
    low, high = uniform_band(len(ranks), kept + 1) - uniform
    worst = min(uniform_p(ranks[name].to_numpy(), kept + 1) for name in ranks)
    with styled():
        figure = Figure(figsize=(2.6 * across, 2.1 * down + 0.5), layout="constrained")
        panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
        for kind, axes in zip(kinds, panels.flat, strict=False):
            axes.fill_between(uniform, low, high, color=MUTED, alpha=0.2, lw=0, step="mid")
            for name in ranks:
                if str(name).partition("[")[0] == kind:
                    values = ranks[name].to_numpy()
                    below = (values[:, None] <= level).mean(axis=0) - uniform
                    inside = bool(((below >= low) & (below <= high)).all())
                    colour = BLUE if inside else ALARM
                    axes.plot(uniform, below, color=colour, lw=0.8, drawstyle="steps-mid")
            axes.set_title(kind, size=9)
            axes.axhline(0, color=MUTED, lw=0.5)
        for axes in panels.flat[len(kinds) :]:
            axes.set_axis_off()
        figure.supxlabel("rank of the true value among draws", size=9)
        text = f"{title}: {len(ranks)} simulated data sets, 95 % band of uniform ranks"
        figure.suptitle(text, size=10, x=0.01, ha="left")
    figure.set_label(f"{text}. Smallest p across {ranks.shape[1]} quantities: {worst:.4f}.")
    return figure
