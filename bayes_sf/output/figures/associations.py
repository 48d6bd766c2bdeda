"""Figures of many associations: each slope beside the report's, and all of them against chance.

They are as wide as a phone shows (`NARROW`); a wider screen has several of them side by side.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from bayes_sf.analysis.comparison import CoefficientRow
from bayes_sf.catalogue import say
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
    styled,
    upper_first,
    variable_label,
    write_numbers,
)
from bayes_sf.output.numbers import interval, level
from bayes_sf.output.words.words import outcome_name, short_name
from bayes_sf.spec.moments import INTERCEPT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from bayes_sf.output.report.associations import Association

__all__ = ["chance_figure", "forest_figure"]

#: Inches of a slope with its label, of a panel, and of what is above and below.
_ROW, _PANEL, _ABOVE, _BELOW = 0.36, 1.15, 1.6, 0.7
#: Letters of a label that fit above an interval.
_LETTERS: Final = 48


@styled()
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
    name, height = outcome_name(slopes[0].outcome), _ROW * len(slopes) + _ABOVE + _BELOW
    figure = make_page(
        say("Every item, one model each"),
        say(
            "{}, percentage points per unit of the item, or for an answer that is "
            "named against the reference; blue: posterior mean and {} interval, "
            "orange: without zero; open: printed in the report",
            name,
            level(slopes[0].prob),
        ),
        source,
        size=(NARROW, height),
    )
    axes = figure.add_axes((0.03, _BELOW / height, 0.94, 1 - (_ABOVE + _BELOW) / height))
    axes.grid(axis="x")
    axes.axvline(0, color=MUTED, lw=1)
    for place, row in enumerate(slopes):
        unit = 100 if row.unit == "fraction" else 1
        low, middle, high = (unit * float(v) for v in (row.ci_low, row.estimate, row.ci_high))
        colour = ALARM if _apart(row) else BLUE
        axes.plot([low, high], [place + 0.36] * 2, color=PALE, lw=1)
        axes.plot(middle, place + 0.36, "o", mfc="white", mec=PALE, ms=4)
        axes.plot([row.lower, row.upper], [place + 0.16] * 2, color=colour, lw=2)
        axes.plot(row.mean, place + 0.16, "o", color=colour, ms=5)
        axes.text(
            0, place - 0.04, _slope_label(book.term(row.term)), size=SMALL, va="bottom",
            transform=axes.get_yaxis_transform(),
        )  # fmt: skip
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylim(len(slopes) - 0.3, -0.5)
    axes.tick_params(labelsize=SMALL)
    write_numbers(axes)
    apart = [row for row in slopes if _apart(row)]
    named = "; ".join(
        f"{variable_label(book.term(row.term))} {number(row.mean, 2)}, "
        f"{interval(row.lower, row.upper, 2)}"
        for row in apart
    )
    said = f"{name}: {say('{} of {} intervals leave out zero', len(apart), len(slopes))}"
    return describe(figure, f"{said}: {named}" if apart else said)


def _apart(row: CoefficientRow) -> bool:
    """Whether the interval leaves out zero."""
    return row.lower > 0 or row.upper < 0


def _slope_label(term: str) -> str:
    """Label of a term, cut where it is too long."""
    label = upper_first(variable_label(term))
    return label if len(label) < _LETTERS else label[: _LETTERS - 2] + "…"


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
