"""What is said of missing data, as it may leave: counts by industry, size and representatives.

Every line counts workplaces that are surveyed, linked, complete and won back, each a part of
another. A line is hidden where one of these counts, or of their differences, is of too few
workplaces, and others go with it until what is hidden could itself be shown: all lines of a kind
add up to the last.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from bayes_sf.analysis.missing.imputation import MethodRow, MissingStudy
from bayes_sf.disclosure.control import Control, Hidden, hide_groups
from bayes_sf.disclosure.gate import Passed
from bayes_sf.disclosure.protected_frames import Figures, hidden_of_all, protect_frames
from bayes_sf.disclosure.protected_models import blunt_of, finest_of
from bayes_sf.disclosure.rounding import shortened, significant_decimals

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ProtectedStudy", "protect_missing"]

_LIMITS: Final = ("estimate", "sd", "lower", "upper")
_LAYOUT: Final = {
    "delta": Figures(blunt=((_LIMITS, "sd"),)),
    "panel": Figures(blunt=((("mean", "sd", "lower", "upper"), "sd"),)),
}
_INDUSTRY: Final = "industry"


@dataclass(frozen=True, eq=False)
class ProtectedStudy:
    """A study of what is missing as it may leave.

    Parameters
    ----------
    study : MissingStudy
        Its tables as they may leave; models and draws as they were.
    panel : pandas.DataFrame
        Parameters of the panel model.
    industries : mapping
        Hidden industry -> rule.
    """

    study: MissingStudy
    panel: "pd.DataFrame"
    industries: Mapping[str, str]


def protect_missing(
    study: MissingStudy, panel: "pd.DataFrame", control: Control
) -> Passed[ProtectedStudy]:
    """Hide lines of few workplaces, and industries wherever they are named.

    Parameters
    ----------
    study : MissingStudy
    panel : pandas.DataFrame
        Parameters of the panel model, by name in the first column.
    control : Control
    """
    if not control.active:
        return Passed(ProtectedStudy(study, panel, {}))
    control.count()
    fits = (*study.complete_case, *study.results)
    known = hidden_of_all(fits, control)
    unsaid = {g: why for one in fits for g, why in control.unsaid(one.spec).items()}
    if control.counts is not None:  # the linked are counted as well
        unsaid |= control.counts.unsaid(control.counts.linked)
    blunt = any(blunt_of(result, control) for result in fits)
    lines = {
        str(by): _lines(part, control) for by, part in study.missing.groupby("by", sort=False)
        if by != "all"
    }  # fmt: skip
    won = study.won[study.won["industry"] != "all"].rename(columns={"industry": "level"})
    for _, part in won.groupby("outcome", sort=False):
        lines[_INDUSTRY] = {**_lines(part, control), **lines[_INDUSTRY]}
    lines[_INDUSTRY] = {**unsaid, **lines[_INDUSTRY], **known}
    missing, log = study.missing, list[Hidden]()
    for by, levels in lines.items():
        own = missing["by"] == by
        shown, hidden = hide_groups(
            missing[own], levels, table=f"missing, {by}", column="level",
            values=[name for name in map(str, missing) if name not in {"by", "level"}],
        )  # fmt: skip
        if levels:
            missing = missing.astype(object)
            missing.loc[own] = shown.astype(object)
        log += hidden
    counts, hidden = hide_groups(
        study.won, lines[_INDUSTRY], table="won_back", column="industry",
        values=[name for name in map(str, study.won) if name not in {"outcome", "industry"}],
    )  # fmt: skip
    log += hidden
    ends = tuple(f"{industry}]" for industry in lines[_INDUSTRY])
    parameters = panel[~panel.iloc[:, 0].astype(str).str.endswith(ends)] if ends else panel
    frames, _ = protect_frames(
        {"delta": study.effects, "tipping": study.tipping, "panel": parameters}, _LAYOUT, known,
        blunt=blunt, most=finest_of(fits, control),
    )  # fmt: skip
    rows = (
        tuple(_blunted(row, finest_of(fits, control)) for row in study.rows)
        if blunt
        else study.rows
    )
    safe = replace(
        study, rows=rows, missing=missing, won=counts, effects=frames["delta"],
        tipping=frames["tipping"],
    )  # fmt: skip
    return Passed(ProtectedStudy(safe, frames["panel"], lines[_INDUSTRY]), tuple(log))


def _lines(frame: "pd.DataFrame", control: Control) -> dict[str, str]:
    """Levels of one kind that must be hidden, and why.

    Each count, and what one is more than the next, is a table of its own that adds up; a level that
    is hidden in one is in all.
    """
    levels = [str(level) for level in frame["level"]]
    found: dict[str, str] = {}
    for sizes in _parts(frame):
        counts = dict(zip(levels, sizes, strict=True))
        found = {**control.hidden_groups(counts), **found}
    rest = [str(level) for level in frame.sort_values("surveyed", kind="stable")["level"]]
    rest = [level for level in rest if level not in found]
    if len(found) == 1 and rest:  # one by itself is what the others leave
        found[rest[0]] = "complement"
    return found


def _parts(frame: "pd.DataFrame") -> Iterable[list[int]]:
    """Counts of workplaces, and of those that are in one and not in the next."""
    counts = [
        frame[name].astype(int) for name in frame.columns if name in _COUNTS or _is_complete(name)
    ]
    yield from (list(map(int, count)) for count in counts)
    for place, larger in enumerate(counts):
        for smaller in counts[place + 1 :]:
            yield list(map(abs, map(int, larger - smaller)))
    if "shares_known" in frame:
        known = (frame["linked"] * frame["shares_known"].fillna(0)).round().astype(int)
        yield list(map(int, known))
        yield list(map(int, frame["linked"].astype(int) - known))


_COUNTS: Final = frozenset({"surveyed", "linked", "joint", "complete"})


def _is_complete(name: str) -> bool:
    """Whether a column counts the rows of a model."""
    return name.startswith("complete_") and not name.endswith("_share")


def _blunted(row: MethodRow, most: int) -> MethodRow:
    """A line with the digits that are printed."""
    decimals = min(significant_decimals(row.sd), most)
    values: dict[str, Any] = {name: shortened(getattr(row, name), decimals) for name in _LIMITS}
    return replace(row, **values)
