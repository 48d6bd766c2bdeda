"""One section of the report: what the page shows under one heading."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bayes_sf.output.tables.table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["REPORT", "Section"]

#: Source of a section that is about the report's own printed numbers, whatever the data.
REPORT: Final = "report"


@dataclass(frozen=True)
class Section:
    """One section.

    Parameters
    ----------
    key : str
        Its anchor; the heading is the text of that name.
    source : str
        ``published``, ``replica``, ``microdata`` or ``report``: its mark.
    paragraphs : tuple of str
    tables : tuple of Table
    figures : tuple of matplotlib.figure.Figure
        With the alternative text as label.
    lines : tuple of str
        A list, in English.
    part : str
        What the template adds: ``explorer``, ``methods``, ``provenance`` or nothing.
    """

    key: str
    source: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: "tuple[Figure, ...]" = ()
    lines: tuple[str, ...] = ()
    part: str = ""
