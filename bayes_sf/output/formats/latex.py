r"""A table in LaTeX, with the rules of booktabs.

The document needs ``\usepackage{booktabs}``, for a long table ``longtable`` too, and, in older
installations, ``\usepackage[utf8]{inputenc}``. What a text may hold is escaped.

Examples
--------
>>> escape("5 % of a_b & −0.1 < τ")
'5 \\% of a\\_b \\& $-$0.1 $<$ $\\tau$'
"""

from collections.abc import Sequence
from typing import Final

from bayes_sf.output.tables import Table

__all__ = ["escape", "latex"]

#: A float holds no more rows than a page.
_PAGE: Final = 40
_ESCAPES: Final = str.maketrans(
    {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
        "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
        "<": "$<$", ">": "$>$", "−": "$-$", "\u00a0": "~", "–": r"\textendash{}", "∞": r"$\infty$",
        "×": r"$\times$", "≤": r"$\leq$", "≥": r"$\geq$", "τ": r"$\tau$", "σ": r"$\sigma$",
        "λ": r"$\lambda$", "≈": r"$\approx$", "β": r"$\beta$", "²": r"$^2$", "\n": " ",
        "[": "{[}", "]": "{]}",  # after the end of a row a bracket would be its spacing
    }
)  # fmt: skip


def escape(text: str) -> str:
    """Escape what LaTeX would read as its own: signs, and hyphens that would join to a dash."""
    return text.translate(_ESCAPES).replace("--", "-{}-").replace("--", "-{}-")


def latex(table: Table) -> str:
    """Write a table as a float, or one of many rows as a longtable with a repeated header."""
    spec = "".join("l" if column.is_text else "r" for column in table.columns)
    header = [r"\toprule", _row(table.header), r"\midrule"]
    body = [_row(row) for row in table.texts]
    caption = rf"\caption{{{escape(table.caption)}}}"
    label = rf"\label{{tab:{table.name}}}"
    notes = [rf"\par\footnotesize {escape(line)}" for line in table.footer]
    if len(body) > _PAGE:
        lines = [
            rf"\begin{{longtable}}{{{spec}}}", caption + label + r"\\", *header, r"\endhead",
            *body, r"\bottomrule", r"\end{longtable}", "{", *notes, r"\par}",
        ]  # fmt: skip
    else:
        lines = [
            r"\begin{table}[htbp]", r"\centering", caption, label, rf"\begin{{tabular}}{{{spec}}}",
            *header, *body, r"\bottomrule", r"\end{tabular}", r"\begin{minipage}{\linewidth}",
            *notes, r"\end{minipage}", r"\end{table}",
        ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return " & ".join(map(escape, cells)) + r" \\"
