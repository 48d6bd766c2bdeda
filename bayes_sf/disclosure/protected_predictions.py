"""Predictive checks and predictions of groups that were left out, as they may leave.

Smallest and largest values are those of single workplaces; a share times its n is a count.
"""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final

from bayes_sf.disclosure.control import HIDDEN, Control, Hidden, hide_groups
from bayes_sf.disclosure.gate import Passed
from bayes_sf.disclosure.learnt.ways import Release
from bayes_sf.disclosure.rounding import significant_decimals
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import INTERCEPT

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["pass_fit_measures", "protect_checks", "protect_left_out"]

_EXTREMES: Final = ("min", "max")
_SINGLE: Final = "single workplaces"
_DECIMALS: Final = 2
#: Where there is no release: a control without data has none.
_USUAL: Final = Release(0, {INTERCEPT: _DECIMALS})
#: Figures in the outcome's unit, and shares.
_IN_UNIT: Final = ("observed", "median", "lower", "upper")


def protect_checks(
    checks: "pd.DataFrame", groups: Mapping[str, str], control: Control, spec: ModelSpec
) -> "Passed[pd.DataFrame]":
    """Predictive checks without extremes, hidden groups and shares of one or two workplaces.

    Of groups whose n is not said neither shares are, which times n are counts, nor sds.

    Parameters
    ----------
    checks : pandas.DataFrame
        As `check_predictions`, with `group` and `statistic` as columns.
    groups : mapping
        Hidden group -> rule.
    control : Control
    spec : ModelSpec
        Of the model: its release says how many decimals there are, and whether what is of all
        workplaces is said.
    """
    if not control.active:
        return Passed(checks)
    values = ("n", "observed", "median", "lower", "upper", "p_above")
    unsaid, release = control.unsaid(spec), control.release(spec) or _USUAL
    whole = checks.round(dict.fromkeys(values, _DECIMALS))
    shown, log = hide_groups(whole, groups, table="checks", values=values)
    shown, more = hide_groups(shown, unsaid, table="checks", values=("n",))
    shown, log = shown.astype(dict.fromkeys(values, object)), (*log, *more)
    of_all = checks["group"] == ""
    coarse = ~of_all & ~checks["group"].isin(list(groups))
    for at in checks.index[~checks["group"].isin(list(groups))]:
        group, most = str(checks.loc[at, "group"]), 1 if coarse[at] else _DECIMALS
        most = min(most, release.places("" if group else INTERCEPT, group))
        for name in _IN_UNIT:
            shown.loc[at, name] = round(float(checks.loc[at, name]), most)
    number = (checks["observed"] * checks["n"]).round()
    least = control.rules.min_workplaces
    share = checks["statistic"] == "share <= 0"
    few = share & (number.between(1, least - 1) | (checks["n"] - number).between(1, least - 1))
    if (few & (checks["group"] != "")).any():  # one group's share is had from the others' and all
        few |= share & (checks["group"] != "")
    secret = checks["group"].isin(list(unsaid)) & coarse
    few |= secret & checks["statistic"].isin(["share <= 0", "sd"])
    # With mean and sd of three a member has the other two: a second moment needs two more.
    few |= (checks["group"] != "") & (checks["statistic"] == "sd") & (checks["n"] < least + 2)
    if control.releases is not None:  # where all are much alike, each is what the mean is
        alike = checks["observed"] < control.releases.sharpest(spec.outcome)
        few |= (checks["statistic"] == "sd") & alike
    if release.unsaid:  # one more equation in what is hidden
        few |= of_all
    single = checks["statistic"].isin(_EXTREMES)
    shown.loc[single | few, ["observed", "p_above"]] = HIDDEN
    where = checks.loc[single | few, ["statistic", "group"]].itertuples(index=False)
    single_log = (Hidden("checks", f"{g or 'all'}", s, _SINGLE) for s, g in where)
    return Passed(shown, (*log, *single_log))


def protect_left_out(
    frame: "pd.DataFrame", groups: Mapping[str, str], control: Control, spec: ModelSpec
) -> "Passed[pd.DataFrame]":
    """Predictions of groups that were left out, without hidden ones.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `leave_group_out`, with `group` as a column.
    groups : mapping
        Hidden group -> rule.
    control : Control
    spec : ModelSpec
        Of the model. Groups whose n is not said have no sum of log densities.
    """
    release = control.release(spec)
    if release is None:
        return Passed(frame)
    unsaid = control.unsaid(spec)
    most = [min(1, release.places("", str(group))) for group in frame["group"]]
    frame = frame.round(1).assign(**{
        name: [round(float(x), places) for x, places in zip(frame[name], most, strict=True)]
        for name in ("mean", "predicted", "lower", "upper")
    })  # fmt: skip
    values = ("n", "elpd", "mean", "predicted", "lower", "upper")
    shown, log = hide_groups(frame, groups, table="groups", values=values)
    shown, more = hide_groups(shown, unsaid, table="groups", values=("n", "elpd"))
    return Passed(shown, (*log, *more))


def pass_fit_measures(
    frame: "pd.DataFrame", control: Control, hidden: Collection[str] = ()
) -> "Passed[pd.DataFrame]":
    """Sums over all rows of a model with two digits of their standard error.

    Parameters
    ----------
    frame : pandas.DataFrame
        Expected log densities and their like, one line a model.
    control : Control
    hidden : collection of str
        Groups that are hidden in one of the models: beside them it is not said either that no
        workplace is far from what a model expects.
    """
    if not control.active:
        return Passed(frame)
    places = {
        "elpd": "se", "se": "se", "p": "se", "elpd_diff": "dse", "dse": "dse",
    }  # fmt: skip
    shown = frame.round({"weight": 2})
    for name, of in places.items():
        if name in frame:
            most = [min(significant_decimals(sd), 1) for sd in frame[of]]
            rounded = [round(float(x), at) for x, at in zip(frame[name], most, strict=True)]
            shown = shown.assign(**{name: rounded})
    few = frame["bad_k"].between(0 if hidden else 1, control.rules.min_workplaces - 1)
    if few.any():
        shown = shown.assign(bad_k=frame["bad_k"].astype(object).mask(few, HIDDEN))
    log = tuple(Hidden("loo", str(name), "bad_k", "workplaces") for name in frame["model"][few])
    return Passed(shown, log)
