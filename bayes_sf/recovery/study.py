"""The published route: the sufficient statistics that the report's tables leave possible.

`recover_study` draws states of the industries' outcomes (`states`), and, for every bivariate model
and state, answers of a random sample of workplaces such that the model prints what the report
prints; states for which no such sample is found are left out of that model. The spread over the
draws is what rounding and the unpublished sample leave open, and every posterior carries it.
"""

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.errors import SpecError, UsageError, check_seed
from bayes_sf.recovery.answers import surveyed
from bayes_sf.recovery.change_states import change_states
from bayes_sf.recovery.implied import Candidates, Implied, solve
from bayes_sf.recovery.kept import keep_states, kept_states
from bayes_sf.recovery.mean_states import mean_states
from bayes_sf.recovery.printed import PrintedModel, figures, printed_models
from bayes_sf.recovery.refine import refine
from bayes_sf.recovery.states import States
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.study import Study

__all__ = ["PublishedStudy", "Recovered", "recover_study"]


#: Draws kept even when fewer return every printed figure.
_KEEP = 8
#: Random samples tried per state: for items that everybody answered, and for others.
_TRIES = (64, 192)

#: Samples whose states are drawn: mean absence on the 572 and the 582, the change on the 420.
_SAMPLES = ("small", "large", "change")

#: Names of the outcomes in the published tables.
_OUTCOMES = {
    "46": "absence_mean",
    "figure5": "absence_mean",
    "47": "absence_change",
    "4": "absence_change",
}
#: Rules of observed quarters that a table's sample follows; changes need more than either asks for.
_QUARTERS = {"46": (1,), "figure5": (3,), "47": (1, 3), "4": (1, 3)}


@dataclass(frozen=True, eq=False)
class Recovered:
    """Moments of one published model.

    Parameters
    ----------
    draws : tuple of Moments
        One per state that can return the printed figures, the nearest to them first.
    returned : (D, k, 5) bool array
        Which printed figures (coefficient x estimate, se, t, ci_low, ci_high) REML returns at
        their printed rounding in each draw; (D, 0, 5) for the null model.
    """

    draws: tuple[Moments, ...]
    returned: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class PublishedStudy(Study):
    """The real study, as far as its published tables tell.

    Parameters
    ----------
    small, large, change : States
        States of mean absence on the 572 and on the 582, and of the change on the 420.
    seed : int
        Seed that they were drawn with.
    source : str
        Always ``published``.
    """

    small: States
    large: States
    change: States
    seed: int
    source: str = "published"
    _cache: dict[tuple[str, str], Recovered] = field(default_factory=dict, repr=False)

    @cached_property
    def industries(self) -> tuple[str, ...]:
        """Names of the groups."""
        return surveyed()[0]

    @cached_property
    def _models(self) -> dict[tuple[str, str], PrintedModel]:
        """Published bivariate models by (table, item)."""
        return {(m.table, m.item): m for table in _OUTCOMES for m in printed_models(table)}

    def first(self, draws: int) -> "PublishedStudy":
        """The same study with its first states alone: enough where each model needs one only.

        Parameters
        ----------
        draws : int
            Number of states.
        """
        some = np.arange(min(draws, len(self.small.means)))
        small, large, change = (s.take(some) for s in (self.small, self.large, self.change))
        return PublishedStudy(small, large, change, self.seed)

    def moments(self, spec: ModelSpec) -> tuple[Moments, ...]:
        """Moments of a published model in every version; see `recover`."""
        return self.recover(spec).draws

    def check(self, spec: ModelSpec) -> None:
        """Refuse what the published tables do not say: they are of one sample and one coding."""
        asked = {
            "standardize": spec.standardize, "categorical": spec.categorical,
            "nested": spec.nested, "within_between": spec.within_between,
            "group": spec.group != "industry" and spec.group,
        }  # fmt: skip
        for key, value in asked.items():
            if value:
                raise UsageError(
                    f"model {spec.name!r}: {key}", "is not in the published tables", got=value,
                    fix="fit it to microdata or to the replica instead",
                )  # fmt: skip

    def recover(self, spec: ModelSpec) -> Recovered:
        """Moments of a published model.

        Parameters
        ----------
        spec : ModelSpec
            Its `table` says which published model it is; ``icc`` is the null model.

        Raises
        ------
        SpecError
            For a model whose moments the report does not determine.
        """
        if not spec.predictors:
            return self._null(spec)
        key = (spec.table, spec.name)
        model = self._models.get(key)
        if model is None or spec.predictors != (spec.name,) or _OUTCOMES[key[0]] != spec.outcome:
            raise SpecError(
                f"model {spec.name!r} of {spec.outcome}",
                "must be a null or bivariate model that the report prints, to be recovered from it",
                got=f"table {spec.table!r}, predictors {', '.join(spec.predictors)}",
                fix="fit it to microdata or to the replica instead",
            )
        _check_quarters(spec, _QUARTERS[spec.table])
        if key not in self._cache:
            self._cache[key] = self._bivariate(model)
        return self._cache[key]

    def states(self, table: str) -> States:
        """States of the sample that a table was made from (``icc``: as table 46)."""
        return {"figure5": self.small, "47": self.change, "4": self.change}.get(table, self.large)

    def ends(self, outcome: str) -> dict[str, tuple[Moments, ...]]:
        """Null-model moments at both ends of what a boundary estimate leaves possible.

        ``lowest``: the industries do not differ at all; ``highest``: they differ, in the drawn
        directions, by as much as REML can still call zero. Total variation stays as it is.
        """
        states = self.change
        sizes = states.sizes.astype(float)
        n = sizes.sum(axis=1)
        grand = (sizes * states.means).sum(axis=1) / n
        deviation = states.means - grand[:, None]
        between = (sizes * deviation**2).sum(axis=1)
        total = states.within + between
        # REML's slope at lambda = 0 vanishes: sum n_j^2 d_j^2 = sigma^2 (n - sum n_j^2/n)
        reach = total / (n - 1) * (n - (sizes**2).sum(axis=1) / n)
        factor = np.sqrt(reach / (sizes**2 * deviation**2).sum(axis=1))
        found = {}
        for case, scale in (("lowest", np.zeros(len(n))), ("highest", factor)):
            means = grand[:, None] + scale[:, None] * deviation
            moved = States(states.sizes, means, total - scale**2 * between)
            found[case] = self._null_moments(outcome, moved)
        return found

    def _null(self, spec: ModelSpec) -> Recovered:
        """Null model: sizes, means and within sum of squares as they are, of the sample asked for.

        Mean absence is known of the 582 workplaces with a quarter, and of the 572 with three.
        """
        known = {
            "absence_mean": {1: self.large, 3: self.small},
            "absence_change": {1: self.change, 3: self.change},
        }
        if spec.outcome not in known:
            raise SpecError(
                f"null model of {spec.outcome}",
                f"can be recovered for {', '.join(known)}",
                fix="fit it to microdata or to the replica instead",
            )
        samples = known[spec.outcome]
        _check_quarters(spec, tuple(samples))
        draws = self._null_moments(spec.outcome, samples[spec.min_quarters])
        return Recovered(draws, np.ones((len(draws), 0, 5), dtype=bool))

    def _null_moments(self, outcome: str, states: States) -> tuple[Moments, ...]:
        """Moments of the null model in every state."""
        return tuple(
            Moments(
                outcome, (), self.industries, states.sizes[d].astype(float),
                states.means[d][:, None], np.array([[states.within[d]]]), "industry",
            )
            for d in range(len(states.means))
        )  # fmt: skip

    def _bivariate(self, model: PrintedModel) -> Recovered:
        """For every state the sampled answers that come nearest to the printed figures."""
        states = self.states(model.table)
        tries = _TRIES[0 if model.answers.complete else 1]
        place = sum(map(ord, model.table + model.item))
        rng = np.random.default_rng([self.seed, place])
        pools = [
            model.draw(states.sizes[d], states.means[d], float(states.within[d]), tries, rng)
            for d in range(len(states.means))
        ]
        pool = Candidates.stack(pools)
        low, high = model.allowed[..., 0], model.allowed[..., 1]
        miss = _excess(solve(pool), low, high).reshape(-1, tries)
        near = pool.take(np.arange(len(pools)) * tries + miss.argmin(axis=1))
        chosen = refine(model, near, states.sizes)
        implied = solve(chosen)
        excess = _excess(implied, low, high)
        order = np.argsort(excess, kind="stable")[: max(_KEEP, int((excess <= 0).sum()))]
        value = figures(implied)[order]
        slack = 1e-9 * (high - low)
        returned = (value >= low - slack) & (value <= high + slack)
        return Recovered(
            tuple(self._moments(model, chosen, implied, int(d)) for d in order), returned
        )

    def _moments(self, model: PrintedModel, pool: Candidates, implied: Implied, c: int) -> Moments:
        """Moments of one candidate."""
        p = pool.x_means.shape[2]
        within = np.empty((p + 1, p + 1))
        within[:p, :p] = pool.x_within[c]
        within[:p, p] = within[p, :p] = implied.xy_within[c]
        within[p, p] = pool.y_within[c]
        means = np.column_stack([pool.x_means[c], pool.y_means[c]])
        there = pool.sizes[c] > 0
        return Moments(
            _OUTCOMES[model.table],
            model.answers.terms,
            tuple(g for g, t in zip(self.industries, there, strict=True) if t),
            pool.sizes[c][there],
            means[there],
            within,
            "industry",
        )


def _check_quarters(spec: ModelSpec, known: tuple[int, ...]) -> None:
    """The sample that a model asks for is the one that its table was made from."""
    if spec.min_quarters not in known:
        raise UsageError(
            f"model {spec.name!r} of {spec.outcome}: min_quarters",
            f"must be {' or '.join(map(str, known))}, as in the published sample",
            got=spec.min_quarters, fix="fit it to microdata or to the replica instead",
        )  # fmt: skip


def _excess(implied: Implied, low: Floats, high: Floats) -> Floats:
    """How far the worst figure is outside its printed range, in widths of that range, (M,)."""
    value = figures(implied)
    excess = np.maximum(np.maximum(low - value, value - high) / (high - low), 0)
    return np.asarray(excess.max(axis=(1, 2)))


def recover_study(seed: int = 1, draws: int = 40) -> PublishedStudy:
    """Draw what the report's tables leave possible, once in a process for each seed.

    Parameters
    ----------
    seed : int
        Seed of all randomness.
    draws : int
        Number of states; posteriors are averages over them.

    Returns
    -------
    PublishedStudy
        Moments of each model on request.

    Raises
    ------
    ConvergenceError
        When too few states are compatible with what is printed.
    """
    return _draw_study(seed, draws)


@lru_cache(maxsize=4)
def _draw_study(seed: int, draws: int) -> PublishedStudy:
    """Draw the study, or take the states that were drawn before; the tables do not change."""
    check_seed(seed)
    states = kept_states(_SAMPLES, seed, draws)
    if states is None:
        rng = np.random.default_rng(seed)
        states = (*mean_states(draws, rng), change_states(draws, rng))
        keep_states(dict(zip(_SAMPLES, states, strict=True)), seed, draws)
    small, large, change = states
    return PublishedStudy(small, large, change, seed)
