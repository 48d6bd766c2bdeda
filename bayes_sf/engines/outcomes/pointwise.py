"""Log densities of rows given draws, and other outcomes for them, of all families.

Bambi has both of its own model; here they are written down, for draws under our names, and so that
whole numbers of successes, categories and hurdles are what they are in the data.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.row_groups import named_rows
from bayes_sf.spec.family import Family
from bayes_sf.spec.terms.matrices import Matrices

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["log_density", "replicate", "row_datasets"]

type _Given = Mapping[str, Any]


def row_datasets(
    posterior: "xr.Dataset", matrices: Matrices, family: Family, *, seed: int
) -> dict[str, "xr.Dataset"]:
    """What draws say of each row, and the rows.

    Parameters
    ----------
    posterior : xarray.Dataset
        Of `outcome_tree`.
    matrices : Matrices
    family : Family
    seed : int
        Of replications.

    Returns
    -------
    dict
        ``log_likelihood``, ``posterior_predictive``, ``observed_data`` (successes where there are
        trials, places from 0 of categories), ``constant_data``.
    """
    n, base = len(matrices.y), ("chain", "draw")
    offset = np.zeros(n) if matrices.offset is None else matrices.offset
    eta = np.zeros((*(posterior.sizes[name] for name in base), n)) + offset
    if matrices.terms:
        eta += posterior["beta"].to_numpy() @ matrices.x.T
    for factor in matrices.factors:
        for place, column in enumerate(factor.columns):
            own = posterior[f"{column}|{factor.name}"].to_numpy()
            eta += own[..., factor.code] * factor.z[:, place]
    given = {name: posterior[name].to_numpy()[..., None] for name in family.parameters}
    if family.ordered:
        given["threshold"] = posterior["threshold"].to_numpy()
    trials = np.ones(n) if matrices.trials is None else matrices.trials
    drawn = {
        "log_likelihood": log_density(family, matrices.y, trials, eta, given),
        "posterior_predictive": replicate(
            family, trials, eta, given, np.random.default_rng([seed, 4])
        ),
    }
    more = {f"level|{f.name}": np.array(f.levels)[f.code] for f in matrices.factors}
    more |= {"offset": offset} | ({} if matrices.trials is None else {"trials": trials})
    return named_rows(matrices.y, drawn, matrices.x, matrices.terms, more)


def log_density(family: Family, y: Floats, trials: Floats, eta: Floats, given: _Given) -> Floats:
    """Log density of every row, (..., n).

    Parameters
    ----------
    family : Family
    y, trials : (n,) arrays
        Response, and trials (1 where there are none).
    eta : (..., n) array
        Linear predictors.
    given : mapping of (..., 1) arrays
        The family's parameters; ``threshold`` is (..., K - 1).

    Examples
    --------
    >>> from bayes_sf.spec.family import family_of
    >>> y = np.array([0.0, 1.0])
    >>> found = log_density(family_of("bernoulli"), y, np.ones(2), np.zeros(2), {})
    >>> np.exp(found).tolist()
    [0.5, 0.5]
    """
    return np.asarray(_DENSITIES[family.name](y, trials, eta, given))


def replicate(
    family: Family, trials: Floats, eta: Floats, given: _Given, rng: np.random.Generator
) -> Floats:
    """Another outcome for every row, (..., n).

    Parameters
    ----------
    family, trials, eta, given
        As in `log_density`.
    rng : numpy.random.Generator
    """
    return np.asarray(_REPLICATES[family.name](trials, eta, given, rng), dtype=float)


def _choose(y: Floats, trials: Floats) -> Floats:
    from scipy.special import gammaln

    return np.asarray(gammaln(trials + 1) - gammaln(y + 1) - gammaln(trials - y + 1))


def _binomial(y: Floats, trials: Floats, eta: Floats, _: _Given) -> Floats:
    return _choose(y, trials) + y * eta - trials * np.logaddexp(0.0, eta)


def _shapes(eta: Floats, given: _Given) -> tuple[Floats, Floats]:
    """Both shapes of a beta distribution."""
    from scipy.special import expit

    return given["kappa"] * expit(eta), given["kappa"] * expit(-eta)


def _beta_binomial(y: Floats, trials: Floats, eta: Floats, given: _Given) -> Floats:
    from scipy.special import betaln

    a, b = _shapes(eta, given)
    return np.asarray(_choose(y, trials) + betaln(y + a, trials - y + b) - betaln(a, b))


def _beta(y: Floats, _: Floats, eta: Floats, given: _Given) -> Floats:
    from scipy.special import betaln

    a, b = _shapes(eta, given)
    return np.asarray((a - 1) * np.log(y) + (b - 1) * np.log1p(-y) - betaln(a, b))


def _poisson(y: Floats, _: Floats, eta: Floats, __: _Given) -> Floats:
    from scipy.special import gammaln

    return np.asarray(y * eta - np.exp(eta) - gammaln(y + 1))


def _negative_binomial(y: Floats, _: Floats, eta: Floats, given: _Given) -> Floats:
    from scipy.special import gammaln

    alpha = given["alpha"]
    both = np.logaddexp(np.log(alpha), eta)  # log of alpha + mean
    odds = gammaln(y + alpha) - gammaln(alpha) - gammaln(y + 1)
    return np.asarray(odds + alpha * (np.log(alpha) - both) + y * (eta - both))


def _ends(eta: Floats, given: _Given) -> Floats:
    """Thresholds around all categories less the linear predictor, (..., n, K + 1)."""
    inner = given["threshold"][..., None, :] - eta[..., None]
    out = np.full((*inner.shape[:-1], 1), np.inf)
    return np.concatenate([-out, inner, out], axis=-1)


def _cumulative(y: Floats, _: Floats, eta: Floats, given: _Given) -> Floats:
    from scipy.special import log_expit

    ends, place = _ends(eta, given), y.astype(int)
    rows = np.arange(len(y))
    low, high = ends[..., rows, place], ends[..., rows, place + 1]
    # expit(high) - expit(low), without cancellation
    return np.asarray(log_expit(high) + log_expit(-low) + np.log1p(-np.exp(low - high)))


def _hurdle(above: Callable[..., Floats]) -> Callable[..., Floats]:
    """Density with zeros; `above` is that of values above zero."""

    def density(y: Floats, _: Floats, eta: Floats, given: _Given) -> Floats:
        positive = np.where(y > 0, y, 1.0)
        inside = np.log(given["psi"]) + above(positive, eta, given)
        return np.asarray(np.where(y > 0, inside, np.log1p(-given["psi"])))

    return density


def _gamma(y: Floats, eta: Floats, given: _Given) -> Floats:
    from scipy.special import gammaln

    alpha = given["alpha"]
    rate = np.log(alpha) - eta
    return np.asarray(alpha * rate + (alpha - 1) * np.log(y) - np.exp(rate) * y - gammaln(alpha))


def _lognormal(y: Floats, eta: Floats, given: _Given) -> Floats:
    score = (np.log(y) - eta) / given["sigma"]
    return np.asarray(-np.log(y * given["sigma"]) - 0.5 * (score**2 + np.log(2 * np.pi)))


_DENSITIES: Final[Mapping[str, Callable[..., Floats]]] = {
    "bernoulli": _binomial, "binomial": _binomial, "beta_binomial": _beta_binomial,
    "poisson": _poisson, "negativebinomial": _negative_binomial, "beta": _beta,
    "cumulative": _cumulative, "hurdle_gamma": _hurdle(_gamma),
    "hurdle_lognormal": _hurdle(_lognormal),
}  # fmt: skip


def _successes(trials: Floats, eta: Floats, _: _Given, rng: np.random.Generator) -> Any:
    from scipy.special import expit

    return rng.binomial(trials.astype(int), expit(eta))


def _some_beta(_: Floats, eta: Floats, given: _Given, rng: np.random.Generator) -> Any:
    return rng.beta(*_shapes(eta, given))


def _spread_successes(trials: Floats, eta: Floats, given: _Given, rng: np.random.Generator) -> Any:
    return rng.binomial(trials.astype(int), _some_beta(trials, eta, given, rng))


def _counts(_: Floats, eta: Floats, __: _Given, rng: np.random.Generator) -> Any:
    return rng.poisson(np.exp(eta))


def _some_gamma(_: Floats, eta: Floats, given: _Given, rng: np.random.Generator) -> Any:
    shape = np.broadcast_to(given["alpha"], eta.shape)
    return rng.gamma(shape, np.exp(eta) / shape)


def _spread_counts(trials: Floats, eta: Floats, given: _Given, rng: np.random.Generator) -> Any:
    return rng.poisson(_some_gamma(trials, eta, given, rng))


def _some_lognormal(_: Floats, eta: Floats, given: _Given, rng: np.random.Generator) -> Any:
    return np.exp(eta + given["sigma"] * rng.normal(size=eta.shape))


def _categories(_: Floats, eta: Floats, given: _Given, rng: np.random.Generator) -> Any:
    latent = eta + rng.logistic(size=eta.shape)
    cuts = np.moveaxis(given["threshold"], -1, 0)[..., None]
    return sum((latent > cut).astype(int) for cut in cuts)


def _with_zeros(above: Callable[..., Any]) -> Callable[..., Any]:
    def drawn(trials: Floats, eta: Floats, given: _Given, rng: np.random.Generator) -> Any:
        return (rng.random(eta.shape) < given["psi"]) * above(trials, eta, given, rng)

    return drawn


_REPLICATES: Final[Mapping[str, Callable[..., Any]]] = {
    "bernoulli": _successes, "binomial": _successes, "beta_binomial": _spread_successes,
    "poisson": _counts, "negativebinomial": _spread_counts, "beta": _some_beta,
    "cumulative": _categories, "hurdle_gamma": _with_zeros(_some_gamma),
    "hurdle_lognormal": _with_zeros(_some_lognormal),
}  # fmt: skip
