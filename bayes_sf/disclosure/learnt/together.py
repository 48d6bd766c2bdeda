"""What all that a ledger has tells together: asked again before anything is sent.

Each command has asked before it wrote; here all of it is looked at in no order, so that neither an
earlier rule nor a change of the ledger's owner goes unseen.

Examples
--------
Means of forty and of thirty-nine workplaces.

>>> import numpy as np
>>> names, one = tuple(map(str, range(40))), np.ones((1, 40))
>>> whole = Left("y", names, one / 40, np.array([0.005]), 5.0, 0.4)
>>> part = Left("y", names[1:], one[:, 1:] / 39, np.array([0.005]), 5.0, 0.4)
>>> told_together([whole], 3), told_together([whole, part], 3)
(Told(pairs=0, equations=1, outcomes=()), Told(pairs=1, equations=2, outcomes=('y',)))
"""

from collections.abc import Sequence
from itertools import combinations, compress
from typing import NamedTuple

from bayes_sf.disclosure.learnt.knowledge import Knowledge
from bayes_sf.disclosure.learnt.left import Counted, Left, equations

__all__ = ["Told", "told_together"]

#: What counts of workplaces are called.
_COUNTS = "counts of workplaces"


class Told(NamedTuple):
    """What was looked at, and what would tell of single workplaces.

    Parameters
    ----------
    pairs : int
        Of populations of which figures or counts have left.
    equations : int
        Figures of outcomes.
    outcomes : tuple of str
        Outcomes, or counts, of which too much is told.
    """

    pairs: int
    equations: int
    outcomes: tuple[str, ...]


def told_together(left: Sequence[Left | Counted], least: int) -> Told:
    """Ask what all that has left tells of single workplaces.

    Parameters
    ----------
    left : sequence of Left and Counted
        As the ledger has it.
    least : int
        Fewest workplaces that two populations may differ by.
    """
    models = [one for one in left if isinstance(one, Left)]
    tables = [one for one in left if isinstance(one, Counted)]
    outcomes = list(dict.fromkeys(one.outcome for one in models))
    own = {name: [one for one in models if one.outcome == name] for name in outcomes}
    close = [
        name for name, parts in own.items()
        if any(_is_close(*pair, least) for pair in combinations(_populations(parts), 2))
        or _is_known(parts)
    ]  # fmt: skip
    if any(0 < one.changed(other) < least for one, other in combinations(tables, 2)):
        close.append(_COUNTS)
    pairs = sum(len(found) * (len(found) - 1) // 2 for found in map(_populations, own.values()))
    pairs += len(tables) * (len(tables) - 1) // 2
    return Told(pairs, sum(len(one.half) for one in models), tuple(close))


def _populations(parts: Sequence[Left]) -> list[frozenset[str]]:
    """Whose outcomes figures are of."""
    return list(dict.fromkeys(
        frozenset(compress(one.workplaces, part)) for one in parts for part in one.populations
    ))  # fmt: skip


def _is_close(one: frozenset[str], other: frozenset[str], least: int) -> bool:
    """Whether one is a part of the other, and one or two smaller."""
    more, fewer = len(one - other), len(other - one)
    return min(more, fewer) == 0 < max(more, fewer) < least


def _is_known(parts: Sequence[Left]) -> bool:
    """Whether figures of an outcome leave a workplace's too well known."""
    names = list(dict.fromkeys(name for one in parts for name in one.workplaces))
    place = {name: at for at, name in enumerate(names)}
    known = Knowledge.of_spread(max(one.sd for one in parts), len(names))
    for weights, half in equations(parts, place):
        known = known.after(weights, half)
    return bool(known.spread().min() < min(one.least for one in parts))
