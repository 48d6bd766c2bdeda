"""What a sensitivity analysis says, as it may leave: of each outcome all parts as one set.

A model under twenty priors, on the rungs of the ladder, against a region and its rows with other
controls are so many tellings of the same outcomes: `Releases.together` decides with how many digits
all of them leave. A prior makes no digits: decimals are those that the data give.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from math import isnan, nan
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_sf.analysis.choices.control_ladder import control_steps
from bayes_sf.analysis.sensitivity import Sensitivity
from bayes_sf.analysis.sensitivity_parts import compared
from bayes_sf.analysis.size.multiplicity import adjusted_p
from bayes_sf.disclosure.control import HIDDEN, Control, Hidden, hide_groups
from bayes_sf.disclosure.gate import Passed
from bayes_sf.disclosure.learnt.sets import Refit
from bayes_sf.disclosure.learnt.statistics import SPREAD
from bayes_sf.disclosure.protected_frames import hidden_of_all
from bayes_sf.disclosure.protected_models import released
from bayes_sf.disclosure.rounding import (
    beside,
    direction,
    direction_of,
    normal_of,
    shortened,
    significant_decimals,
)
from bayes_sf.engines.gaussian.estimates import Estimate
from bayes_sf.engines.result import Result
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import INTERCEPT
from bayes_sf.spec.names import predictor_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["protect_fan", "protect_sensitivity"]

_LIMITS: Final = ("mean", "sd", "lower", "upper")
#: Figures that a model's own have beside them -> which of its own.
_OWN: Final = {
    "mean": "estimate", "estimate": "estimate", "reml": "estimate", "sd": "sd", "reml_se": "sd",
    "std_error": "sd", "lower": "lower", "reml_lower": "lower", "upper": "upper",
    "reml_upper": "upper",
    **{f"{name}{end}": {"mean": "estimate"}.get(name, name)
       for name in ("mean", "lower", "upper") for end in ("_low", "_high")},
}  # fmt: skip
#: What is stated or set, not found: it keeps its digits.
_STATED: Final = frozenset({
    "alpha_high", "alpha_low", "amount", "contracted_days", "correlation",
    "employees", "n", "prob", "rope_high", "rope_low", "size",
})  # fmt: skip
#: Digits of what has no uncertainty of its own: a Bayes factor moves fast with its estimate.
_PLAIN, _BAYES = 2, 1
#: Columns of groups, and what is said of them.
_OF_GROUPS: Final = {
    "fan": ("group", (*_LIMITS, "p_direction", "p_above", "sign", "concluded", "changes", "error")),
    "days": ("industry", ("employees", "contracted_days", *_LIMITS, "p_more", "cost", "cost_lower",
                          "cost_upper")),
}  # fmt: skip
#: How often a step of controls is told on its own rows: with its control and without.
_OWN_ROWS: Final = 2.0
#: The least that is told anew, by scaled priors and the like; and what an ICC under one more prior
#: tells of that under the model's own.
_LITTLE, _ONE_ICC = 0.01, 0.05
#: Parts that tell a model's own figures anew; which of them is told of by which rows.
_ANEW: Final = frozenset({"fan", "ladder", "scaling"})
_SLOPES, _ICC, _LEVELS, _MANY = "slopes", "icc", "levels", "many"
type _Key = tuple[str, str]
type _Away = set[tuple[str, ...]]


def protect_sensitivity(found: Sensitivity, control: Control) -> Passed[Sensitivity]:
    """Every part with the digits with which all of them leave together.

    Parameters
    ----------
    found : Sensitivity
    control : Control

    Returns
    -------
    Passed of Sensitivity
        Its tables as they may leave.
    """
    if not control.active:
        return Passed(replace(found, results=tuple(released(r, control) for r in found.results)))
    fewer, away = _decide(found, control)
    tables = {name: _rough(name, found, control, fewer, away) for name in found.tables}
    log = [Hidden("sensitivity", " ".join(key), "", "withheld") for key in sorted(away)]
    groups = hidden_of_all(found.results, control)
    for name in [name for name in _OF_GROUPS if name in tables]:
        column, values = _OF_GROUPS[name]
        tables[name], lines = hide_groups(
            tables[name], groups, table=name, values=values, column=column
        )
        log += lines
    if "prior" in tables:
        specs = {one.spec.key: one.spec for one in found.results}
        tables["prior"] = _priors(tables["prior"], specs, control)
    if "controls" in tables:
        tables["controls"], lines = _steps(tables["controls"], control.rules.min_workplaces)
        log += lines
    results = tuple(released(one, control) for one in found.results)
    return Passed(replace(found, results=results, tables=tables), tuple(log))


def _keys(frame: "pd.DataFrame") -> list[_Key]:
    """Model and outcome of each row."""
    return list(zip(frame["model"], frame["outcome"], strict=True))


def _decide(found: Sensitivity, control: Control) -> tuple[dict[str, int], _Away]:
    """Digits fewer of each outcome, and what of which model does not leave."""
    releases = control.releases
    assert releases is not None
    fewer, away = dict[str, int](), set[tuple[str, ...]]()
    for outcome in dict.fromkeys(one.spec.outcome for one in found.results):
        told: list[tuple[tuple[str, ...], Refit]] = []
        own = [one.spec for one in found.results if one.spec.outcome == outcome]
        if _ANEW & {*found.tables}:
            fan = found.tables.get("fan")
            told += [one for spec in own for one in _told_anew(fan, spec, control)]
        if "controls" in found.tables:
            told += [one for spec in own for one in _told_steps(spec, control)]
        if "multiplicity" in found.tables:
            many = ((spec.name, releases.refit(spec)) for spec in compared(outcome, own)
                    if control.keeps(spec))  # fmt: skip
            told += [((name, outcome, _MANY), one) for name, one in many if one is not None]
        batch = releases.together(outcome, [one for _, one in told])
        fewer[outcome] = batch.fewer
        away |= {about for (about, _), kept in zip(told, batch.kept, strict=True) if not kept}
    return fewer, away


def _told_anew(
    fan: "pd.DataFrame | None", spec: ModelSpec, control: Control
) -> Iterator[tuple[tuple[str, ...], Refit]]:
    """What a model's own figures are told anew: slopes, ICC, levels.

    Under another prior a figure is printed as one that is told before and is nearest to it, and
    the rounded difference: that tells of it as much as the prior moves its weights. A normal prior
    shrinks a slope by the share of its variance that it takes; a group's mean by a share of its.
    """
    releases = control.releases
    assert releases is not None
    whole = releases.refit(spec, levels=True)
    if whole is None:
        return
    names = dict.fromkeys(whole.found.names)
    kinds = {name: _ICC if name == "icc" else _LEVELS if name[0] == "[" else _SLOPES
             for name in names}  # fmt: skip
    for kind in dict.fromkeys(kinds.values()):
        others = [name for name in names if kinds[name] != kind]
        times = _again(fan, spec, kind)
        if times:
            yield (*spec.key, kind), whole._replace(found=whole.found.without(others), times=times)


def _kind(row: Mapping[Any, Any]) -> str:
    """Which of a model's figures a row is one of."""
    return _ICC if row["term"] == "icc" else _LEVELS if row.get("group") else _SLOPES


def _again(fan: "pd.DataFrame | None", spec: ModelSpec, kind: str) -> float:
    """How often figures are told anew, 0 for none."""
    if fan is None:
        return 0.0 if kind == _LEVELS else _LITTLE
    own = fan[(fan["model"] == spec.name) & (fan["outcome"] == spec.outcome)]
    shares: dict[tuple[str, str], list[float]] = {}
    for term, group, sd in zip(own["term"], own["group"], own["sd"], strict=True):
        if _kind({"term": term, "group": group}) == kind and ": " not in term:
            shares.setdefault((term, group), []).append(sd**2)
    if kind == _ICC:  # moved by a prior of its own, not by weights
        return _ONE_ICC * max(map(len, shares.values()), default=0)
    times = [0.0]
    for values in shares.values():
        apart = (values[at] - values[near] for at, near in enumerate(_nearest(values)))
        times.append(sum(one**2 for one in apart) / values[0] ** 2)
    return max(*times, _LITTLE) if shares else 0.0


def _nearest(values: Sequence[float]) -> list[int]:
    """Which of those before each value is nearest to it; the first is by itself."""
    return [
        min(range(at), key=lambda near: abs(values[near] - values[at]), default=0)
        for at in range(len(values))
    ]


def _told_steps(spec: ModelSpec, control: Control) -> Iterator[tuple[tuple[str, ...], Refit]]:
    """The item's slopes at every step of controls, on its own rows and on those of all."""
    releases = control.releases
    assert releases is not None
    if len(spec.predictors) < 2:  # no controls
        return
    everybody = releases.population(spec)
    for name, model in control_steps(spec):
        for rows, mask, times in (("own", None, _OWN_ROWS), ("identical", everybody, 1.0)):
            one = releases.refit(model, times, within=mask)
            if one is None:
                continue
            others = {
                term for term in one.found.names
                if predictor_of(term, spec.predictors) != spec.predictors[0]
            }  # fmt: skip
            yield (*spec.key, name, rows), one._replace(found=one.found.without(others))


def _is_away(part: str, row: Mapping[Any, Any], away: _Away) -> bool:
    """Whether a row is of what does not leave."""
    if part == "multiplicity":
        return (str(row["term"]).partition("[")[0], str(row["outcome"]), _MANY) in away
    key = str(row.get("model", "")), str(row["outcome"])
    if part == "controls":
        return (*key, str(row["controls"]), str(row["rows"])) in away
    return part in _ANEW and (*key, _kind(row)) in away


_REML: Final = ("reml", "reml_se", "reml_lower", "reml_upper")


def _rough(
    name: str, found: Sensitivity, control: Control, fewer: Mapping[str, int], away: _Away
) -> "pd.DataFrame":
    """A part with few digits: made of the models' own figures as they leave."""
    frame = found.tables[name]
    shown = frame.copy()
    results = {one.spec.key: one for one in found.results}
    if "priors" in shown:  # resolved they are mean and sd
        shown["priors"] = [str(results[key].spec.priors) for key in _keys(frame)]
    sizes = {(*one.spec.key, contrast.term): contrast.size for one, contrast in found.contrasts}
    models = {key: _Own(one, control) for key, one in results.items()}
    stated = _STATED | ({"width"} if name == "bayes" else set())
    numbers = [str(column) for column in frame.select_dtypes("float") if column not in stated]
    gone, told = [], {column: frame[column].to_list() for column in numbers}
    for at, row in enumerate(frame.to_dict("records")):
        key = (str(row.get("model", "")), str(row["outcome"]))
        less, own, term = fewer.get(key[1], 0), models.get(key), str(row.get("term", ""))
        if name != "prior" and ((own and own.is_unsaid(term)) or _is_away(name, row, away)):
            gone.append(frame.index[at])
            continue
        size = 1.0 if name not in _CONTRASTS else sizes.get((*key, term), 1.0)
        made = _made(name, row, own, size, less)
        for column in numbers:
            if not isnan(row[column]):
                plain = _digits(name, column, float(row[column]), less)
                told[column][at] = made.get(column, plain)
    return _left(name, shown.assign(**told), gone, numbers)


def _made(
    part: str, row: Mapping[Any, Any], own: "_Own | None", size: float, less: int
) -> dict[str, float]:
    """Figures of a row that are made of what has left, or have an sd of their own."""
    if part == "multiplicity":
        return _of_slopes(row, less)
    if own is None or part in {"prior", "bayes"}:
        return {}
    return own.told(part, row, size, less)


def _left(
    part: str, shown: "pd.DataFrame", gone: Sequence[Any], numbers: Sequence[str]
) -> "pd.DataFrame":
    """A part without the rows that do not leave; steps and rungs keep their place."""
    if part not in {"ladder", "controls"}:
        left = shown.drop(index=list(gone))
        return _adjusted(left) if part == "multiplicity" else left
    shown.loc[gone, list(numbers)] = nan
    if part == "controls":
        return _changes(shown)
    shown.loc[gone, "missing"] = HIDDEN
    return shown


#: Parts of contrasts.
_CONTRASTS: Final = frozenset({"size", "designs", "planning", "exceedance", "days"})


class _Own:
    """A model's own figures, in full and as they leave."""

    def __init__(self, result: Result, control: Control) -> None:
        release = control.release(result.spec)
        assert release is not None
        self.release, self.full = release, {(row.term, row.group): row for row in result.rows}
        self.shown = {(row.term, row.group): row for row in released(result, control).rows}
        self.told_before: dict[tuple[str, str], list[tuple[dict[str, float], ...]]] = {}

    def is_unsaid(self, term: str) -> bool:
        """Whether nothing is said of a term."""
        return term in self.release.unsaid

    def told(self, part: str, row: Mapping[Any, Any], size: float, less: int) -> dict[str, float]:
        """Figures of a row that are made of the model's own."""
        term, group = str(row["term"]), str(row.get("group", ""))
        if part == "fan":
            return self._under_prior(row, term, group, less)
        place = (INTERCEPT if term == "group mean" else term, group)
        full, shown = self.full.get(place), self.shown.get(place)
        if full is None or shown is None or part == "controls":
            return self._by_itself(row, less)
        if part == "days":
            return self._days(row, full, shown)
        places = self.release.places(term if not group else "", group) - less
        figures = {}
        for column, name in _OWN.items():
            if column in row:
                ends = {"lower": "upper", "upper": "lower"} if size < 0 else {}
                of = ends.get(name, name)
                scale = abs(size) if of == "sd" else size
                figures[column] = beside(
                    float(row[column]), getattr(full, of) * scale, getattr(shown, of) * scale,
                    places, is_sd=of == "sd",
                )  # fmt: skip
        if "change" in row:
            figures["change"] = round(float(row["change"]), places)
        return figures | _probabilities(row, figures, shown, size)

    def _under_prior(
        self, row: Mapping[Any, Any], term: str, group: str, less: int
    ) -> dict[str, float]:
        """Figures under a prior: the nearest that is told before, and the rounded difference."""
        before = self.told_before.setdefault((term, group), [])
        if not before:
            plain, _, label = term.partition(": ")
            place = (INTERCEPT if term == "group mean" else plain, group)
            size = float(row["mean"]) / self.full[place].estimate if label else 1.0
            before.append((_times(self.full[place], size), _times(self.shown[place], size)))
        places = self.release.places("" if group else term.partition(": ")[0], group) - less
        key = "mean" if term == "icc" else "sd"
        near, told = min(before, key=lambda one: abs(one[0][key] - float(row[key])))
        figures = {
            name: beside(float(row[name]), near[name], told[name], places, is_sd=name == "sd")
            for name in _LIMITS
        }
        before.append(({name: float(row[name]) for name in _LIMITS}, figures))
        return figures | _probabilities(row, figures, None, 1.0)

    def _by_itself(self, row: Mapping[Any, Any], less: int) -> dict[str, float]:
        """Figures of a model with other controls: two digits of each sd."""
        data = self.release.places(str(row["term"]).partition(": ")[0])
        figures = {}
        for columns, sd in ((_REML, "reml_se"), (_LIMITS, "sd")):
            if sd in row:
                places = min(significant_decimals(float(row[sd])), data) - less
                for column in columns:
                    keep = round if _OWN[column] == "estimate" else shortened
                    figures[column] = keep(float(row[column]), places)
                if sd == "reml_se" and "adjustment" in row:
                    figures["adjustment"] = round(float(row["adjustment"]), places)
        if "t" in row and "reml" in figures:
            figures["t"] = round(figures["reml"] / figures["reml_se"], 1)
        return figures | _probabilities(row, figures, None, 1.0)

    @staticmethod
    def _days(row: Mapping[Any, Any], full: Estimate, shown: Estimate) -> dict[str, float]:
        """Lost days: so many times a slope."""
        if isnan(shown.estimate):
            return dict.fromkeys((*_LIMITS, "p_more", "cost", "cost_lower", "cost_upper"), nan)
        times = float(row["mean"]) / full.estimate if full.estimate else 0.0
        low, high = sorted((shown.lower * times, shown.upper * times))
        figures = {"mean": shown.estimate * times, "sd": shown.sd * abs(times),
                   "lower": low, "upper": high}  # fmt: skip
        for cost, of in (("cost", "mean"), ("cost_lower", "lower"), ("cost_upper", "upper")):
            price = float(row[cost]) / float(row[of]) if row[of] else nan
            figures[cost] = _significant(figures[of] * price, 3)
        p = normal_of(figures["mean"], figures["sd"])
        figures["p_more"] = nan if p is None else round(1 - p.cdf(0.0), 3)
        return figures | {name: _significant(figures[name], 3) for name in _LIMITS}


def _times(row: Estimate, size: float) -> dict[str, float]:
    """An estimate of so many units."""
    ends = (row.lower, row.upper) if size > 0 else (row.upper, row.lower)
    values = (row.estimate * size, row.sd * abs(size), ends[0] * size, ends[1] * size)
    return dict(zip(_LIMITS, values, strict=True))


def _probabilities(
    row: Mapping[Any, Any], figures: Mapping[str, float], shown: Estimate | None, size: float
) -> dict[str, float]:
    """Probabilities of a figure: those of a normal distribution, but of an ICC."""
    if row["term"] == "icc":
        return {}
    mean, sd = (figures.get(name, nan) for name in ("mean", "sd"))
    if shown is not None and ("sd" not in row or "mean" not in row):
        mean, sd = shown.estimate * size, shown.sd * abs(size)
    own, found = normal_of(mean, sd), dict[str, float]()
    asked = {"p_direction": direction_of(mean, sd)}
    if "amount" in row:
        amount = float(row["amount"])
        less, more = (nan, nan) if own is None else (own.cdf(-amount), 1 - own.cdf(amount))
        asked |= {"p_above": more, "p_below": less, "p_at_least": more + less}
    if "rope_low" in row:
        low, high = (
            nan if own is None else own.cdf(float(row[end])) for end in ("rope_low", "rope_high")
        )
        asked |= {"p_below": low, "p_above": 1 - high, "p_inside": high - low}
    for name, value in asked.items():
        if name in row:
            found[name] = round(value, 3)
    return found


def _of_slopes(row: Mapping[Any, Any], less: int) -> dict[str, float]:
    """One of many slopes, with two digits of its standard error."""
    places = significant_decimals(float(row["se"])) - less
    figures = {name: shortened(float(row[name]), places) for name in ("se", "sd")}
    figures |= {name: round(float(row[name]), places)
                for name in ("estimate", "mean", "lower", "upper")}  # fmt: skip
    t = figures["estimate"] / figures["se"]
    return figures | {"t": round(t, 1), "p_direction": direction(float(row["p_direction"]), less)}


def _changes(shown: "pd.DataFrame") -> "pd.DataFrame":
    """What controls do to an estimate, from the figures as they leave."""
    first = shown.groupby(["outcome", "model", "term", "rows"])["reml"].transform("first")
    moved, own = shown["reml"] - first, shown["rows"] == "own"
    adjustment = shown["adjustment"].where(own, moved)
    return shown.assign(
        adjustment=adjustment.round(6), loss=(moved - adjustment).where(own, 0.0).round(6)
    )


def _adjusted(shown: "pd.DataFrame") -> "pd.DataFrame":
    """P values of many slopes, from their t as they leave."""
    for _, part in shown.groupby("outcome", sort=False):
        p = np.array([2 * NormalDist().cdf(-abs(t)) for t in part["t"]])
        for name, values in zip(("p", "bonferroni", "bh"), (p, *adjusted_p(p)), strict=True):
            shown.loc[part.index, name] = [_significant(float(value), 2) for value in values]
    return shown


def _digits(part: str, column: str, value: float, less: int) -> float:
    """A figure without an uncertainty of its own."""
    digits = (_BAYES if part == "bayes" else _PLAIN) - less
    if column.startswith(("p_", "log_")):
        return round(value, max(digits, 1))
    return _significant(value, digits)


def _significant(value: float, digits: int) -> float:
    """So many digits, at least one."""
    return float(f"{value:.{max(digits, 1)}g}")


def _priors(
    frame: "pd.DataFrame", specs: Mapping[tuple[str, str], ModelSpec], control: Control
) -> "pd.DataFrame":
    """Prior predictive quantities: priors as stated, and what is observed as an intercept is."""
    shown = frame.astype({"observed": object, "p_above": object})
    for at, row in frame.iterrows():
        spec = specs[str(row["model"]), str(row["outcome"])]
        release = control.release(spec)
        shown.loc[at, "priors"] = str(spec.priors)  # resolved they are mean and sd
        if release is None or isnan(row["observed"]):
            continue
        places = min(2, release.places(SPREAD if row["quantity"] == "sd_outcome" else INTERCEPT))
        told = round(float(row["observed"]), places), round(float(row["p_above"]), 2)
        hidden = INTERCEPT in release.unsaid
        shown.loc[at, ["observed", "p_above"]] = [HIDDEN] * 2 if hidden else list(told)
    return shown


def protect_fan(
    fan: "pd.DataFrame", results: Iterable[Result], control: Control
) -> "Passed[pd.DataFrame]":
    """A fan of priors with the digits that the data give, whatever a prior makes of the sd.

    Parameters
    ----------
    fan : pandas.DataFrame
        As `prior_fan`.
    results : iterable of Result
        Its models.
    control : Control
    """
    if not control.active:
        return Passed(fan)
    found = Sensitivity(tuple(results), (), {"fan": fan}, {}, nan, 0)
    shown = protect_sensitivity(found, control)
    return Passed(shown.shown.tables["fan"], shown.log)


def _steps(frame: "pd.DataFrame", least: int) -> "Passed[pd.DataFrame]":
    """Rows lost to a control, and what they do: not where two steps differ by fewer than `least`.

    The others go with them, since each is the model's n and some steps.
    """
    columns = ["n", "lost", "loss"]
    shown, log = frame.astype(dict.fromkeys(columns, object)), list[Hidden]()
    own = frame[frame["rows"] == "own"]
    for (outcome, model), part in own.groupby(["outcome", "model"], sort=False):
        sizes = sorted(set(part["n"]))
        if any(0 < after - before < least for before, after in pairwise(sizes)):
            shown.loc[part.index, columns] = HIDDEN
            log.append(Hidden("controls", f"{model}, {outcome}", "n", "difference"))
    return Passed(shown, tuple(log)) if log else Passed(frame)
