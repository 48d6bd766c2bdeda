"""Figures 1 to 4 and 6 of the report again, and a picture of which quarters are missing.

Functions turn columns into a Matplotlib figure of its own: no pyplot, no global state, no file
(`bayes_sf.output.figures.page.figure_files` saves). The same data and seed give the same figure.
"""

from textwrap import fill
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.catalogue import mark, say
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.output.figures.gaps import draw_panels, most_complete_first
from bayes_sf.output.figures.page import (
    ALARM,
    BLUE,
    INK,
    MUTED,
    NARROW,
    PALETTE,
    SMALL,
    axis_quarter,
    describe,
    industry_label,
    make_page,
    make_plot,
    number,
    styled,
    upper_first,
    variable_label,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "STATES", "STATE_COLOURS", "UNITS", "box_figure", "lowess_curve",
    "missingness_figure", "scatter_figure",
]  # fmt: skip


STATE_COLOURS: Final = {"observed": BLUE, "no absence": PALETTE[0], "no row": "#DDDDDD"}
LOWESS_FRACTION, LOWESS_ROUNDS = 2 / 3, 3  # the defaults of R's lowess and of statsmodels
JITTER, BOX_WIDTH = 0.22, 0.56
_HALO: Final[dict[str, Any]] = {"facecolor": "white", "edgecolor": "none", "pad": 1}

_SHARE = mark("Percent of contracted days")
#: Unit of each variable as drawn, and what its figures are multiplied by for that.
UNITS: Final[dict[str, tuple[str, int]]] = {
    "absence_mean": (_SHARE, 1), "absence_change": (mark("Percentage points"), 1),
    "women_share": (_SHARE, 100), "senior_share": (_SHARE, 100),
}  # fmt: skip
#: What a workplace's quarter can be.
STATES: Final = {
    "observed": mark("observed"),
    "no absence": mark("no lost or no contracted days"),
    "no row": mark("no row in the register"),
}


@styled()
def box_figure(frame: "pd.DataFrame", variable: str, *, source: str, seed: int = 1) -> "Figure":
    """Draw the spread of a variable in each industry: figures 1 to 4.

    Parameters
    ----------
    frame : pandas.DataFrame
        `industry` and the variable; rows without it are left out, and n says how many remain.
    variable : {"absence_mean", "absence_change", "women_share", "senior_share"}
        In percent or percentage points, or a share of 0 to 1, which is drawn in percent.
    source : {"replica", "microdata"}
        Whose workplaces.
    seed : int
        Of the points' sideways jitter.

    Returns
    -------
    matplotlib.figure.Figure
        A box per industry with its median beside it, and one jittered point per workplace.
    """
    unit, factor = UNITS[variable]
    known = frame[["industry", variable]].dropna()
    groups = {
        industry.key: known.loc[known["industry"] == industry.key, variable].to_numpy(float)
        for industry in load_codebook().industries
    }
    figure, axes = make_plot(
        say("{} by industry", variable_label(variable)),
        say(
            "{}; one point per workplace, n = {}; box: quartiles, whiskers: 1.5 box "
            "lengths, number: median",
            say(unit),
            len(known),
        ),
        source,
    )
    rng = np.random.default_rng(seed)
    medians, ticks = [], []
    for place, (key, values) in enumerate(groups.items()):
        name = industry_label(key)
        ticks.append(f"{fill(name, 15)}\nn = {len(values)}")
        if len(values):
            _draw_box(axes, place, values * factor, PALETTE[place], rng)
            median = number(float(np.median(values)) * factor)
            medians.append(f"{name} {median}")
            edge = place + BOX_WIDTH / 2 + 0.03
            height = np.median(values) * factor
            axes.text(edge, height, median, va="center", weight="bold", bbox=_HALO)
    axes.set_xticks(range(len(groups)), ticks)
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.5, len(groups) - 0.4)
    if known[variable].min() < 0:
        axes.axhline(0, color=MUTED, linewidth=1, zorder=1)
    return describe(figure, f"{say('Medians')}: {', '.join(medians)}")


def _draw_box(
    axes: "Axes", place: int, values: Floats, colour: str, rng: np.random.Generator
) -> None:
    """Draw the points and the box of one industry; the points stand for outliers too."""
    spread = rng.uniform(-JITTER, JITTER, len(values))
    axes.scatter(place + spread, values, s=13, color=colour, alpha=0.6, linewidths=0)
    line = {"color": INK}
    axes.boxplot(
        values, positions=[place], widths=BOX_WIDTH, showfliers=False, manage_ticks=False,
        boxprops=line, whiskerprops=line, capprops=line, medianprops={**line, "linewidth": 2.5},
    )  # fmt: skip


@styled()
def scatter_figure(
    frame: "pd.DataFrame", item: str, variable: str, *, source: str, seed: int = 1
) -> "Figure":
    """Draw a variable against the scores of an ordinal item, with a LOWESS curve: figure 6.

    Parameters
    ----------
    frame : pandas.DataFrame
        Scores of the item (1 to 5) and the variable, complete rows, as `design` gives them.
    item : str
        Such as "q13".
    variable, source, seed
        As in `box_figure`.

    Returns
    -------
    matplotlib.figure.Figure
        One point per workplace, jittered sideways only; the curve is that of the scores.
    """
    unit, factor = UNITS[variable]
    x, y = frame[item].to_numpy(float), frame[variable].to_numpy(float)
    name = variable_label(variable)
    figure, axes = make_plot(
        say("{} and {}", variable_label(item), name[:1].lower() + name[1:]),
        say(
            "{}; one point per workplace, n = {}; curve: LOWESS, span two thirds",
            say(unit),
            len(frame),
        ),
        source,
    )
    spread = np.random.default_rng(seed).uniform(-JITTER, JITTER, len(x))
    axes.scatter(x + spread, y * factor, s=15, color=BLUE, alpha=0.4, linewidths=0)
    places, curve = lowess_curve(x, y * factor)
    axes.plot(places, curve, color=ALARM, linewidth=2.5, marker="o", markersize=5)
    answers = {answer.code: answer.label for answer in load_codebook().item(item).categories}
    ticks = [f"{upper_first(text)}\nn = {(x == code).sum()}" for code, text in answers.items()]
    axes.set_xticks(list(answers), ticks)
    axes.set_xlim(min(answers) - 0.5, max(answers) + 0.5)
    told = zip(places, curve, strict=True)
    texts = [f"{answers[int(place)]} {number(value)}" for place, value in told]
    return describe(figure, f"LOWESS: {', '.join(texts)}")


def lowess_curve(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Locally weighted regression at each distinct x (Cleveland 1979, JASA 74: 829-836).

    Parameters
    ----------
    x, y : (n,) float array
        The points.

    Returns
    -------
    places, curve : (n_distinct,) float array
        Each distinct x and the curve there. A fit takes the nearest two thirds of the points, or
        one more than share an x where those are more: a line needs two places.

    Examples
    --------
    >>> x = np.repeat([1.0, 2.0, 3.0, 4.0, 5.0], 4)
    >>> lowess_curve(x, 7 - x)[1].round(6).tolist()
    [6.0, 5.0, 4.0, 3.0, 2.0]
    """
    from statsmodels.nonparametric.smoothers_lowess import lowess

    places, first, ties = np.unique(x, return_index=True, return_counts=True)
    if len(places) < 2:
        return places, np.array([y.mean()])
    fraction = max(LOWESS_FRACTION, (ties.max() + 1) / len(x))
    fitted = lowess(y, x, frac=fraction, it=LOWESS_ROUNDS, return_sorted=False)
    return places, np.asarray(fitted)[first]


@styled()
def missingness_figure(picture: "pd.DataFrame", *, source: str, narrow: bool = False) -> "Figure":
    """Draw which quarters of which workplaces are observed; no workplace is named.

    Parameters
    ----------
    picture : pandas.DataFrame
        As `AnalysisSample.missingness()`: `industry, workplace, quarter, state`.
    source
        As in `box_figure`.
    narrow : bool
        Whether it is as wide as a phone shows.

    Returns
    -------
    matplotlib.figure.Figure
        A panel per industry, as high as it has workplaces; a line per workplace, a column per
        quarter.
    """
    quarters = sorted(picture["quarter"].unique())
    panels = _panels(picture)
    n = sum(map(len, panels.values()))
    size = (NARROW, 7.5) if narrow else (9.0, 9.5)
    figure = make_page(
        say("Observed quarters of absence by industry"),
        say("One line per workplace in the register, n = {}; most complete on top", n), source,
        size=size,
    )  # fmt: skip
    colours = {say(STATES[key]): colour for key, colour in STATE_COLOURS.items()}
    lowest = draw_panels(figure, panels, colours, narrow=narrow)
    years = {i: name for i, name in enumerate(quarters) if name.endswith("Q1")}
    lowest.set_xticks(list(years), [axis_quarter(name) for name in years.values()])
    lowest.tick_params(axis="x", labelsize=SMALL)
    counts = picture["state"].value_counts()
    return describe(
        figure, ", ".join(f"{say(STATES[key])}: {counts.get(key, 0)}" for key in STATE_COLOURS)
    )


def _panels(picture: "pd.DataFrame") -> dict[str, NDArray[np.int64]]:
    """Give each industry's (workplace, quarter) states as numbers, most complete line first."""
    codes = {state: code for code, state in enumerate(STATE_COLOURS)}
    coded = picture.assign(state=picture["state"].map(codes))
    wide = coded.set_index(["industry", "workplace", "quarter"])["state"].unstack("quarter")  # noqa: PD010
    panels = {}
    for industry in load_codebook().industries:
        if industry.key in wide.index.get_level_values("industry"):
            lines = wide.xs(industry.key).to_numpy(np.int64)
            panels[industry_label(industry.key)] = lines[most_complete_first(lines)]
    return panels
