"""One section of the report: what the page shows under one heading."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bayes_sf.catalogue import mark, say
from bayes_sf.output.tables.table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["REPORT", "Section"]

#: Source of a section that is about the report's own printed numbers, whatever the data.
REPORT: Final = "report"
#: Headings by anchor.
HEADINGS: Final = {
    "asked": mark("What was asked"),
    "summary": mark("What was asked, what the data say, and how certain it is"),
    "icc": mark("How much lies between industries"),
    "groups": mark("How much lies between groups"), "coefficients": mark("Coefficients"),
    "account": mark("What was read, assumed and left open"),
    "effects": mark("Which answers go with absence"), "industries": mark("Industries"),
    "missing": mark("Who is missing"), "unobserved": mark("If those who are missing differ"),
    "sensitivity": mark("How much conclusions change"),
    "fit": mark("Do the models fit?"), "notes": mark("Notes to all tables"),
    "multiverse": mark("What the analyst's choices do"),
    "explorer": mark("Move the priors yourself"), "diagnostics": mark("Checks of the computation"),
    "replay": mark("The report's own numbers, replayed"), "methods": mark("Methods"),
    "provenance": mark("Provenance, and how to cite this"),
}  # fmt: skip


@dataclass(frozen=True)
class Section:
    """One section.

    Parameters
    ----------
    key : str
        Its anchor, and key of its heading.
    source : str
        ``published``, ``replica``, ``microdata`` or ``report``: its mark.
    paragraphs : tuple of str
    tables : tuple of Table
    figures : tuple of matplotlib.figure.Figure
        With the alternative text as label.
    lines : tuple of str
        A list, in English.
    lead : str
        What the section comes to, in a sentence that is read while it is folded.
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
    lead: str = ""

    @property
    def heading(self) -> str:
        """In the language that is spoken."""
        return say(HEADINGS[self.key])
