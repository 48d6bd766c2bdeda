"""Pictures of gaps: a line for each row, a panel for each group, most complete on top.

The same picture is drawn of a study's quarters (`sample.missingness_figure`) and of any frame.
"""

from collections.abc import Mapping
from textwrap import fill
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from bayes_sf.analysis.missing.missingness import Missingness
from bayes_sf.catalogue import say
from bayes_sf.errors import DataError
from bayes_sf.output.figures.page import BLUE, SMALL, describe, make_page, picture_label, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["add_states", "draw_panels", "gaps_figure", "most_complete_first", "place_states"]

_Codes = NDArray[np.int64]

#: Height of the smallest panel, as a share of all lines; letters of a line beside a panel.
_SMALLEST: Final = 1 / 20
_LABEL: Final = 18
#: Panels of groups; the rest are one panel. Columns whose names stand level.
_MOST_PANELS: Final = 12
_LEVEL_NAMES: Final = 6
_GAP: Final = "#E69F00"


def most_complete_first(lines: NDArray[Any]) -> _Codes:
    """Order of lines of codes, 0 for what is observed: (n, k) -> (n,).

    Examples
    --------
    >>> most_complete_first(np.array([[1, 1], [0, 1], [0, 0]])).tolist()
    [2, 1, 0]
    """
    observed = (lines == 0).sum(axis=1)
    return np.lexsort((*lines.T[::-1], -observed))


def draw_panels(
    figure: "Figure", panels: Mapping[str, _Codes], colours: Mapping[str, str], *,
    narrow: bool = False,
) -> "Axes":  # fmt: skip
    """Draw lines of codes in panels below each other.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Of `make_page`.
    panels : mapping
        Label to codes, (lines, columns).
    colours : mapping
        What codes 0, 1, ... mean, as the legend says it, and their colours.
    narrow : bool
        Whether it is as wide as a phone shows.

    Returns
    -------
    matplotlib.axes.Axes
        The lowest, which has the axis.
    """
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    n = sum(map(len, panels.values()))
    heights = [max(len(panel), n * _SMALLEST) for panel in panels.values()]
    rows = figure.subplots(
        len(panels), sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights}
    )[:, 0]
    place_states(figure, narrow=narrow, gap=0.06)
    painted = ListedColormap(list(colours.values()))
    for axes, (label, panel) in zip(rows, panels.items(), strict=True):
        axes.imshow(panel, cmap=painted, vmin=0, vmax=painted.N - 1, aspect="auto",
                    interpolation="nearest")  # fmt: skip
        name = f"{fill(label, _LABEL)}\nn = {len(panel)}"
        axes.set_ylabel(name, rotation=0, ha="right", va="center", labelpad=8, size=SMALL)
        axes.set_yticks([])
        axes.tick_params(axis="x", length=0)
        axes.spines[:].set_visible(False)
    add_states(
        figure, [Patch(color=colour, label=label) for label, colour in colours.items()],
        narrow=narrow,
    )  # fmt: skip
    return rows[-1]  # type: ignore[no-any-return]


def place_states(figure: "Figure", *, narrow: bool, gap: float) -> None:
    """Place panels of groups under each other, with room for their names and a legend."""
    height = float(figure.get_size_inches()[1])
    left, above, below = (0.44, 1.5, 0.4) if narrow else (0.2, 1.2, 0.76)
    figure.subplots_adjust(
        left=left, right=0.97, top=1 - above / height, bottom=below / height, hspace=gap
    )


def add_states(figure: "Figure", handles: list[Any], *, narrow: bool) -> None:
    """Say which colour is which state, above the panels."""
    height = float(figure.get_size_inches()[1])
    above, columns = (1.45, 1) if narrow else (1.1, 4)
    figure.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0.02, 1 - above / height),
        ncols=columns, columnspacing=1.4, frameon=False, borderaxespad=0, borderpad=0,
        fontsize=SMALL,
    )  # fmt: skip


@styled()
def gaps_figure(found: Missingness) -> "Figure":
    """Draw the gaps of a frame.

    Parameters
    ----------
    found : Missingness
        A line for each row, a column for each column that has gaps; a panel for each level of the
        first factor, of more than twelve for the largest, and one for the others.

    Raises
    ------
    DataError
        For a frame without gaps.
    """
    if found.n_whole == found.n_rows:
        raise DataError("data", "must have a gap to be drawn", got="none")
    panels = _panels(found)
    figure = make_page(
        say("Gaps by row"),
        say("One line per row, n = {}, of which {} have no gap; most complete on top",
            found.n_rows, found.n_whole),
        "frame", size=(9.0, 9.5),
    )  # fmt: skip
    lowest = draw_panels(figure, panels, {say("observed"): BLUE, say("missing"): _GAP})
    names = [picture_label(str(name)) for name in found.cells.columns]
    turned = len(names) > _LEVEL_NAMES
    lowest.set_xticks(range(len(names)), names, rotation=30 if turned else 0,
                      ha="right" if turned else "center")  # fmt: skip
    if turned:
        figure.subplots_adjust(bottom=0.15)
    gaps = found.columns[found.columns["missing"] > 0]
    told = zip(gaps["column"], gaps["missing"], strict=True)
    return describe(figure, ", ".join(f"{picture_label(name)}: {n}" for name, n in told))


def _panels(found: Missingness) -> dict[str, _Codes]:
    """Lines by label, most complete first."""
    lines = found.cells.to_numpy(dtype=np.int64)
    if found.levels is None:
        return {"": lines[most_complete_first(lines)]}
    levels = found.levels.fillna(say("no group")).to_numpy(dtype=object)
    names, counts = np.unique(levels.astype(str), return_counts=True)
    kept = set(names[np.argsort(-counts, kind="stable")][:_MOST_PANELS])
    panels = {picture_label(name): levels == name for name in names if name in kept}
    others = len(names) - len(kept)
    if others:
        panels[say("{} others", others)] = ~np.isin(levels.astype(str), list(kept))
    return {
        label: lines[chosen][most_complete_first(lines[chosen])]
        for label, chosen in panels.items()
    }  # fmt: skip
