"""Tables as a Word document: native, editable, the header repeated on every page."""

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from bayes_sf.catalogue import say_as, speaking
from bayes_sf.errors import UsageError
from bayes_sf.output.tables.table import Table

if TYPE_CHECKING:
    from docx.document import Document

__all__ = ["word_bytes"]

_POINTS: Final = 9


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
    for table in tables:
        _add_table(document, table)
    stream = BytesIO()
    document.save(stream)
    return stream.getvalue()


def _add_table(document: "Document", table: Table) -> None:
    """Caption, table, footer."""
    from docx.shared import Pt

    with speaking(table.lang):
        _say_language(document, say_as("language of a document", "en-GB"))
    caption = document.add_paragraph(table.caption, style="Caption")
    caption.paragraph_format.keep_with_next = True
    grid = document.add_table(rows=1, cols=len(table.columns), style="Light Shading")
    _fill(grid.rows[0], table.header, table)
    _repeat(grid.rows[0])
    for row in table.texts:
        _fill(grid.add_row(), row, table)
    for line in table.footer:
        paragraph = document.add_paragraph()
        paragraph.paragraph_format.space_after = Pt(0)
        paragraph.add_run(line).font.size = Pt(_POINTS)
    document.add_paragraph()


def _say_language(document: "Document", language: str) -> None:
    """Say in which language a document is: in its properties, and to the spelling checker."""
    from docx.oxml.ns import qn

    document.core_properties.language = language
    document.core_properties.author = "bayes-sf"
    for mark in document.styles.element.iter(qn("w:lang")):
        mark.set(qn("w:val"), language)


def _fill(row: Any, texts: Sequence[str], table: Table) -> None:
    """Write a row's cells, numbers to the right."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    for cell, text, column in zip(row.cells, texts, table.columns, strict=True):
        paragraph = cell.paragraphs[0]
        paragraph.add_run(text).font.size = Pt(_POINTS)
        if not column.is_text:
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT


def _repeat(row: Any) -> None:
    """Mark a row as the header that every page repeats; python-docx has no call for it."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    mark = OxmlElement("w:tblHeader")
    mark.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(mark)  # noqa: SLF001 - the only way to it
