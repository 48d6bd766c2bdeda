"""Lists of workplaces as they may leave: counted by industry, or whole for those who consent."""

from typing import TYPE_CHECKING

from bayes_sf.disclosure.control import HIDDEN, Control, Hidden
from bayes_sf.disclosure.gate import Passed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["pass_with_consent", "protect_belonging"]


def protect_belonging(belonging: "pd.DataFrame", control: Control) -> "Passed[pd.DataFrame]":
    """Hide lines of few candidates, and of industries that are hidden.

    Parameters
    ----------
    belonging : pandas.DataFrame
        As `count_belonging`; there is no total, so a hidden line cannot be had from others.
    control : Control
    """
    if not control.active:
        return Passed(belonging)
    control.count()
    values = ["candidates", "chosen", "belong_by_rule", "belong_by_posterior"]
    shown = belonging.astype(dict.fromkeys(values, object))
    log = []
    picked = {at: int(n) for at, n in belonging["chosen"].items()}
    for _, part in belonging.groupby("list", sort=False, observed=True):
        sizes = dict(zip(part["industry"], part["candidates"], strict=True))
        groups = control.hidden_groups({str(name): int(n) for name, n in sizes.items()})
        for at, industry in part["industry"].items():
            if industry in groups:
                shown.loc[at, values] = HIDDEN
                log.append(Hidden("belonging", str(industry), str(part["list"].iloc[0]),
                                  groups[industry]))  # fmt: skip
                continue
            own, chosen = belonging.index == at, picked[at]
            if 0 < chosen < control.rules.min_workplaces:  # a sum of so few is theirs
                shown.loc[own, values[2:]] = HIDDEN
                log.append(Hidden("belonging", str(industry), str(part["list"].iloc[0]),
                                  "workplaces"))  # fmt: skip
            else:
                sums = belonging.loc[own, values[2:]].astype(float).round(1)
                shown.loc[own, values[2:]] = sums.astype(object)
    return Passed(shown, tuple(log))


def pass_with_consent[T](microdata: T) -> Passed[T]:
    """Let microdata pass: for what a user asks for with ``--with-data`` or ``--completed`` only.

    Parameters
    ----------
    microdata : object
    """
    return Passed(microdata)
