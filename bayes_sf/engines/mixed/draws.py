"""Draws of a mixed model's posterior and prior, and what they say of each row, in ArviZ's schema.

Sds and correlations come from the grid (``exact``) or the sampler (``nuts``); given them,
coefficients and random effects are drawn exactly. Of ``exact`` the ratios of sds to sigma and the
correlations have the nodes' values, whose masses are exact; sigma itself is drawn given them.

Variables: ``beta`` (term), ``u|g`` (level|g, effect|g) for each factor, sds, correlations and
``sd_resid`` under their names in `estimates`, ``icc`` (of several factors ``icc|g``).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.quadrature import invert_series, series
from bayes_sf.engines.mixed.nodes import Nodes, Surface
from bayes_sf.engines.mixed.products import Products
from bayes_sf.engines.row_groups import named_rows
from bayes_sf.errors import UsageError, check_seed
from bayes_sf.spec.terms.matrices import Matrices

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["draw_nodes", "mixed_dataset", "prior_dataset", "row_datasets"]


#: Chains that independent draws are returned as.
CHAINS = 4


def draw_nodes(nodes: Nodes, n: int, *, seed: int) -> tuple[Floats, Floats]:
    """Draw coordinates and sigma from a grid's masses.

    Parameters
    ----------
    nodes : Nodes
    n : int
        Draws, a multiple of four.
    seed : int

    Returns
    -------
    (n, m) and (n,) arrays
        Coordinates, and sigma in standardised units.

    Raises
    ------
    UsageError
        When `n` is not a positive multiple of four.
    """
    if n < CHAINS or n % CHAINS:
        raise UsageError("draws", f"must be a positive multiple of {CHAINS}", got=n)
    check_seed(seed)
    rng = np.random.default_rng(seed)
    mass = nodes.weight.sum(axis=1)
    chosen = rng.choice(len(mass), size=n, p=mass / mass.sum())
    given = nodes.weight[chosen].T
    found = series(given / given.sum(axis=0))
    return nodes.at[chosen], np.exp(invert_series(found, rng.uniform(size=n), nodes.t))


def mixed_dataset(
    surface: Surface, at: Floats, sigma: Floats, *, seed: int, chains: int
) -> "xr.Dataset":
    """Draws of everything, given sds and correlations.

    Parameters
    ----------
    surface : Surface
        Data and priors.
    at, sigma : (N, m), (N,) arrays
        Coordinates and sigma (standardised) of each draw, chain after chain.
    seed : int
    chains : int
    """
    rng = np.random.default_rng([seed, 2])
    beta, effects = _effects_of(surface, at, sigma, rng)
    return _dataset(surface, _spreads(surface, at, sigma), beta, effects, chains)


def _spreads(surface: Surface, at: Floats, sigma: Floats) -> dict[str, Floats]:
    """Sds, correlations and ICCs, (N,) each, in the outcome's unit."""
    unit = float(surface.products.scale[-1])
    found = {}
    for axis, name in enumerate(surface.names):
        value = surface.values(axis, at[:, axis])
        found[name] = value * sigma * unit if surface.is_sd[axis] else value
    found["sd_resid"] = sigma * unit
    return found | _shares(surface, at)


def _shares(surface: Surface, at: Floats) -> dict[str, Floats]:
    """ICC of every factor."""
    if surface.products.matrices.weights is not None:
        return {}
    shares = surface.shares(at)
    names = [factor.name for factor in surface.products.factors]
    if len(names) == 1:
        return {"icc": shares[names[0]]}
    return {f"icc|{name}": shares[name] for name in names}


def _effects_of(
    surface: Surface, at: Floats, sigma: Floats, rng: np.random.Generator
) -> tuple[Floats, list[Floats]]:
    """Raw coefficients, (N, p), and effects of each factor, (N, J, k)."""
    products = surface.products
    points, place = np.unique(at, axis=0, return_inverse=True)
    given, lower = surface.given(points), surface.lower(points)
    order = np.argsort(place.ravel(), kind="stable")
    cuts = np.searchsorted(place.ravel()[order], np.arange(len(points) + 1))
    beta = np.empty((len(at), products.n_coef))
    effects = [np.empty((len(at), f.n_levels, len(f.columns))) for f in products.factors]
    for number in range(len(points)):
        rows = order[cuts[number] : cuts[number + 1]]
        inv_var = sigma[rows, None] ** -2.0
        precision = inv_var + given.ridge[number]
        centre = (given.pull[number] * inv_var + given.prior_pull[number]) / precision
        coef = centre + rng.normal(size=centre.shape) / np.sqrt(precision)
        coef = coef @ given.basis[number].T
        beta[rows] = coef @ products.turn.T + products.shift
        own = _effects_at(products, [f[number] for f in lower], coef, sigma[rows], rng)
        for factor, values in enumerate(own):
            effects[factor][rows] = values
    return beta, effects


def _effects_at(
    products: Products, lower: list[Floats], coef: Floats, sigma: Floats, rng: Any
) -> list[Floats]:
    """Effects at one Lambda, given standardised coefficients, (n, p): (n, J, k) each."""
    j, k, _ = products.own_a.shape
    solved = products.solved(lower)
    n, q = len(coef), len(products.rest)
    straight = np.column_stack([-coef, np.ones(n)])  # what [X y] is left as
    found: dict[int, Floats] = {}
    pulled = np.einsum("jac,nc->nja", products.own_a, straight)
    if q:
        other = straight @ solved.loading.T
        other = other + sigma[:, None] * (rng.normal(size=(n, q)) @ solved.half.T)
        pulled = pulled - np.asarray(products.cross @ other.T).T.reshape(n, j, k)
        start = 0
        for i in products.order[1:]:
            levels, width = products.factors[i].n_levels, products.z_scale[i].size
            found[i] = other[:, start : start + levels * width].reshape(n, levels, width)
            start += levels * width
    value, vector = np.linalg.eigh(solved.shrink)
    half = vector * np.sqrt(np.maximum(value, 0.0))[:, None, :]
    noise = np.einsum("jab,njb->nja", half, rng.normal(size=(n, j, k)))
    first = np.einsum("jab,njb->nja", solved.shrink, pulled) + sigma[:, None, None] * noise
    found[products.order[0]] = first
    return [found[i] @ products.to_raw(i).T for i in range(len(products.factors))]


def _dataset(
    surface: Surface,
    spreads: Mapping[str, Floats],
    beta: Floats,
    effects: list[Floats],
    chains: int,
) -> "xr.Dataset":
    """Name draws, (N, ...), chain after chain."""
    import xarray as xr

    base, matrices = ("chain", "draw"), surface.products.matrices
    draws = len(beta) // chains

    def shaped(values: Floats) -> Floats:
        return values.reshape(chains, draws, *values.shape[1:])

    variables: dict[str, Any] = {"beta": ((*base, "term"), shaped(beta))}
    coords: dict[str, Any] = {"term": list(matrices.terms)}
    for factor, values in zip(matrices.factors, effects, strict=True):
        dims = (f"level|{factor.name}", f"effect|{factor.name}")
        variables[f"u|{factor.name}"] = ((*base, *dims), shaped(values))
        coords |= dict(zip(dims, (list(factor.levels), list(factor.columns)), strict=True))
    variables |= {name: (base, shaped(values)) for name, values in spreads.items()}
    coords |= {"chain": np.arange(chains), "draw": np.arange(draws)}
    return xr.Dataset(variables, coords=coords)


def prior_dataset(surface: Surface, n: int, *, seed: int) -> "xr.Dataset | None":
    """Draws from the priors, one chain; None where one of coefficients is flat.

    Parameters
    ----------
    surface : Surface
        Design and priors.
    n : int
        Draws.
    seed : int
    """
    products, priors = surface.products, surface.priors
    if (priors.precision == 0).any() or priors.resid.family == "flat":
        return None
    rng = np.random.default_rng([seed, 3])
    unit = float(products.scale[-1])
    spreads: dict[str, Floats] = {}
    for axis, (name, prior) in enumerate(zip(surface.names, priors.spreads, strict=True)):
        if surface.is_sd[axis]:
            spreads[name] = unit * prior.quantile(rng.uniform(size=n))
        else:
            spreads[name] = 2 * rng.beta(prior.shape, prior.shape, size=n) - 1
    spreads["sd_resid"] = unit * priors.resid.quantile(rng.uniform(size=n))
    coef = priors.mean + rng.normal(size=(n, products.n_coef)) / np.sqrt(priors.precision)
    beta = coef @ products.turn.T + products.shift
    at = np.column_stack(
        [
            surface.place(axis, spreads[name] / (spreads["sd_resid"] if is_sd else 1.0))
            for axis, (name, is_sd) in enumerate(zip(surface.names, surface.is_sd, strict=True))
        ]
    )
    effects = []
    for number, (factor, lower) in enumerate(zip(products.factors, surface.lower(at), strict=True)):
        half = (spreads["sd_resid"] / unit)[:, None, None] * (products.to_raw(number) @ lower)
        noise = rng.normal(size=(n, factor.n_levels, len(factor.columns)))
        effects.append(np.einsum("nab,njb->nja", half, noise))
    return _dataset(surface, spreads | _shares(surface, at), beta, effects, 1)


def row_datasets(
    posterior: "xr.Dataset", matrices: Matrices, *, seed: int
) -> dict[str, "xr.Dataset"]:
    """What draws say of each row, and the rows.

    Parameters
    ----------
    posterior : xarray.Dataset
        Of `mixed_dataset`.
    matrices : Matrices
        The rows; not counted ones.
    seed : int

    Returns
    -------
    dict
        ``log_likelihood``, ``posterior_predictive``, ``observed_data``, ``constant_data``.
    """
    offset = np.zeros(len(matrices.y)) if matrices.offset is None else matrices.offset
    mean = posterior["beta"].to_numpy() @ matrices.x.T + offset
    for factor in matrices.factors:
        own = posterior[f"u|{factor.name}"].to_numpy()
        for column in range(len(factor.columns)):
            mean += own[..., factor.code, column] * factor.z[:, column]
    weight = np.ones(len(matrices.y)) if matrices.weights is None else matrices.weights
    sd = posterior["sd_resid"].to_numpy()[..., None] / np.sqrt(weight)
    y = matrices.y + offset
    score = (y - mean) / sd
    density = -0.5 * (score**2 + np.log(2 * np.pi)) - np.log(sd)
    rng = np.random.default_rng([seed, 4])
    drawn = {
        "log_likelihood": density, "posterior_predictive": mean + sd * rng.normal(size=mean.shape)
    }  # fmt: skip
    levels = {f"level|{f.name}": np.array(f.levels)[f.code] for f in matrices.factors}
    more = levels | {"offset": offset, "weight": weight}
    return named_rows(y, drawn, matrices.x, matrices.terms, more)
