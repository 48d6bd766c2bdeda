"""Pictures of what is uniform if all is right: ranks of calibration, and LOO-PIT.

Drawn are distribution functions less the uniform one, in the band that holds all of it.
"""

from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.analysis.checks.calibration import uniform_band, uniform_p
from bayes_sf.analysis.checks.pit import PLACES
from bayes_sf.catalogue import say
from bayes_sf.output.figures.page import (
    ALARM,
    BLUE,
    MUTED,
    NARROW,
    SMALL,
    describe,
    make_page,
    styled,
    write_numbers,
)
from bayes_sf.output.numbers import fixed, level
from bayes_sf.output.words.words import outcome_name, short_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["pit_figure", "rank_figure"]


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


@styled()
def pit_figure(named: "Mapping[str, NDArray[np.float64]]", *, source: str) -> "Figure":
    """Draw LOO-PIT of some models, a panel each: its distribution function less the uniform one.

    Parameters
    ----------
    named : mapping
        Outcome -> (n,) array as `loo_pit` gives it.
    source : {"replica", "microdata"}
        Which data.
    """
    height = 1.7 + 1.9 * len(named)
    figure = make_page(
        say("Where workplaces lie in what is expected of them (LOO-PIT)"),
        say(
            "Distribution function less an even one; shade: where all of it is in {} of even "
            "ones; orange: it leaves the shade",
            level(0.95),
        ),
        source, size=(NARROW, height),
    )  # fmt: skip
    even, said = np.arange(1, PLACES + 1) / PLACES, []
    for place, (name, values) in enumerate(named.items()):
        bottom = height - 1.2 - 1.9 * (place + 1) + 0.5
        axes = figure.add_axes((0.16, bottom / height, 0.8, 1.2 / height))
        low, high = uniform_band(len(values), PLACES) - even
        off = (values[:, None] <= even).mean(axis=0) - even
        outside = bool(((off < low) | (off > high)).any())
        axes.fill_between(even, low, high, color=MUTED, alpha=0.25, lw=0)
        axes.plot(even, off, color=ALARM if outside else BLUE, lw=1.5)
        axes.axhline(0, color=MUTED, lw=0.8)
        axes.set_title(f"{short_name(name)}, n = {len(values)}", size=SMALL, loc="left", x=-0.15)
        axes.tick_params(labelsize=SMALL)
        axes.locator_params(axis="y", nbins=4)
        write_numbers(axes, "xy")
        far = int(np.abs(off).argmax())
        said.append(
            say(
                "{}: farthest from even by {} at {}", outcome_name(name),
                fixed(float(off[far]), 3), fixed(float(even[far]), 2),
            )
        )  # fmt: skip
    return describe(figure, "; ".join(said))
