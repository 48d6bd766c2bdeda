"""What has left, as a ledger has it and readers know it: figures of models, counts of tables."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.disclosure.learnt.knowledge import as_weights

__all__ = ["Counted", "Finger", "Left", "equations", "finger", "sharpened"]

type Finger = tuple[str, tuple[str, ...], bytes, bytes, str]


@dataclass(frozen=True, eq=False)
class Left:
    """Figures that have left before.

    Parameters
    ----------
    outcome : str
    workplaces : tuple of str
        Whose outcomes they are sums of.
    weights : (k, n) float array
    half : (k,) float array
        Half units of their last digits.
    sd : float
        Of the outcome.
    least : float
        How well no workplace's outcome may be known: a standard deviation.
    parts : (m, n) bool array, optional
        Of a set of models: the population of each, among the workplaces.
    mark : str
        Of a set: which one it is, and how it left.
    way : str
        Of a model: how its figures were come by, other than as usual (under which priors, with
        which seed): from the same weights in another way more is learnt.
    """

    outcome: str
    workplaces: tuple[str, ...]
    weights: Floats
    half: Floats
    sd: float
    least: float
    parts: NDArray[np.bool_] | None = None
    mark: str = ""
    way: str = ""

    @property
    def populations(self) -> NDArray[np.bool_]:
        """Whose outcomes each model is of, (m, n)."""
        whole = np.ones((1, len(self.workplaces)), dtype=bool)
        return whole if self.parts is None else self.parts


@dataclass(frozen=True)
class Counted:
    """Whose answers and quarters were counted in tables that have left.

    Parameters
    ----------
    marks : mapping
        Workplace -> digest of all that is counted of it.
    """

    marks: Mapping[str, str]

    def changed(self, other: "Counted") -> int:
        """Workplaces that are in one alone, or counted otherwise.

        Parameters
        ----------
        other : Counted

        Examples
        --------
        >>> Counted({"a": "1", "b": "2"}).changed(Counted({"a": "1", "b": "3", "c": "4"}))
        2
        """
        return len({name for name, _ in self.marks.items() ^ other.marks.items()})


def sharpened(left: Iterable[Left]) -> Iterator[Left]:
    """Figures with the half units that readers know them to.

    Who may choose a prior moves a figure by as little as it takes to be rounded otherwise: each
    time that the same sums leave in another way the last digit is known to half of what it was.

    Parameters
    ----------
    left : iterable of Left
        In the order in which they left.
    """
    ways: dict[tuple[object, ...], set[str]] = {}
    for one in left:
        before = ways.setdefault(finger(one)[:3], set())
        yield replace(one, half=one.half / 2 ** len(before - {one.way}))
        before.add(one.way)


def equations(left: Iterable[Left], place: Mapping[str, int]) -> Iterator[tuple[Floats, Floats]]:
    """Weights of all workplaces and half units, of what has left and as sharply as it is known.

    Parameters
    ----------
    left : iterable of Left
        In the order in which they left.
    place : mapping
        Of every workplace among all.
    """
    for one in sharpened(left):
        at = [place[name] for name in one.workplaces]
        yield as_weights(one.weights, at, len(place)), one.half


def finger(left: Left) -> Finger:
    """Tell figures apart: from the same ones nothing is learnt again.

    Parameters
    ----------
    left : Left

    Returns
    -------
    tuple
        Outcome, workplaces, weights, half units, and in which way.
    """
    if left.mark:
        return left.outcome, left.workplaces, left.mark.encode(), b"", ""
    rough = np.round(left.weights.astype("<f4").astype(float), 5) + 0.0
    return left.outcome, left.workplaces, rough.tobytes(), left.half.tobytes(), left.way
