"""Rankings of groups: the probability that a group is the lowest, or the highest, of all.

That one posterior mean is the smallest does not say that the group is: neighbours may be as low.
"""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from bayes_sf.analysis.pooling import GroupRow
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError

__all__ = ["end_probabilities", "rounded_ends"]

#: Draws: a probability is within 0.01 with two Monte Carlo standard errors.
_DRAWS = 10_000


def end_probabilities(
    result: Result, groups: Sequence[str], *, draws: int = _DRAWS, seed: int = 1
) -> dict[str, tuple[float, float]]:
    """Probability that each group's level is the lowest, and the highest, of some groups.

    Parameters
    ----------
    result : Result
        With a posterior.
    groups : sequence of str
        Those that are ranked, two at least.
    draws, seed : int
        Joint draws of the groups' effects; of engine ``exact`` they are independent.

    Returns
    -------
    dict
        Group -> (lowest, highest), each adding up to 1.

    Raises
    ------
    UsageError
        For fewer than two groups, and for one that the model has not.
    """
    known = result.moments.groups
    if len(groups) < 2 or not set(groups) <= set(known):
        raise UsageError("groups", "must be two or more of the model's", got=list(groups))
    effects = result.draws(draws, seed=seed, rows=False)["posterior"]["u"]
    values = effects.sel({result.moments.group: list(groups)}).to_numpy()
    return _ends(values.reshape(-1, len(groups)), groups)


def rounded_ends(
    rows: Sequence[GroupRow], *, draws: int = _DRAWS, seed: int = 1
) -> dict[str, tuple[float, float]]:
    """The same of levels as they are printed, each normal and by itself: they tell no more.

    Parameters
    ----------
    rows : sequence of GroupRow
        Those that are ranked.
    draws, seed : int
        As in `end_probabilities`.

    Examples
    --------
    >>> row = dict.fromkeys(GroupRow.__dataclass_fields__, 0.0) | {"prob": 0.95}
    >>> low = GroupRow(**row | {"group": "a", "mean": 1.0, "lower": 0.0, "upper": 2.0})
    >>> high = GroupRow(**row | {"group": "b", "mean": 2.0, "lower": 1.0, "upper": 3.0})
    >>> round(rounded_ends([low, high])["a"][0], 1)  # Phi(1/(sqrt(2) 0.51)) = 0.917
    0.9
    """
    rng, mean = np.random.default_rng(seed), np.array([row.mean for row in rows])
    wide = [NormalDist().inv_cdf(0.5 + row.prob / 2) for row in rows]
    sd = np.array([(row.upper - row.lower) / 2 for row in rows]) / wide
    return _ends(rng.normal(mean, sd, (draws, len(rows))), [row.group for row in rows])


def _ends(values: NDArray[np.float64], groups: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Share of draws in which each group is the lowest, and the highest."""
    ends = (np.bincount(end(values, axis=1), minlength=len(groups)) / len(values)
            for end in (np.argmin, np.argmax))  # fmt: skip
    return {
        group: (float(low), float(high)) for group, low, high in zip(groups, *ends, strict=True)
    }
