"""A specification curve: estimates sorted, with intervals; below them which choices they come from.

With thousands of combinations dots would cover one another. The matrix therefore has as many
columns as can be seen, and a cell is as dark as the share of its combinations that have the option:
with few combinations it is the usual matrix of dots.
"""

from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from bayes_sf.analysis.choices.multiverse import Explored, choice_shares, varied_choices
from bayes_sf.catalogue import say
from bayes_sf.disclosure.control import HIDDEN
from bayes_sf.output.figures.page import (
    ALARM,
    BLUE,
    INK,
    MUTED,
    NARROW,
    PALE,
    PALETTE,
    SMALL,
    describe,
    make_page,
    number,
    styled,
    variable_label,
)
from bayes_sf.output.numbers import fixed, percent, with_percent
from bayes_sf.output.tables.multiverse_tables import contrast_text, option_name, rope_text
from bayes_sf.output.words.words import word

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["curve_figure"]

#: Columns of the matrix at most.
_COLUMNS: Final = 150


@dataclass(frozen=True)
class _Layout:
    """Inches of a page and of what is on it; columns of the legend, and where it begins."""

    width: float
    left: float
    right: float
    top: float
    curve: float
    gap: float
    columns: int
    bottom: float = 0.65
    row: float = 0.17
    legend: float = 0.0


_WIDE: Final = _Layout(11.0, 3.5, 1.2, 1.35, 3.1, 0.1, 3)
#: Names of choices stand above their options, not beside them.
_PHONE: Final = _Layout(NARROW, 1.75, 0.45, 1.9, 2.4, 0.3, 1, legend=-1.1)


@styled()
def curve_figure(explored: Explored, *, narrow: bool = False) -> "Figure":
    """Draw the specification curve of a multiverse.

    Parameters
    ----------
    explored : Explored
        As `explore` gives it; the combinations that could be fitted are drawn.
    narrow : bool
        Whether it is as wide as a phone shows.

    Returns
    -------
    matplotlib.figure.Figure
        Above: estimates from the smallest to the largest, with intervals, zero and the ROPE.
        Below: for every choice with more than one option, where along the curve each option is,
        and the choice's total share of the estimates' variance.
    """
    table = explored.fitted.sort_values("estimate", kind="stable")
    choices = {
        key: [
            option for option in dict.fromkeys(explored.table[key]) if (table[key] == option).any()
        ]
        for key in varied_choices(explored)
    }
    rows = sum(len(options) for options in choices.values())
    to = _PHONE if narrow else _WIDE
    height = to.top + to.curve + to.gap + rows * to.row + len(choices) * to.gap + to.bottom
    title = say("{}: {} combinations of choices", variable_label(explored.asked.item), len(table))
    prob = with_percent(percent(explored.prob, 0))
    sizes = (size or HIDDEN for size in explored.n_range)
    subtitle = say(
        "{}, percentage points of mean absence; {} credible intervals (equal-tailed), n = {}–{}",
        contrast_text(explored), prob, *sizes,
    )  # fmt: skip
    figure = make_page(title, subtitle, explored.source, size=(to.width, height))
    width, end = 1 - (to.left + to.right) / to.width, 1 - to.right / to.width + 0.01
    below = height - to.top - to.curve
    curve = figure.add_axes((to.left / to.width, below / height, width, to.curve / height))
    _draw_curve(curve, table, explored, to)
    shares = choice_shares(explored)["total"]
    if not narrow:
        figure.text(
            end, below / height, say("share of\nvariance"), va="bottom", color=MUTED, size=8.5
        )
    for key, options in choices.items():
        below -= to.gap + len(options) * to.row
        axes = figure.add_axes(
            (to.left / to.width, below / height, width, len(options) * to.row / height)
        )
        axes.set_label(key)
        names = [option_name(key, option) for option in options]
        _draw_choice(axes, table[key], options, names)
        middle, top = (below + at * len(options) * to.row for at in (0.5, 1))
        place = top + 0.03 if narrow else middle
        share, beside = with_percent(percent(shares[key], 0)), "bottom" if narrow else "center"
        figure.text(0.02, place / height, word(key), va=beside, weight="bold", size=SMALL)
        figure.text(end, middle / height, share, va="center", size=SMALL)
    note = say(
        "Darkness: share of the combinations at that place with the option. "
        "Share of variance: with what the choice does together with others."
    )
    figure.text(
        0.02, 0.38 / height, fill(note, 50) if narrow else note, va="bottom", color=MUTED,
        size=SMALL if narrow else 8.5,
    )  # fmt: skip
    return describe(figure, _alternative(explored, shares))


def _draw_curve(axes: "Axes", table: "pd.DataFrame", explored: Explored, to: _Layout) -> None:
    """Intervals by what they exclude, means on top, zero and the ROPE."""
    from matplotlib.collections import LineCollection

    rope, place = explored.asked.rope, np.arange(len(table))
    low, high = table["lower"].to_numpy(), table["upper"].to_numpy()
    outside = (low >= rope) | (high <= -rope)
    without = ((low > 0) | (high < 0)) & ~outside
    axes.axhspan(-rope, rope, color=PALETTE[0], alpha=0.18, lw=0, label=rope_text(explored))
    thick = float(np.clip(500 / len(table), 0.6, 4))
    kinds = (
        (say("interval with zero"), ~(outside | without), PALE),
        (say("interval without zero"), without, PALETTE[1]),
        (say("interval outside the ROPE"), outside, BLUE),
    )  # fmt: skip
    for name, where, colour in kinds:
        if where.any():
            axes.vlines(
                place[where], low[where], high[where], color=colour, lw=thick, rasterized=True,
                label=name,
            )  # fmt: skip
    axes.plot(
        place, table["estimate"], color=INK, lw=1.6, marker="o" if len(table) <= 100 else "",
        ms=3, label=say("posterior mean"),
    )  # fmt: skip
    axes.axhline(0, color=INK, lw=0.8, ls="--")
    for limit in (-rope, rope):  # also where intervals cover the band
        axes.axhline(limit, color=PALETTE[0], lw=1.2)
    report = np.flatnonzero(table["report"])
    if len(report):
        estimate = table["estimate"].iloc[report]
        axes.plot(
            report, estimate, "D", color=ALARM, mec="white", ms=8, zorder=5,
            label=say("the report's choices"),
        )  # fmt: skip
    axes.set(xlim=(-0.5, len(table) - 0.5), xticks=[])
    axes.spines["bottom"].set_visible(False)
    axes.grid(axis="y")
    axes.locator_params(axis="y", steps=[1, 2, 5, 10])
    axes.yaxis.set_major_formatter(lambda value, _: number(value, 1))
    axes.set_ylabel(say("percentage points"))
    axes.tick_params(labelsize=SMALL)
    legend = axes.legend(
        loc="lower left", bbox_to_anchor=(to.legend, 1), ncols=to.columns, frameon=False,
        fontsize=SMALL, borderaxespad=0.2, columnspacing=1.2,
    )  # fmt: skip
    for line in legend.get_lines() + list(legend.findobj(LineCollection)):
        line.set_linewidth(max(2.0, thick))


def _draw_choice(
    axes: "Axes", column: "pd.Series[Any]", options: list[Any], names: list[str]
) -> None:
    """One row for each option, the first on top."""
    from matplotlib.colors import LinearSegmentedColormap

    density = _density(column.to_numpy(), options)
    shade = LinearSegmentedColormap.from_list("share", [f"{BLUE}00", f"{BLUE}FF"])  # on any ground
    top = len(options)
    axes.imshow(
        density, aspect="auto", cmap=shade, vmin=0, vmax=max(density.max(), 1e-9),
        interpolation="nearest", extent=(-0.5, len(column) - 0.5, top, 0), rasterized=True,
    )  # fmt: skip
    axes.hlines(np.arange(1, top), -0.5, len(column) - 0.5, color="white", lw=1.5)
    axes.set(xticks=[])
    axes.set_yticks(np.arange(top) + 0.5, names)
    axes.tick_params(axis="y", length=0, labelsize=SMALL)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _density(values: NDArray[Any], options: list[Any]) -> NDArray[np.float64]:
    """Share of the combinations in each column that have each option, (options, columns)."""
    columns = min(len(values), _COLUMNS)
    place = np.arange(len(values)) * columns // len(values)
    inside = np.bincount(place, minlength=columns)
    return np.array(
        [np.bincount(place, weights=values == option, minlength=columns) for option in options]
    ) / inside  # fmt: skip


def _alternative(explored: Explored, shares: "pd.Series[float]") -> str:
    """The numbers that matter, in words."""
    summary = explored.summary()
    parts = [
        f"{word(str(key))} {with_percent(percent(share, 0))}"
        for key, share in shares.sort_values(ascending=False).items()
    ]

    def share(key: str) -> str:
        return with_percent(percent(summary[key], 0))

    return say(
        "Estimates from {} to {}, median {}; {} below zero, {} with a whole "
        "interval below zero, {} above; {} of the estimates within the ROPE of "
        "±{}. Shares of variance: {}",
        *(fixed(summary[key], 2) for key in ("least", "largest", "median")),
        share("below_zero"),
        share("surely_below_zero"),
        share("surely_above_zero"),
        share("within_rope"),
        number(explored.asked.rope),
        ", ".join(parts) or "–",
    )
