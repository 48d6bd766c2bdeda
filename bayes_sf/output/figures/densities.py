"""Densities: half-eyes of parameters, data beside replications, and rainclouds of groups.

A half-eye is the posterior of a parameter over its prior, with interval and mean. Densities are
smoothed with a normal kernel of Silverman's width (which the interquartile
range bounds: priors have heavy tails), and reflected where a parameter ends.
"""

from typing import TYPE_CHECKING, Final

import numpy as np

from bayes_sf.analysis.checks.loo import rows_of_result
from bayes_sf.arrays import Floats
from bayes_sf.catalogue import say
from bayes_sf.engines.result import Result
from bayes_sf.engines.row_groups import one_factor_rows
from bayes_sf.output.figures.page import (
    BLUE,
    INK,
    MANY,
    MUTED,
    PALETTE,
    ends_of,
    measured,
    picture_label,
    styled,
    write_numbers,
)
from bayes_sf.output.words.words import group_name, interval_name, own_group, term_name

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_halfeyes", "draw_predictions", "draw_raincloud", "smoothed"]


#: Draws of the posterior, and places where a density is drawn.
_DRAWS, _PLACES = 4000, 200
#: Replications that are drawn, and rows that a cloud is made of, at least.
_REPLICATES, _CLOUD = 50, 5
#: Where a parameter ends.
_ENDS: Final = {
    "sd_group": (0.0, np.inf), "sd_resid": (0.0, np.inf), "sd_slope": (0.0, np.inf),
    "correlation": (-1.0, 1.0), "icc": (0.0, 1.0),
}  # fmt: skip


def draw_halfeyes(result: Result) -> "Figure":
    """Draw each coefficient, sd and share: posterior, prior where it has been drawn, interval.

    Parameters
    ----------
    result : Result
        With a posterior.
    """
    from matplotlib.figure import Figure

    tree, own = result.draws(_DRAWS, seed=1), own_group(result)
    posterior = _by_name(tree["posterior"].to_dataset())
    prior = _by_name(tree["prior"].to_dataset()) if "prior" in tree.children else {}
    across = min(3, len(posterior))
    down = -(-len(posterior) // across)
    with styled():
        figure = Figure(figsize=(2.6 * across, 1.9 * down + 0.5), layout="constrained")
        panels = figure.subplots(down, across, squeeze=False)
        for axes in panels.flat[len(posterior) :]:
            axes.set_axis_off()
        for axes, (name, values) in zip(panels.flat, posterior.items(), strict=False):
            _draw(axes, values, prior.get(name), _ENDS.get(name, (-np.inf, np.inf)), result.prob)
            axes.set_title(picture_label(term_name(name, own=own)), size=9)
        kind = interval_name("credible-eti", result.prob)
        title = say("Shade: posterior. Dot: mean. Line below: {}", kind)
        more = f". {say('Outline: prior')}" if prior else ""
        figure.suptitle(f"{title}{more}", size=10, x=0.01, ha="left")
    return figure


def _by_name(draws: "xr.Dataset") -> dict[str, Floats]:
    """Draws of every number that is not a group's, by the name that estimates have for it."""
    found = {
        str(term): draws["beta"].sel(term=term).to_numpy().ravel()
        for term in draws["beta"]["term"].to_numpy()
    }
    return found | {name: draws[name].to_numpy().ravel() for name in _ENDS if name in draws}


def _draw(
    axes: "Axes", values: Floats, prior: Floats | None, ends: tuple[float, float], prob: float
) -> None:
    """One parameter: its density, that of its prior to the same scale, and its interval."""
    tail = 0.5 - 0.5 * prob
    low, high = np.quantile(values, [tail, 1 - tail])
    first, last = np.quantile(values, [0.001, 0.999])
    at = np.linspace(first, last, _PLACES)
    height = smoothed(values, at, ends)
    axes.fill_between(at, 0, height, color=PALETTE[1], alpha=0.6, lw=0)
    if prior is not None:
        axes.plot(at, smoothed(prior, at, ends), color=INK, lw=1.2)
    base = -0.06 * float(height.max())
    axes.plot([low, high], [base, base], color=BLUE, lw=3, solid_capstyle="butt")
    axes.plot(values.mean(), base, "o", color=BLUE, mec="white", ms=6)
    axes.axhline(0, color=MUTED, lw=0.6)
    axes.locator_params(axis="x", nbins=4)
    _only_along(axes)


def draw_predictions(result: Result) -> "Figure":
    """Draw the outcome's density, and those of outcomes that the model would make.

    Parameters
    ----------
    result : Result
        With a posterior, and rows.
    """
    from matplotlib.figure import Figure

    rows = rows_of_result(result)
    drawn = one_factor_rows(result.some_draws(_DRAWS), rows, result.spec, seed=1)
    made = drawn["posterior_predictive"]["y"].to_numpy().reshape(-1, rows.n_obs)
    made = made[:: max(1, len(made) // _REPLICATES)][:_REPLICATES]
    at = np.linspace(min(rows.y.min(), made.min()), max(rows.y.max(), made.max()), _PLACES)
    with styled():
        figure = Figure(figsize=(6.5, 3.6), layout="constrained")
        axes = figure.subplots()
        lines = axes.plot(at, np.transpose([smoothed(y, at) for y in made]), color=PALETTE[1],
                          lw=0.8, alpha=0.5)  # fmt: skip
        (data,) = axes.plot(at, smoothed(rows.y, at), color=INK, lw=2)
        of_model = say("what the model would make, {} times", len(made))
        axes.legend([data, lines[0]], [say("data"), of_model], frameon=False, fontsize=8)
        _only_along(axes)
        axes.set_xlabel(measured(result))
    return figure


def draw_raincloud(result: Result) -> "Figure":
    """Draw the outcome of each group: its density, quartiles and rows, by the median.

    Of many groups the quartiles are drawn alone, and five of them are named.

    Parameters
    ----------
    result : Result
        With a posterior, and rows.
    """
    from matplotlib.figure import Figure

    rows, own = rows_of_result(result), own_group(result)
    parts = [(name, rows.y[rows.code == at]) for at, name in enumerate(rows.groups)]
    parts = sorted(((n, y) for n, y in parts if len(y)), key=lambda one: float(np.median(one[1])))
    many, rng = len(parts) > MANY, np.random.default_rng(1)
    with styled():
        figure = Figure(figsize=(7, (0.06 if many else 0.6) * len(parts) + 1.4),
                        layout="constrained")  # fmt: skip
        axes = figure.subplots()
        for place, (_, y) in enumerate(parts):
            low, middle, high = np.quantile(y, [0.25, 0.5, 0.75])
            axes.plot([low, high], [place] * 2, color=BLUE, lw=1 if many else 3)
            axes.plot(middle, place, "o", color=BLUE, mec="white", ms=3 if many else 6)
            if many:
                continue
            below = place - rng.uniform(0.12, 0.32, len(y))
            axes.plot(y, below, "o", color=MUTED, ms=2.5, mew=0, alpha=0.5)
            if len(y) >= _CLOUD and y.std() > 0:
                at = np.linspace(y.min(), y.max(), _PLACES)
                height = smoothed(y, at)
                axes.fill_between(at, place + 0.1, place + 0.1 + 0.5 * height / height.max(),
                                  color=PALETTE[1], alpha=0.6, lw=0)  # fmt: skip
        named = ends_of(len(parts)) if many else range(len(parts))
        axes.set_yticks(named, [
            f"{picture_label(group_name(parts[at][0], own=own))} (n = {len(parts[at][1])})"
            for at in named
        ])  # fmt: skip
        axes.margins(y=0.02)
        write_numbers(axes)
        axes.set_xlabel(measured(result))
        title = say("Dot: median. Line: half of the rows") if many else say(
            "Cloud: density. Dot: median. Line: half of the rows. Drops: rows"
        )  # fmt: skip
        figure.suptitle(title, size=10, x=0.01, ha="left")
    return figure


def _only_along(axes: "Axes") -> None:
    """No axis across: heights of densities say nothing by themselves."""
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    write_numbers(axes)


def smoothed(values: Floats, at: Floats, ends: tuple[float, float] = (-np.inf, np.inf)) -> Floats:
    """Estimate a density from draws, with what would lie beyond an end reflected at it.

    Parameters
    ----------
    values : (n,) array
        Draws.
    at : (m,) array
        Where.
    ends : tuple of float
        Lowest and highest value that there can be.

    Examples
    --------
    >>> draws = np.random.default_rng(1).exponential(size=20_000)
    >>> smoothed(draws, np.array([0.5, 1.0]), (0.0, np.inf)).round(1).tolist()
    [0.6, 0.4]
    """
    low, high = np.quantile(values, [0.25, 0.75])
    # where half of the values are one, as R's bw.nrd0 has it
    spread = min(float(values.std()), (high - low) / 1.34) or float(values.std())
    width = 0.9 * spread * len(values) ** -0.2
    near = values[(values > at.min() - 5 * width) & (values < at.max() + 5 * width)]
    images = [near, *(2 * end - near for end in ends if np.isfinite(end))]
    scaled = (at[:, None] - np.concatenate(images)) / width
    kernel = np.exp(-0.5 * scaled**2).sum(axis=1)
    return np.asarray(kernel / (len(values) * width * np.sqrt(2 * np.pi)))
