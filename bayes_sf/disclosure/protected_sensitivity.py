"""What a sensitivity analysis says, as it may leave: industries' means and days, rows lost."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise
from math import isnan
from typing import TYPE_CHECKING, Final

from bayes_sf.analysis.sensitivity import Sensitivity
from bayes_sf.disclosure.control import HIDDEN, Control, Hidden
from bayes_sf.disclosure.gate import Passed
from bayes_sf.disclosure.learnt.statistics import SPREAD
from bayes_sf.disclosure.protected_frames import Figures, hidden_of_all, protect_frames
from bayes_sf.disclosure.protected_models import blunt_of, finest_of, released
from bayes_sf.engines.result import Result
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import INTERCEPT

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["protect_fan", "protect_sensitivity"]

_LIMITS: Final = ("mean", "sd", "lower", "upper")
_REML: Final = ("reml", "reml_se", "reml_lower", "reml_upper", "loss", "adjustment")

#: Part -> where it names industries, and what has which uncertainty.
_LAYOUT: Final = {
    "fan": Figures("group", (*_LIMITS, "p_direction", "p_above", "sign", "concluded", "changes",
                             "error"), ((_LIMITS, "sd"),)),
    "ladder": Figures(blunt=((("estimate", "sd", "lower", "upper", "change"), "sd"),)),
    "controls": Figures(blunt=((_LIMITS, "sd"), (_REML, "reml_se"))),
    "days": Figures("industry", ("employees", "contracted_days", *_LIMITS, "p_more", "cost",
                                 "cost_lower", "cost_upper"), ((_LIMITS, "sd"),)),
    "designs": Figures(blunt=((("estimate", "std_error"), "std_error"),)),
    "multiplicity": Figures(blunt=((("estimate", "se"), "se"), (_LIMITS, "sd"))),
}  # fmt: skip


def protect_sensitivity(found: Sensitivity, control: Control) -> Passed[Sensitivity]:
    """Hide industries in every part, and rows that a step loses where they are one or two.

    Parameters
    ----------
    found : Sensitivity
    control : Control

    Returns
    -------
    Passed of Sensitivity
        Its tables as they may leave.
    """
    groups = hidden_of_all(found.results, control)
    unsaid = {g: why for one in found.results for g, why in control.unsaid(one.spec).items()}
    blunt = any(blunt_of(result, control) for result in found.results)
    tables, log = protect_frames(
        found.tables, _LAYOUT, groups, blunt=blunt, unsaid=unsaid,
        most=finest_of(found.results, control),
    )  # fmt: skip
    if "prior" in tables and control.active:
        specs = {one.spec.key: one.spec for one in found.results}
        tables["prior"] = _priors(tables["prior"], specs, control)
    found = replace(found, results=tuple(released(one, control) for one in found.results))
    if "controls" not in tables or not control.active:
        return Passed(replace(found, tables=tables), log)
    tables["controls"], lines = _steps(tables["controls"], control.rules.min_workplaces)
    return Passed(replace(found, tables=tables), (*log, *lines))


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
    most = max(finest_of(results, control), _OF_ICC)
    shown, log = protect_frames({"fan": fan}, {"fan": _LAYOUT["fan"]}, {}, blunt=True, most=most)
    return Passed(shown["fan"], log)


#: Decimals of an ICC.
_OF_ICC: Final = 3


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
