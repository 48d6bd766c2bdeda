"""Rubin's rules: one estimate and its interval from many completed data sets.

With estimates Q_l and their squared standard errors U_l from m completed data sets,

    Q = mean Q_l,  W = mean U_l,  B = sum (Q_l - Q)^2/(m - 1),  T = W + (1 + 1/m) B,

and (Q - q)/sqrt(T) is referred to a t distribution with the degrees of freedom of Barnard & Rubin
(1999), which never exceed those that complete data would have:

    lambda = (1 + 1/m) B/T,  nu_m = (m - 1)/lambda^2,
    nu_obs = (nu_com + 1)/(nu_com + 3) nu_com (1 - lambda),  1/nu = 1/nu_m + 1/nu_obs.

References
----------
Rubin (1987), Multiple Imputation for Nonresponse in Surveys, section 3.1; Barnard & Rubin (1999),
Biometrika 86, 948-955, equation 3; van Buuren (2018), Flexible Imputation of Missing Data, 2.3-2.4.

Examples
--------
>>> pooled = pool(np.array([[1.0], [2.0], [3.0]]), np.full((3, 1), 0.5), ("x",), df_complete=50.0)
>>> pooled.estimate, pooled.total.round(4), pooled.df.round(2)
(array([2.]), array([1.8333]), array([2.94]))
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.errors import UsageError

__all__ = ["Pooled", "pool"]


@dataclass(frozen=True, eq=False)
class Pooled:
    """Estimates pooled over completed data sets; arrays (k,).

    Parameters
    ----------
    terms : tuple of str
        What is estimated.
    n_sets : int
        m, the number of completed data sets.
    estimate : array
        Q, their mean.
    within, between : array
        W and B.
    df : array
        Degrees of freedom of Barnard and Rubin; infinite where nothing is missing and the complete
        data's are.
    df_complete : float
        Those that complete data would have.
    """

    terms: tuple[str, ...]
    n_sets: int
    estimate: Floats
    within: Floats
    between: Floats
    df: Floats
    df_complete: float = inf

    @property
    def total(self) -> Floats:
        """Return T, the total variance."""
        return np.asarray(self.within + (1 + 1 / self.n_sets) * self.between)

    @property
    def std_error(self) -> Floats:
        """Square root of the total variance."""
        return np.asarray(np.sqrt(self.total))

    @property
    def from_missing(self) -> Floats:
        """Return lambda, the share of the total variance that is due to what is missing."""
        return np.asarray((1 + 1 / self.n_sets) * self.between / self.total)

    @property
    def riv(self) -> Floats:
        """Relative increase in variance due to what is missing, (1 + 1/m) B/W."""
        return np.asarray((1 + 1 / self.n_sets) * self.between / self.within)

    @property
    def fmi(self) -> Floats:
        """Fraction of missing information, (riv + 2/(df + 3))/(riv + 1)."""
        return np.asarray((self.riv + 2 / (self.df + 3)) / (self.riv + 1))

    @property
    def error(self) -> Floats:
        """Monte Carlo error of the estimate: what other m data sets would move it by, sqrt(B/m)."""
        return np.asarray(np.sqrt(self.between / self.n_sets))

    def interval(self, prob: float = 0.95) -> tuple[Floats, Floats]:
        """Lower and upper limits, by the t distribution.

        Parameters
        ----------
        prob : float
            Coverage.
        """
        from scipy.special import stdtrit

        reach = stdtrit(np.minimum(self.df, 1e12), 0.5 + 0.5 * prob) * self.std_error
        return self.estimate - reach, self.estimate + reach


def pool(
    estimates: Floats, variances: Floats, terms: Sequence[str], *, df_complete: float = inf
) -> Pooled:
    """Pool estimates by Rubin's rules.

    Parameters
    ----------
    estimates : (m, k) array
        Of every data set.
    variances : (m, k) array
        Their squared standard errors.
    terms : sequence of str
        Names of the k estimates.
    df_complete : float
        Degrees of freedom if nothing were missing.

    Raises
    ------
    UsageError
        For fewer than two data sets, variances that are not positive, or shapes that differ.
    """
    q, u = np.asarray(estimates, dtype=float), np.asarray(variances, dtype=float)
    if q.ndim != 2 or q.shape != u.shape or q.shape[1] != len(terms):
        raise UsageError("pool", "needs (m, k) estimates and variances, and k terms", got=q.shape)
    if len(q) < 2:
        raise UsageError("pool", "needs at least two completed data sets", got=len(q))
    if not (np.isfinite(q).all() and (u > 0).all()):
        raise UsageError("pool", "needs finite estimates with positive variances")
    m, within, between = len(q), u.mean(axis=0), q.var(axis=0, ddof=1)
    share = (1 + 1 / m) * between / (within + (1 + 1 / m) * between)
    with np.errstate(divide="ignore"):
        reciprocal = share**2 / (m - 1)
        if np.isfinite(df_complete):
            observed = (df_complete + 1) / (df_complete + 3) * df_complete * (1 - share)
            reciprocal = reciprocal + 1 / observed
        df = 1 / reciprocal
    return Pooled(tuple(terms), m, q.mean(axis=0), within, between, df, df_complete)
