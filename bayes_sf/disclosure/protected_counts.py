"""How many workplaces of each industry are left in steps, figures and models, as it may be said.

Two counts of which one is a part of the other tell of the workplaces between them. Where these are
one or two, the smaller count of the industry is not said; and with it those of as many other
industries as it takes for what they lost together, which the total gives away, to be nothing or
three and more. Large industries go first, since the n of a small one matters most. What is decided
of a count holds wherever it leaves: in the flow, in figures, beside an industry's level, as the n
of a model without that industry. `safe_counts.py` decides.

A model that has one or two workplaces fewer than one of its own parts is *close* to it: a mean of
each, in full, gives what those have. Where that part leaves as well, the null model of the outcome
or the item without controls, their n alone tells of those: then the model is withheld.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from bayes_sf.analysis.comparison import main_specs
from bayes_sf.disclosure.safe_counts import unsaid_counts
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.design import follow_rules
from bayes_sf.inputs.sample import AnalysisSample, design
from bayes_sf.spec.analysis import load_analysis
from bayes_sf.spec.model import ModelSpec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Counts", "Step", "boxes", "figure_rows", "flows", "in_company", "said_totals"]

#: Analyses whose samples are followed: the null models, and those with all controls.
_FLOWS: Final = ("null", "q13_controls", "q17_controls")
_BOXES: Final = {
    "figure1": "absence_mean", "figure2": "absence_change",
    "figure3": "women_share", "figure4": "senior_share",
}  # fmt: skip
#: Figures 1, 2, 5 and 6 and tables 8 and 9 ask for this many observed quarters.
MIN_QUARTERS: Final = 3
_OPTIONS: Final = ("categorical", "monotonic", "nested")
#: Of models with more predictors than this, only some parts are looked at.
_FEW: Final = 4

type Mask = NDArray[np.bool_]


def flows() -> tuple[str, ...]:
    """Analyses whose samples are followed: of a study of one's own all that it states."""
    own = load_codebook().analyses
    return _FLOWS if own is None else tuple(own)


def boxes() -> Mapping[str, str]:
    """Figures of one variable by group: the report's, none of a study of one's own."""
    return _BOXES if load_codebook().register else {}


@dataclass(frozen=True, eq=False, slots=True)
class Step:
    """Workplaces that are left after a rule of a flow.

    Parameters
    ----------
    analysis, outcome, step : str
    kept : (n,) bool array
    """

    analysis: str
    outcome: str
    step: str
    kept: Mask


@dataclass(frozen=True, eq=False)
class Counts:
    """Counts of a sample's workplaces by industry, and which of them are not said.

    Parameters
    ----------
    sample : AnalysisSample
    groups : mapping
        Industry of which nothing may be shown -> rule.
    least : int
        Fewest workplaces that two counts may differ by.
    before : sequence of tuple of str
        Workplaces of models that have left in earlier runs, in their order.
    """

    sample: AnalysisSample = field(repr=False)
    groups: Mapping[str, str]
    least: int
    before: Sequence[tuple[str, ...]] = field(default=(), repr=False)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Steps of all flows, in order."""
        return tuple(
            Step(name, spec.outcome, step, kept)
            for name in flows()
            for spec in load_analysis(name).specs
            if not spec.formula
            for step, kept in self._follow(spec)
        )

    @cached_property
    def gone(self) -> Mask:
        """Steps of flows whose total is not said."""
        return np.array([not self.told[step.kept.tobytes()] for step in self.steps], dtype=bool)

    @cached_property
    def told(self) -> dict[bytes, bool]:
        """Whether the total of each population is said: of models that leave, always."""
        models = [
            self.rows(spec) for spec in main_specs() if not self._few_lost(spec, _parts(spec))
        ]
        everybody = np.ones(len(self.sample.frame), dtype=bool)
        always = [everybody, *models]
        steps = [step.kept for step in self.steps]
        others = [*reversed(steps), *self.figures.values()]
        return in_company(
            said_totals(always, others, self.least), always,
            [step.tobytes() for step in steps], [one.tobytes() for one in self.figures.values()],
        )  # fmt: skip

    @cached_property
    def figures(self) -> dict[str, Mask]:
        """Workplaces of each figure."""
        unit = load_codebook().unit
        units = self.sample.frame[unit]
        return {
            name: units.isin(rows[unit]).to_numpy(bool)
            for name, rows in figure_rows(self.sample).items()
        }

    @cached_property
    def totals(self) -> set[int]:
        """Totals that are said."""
        return {sum(key) for key, said in self.told.items() if said}  # a byte for each workplace

    @cached_property
    def linked(self) -> Mask:
        """Workplaces that are in the register."""
        return self.sample.frame["linked"].to_numpy(bool)

    def unsaid(self, *kept: Mask) -> dict[str, str]:
        """Industries whose number among some workplaces is not said, and why.

        Parameters
        ----------
        *kept : (n,) bool array
            The workplaces; of several populations, those that are not said in one of them.
        """
        keys = [mask.tobytes() for mask in kept]
        if any(key not in self._known for key in keys):
            self._known.update(self._decide(kept, self._known))
        return {name: why for key in keys for name, why in self._known[key].items()}

    def unsaid_of(self, spec: ModelSpec) -> dict[str, str]:
        """Industries whose n in a model is not said, and why.

        Parameters
        ----------
        spec : ModelSpec
            One that is fitted jointly with what is missing has all that are linked.
        """
        whole = (self.linked,) if spec.models_gaps else ()
        return self.unsaid(self.rows(spec), *whole)

    def close(self, spec: ModelSpec) -> bool:
        """Whether a model has one or two workplaces fewer than a model of a part of it.

        Parameters
        ----------
        spec : ModelSpec
        """
        names = spec.predictors
        sizes = range(len(names) + 1) if len(names) <= _FEW else (0, 1, len(names) - 1, len(names))
        return self._few_lost(spec, (part for size in sizes for part in combinations(names, size)))

    def withheld(self, spec: ModelSpec) -> bool:
        """Whether a model's n would tell of one or two workplaces.

        It has so many fewer than the null model or the item's, or more or fewer than a step of a
        flow whose total is said.

        Parameters
        ----------
        spec : ModelSpec
            One that is fitted jointly with what is missing stands beside its complete rows.
        """
        return self._few_lost(spec, _parts(spec)) or self._near_a_step(self.rows(spec))

    def _near_a_step(self, own: Mask) -> bool:
        """Whether some workplaces are a step's, but for one or two that either has more."""
        said = {step.kept.tobytes(): step.kept for step in self.steps}
        return any(_nearly(own, other, self.least) for key, other in said.items() if self.told[key])

    def _few_lost(self, spec: ModelSpec, parts: Iterable[tuple[str, ...]]) -> bool:
        """Whether one or two workplaces are lost from a model with some of the predictors."""
        own = self.rows(spec)
        for part in parts:
            lists = {key: tuple(n for n in getattr(spec, key) if n in part) for key in _LISTS}
            for quarters in {1, spec.min_quarters}:
                one = replace(
                    spec, predictors=part, min_quarters=quarters, table="",
                    **lists,  # type: ignore[arg-type]
                )  # fmt: skip
                if 0 < int((self.rows(one) & ~own).sum()) < self.least:
                    return True
        return False

    @cached_property
    def _known(self) -> dict[bytes, dict[str, str]]:
        """What is decided of the counts that always leave, and of those that have left."""
        known = self._decide(self._said, {})
        units = self.sample.frame[load_codebook().unit].astype(str)
        for names in dict.fromkeys(self.before):
            mask = units.isin(names).to_numpy(bool)
            if mask.sum() == len(names) and mask.tobytes() not in known:
                known.update(self._decide([mask], known))
        return known

    @cached_property
    def _said(self) -> list[Mask]:
        """Workplaces of flows, figures, and the models of one item."""
        return [*(step.kept for step in self.steps), *self.figures.values(), *self._models]

    @cached_property
    def _models(self) -> list[Mask]:
        """Workplaces of the models of one item."""
        own = load_codebook().analyses is not None
        specs = main_specs() if own else load_analysis("bivariate").specs
        return [self.rows(spec) for spec in specs]

    def _decide(
        self, masks: Sequence[Mask], known: Mapping[bytes, Mapping[str, str]]
    ) -> dict[bytes, dict[str, str]]:
        """Decide of the counts of some populations, beside those that are known."""
        unique = {key: np.frombuffer(key, dtype=bool) for key in known}
        unique |= {mask.tobytes(): mask for mask in masks}
        if not unique:
            return {}
        book = load_codebook()
        place = {industry.key: at for at, industry in enumerate(book.industries)}
        names = list(place)
        code = np.array([place[name] for name in self.sample.frame[book.group]])
        found = unsaid_counts(
            code, np.array([*unique.values()]),
            {names.index(name): why for name, why in self.groups.items()}, least=self.least,
            totals=np.array([self.told.get(key, True) for key in unique]), n_groups=len(names),
            decided=[
                {names.index(name): why for name, why in own.items()} for own in known.values()
            ],
        )  # fmt: skip
        return {
            key: {names[at]: why for at, why in own.items()}
            for key, own in zip(unique, found, strict=True)
        }

    def rows(self, spec: ModelSpec) -> Mask:
        """Workplaces of a model.

        Parameters
        ----------
        spec : ModelSpec
        """
        options = (getattr(spec, key) for key in _OPTIONS)
        key = (spec.outcome, spec.predictors, spec.min_quarters, *options)
        if key not in self._followed:
            self._followed[key] = list(self._follow(spec))[-1][1]
        return self._followed[key]

    @cached_property
    def _followed(self) -> dict[tuple[Any, ...], Mask]:
        """Workplaces of models that were asked for before."""
        return {}

    def _follow(self, spec: ModelSpec) -> Iterator[tuple[str, Mask]]:
        """Who is left after each of a model's rules."""
        options: dict[str, Any] = {key: getattr(spec, key) for key in _OPTIONS}
        for step, kept in follow_rules(
            self.sample.frame, outcome=spec.outcome, predictors=spec.predictors,
            min_quarters=spec.min_quarters, **options,
        ):  # fmt: skip
            yield step, kept.to_numpy(bool)


#: Options of a specification that list predictors.
_LISTS: Final = (
    "standardize", "categorical", "within_between", "monotonic", "varying", "nested",
)  # fmt: skip


def _parts(spec: ModelSpec) -> tuple[tuple[str, ...], ...]:
    """Predictors of the null model, and of the item's."""
    return (), spec.predictors[:1]


def _nearly(one: Mask, other: Mask, least: int) -> bool:
    """Whether one population is a part of the other, which has a few more."""
    apart = int((one & ~other).sum()), int((other & ~one).sum())
    return min(apart) == 0 < max(apart) < least


def said_totals(always: Sequence[Mask], others: Sequence[Mask], least: int) -> dict[bytes, bool]:
    """Decide which totals are said: none that is one or two from that of a part, or of a whole.

    Parameters
    ----------
    always : sequence of (n,) bool array
        Populations whose total is said whatever it is.
    others : sequence of (n,) bool array
        The others, the most important first.
    least : int
        Fewest workplaces that two totals may differ by.

    Returns
    -------
    dict
        Population, as bytes -> whether its total is said.
    """
    said, found = list(always), {mask.tobytes(): True for mask in always}
    for mask in others:
        if mask.tobytes() in found:
            continue
        found[mask.tobytes()] = not any(_nearly(mask, other, least) for other in said)
        if found[mask.tobytes()]:
            said.append(mask)
    return found


def in_company(
    said: dict[bytes, bool], always: Sequence[Mask], *orders: Sequence[bytes]
) -> dict[bytes, bool]:
    """Let no total be unsaid alone: it would be known to be one or two from one that is said.

    Parameters
    ----------
    said : dict
        As `said_totals` has it.
    always : sequence of (n,) bool array
        Populations whose total is said whatever it is.
    *orders : sequence of bytes
        Populations in the order in which they are read: the next that may goes with one that is
        unsaid, or else the one before.

    Examples
    --------
    >>> in_company({b"a": True, b"b": False, b"c": True}, [], [b"a", b"b", b"c"])
    {b'a': True, b'b': False, b'c': False}
    """
    kept, found = {mask.tobytes() for mask in always}, dict(said)
    for order in orders:
        free = [key for key in dict.fromkeys(order) if key not in kept]
        for at, key in enumerate(free):
            beside = free[at + 1 : at + 2] or free[max(at - 1, 0) : at]
            if not said[key]:
                found.update(dict.fromkeys(beside, False))
    return found


def figure_rows(sample: AnalysisSample) -> "dict[str, pd.DataFrame]":
    """Workplaces of each figure.

    Parameters
    ----------
    sample : AnalysisSample

    Returns
    -------
    dict
        Name -> rows with its variable.
    """
    frame = sample.frame
    if not load_codebook().register:
        return {}
    enough = frame[frame["n_quarters"] >= MIN_QUARTERS]
    rows = {
        name: (enough if variable.startswith("absence") else frame).dropna(subset=[variable])
        for name, variable in boxes().items()
    }
    rows["figure6"] = design(
        sample, outcome="absence_mean", predictors=["q13"], min_quarters=MIN_QUARTERS
    )
    return rows
