"""Writing tables in many formats, all files or none."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from bayes_sf.errors import UsageError
from bayes_sf.inputs.variables import unknown_key
from bayes_sf.output.files import write_files
from bayes_sf.output.formats.delimited import CsvStyle, csv_bytes
from bayes_sf.output.formats.document import word_bytes
from bayes_sf.output.formats.latex import latex
from bayes_sf.output.formats.markdown import markdown, quarto
from bayes_sf.output.formats.styles import STYLED, Style, style_of
from bayes_sf.output.formats.typst import typst
from bayes_sf.output.formats.webpage import page
from bayes_sf.output.formats.workbook import excel_bytes
from bayes_sf.output.tables.table import Table

__all__ = ["FORMATS", "table_files", "write_tables"]

#: A file for each table: format -> ending and writer.
_EACH: Final[Mapping[str, tuple[str, Callable[[Table], str]]]] = {
    "html": ("html", page),
    "markdown": ("md", markdown),
}
#: The same, in a journal's style.
_STYLED: Final[Mapping[str, tuple[str, Callable[[Table, Style], str]]]] = {
    "latex": ("tex", latex),
    "typst": ("typ", typst),
}
#: One file for all.
_ALL: Final[Mapping[str, tuple[str, Callable[[Sequence[Table]], bytes]]]] = {
    "excel": ("tables.xlsx", excel_bytes),
    "word": ("tables.docx", word_bytes),
}
FORMATS: Final = ("html", "latex", "markdown", "csv", "excel", "word", "typst", "quarto")


def write_tables(
    folder: Path,
    tables: Sequence[Table],
    formats: Sequence[str] = ("html", "csv"),
    *,
    csv_style: CsvStyle = "plain",
    style: str = "",
) -> tuple[Path, ...]:
    """Write tables to a folder, in the language that each was made in.

    Parameters
    ----------
    folder : pathlib.Path
        An existing folder.
    tables : sequence of Table
        Each has a name of its own: ``icc`` becomes ``icc.html``, ``icc.tex``, ...; Excel and Word
        get one file, ``tables.xlsx`` and ``tables.docx``; Quarto ``tables.qmd``.
    formats : sequence of str
        Some of `FORMATS`.
    csv_style : {"plain", "norwegian"}
        As in `csv_bytes`.
    style : {"", "apa", "jss", "ssb"}
        A journal's, of LaTeX, Typst and Quarto.

    Raises
    ------
    UsageError
        For an unknown format, two tables of one name, or Word without python-docx. Nothing is
        written then.
    """
    return write_files(folder, table_files(tables, formats, csv_style=csv_style, style=style))


def table_files(
    tables: Sequence[Table],
    formats: Sequence[str],
    *,
    csv_style: CsvStyle = "plain",
    style: str = "",
) -> dict[str, str | bytes]:
    """Return what `write_tables` writes: file name -> content."""
    names = [table.name for table in tables]
    for name in names:
        if not name or names.count(name) > 1:
            raise UsageError("tables", "must each have a name of its own", got=name)
    rules = style_of(style)
    if style and (others := [kind for kind in formats if kind not in STYLED]):
        rule = f"is of {', '.join(STYLED)}"
        raise UsageError("style", rule, got=", ".join(others), fix="ask for other formats apart")
    contents: dict[str, str | bytes] = {}
    for kind in formats:
        if kind in _EACH:
            ending, write = _EACH[kind]
            contents |= {f"{table.name}.{ending}": write(table) for table in tables}
        elif kind in _STYLED:
            ending, write_styled = _STYLED[kind]
            contents |= {f"{table.name}.{ending}": write_styled(table, rules) for table in tables}
        elif kind == "quarto":
            contents["tables.qmd"] = quarto(tables, rules)
        elif kind == "csv":
            contents |= {f"{table.name}.csv": csv_bytes(table, csv_style) for table in tables}
        elif kind in _ALL:
            name, write_all = _ALL[kind]
            contents[name] = write_all(tables)
        else:
            raise unknown_key("format", "must be known", kind, FORMATS)
    return contents
