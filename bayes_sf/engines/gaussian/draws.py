"""Independent draws from an exact posterior, in ArviZ's schema."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.exact import ExactPosterior
from bayes_sf.engines.gaussian.likelihood import Standardised
from bayes_sf.engines.gaussian.posterior import Posterior
from bayes_sf.engines.gaussian.quadrature import invert_series, series
from bayes_sf.engines.gaussian.repeated import RepeatedPosterior
from bayes_sf.errors import UsageError, check_seed

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "conditional_draws", "draw_parts", "draw_posterior", "draw_repeated", "posterior_tree",
]  # fmt: skip

_CHAINS = 4


def draw_posterior(
    posterior: Posterior, n: int, seed: int, *, effects: bool = True
) -> "xr.DataTree":
    """Draw (sigma, tau) from the grid, then coefficients and group effects exactly.

    Parameters
    ----------
    posterior : Posterior
        Of one model.
    n : int
        Draws in all, a multiple of four (they are returned as four chains).
    seed : int
        Seed.
    effects : bool
        Whether effects of groups are drawn.

    Raises
    ------
    UsageError
        When `n` is not a positive multiple of four.
    """
    rng = _generator(n, seed)
    choice = rng.integers(len(posterior.parts), size=n)
    groups = posterior.groups if effects else ()
    coef, ranef, sd_group, sd_resid = draw_parts(posterior.parts, groups, choice, rng)
    first = posterior.parts[0]
    return posterior_tree(
        coef,
        ranef,
        sd_group,
        sd_resid,
        terms=first.moments.terms,
        groups=groups,
        group=first.moments.group,
        chains=_CHAINS,
    )


def draw_repeated(posterior: RepeatedPosterior, n: int, seed: int) -> "xr.DataTree":
    """Draw the angle from its nodes, then as `draw_posterior`.

    Parameters
    ----------
    posterior, n, seed
        As in `draw_posterior`.

    Returns
    -------
    xarray.DataTree
        With ``sd_repeat`` beside the others. Of the angle there are only the nodes' values: their
        masses are exact, as everywhere, and they stand close.
    """
    rng = _generator(n, seed)
    choice = rng.choice(len(posterior.weight), size=n, p=posterior.weight)
    moments = posterior.moments
    coef, ranef, sd_group, radius = draw_parts(posterior.given, posterior.groups, choice, rng)
    tree = posterior_tree(
        coef, ranef, sd_group, radius * posterior.factors("sd_resid")[choice],
        terms=moments.terms, groups=moments.groups, group=moments.group, chains=_CHAINS,
    )  # fmt: skip
    repeat = (radius * posterior.factors("sd_repeat")[choice]).reshape(_CHAINS, -1)
    tree["posterior"] = tree["posterior"].to_dataset().assign(sd_repeat=(("chain", "draw"), repeat))
    return tree


def _generator(n: int, seed: int) -> np.random.Generator:
    """Return a generator, once the number of draws has been checked."""
    if n < _CHAINS or n % _CHAINS:
        raise UsageError("draws", f"must be a positive multiple of {_CHAINS}", got=n)
    check_seed(seed)
    return np.random.default_rng(seed)


def draw_parts(
    parts: Sequence[ExactPosterior],
    groups: tuple[str, ...],
    choice: NDArray[np.intp],
    rng: np.random.Generator,
    *,
    sd_resid: float | None = None,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Draw coefficients, effects and sds, each draw from the part that is chosen for it.

    Parameters
    ----------
    parts : sequence of ExactPosterior
        Of one model.
    groups : tuple of str
        Whose effects are drawn; none for none.
    choice : (n,) int array
        Part of each draw.
    rng : numpy.random.Generator
    sd_resid : float, optional
        The residuals' sd, where it is known: all else is drawn given it.

    Returns
    -------
    (n, k), (n, J), (n,) and (n,) arrays
        In the outcome's unit, the group's sd before the residuals'.
    """
    n, k, j = len(choice), parts[0].data.n_coef, len(groups)
    coef, ranef = np.empty((n, k)), np.empty((n, j))
    tau, resid = np.empty(n), np.empty(n)
    for index in np.unique(choice):
        where, part = np.flatnonzero(choice == index), parts[index]
        sigma, lam = _variances(part, len(where), rng, sd_resid)
        b, u = conditional_draws(part.data, part.prior_terms, sigma, lam, rng, effects=bool(groups))
        place = {g: row for row, g in enumerate(part.moments.groups)}
        rows = [place[g] for g in groups]
        scale = part.data.scale[-1]
        coef[where] = b @ part.data.coef_transform.T + part.data.coef_shift
        ranef[where] = scale * u[:, rows]
        resid[where], tau[where] = scale * sigma, scale * sigma * np.sqrt(lam)
    return coef, ranef, tau, resid


def _variances(
    part: ExactPosterior, n: int, rng: np.random.Generator, sd_resid: float | None = None
) -> tuple[Floats, Floats]:
    """Draw sigma (standardised) and lambda, (n,) each: z from its marginal, ln sigma given z."""
    if sd_resid is not None:
        t0, axis = np.log(np.array([sd_resid / part.data.scale[-1]])), part.grid.z
        log_z = part.joint.log_density(t0, axis.nodes)[:, 0]
        mass = np.exp(log_z - log_z.max()) * axis.weights
        z = invert_series(series(mass / mass.sum()), rng.uniform(size=n), axis)
        return np.full(n, np.exp(t0[0])), part.joint.ratio(z) ** 2
    z = invert_series(part.z_series, rng.uniform(size=n), part.grid.z)
    log_density = part.joint.log_density(part.grid.t.nodes, z).T  # (T, n)
    mass = np.exp(log_density - log_density.max(axis=0)) * part.grid.t.weights[:, None]
    given_z = series(mass / mass.sum(axis=0))
    t = invert_series(given_z, rng.uniform(size=n), part.grid.t)
    return np.exp(t), part.joint.ratio(z) ** 2


def conditional_draws(
    data: Standardised,
    prior: tuple[Floats, Floats],
    sigma: Floats,
    lam: Floats,
    rng: np.random.Generator,
    *,
    effects: bool = True,
) -> tuple[Floats, Floats]:
    """Coefficients and group effects given (sigma, lambda), standardised units.

    Parameters
    ----------
    data : Standardised
        The data.
    prior : ((k,), (k,)) arrays
        Precisions and means of the standardised coefficients.
    sigma, lam : (n,) arrays
        Residual sd and variance ratio of each draw.
    rng : numpy.random.Generator
        Source of randomness.
    effects : bool
        Whether group effects are drawn.

    Returns
    -------
    coef : (n, k) array
    ranef : (n, J) array
        (n, 0) without effects.
    """
    precision, mean = prior
    at = data.turned_products(lam)
    k, n = data.n_coef, len(sigma)
    turn = np.eye(k) if at.turn is None else at.turn
    q = at.xx / sigma[:, None, None] ** 2 + turn.T @ np.diag(precision) @ turn
    lower = np.linalg.cholesky(q)
    b = at.xy / sigma[:, None] ** 2 + turn.T @ (precision * mean)
    upper = np.swapaxes(lower, 1, 2)
    half = np.linalg.solve(lower, b[..., None])[..., 0] + rng.normal(size=(n, k))
    coef = np.linalg.solve(upper, half[..., None])[..., 0] @ turn.T
    if not effects:
        return coef, np.empty((n, 0))
    scaled = lam[:, None] * data.moments.sizes
    residual = data.means[:, k] - coef @ data.means[:, :k].T
    sd = sigma[:, None] * np.sqrt(lam[:, None] / (1 + scaled))
    return coef, scaled / (1 + scaled) * residual + sd * rng.normal(size=residual.shape)


def posterior_tree(
    coef: Floats,
    ranef: Floats,
    sd_group: Floats,
    sd_resid: Floats,
    *,
    terms: tuple[str, ...],
    groups: tuple[str, ...],
    group: str,
    chains: int,
) -> "xr.DataTree":
    """Put draws into ArviZ's schema.

    Parameters
    ----------
    coef, ranef : (n, k), (n, J) arrays
        Coefficients and group effects, chain after chain.
    sd_group, sd_resid : (n,) arrays
        Standard deviations.
    terms, groups : tuple of str
        Names of coefficients and of groups.
    group : str
        Name of the grouping factor, which becomes a dimension.
    chains : int
        Number of chains.

    Returns
    -------
    xarray.DataTree
        One group, ``posterior``: ``beta`` (term), ``u`` (the grouping factor), ``sd_group``,
        ``sd_resid``, ``icc``.
    """
    import xarray as xr

    def shaped(values: Floats) -> Floats:
        return values.reshape(chains, len(values) // chains, *values.shape[1:])

    base = ("chain", "draw")
    dataset = xr.Dataset(
        {
            "beta": ((*base, "term"), shaped(coef)),
            "u": ((*base, group), shaped(ranef)),
            "sd_group": (base, shaped(sd_group)),
            "sd_resid": (base, shaped(sd_resid)),
            "icc": (base, shaped(sd_group**2 / (sd_group**2 + sd_resid**2))),
        },
        coords={
            "chain": np.arange(chains), "draw": np.arange(len(coef) // chains),
            "term": list(terms), group: list(groups),
        },
    )  # fmt: skip
    return xr.DataTree.from_dict({"posterior": dataset})
