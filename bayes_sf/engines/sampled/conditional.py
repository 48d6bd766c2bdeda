"""Coefficients and group effects given what was sampled: exact draws, many at a time.

The algebra is that of `conditional_graph`: given the sampled numbers everything else is Gaussian,
so it is drawn, not sampled: no funnel, and no more autocorrelation than the sampled numbers have.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.sampled.cells import Cells
from bayes_sf.engines.sampled.structure import slope_sds

__all__ = ["Given", "draw_effects", "given_sampled"]


#: Numbers that are held at a time.
_ROOM = 4_000_000


@dataclass(frozen=True, eq=False)
class Given:
    """What the sampled numbers make of the model, for N draws, in standardised units.

    Parameters
    ----------
    variance : (N, C) array
        Residual variance of each cell; 1 where it is known and divided by.
    loading : (N, r, r) array
        L, with L L' the covariance of the r effects of a group: where every column is zero.
    spread : (N, k) array
        Prior sds of the coefficients; 1 where the prior is flat.
    collapse : (N, q, k) array
        Predictors of the coefficients as combinations of columns.
    """

    variance: Floats
    loading: Floats
    spread: Floats
    collapse: Floats

    def take(self, part: slice) -> "Given":
        """Some of the draws."""
        return Given(
            self.variance[part], self.loading[part], self.spread[part], self.collapse[part]
        )


def given_sampled(cells: Cells, sampled: Mapping[str, Floats]) -> Given:
    """Translate sampled numbers.

    Parameters
    ----------
    cells : Cells
        The model.
    sampled : mapping
        Draws of the free variables of `conditional_graph.conditional_model`, (N, ...) each.
    """
    structure, tau = cells.structure, sampled["sd_group"]
    if structure.varying:
        omega, rho = sampled["sd_slope"], 2 * sampled["half_correlation"] - 1
        loading = np.zeros((len(tau), 2, 2))
        loading[:, 0, 0], loading[:, 1, 0] = tau, omega * rho
        loading[:, 1, 1] = omega * np.sqrt(1 - rho**2)
        loading[:, 0] -= cells.zero * loading[:, 1]  # from the predictor's zero to its mean
    else:
        loading = tau[:, None, None]
    spread = np.tile(cells.spread, (len(tau), 1))
    if structure.shrinkage:
        at = {name: value.reshape(len(tau), -1) for name, value in sampled.items()}
        spread[:, 1:] = slope_sds(structure.shrinkage, at)
    collapse = np.tile(structure.collapse(), (len(tau), 1, 1))
    for number, (coef, start, stop) in enumerate(structure.steps):
        collapse[:, start:stop, coef] = sampled[f"simplex_{number}"]
    return Given(_variances(cells, sampled), loading, spread, collapse)


def _variances(cells: Cells, sampled: Mapping[str, Floats]) -> Floats:
    """Residual variance of each cell, (N, C)."""
    resid = cells.structure.resid
    if resid == "known_se":
        return np.ones((len(sampled["sd_group"]), len(cells.code)))
    sigma = sampled["sd_resid"][:, None]
    if resid == "resid_by_group":
        return np.asarray(np.exp(2 * sampled["log_resid"]))
    if resid == "repeats":
        return np.asarray(sigma**2 + sampled["sd_repeat"][:, None] ** 2 / cells.repeats)
    return np.asarray(np.tile(sigma**2, (1, len(cells.code))))


def draw_effects(cells: Cells, given: Given, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw coefficients, and group effects given them.

    Parameters
    ----------
    cells : Cells
        The model.
    given : Given
        What was sampled, N draws.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    coef : (N, k) array
        Standardised.
    effects : (N, J, r) array
        Of the intercept and, where a slope varies, of the slope; the intercept then where that
        predictor is zero.
    """
    n, step = len(given.spread), max(1, _ROOM // (cells.products[0].size * len(cells.member)))
    parts = [given.take(slice(i, i + step)) for i in range(0, n, step)]
    drawn = zip(*(_draw(cells, part, rng) for part in parts), strict=True)
    coef, effects = (np.concatenate(part) for part in drawn)
    if cells.structure.varying:
        effects[..., 0] += cells.zero * effects[..., 1]  # from its mean
    return coef, effects


def _draw(cells: Cells, given: Given, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draws that fit into memory together.

    With B_j = A_j L and K_j = I + L' A_j L, both for the columns that have group effects, effects
    are L times N(K_j^-1 B_j' w, K_j^-1), w the combination of columns that is y - X beta.
    """
    n, (groups, n_cells) = len(given.spread), cells.member.shape
    width = cells.structure.n_columns + 1
    weight = cells.member / given.variance[:, None, :]
    blocks = weight.reshape(-1, n_cells) @ cells.products.reshape(n_cells, -1)
    blocks = blocks.reshape(n, groups, width, width)
    at = list(cells.structure.varying_columns)
    upper = np.swapaxes(given.loading, 1, 2)[:, None]
    along = blocks[..., at] @ given.loading[:, None]
    gain = np.eye(len(at)) + upper @ along[:, :, at]
    held = np.linalg.solve(gain, np.swapaxes(along, 2, 3))
    total = (blocks - along @ held).sum(axis=1)

    scaled = given.collapse * given.spread[:, None, :]
    inside, outside = total[:, :-1, :-1], total[:, :-1, -1]
    outside = outside - (inside @ (given.collapse @ cells.location)[..., None])[..., 0]
    precision = np.swapaxes(scaled, 1, 2) @ inside @ scaled + np.diag(cells.precise)
    pull = (np.swapaxes(scaled, 1, 2) @ outside[..., None])[..., 0]
    coef = cells.location + given.spread * _gaussian(precision, pull, rng)

    columns = np.concatenate([-(given.collapse @ coef[..., None])[..., 0], np.ones((n, 1))], axis=1)
    pull = (np.swapaxes(along, 2, 3) @ columns[:, None, :, None])[..., 0]
    return coef, (given.loading[:, None] @ _gaussian(gain, pull, rng)[..., None])[..., 0]


def _gaussian(precision: Floats, pull: Floats, rng: np.random.Generator) -> Floats:
    """Draw from N(precision^-1 pull, precision^-1), (..., m)."""
    root = np.linalg.cholesky(precision)
    half = np.linalg.solve(root, pull[..., None]) + rng.normal(size=(*pull.shape, 1))
    return np.asarray(np.linalg.solve(np.swapaxes(root, -1, -2), half)[..., 0])
