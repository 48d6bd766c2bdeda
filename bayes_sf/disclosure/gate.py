"""The gate: what has passed disclosure control, as a type.

A run writes, draws, prints and says nothing that is not in a `Passed` (`bayes_sf.output.run`),
and only this package makes one: by a `protect_...` function, or by `holds_no_data` for what is of
no workplace at all. What is computed from something that has passed has passed as well.

Examples
--------
>>> shown = holds_no_data([3, 1, 2], "an example")
>>> shown.map(sorted).shown
[1, 2, 3]
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from bayes_sf.disclosure.control import Hidden, Rules
from bayes_sf.engines.gaussian.estimates import Estimate
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError
from bayes_sf.spec.moments import INTERCEPT, Moments

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RELEASED", "Passed", "Released", "all_of", "holds_no_data", "unprotected"]


class Passed[T](NamedTuple):
    """Something that may leave, and what was hidden in it: `shown, log = protect_...(...)`.

    Parameters
    ----------
    shown : object
        As it may leave.
    log : tuple of Hidden
        What was hidden in it.
    """

    shown: T
    log: tuple[Hidden, ...] = ()

    def map[U](self, make: Callable[[T], U]) -> "Passed[U]":
        """Make something of what has passed, and of nothing else.

        Parameters
        ----------
        make : callable
            From what is shown. What it captures is looked through: results of models that have not
            passed are refused.
        """
        carried = [one for one in _carried(make) if _is_result(one) and RELEASED not in vars(one)]
        assert not carried, f"{make} carries results that have not passed: {carried}"
        return Passed(make(self.shown), self.log)

    def also[U](self, other: "Passed[U]") -> "Passed[tuple[T, U]]":
        """Put two together.

        Parameters
        ----------
        other : Passed
        """
        return Passed((self.shown, other.shown), (*self.log, *other.log))


#: Mark of a result of data that nothing is hidden of.
RELEASED: Final = "_released"


@dataclass(frozen=True, eq=False)
class Released(Result):
    """A result as it may leave: rows of estimates, and no posterior or data to be had with them.

    Whatever is printed or drawn of it can be made of these rows alone.

    Parameters
    ----------
    shown : callable
        Takes ``coefficients``, ``singles`` or ``rows``, and gives these of the result, rounded.
    hidden : mapping
        Groups that are hidden -> rule.
    table : pandas.DataFrame or None
        Diagnostics by parameter, of chains.
    """

    shown: "Callable[[str], tuple[Estimate, ...]]" = lambda _: ()
    hidden: Mapping[str, str] = field(default_factory=dict)
    table: "pd.DataFrame | None" = None

    @classmethod
    def of(cls, result: Result, rounded: Callable[[Estimate], Estimate], **more: Any) -> "Released":
        """Leave everything behind but what is shown.

        Parameters
        ----------
        result : Result
        rounded : callable
            Makes of an estimate what may be seen of it.
        **more
            As in the class.
        """
        known, parts = result.moments, getattr(result.fitted, "parts", ())
        nothing = Moments(
            known.outcome, known.predictors, known.groups, np.full_like(known.sizes, np.nan),
            np.full_like(known.means, np.nan), np.full_like(known.within, np.nan), known.group,
            known.n_obs,
        )  # fmt: skip
        settings = dict(getattr(result.fitted, "settings", {}))
        # Resolved, a prior says mean and sd of the outcome: as stated it says how it comes by them.
        priors = result.priors and result.spec.priors
        empty = _Nothing(nothing, priors, result.converged, settings, len(parts))

        def shown(part: str) -> tuple[Estimate, ...]:
            return tuple(map(rounded, getattr(result, part)))

        return cls(
            result.spec, result.engine, empty, result.prob, result.provenance, None, shown, **more
        )

    @cached_property
    def coefficients(self) -> tuple[Estimate, ...]:
        """The coefficients alone, which come first among the rows."""
        return self.shown("coefficients")

    @cached_property
    def singles(self) -> tuple[Estimate, ...]:
        """What is not of a group."""
        return self.shown("singles")

    @cached_property
    def rows(self) -> tuple[Estimate, ...]:
        """The estimates as records."""
        return self.shown("rows")

    @property
    def has_draws(self) -> bool:
        """Whether rows are of a posterior."""
        return self.fitted.priors is not None

    @property
    def varying_term(self) -> str:
        """Coefficient that varies by group beside the intercept; "" for none."""
        return next((r.term for r in self.rows if r.group and r.term != INTERCEPT), "")

    def diagnostics(self) -> "pd.DataFrame":
        """Diagnostics that may leave."""
        return super().diagnostics() if self.table is None else self.table


@dataclass(frozen=True, eq=False)
class _Nothing:
    """What is left of a fit whose rows alone may leave."""

    moments: Moments
    priors: Any
    converged: bool
    settings: Mapping[str, Any]
    versions: int

    @property
    def parts(self) -> "tuple[_Nothing, ...]":
        """As many as there were."""
        return (self,) * max(self.versions, 1)


def _is_result(one: object) -> bool:
    """Whether something is a model's result."""
    return isinstance(one, Result) and not isinstance(one, Released)


def _carried(make: object) -> Iterator[object]:
    """What a function has with it beside its argument: captured, or given before."""
    if isinstance(make, partial):
        yield from _parts((make.func, make.args, make.keywords))
    for cell in getattr(make, "__closure__", None) or ():
        yield from _parts(cell.cell_contents)


def _parts(value: object) -> Iterator[object]:
    """Something, and what is in it."""
    if callable(value) and not _is_result(value):
        yield from _carried(value)
    elif isinstance(value, Mapping):
        yield from _parts(tuple(value.values()))
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _parts(one)
    else:
        yield value


def all_of[T](parts: Iterable[Passed[T]]) -> Passed[tuple[T, ...]]:
    """Put several together.

    Parameters
    ----------
    parts : iterable of Passed
    """
    listed = tuple(parts)
    return Passed(tuple(one.shown for one in listed), tuple(h for one in listed for h in one.log))


def unprotected[T](shown: T, rules: Rules) -> Passed[T]:
    """Let pass what there are no rules for, where the user has taken it upon himself.

    Parameters
    ----------
    shown : object
        Of a table of the user's own.
    rules : Rules
        Of disclosure control: it must be off.

    Raises
    ------
    UsageError
        Where it is not.
    """
    if rules.active:
        raise UsageError(
            "--table", "has no rules of disclosure control: what is printed is yours to check",
            got="disclosure control", fix="say --no-disclosure-control",
        )  # fmt: skip
    return Passed(shown)


def holds_no_data[T](shown: T, why: str) -> Passed[T]:
    """Let pass what is of no workplace: simulations, the state of an installation.

    Parameters
    ----------
    shown : object
    why : str
        Why nothing in it can tell of a workplace; for readers of the code.
    """
    assert why
    return Passed(shown)
