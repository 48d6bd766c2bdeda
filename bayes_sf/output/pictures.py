"""Pictures of one result by name: ArviZ's, and shrinkage; saved as SVG or PNG.

`Result.plot` comes here. Pictures of draws are ArviZ's own; intervals are 95 % equal-tailed, said
and drawn, never a setting of the machine.
"""

import re
from collections.abc import Callable, Container, Mapping
from difflib import get_close_matches
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_sf.analysis.group_slopes import group_lines, group_slopes
from bayes_sf.analysis.loo import rows_of_result
from bayes_sf.engines.pointwise import given_draws
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.output.disclosure import HIDDEN
from bayes_sf.output.files import write_files
from bayes_sf.output.page import BLUE, MUTED, figure_files, styled
from bayes_sf.output.sentences import STATEMENTS
from bayes_sf.output.words import industry_name, outcome_name, term_name, unit_name

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = [
    "OF_CHAINS", "PICTURES", "check_picture", "draw_picture", "picture_files", "save_picture",
]  # fmt: skip

#: Draws that predictive pictures use.
_DRAWS = 1000
#: Sources whose predictors are the survey's items.
_SURVEYED = ("published", "replica", "microdata")
#: Rows that a drawn mean is made of, at least.
_FEW = 3
_SUFFIXES = (".svg", ".png")


def _trace(tree: "xr.DataTree", names: list[str]) -> Any:
    import arviz as az

    return az.plot_trace_dist(tree, var_names=names)


def _rank(tree: "xr.DataTree", names: list[str]) -> Any:
    import arviz as az

    return az.plot_rank(tree, var_names=names)


def _forest(tree: "xr.DataTree", names: list[str]) -> Any:
    import arviz as az

    return az.plot_forest(
        tree, var_names=names, combined=True, ci_kind="eti", ci_probs=(0.5, 0.95),
        point_estimate="mean",
    )  # fmt: skip


def _pair(tree: "xr.DataTree", names: list[str]) -> Any:
    import arviz as az

    return az.plot_pair(tree, var_names=[name for name in names if name != "u"])


def _energy(tree: "xr.DataTree", _: list[str]) -> Any:
    import arviz as az

    return az.plot_energy(tree)


def _ppc(tree: "xr.DataTree", _: list[str]) -> Any:
    import arviz as az

    return az.plot_ppc_dist(tree, num_samples=50)


def _loo_pit(tree: "xr.DataTree", _: list[str]) -> Any:
    import arviz as az

    return az.plot_loo_pit(tree, envelope_prob=0.95)


#: Pictures by name: from a tree and the variables worth showing to ArviZ's plot. ``shrinkage`` and
#: ``slopes`` are ours.
_ARVIZ: Mapping[str, Callable[["xr.DataTree", list[str]], Any]] = {
    "trace": _trace,
    "rank": _rank,
    "forest": _forest,
    "ppc": _ppc,
    "loo_pit": _loo_pit,
    "pair": _pair,
    "energy": _energy,
}
PICTURES = (*_ARVIZ, "shrinkage", "slopes")
#: Pictures that need rows, and those that need a sampler.
_OF_ROWS, OF_CHAINS = ("ppc", "loo_pit"), ("trace", "rank", "energy")


def save_picture(result: Result, name: str, path: Path | str | None = None) -> "Figure":
    """Draw a picture, and save it.

    Parameters
    ----------
    result : Result
        With a posterior: of engine ``exact`` or ``nuts``.
    name : str
        One of `PICTURES`.
    path : path, optional
        ``.svg`` or ``.png``; by default it is not saved.

    Raises
    ------
    UsageError
        For an unknown picture or file type, or a picture that this result cannot give.
    """
    if path is not None and Path(path).suffix not in _SUFFIXES:
        raise UsageError("plot", f"saves {' or '.join(_SUFFIXES)}", got=str(path))
    figure = draw_picture(result, name)
    if path is not None:
        target = Path(path)
        files = figure_files(target.stem, figure, tight=True)
        write_files(target.parent, {target.name: files[target.name]})
    return figure


def check_picture(name: str) -> None:
    """Refuse a picture that there is not, before any work is done."""
    if name not in PICTURES:
        close = get_close_matches(name, PICTURES, n=1)
        raise UsageError(
            "plot", f"must be one of {', '.join(PICTURES)}", got=name,
            fix=f"did you mean {close[0]!r}?" if close else "",
        )  # fmt: skip


def picture_files(result: Result, name: str, *, unsaid: Container[str] = ()) -> dict[str, bytes]:
    """Draw a picture, and give its files, named by model, outcome and picture.

    Parameters
    ----------
    result : Result
        With a posterior.
    name : str
        One of `PICTURES`.
    unsaid : container of str
        Groups whose n is not said.
    """
    stem = "-".join(re.sub(r"[^\w.]+", "_", part) for part in (*result.spec.key, name))
    return figure_files(stem, draw_picture(result, name, unsaid=unsaid), tight=True)


def draw_picture(result: Result, name: str, *, unsaid: Container[str] = ()) -> "Figure":
    """Draw a picture of a result.

    Parameters
    ----------
    result : Result
        With a posterior: of engine ``exact`` or ``nuts``.
    name : str
        One of `PICTURES`.
    unsaid : container of str
        Groups whose n is not said: their means are drawn to one decimal.

    Raises
    ------
    UsageError
        For an unknown picture, or one that this result cannot give.
    """
    check_picture(name)
    tree = result.draws(_DRAWS)
    if name in OF_CHAINS and "sample_stats" not in tree.children:
        raise UsageError(
            f"plot {name!r}", "is about chains, and independent draws have none",
            got=f"engine {result.engine!r}", fix="fit with engine='nuts'",
        )  # fmt: skip
    if name in _OF_ROWS:
        tree = _with_predictions(result, tree)
    if name == "shrinkage":
        figure = _shrinkage(result, tree, unsaid)
    elif name == "slopes":
        figure = _slopes(result, unsaid)
    else:
        chosen = [str(v) for v in tree["posterior"].data_vars if v in _SHOWN]
        with styled():
            plotted = _ARVIZ[name](tree, chosen)
            figure = plotted.viz["figure"].item()
    return _sign(figure, result, name)


#: Variables worth a panel; group effects have their own picture.
_SHOWN = (
    "beta", "sd_group", "sd_resid", "icc", "sd_slope", "correlation", "df_resid", "sd_log_resid",
    "sd_repeat", "sd_slopes", "global_scale", "r2",
)  # fmt: skip


def _with_predictions(result: Result, tree: "xr.DataTree") -> "xr.DataTree":
    """Add what predictive pictures need: predictions, observations and log-likelihood by row."""
    import xarray as xr

    rows, dims = rows_of_result(result), ("chain", "draw", "obs")
    given = given_draws(tree, rows, result.spec)
    return xr.DataTree.from_dict(
        {
            "posterior": tree["posterior"].to_dataset(),
            "observed_data": xr.Dataset({"y": ("obs", rows.y)}),
            "posterior_predictive": xr.Dataset({"y": (dims, given.replicate(seed=1))}),
            "log_likelihood": xr.Dataset({"y": (dims, given.log_likelihood())}),
        }
    )


def _sign(figure: "Figure", result: Result, name: str) -> "Figure":
    """Say below the picture what it shows and whose data they are; and to those who listen."""
    said = STATEMENTS["en"].get(result.provenance.source, "Data given by the user.")
    unit = f" ({result.spec.unit})" if result.spec.unit else ""
    text = f"{name}: {result.spec.outcome}{unit} ~ {result.spec.name}, {result.engine}, "
    text += f"n = {result.moments.n_obs}{'' if result.converged else ', NOT CONVERGED'}. {said}"
    width, height = figure.get_size_inches()
    lines = "\n".join(wrap(text, int(14 * width)))
    figure.text(0.01, -0.12 / height, lines, va="top", color=MUTED, size=8)
    figure.set_label(text)
    return figure


def _shrinkage(result: Result, tree: "xr.DataTree", unsaid: Container[str]) -> "Figure":
    """Raw and partially pooled mean of every group, with their sizes, from the smallest up."""
    from matplotlib.figure import Figure

    moments, posterior = result.moments, tree["posterior"].to_dataset()
    beta = posterior["beta"].sel(term=list(moments.terms)).to_numpy()
    middle = beta[..., 0] + beta[..., 1:] @ moments.grand_mean[:-1]
    groups = [g for g in moments.groups if g in posterior[moments.group].to_numpy()]
    order = sorted(groups, key=lambda g: moments.sizes[moments.groups.index(g)])
    with styled():
        figure = Figure(figsize=(7, 0.45 * len(order) + 1.8), layout="constrained")
        axes: Axes = figure.subplots()
        for place, group in enumerate(order):
            pooled = middle + posterior["u"].sel({moments.group: group}).to_numpy()
            ends = np.quantile(pooled, [0.5 - 0.5 * result.prob, 0.5 + 0.5 * result.prob])
            drawn = [moments.means[moments.groups.index(group), -1], pooled.mean(), *ends]
            raw, mean, low, high = np.round(drawn, 1) if group in unsaid else drawn
            axes.plot([raw, mean], [place - 0.15, place], color=MUTED, lw=1)
            axes.plot([low, high], [place, place], color=BLUE)
            axes.plot(mean, place, "o", color=BLUE)
            axes.plot(raw, place - 0.15, "o", mfc="white", mec=MUTED)
        axes.axvline(middle.mean(), color=MUTED, lw=1, ls=":")
        sizes = [int(moments.sizes[moments.groups.index(g)]) for g in order]
        labels = [
            f"{g} (n = {HIDDEN if g in unsaid else n})" for g, n in zip(order, sizes, strict=True)
        ]
        axes.set_yticks(range(len(order)), labels)
        axes.set_xlabel(" ".join(filter(None, (result.spec.outcome, result.spec.unit))))
        level = f"{100 * result.prob:g} % equal-tailed"
        axes.set_title(f"Open: raw mean. Filled: partially pooled, {level}", size=10, loc="left")
    return figure


def _answers(term: str, column: "NDArray[np.float64]") -> tuple[list[float], list[str]]:
    """Where the ends of an item's scale are on its column, and what they are called."""
    key, _, category = term.removesuffix("]").partition("[")
    item = load_codebook().item(key)
    if category:
        ends = item.category(item.reference or ""), item.category(category)
        return [0.0, 1.0], [answer.label_en for answer in ends]
    known = {float(answer.code): answer.label_en for answer in item.categories}
    places = sorted({float(column.min()), float(column.max())} & set(known))
    return places, [known[place] for place in places]


def _slopes(result: Result, unsaid: Container[str]) -> "Figure":
    """Each group's line with its band, least squares in the group alone, and means of its rows."""
    from matplotlib.figure import Figure

    table, lines = group_slopes(result), group_lines(result)
    rows, groups = rows_of_result(result), list(table.index)
    (name,) = result.spec.varying
    place = [p.partition("[")[0] for p in rows.predictors].index(name)
    column, term = rows.x[:, place], rows.predictors[place]
    across = min(3, len(groups))
    down = -(-len(groups) // across)
    with styled():
        figure = Figure(figsize=(3 * across, 2.7 * down + 0.4), layout="constrained")
        panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
        for j, (group, axes) in enumerate(zip(groups, panels.flat, strict=False)):
            line, row = lines[lines["group"] == group], table.loc[group]
            axes.fill_between(line["x"], line["lower"], line["upper"], color=BLUE, alpha=0.2, lw=0)
            axes.plot(line["x"], line["mean"], color=BLUE)
            x, y = column[rows.code == j], rows.y[rows.code == j]
            # The end of a line through two answers is a mean, as a dot is.
            few = result.provenance.source in _SURVEYED and (
                group in unsaid or min(np.unique(x, return_counts=True)[1]) < _FEW
            )
            if np.isfinite(row["own"]) and not few:
                ends = np.array([x.min(), x.max()])
                own = y.mean() + row["own"] * (ends - x.mean())
                axes.plot(ends, own, color=MUTED, ls="--", lw=1)
            for value in np.unique(x) if len(np.unique(x)) <= 12 else ():
                chosen = x == value
                if chosen.sum() < _FEW:  # a mean of one is a workplace
                    continue
                axes.plot(
                    value, y[chosen].mean(), "o", color=MUTED, ms=2 + 0.5 * chosen.sum() ** 0.5
                )
            size = HIDDEN if group in unsaid else f"{row['n']:.0f}"
            said = f"n = {size}, {100 * row['borrowed']:.0f} % borrowed"
            axes.set_title(f"{industry_name(group, 'en')}\n{said}", size=9)
        for axes in panels.flat[len(groups) :]:
            axes.set_axis_off()
        if result.provenance.source in _SURVEYED:
            panels[-1, 0].set_xticks(*_answers(term, column))
        outcome, unit = outcome_name(result.spec.outcome, "en"), unit_name(result.spec.unit, "en")
        figure.supxlabel(term_name(name, "en"), size=10)
        figure.supylabel(", ".join(filter(None, (outcome, unit))), size=10)
        level = f"{100 * result.prob:g} % equal-tailed"
        text = f"Line: partially pooled, {level} band. Dashed: least squares alone. Dots: means"
        figure.suptitle(text, size=10, x=0.01, ha="left")
    return figure
