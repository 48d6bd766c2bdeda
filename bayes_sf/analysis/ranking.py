"""Rankings of groups: the probability that a group is the lowest, or the highest, of all.

That one posterior mean is the smallest does not say that the group is: neighbours may be as low.
"""

from collections.abc import Sequence

import numpy as np

from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError

__all__ = ["end_probabilities"]

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
    values = effects.sel({result.moments.group: list(groups)}).to_numpy().reshape(-1, len(groups))
    ends = (np.bincount(end(values, axis=1), minlength=len(groups)) / len(values)
            for end in (np.argmin, np.argmax))  # fmt: skip
    return {
        group: (float(low), float(high)) for group, low, high in zip(groups, *ends, strict=True)
    }
