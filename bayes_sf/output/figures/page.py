"""What every figure has around its data: style, title, source, language, files.

A page has a title, a line on what is drawn (unit, n), and at its foot whose workplaces these are;
the replica is said to be synthetic in the title too, which survives cropping. The figure's label
(a property of every Matplotlib artist) is its alternative text.
"""

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from html import escape
from io import BytesIO
from textwrap import fill, wrap
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_sf.catalogue import mark, say, say_as
from bayes_sf.errors import legible
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.output.numbers import estimate, fixed, power_of
from bayes_sf.output.words.words import outcome_name, own_group, unit_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox
    from numpy.typing import ArrayLike, NDArray

    from bayes_sf.engines.result import Result

__all__ = [
    "ALARM", "BLUE", "DPI", "FOOT", "INK", "MANY", "MUTED", "NARROW", "PALE", "PALETTE",
    "SMALL", "SUBTITLE", "bare_drawing", "coarsened", "describe", "drawing", "ends_of",
    "figure_files", "folded", "industry_label", "lower_first", "make_page", "make_plot", "measured",
    "number", "picture_label", "shown", "stacked", "styled", "upper_first", "variable_label",
]  # fmt: skip


#: Okabe and Ito's colours, which stay apart for colour-blind readers; orange, light blue and pink
#: darker than theirs, so that each has a contrast of 3:1 to white (WCAG 2.2, 1.4.11).
PALETTE: Final = ("#C08400", "#3A97D2", "#009E73", "#C66F9F", "#0072B2", "#D55E00")
BLUE, ALARM = PALETTE[4:]
INK, MUTED, PALE = "#222222", "#666666", "#8C8C8C"

#: Dots of a PNG for an inch, and of what is drawn as dots in an SVG.
DPI: Final = 150
#: Dots for an inch in a notebook.
_SCREEN: Final = 100
_STYLE: Final[dict[Any, object]] = {
    "font.family": ["DejaVu Sans", "sans-serif"],
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.prop_cycle": f"cycler('color', {[PALETTE[at] for at in (4, 5, 2, 0, 3, 1)]})",
    "grid.color": "#E6E6E6",
    "xtick.color": INK,
    "ytick.color": INK,
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "svg.fonttype": "none",  # text stays text: searched, read aloud, small
    "svg.hashsalt": "bayes-sf",  # without it the same figure has other identifiers in every run
}
#: Decimals of a tick, unless ticks are closer.
_DECIMALS: Final = 3
#: Letters of a name that stands in one line beside an axis, and in each of two; and of a longer one
#: how many last ones are left.
_ONE_LINE, _LINE, _TAIL = 66, 42, 20
_SIZE = (9.0, 5.8)
#: Groups that all have a name and a panel; of more, a picture that has them is not looked at.
MANY: Final = 40
#: Inches of a figure that a phone shows at its own width, and points of its smallest text: 342 of
#: its pixels are 3.7 inches then, and 9 points 11.5 pixels.
NARROW: Final = 3.7
SMALL: Final = 9
_NARROW_LINE: Final = 46
#: Letters of a line of a label that stands above its row, and rows that one more line takes.
_ROW_LETTERS, _ROW_LINE = 44, 0.47
#: Inches above and below what is left of a figure without its words.
_PAD: Final = 0.05
#: Labels of a page's title, of the line under it, and of the one at its foot.
_TITLE, SUBTITLE, FOOT = "title", "subtitle", "foot"
_SOURCES: Final = {
    "published": mark("Source: the real study, recovered from the report's published tables"),
    "replica": mark("SYNTHETIC replica: invented workplaces, none of them real"),
    "microdata": mark("Source: microdata given by the user"),
    "frame": mark("Source: data frame given by the user"),
    "printed": mark("Source: printed figures, re-read; no data were there"),
    "sets": mark("Source: completed data sets given by the user"),
}


@contextmanager
def styled() -> Iterator[None]:
    """Apply the style to what is drawn or saved inside, and to nothing else."""
    import matplotlib as mpl

    with mpl.rc_context(_STYLE):
        yield


def make_page(
    title: str, subtitle: str, source: str, *, size: tuple[float, float] = _SIZE
) -> "Figure":
    """Make a figure without plots.

    Parameters
    ----------
    title : str
        What is shown.
    subtitle : str
        Unit, n, and how to read it.
    source : {"published", "replica", "microdata", "frame", "printed"}
        Which data.
    size : tuple of float
        Width and height in inches.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=size)
    inch, narrow = 1 / size[1], size[0] <= NARROW
    subtitle = fill(subtitle, _NARROW_LINE) if narrow else subtitle
    statement = say(_SOURCES[source])
    synthetic = source == "replica"
    tag = f"{statement.partition(':')[0]}. " if synthetic else ""
    figure.suptitle(
        tag + title, x=0.02, y=1 - 0.15 * inch, ha="left", va="top", weight="bold", label=_TITLE,
        size=_fitting(tag + title, 12, size[0], "bold"),
    )  # fmt: skip
    figure.text(
        0.02, 1 - 0.5 * inch, subtitle, va="top", color=MUTED, label=SUBTITLE,
        size=_fitting(subtitle, 9.5, size[0]),
    )  # fmt: skip
    weight, colour = ("bold", ALARM) if synthetic else ("normal", MUTED)
    figure.text(
        0.02, 0.15 * inch, statement, va="bottom", color=colour, weight=weight, label=FOOT,
        size=_fitting(statement, 9, size[0], weight),
    )  # fmt: skip
    return figure


def _fitting(text: str, size: float, width: float, weight: str = "normal") -> float:
    """Size of a text that fits a page of `width` inches: the usual, or a smaller one."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    font = FontProperties(family="DejaVu Sans", weight=weight)
    # points; letters on a screen are a little wider, small ones more so
    room = (0.94 if width > NARROW else 0.86) * 72 * width
    lines = [TextPath((0, 0), line or " ", size=size, prop=font) for line in text.split("\n")]
    places = [line.vertices[:, 0] for line in lines]
    # curves stay within their points: where these have room, the curves' extremes need no search
    if all(x.max(initial=0.0) - x.min(initial=0.0) <= room for x in places):
        return size
    longest = max(line.get_extents().width for line in lines)
    return size * min(1.0, room / longest) if longest > 0 else size


def make_plot(title: str, subtitle: str, source: str) -> "tuple[Figure, Axes]":
    """Make a page with one plot; see `make_page`."""
    figure = make_page(title, subtitle, source)
    axes = figure.add_axes((0.06, 0.2, 0.92, 0.65))
    axes.grid(axis="y")
    axes.locator_params(axis="y", steps=[1, 2, 5, 10])
    axes.yaxis.set_major_formatter(lambda value, _: number(value, int(value % 1 > 0)))
    return figure, axes


def describe(figure: "Figure", text: str) -> "Figure":
    """Give a figure its alternative text: the title, and the numbers that matter."""
    figure.set_label(f"{figure.get_suptitle()}. {text}.")
    return figure


def picture_label(name: str) -> str:
    """Return a name as it stands beside an axis: legible, in two lines where long, cut inside.

    Examples
    --------
    >>> picture_label("care"), list(map(len, picture_label("x" * 300).splitlines()))
    ('care', [42, 42])
    """
    text = legible(name)
    if len(text) <= _ONE_LINE:
        return text
    if len(text) > 2 * _LINE:
        text = f"{text[: 2 * _LINE - _TAIL - 1]}…{text[-_TAIL:]}"
    lines = folded(text, _LINE)
    return "\n".join(lines if len(lines) < 3 else wrap(text, max(_LINE, len(text) // 2 + 1)))


def folded(text: str, width: int) -> list[str]:
    """Return the lines of a text that is shown whole: a name is broken after its signs.

    Examples
    --------
    >>> folded("hours_of_homework a week", 14), folded("x" * 5, 3)
    (['hours_of_', 'homework a', 'week'], ['xxx', 'xx'])
    """
    lines = [""]
    for part in re.findall(rf"[^\s_.:/+-]{{0,{width}}}[\s_.:/+-]?", text):
        if lines[-1] and len(lines[-1] + part.rstrip()) > width:
            lines.append("")
        lines[-1] += part
    return [line.strip() for line in lines]


def stacked(labels: Sequence[str]) -> "tuple[list[str], NDArray[np.float64]]":
    """Return labels that stand above their rows, whole, and where the rows are.

    Parameters
    ----------
    labels : sequence of str
        From the top; one row of a line of text is one high.
    """
    lines = [folded(label, _ROW_LETTERS) for label in labels]
    places = np.arange(len(lines)) + _ROW_LINE * np.cumsum([len(one) - 1 for one in lines])
    return ["\n".join(one) for one in lines], places


def measured(result: "Result") -> str:
    """Return a result's outcome with its unit, as it stands beside an axis.

    Parameters
    ----------
    result : Result
    """
    name = outcome_name(result.spec.outcome, own=own_group(result))
    return picture_label(", ".join(filter(None, (name, unit_name(result.spec.unit)))))


def ends_of(count: int) -> list[int]:
    """Places of the groups that are named where there is no room for all: both ends, and between.

    Parameters
    ----------
    count : int

    Examples
    --------
    >>> ends_of(160)
    [0, 40, 80, 119, 159]
    """
    return [round(share * (count - 1)) for share in (0, 0.25, 0.5, 0.75, 1)]


def figure_files(
    name: str, figure: "Figure", *, tight: bool = False, dpi: int = DPI, pdf: bool = False
) -> dict[str, bytes]:
    """Give the files of a figure: without dates and versions, the same for the same data.

    Parameters
    ----------
    name : str
        The files' name without ending.
    figure : matplotlib.figure.Figure
        Its title and label become the files' title and description.
    tight : bool
        Whether the page is as large as what is drawn, instead of as large as it was made.
    dpi : int
        Dots of the PNG for an inch.
    pdf : bool
        Whether it is a PDF as well.

    Returns
    -------
    dict
        File name -> content, `.svg` and `.png`, and `.pdf` where it is asked for.
    """
    title, text = legible(figure.get_suptitle()), legible(str(figure.get_label()))
    said: dict[str, str | None] = {"Title": title, "Description": text, "Software": None}
    files = {
        f"{name}.svg": drawing(figure, tight=tight),
        f"{name}.png": _saved(figure, "png", said, tight=tight, dpi=dpi),
    }
    if pdf:
        undated: dict[str, str | None] = {
            "Title": title, "Subject": text, "Creator": None, "Producer": None,
            "CreationDate": None,
        }  # fmt: skip
        files[f"{name}.pdf"] = _saved(figure, "pdf", undated, tight=tight, dpi=dpi)
    return files


def shown(figure: "Figure") -> "Figure":
    """Let a notebook show a figure that a cell ends with, whatever its settings.

    Parameters
    ----------
    figure : matplotlib.figure.Figure

    Returns
    -------
    matplotlib.figure.Figure
        The same.
    """
    # IPython asks an object for it; Matplotlib tells it how only once pyplot is loaded
    setattr(figure, "_repr_png_", lambda: _saved(figure, "png", {}, tight=True, dpi=_SCREEN))  # noqa: B010
    return figure


def drawing(figure: "Figure", *, tight: bool = False) -> bytes:
    """Give a figure as SVG, as `figure_files` does.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    tight : bool

    Returns
    -------
    bytes
    """
    title, text = legible(figure.get_suptitle()), legible(str(figure.get_label()))
    svg = _saved(figure, "svg", {"Title": title, "Date": None, "Creator": None}, tight=tight)
    description = f"</title>\n <desc>{escape(text, quote=False)}</desc>"
    return svg.replace(b"</title>", description.encode(), 1)


@styled()
def bare_drawing(figure: "Figure") -> bytes:
    """Give a figure as SVG without title, subtitle and foot, for a page that says these in words.

    Parameters
    ----------
    figure : matplotlib.figure.Figure

    Returns
    -------
    bytes
        As wide as the figure, so that its letters have their size, and as high as what is left.
    """
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.transforms import Bbox

    words = [text for text in figure.texts if text.get_label() in {_TITLE, SUBTITLE, FOOT}]
    for text in words:
        text.set_visible(False)
    canvas = FigureCanvasSVG(figure)
    found = figure.get_tightbbox(canvas.get_renderer() if hasattr(canvas, "get_renderer") else None)
    bounds = Bbox.from_extents(0, found.y0 - _PAD, figure.get_size_inches()[0], found.y1 + _PAD)
    drawn = _saved(figure, "svg", {"Date": None, "Creator": None}, tight=bounds)
    for text in words:
        text.set_visible(True)
    return drawn


@styled()
def _saved(
    figure: "Figure", kind: str, metadata: dict[str, str | None], *, tight: "bool | Bbox",
    dpi: int = DPI,
) -> bytes:  # fmt: skip
    """Save a figure to memory."""
    stream = BytesIO()
    bounds = ("tight" if tight else None) if isinstance(tight, bool) else tight
    figure.savefig(stream, format=kind, metadata=metadata, bbox_inches=bounds, dpi=dpi)
    return stream.getvalue()


def number(value: float, decimals: int = 1) -> str:
    """Write a number as the language does.

    Examples
    --------
    >>> number(-0.25), number(3.0, 0)
    ('−0.3', '3')
    """
    return fixed(value, decimals)


def write_numbers(axes: "Axes", which: str = "x") -> None:
    """Numbers of axes as the language writes them.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    which : {"x", "y", "xy"}
        Axes.
    """
    for name in which:
        axis = axes.xaxis if name == "x" else axes.yaxis
        axis.set_major_formatter(partial(_tick, axis))


def _tick(axis: "Axis", value: float, _: int | None) -> str:
    """A round number with the decimals that it has: three at most, more where ticks are closer."""
    places = axis.get_majorticklocs()
    gaps = np.diff(places)
    most = 1 - math.floor(math.log10(gaps.min())) if len(gaps) else _DECIMALS
    if any(power_of(place, most) for place in places):
        return estimate(value, most) if value else number(0, 0)
    most = max(_DECIMALS, most)
    return number(value, len(f"{value:.{most}f}".rstrip("0").partition(".")[2]))


def axis_quarter(quarter: str) -> str:
    """Return a quarter as it is written on an axis: short.

    Examples
    --------
    >>> axis_quarter("2019Q4")
    '2019Q4'
    """
    year, _, number = quarter.partition("Q")
    return say_as("quarter on an axis", "{year}Q{number}", year=year, number=number)


def variable_label(key: str) -> str:
    """Label of an item or a variable."""
    return load_codebook().label(key)


def industry_label(key: str) -> str:
    """Label of an industry."""
    industry = load_codebook().industry(key)
    return industry.label


def upper_first(text: str) -> str:
    """Begin with a capital letter, and leave the rest, such as HR or NAV, as it is."""
    return text[:1].upper() + text[1:]


def lower_first(text: str) -> str:
    """Begin with a small letter, unless the word is one of capitals.

    Examples
    --------
    >>> lower_first("Mean absence"), lower_first("ICT")
    ('mean absence', 'ICT')
    """
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


#: Steps that an axis has for what is drawn of microdata: fewer than a page's pixels.
_STEPS: Final = 200


def coarsened(figure: "Figure") -> "Figure":
    """Move all that is drawn to a lattice that the eye does not see: a file holds no more.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Changed.
    """
    from matplotlib.patches import Rectangle

    for axes in figure.axes:
        ends = axes.get_xlim(), axes.get_ylim()
        for line in axes.lines:
            if line.get_transform() == axes.transData:
                x, y = (_on_lattice(v, e) for v, e in zip(line.get_data(), ends, strict=True))
                line.set_data(x, y)
        for patch in axes.patches:
            if isinstance(patch, Rectangle):
                x, width = _on_lattice([patch.get_x(), patch.get_width()], ends[0])
                y, height = _on_lattice([patch.get_y(), patch.get_height()], ends[1])
                patch.set(x=x, y=y, width=width, height=height)
        dots = [drawn for drawn in axes.collections if len(np.asarray(drawn.get_offsets())) > 1]
        areas = [drawn for drawn in axes.collections if drawn not in dots]
        paths = [path for drawn in areas for path in drawn.get_paths()]
        paths += [patch.get_path() for patch in axes.patches if not isinstance(patch, Rectangle)]
        for path in paths:
            if not path.readonly:
                corners = np.array(path.vertices, dtype=float)
                for at, end in enumerate(ends):
                    corners[:, at] = _on_lattice(corners[:, at], end)
                path.vertices = corners
        for drawn in dots:
            columns = zip(np.asarray(drawn.get_offsets(), dtype=float).T, ends, strict=True)
            drawn.set_offsets(np.column_stack([_on_lattice(*column) for column in columns]))
        axes.set(xlim=ends[0], ylim=ends[1])
    return figure


def _on_lattice(values: "ArrayLike", ends: tuple[float, float]) -> "NDArray[np.float64]":
    """Values of an axis at its steps, which are a power of ten times one, two or five."""
    step = (ends[1] - ends[0]) / _STEPS or 1.0
    power = 10.0 ** np.floor(np.log10(abs(step)))
    step = power * min((m for m in (1, 2, 5, 10) if m * power >= abs(step)), default=10)
    found: NDArray[np.float64] = np.round(np.asarray(values, dtype=float) / step) * step
    return found
