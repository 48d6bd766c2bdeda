"""Figures of many associations: each slope beside the report's, and all of them against chance.

They are as wide as a phone shows (`NARROW`); a wider screen has several of them side by side.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from bayes_sf.analysis.comparison import CoefficientRow
from bayes_sf.catalogue import say
from bayes_sf.engines.result import Result
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.output.figures.page import (
    ALARM,
    BLUE,
    INK,
    MUTED,
    NARROW,
    PALE,
    SMALL,
    describe,
    make_page,
    number,
    stacked,
    styled,
    upper_first,
    variable_label,
    write_numbers,
)
from bayes_sf.output.numbers import interval, level, row_decimals
from bayes_sf.output.words.words import outcome_name, own_group, short_name
from bayes_sf.spec.moments import INTERCEPT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from bayes_sf.analysis.size.associations import Association

__all__ = [
    "Drawn", "chance_figure", "estimates_figure", "forest_figure", "intervals_figure",
]  # fmt: skip

#: Inches of a slope with its label, of a panel, and of what is above and below.
_ROW, _PANEL, _ABOVE, _BELOW = 0.36, 1.15, 1.6, 0.7


def forest_figure(rows: Iterable[CoefficientRow], *, source: str) -> "Figure":
    """Draw every slope of one outcome beside what the report prints.

    Parameters
    ----------
    rows : iterable of CoefficientRow
        Of one of the report's tables; intercepts are left out.
    source : {"published", "replica", "microdata"}
        Which data.

    Returns
    -------
    matplotlib.figure.Figure
        In the order of the report, the first on top; each label stands above its interval.
    """
    book = load_codebook()
    slopes = [row for row in rows if book.term(row.term) != INTERCEPT]
    name = outcome_name(slopes[0].outcome)
    drawn = []
    for row in slopes:
        unit = 100 if row.unit == "fraction" else 1
        low, middle, high = (unit * float(n) for n in (row.ci_low, row.estimate, row.ci_high))
        label = upper_first(variable_label(book.term(row.term)))
        drawn.append(Drawn(label, row.lower, row.mean, row.upper, (low, middle, high)))
    subtitle = say(
        "{}, percentage points per unit of the item, or for an answer that is "
        "named against the reference; blue: posterior mean and {} interval, "
        "orange: without zero; open: printed in the report",
        name,
        level(slopes[0].prob),
    )
    return intervals_figure(drawn, say("Every item, one model each"), subtitle, source, name)


class Drawn(NamedTuple):
    """An interval with its label, and what is printed of it in the report."""

    label: str
    lower: float
    mean: float
    upper: float
    printed: tuple[float, float, float] | None = None

    @property
    def apart(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.lower > 0 or self.upper < 0


@styled()
def intervals_figure(
    rows: Sequence[Drawn], title: str, subtitle: str, source: str, name: str, *, decimals: int = 2,
    zero: bool = True,
) -> "Figure":  # fmt: skip
    """Draw intervals under each other; each label stands above its own.

    Parameters
    ----------
    rows : sequence of Drawn
    title, subtitle, source
        As in `make_page`.
    name : str
        Whose they are, for the alternative text.
    decimals : int
        Of its numbers.
    zero : bool
        Whether it matters if an interval leaves out zero.
    """
    labels, places = stacked([row.label for row in rows])
    last = float(places[-1])
    height = _ROW * (last + 1) + _ABOVE + _BELOW
    figure = make_page(title, subtitle, source, size=(NARROW, height))
    axes = figure.add_axes((0.03, _BELOW / height, 0.94, 1 - (_ABOVE + _BELOW) / height))
    axes.grid(axis="x")
    if zero:  # beside the intervals only: no line through words
        axes.vlines([0] * len(rows), places, places + 0.4, color=MUTED, lw=1)
    for place, row, label in zip(places, rows, labels, strict=True):
        colour = ALARM if zero and row.apart else BLUE
        if row.printed is not None:
            low, middle, high = row.printed
            axes.plot([low, high], [place + 0.36] * 2, color=PALE, lw=1)
            axes.plot(middle, place + 0.36, "o", mfc="white", mec=PALE, ms=4)
        axes.plot([row.lower, row.upper], [place + 0.16] * 2, color=colour, lw=2)
        axes.plot(row.mean, place + 0.16, "o", color=colour, ms=5)
        axes.text(
            0, place - 0.04, label, size=SMALL, va="bottom",
            transform=axes.get_yaxis_transform(),
        )  # fmt: skip
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylim(last + 0.7, -0.5)
    axes.tick_params(labelsize=SMALL)
    write_numbers(axes)
    apart = [row for row in rows if row.apart or not zero]
    named = "; ".join(
        f"{row.label} {number(row.mean, decimals)}, {interval(row.lower, row.upper, decimals)}"
        for row in apart
    )
    if not zero:
        return describe(figure, f"{name}: {named}")
    said = f"{name}: {say('{} of {} intervals leave out zero', len(apart), len(rows))}"
    return describe(figure, f"{said}: {named}" if apart else said)


def estimates_figure(
    rows: Sequence[Drawn], title: str, result: Result, source: str, *, zero: bool = True
) -> "Figure":
    """Draw intervals of a model's estimates, and say how they are read.

    Parameters
    ----------
    rows : sequence of Drawn
    title, source, zero
        As in `intervals_figure`.
    result : Result
        The model.
    """
    point = say("posterior mean") if result.has_draws else say("estimate")
    said = say("{} and {} interval", point, level(result.prob))
    said = say("{}; orange: without zero", said) if zero else said
    places = max((row_decimals(row[1:4], (row.upper - row.lower) / 4) for row in rows), default=2)
    name = outcome_name(result.spec.outcome, own=own_group(result))
    return intervals_figure(
        rows, title, upper_first(said), source, name, decimals=places, zero=zero
    )


@styled()
def chance_figure(found: "Sequence[Association]", *, prob: float, source: str) -> "Figure":
    """Draw all associations, from the lowest to the highest, alone and as so many.

    Parameters
    ----------
    found : sequence of Association
        Of every outcome: interval of each by itself, and one so wide that all hold together.
    prob : float
        Probability of both.
    source
        As in `forest_figure`.
    """
    outcomes = list(dict.fromkeys(each.outcome for each in found))
    height = _ABOVE + (_PANEL + 0.3) * len(outcomes) + 0.45
    figure = make_page(
        say("All {} associations", len(found)),
        say("Thick: {} interval; thin: all hold together", level(prob)),
        source,
        size=(NARROW, height),
    )
    said = []
    for place, outcome in enumerate(outcomes):
        ours = sorted((e for e in found if e.outcome == outcome), key=lambda e: e.mean)
        bottom = height - _ABOVE - (_PANEL + 0.3) * (place + 1)
        axes = figure.add_axes((0.12, bottom / height, 0.86, _PANEL / height))
        axes.grid(axis="y")
        for at, each in enumerate(ours):
            colour = ALARM if each.apart else BLUE
            axes.plot([at, at], [each.wide_lower, each.wide_upper], color=PALE, lw=1)
            axes.plot([at, at], [each.lower, each.upper], color=colour, lw=3.2,
                      solid_capstyle="butt")  # fmt: skip
        axes.axhline(0, color=INK, lw=1)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.set_xlim(-0.7, len(ours) - 0.3)
        axes.tick_params(labelsize=SMALL)
        axes.locator_params(axis="y", nbins=5)
        write_numbers(axes, "y")
        named = say("{}, percentage points", short_name(outcome))
        axes.set_title(named, size=SMALL, loc="left")
        apart = sum(each.apart for each in ours)
        said.append(
            say(
                "{}: {} of {} intervals leave out zero, and {} of those that hold together",
                outcome_name(outcome), apart, len(ours), sum(each.left for each in ours),
            )
        )  # fmt: skip
    return describe(figure, "; ".join(said))
