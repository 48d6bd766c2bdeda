"""Move candidate samples onto what a model prints, by the least surprising change.

Random samples of answers come near to the printed figures, not onto them. The coordinates that may
move are those that are not known: the means of the item's columns by industry (their spread is that
of sampling without replacement) and, where not everybody has an answer, the outcome's means and
within sum of squares of those who have. In units of their own spread the smallest step that brings
the intercept's t and all estimates inside their printed ranges is taken (Gauss-Newton). The within
cross products of dummy columns follow from their means; those of a five-point item stay as drawn.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.recovery.implied import Candidates, Implied, solve
from bayes_sf.recovery.printed import SELECTION, PrintedModel

__all__ = ["refine"]

_STEPS = 10
#: Farthest that a coordinate moves in one step and in all, in units of its own spread.
_STRIDE, _FARTHEST = 1.0, 4.0
_DIFFERENCE = 1e-3
#: Where inside a printed range to aim, from its edge; and spread's floor for an empty industry.
_MARGIN = 0.1


def refine(model: PrintedModel, candidates: Candidates, sizes: NDArray[np.int64]) -> Candidates:
    """Candidates that print what the model prints, as far as small steps can make them.

    Parameters
    ----------
    model : PrintedModel
        What is printed.
    candidates : Candidates
        D samples near to it.
    sizes : (D, J) int array
        Workplaces of each sample, with or without an answer.
    """
    scale = _spread(model, candidates, sizes)
    point = np.zeros_like(scale)
    low = np.append(model.allowed[0, 2, 0], model.estimate[:, 0])
    high = np.append(model.allowed[0, 2, 1], model.estimate[:, 1])
    margin = _MARGIN * (high - low)
    best, worst = point, np.full(len(point), np.inf)
    off = np.zeros((len(scale), len(low)), dtype=bool)  # targets that were ever missed stay in play
    for _ in range(_STEPS):
        value = _targets(solve(_moved(model, candidates, point * scale)))
        miss = (np.maximum(np.maximum(low - value, value - high), 0) / (high - low)).max(axis=1)
        best = np.where((miss < worst)[:, None], point, best)
        worst = np.minimum(miss, worst)
        if not worst.any():
            break
        error = np.clip(value, low + margin, high - margin) - value
        off |= error != 0
        gradient = _gradient(model, candidates, point, scale, value) * (scale > 0)[:, None, :]
        active = gradient * off[:, :, None]
        # the smallest point, seen from the origin, that meets the linearised targets
        aim = np.where(off, error + np.einsum("dkm,dm->dk", gradient, point), 0.0)
        normal = np.einsum("dkm,dlm->dkl", active, active)
        ridge = 1e-9 * np.trace(normal, axis1=1, axis2=2) + 1e-300
        normal += ridge[:, None, None] * np.eye(normal.shape[1])
        multiplier = np.linalg.solve(normal, aim[..., None])[..., 0]
        goal = np.clip(np.einsum("dkm,dk->dm", active, multiplier), -_FARTHEST, _FARTHEST)
        point = point + np.clip(goal - point, -_STRIDE, _STRIDE)
    return _moved(model, candidates, best * scale)


def _spread(model: PrintedModel, c: Candidates, sizes: NDArray[np.int64]) -> Floats:
    """Standard deviations of the coordinates, (D, J p + J + 1): x means, y means, ln y within."""
    a = model.answers
    share = a.counts / np.maximum(a.counts.sum(axis=0), 1)
    means = share.T @ a.design
    var = share.T @ a.design**2 - means**2
    answered = np.maximum(a.counts.sum(axis=0), 1)
    left = np.maximum(1 / np.maximum(c.sizes, 1) - 1 / answered, 0)
    x = np.sqrt(var[None] * left[:, :, None]).reshape(len(sizes), -1)
    y = np.zeros(sizes.shape)
    within = np.zeros(len(sizes))
    if not a.complete:
        df = sizes.sum(axis=1) - sizes.shape[1]
        own = c.sizes.sum(axis=1) - (c.sizes > 0).sum(axis=1)
        gap = np.maximum(1 / np.maximum(c.sizes, 1) - 1 / sizes, 0)
        y = np.sqrt((c.y_within / own)[:, None] * gap)
        within = np.hypot(np.sqrt(2 / own * (1 - own / df)), SELECTION * (1 - own / df))
    empty = (c.sizes <= 0)[:, :, None]
    x = np.where(np.repeat(empty, a.design.shape[1], axis=2).reshape(x.shape), 0.0, x)
    return np.column_stack([x, y, within])


def _moved(model: PrintedModel, c: Candidates, change: Floats) -> Candidates:
    """Candidates after a change of their coordinates."""
    d, j, p = c.x_means.shape
    x = change[:, : j * p].reshape(d, j, p)
    y = change[:, j * p : j * p + j]
    x_means, x_within = c.x_means + x, c.x_within
    if np.isin(model.answers.design, (0.0, 1.0)).all():
        x_means = np.clip(x_means, 0.0, 1.0)
        share = np.eye(p) * x_means[..., None] - x_means[..., None] * x_means[..., None, :]
        x_within = np.einsum("dj,djpq->dpq", c.sizes, share)
    return replace(
        c,
        x_means=x_means,
        x_within=x_within,
        y_means=c.y_means + y,
        y_within=c.y_within * np.exp(change[:, -1]),
    )


def _targets(implied: Implied) -> Floats:
    """The intercept's t and all estimates, (D, k + 1)."""
    return np.column_stack([implied.coef[:, 0] / implied.se[:, 0], implied.coef])


def _gradient(
    model: PrintedModel, c: Candidates, point: Floats, scale: Floats, value: Floats
) -> Floats:
    """Forward differences of the targets in standardised coordinates, (D, k + 1, m)."""
    d, m = point.shape
    moved = (point[:, None, :] + _DIFFERENCE * np.eye(m)) * scale[:, None, :]
    wide = c.take(np.repeat(np.arange(d), m))
    ahead = _targets(solve(_moved(model, wide, moved.reshape(d * m, m)))).reshape(d, m, -1)
    return np.swapaxes((ahead - value[:, None, :]) / _DIFFERENCE, 1, 2)
