"""Sample flow and missing quarters as they may leave.

Which counts of a flow are not said is decided in `protected_counts.py`. Of a quarter a small state
of the register is hidden, and with it the observed; in industries whose number of linked workplaces
is not said the observed always, because the states add up to the linked.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from bayes_sf.disclosure.control import HIDDEN, Control, Hidden, Rules
from bayes_sf.disclosure.gate import Passed
from bayes_sf.disclosure.protected_counts import Counts

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["hide_few", "protect_flow", "protect_missing", "protect_problems"]

_ALL: Final = "all"
_STATES: Final = ("observed", "no_absence", "no_row")
_COMPLEMENT: Final = "complement"

type Log = tuple[Hidden, ...]


def protect_flow(flow: "pd.DataFrame", counts: Counts) -> "tuple[pd.DataFrame, Log]":
    """Hide steps of a flow whose difference tells of single workplaces.

    Parameters
    ----------
    flow : pandas.DataFrame
        `analysis, outcome, step`, counts by industry, `all`; a line for each of `Counts.steps`.
    counts : Counts

    Returns
    -------
    flow : pandas.DataFrame
    log : tuple of Hidden
    """
    if flow.empty:  # of a study of one's own that states no analysis
        return flow, ()
    industries = [name for name in flow if name not in {"analysis", "outcome", "step", _ALL}]
    shown = flow.astype(dict.fromkeys([*industries, _ALL], object))
    log: list[Hidden] = []
    for at, (step, gone) in enumerate(zip(counts.steps, counts.gone, strict=True)):
        hidden = counts.unsaid(step.kept) | ({_ALL: "difference"} if gone else {})
        shown.loc[at, list(hidden)] = HIDDEN
        where = f"{step.analysis}, {step.outcome}: {step.step}"
        log += [Hidden("flow", where, name, why) for name, why in hidden.items()]
    return shown, tuple(log)


def protect_missing(
    counts: "pd.DataFrame",
    groups: Mapping[str, str],
    industries: Mapping[str, str],
    rules: Rules,
) -> "tuple[pd.DataFrame, Log]":
    """Hide small states of a quarter, and what would give them or the linked away.

    Parameters
    ----------
    counts : pandas.DataFrame
        `industry, quarter, observed, no_absence, no_row`.
    groups : mapping
        Hidden industry -> rule.
    industries : mapping
        Industries whose number of linked workplaces is not said, `groups` among them.
    rules : Rules
    """
    shown = counts.astype(dict.fromkeys(_STATES, object))
    log: list[Hidden] = []
    for at, line in counts.iterrows():
        industry, where = str(line["industry"]), f"{line['industry']}, {line['quarter']}"
        why = {state: "workplaces" for state in _STATES if 0 < line[state] < rules.min_workplaces}
        small = bool(why)
        if industry in groups:
            why = dict.fromkeys(_STATES, groups[industry])
        elif small or industry in industries:
            why.setdefault("observed", _COMPLEMENT)
        while small and len(why) < len(_STATES) and (
            len(why) < 2 or sum(int(line[state]) for state in why) < rules.min_workplaces
        ):  # fmt: skip
            others = [state for state in _STATES if state not in why]
            why[max(others, key=lambda state: int(line[state]))] = _COMPLEMENT
        for state in why:
            shown.loc[at, state] = HIDDEN
            log.append(Hidden("missingness", where, state, why[state]))
    return shown, tuple(log)


def hide_few(problems: "pd.DataFrame", least: int) -> "pd.DataFrame":
    """Problems as they may leave: without their places, and `<3` for fewer rows than that.

    Parameters
    ----------
    problems : pandas.DataFrame
        As `AnalysisSample.problems`.
    least : int
        The smallest number of rows that is said; 1 hides none.
    """
    said = [int(n) if n >= least else f"<{least}" for n in problems["rows"]]
    return problems.drop(columns="places").assign(rows=said).astype({"rows": object})


def protect_problems(problems: "pd.DataFrame", control: Control) -> "Passed[pd.DataFrame]":
    """Problems of files: counted, without their places.

    Parameters
    ----------
    problems : pandas.DataFrame
        As `AnalysisSample.problems`.
    control : Control
    """
    return Passed(hide_few(problems, control.rules.min_workplaces if control.active else 1))
