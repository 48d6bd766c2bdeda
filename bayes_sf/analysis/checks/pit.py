"""LOO-PIT: where each outcome lies in what a model expects of it, had it not been seen.

The probability integral transform of row i is F(y_i | y_-i), its predictive distribution given all
other rows at the outcome itself. Of a model whose predictions have the shape of the data these are
uniform; a pile in the middle says that it expects too much spread, one to the left of an empty end
that outcomes are skewed (Gelman et al. 2013, ch. 6.3; Gabry et al. 2019). For a Gaussian
random-intercept model the distribution given (sigma, tau) is Gaussian and in closed form, as in
`bayes_sf.analysis.checks.loo`: nothing is drawn.

Examples
--------
>>> import pandas as pd
>>> from bayes_sf.engines.fit import fit
>>> from bayes_sf.spec.model import ModelSpec
>>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
>>> loo_pit(fit(ModelSpec("y", group="g"), df)).round(2).tolist()
[0.11, 0.42, 0.8, 0.15, 0.5, 0.85, 0.2, 0.58, 0.89]
"""

from typing import Final

import numpy as np

from bayes_sf.analysis.checks.calibration import uniform_p
from bayes_sf.analysis.checks.left_out import left_out
from bayes_sf.analysis.checks.loo import rows_of_result
from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.posterior import Posterior
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError

__all__ = ["PLACES", "even_p", "loo_pit"]

#: Places that LOO-PIT is told apart by.
PLACES: Final = 100
#: Of a p value, which is simulated.
_LEAST: Final = 1e-4


def loo_pit(result: Result) -> Floats:
    """Transform each row's outcome by its predictive distribution given all other rows.

    Parameters
    ----------
    result : Result
        Of a random intercept, fitted to rows in this session by ``exact``.

    Returns
    -------
    (n,) array
        In the order of the rows.

    Raises
    ------
    UsageError
        For other engines and models, and where there are no rows.
    """
    from scipy.special import ndtr

    rows = rows_of_result(result)
    if not isinstance(result.fitted, Posterior):
        rule, fix = "must be exact for LOO-PIT", "fit with engine='exact', or use plot('loo_pit')"
        raise UsageError(f"engine {result.engine!r}", rule, fix=fix)
    posterior = result.fitted.parts[0]
    inv_var = np.exp(-2 * posterior.grid.t.nodes)
    with np.errstate(divide="ignore"):
        log_mass = np.log(posterior.grid.weight)
    # Given all others a row's nodes have the weight mass/density: the largest is brought to one.
    top = np.full(rows.n_obs, -np.inf)
    whole, below = np.zeros((2, rows.n_obs))
    for node in left_out(posterior, rows):
        log_weight = log_mass[node.at] - node.log_density
        most = np.maximum(top, log_weight.max(axis=1))
        weight, before = np.exp(log_weight - most[:, None]), np.exp(top - most)
        share = ndtr(node.pull * np.sqrt(inv_var / node.own))
        whole = whole * before + weight.sum(axis=1)
        below = below * before + (weight * share).sum(axis=1)
        top = most
    return below / whole


def even_p(values: Floats) -> float:
    """P value of LOO-PIT's being even, as far as it is simulated.

    Parameters
    ----------
    values : (n,) array
        As `loo_pit` gives them.
    """
    ranks = np.minimum((values * PLACES).astype(int), PLACES - 1)
    return max(uniform_p(ranks, PLACES), _LEAST)
