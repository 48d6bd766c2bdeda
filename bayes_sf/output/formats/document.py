"""Tables as a Word document: native, editable, as wide as what is in them, on A4.

Columns are so wide that no word is broken; a table that is too wide for the page stands on one
that lies on its side, or has smaller letters. Captions are Word's own, with numbers that it counts;
headers are marked as such and repeated on every page, and no row is torn in two.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from bayes_sf.catalogue import say, say_as, speaking
from bayes_sf.errors import UsageError
from bayes_sf.output.tables.table import Table

if TYPE_CHECKING:
    from docx.document import Document
    from docx.section import Section
    from docx.text.paragraph import Paragraph

__all__ = ["word_bytes"]

#: Points of letters: the usual, and what a table may have that is wider than a page on its side.
_POINTS: Final = (9, 8, 7)
#: Width of a letter in its size, and of a capital, generous: headers are bold, and a reader's font
#: may be a wider one than ours.
_LETTER, _CAPITAL = 0.62, 0.8
#: Points that a cell has left and right of its text, and letters of a text before it wraps.
_AROUND, _TEXT = 12, 34
#: A4 in millimetres, and its margins.
_SHORT, _LONG, _MARGIN = 210, 297, 20
_MM: Final = 72 / 25.4
#: What a line may end with.
_PARTS: Final = re.compile(r"[^ -]+-?|-")


@dataclass(frozen=True)
class _Fit:
    """How a table stands on its page: points of letters, widths of columns in points."""

    points: int
    widths: tuple[float, ...]
    lying: bool


def word_bytes(tables: Sequence[Table]) -> bytes:
    """Write a document.

    Parameters
    ----------
    tables : sequence of Table
        Each with its caption above and its footer below.

    Raises
    ------
    UsageError
        When python-docx is not installed.
    """
    try:
        from docx import Document
    except ImportError as error:
        raise UsageError(
            "format word", "needs python-docx", fix='install it with: pip install "bayes-sf[word]"'
        ) from error
    document = Document()
    document.styles["Normal"].font.name = "Arial"
    lying = False
    _turn(document.sections[0], lying=lying)
    for number, table in enumerate(tables, start=1):
        fit = _fit(table)
        if fit.lying != lying:
            lying = fit.lying
            section = document.sections[0] if number == 1 else document.add_section()
            _turn(section, lying=lying)
        _add_table(document, table, number, fit)
    stream = BytesIO()
    document.save(stream)
    return stream.getvalue()


def _turn(section: "Section", *, lying: bool) -> None:
    """Make pages A4, upright or lying."""
    from docx.enum.section import WD_ORIENT
    from docx.shared import Mm

    wide, high = (_LONG, _SHORT) if lying else (_SHORT, _LONG)
    section.orientation = WD_ORIENT.LANDSCAPE if lying else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = Mm(wide), Mm(high)
    for side in ("left", "right", "top", "bottom"):
        setattr(section, f"{side}_margin", Mm(_MARGIN))


def _fit(table: Table) -> _Fit:
    """Find the first way to stand in which no word is broken; if none, the one that has most room.

    Examples
    --------
    >>> from bayes_sf.output.tables.table import Column
    >>> columns = tuple(Column(f"c{i}", "Estimate", "number") for i in range(12))
    >>> _fit(Table("t", "T", columns, ((0.5,) * 12,))).lying
    True
    """
    room = {lying: (wide - 2 * _MARGIN) * _MM for lying, wide in ((False, _SHORT), (True, _LONG))}
    ways = [(_POINTS[0], False), *((points, True) for points in _POINTS)]
    for points, lying in ways:
        least, most = _widths(table, points)
        if sum(least) <= room[lying]:
            spare = room[lying] - sum(least)
            wanted = sum(most) - sum(least)
            share = min(1.0, spare / wanted) if wanted else 0.0
            widths = tuple(a + share * (b - a) for a, b in zip(least, most, strict=True))
            return _Fit(points, widths, lying)
    return _Fit(points, tuple(width * room[True] / sum(least) for width in least), lying=True)


def _widths(table: Table, points: int) -> tuple[list[float], list[float]]:
    """Least and most points that each column takes: no word broken, and nothing wrapped early."""
    rows = table.texts
    least, most = [], []
    for place, column in enumerate(table.columns):
        cells = [row[place] for row in rows]
        words = [word for text in (column.label, *cells) for word in _PARTS.findall(text)]
        longest = max(map(_ems, cells), default=0.0)
        narrow = max(map(_ems, words), default=0.0)
        if not column.is_text:  # figures stay in one line; their header wraps
            narrow = max(narrow, longest)
        wide = max(narrow, min(max(longest, _ems(column.label) / 2), _TEXT * _LETTER))
        least.append(points * narrow + _AROUND)
        most.append(points * wide + _AROUND)
    return least, most


def _ems(text: str) -> float:
    """Width of a text in the size of its letters."""
    return sum(_CAPITAL if letter.isupper() else _LETTER for letter in text)


def _add_table(document: "Document", table: Table, number: int, fit: _Fit) -> None:
    """Caption, table, footer."""
    from docx.shared import Pt

    with speaking(table.lang):
        _say_language(document, say_as("language of a document", "en-GB"))
        caption = document.add_paragraph(f"{say('Table')} ", style="Caption")
    _count(caption, number)
    caption.add_run(f". {table.caption}")
    caption.paragraph_format.keep_with_next = True
    grid = document.add_table(rows=1, cols=len(table.columns), style="Light Shading")
    grid.autofit = False
    _describe(grid, table.caption)
    _fill(grid.rows[0], table.header, table, fit)
    _mark(grid.rows[0], "w:tblHeader")
    for row in table.texts:
        _fill(grid.add_row(), row, table, fit)
    for row in grid.rows:
        _mark(row, "w:cantSplit")
    for column, width in zip(grid.columns, fit.widths, strict=True):
        column.width = Pt(width)
    for line in table.footer:
        paragraph = document.add_paragraph()
        paragraph.paragraph_format.space_after = Pt(0)
        paragraph.add_run(line).font.size = Pt(_POINTS[1])
    document.add_paragraph()


def _say_language(document: "Document", language: str) -> None:
    """Say in which language a document is: in its properties, and to the spelling checker."""
    from docx.oxml.ns import qn

    document.core_properties.language = language
    document.core_properties.author = "bayes-sf"
    for mark in document.styles.element.iter(qn("w:lang")):
        mark.set(qn("w:val"), language)


def _count(paragraph: "Paragraph", number: int) -> None:
    """Write a number that Word counts anew when tables come or go."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    def add(kind: str) -> None:
        part = OxmlElement("w:fldChar")
        part.set(qn("w:fldCharType"), kind)
        paragraph.add_run()._r.append(part)  # noqa: SLF001  # the only way to it

    add("begin")
    instruction = OxmlElement("w:instrText")
    instruction.set(qn("xml:space"), "preserve")
    instruction.text = r" SEQ Table \* ARABIC "
    paragraph.add_run()._r.append(instruction)  # noqa: SLF001
    add("separate")
    paragraph.add_run(str(number))
    add("end")


def _describe(grid: Any, caption: str) -> None:
    """Say what a table is to those who do not see it; its first row and column are headers."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    properties = grid._tbl.tblPr  # noqa: SLF001  # the only way to it
    said = OxmlElement("w:tblCaption")
    said.set(qn("w:val"), caption)
    properties.append(said)


def _fill(row: Any, texts: Sequence[str], table: Table, fit: _Fit) -> None:
    """Write a row's cells, numbers to the right."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    cells = zip(row.cells, texts, table.columns, fit.widths, strict=True)
    for cell, text, column, width in cells:
        cell.width = Pt(width)
        paragraph = cell.paragraphs[0]
        paragraph.paragraph_format.space_after = Pt(0)
        paragraph.add_run(text).font.size = Pt(fit.points)
        if not column.is_text:
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT


def _mark(row: Any, what: str) -> None:
    """Mark a row: as the header that every page repeats, or as one that stays together."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    mark = OxmlElement(what)
    mark.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(mark)  # noqa: SLF001 - the only way to it
