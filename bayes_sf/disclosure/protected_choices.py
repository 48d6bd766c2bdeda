"""What influence and multiverse say, as it may leave: nothing with and without a hidden industry.

An estimate without an industry, set against that of all, is an equation in the industry's mean, and
its n tells how many workplaces it has: of a hidden industry neither is shown, and it counts in no
summary. Answers that few gave go the same way. Of combinations the n is not said where it is one or
two below another that is, nor ever where an industry is left out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from bayes_sf.analysis.choices.influence import OTHERS, SMALLEST, Influence
from bayes_sf.analysis.choices.multiverse import Explored
from bayes_sf.disclosure.control import HIDDEN, Control, Hidden
from bayes_sf.disclosure.gate import Passed
from bayes_sf.disclosure.protected_frames import Figures, protect_frames
from bayes_sf.disclosure.protected_models import finest_of, hidden_of
from bayes_sf.errors import DisclosureError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.spec.multiverse import NONE

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COMBINATIONS", "PULLS", "REFITS", "protect_explored", "protect_influence"]

_ESTIMATE: Final = ("estimate", "sd", "lower", "upper")
_BLUNT: Final = Figures(blunt=((_ESTIMATE, "sd"),))
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
    frames, _ = protect_frames(
        {"refits": refits, "answers": answers, "cells": cells}, {"refits": _BLUNT}, groups | few,
        blunt=True, most=finest_of([found.result], control),
    )  # fmt: skip
    shown = replace(
        found, refits=frames["refits"], answers=frames["answers"], cells=frames["cells"]
    )
    log = [Hidden(f"refits: {about}", name, "", groups[name]) for name in groups]
    log += [Hidden(f"refits: {about}", name, "n", unsaid[name]) for name in unsaid]
    log += [Hidden(f"answers: {about}", name, "", few[name]) for name in few]
    if shown.cells["n"].isna().any() and not found.cells["n"].isna().any():
        log.append(Hidden(f"cells: {about}", "", "n", "difference"))
    return Passed(shown, tuple(log))


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
    shown = _without(table, hidden, COMBINATIONS)
    shown["n"] = shown["n"].mask(unsaid)
    shown["reason"] = _veiled(shown["reason"])
    frames, _ = protect_frames({"table": shown}, {"table": _BLUNT}, groups, blunt=True, most=_MOST)
    if (shown["reason"] != "").all():
        raise DisclosureError(
            f"multiverse {explored.asked.name}", f"leaves out hidden {load_codebook().groups} only",
            got=list(groups), fix="--no-disclosure-control shows it to you",
        )  # fmt: skip
    names = dict.fromkeys(table.loc[hidden, "without"]) if hidden.any() else groups
    log = [Hidden("specifications", str(name), "", groups[name]) for name in names]
    if unsaid.any():
        log.append(Hidden("specifications", f"{unsaid.sum()} combinations", "n", "difference"))
    return Passed(replace(explored, table=frames["table"]), tuple(log))


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
