r"""A table in LaTeX: rules of booktabs, notes of threeparttable; numbers of siunitx for a journal.

Without a journal's style numbers stand to the right, which pandoc reads; it does not read siunitx.

It is never wider than the page: headers wrap, what neighbours share stands over both, a wide table
stands on its side, and one with more rows than a page goes over pages. A comment on top says what
the document's preamble needs. What a text may hold is escaped.

Examples
--------
>>> escape("5 % of a_b & −0.1 < τ")
'5 \\% of a\\_b \\& $-$0.1 $<$ $\\tau$'
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from textwrap import wrap
from typing import Final

from bayes_sf.catalogue import say_as
from bayes_sf.output.formats.styles import STYLES, Style, note_word, styled_texts, texts_below
from bayes_sf.output.numbers import fixed
from bayes_sf.output.tables.table import Table, as_made
from bayes_sf.output.words.words import SYMBOLS

__all__ = ["escape", "latex"]

#: A float holds no more rows than a page.
_PAGE: Final = 40
#: Characters of a line of text, and of one on a page's side, in a table's size of letters.
_LINE, _SIDE = 85, 140
#: A float may be wider than the line by this factor, and is then scaled down to it.
_SCALED: Final = 1.25
#: Characters of a cell's text before it wraps, and what two columns have between them.
_TEXT, _BETWEEN = 26, 1.5
_ESCAPES: Final = str.maketrans(
    {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
        "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
        "<": "$<$", ">": "$>$", "−": "$-$", "\u00a0": "~", "–": r"\textendash{}", "∞": r"$\infty$",
        "×": r"$\times$", "≤": r"$\leq$", "≥": r"$\geq$", "τ": r"$\tau$", "σ": r"$\sigma$",
        "λ": r"$\lambda$", "≈": r"$\approx$", "β": r"$\beta$", "±": r"$\pm$", "\n": " ",
        '"': r"\textquotedbl{}", "`": r"\textasciigrave{}",  # the first is active in Norwegian
        "[": "{[}", "]": "{]}", "*": "{*}",  # after the end of a row they would be its options
        **{mark: rf"\textsuperscript{{{digit}}}" for digit, mark in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
        "⁻": r"\textsuperscript{$-$}",
    }
)  # fmt: skip
#: What stands in a table -> the package that it needs.
_PACKAGES: Final = {
    r"\begin{adjustbox}": "adjustbox",
    r"\arraybackslash": "array",
    r"\captionsetup": "caption",
    r"\toprule": "booktabs",
    r"\begin{longtable}": "longtable",
    r"\begin{landscape}": "pdflscape",
    r"\begin{sidewaystable}": "rotating",
    "S[": "siunitx",
    r"\begin{threeparttable}": "threeparttable",
}
_NUMBER: Final = re.compile(r"[−-]?(\d+)(?:[.,](\d+))?")


def escape(text: str) -> str:
    """Escape what LaTeX would read as its own: signs, and pairs that it would join to one."""
    return re.sub(r"([-',])(?=\1)", r"\1{}", text.translate(_ESCAPES))


@as_made
def latex(table: Table, style: Style = STYLES[""]) -> str:
    """Write a table as a float, or one of many rows as a longtable with a repeated header."""
    columns = tuple(_columns(table, style))
    width = sum(column.width + _BETWEEN for column in columns)
    write = _long if len(table.rows) > _PAGE else _float
    text = "\n".join(write(table, columns, width, style)) + "\n"
    packages = ",".join(name for part, name in _PACKAGES.items() if part in text)
    package = say_as("LaTeX's babel; english: none", "english")
    norwegian = f"% \\usepackage[{package}]{{babel}}\n" if package != "english" else ""
    return (
        f"% The document's preamble needs\n% \\usepackage[T1]{{fontenc}}\n{norwegian}"
        f"% \\usepackage{{{packages}}}\n{text}"
    )


def _float(table: Table, columns: "Sequence[_Column]", width: float, style: Style) -> Iterator[str]:
    """A float, on its side where it would be far too wide for the line."""
    kind, where = ("sidewaystable", "") if width > _SCALED * _LINE else ("table", "[htbp]")
    yield rf"\begin{{{kind}}}{where}"
    yield from (r"\centering", r"\footnotesize", r"\setlength{\tabcolsep}{3pt}")
    caption, notes = _said(table, style)
    yield from (*_set_up(columns, style), r"\renewcommand{\TPTminimum}{\linewidth}")
    yield from (r"\begin{adjustbox}{max width=\linewidth}", r"\begin{threeparttable}")
    yield from () if style.below else (caption,)
    yield rf"\begin{{tabular}}{{{''.join(column.spec for column in columns)}}}"
    yield from (r"\toprule", *_header(columns), r"\midrule", *_rows(table, columns, style))
    yield from (r"\bottomrule", r"\end{tabular}")
    yield from (caption,) if style.below else ()
    if notes:
        yield r"\begin{tablenotes}[flushleft]"
        yield from (rf"\item {note}" for note in notes)
        yield r"\end{tablenotes}"
    yield from (r"\end{threeparttable}", r"\end{adjustbox}", rf"\end{{{kind}}}")


def _long(table: Table, columns: "Sequence[_Column]", width: float, style: Style) -> Iterator[str]:
    """A table over pages, on pages that stand on their side where it would be too wide."""
    if width > _LINE:
        yield r"\begin{landscape}"
    yield r"\begingroup" + (r"\scriptsize" if width > _SIDE else r"\footnotesize")
    yield r"\setlength{\tabcolsep}{3pt}\setlength{\LTcapwidth}{\linewidth}"
    yield from _set_up(columns, style)
    caption, notes = _said(table, style)
    yield rf"\begin{{longtable}}{{{''.join(column.spec for column in columns)}}}"
    header = (r"\toprule", *_header(columns), r"\midrule")
    first = header if style.below else (caption + r"\\", *header)
    yield from (*first, r"\endfirsthead", *header, r"\endhead", r"\bottomrule", r"\endfoot")
    if style.below:
        yield from (r"\bottomrule", caption, r"\endlastfoot")
    yield from (*_rows(table, columns, style), r"\end{longtable}")
    yield from (*(rf"\par\noindent {note}" for note in notes), r"\par\endgroup")
    if width > _LINE:
        yield r"\end{landscape}"


def _said(table: Table, style: Style) -> tuple[str, list[str]]:
    """The caption with its label, and the notes."""
    said, below = texts_below(table, style)
    notes = list(map(escape, below))
    if style.note and notes:
        notes[0] = rf"\textit{{{escape(note_word(table))}}} {notes[0]}"
    return rf"\caption{{{escape(said)}}}\label{{tab:{table.name}}}", notes


def _set_up(columns: "Sequence[_Column]", style: Style) -> Iterator[str]:
    """How captions and numbers of this table are set."""
    if style.latex:
        yield rf"\captionsetup{{{style.latex}}}"
    if any(column.aligned for column in columns):
        decimal = fixed(0.5, 1)[1]
        yield rf"\sisetup{{group-digits=none,output-decimal-marker={{{decimal}}}}}"


def _rows(table: Table, columns: "Sequence[_Column]", style: Style) -> Iterator[str]:
    """Rows; what is no number stands in braces where numbers are aligned."""
    for cells in styled_texts(table, style):
        yield " & ".join(map(_cell, cells, columns)) + r" \\"


def _cell(text: str, column: "_Column") -> str:
    if not column.aligned:
        return escape(text)
    return text.replace("−", "-") if _NUMBER.fullmatch(text) else f"{{{escape(text)}}}"


@dataclass(frozen=True)
class _Column:
    """How one column is set: `shared` is what its header has in common with a neighbour's."""

    shared: str
    label: str
    spec: str
    width: int

    @property
    def aligned(self) -> bool:
        """Whether siunitx aligns its numbers."""
        return self.spec.startswith("S")


def _columns(table: Table, style: Style) -> Iterator[_Column]:
    """Set the columns: long texts wrap, and headers wrap as far as their words allow."""
    parts = [label.rpartition(": ")[::2] for label in table.header]
    names = [name for name, _ in parts]
    rows = styled_texts(table, style)
    for place, column in enumerate(table.columns):
        shared = parts[place][0]
        if shared not in (*names[max(place - 1, 0) : place], *names[place + 1 : place + 2]):
            shared = ""
        label = parts[place][1] if shared else table.header[place]
        texts = [row[place] for row in rows]
        width = max(map(len, texts), default=0)
        spec = "l" if column.is_text else "r"
        if column.is_text and width > _TEXT:
            width = max(_TEXT, *map(_longest, texts))
            spec = rf">{{\raggedright\arraybackslash}}p{{{width / 2:.4g}em}}"
        elif style.latex and (found := _numbers(texts)):
            whole, places = (max(len(one[at] or "") for one in found) for at in (1, 2))
            sign = "-" if any(one[0][0] in "−-" for one in found) else ""
            spec = f"S[table-format={sign}{whole}.{places},table-text-alignment=right]"
        yield _Column(shared, label, spec, max(width, _longest(label)))


def _numbers(texts: Sequence[str]) -> list[re.Match[str]]:
    """Numbers of a column that holds nothing else, but signs for what is not there."""
    rest = [text for text in texts if not _NUMBER.fullmatch(text)]
    plain = all(text in {*SYMBOLS, ""} or text[0] in "<>." for text in rest)
    return list(filter(None, map(_NUMBER.fullmatch, texts))) if plain else []


def _longest(text: str) -> int:
    """Length of the longest word."""
    return max(map(len, text.split(" ")))


def _header(columns: Sequence[_Column]) -> Iterator[str]:
    """The header: what neighbours share stands over both."""
    if any(column.shared for column in columns):
        cells, rules, at = [], [], 1
        for shared, group in groupby(columns, key=lambda column: column.shared):
            members = tuple(group)
            if shared:
                width = sum(column.width for column in members)
                text = _stack(shared, width, "c")
                cells.append(rf"\multicolumn{{{len(members)}}}{{c}}{{{text}}}")
                rules.append(rf"\cmidrule(lr){{{at}-{at + len(members) - 1}}}")
            else:
                cells += [""] * len(members)
            at += len(members)
        yield " & ".join(cells) + r" \\"
        yield "".join(rules)
    stacks = (_stack(c.label, c.width, "r" if c.spec[0] in "rS" else "l") for c in columns)
    yield (
        " & ".join(f"{{{s}}}" if c.aligned else s for s, c in zip(stacks, columns, strict=True))
        + r" \\"
    )


def _stack(text: str, width: int, side: str) -> str:
    """A text in lines of about `width` characters, if its words allow."""
    lines = wrap(text, max(width, _longest(text)) + 2, break_on_hyphens=False) or [""]
    if len(lines) == 1:
        return escape(lines[0])
    stacked = r"\\".join(map(escape, lines))
    return rf"\begin{{tabular}}[b]{{@{{}}{side}@{{}}}}{stacked}\end{{tabular}}"
