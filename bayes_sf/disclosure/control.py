"""Disclosure control: which figures of microdata would tell of single workplaces, and hiding them.

Everything that leaves a run on microdata passes through here: tables as frames, before they are
printed or written, so that a terminal, JSON, CSV, Word and a figure hide the same. Hidden figures
are `:`. Published tables disclose nothing that was not public, and pass as they are.

A group (an industry) is *sensitive* when it has fewer than `min_workplaces` workplaces or
`min_persons` employees, or when one or two workplaces dominate its contracted days: the largest has
more than `one` % of them, the two largest more than `two` %, or all but those two have less than
`p` % of what the largest has (Hundepool et al. 2012, Statistical Disclosure Control, chapter 4). A
group that is hidden by itself could be had from the total, so the next smallest go with it until
what is hidden could itself be shown.

The audit log (`disclosure.csv`) says which rule hid what. Who knows that a cell was hidden for
being small knows that it is small: the log is for those who have the data.

Examples
--------
>>> Control(Rules(), {"care": (9, 9, 9), "ict": (40, 3)}, {}).hidden_groups({"care": 3, "ict": 2})
{'ict': 'workplaces', 'care': 'complement'}
>>> Rules(min_workplaces=2).sensitive_count(1, 9), Rules().sensitive_count(0, 0)
('workplaces', '')
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_sf.disclosure.learnt.ledger import Ledger
from bayes_sf.disclosure.learnt.left import Counted, Left
from bayes_sf.disclosure.learnt.releases import Releases
from bayes_sf.disclosure.learnt.ways import Release
from bayes_sf.disclosure.protected_counts import Counts
from bayes_sf.errors import DisclosureError, UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.spec.model import ModelSpec

if TYPE_CHECKING:
    import pandas as pd

    from bayes_sf.inputs.own_study.folder import OwnStudy

__all__ = [
    "HIDDEN", "MODELS", "OFF", "Control", "Hidden", "Rules", "hide_fields", "hide_groups",
    "people_of", "refuse_withheld",
]  # fmt: skip

#: Statistics Norway's symbol for a figure that is not given.
HIDDEN: Final = ":"
#: What the log calls models that are withheld.
MODELS: Final = "models"
_WORKPLACES, _PERSONS, _DOMINANCE, _COMPLEMENT = "workplaces", "persons", "dominance", "complement"


@dataclass(frozen=True)
class Rules:
    """What makes a figure sensitive.

    Parameters
    ----------
    min_workplaces, min_persons : int
        A cell of fewer workplaces or employees is sensitive; an empty one is not.
    dominance : tuple of float
        Percent of a group's contracted days that its largest workplace, and its two largest, may
        have, and p: percent of the largest's days that all but the two largest must have.
    active : bool
        Whether anything is hidden at all.
    before : tuple of Left and Counted
        What has left of the study in earlier runs, as its ledger says.
    ledger : str
        `Ledger.mark`, for the log; "" without one.
    whose : tuple of int
        Whose each row is, where several may be one's; empty where each is another's.
    seed : int
        Of what is drawn.
    reason : str
        Why nothing is hidden, where a study of one's own states it: its data are public.

    Raises
    ------
    UsageError
        For a rule that cannot be meant.
    """

    min_workplaces: int = 3
    min_persons: int = 5
    dominance: tuple[float, float, float] = (75.0, 90.0, 10.0)
    active: bool = True
    before: tuple[Left | Counted, ...] = field(default=(), repr=False)
    ledger: str = ""
    whose: tuple[int, ...] = field(default=(), repr=False)
    seed: int = 1
    reason: str = ""

    def __post_init__(self) -> None:
        """Refuse thresholds that hide nothing by themselves: there is a switch for that."""
        for name, least in (("min_workplaces", 2), ("min_persons", 1)):
            if self.active and getattr(self, name) < least:
                option = "--" + name.replace("_", "-")
                raise UsageError(
                    option, f"must be at least {least}", got=getattr(self, name),
                    fix="--no-disclosure-control hides nothing, and says so",
                )  # fmt: skip
        one, two, p = self.dominance
        if not (0 < one <= two <= 100 and 0 <= p <= 100):
            rule = "must be percentages of the largest, of the two largest (not less), and p"
            raise UsageError("--dominance", rule, got=self.dominance)

    @classmethod
    def of(cls, study: "OwnStudy", *, active: bool = True) -> "Rules":
        """Take the rules of a study of one's own: whatever its `study.toml` protects may be a row.

        Parameters
        ----------
        study : OwnStudy
        active : bool
            Whether what it protects is.
        """
        privacy = study.header.privacy
        reason = "" if privacy.control else privacy.reason
        return cls(
            study.least, study.least, active=active and privacy.control, whose=study.whose,
            reason=reason,
        )  # fmt: skip

    def after(self, ledger: Ledger) -> "Rules":
        """Count in what has left in earlier runs.

        Parameters
        ----------
        ledger : Ledger
        """
        return replace(self, before=ledger.left, ledger=ledger.mark)

    def sensitive_count(self, workplaces: int, persons: float) -> str:
        """Say which rule a count breaks; "" for none."""
        if 0 < workplaces < self.min_workplaces:
            return _WORKPLACES
        return _PERSONS if workplaces > 0 and persons < self.min_persons else ""

    def dominated(self, days: Sequence[float]) -> bool:
        """Whether one or two workplaces have nearly all of a group's contracted days.

        Parameters
        ----------
        days : sequence of float
            Contracted days of each workplace, in any order; those without are left out.

        Examples
        --------
        >>> Rules().dominated([80, 10, 10]), Rules().dominated([40, 30, 30])
        (True, False)
        """
        ordered = sorted((day for day in days if day > 0), reverse=True)
        if not ordered:
            return False
        total, largest, second = sum(ordered), ordered[0], sum(ordered[1:2])
        one, two, p = (share / 100 for share in self.dominance)
        rest = total - largest - second
        return largest > one * total or largest + second > two * total or rest < p * largest

    def known_to_others(self, values: Sequence[float]) -> bool:
        """Whether the second largest of a sum knows the largest to p %, or all know that all are 0.

        Parameters
        ----------
        values : sequence of float
            What each workplace adds to a sum that is printed; none is below zero.

        Examples
        --------
        >>> [Rules().known_to_others(of) for of in ([9, 5, 0.5], [9, 5, 1], [0, 0, 0], [])]
        [True, False, True, False]
        """
        ordered = sorted(values, reverse=True)
        p = self.dominance[2] / 100
        return bool(ordered) and (ordered[0] <= 0 or sum(ordered[2:]) < p * ordered[0])


#: For those who ask for it; said in every output.
OFF: Final = Rules(active=False)


@dataclass(frozen=True, slots=True)
class Hidden:
    """One line of the audit log: where a figure was hidden, and by which rule.

    Parameters
    ----------
    table : str
        File or table.
    row, column : str
        Where in it; "" for all.
    rule : str
        ``workplaces``, ``persons``, ``dominance``, ``complement`` (it would give another away),
        ``difference`` (of two counts, one a part of the other) or ``single workplaces``.
    """

    table: str
    row: str
    column: str
    rule: str


@dataclass(frozen=True)
class Control:
    """The rules, and what they are applied to.

    Parameters
    ----------
    rules : Rules
    persons : mapping
        Group -> employees of each of its workplaces; 1 where they are not known.
    days : mapping
        Group -> contracted days of each of its workplaces in the period.
    microdata : bool
        Whether there is anything to protect.
    counts : Counts or None
        Which of the industries' counts are not said; None where all may be.
    outcomes : mapping
        Group -> outcomes of its workplaces that are never below zero, one sequence for each.
    releases : Releases or None
        Which models leave, and with how many digits; None where all do, in full.
    """

    rules: Rules = field(default_factory=Rules)
    persons: Mapping[str, tuple[float, ...]] = field(default_factory=dict, repr=False)
    days: Mapping[str, tuple[float, ...]] = field(default_factory=dict, repr=False)
    microdata: bool = True
    counts: Counts | None = field(default=None, repr=False)
    outcomes: Mapping[str, tuple[tuple[float, ...], ...]] = field(default_factory=dict, repr=False)
    releases: Releases | None = field(default=None, repr=False)

    @classmethod
    def of(cls, data: Any, rules: Rules) -> "Control":
        """Make the control of a run.

        Parameters
        ----------
        data : AnalysisSample, or data without workplaces
            Published tables have nothing to protect, nor has the bundled replica, which is invented
            and known by its content alone.
        rules : Rules
        """
        if not isinstance(data, AnalysisSample) or data.invented:
            return cls(rules, microdata=False)
        book = load_codebook()
        sizes = people_of(data).groupby(data.frame[book.group])
        days = data.quarters.groupby([book.group, book.unit])["contracted_days"].sum()
        control = cls(
            rules,
            {str(k): tuple(map(float, part)) for k, part in sizes},
            {str(k): tuple(map(float, part)) for k, part in days.groupby(level=book.group)},
            outcomes=_outcomes(data),
        )
        if not rules.active:
            return control
        before = [one.workplaces for one in rules.before if isinstance(one, Left) and not one.mark]
        counts = Counts(data, control.surveyed(), rules.min_workplaces, before)
        releases = Releases(
            data,
            counts.rows,
            counts.withheld,
            control.hidden_groups,
            rules.min_workplaces,
            rules.before,
            np.array(rules.whose) if rules.whose else None,
            rules.seed,
        )
        return replace(control, counts=counts, releases=releases)

    @property
    def active(self) -> bool:
        """Whether figures are hidden."""
        return self.microdata and self.rules.active

    def surveyed(self) -> dict[str, str]:
        """Groups of which the whole sample has too few workplaces, and why."""
        return self.hidden_groups({group: len(of) for group, of in self.persons.items()})

    def unsaid(self, spec: ModelSpec) -> dict[str, str]:
        """Groups whose n in a model is not said, and why.

        Parameters
        ----------
        spec : ModelSpec
        """
        return {} if self.counts is None else self.counts.unsaid_of(spec)

    def close(self, spec: ModelSpec) -> bool:
        """Whether a model has one or two workplaces fewer than one of its parts.

        Parameters
        ----------
        spec : ModelSpec
        """
        return self.counts is not None and self.counts.close(spec)

    def keeps(self, spec: ModelSpec) -> bool:
        """Whether a model may leave."""
        return not self.withheld(spec)

    def withheld(self, spec: ModelSpec) -> bool:
        """Whether a model is withheld: it would tell of one or two workplaces.

        Parameters
        ----------
        spec : ModelSpec
        """
        return self.releases is not None and self.releases.of(spec).withheld

    def release(self, spec: ModelSpec) -> Release | None:
        """How many digits the figures of a model have; None for all that there are.

        Parameters
        ----------
        spec : ModelSpec
        """
        return None if self.releases is None else self.releases.of(spec)

    @property
    def left(self) -> tuple[Left | Counted, ...]:
        """What leaves with all that was asked for, for a ledger."""
        return () if self.releases is None else self.releases.left

    def count(self) -> None:
        """Let tables of answers and quarters leave, unless earlier ones make them tell too much."""
        if self.releases is not None:
            self.releases.count()

    def hidden_groups(self, sizes: Mapping[str, int]) -> dict[str, str]:
        """Groups whose own figures must not be shown, and why.

        Parameters
        ----------
        sizes : mapping
            Group -> workplaces in what is shown; of some of a group's workplaces the smallest are
            assumed, since nobody says which they are.

        Returns
        -------
        dict
            Group -> rule; those that only go with the others have ``complement``.
        """
        if not self.active:
            return {}
        found = {group: why for group in sizes if (why := self._sensitive(group, sizes[group]))}
        others = sorted((g for g in sizes if g not in found and sizes[g]), key=sizes.__getitem__)
        while found and others and not self._together(found, sizes):
            found[others.pop(0)] = _COMPLEMENT
        return found

    def _sensitive(self, group: str, size: int) -> str:
        """Rule that one group breaks; an empty group breaks none."""
        persons = sum(sorted(self.persons.get(group, ()))[:size]) or float("inf")
        broken = self.rules.sensitive_count(size, persons)
        if broken or not size:
            return broken
        known = any(self.rules.known_to_others(of) for of in self.outcomes.get(group, ()))
        return _DOMINANCE if known or self.rules.dominated(self.days.get(group, ())) else ""

    def _together(self, groups: Iterable[str], sizes: Mapping[str, int]) -> bool:
        """Whether groups are safe as one: what a total leaves when the others are taken from it."""
        chosen = [group for group in groups if sizes[group]]
        persons = sum(sum(sorted(self.persons.get(g, ()))[: sizes[g]]) for g in chosen)
        days = [day for group in chosen for day in self.days.get(group, ())]
        whole = sum(sizes[group] for group in chosen)
        broken = self.rules.sensitive_count(whole, persons or float("inf"))
        return len(chosen) > 1 and not broken and not self.rules.dominated(days)


#: Outcomes that are never below zero.
_FROM_ZERO: Final = ("absence_mean",)


def people_of(sample: AnalysisSample) -> "pd.Series[float]":
    """Employees of each workplace, 1 where they are not known; of a study without workplaces 1."""
    import pandas as pd

    if not load_codebook().register:
        return pd.Series(1.0, index=sample.frame.index)
    return sample.frame["n_employees"].fillna(1.0)


def _outcomes(sample: AnalysisSample) -> dict[str, tuple[tuple[float, ...], ...]]:
    """Outcomes of each group's workplaces that are shares of something."""
    found: dict[str, tuple[tuple[float, ...], ...]] = {}
    book = load_codebook()
    from_zero = _FROM_ZERO if book.register else ()
    for group, part in sample.frame.groupby(book.group):
        columns = (part[name].dropna() for name in from_zero)
        found[str(group)] = tuple(tuple(map(float, column)) for column in columns if len(column))
    return found


def hide_fields[Row](row: Row, names: Iterable[str]) -> Row:
    """Hide some fields of a record.

    Parameters
    ----------
    row : dataclass instance
    names : iterable of str
        Fields that become `:`.
    """
    from dataclasses import replace

    changes: dict[str, Any] = dict.fromkeys(names, HIDDEN)
    return replace(row, **changes)  # type: ignore[type-var]


def hide_groups(
    frame: "pd.DataFrame",
    groups: Mapping[str, str],
    *,
    table: str,
    values: Sequence[str],
    column: str = "group",
) -> "tuple[pd.DataFrame, tuple[Hidden, ...]]":
    """Hide the rows of some groups in a tidy table.

    Parameters
    ----------
    frame : pandas.DataFrame
        A column names each row's group.
    groups : mapping
        Hidden group -> rule, as `Control.hidden_groups` gives them.
    table : str
        What the log calls the table.
    values : sequence of str
        Columns to hide.
    column : str
        The column of groups.

    Returns
    -------
    frame : pandas.DataFrame
    log : tuple of Hidden
    """
    if not groups:
        return frame, ()
    shown = frame.astype(dict.fromkeys(values, object))
    chosen = frame[column].isin(list(groups))
    shown.loc[chosen, list(values)] = HIDDEN
    names = dict.fromkeys(map(str, frame.loc[chosen, column]))
    return shown, tuple(Hidden(table, name, "", groups[name]) for name in names)


def refuse_withheld(withheld: Sequence[str]) -> None:
    """Leave with exit code 5 when a whole table or figure had to be withheld.

    Raises
    ------
    DisclosureError
        If there is one.
    """
    if withheld:
        raise DisclosureError(
            ", ".join(withheld),
            f"cannot be shown without telling of single {load_codebook().units}",
            fix="everything else was written; --no-disclosure-control shows it to you",
        )  # fmt: skip
