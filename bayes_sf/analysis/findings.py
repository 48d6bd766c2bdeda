"""What a rule of the replay returns: the places where printed numbers disagree."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from bayes_sf.analysis.tables import Tables

__all__ = ["Finding", "Rule", "Severity"]

type Severity = Literal["impossible", "doubtful"]


@dataclass(frozen=True)
class Finding:
    """One place where printed numbers disagree.

    Parameters
    ----------
    rule : str
        Name of the rule that fired.
    place : str
        Table and row, or section.
    severity : {"impossible", "doubtful"}
        `impossible`: no data can give these numbers under rounding. `doubtful`: they can be true,
        but only in a way that the report does not describe.
    printed : str
        The figures as printed.
    arithmetic : str
        The computation, on one line.
    text : str
        What is wrong, in one line.
    """

    rule: str
    place: str
    severity: Severity
    printed: str
    arithmetic: str
    text: str


#: A rule yields one item per comparison: None where the numbers agree, a Finding where they do not.
type Rule = Callable[[Tables], Iterator[Finding | None]]
