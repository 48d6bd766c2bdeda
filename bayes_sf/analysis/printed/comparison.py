"""One comparison of printed figures: what they imply, what stands there, whether both can be true.

Every rule is a function of a report and of `at`, which says what a figure can stand for. A rule is
asked once with the rounding that the folder declares; where a comparison fails, once more as if
figures had been cut off instead of rounded.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from bayes_sf.catalogue import Listed, Message, Printed
from bayes_sf.inputs.printed.figure import Figure, Interval
from bayes_sf.inputs.printed.folder import PublishedReport

__all__ = [
    "At", "Comparison", "Needs", "Rule", "as_figure", "meet", "product", "quotient", "shown",
    "square", "texts",
]  # fmt: skip

#: What a figure can stand for.
type At = Callable[[Figure], Interval]

_SLACK = 1e-9
#: What figures are called where they are listed.
_NAMES: Final = {
    str(name): name
    for name in (
        Message("estimate"), Message("se"), Message("from"), Message("to"), Message("variance"),
        Message("sd"), Message("deviance"), Message("count"), Message("percent"), Message("mean"),
        Message("smallest"), Message("largest"), Message("marginal R2"), Message("conditional R2"),
        Message("reliability"),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """One comparison.

    Parameters
    ----------
    place : str
        Model and term, or file and row; this and the next three can be said in any language.
    printed : str
        The figures as printed.
    arithmetic : str
        What they imply.
    text : str
        What is wrong where it does not hold.
    holds : bool
    severity : {"impossible", "doubtful", "contradicted by the text"}
    """

    place: str
    printed: str
    arithmetic: str
    text: str
    holds: bool
    severity: str = "impossible"


@dataclass(frozen=True)
class Needs:
    """A comparison that was not made.

    Parameters
    ----------
    place : str
    what : str
        What it needs.
    """

    place: str
    what: str


type Rule = Callable[[PublishedReport, At], Iterator[Comparison | Needs]]


def meet(one: Interval, other: Interval) -> bool:
    """Whether two intervals have a number in common, but for what floating point adds."""
    slack = _SLACK * max(1.0, *(abs(end) for end in (*one, *other) if abs(end) < float("inf")))
    return one[0] <= other[1] + slack and other[0] <= one[1] + slack


def square(one: Interval) -> Interval:
    """Squares of the numbers of an interval, none of which is negative."""
    return max(one[0], 0.0) ** 2, max(one[1], 0.0) ** 2


def product(one: Interval, other: Interval) -> Interval:
    """Smallest and largest product."""
    ends = [a * b for a in one for b in other]
    return min(ends), max(ends)


def quotient(one: Interval, other: Interval) -> Interval:
    """Smallest and largest quotient; endless where the divisor may be zero."""
    if other[0] <= 0 <= other[1]:
        return -float("inf"), float("inf")
    return product(one, (1 / other[1], 1 / other[0]))


def shown(one: Interval, digits: int = 5) -> str:
    """An interval, or the one number that it is."""
    low, high = (Printed(f"{end:.{digits}g}") for end in one)
    return low if low == high else Message("{} to {}", low, high)


def as_figure(name: str, figure: Figure) -> str:
    """A figure as printed, with what it is."""
    return Listed((_NAMES.get(name, name), Printed(figure.text)), " ")


def texts(figures: Iterable[tuple[str, Figure | None]], *more: str) -> str:
    """Figures as printed, with what they are, and what else is there."""
    named = (as_figure(name, figure) for name, figure in figures if figure is not None)
    return Listed((*named, *more))
