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
from functools import partial
from typing import Final, NamedTuple

from bayes_sf.disclosure.control import Hidden, Rules
from bayes_sf.errors import UsageError

__all__ = ["RELEASED", "Passed", "all_of", "holds_no_data", "unprotected"]


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


#: Mark of a result whose estimates are as they may leave.
RELEASED: Final = "_released"


def _is_result(one: object) -> bool:
    """Whether something is a model's result."""
    return type(one).__name__ == "Result"


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
