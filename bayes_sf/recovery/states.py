"""What the industries' outcomes can have been, given everything that the report prints.

A *state* is the industries' sizes, mean outcomes and the within sum of squares of one sample. Many
states print the same tables. They are drawn from a posterior: flat in the industry means and in the
log of the within sum of squares, with an interval likelihood for every rounded figure. The modules
`mean_states` and `change_states` draw them; here is what both need.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from bayes_sf.arrays import Floats
from bayes_sf.inputs.published import published_table
from bayes_sf.recovery.implied import Candidates, Implied, solve
from bayes_sf.recovery.printed import PrintedModel, figures, predict

__all__ = [
    "Noise",
    "States",
    "log_printed",
    "nuisance",
    "null_implied",
    "predict_states",
    "table_sizes",
]


#: Bias and sd of each printed figure, (k, 5), by table and item.
type Noise = dict[tuple[str, str], tuple[Floats, Floats]]

#: A figure that no state can return costs this much probability instead of everything.
_FLOOR = 1e-4


@dataclass(frozen=True, eq=False)
class States:
    """D states of one sample.

    Parameters
    ----------
    sizes : (D, J) int array
        Workplaces by industry.
    means : (D, J) array
        Mean outcome by industry, pp.
    within : (D,) array
        Within-industry sum of squares of the outcome, pp squared.
    """

    sizes: NDArray[np.int64]
    means: Floats
    within: Floats

    def take(self, which: NDArray[np.intp]) -> "States":
        """The chosen states."""
        return States(self.sizes[which], self.means[which], self.within[which])


def table_sizes(table: str) -> NDArray[np.int64]:
    """Workplaces by industry of table 8 (mean absence) or 9 (change)."""
    rows = published_table(table)
    return np.asarray(rows[rows["industry"] != "total"]["count"].to_numpy(dtype=np.int64))


def null_implied(states: States) -> Implied:
    """REML of the null model in every state."""
    d, j = states.means.shape
    empty = np.zeros((d, j, 0)), np.zeros((d, 0, 0))
    sizes = states.sizes.astype(float)
    return solve(Candidates(sizes, states.means, states.within, *empty, np.zeros((d, 0))))


def predict_states(models: tuple[PrintedModel, ...], states: States) -> list[Implied]:
    """What each model prints in each state, at expected answers."""
    return predict(models, states.sizes.astype(float), states.means, states.within)


def nuisance(
    model: PrintedModel, states: States, rng: np.random.Generator, draws: int = 400
) -> tuple[Floats, Floats]:
    """Bias and sd of each printed figure, (k, 5), from who answered and was linked."""
    state = states.take(np.array([0]))
    sample = model.draw(state.sizes[0], state.means[0], float(state.within[0]), draws, rng)
    value = figures(solve(sample))
    at_mean = figures(predict_states((model,), state)[0])[0]
    return value.mean(axis=0) - at_mean, value.std(axis=0)


def log_printed(
    models: tuple[PrintedModel, ...],
    states: States,
    noise: Noise,
) -> Floats:
    """Log probability that the models print what they print, (D,).

    Two figures per coefficient carry the information: the estimate, within what all figures of its
    row allow together, and the intercept's t (the slopes' t are met by construction).
    """
    centres, spreads, allowed = [], [], []
    for model, implied in zip(models, predict_states(models, states), strict=True):
        bias, sd = noise[model.table, model.item]
        value = figures(implied) + bias
        centres += [value[:, :, 0], value[:, :1, 2]]
        spreads += [sd[:, 0], sd[:1, 2]]
        allowed += [model.estimate, model.allowed[:1, 2]]
    centre, (low, high) = np.hstack(centres), np.vstack(allowed).T
    scale = np.maximum(np.hstack(spreads), 1e-9)
    inside = ndtr((high - centre) / scale) - ndtr((low - centre) / scale)
    return np.asarray(np.log(np.maximum(inside, _FLOOR)).sum(axis=1))
