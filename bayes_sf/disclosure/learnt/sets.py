"""Sets of models that leave together: combinations of choices, refits, other priors of one model.

What a command tells of hundreds of models is decided as one: all leave with as many digits, the
finest with which nearly all of them may, or else the coarsest, and then those that are in order
first. Each is asked what a model by itself is asked; the others are withheld.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.disclosure.learnt.knowledge import Knowledge, as_weights
from bayes_sf.disclosure.learnt.statistics import Statistics

__all__ = ["Batch", "Refit", "admit", "condensed", "mark_of"]

type _Mask = NDArray[np.bool_]
#: Digits fewer than two of a standard error, in the order in which they are tried; and of how many
#: all must leave with for nothing coarser to be tried.
_FEWER: Final = (0, 1)
_ENOUGH: Final = 0.9


class Refit(NamedTuple):
    """What is told of one model of a set.

    Parameters
    ----------
    mask : (n,) bool array
        Whose outcomes: workplaces of the sample.
    found : Statistics
        Its figures.
    few : bool
        Whether it rests on cells of too few workplaces.
    times : float
        How often each figure is told, rounded anew: under other priors, of other definitions of
        the outcome.
    """

    mask: _Mask
    found: Statistics
    few: bool = False
    times: float = 1.0


class Batch(NamedTuple):
    """How a set leaves.

    Parameters
    ----------
    fewer : int
        Digits fewer than two of a standard error, the same of all.
    kept : tuple of bool
        Which of its models leave.
    """

    fewer: int
    kept: tuple[bool, ...]


class Admitted(NamedTuple):
    """A set's decision, what readers know then, and what has left of it."""

    batch: Batch
    known: Knowledge
    weights: Floats
    half: Floats

    @property
    def none(self) -> Batch:
        """Nothing of the set leaves."""
        return Batch(self.batch.fewer, (False,) * len(self.batch.kept))


def admit(
    known: Knowledge, refits: Sequence[Refit], least: Floats, free: Sequence[bool]
) -> Admitted:
    """Let as many of a set leave as may.

    Parameters
    ----------
    known : Knowledge
        What readers know so far.
    refits : sequence of Refit
        Those that matter most first.
    least : (n,) float array
        How well each outcome may be known.
    free : sequence of bool
        Which are not withheld for other reasons.

    Examples
    --------
    Means of forty and of thirty-six: of both together at most whole numbers are told.

    >>> whole, part = np.ones((1, 40)) / 40, np.ones((1, 36)) / 36
    >>> one = Refit(np.ones(40, bool), Statistics(whole, ("a",), {"a": 2}))
    >>> two = Refit(np.arange(40) < 36, Statistics(part, ("a",), {"a": 2}))
    >>> known, least = Knowledge.of_spread(5.0, 40), np.full(40, 0.4)
    >>> admit(known, [one, two], least, [True, True]).batch
    Batch(fewer=0, kept=(True, True))
    """
    size = len(known.cov)
    told = [
        (as_weights(one.found.weights, np.flatnonzero(one.mask), size),
         one.found.half_units / np.sqrt(one.times))
        for one in refits
    ]  # fmt: skip
    whole = sum(one.times for one, may in zip(refits, free, strict=True) if may)
    for fewer in _FEWER:
        asked = [(at, *told[at], refits[at].times) for at, may in enumerate(free) if may]
        spare = np.inf if fewer == _FEWER[-1] else (1 - _ENOUGH) * whole
        found = _admitted(known, asked, least, 10.0**fewer, spare)
        if found is None:
            continue
        after, kept = found
        chosen = [told[at] for at in kept]
        weights = np.vstack([w for w, _ in chosen]) if chosen else np.zeros((0, size))
        half = np.concatenate([h for _, h in chosen]) * 10.0**fewer if chosen else np.zeros(0)
        batch = Batch(fewer, tuple(at in set(kept) for at in range(len(refits))))
        return Admitted(batch, after, weights, half)
    raise AssertionError  # the last leaves out what it must


type _Asked = Sequence[tuple[int, Floats, Floats, float]]


def _admitted(
    known: Knowledge, asked: _Asked, least: Floats, coarser: float, spare: float
) -> tuple[Knowledge, list[int]] | None:
    """Those that may leave with some digits; None where more than is spare may not."""
    if not asked:
        return known, []
    after = known.after(
        np.vstack([w for _, w, _, _ in asked]),
        coarser * np.concatenate([h for _, _, h, _ in asked]),
    )
    if is_open(known.spread(), after.spread(), least):
        return after, [at for at, *_ in asked]
    kept: list[int] = []
    for at, weights, half, times in asked:
        if is_open(known.spread(), known.least_after(weights, coarser * half), least):
            after = known.after(weights, coarser * half)
            if is_open(known.spread(), after.spread(), least):
                known = after
                kept.append(at)
                continue
        spare -= times
        if spare < 0:
            return None
    return known, kept


def is_open(before: Floats, after: Floats, least: Floats) -> bool:
    """Whether no outcome becomes known better than may be.

    Parameters
    ----------
    before, after : (n,) float arrays
        How well each is known.
    least : (n,) float array
    """
    return not ((after < least) & (after < _SAME * before)).any()


#: Who is known better by less than this share has learnt nothing.
_SAME: Final = 0.999


def condensed(weights: Floats, half: Floats) -> tuple[Floats, Floats]:
    """Fewer figures that tell the same, where there are more than workplaces.

    Parameters
    ----------
    weights : (k, n) float array
    half : (k,) float array

    Returns
    -------
    weights, half

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> weights, half = rng.normal(size=(9, 4)), rng.uniform(0.01, 0.1, 9)
    >>> known = Knowledge.of_spread(5.0, 4)
    >>> few = condensed(weights, half)
    >>> few[0].shape, np.allclose(known.after(*few).cov, known.after(weights, half).cov, atol=1e-9)
    ((4, 4), True)
    """
    if len(weights) <= weights.shape[1]:
        return weights, half
    sharp = weights / half[:, None]
    found, direction = np.linalg.eigh(sharp.T @ sharp)
    used = found > found[-1] * _NOTHING
    return direction.T[used], 1 / np.sqrt(found[used])


#: Of the precision of what is told best: less is nothing.
_NOTHING: Final = 1e-12


def mark_of(outcome: str, refits: Sequence[Refit]) -> str:
    """Tell sets apart.

    Parameters
    ----------
    outcome : str
    refits : sequence of Refit
    """
    sha = hashlib.sha256(outcome.encode())
    for part in _bytes(refits):
        sha.update(part)
    return sha.hexdigest()[:32]


def _bytes(refits: Sequence[Refit]) -> Iterator[bytes]:
    """What a set is made of, up to rounding errors."""
    for one in refits:
        rough = np.round(one.found.weights, 7) + 0.0
        yield np.packbits(one.mask).tobytes() + rough.tobytes()
        yield np.round(one.found.half_units, 9).tobytes()
        yield f"{one.few} {one.times}".encode()
