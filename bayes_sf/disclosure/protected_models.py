"""What models say of groups, as it may leave: estimates, diagnostics, shrinkage.

A group that is hidden has no figure of its own anywhere: no effect, no level, no n. Where one is,
the other figures of its models keep the digits that are printed, since in full every estimate is an
equation in the hidden group's mean; so do those of a model that has one or two workplaces fewer
than one of its parts. A group whose n is not said has coarse figures as well: in full their
uncertainties are equations in its n, and its shrinkage is one as it stands.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from bayes_sf.analysis.comparison import ANALYSES, CoefficientRow, Reproduction
from bayes_sf.analysis.pooling import GroupRow, Pooling, TermRow
from bayes_sf.disclosure.control import HIDDEN, MODELS, Control, Hidden, hide_fields, hide_groups
from bayes_sf.disclosure.gate import Passed
from bayes_sf.disclosure.rounding import blunted, shortened, significant_decimals
from bayes_sf.engines.result import Result
from bayes_sf.errors import DisclosureError
from bayes_sf.inputs.published import DECIMALS
from bayes_sf.spec.analysis import Analysis, load_analysis

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "blunt_of", "check_withheld", "hidden_of", "keep_open", "pass_picture", "pass_rounded",
    "pass_without_groups", "protect_diagnostics", "protect_estimates", "protect_pooling",
    "protect_reproduction", "shown_levels", "withheld_of",
]  # fmt: skip

_FIGURES: Final = ("estimate", "sd", "lower", "upper", "statistic")

type Log = tuple[Hidden, ...]


def hidden_of(result: Result, control: Control) -> dict[str, str]:
    """Groups of a model that are hidden, and why.

    Parameters
    ----------
    result : Result
    control : Control
    """
    moments = result.moments
    sizes = {str(g): int(n) for g, n in zip(moments.groups, moments.sizes, strict=True)}
    return control.hidden_groups(sizes)


def blunt_of(result: Result, control: Control) -> bool:
    """Whether figures of a model keep only the digits that are printed.

    Parameters
    ----------
    result : Result
    control : Control
    """
    return bool(hidden_of(result, control)) or control.close(result.spec)


def keep_open(analysis: Analysis, control: Control) -> Passed[Analysis]:
    """Leave out the models of an analysis that are withheld.

    Parameters
    ----------
    analysis : Analysis
    control : Control

    Returns
    -------
    analysis : Analysis
    log : tuple of Hidden

    Raises
    ------
    DisclosureError
        If there is no other.
    """
    closed = [spec for spec in analysis.specs if control.withheld(spec)]
    if closed and len(closed) == len(analysis.specs):
        least = control.rules.min_workplaces
        rule = f"has fewer than {least} workplaces less than the null model: both tell of those"
        names = [f"{spec.name} of {spec.outcome}" for spec in closed]
        raise DisclosureError(f"analysis {analysis.name}", rule, got=names, fix=_SHOW)
    kept = tuple(spec for spec in analysis.specs if spec not in closed)
    log = tuple(Hidden(MODELS, spec.name, spec.outcome, "difference") for spec in closed)
    return Passed(replace(analysis, specs=kept), log)


def withheld_of(control: Control) -> Log:
    """What is withheld of the report's models.

    Parameters
    ----------
    control : Control
    """
    specs = [spec for name in ANALYSES for spec in load_analysis(name).specs]
    closed = dict.fromkeys(spec.key for spec in specs if control.withheld(spec))
    return tuple(Hidden(MODELS, *key, "difference") for key in closed)


def check_withheld(result: Result, picture: str, control: Control) -> None:
    """Refuse a picture that shows single workplaces, or groups that are hidden.

    Parameters
    ----------
    result : Result
    picture : str
        As in `bayes-sf plot`.
    control : Control

    Raises
    ------
    DisclosureError
        If it does.
    """
    where = f"plot {picture!r} of {result.spec.name}"
    if control.active and picture in _OF_ROWS:
        raise DisclosureError(where, "shows single workplaces at its ends", fix=_SHOW)
    if picture in _OF_GROUPS and (groups := hidden_of(result, control)):
        raise DisclosureError(where, "shows groups that are hidden", got=list(groups), fix=_SHOW)


_OF_ROWS, _OF_GROUPS = ("ppc",), ("shrinkage", "slopes")
_SHOW: Final = "--no-disclosure-control shows it to you"


def protect_estimates(result: Result, control: Control) -> "Passed[pd.DataFrame]":
    """Estimates of a model without those of hidden groups.

    Parameters
    ----------
    result : Result
    control : Control

    Returns
    -------
    frame : pandas.DataFrame
        As `Result.estimates`.
    log : tuple of Hidden
    """
    groups, unsaid = hidden_of(result, control), control.unsaid(result.spec)
    frame, whole = result.estimates, bool(groups) or control.close(result.spec)
    if not (whole or unsaid):
        return Passed(frame)
    # A t or a probability in full is an equation, too.
    rounded = frame["statistic"].round(_OF_STATISTICS)
    few = frame.assign(statistic=rounded, **blunted(frame, _FIGURES[:4], "sd"))
    if not whole:
        few = few.where(frame["group"].isin(list(unsaid)), frame)
    return Passed(*hide_groups(few, groups, table=_named("estimates", result), values=_FIGURES))


def protect_diagnostics(result: Result, control: Control) -> "Passed[pd.DataFrame]":
    """Diagnostics of a model without those of hidden groups' parameters.

    Parameters
    ----------
    result : Result
        Of engine nuts.
    control : Control
    """
    table = result.diagnostics().reset_index()
    groups = hidden_of(result, control)
    names = [str(name) for name in table.iloc[:, 0]]
    ends = tuple(f"{group}]" for group in groups)
    keep = [not name.endswith(ends) for name in names]
    return Passed(table[keep].reset_index(drop=True))


def protect_pooling(pooling: Pooling, control: Control) -> Passed[Pooling]:
    """Poolings of a model without the levels of hidden groups.

    Parameters
    ----------
    pooling : Pooling
    control : Control
    """
    groups, unsaid = hidden_of(pooling.exact, control), control.unsaid(pooling.spec)
    whole = bool(groups) or control.close(pooling.spec)
    if not (whole or unsaid):
        return Passed(pooling)
    table = _named("shrinkage", pooling.exact)
    rows, log = [], []
    for row in pooling.groups:
        if row.group in groups:
            rows.append(hide_fields(replace(row, complete=round(row.complete, _DECIMALS)), _LEVELS))
            log.append(Hidden(table, row.group, "", groups[row.group]))
        elif row.group in unsaid:
            rows.append(hide_fields(_rounded_level(row, fewer=1), ("n", *_FACTORS, "more")))
            log.append(Hidden(table, row.group, "n", unsaid[row.group]))
        else:
            rows.append(_rounded_level(row))
    terms = tuple(map(_blunted, pooling.terms)) if whole else pooling.terms
    return Passed(replace(pooling, groups=tuple(rows), terms=terms), tuple(log))


def _rounded_level(row: GroupRow, *, fewer: int = 0) -> GroupRow:
    """A level with the digits that are printed, or fewer, and shrinkage with those not enough.

    From a level's own mean, REML's and its shrinkage factor follows what all are shrunk to; in
    full that is one equation in the hidden groups' means, and the mean of all is another.
    """
    decimals = min(_DECIMALS, significant_decimals(_sd_of(row))) - fewer
    rounded = {
        name: round(getattr(row, name), places)
        for names, places in ((_OF_LEVEL, decimals), (_FACTORS, 2 - fewer), (("more",), -1 - fewer))
        for name in names
        if isinstance(getattr(row, name), float)
    }
    return replace(row, **rounded)


def _sd_of(row: GroupRow) -> float:
    """About the standard deviation of a level: a quarter of its interval."""
    return (row.upper - row.lower) / 4


_OF_LEVEL: Final = (
    "raw", "complete", "none", "none_lower", "none_upper", "reml", "mean", "lower", "upper",
)  # fmt: skip
_FACTORS: Final = ("factor_reml", "factor", "factor_lower", "factor_upper")

_LEVELS: Final = tuple(
    name for name in GroupRow.__dataclass_fields__
    if name not in {"outcome", "model", "group", "complete", "prob", "source"}
)  # fmt: skip


def shown_levels(pooling: Pooling) -> list[GroupRow]:
    """Groups of a pooling that are not hidden.

    Parameters
    ----------
    pooling : Pooling
        As `protect_pooling` returns it.
    """
    return [row for row in pooling.groups if str(row.mean) != HIDDEN]


def _blunted(row: TermRow) -> TermRow:
    """A coefficient with the digits that are printed."""
    decimals = significant_decimals(row.sd)
    values = {name: round(getattr(row, name), decimals) for name in _FIGURES[:4]}
    return replace(row, **values)


def protect_reproduction(found: Reproduction, control: Control) -> Passed[Reproduction]:
    """What `reproduce` found, with the digits that are printed where more would tell of a few.

    Parameters
    ----------
    found : Reproduction
    control : Control
    """
    fits = [result for results in found.results.values() for result in results.values()]
    rough = any(hidden_of(result, control) for result in fits)
    close = {(r.spec.table, r.spec.name) for r in fits if control.close(r.spec)}
    icc, coefficients = found.icc, found.coefficients
    if rough:
        icc = tuple(_shortened(row, _ICC, _OF_SHARES) for row in icc)
    coefficients = tuple(
        _rounded_coefficient(row, rough=rough)
        if rough or (row.table, row.question) in close else row
        for row in coefficients
    )  # fmt: skip
    return Passed(replace(found, icc=icc, coefficients=coefficients), withheld_of(control))


def _rounded_coefficient(row: CoefficientRow, *, rough: bool) -> CoefficientRow:
    """A published coefficient's re-analysis with the digits that are printed.

    Of a close model as many as the report prints of its own.
    """
    decimals = significant_decimals(row.sd)
    if not rough:
        shift = 2 if row.unit == "fraction" else 0
        decimals = max(decimals, DECIMALS[row.table] - shift)
    # A probability has three digits, and none is said to be one.
    direction = min(round(row.p_direction, _OF_SHARES), 1 - 10.0**-_OF_SHARES)
    return _shortened(replace(row, p_direction=direction), _COEFFICIENT, decimals)


def _shortened[Row](row: Row, names: Iterable[str], decimals: int) -> Row:
    """A record with some figures of so many decimals."""
    values: dict[str, Any] = {name: shortened(getattr(row, name), decimals) for name in names}
    return replace(row, **values)  # type: ignore[type-var]


#: Decimals that are printed of a level, and of an ICC.
_DECIMALS, _OF_SHARES, _OF_STATISTICS = 2, 3, 1
_ICC: Final = ("reml", "mean", "median", "lower", "upper")
_COEFFICIENT: Final = (
    "reml_estimate", "reml_se", "reml_t", "reml_ci_low", "reml_ci_high", "mean", "sd", "lower",
    "upper",
)  # fmt: skip


def pass_rounded[T](
    whole: T, results: Iterable[Result], control: Control, shorten: Callable[[T], T]
) -> Passed[T]:
    """Keep the printed digits of what is made of models where more would tell of a few.

    Parameters
    ----------
    whole : object
        In full.
    results : iterable of Result
        Its models.
    control : Control
    shorten : callable
        Leaves the printed digits.
    """
    return Passed(shorten(whole) if any(blunt_of(r, control) for r in results) else whole)


def pass_without_groups[T](
    whole: T, result: Result, control: Control, drop: Callable[[T, tuple[str, ...]], T]
) -> Passed[T]:
    """Leave hidden groups out of what is made of a model.

    Parameters
    ----------
    whole : object
        With all groups.
    result : Result
        Its model.
    control : Control
    drop : callable
        Leaves groups out.
    """
    groups = tuple(hidden_of(result, control))
    return Passed(drop(whole, groups) if groups else whole)


def pass_picture[T](
    result: Result, picture: str, control: Control, draw: Callable[..., T]
) -> Passed[T]:
    """Draw a picture of a model with no more than may be seen.

    Parameters
    ----------
    result : Result
    picture : str
        As in `bayes-sf plot`.
    control : Control
    draw : callable
        Takes ``unsaid``, groups whose n is not said, and ``blunt``, whether figures keep only the
        digits that are printed.

    Raises
    ------
    DisclosureError
        If it shows single workplaces, or groups that are hidden.
    """
    check_withheld(result, picture, control)
    return Passed(draw(unsaid=control.unsaid(result.spec), blunt=blunt_of(result, control)))


def _named(table: str, result: Result) -> str:
    return f"{table}: {result.spec.name}, {result.spec.outcome}"
