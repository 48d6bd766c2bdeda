"""Predictive checks and predictions of groups that were left out, as they may leave.

Smallest and largest values are those of single workplaces; a share times its n is a count.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from bayes_sf.disclosure.control import HIDDEN, Control, Hidden, hide_groups
from bayes_sf.disclosure.gate import Passed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["pass_fit_measures", "protect_checks", "protect_left_out"]

_EXTREMES: Final = ("min", "max")
_SINGLE: Final = "single workplaces"
_DECIMALS: Final = 2


def protect_checks(
    checks: "pd.DataFrame",
    groups: Mapping[str, str],
    control: Control,
    unsaid: Mapping[str, str] | None = None,
    *,
    blunt: bool = False,
) -> "Passed[pd.DataFrame]":
    """Predictive checks without extremes, hidden groups and shares of one or two workplaces.

    Parameters
    ----------
    checks : pandas.DataFrame
        As `check_predictions`, with `group` and `statistic` as columns.
    groups : mapping
        Hidden group -> rule.
    control : Control
    unsaid : mapping, optional
        Groups whose n is not said -> rule. Nor are their shares, which times n are counts, and
        sds; their means have one decimal.
    blunt : bool
        Whether figures keep two decimals although no group is hidden.
    """
    if not control.active:
        return Passed(checks)
    values = ("n", "observed", "median", "lower", "upper", "p_above")
    whole = checks.round(dict.fromkeys(values, _DECIMALS)) if groups or unsaid or blunt else checks
    shown, log = hide_groups(whole, groups, table="checks", values=values)
    shown, more = hide_groups(shown, unsaid or {}, table="checks", values=("n",))
    shown, log = shown.astype(dict.fromkeys(values, object)), (*log, *more)
    coarse = (checks["group"] != "") & ~checks["group"].isin(list(groups))
    for name in ("observed", "median", "lower", "upper"):
        shown.loc[coarse, name] = checks.loc[coarse, name].round(1)
    number = (checks["observed"] * checks["n"]).round()
    least = control.rules.min_workplaces
    share = checks["statistic"] == "share <= 0"
    few = share & (number.between(1, least - 1) | (checks["n"] - number).between(1, least - 1))
    if (few & (checks["group"] != "")).any():  # one group's share is had from the others' and all
        few |= share & (checks["group"] != "")
    secret = checks["group"].isin(list(unsaid or {})) & coarse
    few |= secret & checks["statistic"].isin(["share <= 0", "sd"])
    # With mean and sd of three a member has the other two: a second moment needs two more.
    few |= (checks["group"] != "") & (checks["statistic"] == "sd") & (checks["n"] < least + 2)
    single = checks["statistic"].isin(_EXTREMES)
    shown.loc[single | few, ["observed", "p_above"]] = HIDDEN
    where = checks.loc[single | few, ["statistic", "group"]].itertuples(index=False)
    single_log = (Hidden("checks", f"{g or 'all'}", s, _SINGLE) for s, g in where)
    return Passed(shown, (*log, *single_log))


def protect_left_out(
    frame: "pd.DataFrame",
    groups: Mapping[str, str],
    unsaid: Mapping[str, str] | None = None,
    *,
    blunt: bool = False,
) -> "Passed[pd.DataFrame]":
    """Predictions of groups that were left out, without hidden ones.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `leave_group_out`, with `group` as a column.
    groups : mapping
        Hidden group -> rule.
    unsaid : mapping, optional
        Groups whose n is not said, nor the sum of their log densities -> rule.
    blunt : bool
        Whether figures keep one decimal.
    """
    frame = frame.round(1) if blunt else frame
    values = ("n", "elpd", "mean", "predicted", "lower", "upper")
    shown, log = hide_groups(frame, groups, table="groups", values=values)
    if not unsaid:
        return Passed(shown, log)
    shown = shown.assign(mean=[x if isinstance(x, str) else round(x, 1) for x in shown["mean"]])
    shown, more = hide_groups(shown, unsaid, table="groups", values=("n", "elpd"))
    return Passed(shown, (*log, *more))


def pass_fit_measures(frame: "pd.DataFrame", control: Control) -> "Passed[pd.DataFrame]":
    """Let sums over all rows of a model pass, with the decimals that are printed.

    Parameters
    ----------
    frame : pandas.DataFrame
        Expected log densities and their like, one line a model.
    control : Control
    """
    if not control.active:
        return Passed(frame)
    columns = frame.select_dtypes("float").columns
    return Passed(frame.round({name: 2 if name == "weight" else 1 for name in columns}))
