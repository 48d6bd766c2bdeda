"""Pictures of one result by name: ArviZ's, and those of `result_pictures`; saved as SVG or PNG.

`Result.plot` comes here. Pictures of draws are ArviZ's own; intervals are 95 % equal-tailed, said
and drawn, never a setting of the machine.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import wrap
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_sf.analysis.checks.loo import rows_of_result
from bayes_sf.analysis.missing.delta import DeltaAdjusted
from bayes_sf.analysis.missing.missingness import Missingness
from bayes_sf.analysis.size.practical import Rope, check_rope
from bayes_sf.catalogue import mark, say
from bayes_sf.engines.asked import check_result
from bayes_sf.engines.result import Result
from bayes_sf.engines.row_groups import one_factor_rows
from bayes_sf.errors import UsageError, closest, legible
from bayes_sf.output.figures.conditional import draw_conditional
from bayes_sf.output.figures.densities import draw_halfeyes, draw_predictions, draw_raincloud
from bayes_sf.output.figures.gaps import gaps_figure
from bayes_sf.output.figures.imputation import delta_figure
from bayes_sf.output.figures.page import (
    DPI,
    MUTED,
    figure_files,
    folded,
    measured,
    picture_label,
    shown,
    styled,
    write_numbers,
)
from bayes_sf.output.figures.result import draw_estimates, draw_shrinkage, draw_slopes
from bayes_sf.output.files import write_files
from bayes_sf.output.numbers import fixed
from bayes_sf.output.words.words import factor_term, own_group, statement_of, term_name
from bayes_sf.spec.model import ModelSpec

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

__all__ = [
    "OF_CHAINS", "OF_FRAMES", "PICTURES", "check_asked", "check_dpi", "check_picture",
    "draw_picture", "forest_options", "picture_name", "plot", "signed",
]  # fmt: skip

#: Draws that predictive pictures use.
_DRAWS = 1000
#: Dots for an inch: more would take gigabytes.
_MOST_DOTS: Final = 1200
_SUFFIXES = (".svg", ".png", ".pdf")


def _trace(az: Any, tree: "xr.DataTree", count: int, names: Any) -> Any:
    found = az.plot_trace_dist(
        tree, compact=False, labeller=names, aes={"color": ["chain"]},
        visuals={"ticklabels": {"size": 8}, "label": {"size": 9}},
        figure_kwargs={"figsize": (8, 1.5 * count + 0.5), **_LAID},
    )  # fmt: skip
    found.add_legend("chain")
    return found


def _rank(az: Any, tree: "xr.DataTree", count: int, names: Any) -> Any:
    found = az.plot_rank(
        tree, labeller=names, col_wrap=_ACROSS, aes={"color": ["chain"]},
        visuals={"title": {"size": 9}},
        figure_kwargs={"figsize": (8.5, 2.0 * -(-count // _ACROSS) + 0.5), **_LAID},
    )  # fmt: skip
    found.add_legend("chain")
    return found


def _pair(az: Any, tree: "xr.DataTree", count: int, names: Any) -> Any:
    if count > _PAIRS:
        rule, fix = f"has a panel for each pair of at most {_PAIRS} parameters", "plot 'forest'"
        raise UsageError("plot 'pair'", rule, got=count, fix=fix)
    label = {"size": 8}
    return az.plot_pair(
        tree, labeller=names, visuals={"scatter": {"size": 6}, "xlabel": label, "ylabel": label},
        figure_kwargs={"figsize": (1.5 * count + 0.5, 1.4 * count + 0.3), **_LAID},
    )  # fmt: skip


def _energy(az: Any, tree: "xr.DataTree", *_: Any) -> Any:
    found = az.plot_energy(tree, kind="hist", figure_kwargs={"figsize": (8, 3), **_LAID})
    found.viz["figure"].item().axes[0].yaxis.get_major_locator().set_params(integer=True)
    return found


def _loo_pit(az: Any, tree: "xr.DataTree", _: int, names: Any) -> Any:
    return az.plot_loo_pit(
        tree, envelope_prob=0.95, labeller=names,
        visuals={"title": {"size": 10}}, figure_kwargs={"figsize": (6.5, 3.6), **_LAID},
    )  # fmt: skip


#: What ArviZ writes of a test, of which we say p as everywhere.
_TESTED: Final = re.compile(r"p=([\d.]+)\(α=[\d.]+\) ?")
_LAID: Final = {"layout": "constrained"}
#: Panels beside each other; parameters that all have one with each other; letters of a line.
_ACROSS, _PAIRS, _LETTERS = 3, 10, 16
#: Pictures of draws by name: from ArviZ, a tree, its number of parameters and
#: their labels.
_ARVIZ: Mapping[str, Callable[[Any, "xr.DataTree", int, Any], Any]] = {
    "trace": _trace,
    "rank": _rank,
    "loo_pit": _loo_pit,
    "pair": _pair,
    "energy": _energy,
}
_OURS: Mapping[str, Callable[..., "Figure"]] = {
    "forest": draw_estimates,
    "shrinkage": draw_shrinkage,
    "slopes": draw_slopes,
    "halfeye": draw_halfeyes,
    "conditional": draw_conditional,
    "ppc": draw_predictions,
    "raincloud": draw_raincloud,
}
PICTURES = (*_ARVIZ, *_OURS)
#: Pictures that need rows, a sampler, and a data frame: there any model and engine will do.
_OF_ROWS: Final = ("ppc", "loo_pit", "raincloud")
OF_CHAINS, OF_FRAMES = ("trace", "rank", "energy"), ("conditional",)


def plot(
    result: Result | Missingness | DeltaAdjusted, name: str, path: Path | str | None = None,
    *, dpi: int = DPI, sort: str = "model", rope: float | tuple[float, float] | Rope | None = None,
) -> "Figure":  # fmt: skip
    """Draw a picture, and save it.

    Parameters
    ----------
    result : Result, Missingness or DeltaAdjusted
        With a posterior: of engine ``exact`` or ``nuts`` (``conditional`` of any data frame's);
        or what `bayes_sf.missingness` or `bayes_sf.delta_adjust` found.
    name : str
        One of `PICTURES`; of these two ``missing`` and ``delta``.
    path : path, optional
        ``.svg``, ``.png`` or ``.pdf``; by default it is not saved.
    dpi : int
        Dots of a PNG for an inch.
    sort : {"model", "estimate"}
        Of ``forest``: slopes as the model has them, or the largest on top.
    rope : float, (float, float) or Rope, optional
        Of ``forest``: what is too small to matter, in the outcome's unit, for each slope as it is
        coded; one number for both sides.

    Raises
    ------
    UsageError
        For an unknown picture or file type, a picture that this result cannot give, or dots that
        are none.
    """
    check_dpi(dpi)
    if path is not None and Path(path).suffix.lower() not in _SUFFIXES:
        raise UsageError("plot", f"saves {' or '.join(_SUFFIXES)}", got=str(path))
    if isinstance(result, Missingness | DeltaAdjusted):
        own = "missing" if isinstance(result, Missingness) else "delta"
        forest_options(own, sort, rope)
        if name != own:
            raise UsageError("plot", f"must be {own}, of a {type(result).__name__}", got=name)
        figure = (
            gaps_figure(result)
            if isinstance(result, Missingness)
            else delta_figure(result.effects, result.tipping, source="frame")
        )
    else:
        check_result(result)
        if isinstance(rope, Rope):
            check_rope(result, rope)
        figure = draw_picture(result, name, forest_options(name, sort, rope))
    if path is not None:
        target = Path(path)
        pdf = target.suffix.lower() == ".pdf"
        files = figure_files(target.stem, figure, tight=True, dpi=dpi, pdf=pdf)
        write_files(target.parent, {target.name: files[target.stem + target.suffix.lower()]})
    return shown(figure)


def check_dpi(dpi: int, where: str = "plot: dpi") -> None:
    """Refuse dots for an inch that no picture has."""
    if not 20 <= dpi <= _MOST_DOTS:
        raise UsageError(where, f"must be 20 to {_MOST_DOTS}", got=dpi, fix="300 is for print")


def forest_options(
    name: str, sort: str = "model", rope: float | tuple[float, float] | Rope | None = None
) -> dict[str, Any]:
    """Return the options of a picture, which only ``forest`` has.

    Parameters
    ----------
    name, sort, rope
        As in `plot`.

    Raises
    ------
    UsageError
        For an order that is none, a region that is none, and either of another picture.
    """
    if sort not in {"model", "estimate"}:
        raise UsageError("plot: sort", "must be model or estimate", got=sort)
    if name != "forest":
        if sort != "model" or rope is not None:
            raise UsageError("plot: sort, rope", "are of picture 'forest'", got=name)
        return {}
    ends = (-rope, rope) if isinstance(rope, int | float) else rope
    ends = (ends.low, ends.high) if isinstance(ends, Rope) else ends
    if ends is not None and not (
        isinstance(ends, tuple) and len(ends) == 2 and -np.inf < ends[0] < ends[1] < np.inf
    ):
        raise UsageError("plot: rope", "must go from a lower to a higher number", got=rope)
    return {"sort": sort, "rope": ends}


def check_picture(name: str) -> None:
    """Refuse a picture that there is not, before any work is done."""
    if name not in PICTURES:
        rule = f"must be one of {', '.join(PICTURES)}"
        raise UsageError("plot", rule, got=name, fix=closest(name, PICTURES))


def check_asked(spec: ModelSpec, name: str, *, engine: str | None, rows: bool) -> None:
    """Refuse a picture that a model cannot give, before it is fitted.

    Parameters
    ----------
    spec : ModelSpec
    name : str
        One of `PICTURES`.
    engine : {"exact", "nuts"} or None
        As the user asked for it.
    rows : bool
        Whether its data have rows: those of printed tables have none.

    Raises
    ------
    UsageError
        For a picture of chains by another engine than nuts, of rows that there are not, of slopes
        that do not vary, and for an engine that does not fit the model.
    """
    where = f"plot {name!r} of model {spec.name!r}"
    if engine is not None and engine not in spec.engines:
        fix = f"leave --engine out, or use {' or '.join(spec.engines)}"
        raise UsageError(where, "must be by an engine that fits the model", got=engine, fix=fix)
    if name in OF_CHAINS and engine == "exact":
        rule, fix = "is about chains, and independent draws have none", "use --engine nuts"
        raise UsageError(where, rule, got="engine 'exact'", fix=fix)
    if name in _OF_ROWS and not rows:
        rule, fix = "needs rows, and printed tables have none", "use --data replica"
        raise UsageError(where, rule, fix=f"{fix}, or files of your own")
    if name in OF_FRAMES:
        raise UsageError(where, "is of data frames in Python", fix="see plot forest")
    if name == "slopes" and not spec.varying:
        fix = "name one predictor in `varying`, e.g. models/q13_slopes.toml"
        raise UsageError(where, "has slopes that are the same in all groups", fix=fix)


def picture_name(result: Result, name: str) -> str:
    """Stem of a picture's files: model, outcome and picture.

    Parameters
    ----------
    result : Result
    name : str
        One of `PICTURES`.
    """
    return "-".join(re.sub(r"[^\w.]+", "_", part) for part in (*result.spec.key, name))


def draw_picture(
    result: Result, name: str, options: Mapping[str, Any] = MappingProxyType({})
) -> "Figure":
    """Draw a picture of a result.

    Parameters
    ----------
    result : Result
        With a posterior: of engine ``exact`` or ``nuts``; `OF_FRAMES` are of any.
    name : str
        One of `PICTURES`.
    options : mapping
        As `forest_options` gives them.

    Raises
    ------
    UsageError
        For an unknown picture, or one that this result cannot give.
    """
    check_picture(name)
    if name in _OURS:
        if not result.has_draws and name not in OF_FRAMES:
            result.some_draws(_DRAWS)  # says why there are none
        return signed(_OURS[name](result, **options), result, name)
    tree = result.some_draws(_DRAWS)
    if name in OF_CHAINS and "sample_stats" not in tree.children:
        raise UsageError(
            f"plot {name!r}", "is about chains, and independent draws have none",
            got=f"engine {result.engine!r}", fix="fit with engine='nuts'",
        )  # fmt: skip
    import arviz as az
    import xarray as xr
    from arviz_base.labels import MapLabeller
    from matplotlib.text import Text

    labels, parameters = _parameters(result, tree["posterior"].to_dataset())
    if name in _OF_ROWS:
        rows = one_factor_rows(tree, rows_of_result(result), result.spec, seed=1)
        tree = xr.DataTree.from_dict({"posterior": tree["posterior"].to_dataset(), **rows})
        labels = {"y": measured(result)}
    else:
        tree = tree.assign({"posterior": xr.DataTree(parameters)})
    with styled(), az.rc_context({"plot.max_subplots": None}):
        drawn = _ARVIZ[name](az, tree, len(parameters.data_vars), MapLabeller(var_name_map=labels))
        figure: Figure = drawn.viz["figure"].item()
        for text in figure.findobj(Text):
            if found := _TESTED.fullmatch(text.get_text()):
                text.set(text=f"p = {fixed(float(found[1]), 2)}", size=8)
            elif text.get_text() in _SAID:
                text.set_text(say(_SAID[text.get_text()]))
        for axes in figure.axes:
            write_numbers(axes, "xy")
    return signed(figure, result, name)


#: Variables worth a panel; group effects have their own picture.
_SHOWN = (
    "beta", "sd_group", "sd_resid", "icc", "sd_slope", "correlation", "df_resid", "sd_log_resid",
    "sd_repeat", "sd_slopes", "global_scale", "r2",
)  # fmt: skip


def _parameters(result: Result, draws: "xr.Dataset") -> "tuple[dict[Any, Any], xr.Dataset]":
    """Each number of the posterior as a variable of its own, and what it is called in pictures."""
    import xarray as xr

    own, labels = own_group(result), dict[Any, Any]()
    found = dict[str, xr.DataArray]()
    group, slope = result.spec.group, "".join(result.spec.varying)
    of_slope = {
        "sd_slope": f"sd_{slope}|{group}",
        "correlation": f"cor_{slope}.(Intercept)|{group}",
    }
    for name in filter(draws.__contains__, _SHOWN):
        array = draws[name]
        others = [dim for dim in array.dims if dim not in {"chain", "draw"}]
        for place in np.ndindex(*(array.sizes[dim] for dim in others)):
            one = array.isel(dict(zip(others, place, strict=True)))
            at = ", ".join(str(one[dim].item()) for dim in others)
            key = f"p{len(found)}"
            term = at if name == "beta" else name
            label = factor_term(of_slope[name], own=own) if name in of_slope else (
                term_name(term, own=own) + (f" ({at})" if at and term is name else "")
            )  # fmt: skip
            labels[key] = "\n".join(folded(picture_label(label).replace("\n", " "), _LETTERS))
            found[key] = one.drop_vars([dim for dim in others if dim in one.coords])
    return labels, xr.Dataset(found)


#: What ArviZ writes in English.
_SAID: Final = {
    "Draw": mark("Draw"), "Chain": mark("Chain"), "chain": mark("chain"),
    "Fractional ranks": mark("Fractional ranks"), "marginal": mark("marginal"),
    "transition": mark("transition"),
}  # fmt: skip
#: What pictures are called.
_NAMES: Final = {
    "trace": mark("trace"), "rank": mark("rank"), "forest": mark("forest"), "ppc": mark("ppc"),
    "loo_pit": mark("loo_pit"), "pair": mark("pair"), "energy": mark("energy"),
    "raincloud": mark("raincloud"), "shrinkage": mark("shrinkage"),
    "slopes": mark("slopes"), "halfeye": mark("half-eyes"),
    "conditional": mark("conditional effects"),
}  # fmt: skip


@styled()
def signed(figure: "Figure", result: Result, name: str) -> "Figure":
    """Say below the picture what it shows and whose data they are; and to those who listen.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Changed.
    result : Result
        That it is of.
    name : str
        One of `PICTURES`.
    """
    said = statement_of(result.provenance.source) or say("Data given by the user.")
    unit = f" ({result.spec.unit})" if result.spec.unit else ""
    model = legible(f"{result.spec.outcome}{unit} ~ {result.spec.name}, {result.engine}")
    failed = "" if result.converged else f", {say('NOT CONVERGED')}"
    text = f"{say(_NAMES[name])}: {model}, n = {result.n_obs}{failed}. {said}"
    width, height = figure.get_size_inches()
    lines = "\n".join(wrap(text, int(14 * width)))
    figure.text(0.01, -0.12 / height, lines, va="top", color=MUTED, size=8)
    figure.set_label(text)
    return figure
