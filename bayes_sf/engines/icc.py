"""The unadjusted ICC: the groups' share of all variance, that of the predictors included.

tau^2/(tau^2 + Var(X beta) + residual variance), with the variance of the expected outcomes over the
rows (Nakagawa & Schielzeth 2013, Methods Ecol. Evol. 4, 133-142).
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bayes_sf.engines.estimates import Estimate
from bayes_sf.spec.moments import Moments

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["explained_variance", "unadjusted_draws", "unadjusted_estimate"]

_Floats = NDArray[np.float64]


def explained_variance(moments: Moments, slopes: _Floats) -> _Floats:
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
    away = moments.means - moments.grand_mean
    between = (away * moments.sizes[:, None]).T @ away
    cov = (moments.within + between)[:-1, :-1] / moments.n_obs
    return np.asarray(np.einsum("...i,ij,...j->...", slopes, cov, slopes))


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


def unadjusted_draws(moments: Moments, tree: "xr.DataTree") -> _Floats:
    """Unadjusted ICC of every draw, (N,).

    Parameters
    ----------
    moments : Moments
        Of the rows.
    tree : xarray.DataTree
        Draws of ``beta``, ``sd_group`` and the adjusted ``icc``.
    """
    posterior = tree["posterior"].to_dataset()
    icc, between = (posterior[name].to_numpy().ravel() for name in ("icc", "sd_group"))
    beta = posterior["beta"].sel(term=list(moments.predictors)).to_numpy()
    explained = explained_variance(moments, beta.reshape(len(icc), -1))
    # 1/icc is (tau^2 + residual variance)/tau^2, whatever the residuals are; infinite for none
    with np.errstate(divide="ignore"):
        return np.asarray(1 / (1 / icc + explained / between**2))
