"""Tidy frames of a run as they may leave: hidden groups are `:`, other figures keep fewer digits.

What several commands share: where a frame names groups, which of its columns are figures of them,
and whose uncertainty sets the digits of the others. Where nothing is hidden, frames pass as they
are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bayes_sf.disclosure.control import HIDDEN, Control, Hidden, hide_groups
from bayes_sf.disclosure.gate import Passed
from bayes_sf.disclosure.protected_models import hidden_of
from bayes_sf.disclosure.rounding import MOST, blunted
from bayes_sf.engines.result import Result

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Figures", "hidden_of_all", "mark_hidden", "protect_frames"]

#: What is stated or set, not found: it keeps its digits.
_STATED: Final = frozenset({
    "alpha_high", "alpha_low", "amount", "contracted_days", "correlation", "delta", "effects_sd",
    "employees", "n", "prob", "rope_high", "rope_low",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figures:
    """What a tidy frame says, and of whom.

    Parameters
    ----------
    column : str
        The column that names groups; "" where a frame is of no group.
    values : tuple of str
        Figures of the group that a row names.
    blunt : tuple of (columns, column of sd)
        Figures that keep two digits of an uncertainty. All others that are not stated keep three
        digits.
    """

    column: str = ""
    values: tuple[str, ...] = ()
    blunt: tuple[tuple[tuple[str, ...], str], ...] = ()


def hidden_of_all(results: Iterable[Result], control: Control) -> dict[str, str]:
    """Groups that are hidden in a sample, or in one of a run's models: they are in all of them.

    Parameters
    ----------
    results : iterable of Result
    control : Control
    """
    found: dict[str, str] = {}
    for result in results:
        found = {**hidden_of(result, control), **found}
    return {**control.surveyed(), **found}


def protect_frames(
    frames: "Mapping[str, pd.DataFrame]",
    layout: Mapping[str, Figures],
    groups: Mapping[str, str],
    *,
    blunt: bool = False,
    most: int = MOST,
    unsaid: Mapping[str, str] | None = None,
) -> "Passed[dict[str, pd.DataFrame]]":
    """Hide groups in all frames of a run.

    Parameters
    ----------
    frames : mapping
        Name -> frame.
    layout : mapping
        Name -> what the frame says; a frame without one is of no group.
    groups : mapping
        Hidden group -> rule.
    blunt : bool
        Whether figures keep few digits although no group is hidden.
    most : int
        Most decimals of figures that have an uncertainty, whatever it is.
    unsaid : mapping, optional
        Groups whose n is not said -> rule: their figures keep one digit of the uncertainty.

    Returns
    -------
    frames : dict
    log : tuple of Hidden

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.DataFrame({"industry": ["ict", "care"], "mean": [3.14159, 2.0], "sd": [0.5, 0.5]})
    >>> said = Figures("industry", ("mean", "sd"), ((("mean", "sd"), "sd"),))
    >>> found, log = protect_frames({"days": days}, {"days": said}, {"care": "workplaces"})
    >>> found["days"]["mean"].tolist(), log[0].row
    ([3.14, ':'], 'care')
    """
    if not (groups or blunt or unsaid):
        return Passed(dict(frames))
    shown, log = {}, list[Hidden]()
    for name, frame in frames.items():
        said = layout.get(name, Figures())
        rough = _fewer(frame, said, 0, most) if groups or blunt else frame
        if said.column and unsaid:
            coarse = _fewer(frame, said, 1, most)
            rough = coarse.where(frame[said.column].isin(list(unsaid)), rough)
        if said.column:
            rough, lines = hide_groups(
                rough, groups, table=name, values=said.values, column=said.column
            )
            log += lines
        shown[name] = rough
    return Passed(shown, tuple(log))


def _fewer(frame: "pd.DataFrame", said: Figures, fewer: int, most: int) -> "pd.DataFrame":
    """A frame with two digits of uncertainties, or fewer, and three of what has none."""
    rough = frame
    for columns, sd in said.blunt:
        rough = rough.assign(**blunted(frame, columns, sd, fewer=fewer, most=most))
    done = {column for columns, _ in said.blunt for column in columns} | _STATED
    for column in frame.select_dtypes("float").columns.difference(list(done)):
        digits = 3 - fewer
        rough = rough.assign(**{column: [float(f"{value:.{digits}g}") for value in frame[column]]})
    return rough


def mark_hidden(frame: "pd.DataFrame", figures: Iterable[str]) -> "pd.DataFrame":
    """Write `:` for figures that a frame of numbers has none of because they are hidden.

    Parameters
    ----------
    frame : pandas.DataFrame
        Where it has a column ``reason``, rows whose reason is `:` are hidden, and what is NaN
        where there is no reason; else all NaN are.
    figures : iterable of str
        Its figures.
    """
    names = list(figures)
    own = frame[names].astype(object)
    if "reason" in frame:
        own[frame["reason"] == HIDDEN] = HIDDEN
        own = own.mask(own.isna() & (frame["reason"] == "").to_numpy()[:, None], HIDDEN)
    else:
        own = own.mask(own.isna(), HIDDEN)
    return frame.assign(**{name: own[name] for name in names})
