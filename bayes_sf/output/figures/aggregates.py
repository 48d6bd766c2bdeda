"""Figures 1 to 4 and 6 and the missing quarters without single workplaces: what may be passed on.

A quartile or a largest value is that of one or two workplaces. Here each is the mean of the few
workplaces that lie nearest to it, so that every point of a figure is made of `FEW` at least.
"""

from collections.abc import Container, Mapping
from textwrap import fill
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.catalogue import say
from bayes_sf.disclosure.control import HIDDEN
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.output.figures.gaps import add_states, place_states
from bayes_sf.output.figures.page import (
    ALARM,
    BLUE,
    INK,
    MANY,
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
    picture_label,
    styled,
    upper_first,
    variable_label,
)
from bayes_sf.output.figures.sample import (
    STATE_COLOURS,
    STATES,
    UNITS,
    lowess_curve,
)
from bayes_sf.output.words.words import word

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "FEW", "answers_figure", "blurred_quantiles", "curve_figure", "spread_figure", "states_figure",
]  # fmt: skip


#: Workplaces behind every drawn figure.
FEW: Final = 5
#: A box of five numbers needs so many that no two of them share a workplace.
_LEAST: Final = 5 * FEW
_PROBS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
#: What is hidden is neither observed nor missing: hatched, over no colour.
_HIDDEN: Final[dict[str, Any]] = {
    "facecolor": "white", "edgecolor": MUTED, "hatch": "////", "linewidth": 0,
}  # fmt: skip


def blurred_quantiles(values: Floats, probs: tuple[float, ...] = _PROBS) -> Floats:
    """Quantiles, each the mean of the `FEW` values in order that lie nearest to it.

    Parameters
    ----------
    values : (n,) float array
        At least `FEW`.
    probs : tuple of float
        From 0 to 1.

    Examples
    --------
    >>> blurred_quantiles(np.arange(101.0)).tolist()
    [2.0, 25.0, 50.0, 75.0, 98.0]
    """
    ordered, last = np.sort(values), len(values) - FEW
    starts = [min(max(round(p * (len(values) - 1) - (FEW - 1) / 2), 0), last) for p in probs]
    return np.array([ordered[start : start + FEW].mean() for start in starts])


@styled()
def spread_figure(
    frame: "pd.DataFrame",
    variable: str,
    *,
    hidden: Container[str] = (),
    unsaid: Container[str] = (),
    counted: bool = True,
    source: str,
) -> "Figure":
    """Draw the spread of a variable in each industry: figures 1 to 4, without points.

    Parameters
    ----------
    frame, variable, source
        As in `box_figure`.
    hidden : container of str
        Industries that are not drawn.
    unsaid : container of str
        Industries whose n is not said.
    counted : bool
        Whether the n of all is said.
    """
    unit, factor = UNITS[variable]
    known = frame[["industry", variable]].dropna()
    figure, axes = make_plot(
        say("{} by industry", variable_label(variable)),
        say(
            "{}; n = {}; box, whiskers: quartiles, ends; number: median; means of {} workplaces",
            say(unit), len(known) if counted else HIDDEN, FEW,
        ),
        source,
    )  # fmt: skip
    medians, ticks = [], []
    for place, industry in enumerate(load_codebook().industries):
        values = known.loc[known["industry"] == industry.key, variable].to_numpy(float) * factor
        name, counted = industry_label(industry.key), industry.key not in unsaid
        ticks.append(f"{fill(name, 15)}\nn = {len(values) if counted else HIDDEN}")
        if industry.key in hidden or len(values) < _LEAST:
            # Some are hidden for the sake of others: that one is small is not said of any.
            said = say("hidden") if industry.key in hidden else say("too few")
            axes.text(place, float(known[variable].mean()) * factor, said, ha="center")
            continue
        drawn = blurred_quantiles(values)
        _draw_box(axes, place, drawn, PALETTE[place])
        medians.append(f"{name} {number(float(drawn[2]))}")
        axes.text(place + 0.31, drawn[2], number(float(drawn[2])), va="center", weight="bold")
    axes.set_xticks(range(len(ticks)), ticks)
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.5, len(ticks) - 0.4)
    return describe(figure, f"{say('Medians')}: {', '.join(medians)}")


def _draw_box(axes: "Axes", place: float, drawn: Floats, colour: str, width: float = 0.56) -> None:
    """Draw five numbers as a box with whiskers."""
    low, first, middle, third, high = map(float, drawn)
    box = {"whislo": low, "q1": first, "med": middle, "q3": third, "whishi": high, "fliers": []}
    axes.bxp(
        [box], positions=[place], widths=width, showfliers=False, manage_ticks=False,
        patch_artist=True, boxprops={"facecolor": colour, "alpha": 0.4, "edgecolor": INK},
        medianprops={"color": INK, "linewidth": 2.5}, whiskerprops={"color": INK},
        capprops={"color": INK},
    )  # fmt: skip


@styled()
def answers_figure(
    total: "pd.DataFrame", by_group: "pd.DataFrame", item: str, *, source: str
) -> "Figure":
    """Draw what was answered, in all and in each group, as tables say it.

    Parameters
    ----------
    total, by_group : pandas.DataFrame
        As `described_sample` has them, as they may leave; what is hidden is hatched.
    item : str
    source
        As in `box_figure`.
    """
    from matplotlib.patches import Patch

    asked, groups = load_codebook().item(item), load_codebook().industries
    named = {one.key: one.label for one in groups} if len(groups) <= MANY else {}
    whole, parts = (table[table["question"] == item] for table in (total, by_group))
    rows = [(word("all"), whole)]
    rows += [(name, parts[parts["industry"] == key]) for key, name in named.items()]
    height = 0.3 * (len(rows) + len(asked.categories)) + 1.8
    percents = say("Percent of the answers; hatched: counts that are hidden")
    figure = make_page(variable_label(item), percents, source, size=(9.0, height))
    legend = 0.25 * len(asked.categories) + 0.9
    axes = figure.add_axes((0.3, legend / height, 0.66, 1 - (legend + 0.95) / height))
    drawn, said = list[Patch](), []
    left = np.zeros(len(rows))
    for place, answer in enumerate(asked.categories):
        colour, shown = PALETTE[place % len(PALETTE)], []
        for _, part in rows:
            found = part.loc[part["category"] == answer.key, "percent"].astype(str)
            shown.append(0.0 if found.empty or found.iloc[0] == HIDDEN else float(found.iloc[0]))
        axes.barh(range(len(rows)), shown, left=left, color=colour, edgecolor="white", height=0.8)
        left += shown
        drawn.append(Patch(color=colour, label=answer.label))
        said.append(f"{answer.label} {number(shown[0])}")
    hidden = np.array([(part["percent"].astype(str) == HIDDEN).any() for _, part in rows])
    rest = np.where(hidden, np.maximum(100 - left, 0), 0)
    axes.barh(range(len(rows)), rest, left=left, height=0.8, **_HIDDEN)
    drawn += [Patch(**_HIDDEN, label=say("hidden"))] if hidden.any() else []
    axes.set(xlim=(0, 100), ylim=(len(rows) - 0.4, -0.6))
    axes.set_yticks(range(len(rows)), [picture_label(name) for name, _ in rows], size=SMALL)
    axes.tick_params(length=0)
    figure.legend(handles=drawn, loc="lower left", bbox_to_anchor=(0.28, 0.35 / height),
                  frameon=False, fontsize=SMALL)  # fmt: skip
    return describe(figure, f"{rows[0][0]}: {', '.join(said)}")


@styled()
def curve_figure(
    frame: "pd.DataFrame", item: str, variable: str, *, counted: bool = True, source: str
) -> "Figure":
    """Draw a variable against the scores of an ordinal item: figure 6, without points.

    Parameters
    ----------
    frame, item, variable, source
        As in `scatter_figure`. Answers of too few have no box, and do not bend the curve's ends:
        it is drawn over answers that have one.
    counted : bool
        Whether the n of all is said.
    """
    unit, factor = UNITS[variable]
    x, y = frame[item].to_numpy(float), frame[variable].to_numpy(float) * factor
    name = variable_label(variable)
    figure, axes = make_plot(
        say("{} and {}", variable_label(item), name[:1].lower() + name[1:]),
        say(
            "{}; n = {}; curve: LOWESS, box: quartiles, each a mean of {} workplaces", say(unit),
            len(frame) if counted else HIDDEN, FEW,
        ),
        source,
    )  # fmt: skip
    answers = {answer.code: answer.label for answer in load_codebook().item(item).categories}
    enough = [code for code in answers if (x == code).sum() >= _LEAST]
    for code in enough:
        _draw_box(axes, code, blurred_quantiles(y[x == code]), BLUE, width=0.4)
    kept = np.isin(x, enough)
    texts = []
    if enough:
        places, curve = lowess_curve(x[kept], y[kept])
        axes.plot(places, curve, color=ALARM, linewidth=2.5, marker="o", markersize=5, zorder=3)
        told = zip(places, curve, strict=True)
        texts = [f"{answers[int(place)]} {number(value)}" for place, value in told]
    axes.set_xticks(list(answers), [upper_first(text) for text in answers.values()])
    axes.set_xlim(min(answers) - 0.5, max(answers) + 0.5)
    return describe(figure, f"LOWESS: {', '.join(texts)}")


@styled()
def states_figure(
    counts: "pd.DataFrame", sizes: Mapping[str, int | str], *, source: str, narrow: bool = False
) -> "Figure":
    """Draw how many workplaces are observed in each quarter: bars, no line per workplace.

    Parameters
    ----------
    counts : pandas.DataFrame
        As `missingness.csv`, hidden figures `:`; what of a quarter is hidden is hatched.
    sizes : mapping
        Industry -> surveyed workplaces; hidden industries are hatched.
    source
        As in `box_figure`.
    narrow
        As in `missingness_figure`.
    """
    from matplotlib.patches import Patch

    figure = make_page(
        say("Observed quarters of absence by industry"),
        say("Percent of the surveyed workplaces, by quarter; hatched: counts that are hidden"),
        source, size=(NARROW, 7.5) if narrow else (9.0, 9.5),
    )  # fmt: skip
    keys = [industry.key for industry in load_codebook().industries]
    rows = figure.subplots(len(keys), sharex=True, squeeze=False)[:, 0]
    place_states(figure, narrow=narrow, gap=0.2)
    quarters = sorted(counts["quarter"].unique())
    columns = {state: state.replace(" ", "_") for state in STATE_COLOURS}
    for axes, key in zip(rows, keys, strict=True):
        part = counts[counts["industry"] == key].set_index("quarter").reindex(quarters)
        numbers = part[list(columns.values())].replace(HIDDEN, np.nan).astype(float)
        size = sizes.get(key, HIDDEN)
        whole = np.nan if size == HIDDEN else float(size)
        axes.set_ylim(0, 100)
        bottom = np.zeros(len(quarters))
        for state, colour in reversed(STATE_COLOURS.items()):  # what may be hidden on top
            height = 100 * numbers[columns[state]].fillna(0.0).to_numpy() / whole
            axes.bar(range(len(quarters)), np.nan_to_num(height), bottom=bottom, color=colour)
            bottom += np.nan_to_num(height)
        hidden = numbers.isna().any(axis=1).to_numpy() | np.isnan(whole)
        axes.bar(
            range(len(quarters)), np.where(hidden, 100 - bottom, 0), bottom=bottom, width=1.0,
            **_HIDDEN,
        )  # fmt: skip
        label = fill(industry_label(key), 18)
        axes.set_ylabel(label, rotation=0, ha="right", va="center", labelpad=8, size=SMALL)
        axes.set_yticks([0, 100])
        axes.tick_params(length=0, labelcolor=MUTED, labelsize=SMALL)
    years = {i: name for i, name in enumerate(quarters) if name.endswith("Q1")}
    names = [axis_quarter(name) for name in years.values()]
    rows[-1].set_xticks(list(years), names)
    add_states(figure, [
        *(Patch(color=colour, label=say(STATES[key])) for key, colour in STATE_COLOURS.items()),
        Patch(**_HIDDEN, label=say("hidden")),
    ], narrow=narrow)  # fmt: skip
    return describe(
        figure,
        say("Percent of the surveyed workplaces, by quarter; hatched: counts that are hidden"),
    )
