"""What is said of missing data, as it may leave: counts by industry, size and representatives.

Every line counts workplaces that are surveyed, linked, complete and won back, each a part of
another. A line is hidden where one of these counts, or of their differences, is of too few
workplaces, and others go with it until what is hidden could itself be shown: all lines of a kind
add up to the last.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import isnan, nan
from typing import TYPE_CHECKING, Any, Final

from bayes_sf.analysis.missing.imputation import QUANTITIES, MethodRow, MissingStudy
from bayes_sf.analysis.missing.tipping import tipping_points
from bayes_sf.disclosure.control import Control, Hidden, hide_groups
from bayes_sf.disclosure.gate import Passed
from bayes_sf.disclosure.learnt.sets import Refit
from bayes_sf.disclosure.learnt.statistics import ICC
from bayes_sf.disclosure.protected_frames import Figures, hidden_of_all, protect_frames
from bayes_sf.disclosure.protected_models import finest_of, released
from bayes_sf.disclosure.rounding import (
    MOST,
    beside,
    direction_of,
    shortened,
    significant_decimals,
)
from bayes_sf.engines.result import Result
from bayes_sf.spec.model import ModelSpec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ProtectedStudy", "protect_missing", "protect_moved"]

_LIMITS: Final = ("estimate", "sd", "lower", "upper")
_LAYOUT: Final = {
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
    leaving = _Leaving(study, control)
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
        {"panel": parameters}, _LAYOUT, known, blunt=True,
        most=finest_of(fits, control) - max(leaving.fewer.values(), default=0),
    )  # fmt: skip
    effects = leaving.effects(study.effects)
    safe = replace(
        study, rows=tuple(map(leaving.row, study.rows)), missing=missing, won=counts,
        effects=effects, tipping=tipping_points(effects),
        complete_case=tuple(released(one, control) for one in study.complete_case),
    )  # fmt: skip
    log += [Hidden("methods", " ".join(key), "", "withheld") for key in sorted(leaving.away)]
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


class _Leaving:
    """How figures of every treatment leave: of each outcome all of them as one set.

    The model of complete rows has left by itself. Known precision is a model of its own; completed
    sets, the joint model and its effects under delta 0 tell slopes and ICC anew. Another delta
    moves them by what no outcome is in.
    """

    def __init__(self, study: MissingStudy, control: Control) -> None:
        self.control, self.releases = control, control.releases
        self.specs = {one.spec.outcome: one.spec for one in study.complete_case}
        self.own = {
            (one.spec.outcome, row.term): row
            for one in study.complete_case for row in released(one, control).singles
        }  # fmt: skip
        self.zero = {
            (str(row.outcome), row.term): row for row in study.rows
            if row.method == "delta" and row.delta == 0
        }  # fmt: skip
        self.fewer, self.away = dict[str, int](), set[tuple[str, ...]]()
        assert self.releases is not None
        for outcome, spec in self.specs.items():
            methods = {row.method for row in study.rows if row.outcome == outcome}
            told = []
            if "known-precision" in methods:
                known = replace(spec, repeats="n_quarters", min_quarters=1)
                told += self._told(known, "known-precision", 1.0)
            again = methods & {"rubin", "joint", "delta"}
            if again:
                told += self._told(spec, "joint", float(len(again)))
            batch = self.releases.together(outcome, [one for _, one in told])
            self.fewer[outcome] = batch.fewer
            self.away |= {of for (of, _), kept in zip(told, batch.kept, strict=True) if not kept}

    def _told(
        self, spec: ModelSpec, method: str, times: float
    ) -> list[tuple[tuple[str, ...], Refit]]:
        """Slopes, and the ICC, of a treatment."""
        assert self.releases is not None
        whole = self.releases.refit(spec, times)
        if whole is None:
            return []
        slopes = [name for name in whole.found.names if name != ICC]
        return [
            ((spec.outcome, method, kind), whole._replace(found=whole.found.without(others)))
            for kind, others in (("slopes", [ICC]), (ICC, slopes))
        ]

    def _places(self, outcome: str, term: str) -> int:
        """Most decimals of a figure."""
        release = self.control.release(self.specs[outcome])
        assert release is not None
        return release.places(term) - self.fewer[outcome]

    def row(self, row: MethodRow) -> MethodRow:
        """One line as it leaves."""
        method = row.method if row.method == "known-precision" else "joint"
        kind = ICC if row.term == ICC else "slopes"
        own = self.own.get((row.outcome, row.term))
        if row.method == "complete-case" and own is not None:
            names = (*_LIMITS, "p_direction")
            values: dict[str, Any] = {name: getattr(own, name) for name in names}
            return replace(row, **values)
        if (row.outcome, method, kind) in self.away or (own is not None and isnan(own.estimate)):
            return replace(
                row, estimate=nan, sd=nan, lower=nan, upper=nan, p_direction=nan
            )  # fmt: skip
        places = min(significant_decimals(row.sd), self._places(row.outcome, row.term))
        if row.method != "delta" or row.delta == 0:
            values = {name: shortened(getattr(row, name), places) for name in _LIMITS[1:]}
            values["estimate"] = round(row.estimate, places)
        else:
            base = self.zero[row.outcome, row.term]
            shown, places = self.row(base), self._places(row.outcome, row.term)
            values = {
                name: beside(getattr(row, name), getattr(base, name), getattr(shown, name), places,
                             is_sd=name == "sd")
                for name in _LIMITS
            }  # fmt: skip
        if not isnan(row.p_direction):
            values["p_direction"] = direction_of(values["estimate"], values["sd"])
        return replace(row, **values)

    def effects(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Effects under delta, as their lines say them."""
        outcomes = {name: outcome for outcome, name in QUANTITIES.items()}
        lines = [
            self.row(
                MethodRow(
                    outcome=outcomes[str(line["quantity"])], model="", term=str(line["term"]),
                    method="delta", delta=line["delta"], pattern="", prob=line["prob"], interval="",
                    n=0, n_groups=0, unit="", engine="", source="", p_direction=line["p_direction"],
                    estimate=line["estimate"], sd=line["sd"], lower=line["lower"],
                    upper=line["upper"],
                )
            )
            for line in frame.to_dict("records")
        ]  # fmt: skip
        names = (*_LIMITS, "p_direction")
        shown = {name: [getattr(line, name) for line in lines] for name in names}
        return frame.assign(**shown) if lines else frame


def protect_moved(
    effects: "pd.DataFrame", results: Iterable[Result], control: Control
) -> "pd.DataFrame":
    """Effects if workplaces without an outcome had other ones: their model's, and what moves.

    Parameters
    ----------
    effects : pandas.DataFrame
        As `shift_effects`.
    results : iterable of Result
        Its models. Who has no outcome moves them by what no outcome is in.
    control : Control
    """
    if not control.active:
        return effects
    own = {}
    for one in results:
        shown = {row.term: row for row in released(one, control).coefficients}
        for row in one.coefficients:
            release = control.release(one.spec)
            places = MOST if release is None else release.places(row.term)
            own[QUANTITIES[one.spec.outcome], row.term] = row, shown[row.term], places
    found = effects.copy()
    for at, line in zip(effects.index, effects.to_dict("records"), strict=True):
        full, rounded, places = own[str(line["quantity"]), str(line["term"])]
        for name in _LIMITS:
            found.loc[at, name] = beside(
                float(line[name]), getattr(full, name), getattr(rounded, name), places,
                is_sd=name == "sd",
            )  # fmt: skip
        mean, sd = (float(found.loc[at, name]) for name in _LIMITS[:2])
        found.loc[at, "p_direction"] = direction_of(mean, sd)
    return found
