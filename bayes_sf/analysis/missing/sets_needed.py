"""How many completed data sets are enough: von Hippel's two-stage rule.

With few sets the standard errors themselves are chance: other sets would give others. With a
fraction of missing information gamma and m sets their coefficient of variation is about
gamma/sqrt(2 (m - 1)), so that one of at most `cv` takes

    m = 1 + (gamma/cv)^2/2.

gamma is estimated from a first run of few sets, where logit(gamma) has standard error sqrt(2/m):
the rule takes its upper limit.

References
----------
von Hippel (2020), Sociological Methods & Research 49, 699-718, equations 4 to 6.

Examples
--------
>>> import numpy as np, pandas as pd, bayes_sf as sf
>>> rng = np.random.default_rng(1)
>>> df = pd.DataFrame({"x": rng.normal(size=80), "g": np.arange(80) % 8})
>>> sets = [df.assign(y=df["x"] + rng.normal(size=80)) for _ in range(5)]
>>> table = sf.sets_needed(sf.fit("y ~ x + (1 | g)", sets, engine="reml"))
>>> list(table.columns), bool((table["needed"] > 5).all())
(['n_sets', 'fmi', 'fmi_upper', 'needed'], True)
"""

from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.engines.gaussian.posterior import Posterior
from bayes_sf.engines.result import Result
from bayes_sf.engines.sets.average import MixedAverage
from bayes_sf.engines.sets.result import PooledResult
from bayes_sf.engines.sets.rubin import Pooled, pool
from bayes_sf.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["sets_needed"]


def sets_needed(result: Result, *, cv: float = 0.05, prob: float = 0.95) -> "pd.DataFrame":
    """Tell how many completed sets make standard errors that other sets would reproduce.

    Parameters
    ----------
    result : Result
        Fitted to a first run of completed sets; by ``exact``, too, whose posterior sds stand for
        standard errors.
    cv : float
        Coefficient of variation that a standard error may have over sets: 0.05 is 5 %.
    prob : float
        Of the interval of the fraction of missing information, whose upper limit is taken.

    Returns
    -------
    pandas.DataFrame
        By term ``n_sets`` (those there are), ``fmi``, ``fmi_upper``, and ``needed``, at least two:
        the largest is enough for all. The fraction is lambda's share of the variance with `fmi`'s
        correction for few sets, as `PooledResult.fixef` has it.

    Raises
    ------
    UsageError
        For a result of one data set; for numbers that are no probabilities.
    """
    import pandas as pd
    from scipy.special import expit, logit, ndtri

    for name, value in (("cv", cv), ("prob", prob)):
        if isinstance(value, bool) or not 0 < value < 1:
            raise UsageError(f"sets_needed: {name}", "must lie between 0 and 1", got=value)
    pooled = _pooled(result)
    fmi = np.clip(pooled.fmi, 0.0, 1.0)
    with np.errstate(divide="ignore"):
        upper = expit(logit(fmi) + ndtri(0.5 + 0.5 * prob) * np.sqrt(2 / pooled.n_sets))
    needed = np.maximum(np.ceil(1 + 0.5 * (upper / cv) ** 2), 2).astype(int)
    columns = {"n_sets": pooled.n_sets, "fmi": fmi, "fmi_upper": upper, "needed": needed}
    return pd.DataFrame(columns, index=pd.Index(pooled.terms, name="term"))


def _pooled(result: Result) -> Pooled:
    """Coefficients of every set, pooled."""
    if isinstance(result, PooledResult):
        return result.fitted
    fitted = getattr(result, "fitted", None)
    if getattr(result, "provenance", None) is None or result.provenance.sets is None:
        raise UsageError("sets_needed", "is of completed data sets", got=type(result).__name__,
                         fix="fit a list of them, or a frame with .imp")  # fmt: skip
    assert isinstance(fitted, Posterior | MixedAverage)
    each = [part.coef for part in fitted.parts]
    means = np.array([one.mean() for one in each])
    variances = np.array([one.sd() ** 2 for one in each])
    return pool(means, variances, [row.term for row in result.coefficients])
