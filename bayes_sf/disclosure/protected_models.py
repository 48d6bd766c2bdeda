"""What models say of groups, as it may leave: estimates, diagnostics, shrinkage.

A group that is hidden has no figure of its own anywhere: no effect, no level, no n. Where one is,
the other figures of its models keep the digits that are printed, since in full every estimate is an
equation in the hidden group's mean; so do those of a model that has one or two workplaces fewer
than one of its parts. A group whose n is not said has coarse figures as well: in full their
uncertainties are equations in its n, and its shrinkage is one as it stands.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from math import nan
from typing import TYPE_CHECKING, Any, Final

from bayes_sf.analysis.comparison import CoefficientRow, Reproduction, main_specs, prior_text
from bayes_sf.analysis.pooling import GroupRow, Pooling, TermRow
from bayes_sf.disclosure.control import HIDDEN, MODELS, Control, Hidden, hide_fields, hide_groups
from bayes_sf.disclosure.gate import RELEASED, Passed, Released
from bayes_sf.disclosure.learnt.ways import Release
from bayes_sf.disclosure.rounding import MOST, direction, shortened, significant_decimals
from bayes_sf.engines.gaussian.estimates import Estimate
from bayes_sf.engines.result import Result
from bayes_sf.errors import DisclosureError, UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.spec.analysis import Analysis
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import INTERCEPT

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "check_withheld", "finest_of", "hidden_of", "keep_open", "keep_stated", "pass_picture",
    "protect_diagnostics", "protect_estimates", "protect_pooling",
    "protect_reproduction", "protect_results", "released", "shown_levels", "withheld_of",
]  # fmt: skip

_FIGURES: Final = ("estimate", "sd", "lower", "upper", "t", "p_direction")

type Log = tuple[Hidden, ...]


def hidden_of(result: Result, control: Control) -> dict[str, str]:
    """Groups of a model that are hidden, and why.

    Parameters
    ----------
    result : Result
    control : Control
    """
    if isinstance(result, Released):
        return dict(result.hidden)
    moments = result.moments
    sizes = {str(g): int(n) for g, n in zip(moments.groups, moments.sizes, strict=True)}
    release = control.release(result.spec)
    unsaid = () if release is None else release.unsaid
    beside = {group: "complement" for group in sizes if f"[{group}]" in unsaid}
    return beside | control.hidden_groups(sizes)


def released(result: Result, control: Control) -> Result:
    """A result as it may leave: its estimates have the digits of `Control.release`.

    Whatever is printed, drawn or written of it is made from these.

    Parameters
    ----------
    result : Result
    control : Control
    """
    release = control.release(result.spec)
    if release is None:
        shown = replace(result)
        vars(shown)[RELEASED] = True
        return shown
    if isinstance(result, Released):
        return result
    few, hidden = control.unsaid(result.spec), hidden_of(result, control)

    def rounded(row: Estimate) -> Estimate:
        if row.group in hidden or (not row.group and row.term in release.unsaid):
            return _unsaid(row)
        places = release.places(row.term, row.group)
        return _released(row, places, row.group in few, fewer=release.fewer)

    table = _of_chains(result, release, hidden) if result.engine == "nuts" else None
    return Released.of(result, rounded, hidden=hidden, table=table)


def _of_chains(result: Result, release: Release, hidden: Collection[str]) -> "pd.DataFrame":
    """Diagnostics of chains: of hidden groups none, means and sds with the digits of estimates.

    An MCSE is the sd over the root of an ESS: it has one digit.
    """
    ends = tuple(f"{group}]" for group in hidden)
    table = result.diagnostics()
    table = table[[not name.endswith(ends) for name in map(str, table.index)]]
    names = [_TERM_OF.sub(r"\1\2", str(name)) for name in table.index]
    groups = set(result.moments.groups)
    most = [release.places("", name) if name in groups else release.places(name) for name in names]
    values = {}
    for column in ("mean", "sd"):
        values[column] = [
            nan if name in release.unsaid else round(value, min(significant_decimals(sd), places))
            for value, sd, places, name in zip(table[column], table["sd"], most, names, strict=True)
        ]
    for column in ("mcse_mean", "mcse_sd"):
        values[column] = [float(f"{value:.1g}") for value in table[column]]
    for column in ("exact_mcse", "exact_mcse_sd"):
        values[column] = [round(value, 1) for value in table[column]]
    return table.assign(**values)


#: Term or group of a parameter: `beta[q13]`, `u[ict]`, `icc`.
_TERM_OF: Final = re.compile(r"^(?:[^\[]+\[(.*)\]|(.*))$")


def protect_results(results: Iterable[Result], control: Control) -> Passed[tuple[Result, ...]]:
    """Results as they may leave.

    Parameters
    ----------
    results : iterable of Result
    control : Control
    """
    return Passed(tuple(released(result, control) for result in results))


def _unsaid(row: Estimate) -> Estimate:
    """A row of which nothing is told but that there is one."""
    return replace(row, estimate=nan, sd=nan, lower=nan, upper=nan, t=nan, p_direction=nan)


def _released(row: Estimate, most: int, coarse: bool, *, fewer: int) -> Estimate:
    """One estimate with two digits of its sd, or fewer, and no more decimals than data give.

    Where a digit is coarser than the interval and all that is in it, none says anything. What is
    an estimate over its sd has as many digits fewer.
    """
    places = min(significant_decimals(row.sd) - coarse, most)
    if max(row.upper - row.lower, abs(row.lower), abs(row.upper)) < 10.0**-places:
        return _unsaid(row)
    values: dict[str, Any] = {n: shortened(getattr(row, n), places) for n in _FIGURES[1:4]}
    return replace(
        row, estimate=round(row.estimate, places), t=round(row.t, _OF_STATISTICS - fewer),
        p_direction=direction(row.p_direction, fewer), **values,
    )  # fmt: skip


def finest_of(results: Iterable[Result], control: Control) -> int:
    """Most decimals of a figure in the outcome's unit, of the models that something is made of.

    Parameters
    ----------
    results : iterable of Result
    control : Control
    """
    releases = [control.release(result.spec) for result in results]
    return max((one.finest for one in releases if one is not None), default=MOST)


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
    UsageError
        For a formula that is more than a random intercept of columns.
    """
    beyond = next((spec for spec in analysis.specs if spec.formula), None)
    if beyond is not None:
        rule = "is more than a random intercept: only fit carries it out, without control"
        raise UsageError(f"analysis {analysis.name}", rule, got=beyond.formula)
    kept, log = _open_of(analysis.specs, control)
    if log and not kept:
        rule = f"is withheld: it would tell of single {load_codebook().units}"
        names = [f"{line.row} of {line.column}" for line in log]
        raise DisclosureError(f"analysis {analysis.name}", rule, got=names, fix=_SHOW)
    return Passed(replace(analysis, specs=kept), log)


def keep_stated(analyses: Sequence[Analysis], control: Control) -> Passed[tuple[Analysis, ...]]:
    """Keep of all that a study states what tables may have: an analysis of which nothing may, goes.

    Parameters
    ----------
    analyses : sequence of Analysis
    control : Control
    """
    kept, log = list[Analysis](), list[Hidden]()
    for analysis in analyses:
        specs, closed = _open_of([spec for spec in analysis.specs if not spec.formula], control)
        log += closed
        kept += [replace(analysis, specs=specs)] if specs else []
    return Passed(tuple(kept), tuple(log))


def _open_of(specs: Sequence[ModelSpec], control: Control) -> tuple[tuple[ModelSpec, ...], Log]:
    """Models that may leave, and a line for each of the others."""
    closed = [spec for spec in specs if control.withheld(spec)]
    kept = tuple(spec for spec in specs if spec not in closed)
    return kept, tuple(Hidden(MODELS, spec.name, spec.outcome, "withheld") for spec in closed)


def withheld_of(control: Control) -> Log:
    """What is withheld of the report's models.

    Parameters
    ----------
    control : Control
    """
    closed = dict.fromkeys(spec.key for spec in main_specs() if control.withheld(spec))
    return tuple(Hidden(MODELS, *key, "withheld") for key in closed)


def check_withheld(spec: ModelSpec, picture: str, control: Control) -> None:
    """Refuse a picture that shows draws or single workplaces, before anything is fitted.

    Parameters
    ----------
    spec : ModelSpec
    picture : str
        As in `bayes-sf plot`.
    control : Control

    Raises
    ------
    DisclosureError
        If it does.
    """
    where = f"plot {picture!r} of {spec.name}"
    if not control.active:
        return
    if picture in _OF_ROWS:
        rule = f"shows single {load_codebook().units} at its ends"
        raise DisclosureError(where, rule, fix=_SHOW)
    if picture in _OF_DRAWS:
        rule, fix = "shows draws, which have all digits", "draw 'forest', or of chains 'rank'"
        raise DisclosureError(where, rule, fix=f"{fix}; {_SHOW}")
    if picture == "slopes" and len(spec.predictors) > 1:
        rule = "is drawn at the other predictors' means, which do not leave"
        raise DisclosureError(where, rule, fix=_SHOW)


_OF_ROWS = ("ppc", "loo_pit", "raincloud")
#: Draws in their own unit; and how chains rank among each other, which is of the sampler alone.
_OF_DRAWS, _OF_CHAINS = ("trace", "pair", "energy", "halfeye"), ("rank",)
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
    frame = released(result, control).estimates
    groups, release = hidden_of(result, control), control.release(result.spec)
    unsaid = release.unsaid if release is not None else frozenset[str]()
    if unsaid:
        frame = frame.astype(dict.fromkeys(_FIGURES, object))
        frame.loc[frame["term"].isin(unsaid) & (frame["group"] == ""), list(_FIGURES)] = HIDDEN
    return Passed(*hide_groups(frame, groups, table=_named("estimates", result), values=_FIGURES))


def protect_diagnostics(result: Result, control: Control) -> "Passed[pd.DataFrame]":
    """Diagnostics of a model without those of hidden groups' parameters.

    Parameters
    ----------
    result : Result
        Of engine nuts.
    control : Control
    """
    return Passed(released(result, control).diagnostics().reset_index())


def protect_pooling(pooling: Pooling, control: Control) -> Passed[Pooling]:
    """Poolings of a model without the levels of hidden groups.

    Parameters
    ----------
    pooling : Pooling
    control : Control
    """
    groups, unsaid = hidden_of(pooling.exact, control), control.unsaid(pooling.spec)
    release = control.release(pooling.spec)
    if release is None:
        return Passed(pooling)
    table = _named("shrinkage", pooling.exact)
    rows, log = [], []
    whole = release.places(INTERCEPT)
    for row in pooling.groups:
        most = min(_DECIMALS, release.places("", row.group))
        if row.group in groups:
            rows.append(hide_fields(_rounded_level(row, most, whole), _LEVELS))
            log.append(Hidden(table, row.group, "", groups[row.group]))
        elif row.group in unsaid:
            rough = _rounded_level(row, most, whole, fewer=1)
            rows.append(hide_fields(rough, ("n", *_FACTORS, "more")))
            log.append(Hidden(table, row.group, "n", unsaid[row.group]))
        else:
            rows.append(_rounded_level(row, most, whole))
    if INTERCEPT in release.unsaid:  # the mean of all is one
        rows = [hide_fields(row, ("complete",)) for row in rows]
    terms = tuple(
        hide_fields(row, _FIGURES[:4]) if row.term in release.unsaid
        else _blunted(row, release.places(row.term))
        for row in pooling.terms
    )  # fmt: skip
    shown = replace(
        pooling, groups=tuple(rows), terms=terms, exact=released(pooling.exact, control)
    )
    return Passed(shown, tuple(log))


def _rounded_level(row: GroupRow, most: int, whole: int, *, fewer: int = 0) -> GroupRow:
    """A level with the digits that are printed, or fewer, and shrinkage with those not enough.

    From a level's own mean, REML's and its shrinkage factor follows what all are shrunk to; in
    full that is one equation in the hidden groups' means, and the mean of all is another.
    """
    decimals = min(most, significant_decimals(_sd_of(row))) - fewer
    kinds = (
        (_OF_LEVEL, decimals), (("complete",), whole), (_FACTORS, 2 - fewer),
        (("more",), -1 - fewer),
    )  # fmt: skip
    rounded = {
        name: round(getattr(row, name), places)
        for names, places in kinds
        for name in names
        if isinstance(getattr(row, name), float)
    }
    return replace(row, **rounded)


def _sd_of(row: GroupRow) -> float:
    """About the standard deviation of a level: a quarter of its interval."""
    return (row.upper - row.lower) / 4


_OF_LEVEL: Final = (
    "raw", "none", "none_lower", "none_upper", "reml", "mean", "lower", "upper",
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


def _blunted(row: TermRow, most: int) -> TermRow:
    """A coefficient with the digits that are printed, and no more decimals than its data give."""
    decimals = min(significant_decimals(row.sd), most)
    values = {name: round(getattr(row, name), decimals) for name in _FIGURES[:4]}
    return replace(row, **values)


def protect_reproduction(found: Reproduction, control: Control) -> Passed[Reproduction]:
    """What `reproduce` found, with the digits that are printed where more would tell of a few.

    Parameters
    ----------
    found : Reproduction
    control : Control
    """
    if not control.active:
        return Passed(found, withheld_of(control))
    fits = [result for results in found.results.values() for result in results.values()]
    models = {(one.spec.table, one.spec.name): one.spec for one in fits}
    nulls = {one.spec.outcome: one.spec for one in fits if not one.spec.predictors}
    icc = tuple(
        replace(
            _shortened(row, _ICC, _places(nulls[row.outcome], "icc", control)),
            prior=prior_text(nulls[row.outcome].priors),
        )
        for row in found.icc
    )
    coefficients = tuple(
        _rounded_coefficient(row, models[row.table, row.question], control)
        if (row.table, row.question) in models else row
        for row in found.coefficients
    )  # fmt: skip
    results = {
        key: {name: released(one, control) for name, one in of.items()}
        for key, of in found.results.items()
    }
    shown = replace(found, icc=icc, coefficients=coefficients, results=results)
    return Passed(shown, withheld_of(control))


def _places(spec: ModelSpec, term: str, control: Control) -> int:
    """Most decimals of a figure of a model."""
    release = control.release(spec)
    return MOST if release is None else release.places(term)


def _rounded_coefficient(row: CoefficientRow, spec: ModelSpec, control: Control) -> CoefficientRow:
    """A published coefficient's re-analysis with the digits that its data give."""
    release = control.release(spec)
    fewer = 0 if release is None else release.fewer
    decimals = min(significant_decimals(row.sd), _places(spec, row.term, control))
    t = round(row.reml_t, _OF_STATISTICS - fewer)
    row = replace(row, p_direction=direction(row.p_direction, fewer), reml_t=t)
    return _shortened(row, _COEFFICIENT, decimals)


def _shortened[Row](row: Row, names: Iterable[str], decimals: int) -> Row:
    """A record with some figures of so many decimals."""
    values: dict[str, Any] = {name: shortened(getattr(row, name), decimals) for name in names}
    return replace(row, **values)  # type: ignore[type-var]


#: Decimals that are printed of a level, and of a t.
_DECIMALS, _OF_STATISTICS = 2, 1
_ICC: Final = ("reml", "mean", "median", "lower", "upper")
_COEFFICIENT: Final = (
    "reml_estimate", "reml_se", "reml_ci_low", "reml_ci_high", "mean", "sd", "lower", "upper",
)  # fmt: skip


def pass_picture[T](
    result: Result, picture: str, control: Control, draw: Callable[[Result, str], T]
) -> Passed[T]:
    """Draw a picture of a model from what its tables say, or else of what holds no figure of it.

    Parameters
    ----------
    result : Result
    picture : str
        As in `bayes-sf plot`; one that `check_withheld` lets pass.
    control : Control
    draw : callable
        Takes the result and the picture's name.

    Raises
    ------
    DisclosureError
        If it shows draws, single workplaces, or groups that are hidden.
    """
    check_withheld(result.spec, picture, control)
    if picture == "slopes" and (groups := hidden_of(result, control)):
        where = f"plot {picture!r} of {result.spec.name}"
        raise DisclosureError(where, "shows groups that are hidden", got=list(groups), fix=_SHOW)
    own = result if picture in _OF_CHAINS else released(result, control)
    return Passed(draw(own, picture))


def _named(table: str, result: Result) -> str:
    return f"{table}: {result.spec.name}, {result.spec.outcome}"
