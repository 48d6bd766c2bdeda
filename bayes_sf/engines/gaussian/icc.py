"""What the ICC is where it is more than tau^2/(tau^2 + sigma^2).

Unadjusted, tau^2/(tau^2 + Var(X beta) + residual variance), it has the variance of the expected
outcomes over the rows in it (Nakagawa & Schielzeth 2013, Methods Ecol. Evol. 4, 133-142). Where a
slope varies, groups differ by another variance at every x, v(x) = tau^2 + 2 rho tau omega x +
omega^2 x^2: in the place of tau^2 is its mean over the rows, tr(Z Sigma Z')/n (Johnson 2014,
Methods Ecol. Evol. 5, 944-946), which does not depend on where x is zero; or v at a stated x.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.estimates import Estimate
from bayes_sf.errors import UsageError
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.priors import Priors

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "explained_variance",
    "icc_at",
    "place_of",
    "prior_quantiles",
    "spread_of",
    "unadjusted_draws",
    "unadjusted_estimate",
    "variance_between",
]


#: Draws that the prior's ICC is made of where a slope varies.
_DRAWS = 100_000


def variance_between(found: Mapping[Any, Any], first: float, second: float) -> Any:
    """Variance between groups, (...): v(x), averaged over an x with these moments.

    Parameters
    ----------
    found : mapping
        Arrays ``sd_group`` and, where a slope varies, ``sd_slope`` and ``correlation``, all at x =
        0.
    first, second : float
        Means of x and of x^2.

    Examples
    --------
    >>> float(variance_between({"sd_group": 3.0, "sd_slope": 2.0, "correlation": -0.5}, 1, 1))
    7.0
    """
    between = found["sd_group"] ** 2
    if "sd_slope" in found:
        both = found["sd_group"] * found["sd_slope"]
        between = between + 2 * found["correlation"] * both * first
        between = between + found["sd_slope"] ** 2 * second
    return between


def spread_of(moments: Moments, term: str) -> tuple[float, float]:
    """Means of a predictor and of its square over the rows.

    Parameters
    ----------
    moments : Moments
        Of the rows.
    term : str
        The predictor.
    """
    at = moments.predictors.index(term)
    mean = float(moments.grand_mean[at])
    return mean, mean**2 + float(_covariance(moments)[at, at])


def _covariance(moments: Moments) -> Floats:
    """Covariance of the predictors over the rows, divided by n, (p, p)."""
    away = moments.means - moments.grand_mean
    between = (away * moments.sizes[:, None]).T @ away
    return np.asarray((moments.within + between)[:-1, :-1] / moments.n_obs)


def explained_variance(moments: Moments, slopes: Floats) -> Floats:
    """Var(X beta) over the rows, (...).

    Parameters
    ----------
    moments : Moments
        Of the rows.
    slopes : (..., p) array
        Without the intercept.

    Examples
    --------
    >>> import pandas as pd
    >>> df = pd.DataFrame({"y": [1.0, 2, 4, 3], "x": [0.0, 1, 1, 0], "g": list("aabb")})
    >>> moments = Moments.from_frame(df, outcome="y", predictors=["x"], group="g")
    >>> float(explained_variance(moments, np.array([2.0])))
    1.0
    """
    return np.asarray(np.einsum("...i,ij,...j->...", slopes, _covariance(moments), slopes))


def unadjusted_estimate(moments: Moments, rows: Iterable[Estimate]) -> float:
    """Unadjusted ICC at point estimates.

    Parameters
    ----------
    moments : Moments
        Of the rows.
    rows : iterable of Estimate
        Coefficients, ``sd_group`` and ``sd_resid`` among them.
    """
    found = {row.term: row.estimate for row in rows if not row.group}
    between, within = found["sd_group"] ** 2, found["sd_resid"] ** 2
    slopes = np.array([found[term] for term in moments.predictors])
    return float(between / (between + within + explained_variance(moments, slopes)))


def unadjusted_draws(moments: Moments, tree: "xr.DataTree") -> Floats:
    """Unadjusted ICC of every draw, (N,).

    Parameters
    ----------
    moments : Moments
        Of the rows.
    tree : xarray.DataTree
        Draws of ``beta``, the adjusted ``icc`` and the sds that it is made of.
    """
    posterior = tree["posterior"].to_dataset()
    icc = posterior["icc"].to_numpy().ravel()
    between = _between(posterior, moments)
    beta = posterior["beta"].sel(term=list(moments.predictors)).to_numpy()
    explained = explained_variance(moments, beta.reshape(len(icc), -1))
    # 1/icc is (variance between + residual variance)/variance between, whatever the residuals are;
    # infinite for none
    with np.errstate(divide="ignore"):
        return np.asarray(1 / (1 / icc + explained / between))


def _between(posterior: "xr.Dataset", moments: Moments) -> Floats:
    """Mean variance between groups of every draw, (N,)."""
    names = [n for n in ("sd_group", "sd_slope", "correlation") if n in posterior]
    found = {name: posterior[name].to_numpy().ravel() for name in names}
    term = posterior["u_slope"].attrs["term"] if "u_slope" in posterior else ""
    return np.asarray(variance_between(found, *(spread_of(moments, term) if term else (0, 0))))


def icc_at(moments: Moments, tree: "xr.DataTree", x: float) -> Floats:
    """ICC of every draw at a value of the predictor whose slope varies, (N,).

    Parameters
    ----------
    moments : Moments
        Of the rows.
    tree : xarray.DataTree
        Draws of a model with a varying slope.
    x : float
        The value.
    """
    posterior = tree["posterior"].to_dataset()
    icc, mean = posterior["icc"].to_numpy().ravel(), _between(posterior, moments)
    names = ("sd_group", "sd_slope", "correlation")
    here = variance_between({n: posterior[n].to_numpy().ravel() for n in names}, x, x**2)
    return np.asarray(here / (here + mean * (1 / icc - 1)))


def place_of(at: Mapping[str, float], spec: ModelSpec, *, adjusted: bool) -> float:
    """Value of the predictor whose slope varies that an ICC is asked for at, checked.

    Parameters
    ----------
    at : mapping
        Predictor -> value.
    spec : ModelSpec
        The model.
    adjusted : bool
        Whether the ICC is.

    Raises
    ------
    UsageError
        When there is no such ICC.

    Examples
    --------
    >>> place_of({"x": 2}, ModelSpec("y", ("x",), "g", varying=("x",)), adjusted=True)
    2.0
    """
    where = f"model {spec.name!r}: icc(at=...)"
    if not spec.varying:
        rule = "is for a varying slope: in this model the ICC is the same everywhere"
        raise UsageError(where, rule, got=at, fix="leave `at` out")
    if not adjusted:
        rule = "is adjusted: what predictors explain is a variance over the rows"
        raise UsageError(where, rule, got="adjusted=False", fix="leave one of the two out")
    (name,) = spec.varying
    if not isinstance(at, Mapping) or list(at) != [name]:
        rule = "must have one value, of the predictor whose slope varies"
        raise UsageError(where, rule, got=at, fix=f"e.g. at={{{name!r}: 0.0}}")
    x = at[name]
    if isinstance(x, bool) or not isinstance(x, int | float | np.number) or not np.isfinite(x):
        raise UsageError(where, "must be a finite number", got=x)
    return float(x)


def prior_quantiles(priors: Priors, first: float, second: float, probs: Floats) -> Floats:
    """Quantiles of the ICC under the priors of a model with a varying slope.

    Parameters
    ----------
    priors : Priors
        In the outcome's unit.
    first, second : float
        Means of x and of x^2.
    probs : (m,) array
        Probabilities.

    Returns
    -------
    (m,) array
        From 100,000 draws; NaN where a prior is flat.
    """
    roles = ("sd_group", "sd_slope", "sd_resid")
    if any(priors.of(role).family == "flat" for role in roles):
        return np.full(len(probs), np.nan)
    rng, eta = np.random.default_rng(1), priors.of("correlation").shape
    found = {role: priors.of(role).quantile(rng.uniform(size=_DRAWS)) for role in roles}
    found["correlation"] = 2 * rng.beta(eta, eta, size=_DRAWS) - 1
    between = variance_between(found, first, second)
    return np.asarray(np.quantile(between / (between + found["sd_resid"] ** 2), probs))
