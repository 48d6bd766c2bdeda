"""The picture of re-read ICCs: medians and intervals, what is left open, and what was printed."""

from typing import TYPE_CHECKING, Final

from bayes_sf.catalogue import say
from bayes_sf.output.figures.page import (
    BLUE,
    INK,
    NARROW,
    PALE,
    SMALL,
    describe,
    make_page,
    styled,
    write_numbers,
)
from bayes_sf.output.numbers import interval, level

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

    from bayes_sf.recovery.reread.null import IccPosterior

__all__ = ["icc_forest"]

#: Inches of a model with its name, and of what is above and below all of them.
_ROW, _ABOVE, _BELOW = 0.36, 0.95, 0.7
_LETTERS: Final = 48


@styled()
def icc_forest(found: "Mapping[str, IccPosterior]") -> "Figure":
    """Draw every re-read ICC, by its median.

    Parameters
    ----------
    found : mapping of str to IccPosterior
        By the model's name; "" has none.
    """
    ordered = sorted(found.items(), key=lambda pair: pair[1].median)
    height = _ROW * len(ordered) + _ABOVE + _BELOW
    first = ordered[0][1]
    figure = make_page(
        say("Intraclass correlations behind printed ones"),
        say(
            "Dot: median of the posterior; thick: {} interval; thin: with all that the print "
            "leaves open; upright: printed", level(first.level),
        ),
        "printed",
        size=(NARROW, height),
    )  # fmt: skip
    axes = figure.add_axes((0.03, _BELOW / height, 0.94, 1 - (_ABOVE + _BELOW) / height))
    axes.grid(axis="x")
    said = []
    for place, (name, one) in enumerate(ordered):
        axes.plot(one.range, [place + 0.16] * 2, color=PALE, lw=1)
        axes.plot([one.lower, one.upper], [place + 0.16] * 2, color=BLUE, lw=3)
        axes.plot(one.median, place + 0.16, "o", color=BLUE, ms=6, mec="white")
        if one.printed:
            axes.plot(float(one.printed), place + 0.16, "|", color=INK, ms=11, mew=1.5)
        groups = say("{} groups", one.groups)
        label = f"{name}, {groups}" if name else groups
        axes.text(0, place + 0.42, label[:_LETTERS], size=SMALL, va="center")
        said.append(f"{label}: {interval(one.lower, one.upper, 3)}")
    axes.set(xlim=(0, 1), ylim=(-0.2, len(ordered) - 0.2), yticks=[])
    write_numbers(axes)
    return describe(figure, "; ".join(said))
