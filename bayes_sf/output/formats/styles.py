"""What a journal wants of a table: where the caption stands, and how notes and shares are written.

APA: the number over a title in italics, "Note." before what is said below, no zero before the mark
of what cannot exceed one. Journal of Statistical Software: the caption below, with the notes.
Statistics Norway: number and title in bold above, notes and source below.
"""

from dataclasses import dataclass
from typing import Final

from bayes_sf.catalogue import say
from bayes_sf.inputs.variables import unknown_key
from bayes_sf.output.tables.table import Table, as_made

__all__ = ["STYLED", "STYLES", "Style", "note_word", "style_of", "styled_texts", "texts_below"]


@dataclass(frozen=True)
class Style:
    """One journal's rules.

    Parameters
    ----------
    latex, typst : str
        Set up captions: package caption's options, and Typst's rule for ``it``.
    below : bool
        Whether the caption stands below, and has the notes.
    note : bool
        Whether notes begin with "Note."
    bare : bool
        Whether probabilities have no zero before the mark.
    """

    latex: str = ""
    typst: str = ""
    below: bool = False
    note: bool = False
    bare: bool = False


_LEFT: Final = "justification=raggedright,singlelinecheck=off"
_NUMBER: Final = "#it.supplement #context it.counter.display(it.numbering)"
STYLES: Final = {
    "": Style(),
    "apa": Style(
        f"labelfont=bf,textfont=it,labelsep=newline,{_LEFT}",
        rf"align(left)[*{_NUMBER}* \ #emph(it.body)]", note=True, bare=True,
    ),
    "jss": Style("labelsep=colon", f"align(center)[{_NUMBER}: #it.body]", below=True),
    "ssb": Style(
        f"font=bf,labelsep=period,{_LEFT}", f"align(left)[*{_NUMBER}. #it.body*]"
    ),
}  # fmt: skip
#: Formats that have styles.
STYLED: Final = ("latex", "typst", "quarto")


def style_of(name: str) -> Style:
    """Return the rules of a style, or refuse it.

    Parameters
    ----------
    name : {"", "apa", "jss", "ssb"}
        "" is ours.

    Raises
    ------
    UsageError
        For another.
    """
    if name not in STYLES:
        raise unknown_key("style", "must be known", name, [key for key in STYLES if key])
    return STYLES[name]


def texts_below(table: Table, style: Style) -> tuple[str, tuple[str, ...]]:
    """Return the caption, and what stands below the table.

    Parameters
    ----------
    table : Table
    style : Style
    """
    if style.below:
        return " ".join([f"{table.caption}.", *table.footer]), ()
    return table.caption, table.footer


@as_made
def note_word(table: Table) -> str:  # noqa: ARG001  # its language
    """Return the word before the notes.

    Parameters
    ----------
    table : Table
    """
    return say("Note.")


def styled_texts(table: Table, style: Style) -> tuple[tuple[str, ...], ...]:
    """Return cells as printed in a style.

    Parameters
    ----------
    table : Table
    style : Style

    Examples
    --------
    >>> from bayes_sf.output.tables.table import Column
    >>> table = Table("t", "T", (Column("p", "P", "probability"),), ((0.0384,),))
    >>> table.texts, styled_texts(table, STYLES["apa"])
    ((('0.038',),), (('.038',),))
    """
    if not style.bare:
        return table.texts
    shares = [column.kind == "probability" for column in table.columns]
    return tuple(
        tuple(_bare(text) if share else text for text, share in zip(row, shares, strict=True))
        for row in table.texts
    )


def _bare(text: str) -> str:
    """A share without its zero."""
    first = text[:1] if text[:1] in "<>" else ""
    rest = text.removeprefix(first)
    return first + rest[1:] if rest[:2] in ("0.", "0,") else text
