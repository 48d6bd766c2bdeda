"""Picture of influence: the estimate without each answer and industry, and pulls by answer."""

from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_sf.analysis.choices.influence import OTHERS, Influence
from bayes_sf.catalogue import say
from bayes_sf.output.figures.page import (
    BLUE,
    INK,
    MUTED,
    PALETTE,
    describe,
    make_page,
    number,
    styled,
)
from bayes_sf.output.numbers import fixed, percent, with_percent
from bayes_sf.output.tables.influence_tables import answer_name, contrast_label, left_out_name
from bayes_sf.output.words.words import outcome_name, term_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["influence_figure"]


@styled()
def influence_figure(found: Influence) -> "Figure":
    """Draw what one association owes to answers and industries.

    Parameters
    ----------
    found : Influence
        As `influence` gives it.

    Returns
    -------
    matplotlib.figure.Figure
        Left: the contrast on all workplaces, and without each answer and each industry. Right: the
        pulls of all who gave an answer, summed, by industry as points. No point is one workplace.
    """
    result = found.result
    spec, shown = result.spec, found.refits[found.refits["reason"] == ""]
    item = term_name(found.contrast.term.partition("[")[0])
    title = say("{}: who carries the association", item)
    prob = with_percent(percent(result.prob, 0))
    subtitle = say(
        "{}. {}: {}; {} credible intervals (equal-tailed), n = {}", outcome_name(spec.outcome),
        found.contrast.term.partition("[")[0], contrast_label(found), prob, result.moments.n_obs,
    )  # fmt: skip
    figure = make_page(title, subtitle, result.provenance.source, size=(12.0, 5.8))
    _draw_refits(figure.add_axes((0.2, 0.2, 0.27, 0.6)), found)
    _draw_pulls(figure.add_axes((0.64, 0.2, 0.27, 0.6)), found)
    figure.text(0.64, 0.845, say("Pull of those who answered"), weight="bold", size=10, va="top")
    figure.text(0.2, 0.845, say("Estimate without"), weight="bold", size=10, va="top")
    figure.text(
        0.52,
        0.03,
        say(
            "bar: sum; point: an industry (open: small ones together);\npercent: "
            "share of all pulls of either sign, in brackets of the workplaces"
        ),
        color=MUTED,
        size=8.5,
        va="bottom",
    )
    shares = [
        f"{answer_name(found, row['answer'])} {_share(row['share'])}"
        for row in found.answers.to_dict("records")
        if not np.isnan(row["pull"])
    ]
    estimates = shown["estimate"]
    text = say(
        "The estimate is {}; without an answer or an industry {} to {}. Shares of all pulls: {}",
        *(fixed(v, 2) for v in (estimates.iloc[0], estimates.min(), estimates.max())),
        ", ".join(shares),
    )
    return describe(figure, text)


def _draw_refits(axes: "Axes", found: Influence) -> None:
    """A line for each refit; that of all workplaces on top."""
    table = found.refits[found.refits["reason"] == ""].reset_index(drop=True)
    colours = {"nobody": INK, "answer": PALETTE[5], "industry": BLUE}
    marks = {"nobody": "D", "answer": "s", "industry": "o"}
    for place, row in enumerate(table.to_dict("records")):
        colour = colours[row["left_out"]]
        axes.hlines(place, row["lower"], row["upper"], color=colour, lw=2)
        axes.plot(row["estimate"], place, marks[row["left_out"]], color=colour, ms=6)
    names = [
        left_out_name(found, kind, which)
        for kind, which in zip(table["left_out"], table["which"], strict=True)
    ]
    axes.axvline(0, color=INK, lw=0.8, ls="--")
    axes.axvline(table["estimate"].iloc[0], color=MUTED, lw=0.8, ls=":")
    axes.set_yticks(np.arange(len(table)), names)
    axes.set_ylim(len(table) - 0.5, -0.5)
    _finish(axes)


def _draw_pulls(axes: "Axes", found: Influence) -> None:
    """A bar for each answer, points for its industries."""
    table = found.answers.reset_index(drop=True)
    total = found.result.moments.n_obs
    for place, row in enumerate(table.to_dict("records")):
        if np.isnan(row["pull"]):
            continue
        axes.barh(place, row["pull"], color=PALETTE[1], height=0.6)
        own = found.cells[(found.cells["answer"] == row["answer"]) & found.cells["pull"].notna()]
        for one in own.to_dict("records"):
            filled = one["group"] != OTHERS
            axes.plot(one["pull"], place, "o", color=BLUE, mfc=BLUE if filled else "white", ms=5)
        text = f"{_share(row['share'])} ({_share(row['n'] / total)})"
        axes.text(1.03, place, text, va="center", size=9, transform=axes.get_yaxis_transform())
    axes.axvline(0, color=INK, lw=0.8)
    names = [answer_name(found, answer) for answer in table["answer"]]
    axes.set_yticks(np.arange(len(table)), names)
    axes.set_ylim(len(table) - 0.5, -0.5)
    _finish(axes)


def _finish(axes: "Axes") -> None:
    """Grid and numbers."""
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", steps=[1, 2, 5, 10], nbins=6)
    axes.xaxis.set_major_formatter(lambda value, _: number(value, 1))
    axes.set_xlabel(say("percentage points"))


def _share(value: Any) -> str:
    """A share in percent."""
    return with_percent(percent(float(value), 0))
