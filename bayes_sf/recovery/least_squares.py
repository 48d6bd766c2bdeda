"""Gauss-Newton for many small least-squares problems at once."""

from collections.abc import Callable

import numpy as np

from bayes_sf.arrays import Floats

__all__ = ["gauss_newton", "jacobian"]


def gauss_newton(residuals: Callable[[Floats], Floats], start: Floats, steps: int = 12) -> Floats:
    """Least squares for L problems at once, (L, m), with halved steps where needed."""
    point = start
    cost = (residuals(point) ** 2).sum(axis=1)
    for _ in range(steps):
        value, slopes = jacobian(residuals, point)
        normal = np.swapaxes(slopes, 1, 2) @ slopes
        normal += 1e-9 * np.eye(point.shape[1]) * np.trace(normal, axis1=1, axis2=2)[:, None, None]
        step = -np.linalg.solve(normal, np.einsum("lrm,lr->lm", slopes, value)[..., None])[..., 0]
        size = np.ones(len(point))
        for _ in range(6):
            trial = point + size[:, None] * step
            new = (residuals(trial) ** 2).sum(axis=1)
            better = new < cost
            point = np.where(better[:, None], trial, point)
            cost = np.where(better, new, cost)
            size = np.where(better, 0.0, size / 3)
            if better.all():
                break
    return point


def jacobian(residuals: Callable[[Floats], Floats], point: Floats) -> tuple[Floats, Floats]:
    """Residuals (L, R) and their forward-difference Jacobian (L, R, m)."""
    count, m = point.shape
    step = 1e-5 * np.maximum(1.0, np.abs(point))
    moved = point[:, None, :] + np.concatenate(
        [np.zeros((count, 1, m)), step[:, :, None] * np.eye(m)], axis=1
    )
    value = residuals(moved.reshape(-1, m)).reshape(count, m + 1, -1)
    slopes = (value[:, 1:] - value[:, :1]) / step[:, :, None]
    return value[:, 0], np.swapaxes(slopes, 1, 2)
