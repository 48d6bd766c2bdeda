"""Pictures of what is missing: quarters with bands, distributions, slopes against delta.

No workplace is named. One is drawn for each industry, and which one is a rule, not a choice: of
those with gaps and at least three observed quarters, the one whose number of observed quarters is
the industry's median (the lower one of two), and of those the one nearest to the industry's mean.
"""

from collections.abc import Collection
from textwrap import fill
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from bayes_sf.analysis.missing.unobserved import PATTERN
from bayes_sf.arrays import Floats
from bayes_sf.catalogue import mark, say
from bayes_sf.errors import legible
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.output.figures.page import (
    ALARM,
    BLUE,
    MUTED,
    NARROW,
    PALETTE,
    describe,
    industry_label,
    make_page,
    number,
    styled,
)
from bayes_sf.output.numbers import level
from bayes_sf.output.tables.imputation_tables import pattern_name
from bayes_sf.output.words.words import term_name

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bayes_sf.engines.panel.draws import Completed
    from bayes_sf.inputs.panel import Panel

__all__ = ["choose_workplaces", "delta_figure", "distribution_figure", "quarters_figure"]


_LEAST_OBSERVED: Final = 3
_ORANGE: Final = PALETTE[0]
#: Characters of a line above a plot of half a page.
_TITLE: Final = 58
#: By quantity: what a slope is on, and whose ICC it is.
_ON: Final = {
    "mean": mark("{}: on the mean"),
    "change": mark("{}: on the change"),
    "trend": mark("{}: on the trend"),
}
_ICC_OF: Final = {
    "mean": mark("ICC of the mean"),
    "change": mark("ICC of the change"),
    "trend": mark("ICC of the trend"),
}
#: What changes at a delta.
_TIPS: Final = {"sign": mark("sign changes at {}"), "verdict": mark("verdict changes at {}")}


def choose_workplaces(panel: "Panel") -> dict[str, int]:
    """Choose one workplace per industry by the rule above; industry -> row of the panel.

    Parameters
    ----------
    panel : Panel
        Industries in which no workplace has both gaps and enough quarters are left out.
    """
    count = panel.observed.sum(axis=1)
    total = panel.observed.shape[1]
    own = np.nansum(panel.y, axis=1) / np.maximum(count, 1)
    chosen = {}
    for name in _ordered(panel):
        number_ = panel.industries.index(name)
        rows = np.flatnonzero(
            (panel.code == number_) & (count >= _LEAST_OBSERVED) & (count < total)
        )
        if len(rows):
            middle = np.sort(count[rows])[(len(rows) - 1) // 2]
            level_ = own[(panel.code == number_) & (count > 0)].mean()
            same = rows[count[rows] == middle]
            chosen[name] = int(same[np.argmin(np.abs(own[same] - level_))])
    return chosen


@styled()
def quarters_figure(
    panel: "Panel", done: "Completed", *, source: str, prob: float = 0.95
) -> "Figure":
    """Draw observed quarters and bands of imputed ones, of one workplace per industry.

    Parameters
    ----------
    panel : Panel
        The incomplete original.
    done : Completed
        Draws of its gaps.
    source : {"replica", "microdata"}
        Whose workplaces.
    prob : float
        Probability of the outer bands.
    """
    chosen = choose_workplaces(panel)
    figure = make_page(
        say("Observed and imputed quarters"),
        say(
            "Absence in percent. One workplace per industry: with gaps, and the "
            "industry's median number of observed quarters.\nPoints: observed. Line "
            "and bands: median, 50 and {} of the imputed quarters ({} draws)",
            level(prob),
            len(done.y),
        ),
        source,
        size=(9.0, 6.6),
    )
    plots = _grid(figure, len(chosen))
    time, tails = np.arange(len(panel.quarters)), [0.5 - prob / 2, 0.25, 0.5, 0.75, 0.5 + prob / 2]
    told = []
    for axes, (industry, row) in zip(plots, chosen.items(), strict=True):
        seen = panel.observed[row]
        low, first, middle, last, high = np.quantile(done.y[:, row], tails, axis=0)
        for run in _runs(~seen):
            wide = np.concatenate([run - 0.4, run + 0.4]) if len(run) == 1 else run
            at = np.concatenate([run, run]) if len(run) == 1 else run
            axes.fill_between(wide, low[at], high[at], color=_ORANGE, alpha=0.25, linewidth=0)
            axes.fill_between(wide, first[at], last[at], color=_ORANGE, alpha=0.45, linewidth=0)
            axes.plot(wide, middle[at], color=_ORANGE, linewidth=1.5)
        axes.plot(time[seen], panel.y[row, seen], "o", color=BLUE, markersize=4)
        title = say(
            "{}\n{} of {} quarters observed", industry_label(industry), seen.sum(), len(seen)
        )
        axes.set_title(title, size=9.5, loc="left")
        axes.axhline(0, color=MUTED, linewidth=0.8)
        _years(axes, panel.quarters)
        told.append(f"{industry_label(industry)}: {seen.sum()}/{len(seen)}")
    return describe(figure, ", ".join(told))


def _ordered(panel: "Panel") -> list[str]:
    """Industries in the report's order; what is none of them last."""
    known = [one.key for one in load_codebook().industries]
    return sorted(panel.industries, key=lambda name: [*known, name].index(name))


def _runs(flags: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Places that follow each other where flags are set.

    Examples
    --------
    >>> [run.tolist() for run in _runs(np.array([True, False, True, True]))]
    [[0], [2, 3]]
    """
    places = np.flatnonzero(flags)
    if not len(places):
        return []
    return np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)


def _years(axes: "Axes", quarters: tuple[str, ...]) -> None:
    """A tick at the first quarter of every second year."""
    ticks = {i: name[:4] for i, name in enumerate(quarters) if name.endswith("Q1")}
    step = 2 if len(ticks) > 3 else 1
    axes.set_xticks(list(ticks)[::step], list(ticks.values())[::step])


def _grid(
    figure: "Figure", count: int, *, columns: int = 3, bottom: float = 0.75,
    gap: float = 0.5) -> "list[Axes]":  # fmt: skip
    """Plots in rows: inches below them, and the gap between rows as a share of their height."""
    columns = min(columns, count)
    rows = -(-count // columns)
    plots = figure.subplots(rows, columns, squeeze=False).ravel()
    height = float(figure.get_size_inches()[1])
    figure.subplots_adjust(
        left=0.07, right=0.98, top=1 - 1.4 / height, bottom=bottom / height, hspace=gap, wspace=0.22
    )
    for empty in plots[count:]:
        empty.set_visible(False)
    for axes in plots[:count]:
        axes.grid(axis="y")
        axes.yaxis.set_major_formatter(lambda value, _: number(value, 1))
    return list(plots[:count])


@styled()
def distribution_figure(
    panel: "Panel",
    done: "Completed",
    *,
    source: str,
    most: int = 20,
    hidden: Collection[str] = (),
    least: int = 0,
) -> "Figure":
    """Draw the distributions of observed and imputed quarters in each industry.

    Parameters
    ----------
    panel, done, source
        As in `quarters_figure`.
    most : int
        So many of the completed sets are drawn.
    hidden : collection of str
        Industries that are not drawn.
    least : int
        Fewest quarters of a step that is drawn; with any the ends are left out, where they are of
        single workplaces.
    """
    tail = 0.05 if least else 0.002
    sets = done.y[:most]
    shown = [industry for industry in _ordered(panel) if industry not in hidden]
    figure = make_page(
        say("Observed and imputed quarters: distributions"),
        say(
            "Absence in percent; height: share of the quarters. n: observed and "
            "imputed quarters.\nOne thin line for each of {} completed sets",
            len(sets),
        ),
        source,
        size=(9.0, 6.4),
    )
    plots = _grid(figure, len(shown))
    told = []
    for axes, industry in zip(plots, shown, strict=True):
        place = panel.industries.index(industry)
        mine, seen = panel.code == place, panel.observed[panel.code == place]
        known = panel.y[mine][seen]
        gaps = sets[:, mine][:, ~seen]
        low, high = np.quantile(np.concatenate([known, gaps.ravel()]), [tail, 1 - tail])
        edges = np.linspace(float(low), float(high), 30)
        for drawn in gaps:
            _outline(axes, drawn, edges, least, color=_ORANGE, alpha=0.5, linewidth=0.6)
        _outline(axes, known, edges, least, color=BLUE, linewidth=1.8)
        title = say("{}\nn = {} and {}", industry_label(industry), len(known), gaps.shape[1])
        axes.set_title(title, size=9.5, loc="left")
        axes.set_yticks([])
        axes.axvline(0, color=MUTED, linewidth=0.8)
        means = number(float(known.mean())), number(float(gaps.mean()))
        told.append(f"{industry_label(industry)} {means[0]} / {means[1]}")
    figure.legend(
        handles=_lines({say("observed"): BLUE, say("imputed"): _ORANGE}), loc="upper right",
        bbox_to_anchor=(0.99, 1 - 0.62 / float(figure.get_size_inches()[1])), ncols=2,
        frameon=False, borderaxespad=0,
    )  # fmt: skip
    return describe(figure, ", ".join(told))


def _outline(axes: "Axes", values: Floats, edges: Floats, least: int, **style: Any) -> None:
    """A histogram's outline, of shares; nothing for no values, or for too few."""
    if len(values):
        counts = np.histogram(values, edges)[0]
        axes.stairs(np.where(counts < least, 0, counts) / len(values), edges, **style)


def _lines(colours: dict[str, str]) -> list[Any]:
    """Handles of a legend."""
    from matplotlib.lines import Line2D

    return [Line2D([], [], color=colour, label=name) for name, colour in colours.items()]


@styled()
def delta_figure(
    effects: "pd.DataFrame", tipping: "pd.DataFrame", *, source: str, narrow: bool = False
) -> "Figure":
    """Draw slopes and ICC against delta, and where their sign or verdict changes.

    Parameters
    ----------
    effects : pandas.DataFrame
        ``pattern, quantity, term, delta, estimate, lower, upper, prob, n``.
    tipping : pandas.DataFrame
        ``quantity, term, sign, verdict``: deltas, NaN for none on the grid.
    source
        As in `quarters_figure`.
    narrow : bool
        Whether it is as wide as a phone shows.
    """
    parts = list(effects.groupby(["quantity", "term"], sort=False))
    columns = 1 if narrow else 2
    figure = make_page(
        say("If what is missing is not missing at random"), _delta_subtitle(effects), source,
        size=(NARROW if narrow else 9.0, 2.2 + 2.7 * -(-len(parts) // columns)),
    )  # fmt: skip
    plots = _grid(figure, len(parts), columns=columns, bottom=1.0, gap=0.75)
    if narrow:
        figure.subplots_adjust(left=0.17)
    told = []
    for axes, ((quantity, term), part) in zip(plots, parts, strict=True):
        own = part.sort_values("delta")
        axes.fill_between(own["delta"], own["lower"], own["upper"], color=BLUE, alpha=0.25, lw=0)
        axes.plot(own["delta"], own["estimate"], color=BLUE, linewidth=2, marker="o", markersize=4)
        axes.axvline(0, color=MUTED, linewidth=0.8, linestyle=":")
        said = [_slope_title(str(quantity), str(term))]
        is_icc = str(term).startswith("icc")
        if is_icc:
            axes.set_ylim(0, 1)
        else:
            axes.axhline(0, color=MUTED, linewidth=1)
        own_unit = quantity not in _ON  # of a frame, whose units we do not know
        if not is_icc and not own_unit:
            axes.set_ylabel(say("percentage points"))
        axes.set_xlabel(say("delta of {}", legible(str(quantity))) if own_unit
                        else say("delta, percentage points"))  # fmt: skip
        at = tipping[(tipping["quantity"] == quantity) & (tipping["term"] == term)]
        for kind, colour in (("sign", ALARM), ("verdict", "#009E73")):
            for value in at[kind].dropna():
                axes.axvline(value, color=colour, linewidth=1.2, linestyle="--")
                said.append(say(_TIPS[kind], number(float(value), 2)))
        most = 46 if narrow else _TITLE
        lines = [fill(said[0], most), fill(", ".join(said[1:]), most)]
        axes.set_title("\n".join(lines), size=9, loc="left")
        told.append(", ".join(said))
    return describe(figure, "; ".join(told))


def _slope_title(quantity: str, term: str) -> str:
    """Of the study's panel with the quantity that it is of; of any other frame the term."""
    if quantity not in _ON:
        return say("ICC") if term == "icc" else legible(term)
    return say(_ICC_OF[quantity]) if term == "icc" else say(_ON[quantity], term_name(term))


def _delta_subtitle(effects: "pd.DataFrame") -> str:
    """What is moved, and of whom."""
    pattern = str(effects["pattern"].iloc[0])
    prob = level(float(effects["prob"].iloc[0]))
    low, high = int(effects["n"].min()), int(effects["n"].max())
    n = f"{low}–{high}" if low < high else f"{low}"
    if "n_moved" in effects:
        return say(
            "Estimates when {} missing cells of {} are delta from what is expected of "
            "them{}.\nBand: {}; delta 0: missing at random. n = {}",
            int(effects["n_moved"].iloc[0]), legible(str(effects["quantity"].iloc[0])),
            f", {legible(pattern)}" if pattern else "", prob, n,
        )  # fmt: skip
    if pattern == PATTERN:
        return say(
            "Slopes when the outcome of workplaces without one is delta percentage "
            "points from what is expected of their\nindustry and answer. Line: "
            "posterior mean; band: {} equal-tailed; delta 0: missing at random. n = "
            "{}",
            prob,
            n,
        )
    return say(
        "Slopes and ICC when imputed quarters move by delta percentage points "
        "({}).\nLine: posterior mean; band: {} equal-tailed; delta 0: missing at "
        "random. n = {}",
        pattern_name(pattern),
        prob,
        n,
    )
