"""What influence and multiverse say, as it may leave: nothing with and without a hidden industry.

An estimate without an industry, set against that of all, is an equation in the industry's mean, and
its n tells how many workplaces it has: of a hidden industry neither is shown, and it counts in no
summary. Answers that few gave go the same way. Of combinations the n is not said where it is one or
two below another that is, nor ever where an industry is left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from bayes_sf.analysis.choices.choices import Workplaces
from bayes_sf.analysis.choices.influence import OTHERS, SMALLEST, Influence
from bayes_sf.analysis.choices.multiverse import Explored
from bayes_sf.arrays import Floats
from bayes_sf.disclosure.control import HIDDEN, Control, Hidden
from bayes_sf.disclosure.gate import Passed
from bayes_sf.disclosure.learnt.sets import Refit
from bayes_sf.disclosure.learnt.statistics import (
    Statistics,
    contrast_statistics,
    pull_statistics,
    ratio_of,
    rests_on_few,
)
from bayes_sf.disclosure.protected_models import hidden_of, released
from bayes_sf.disclosure.rounding import direction_of, normal_of, shortened
from bayes_sf.errors import DisclosureError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.multiverse import NONE

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COMBINATIONS", "PULLS", "REFITS", "protect_explored", "protect_influence"]

_ESTIMATE: Final = ("estimate", "sd", "lower", "upper")
#: Figures of a refit, of the pulls of some workplaces, and of a combination of choices.
REFITS: Final = ("n", *_ESTIMATE, "p_direction")
PULLS: Final = ("n", "pull", "size", "share")
#: Decimals of an estimate of a combination.
_MOST: Final = 2
COMBINATIONS: Final = (*REFITS, "p_rope", "n_groups")


def protect_influence(found: Influence, control: Control) -> Passed[Influence]:
    """Influence without what tells of hidden industries and of answers that few gave.

    Pulls of hidden industries are added to those of the others that are taken together, and of no
    cell is it said how many workplaces it has where some are together: an industry's n, less what
    is shown of it, would be the rest.

    Parameters
    ----------
    found : Influence
    control : Control

    Returns
    -------
    found : Influence
        Hidden figures are NaN, the reason of hidden refits is `:`.
    log : tuple of Hidden
    """
    if not control.active:
        return Passed(found)
    about = f"{found.result.spec.name}, {found.result.spec.outcome}"
    least = max(SMALLEST, control.rules.min_workplaces)
    groups, unsaid = hidden_of(found.result, control), control.unsaid(found.result.spec)
    counts = dict(zip(found.answers["answer"], map(int, found.answers["n"]), strict=True))
    few = Control(replace(control.rules, min_workplaces=least)).hidden_groups(counts)
    kinds = {"industry": groups, "answer": few}
    hidden = np.array([
        which in kinds.get(kind, {})
        for kind, which in zip(found.refits["left_out"], found.refits["which"], strict=True)
    ])  # fmt: skip
    refits = _without(found.refits, hidden, REFITS)
    refits["n"] = refits["n"].mask(refits["which"].isin(list(unsaid)))
    refits["reason"] = _veiled(refits["reason"])
    answers = _without(found.answers, found.answers["answer"].isin(list(few)).to_numpy(), PULLS)
    cells = _together(found.cells, groups, control.rules.min_workplaces)
    cells = _without(cells, cells["answer"].isin(list(few)).to_numpy(), PULLS)
    if (cells["group"] == OTHERS).any() or few or unsaid:
        cells = _without(cells, np.ones(len(cells), dtype=bool), ("n",))
    refits, answers, cells, withheld = _leaving(found, control, refits, answers, cells)
    nobody = np.zeros(len(found.rows.y), dtype=bool)
    shown = replace(
        found, result=released(found.result, control), refits=refits, answers=answers, cells=cells,
        means=found.means[nobody], sds=found.sds[nobody], rows=found.rows.take(nobody),
        answer=found.answer[nobody],
    )  # fmt: skip
    log = [Hidden(f"refits: {about}", name, "", groups[name]) for name in groups]
    log += [Hidden(f"refits: {about}", name, "n", unsaid[name]) for name in unsaid]
    log += [Hidden(f"answers: {about}", name, "", few[name]) for name in few]
    if shown.cells["n"].isna().any() and not found.cells["n"].isna().any():
        log.append(Hidden(f"cells: {about}", "", "n", "difference"))
    log += [Hidden(f"{name}: {about}", "", "", "withheld") for name in withheld]
    return Passed(shown, tuple(log))


def _leaving(
    found: Influence, control: Control, *frames: "pd.DataFrame"
) -> "tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, list[str]]":
    """Refits, pulls by answer and by cell as they leave together, and what of them does not."""
    refits, answers, cells = frames
    releases, rows, spec = control.releases, found.rows, found.result.spec
    assert releases is not None
    term, size, ratio = found.contrast.term, found.contrast.size, ratio_of(rows)
    own = np.flatnonzero(releases.population(spec))

    def refit(kept: NDArray[np.bool_], told: Statistics) -> Refit:
        mask = np.zeros(len(releases.sample.frame), dtype=bool)
        mask[own[kept]] = True
        few = rests_on_few(rows.take(kept), spec, control.rules.min_workplaces)
        few |= told.rests_on([term]) < control.rules.min_workplaces
        return Refit(mask, told, few)

    everybody = np.ones(len(rows.y), dtype=bool)
    fitted = [at for at in refits.index if refits.loc[at, "reason"] == ""]
    asked = []
    for at in fitted:
        kind, which = refits.loc[at, ["left_out", "which"]]
        kept = everybody if kind == "nobody" else _others(found, str(kind)) != which
        asked.append(refit(kept, contrast_statistics(rows.take(kept), term, size, ratio)))
    by_answer = {str(name): found.answer == name for name in answers["answer"][_told(answers)]}
    by_cell = _members(found, cells[_told(cells)])
    asked += [
        refit(everybody, pull_statistics(rows, term, size, ratio, parts))
        for parts in (by_answer, by_cell) if parts
    ]  # fmt: skip
    batch = releases.together(spec.outcome, asked)
    places = np.full(len(refits), np.nan)
    for at, one, is_kept in zip(fitted, asked, batch.kept, strict=False):
        if is_kept:
            places[refits.index.get_loc(at)] = one.found.decimals[term] - batch.fewer
    hidden = np.isnan(places) & (refits["reason"] == "").to_numpy()
    withheld = [f"refits, {hidden.sum()}"] if hidden.any() else []
    refits = with_places(_without(refits, hidden, REFITS[1:]), places)
    told = [one.found if is_kept else None
            for one, is_kept in zip(asked, batch.kept, strict=True)][len(fitted) :]  # fmt: skip
    pulled = []
    for name, frame, parts in (("answers", answers, by_answer), ("cells", cells, by_cell)):
        pull = told.pop(0) if parts else None
        withheld += [name] if parts and pull is None else []
        pulled.append(_pulled(frame, list(parts), pull, batch.fewer))
    whole = float(pulled[0]["size"].sum(skipna=False))  # unknown where one of them is
    answers, cells = (frame.assign(share=(frame["size"] / whole).round(2)) for frame in pulled)
    return refits, answers, cells, withheld


def _others(found: Influence, kind: str) -> NDArray[Any]:
    """What rows are told apart by where one kind is left out."""
    return found.answer if kind == "answer" else found.group


def _told(frame: "pd.DataFrame") -> "pd.Series[bool]":
    """Which rows have a figure."""
    return frame["pull"].notna()


def _members(found: Influence, cells: "pd.DataFrame") -> dict[str, NDArray[np.bool_]]:
    """Whose pulls a cell has; those that are together are whoever is in no other."""
    parts = {}
    for at, (answer, group) in enumerate(zip(cells["answer"], cells["group"], strict=True)):
        alone = [g for a, g in zip(cells["answer"], cells["group"], strict=True) if a == answer]
        mine = ~np.isin(found.group, alone) if group == OTHERS else found.group == group
        parts[f"{at}"] = (found.answer == answer) & mine
    return parts


def _pulled(
    frame: "pd.DataFrame", names: Sequence[str], told: Statistics | None, fewer: int
) -> "pd.DataFrame":
    """Pulls with the digits that their data give."""
    if told is None:
        return frame.assign(pull=np.nan, size=np.nan)
    shown = frame.astype({"pull": float, "size": float})
    for at, name in zip(frame.index[_told(frame)], names, strict=True):
        for column, own in (("pull", name), ("size", f"|{name}|")):
            shown.loc[at, column] = round(shown.loc[at, column], told.decimals[own] - fewer)
    return shown


def _without(frame: "pd.DataFrame", hidden: np.ndarray, figures: tuple[str, ...]) -> "pd.DataFrame":
    """A frame without some rows' figures."""
    whole = [name for name in ("n", "n_groups") if name in frame]
    shown = frame.astype(dict.fromkeys(whole, object))
    shown.loc[hidden, list(figures)] = np.nan
    if "reason" in frame:
        shown.loc[hidden, "reason"] = HIDDEN
    return shown


def _veiled(reasons: "pd.Series[str]") -> "pd.Series[str]":
    """Why something could not be fitted: not told from what is hidden, as it may be a small n."""
    return reasons.mask(reasons != "", HIDDEN)


def _together(cells: "pd.DataFrame", groups: Mapping[str, str], least: int) -> "pd.DataFrame":
    """Cells with hidden industries in those of the others, of each answer.

    One hidden industry by itself takes the smallest other cell with it.
    """
    import pandas as pd

    if not groups:
        return cells
    parts = []
    for _, own in cells.groupby("answer", sort=False):
        part, small = own, own["group"].isin(list(groups))
        if small.any():
            order = part[~small].sort_values("n", kind="stable").index
            chosen = [*part.index[small], *part.index[part["group"] == OTHERS]]
            rest = [at for at in order if at not in chosen]
            while rest and (len(chosen) < 2 or part.loc[chosen, "n"].sum() < least):
                chosen.append(rest.pop(0))
            whole = part.loc[[chosen[0]]].assign(
                group=OTHERS, **{name: part.loc[chosen, name].sum(skipna=False) for name in PULLS}
            )
            part = pd.concat([part.drop(index=chosen), whole])
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def protect_explored(explored: Explored, control: Control) -> Passed[Explored]:
    """Multiverse without the combinations that leave out a hidden industry.

    Parameters
    ----------
    explored : Explored
    control : Control

    Returns
    -------
    explored : Explored
        Their figures are NaN and their reason is `:`, so that they are in no summary.
    log : tuple of Hidden

    Raises
    ------
    DisclosureError
        When nothing else was asked.
    """
    if control.counts is None:
        return Passed(explored)
    # What every combination leaves out has no size there.
    sizes = {group: len(of) for group, of in control.persons.items()} | dict(explored.sizes)
    groups = control.hidden_groups(sizes)
    table, hidden = explored.table, np.zeros(len(explored.table), dtype=bool)
    unsaid = ~_far_apart(table["n"], control.counts.totals, control.rules.min_workplaces)
    if "without" in table:
        hidden = table["without"].isin(list(groups)).to_numpy()
        unsaid |= (table["without"] != NONE).to_numpy()
    places = _places(explored, control, ~hidden & (table["reason"] == "").to_numpy())
    withheld = ~hidden & (table["reason"] == "").to_numpy() & np.isnan(places)
    shown = _without(table, hidden | withheld, COMBINATIONS)
    shown["n"] = shown["n"].mask(unsaid)
    shown["reason"] = _veiled(shown["reason"])
    if hidden.all():
        raise DisclosureError(
            f"multiverse {explored.asked.name}",
            f"leaves out hidden {load_codebook().groups} only",
            got=list(groups), fix="--no-disclosure-control shows it to you",
        )  # fmt: skip
    if (shown["reason"] != "").all():
        raise DisclosureError(
            f"multiverse {explored.asked.name}",
            f"is withheld: its combinations would tell of single {load_codebook().units}",
            fix="--no-disclosure-control shows it to you",
        )  # fmt: skip
    shown = with_places(shown, np.fmin(places, _MOST), explored.asked.rope)
    names = dict.fromkeys(table.loc[hidden, "without"]) if hidden.any() else groups
    log = [Hidden("specifications", str(name), "", groups[name]) for name in names]
    if unsaid.any():
        log.append(Hidden("specifications", f"{unsaid.sum()} combinations", "n", "difference"))
    if withheld.any():
        log.append(Hidden("specifications", f"{withheld.sum()} combinations", "", "withheld"))
    return Passed(replace(explored, table=shown), tuple(log))


def _places(explored: Explored, control: Control, chosen: NDArray[np.bool_]) -> Floats:
    """Decimals of each combination's estimate, (n,); NaN where it does not leave.

    Combinations of the same rows are one model, told so many times: a prior moves a posterior among
    its weights, another definition of the outcome or another last quarter counts as the same
    unknown. Those that differ least from the report's choices come first.
    """
    releases = control.releases
    assert releases is not None
    found = np.full(len(chosen), np.nan)
    asked, usual = explored.specifications, explored.asked.usual
    register = bool(load_codebook().register)
    workplaces = Workplaces.of(explored.asked, releases.sample)
    sets: dict[str, dict[tuple[Any, ...], list[int]]] = {}
    for at in np.flatnonzero(chosen):
        one = asked[at]
        about = tuple(one[choice] for choice in one if choice not in _SAME_ROWS)
        apart = sum(one[choice] != usual[choice] for choice in one)
        key = (apart, workplaces.kept(one).tobytes(), *about)
        outcome = explored.outcome if register else str(one["outcome"])
        sets.setdefault(outcome, {}).setdefault(key, []).append(int(at))
    for outcome, alike in sets.items():
        numbers = [alike[key] for key in sorted(alike, key=itemgetter(0))]
        refits = _refits([(asked[of[0]], len(of)) for of in numbers], workplaces, control)
        versions = np.array([y for y, _ in workplaces.outcomes.values()]) if register else None
        batch = releases.together(outcome, refits, versions)
        for of, refit, kept in zip(numbers, refits, batch.kept, strict=True):
            if kept:
                found[of] = refit.found.decimals[workplaces.contrast.term] - batch.fewer
    return found


#: Choices that give another figure of the same rows.
_SAME_ROWS: Final = frozenset({
    "outcome", "prior", "likelihood", "scale", "min_quarters", "last_quarter", "without",
})  # fmt: skip


def _refits(
    asked: Sequence[tuple[Mapping[str, Any], int]], workplaces: Workplaces, control: Control
) -> list[Refit]:
    """What combinations tell, and how often: of the same rows it is worked out once."""
    made: dict[tuple[Any, ...], Refit] = {}
    ratio, item, found = 0.0, workplaces.contrast.term, []
    for one, times in asked:
        kept = workplaces.kept(one)
        key = (kept.tobytes(), one["controls"], one.get("dont_know"), one.get("scale"))
        if key not in made:
            rows, size, _ = workplaces.rows(one)
            ratio = ratio or ratio_of(rows)
            names = tuple(dict.fromkeys((item.partition("[")[0], *one["controls"])))
            spec = ModelSpec(rows.outcome, names, group=rows.group)
            told = contrast_statistics(rows, item, size, ratio)
            least = control.rules.min_workplaces
            few = rests_on_few(rows, spec, least) or told.rests_on([item]) < least
            made[key] = Refit(kept, told, few)
        found.append(made[key]._replace(times=times))
    return found


def with_places(table: "pd.DataFrame", places: Floats, rope: float = 0.0) -> "pd.DataFrame":
    """Estimates with so many decimals each; probabilities are of what is left of them.

    Parameters
    ----------
    table : pandas.DataFrame
        With ``estimate, sd, lower, upper, p_direction``.
    places : (n,) float array
        NaN where nothing is said.
    rope : float
        For ``p_rope``.
    """
    shown = table.astype(dict.fromkeys(_ESTIMATE, float))
    for name in _ESTIMATE:
        keep = round if name == "estimate" else shortened
        shown[name] = [
            keep(float(value), int(at)) if np.isfinite(at) else np.nan
            for value, at in zip(table[name], places, strict=True)
        ]
    told = list(zip(shown["estimate"], shown["sd"], strict=True))
    shown = shown.assign(p_direction=[direction_of(mean, sd) for mean, sd in told])
    if "p_rope" in shown:
        ends = (normal_of(mean, sd) for mean, sd in told)
        inside = [np.nan if one is None else one.cdf(rope) - one.cdf(-rope) for one in ends]
        shown = shown.assign(p_rope=np.round(inside, 3))
    return shown


def _far_apart(sizes: "pd.Series[float]", others: Iterable[int], least: int) -> np.ndarray:
    """Whether each n may be said: the largest first, those that no n that is said lies close to.

    With each that is not the nearest goes: by itself it would be known to be close to that.
    """
    kept, own = set(others), sorted(set(sizes.dropna().astype(int)), reverse=True)
    said = set(kept)
    for size in own:
        if not any(0 < abs(size - other) < least for other in said):
            said.add(size)
    for size in [size for size in own if size not in said]:
        free = [other for other in own if other in said and other not in kept]
        said.discard(min(free, key=lambda other: abs(other - size), default=-1))
    return np.array([np.isnan(size) or int(size) in said for size in sizes.astype(float)])
