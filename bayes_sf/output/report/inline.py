"""Figures as part of the page: SVG whose colours are the page's, by day, by night and in print.

Inside the page a figure is searched and scaled with its text, and obeys its style. Names inside a
drawing are its own, so each gets a prefix; colours become variables, which `report.css` sets.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bayes_sf.output.figures.page import SUBTITLE, bare_drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Picture", "inlined", "picture_of"]

#: What a page has no use for: the file's header, its description, a style that is the page's.
_HEAD: Final = re.compile(
    r"<\?xml.*?\?>\s*|<!DOCTYPE[^>]*>\s*|<metadata>.*?</metadata>\s*"
    r"|<defs>\s*<style.*?</style>\s*</defs>\s*|<!--.*?-->\s*", re.DOTALL,
)  # fmt: skip
_SIZE: Final = re.compile(r' (?:width|height)="[\d.]+pt"')
_FONT: Final = re.compile(r"font-family: [^;\"]*;? ?")
_ID: Final = re.compile(r' id="([^"]*)"')
_USED: Final = re.compile(r'(xlink:href="#|url\(#)([^")]+)')
_COLOUR: Final = re.compile(r"#([0-9a-f]{6})\b")


@dataclass(frozen=True)
class Picture:
    """A figure of the page.

    Parameters
    ----------
    svg : str
        An element for HTML, with the alternative text as its label.
    title, reading : str
        What it shows, and how to read it.
    """

    svg: str
    title: str
    reading: str


def picture_of(figure: "Figure", name: str) -> Picture:
    """Make a figure a part of a page.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        As `figures.page.make_page` begins it.
    name : str
        Its prefix, which no other figure of the page has.
    """
    reading = " ".join(
        text.get_text().replace("\n", " ")
        for text in figure.texts if text.get_label() == SUBTITLE
    )  # fmt: skip
    svg = inlined(bare_drawing(figure).decode(), name, str(figure.get_label()))
    return Picture(svg, figure.get_suptitle(), reading)


def inlined(svg: str, name: str, alternative: str) -> str:
    """Write a drawing as an element of HTML.

    Parameters
    ----------
    svg : str
        A file, as Matplotlib writes it.
    name : str
        Prefix of the names in it.
    alternative : str
        What it shows, for those who do not see it.

    Examples
    --------
    >>> file = ('<?xml version="1.0"?><svg width="9pt" height="9pt" viewBox="0 0 9 9"><g id="a">'
    ...         '<path id="m1" style="fill: #0072b2"/></g><use xlink:href="#m1"/></svg>')
    >>> print(inlined(file, "f1", "A line"))  # doctest: +NORMALIZE_WHITESPACE
    <svg role="img" aria-label="A line" class="plot" viewBox="0 0 9 9"><g><path id="f1-m1"
    style="fill: var(--c0072b2, #0072b2)"/></g><use xlink:href="#f1-m1"/></svg>
    """
    from markupsafe import escape

    body = _FONT.sub("", _SIZE.sub("", _HEAD.sub("", svg), count=2)).strip()
    used = {found[1] for found in _USED.findall(body)}
    body = _ID.sub(lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", body)
    body = _USED.sub(lambda found: f"{found[1]}{name}-{found[2]}", body)
    body = _COLOUR.sub(r"var(--c\1, #\1)", body)
    label = f'<svg role="img" aria-label="{escape(alternative)}" class="plot"'
    return body.replace("<svg", label, 1)
