"""Pictures of one result by name: ArviZ's, and those of `result_pictures`; saved as SVG or PNG.

`Result.plot` comes here. Pictures of draws are ArviZ's own; intervals are 95 % equal-tailed, said
and drawn, never a setting of the machine.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from bayes_sf.analysis.checks.loo import rows_of_result
from bayes_sf.analysis.missing.delta import DeltaAdjusted
from bayes_sf.analysis.missing.missingness import Missingness
from bayes_sf.catalogue import mark, say
from bayes_sf.engines.result import Result
from bayes_sf.engines.row_groups import one_factor_rows
from bayes_sf.errors import UsageError, closest, legible
from bayes_sf.output.figures.conditional import draw_conditional
from bayes_sf.output.figures.gaps import gaps_figure
from bayes_sf.output.figures.halfeye import draw_halfeyes
from bayes_sf.output.figures.imputation import delta_figure
from bayes_sf.output.figures.page import DPI, MUTED, figure_files, picture_label, shown, styled
from bayes_sf.output.figures.result import draw_estimates, draw_shrinkage, draw_slopes
from bayes_sf.output.files import write_files
from bayes_sf.output.words.words import statement_of
from bayes_sf.spec.model import ModelSpec

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

__all__ = [
    "OF_CHAINS", "OF_FRAMES", "PICTURES", "check_asked", "check_dpi", "check_picture",
    "draw_picture", "picture_name", "plot", "signed",
]  # fmt: skip

#: Draws that predictive pictures use.
_DRAWS = 1000
#: Dots for an inch: more would take gigabytes.
_MOST_DOTS: Final = 1200
_SUFFIXES = (".svg", ".png", ".pdf")


def _trace(tree: "xr.DataTree", names: list[str]) -> Any:
    import arviz as az

    return az.plot_trace_dist(tree, var_names=names)


def _rank(tree: "xr.DataTree", names: list[str]) -> Any:
    import arviz as az

    return az.plot_rank(tree, var_names=names)


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


#: Pictures of draws by name: from a tree and the variables worth showing to ArviZ's plot.
_ARVIZ: Mapping[str, Callable[["xr.DataTree", list[str]], Any]] = {
    "trace": _trace,
    "rank": _rank,
    "ppc": _ppc,
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
}
PICTURES = (*_ARVIZ, *_OURS)
#: Pictures that need rows, a sampler, and a data frame: there any model and engine will do.
_OF_ROWS, OF_CHAINS, OF_FRAMES = ("ppc", "loo_pit"), ("trace", "rank", "energy"), ("conditional",)


def plot(
    result: Result | Missingness | DeltaAdjusted, name: str, path: Path | str | None = None,
    *, dpi: int = DPI,
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
        if name != own:
            raise UsageError("plot", f"must be {own}, of a {type(result).__name__}", got=name)
        figure = (
            gaps_figure(result)
            if isinstance(result, Missingness)
            else delta_figure(result.effects, result.tipping, source="frame")
        )
    else:
        figure = draw_picture(result, name)
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


def draw_picture(result: Result, name: str) -> "Figure":
    """Draw a picture of a result.

    Parameters
    ----------
    result : Result
        With a posterior: of engine ``exact`` or ``nuts``; `OF_FRAMES` are of any.
    name : str
        One of `PICTURES`.

    Raises
    ------
    UsageError
        For an unknown picture, or one that this result cannot give.
    """
    check_picture(name)
    if name in _OURS:
        if not result.has_draws and name not in OF_FRAMES:
            result.some_draws(_DRAWS)  # says why there are none
        return signed(_OURS[name](result), result, name)
    tree = result.some_draws(_DRAWS)
    if name in OF_CHAINS and "sample_stats" not in tree.children:
        raise UsageError(
            f"plot {name!r}", "is about chains, and independent draws have none",
            got=f"engine {result.engine!r}", fix="fit with engine='nuts'",
        )  # fmt: skip
    tree = _with_labels(_with_predictions(result, tree) if name in _OF_ROWS else tree)
    chosen = [str(v) for v in tree["posterior"].data_vars if v in _SHOWN]
    with styled():
        figure = _ARVIZ[name](tree, chosen).viz["figure"].item()
    return signed(figure, result, name)


#: Variables worth a panel; group effects have their own picture.
_SHOWN = (
    "beta", "sd_group", "sd_resid", "icc", "sd_slope", "correlation", "df_resid", "sd_log_resid",
    "sd_repeat", "sd_slopes", "global_scale", "r2",
)  # fmt: skip


def _with_labels(tree: "xr.DataTree") -> "xr.DataTree":
    """Names of terms and groups as pictures show them, where they stay apart."""

    def labelled(part: "xr.Dataset") -> "xr.Dataset":
        shown = {
            name: [picture_label(str(value)) for value in values.to_numpy()]
            for name, values in part.coords.items()
            if values.ndim == 1 and values.dtype.kind in "OU"
        }
        apart = {k: v for k, v in shown.items() if len(set(v)) == len(set(part[k].to_numpy()))}
        return part.assign_coords({k: (part[k].dims, v) for k, v in apart.items()})

    return tree.map_over_datasets(labelled)


def _with_predictions(result: Result, tree: "xr.DataTree") -> "xr.DataTree":
    """Add what predictive pictures need: predictions, observations and log-likelihood by row."""
    import xarray as xr

    rows = one_factor_rows(tree, rows_of_result(result), result.spec, seed=1)
    return xr.DataTree.from_dict({"posterior": tree["posterior"].to_dataset(), **rows})


#: What pictures are called.
_NAMES: Final = {
    "trace": mark("trace"), "rank": mark("rank"), "forest": mark("forest"), "ppc": mark("ppc"),
    "loo_pit": mark("loo_pit"), "pair": mark("pair"), "energy": mark("energy"),
    "shrinkage": mark("shrinkage"), "slopes": mark("slopes"), "halfeye": mark("half-eyes"),
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
