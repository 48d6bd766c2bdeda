"""Which models may leave, and with how many digits: decided of all that leaves together.

What the ledger has comes first; then the report's own models, always in the same order and whatever
is asked, so that two commands decide the same; then what is asked. A model leaves with two
digits of its standard errors; with one where two would let a reader know a workplace's outcome to
10 % or half a percentage point; and not at all where one would, too, where it rests on cells of too
few workplaces, or where its sample is one or two workplaces larger or smaller than another's that
has left.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayes_sf.analysis.comparison import main_specs
from bayes_sf.arrays import Floats
from bayes_sf.disclosure.learnt.bounds import is_wide
from bayes_sf.disclosure.learnt.knowledge import Knowledge, as_weights
from bayes_sf.disclosure.learnt.left import Counted, Finger, Left, equations, finger, sharpened
from bayes_sf.disclosure.learnt.sets import (
    Admitted,
    Batch,
    Refit,
    admit,
    condensed,
    is_open,
    mark_of,
)
from bayes_sf.disclosure.learnt.statistics import SPREAD, Statistics, rests_on_few, statistics_of
from bayes_sf.disclosure.learnt.ways import LEVELS, PLAIN, SHARED, SLOPES, WITHHELD, Release, Way
from bayes_sf.engines.fit import rows_of
from bayes_sf.errors import BayesSFError, DisclosureError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import INTERCEPT
from bayes_sf.spec.priors import Priors
from bayes_sf.spec.rows import Rows

__all__ = ["Releases"]

_Mask = NDArray[np.bool_]
#: What may not be known of one workplace's outcome: share of it, and percentage points; of a study
#: of one's own, where zero means nothing, the same share of how far it is from the mean, and what
#: half a point is of absence's sd. So many standard deviations of what a reader does not know must
#: be more than that: rounding errors have limits, and the interval that linear programs make of
#: them is narrower than two (`tests/studies/gate.csv`).
_SHARE, _POINTS, _OF_SD, _SDS = 0.1, 0.5, 0.15, 1.25
#: Who has fewer times what is needed is nearly known too well.
_NEAR = 1.25
_SHOW: Final = "--no-disclosure-control shows it to you"


class _Made(NamedTuple):
    """Figures of a model, whether they rest on few, and which groups are hidden in it."""

    mask: _Mask
    rows: Rows
    found: Statistics
    few: bool
    groups: frozenset[str]


#: Of what is drawn where none is stated.
_SEED: Final = 1
#: How many times what is needed a set must leave, where linear programs make too much of less.
_ROOMS: Final = (1.0, 1.5, 2.5)


@dataclass(eq=False)
class Releases:
    """Decisions of one sample, each made once.

    Parameters
    ----------
    sample : AnalysisSample
    population : callable
        Which workplaces a model has, (n,) bool.
    closed : callable
        Whether a model is withheld for its number of workplaces beside another's.
    hidden : callable
        Groups of sizes by name that are hidden.
    least : int
        Fewest workplaces of a cell, and that two populations may differ by.
    before : tuple of Left and Counted
        What has left in earlier runs.
    whose : (n,) int array or None
        Whose each row is, where several may be one's.
    seed : int
        Of what is drawn: other draws are other figures.
    """

    sample: AnalysisSample = field(repr=False)
    population: Callable[[ModelSpec], _Mask] = field(repr=False)
    closed: Callable[[ModelSpec], bool] = field(repr=False)
    hidden: Callable[[Mapping[str, int]], Mapping[str, str]] = field(repr=False)
    least: int
    before: tuple[Left | Counted, ...] = ()
    whose: NDArray[np.intp] | None = field(default=None, repr=False)
    seed: int = 1
    _decided: dict[str, Release] = field(default_factory=dict, repr=False)
    _known: dict[str, Knowledge] = field(default_factory=dict, repr=False)
    _masks: dict[str, list[_Mask]] = field(default_factory=dict, repr=False)
    _left: dict[str, Left] = field(default_factory=dict, repr=False)
    _sets: dict[str, Batch] = field(default_factory=dict, repr=False)
    _figures: "dict[str, _Made]" = field(default_factory=dict, repr=False)
    _need: dict[str, Floats] = field(default_factory=dict, repr=False)
    _asked: set[str] = field(default_factory=set, repr=False)
    _counted: list[Counted] = field(default_factory=list, repr=False)

    def of(self, spec: ModelSpec) -> Release:
        """Decide how a model leaves.

        Parameters
        ----------
        spec : ModelSpec
        """
        key = _key(spec)
        self._recall(spec.outcome)
        if key not in self._decided:
            self._decide_reports(spec.outcome, up_to=key)
        if key not in self._decided:
            self._decided[key] = self._decide(spec)
        self._asked.add(key)
        return self._decided[key]

    def together(
        self, outcome: str, refits: Sequence[Refit], versions: "NDArray[np.float64] | None" = None
    ) -> Batch:
        """Decide how a set of models of one outcome leaves, after all of the report's.

        Parameters
        ----------
        outcome : str
        refits : sequence of Refit
            Those that matter most first.
        versions : (v, n) float array, optional
            The outcome by other definitions that the models are of. They count as the same
            unknown, and none of them may be told.
        """
        mark = mark_of(outcome, refits)
        self._recall(outcome)
        if mark in self._sets:
            return self._sets[mark]
        before = next((one.mark for one in self._models if one.mark.startswith(mark)), "")
        if before:
            fewer, bits = before.removeprefix(mark).strip(":").split(":")
            self._sets[mark] = Batch(int(fewer), tuple(bit == "1" for bit in bits))
            return self._sets[mark]
        self._decide_reports(outcome)
        needed = self._needed(outcome, versions)
        free = self._apart(outcome, refits)
        for room in _ROOMS:
            least = room * self._for_all(needed)
            found = admit(self._knowledge(outcome), refits, least, free)
            if not any(found.batch.kept):
                break
            kept = {one.mask.tobytes(): self._whole(one.mask) for one, is_kept
                    in zip(refits, found.batch.kept, strict=True) if is_kept}  # fmt: skip
            leaving = self._set_leaving(outcome, mark, found, [*kept.values()])
            if self._is_wide(leaving, found.known, needed):
                self._known[outcome], self._left[mark] = found.known, leaving
                self._masks.setdefault(outcome, []).extend(kept.values())
                break
        else:
            found = found._replace(batch=found.none)
        self._sets[mark] = found.batch
        return found.batch

    def _decide_reports(self, outcome: str, up_to: str = "") -> None:
        """Decide of the report's own models, in their order: of all, or of those up to one."""
        for name, other in self._reports.get(outcome, {}).items():
            if name not in self._decided:
                self._decided[name] = self._decide(other)
            if name == up_to:
                break

    def _apart(self, outcome: str, refits: Sequence[Refit]) -> list[bool]:
        """Which of a set are not withheld for their cells, or for a population beside another."""
        masks = [*self._masks.get(outcome, [])]
        found = []
        for one in refits:
            whole = self._whole(one.mask)
            is_free = not one.few and not self._is_beside(whole, masks)
            found.append(is_free)
            if is_free and not any(whole is mask or (whole == mask).all() for mask in masks):
                masks.append(whole)
        return found

    def _set_leaving(
        self, outcome: str, mark: str, found: Admitted, masks: Sequence[_Mask]
    ) -> Left:
        """A set's figures as the ledger has them."""
        weights, half = condensed(found.weights, found.half)
        own = np.array(masks)
        some = np.flatnonzero(own.any(axis=0))  # there may be means of rows behind them
        chosen = tuple(self._names[at] for at in some)
        bits = "".join(str(int(is_kept)) for is_kept in found.batch.kept)
        least = float(self._for_all(self._needed(outcome))[some].min())
        return Left(
            outcome, chosen, weights[:, some], half, self._sd(outcome), least, own[:, some],
            f"{mark}:{found.batch.fewer}:{bits}",
        )  # fmt: skip

    @property
    def asked(self) -> tuple[Release, ...]:
        """Decisions on what was asked for, without the report's other models."""
        return tuple(release for key, release in self._decided.items() if key in self._asked)

    @property
    def left(self) -> tuple[Left | Counted, ...]:
        """What leaves with all models and tables that were asked for, for a ledger."""
        return (*self._left.values(), *self._counted)

    def count(self) -> None:
        """Let tables of the sample's answers and quarters leave.

        Raises
        ------
        DisclosureError
            If one or two workplaces of it are not counted, or counted otherwise, in tables that
            have left: what those answered would be the difference.
        """
        if self._counted:
            return
        now = self._marked()
        for one in self.before:
            if isinstance(one, Counted) and 0 < now.changed(one) < self.least:
                units = load_codebook().units
                rule = f"are withheld: with what has left they would tell of single {units}"
                raise DisclosureError(f"counts of {units}", rule, fix=_SHOW)
        self._counted.append(now)

    def _marked(self) -> Counted:
        """Digests of what is counted of each workplace, for a ledger that is its owner's alone."""
        from pandas.util import hash_pandas_object

        frame, quarters, unit = self.sample.frame, self.sample.quarters, load_codebook().unit
        answers = hash_pandas_object(frame.drop(columns=unit), index=False)
        rest = quarters.drop(columns=unit)
        register = hash_pandas_object(rest, index=False).groupby(quarters[unit]).sum()
        names = frame[unit]
        both = answers.to_numpy() + register.reindex(names, fill_value=0).to_numpy()
        return Counted({str(name): f"{mark:016x}" for name, mark in zip(names, both, strict=True)})

    @cached_property
    def _reports(self) -> dict[str, dict[str, ModelSpec]]:
        """The report's models by outcome and key, the null models first."""
        outcomes = load_codebook().outcomes
        found: dict[str, dict[str, ModelSpec]] = {outcome: {} for outcome in outcomes}
        for spec in main_specs():
            found[spec.outcome].setdefault(_key(spec), spec)
        return found

    def refit(
        self,
        spec: ModelSpec,
        times: float = 1.0,
        *,
        levels: bool = False,
        within: _Mask | None = None,
    ) -> Refit | None:
        """Make of a model what a set tells of it; None where it has no rows.

        Parameters
        ----------
        spec : ModelSpec
        times : float
            As in `Refit`.
        levels : bool
            Whether groups' levels are told, too.
        within : (n,) bool array, optional
            A part of its workplaces that it is fitted to.
        """
        made = self._made(spec, within)
        if made is None:
            return None
        unsaid = {INTERCEPT, SPREAD}
        if made.groups and made.rows.predictors:
            unsaid |= SHARED
        if not levels or (made.groups and made.rows.predictors):
            unsaid |= {name for name in made.found.names if name.startswith("[")}
        return Refit(
            made.mask, made.found.without(unsaid), made.few or self.closed(spec), times
        )  # fmt: skip

    def _made(self, spec: ModelSpec, within: _Mask | None = None) -> "_Made | None":
        """A model's figures, had once; None where it has no rows."""
        mask = self.population(spec)
        key = _key(spec) + ("" if within is None else within.tobytes().hex())
        if key not in self._figures:
            asked = replace(spec, missing="drop") if spec.models_gaps else spec
            try:
                rows = rows_of(asked, self.sample)
            except BayesSFError:  # the engine says why
                return None
            assert rows is not None
            if within is not None:
                rows, mask = rows.take(within[mask]), mask & within
            sizes = np.bincount(rows.code, minlength=len(rows.groups))
            groups = self.hidden({g: int(n) for g, n in zip(rows.groups, sizes, strict=True)})
            found = statistics_of(rows, asked, groups)
            few = rests_on_few(rows, spec, self.least) or _is_made_sharp(spec)
            few |= found.rests_on(rows.predictors) < self.least
            few |= found.spread < self.sharpest(spec.outcome)  # who knows answers knows outcomes
            self._figures[key] = _Made(mask, rows, found, few, frozenset(groups))
        return self._figures[key]

    def _decide(self, spec: ModelSpec) -> Release:
        """Decide of one model, with all that has left so far."""
        if spec.group != load_codebook().group:  # workplaces, or whatever else tells them apart
            return WITHHELD
        mask = self.population(spec)
        if self.closed(spec) or self._beside(spec.outcome, mask):
            return WITHHELD
        made = self._made(spec)
        if made is None:
            return WITHHELD if mask.any() and spec.predictors else Release(0)
        if made.few:
            return WITHHELD
        levels = {f"[{group}]" for group in made.rows.groups}
        tries = PLAIN
        if made.groups:
            tries = SLOPES if made.rows.predictors else LEVELS
        return self._rounded(spec, mask, [
            (way, made.found.without(unsaid).fewer(*way.fewer), unsaid)
            for way in tries
            for unsaid in [way.unsaid | levels if way.slopes else way.unsaid]
        ])  # fmt: skip

    def _rounded(
        self, spec: ModelSpec, mask: _Mask, tries: list[tuple[Way, Statistics, frozenset[str]]]
    ) -> Release:
        """The first way in which figures may leave."""
        known, at = self._knowledge(spec.outcome), np.flatnonzero(mask)
        for way, rough, unsaid in tries if self._fingers else ():
            if finger(self._leaving(spec, mask, rough)) in self._fingers:  # it has left before
                return Release(way.fewer[0], rough.decimals, unsaid, max(way.fewer))
        for way, rough, unsaid in tries:
            weights = as_weights(rough.weights, at, len(self._names))
            after = known.after(weights, rough.half_units / 2 ** self._again(spec, mask, rough))
            least = way.room * self._for_all(self._needed(spec.outcome))
            if not is_open(known.spread(), after.spread(), least):
                continue
            leaving = self._leaving(spec, mask, rough)
            if self._is_wide(leaving, after, self._needed(spec.outcome)):
                self._note(spec, mask, leaving, after)
                return Release(way.fewer[0], rough.decimals, unsaid, max(way.fewer))
        return WITHHELD

    def _is_wide(self, leaving: Left, after: Knowledge, needed: Floats) -> bool:
        """Whether linear programs, too, leave enough open of who is nearly known too well.

        They are slow, and asked of those alone.
        """
        close = np.flatnonzero(after.spread()[: len(needed)] < _NEAR * needed)
        if not len(close):
            return True
        y = np.nan_to_num(self._y(leaving.outcome))  # of who has none nothing is told
        weights, half = self._equations(leaving)
        low = 0.0 if y.min() >= 0 else -np.inf
        return all(
            is_wide(int(at), after, weights, half, y, least=needed[at] * _SDS, low=low)
            for at in close
        )

    def _equations(self, leaving: Left) -> tuple[Floats, Floats]:
        """What has left of an outcome and what is to leave, of workplaces of this sample alone."""
        place = {name: at for at, name in enumerate(self._names)}
        all_left = (*self._models, *self._left.values(), leaving)
        parts = equations((one for one in all_left if one.outcome == leaving.outcome), place)
        weights, half = (np.concatenate(both) for both in zip(*parts, strict=True))
        n = len(self.sample.frame)
        own = ~weights[:, n:].any(axis=1) & (half > 0)
        return weights[own, :n], half[own]

    def _note(self, spec: ModelSpec, mask: _Mask, leaving: Left, after: Knowledge) -> None:
        """Remember what has left."""
        self._known[spec.outcome] = after
        self._masks.setdefault(spec.outcome, []).append(self._whole(mask))
        self._left[_key(spec)] = leaving
        self._told.add(finger(leaving))

    def _leaving(self, spec: ModelSpec, mask: _Mask, found: Statistics) -> Left:
        """A model's figures as the ledger has them."""
        chosen = tuple(self._names[at] for at in np.flatnonzero(mask))
        least = float(self._needed(spec.outcome)[mask].min(initial=np.inf))
        sd, way = self._sd(spec.outcome), self._way(spec)
        return Left(spec.outcome, chosen, found.weights, found.half_units, sd, least, way=way)

    def _way(self, spec: ModelSpec) -> str:
        """How a model's figures are come by, "" as usual."""
        priors = "" if str(spec.priors) == str(Priors()) else str(spec.priors)
        seed = "" if self.seed == _SEED else f"seed {self.seed}"
        return "; ".join(filter(None, (priors, seed)))

    def _again(self, spec: ModelSpec, mask: _Mask, found: Statistics) -> int:
        """How often the same sums have left in other ways (`sharpened`)."""
        own = finger(self._leaving(spec, mask, found))[:3]
        ways = {one[-1] for one in self._told if one[:3] == own}
        return len(ways - {self._way(spec)})

    def _whole(self, mask: _Mask) -> _Mask:
        """A population among the workplaces of this sample and of earlier ones."""
        whole = np.zeros(len(self._names), dtype=bool)
        whole[: len(mask)] = mask
        return whole

    def _beside(self, outcome: str, mask: _Mask) -> bool:
        """Whether a population is one or two workplaces smaller or larger than one that leaves."""
        return self._is_beside(self._whole(mask), self._masks.get(outcome, ()))

    def _is_beside(self, own: _Mask, others: Sequence[_Mask]) -> bool:
        """Whether it is, of some populations."""
        if not len(others):
            return False
        known = np.array(others)
        more, fewer = (own & ~known).sum(axis=1), (~own & known).sum(axis=1)
        most = np.maximum(more, fewer)
        return bool(((np.minimum(more, fewer) == 0) & (most > 0) & (most < self.least)).any())

    def _for_all(self, needed: Floats) -> Floats:
        """What of the sample's workplaces is needed; of earlier ones' and means the least."""
        means = 0 if self.whose is None else int((np.bincount(self.whose) > 1).sum())
        more = len(self._names) + means - len(needed)
        return np.concatenate([needed, np.full(more, needed.min(initial=np.inf))])

    def _needed(self, outcome: str, versions: "NDArray[np.float64] | None" = None) -> Floats:
        """Least standard deviation that each workplace's outcome must keep for a reader."""
        if versions is None and outcome in self._need:
            return self._need[outcome]
        y = self._y(outcome)[None]
        if versions is not None:
            y = np.vstack([y, versions])
        in_points = load_codebook().outcomes.get(outcome) == "pp"
        least = _POINTS if in_points else _OF_SD * self._sd(outcome)
        far = np.abs(y - (0.0 if in_points else np.nanmean(y)))
        needed: Floats = np.fmax(_SHARE * np.fmax.reduce(far, axis=0), least) / _SDS
        if versions is None:
            self._need[outcome] = needed
        return needed

    def sharpest(self, outcome: str) -> float:
        """Least standard deviation that may be said of any outcomes.

        Parameters
        ----------
        outcome : str
        """
        return float(self._needed(outcome).min())

    def _y(self, outcome: str) -> Floats:
        """Outcomes of the sample."""
        found: Floats = self.sample.frame[outcome].to_numpy(float)
        return found

    def _sd(self, outcome: str) -> float:
        """Of an outcome."""
        return float(self.sample.frame[outcome].std(ddof=0)) or 1.0

    @cached_property
    def _names(self) -> list[str]:
        """Pseudonyms of the sample, then those of workplaces that were in earlier ones."""
        own = [str(name) for name in self.sample.frame[load_codebook().unit]]
        earlier = (name for one in self._models for name in one.workplaces)
        return [*dict.fromkeys([*own, *earlier])]

    @cached_property
    def _models(self) -> list[Left]:
        """Models that have left in earlier runs."""
        return [one for one in self.before if isinstance(one, Left)]

    def _knowledge(self, outcome: str) -> Knowledge:
        """What readers know of an outcome so far."""
        if outcome not in self._known:
            sd = np.full(len(self._names), self._sd(outcome))
            y = self._y(outcome)
            # Who knows that one is far out does not know how far: a tenth of it is no small part.
            own, out = sd[: len(y)], self._needed(outcome) > self._sd(outcome) / 2
            own[out] = np.fmax(np.abs(y - np.nanmean(y)), own)[out]
            self._known[outcome] = Knowledge.of_spread(sd, len(sd), self.whose)
        return self._known[outcome]

    def _recall(self, outcome: str) -> None:
        """Learn once what has left in earlier runs."""
        place = {name: at for at, name in enumerate(self._names)}
        for one in sharpened(self._due.pop(outcome, ())):
            at = [place[name] for name in one.workplaces]
            weights = as_weights(one.weights, at, len(place))
            self._known[outcome] = self._knowledge(outcome).after(weights, one.half)
            masks = np.zeros((len(one.populations), len(place)), dtype=bool)
            masks[:, at] = one.populations
            self._masks.setdefault(outcome, []).extend(masks)

    @cached_property
    def _fingers(self) -> set[Finger]:
        """What has left in earlier runs."""
        return {finger(one) for one in self._models}

    @cached_property
    def _told(self) -> set[Finger]:
        """What has left in earlier runs and in this one."""
        return set(self._fingers)

    @cached_property
    def _due(self) -> dict[str, list[Left]]:
        """What the ledger has and nobody has asked for yet."""
        found: dict[str, list[Left]] = {}
        for one in self._models:
            found.setdefault(one.outcome, []).append(one)
        return found


@lru_cache(maxsize=4096)
def _key(spec: ModelSpec) -> str:
    """What tells models apart: all but their names; a prior makes other figures."""
    return replace(spec, name="x", table="").digest


def _is_made_sharp(spec: ModelSpec) -> bool:
    """Whether a prior may make one workplace's outcome of a level: the median of a few is one."""
    own, usual = spec.priors, Priors()
    tails = {(p.family, p.shape, p.scale) for p in (own.of("df_resid"), usual.of("df_resid"))}
    is_usual = str(own.sd_resid) == str(usual.sd_resid) and len(tails) == 1
    return spec.likelihood == "student" and not is_usual
