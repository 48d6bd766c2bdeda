"""Posteriors that rest on a printed estimate and standard error alone: Student's t, not a normal.

Under flat priors a coefficient of a Gaussian model is t distributed around its estimate, with the
degrees of freedom of the variance that its standard error is made of. With N rows in J groups, and
k predictors that vary within groups:

- a predictor that varies within groups: N - J - k;
- the intercept: its squared standard error has a part between groups, known from J - 1 degrees of
  freedom, and a part within. Where the split is known, Satterthwaite's degrees of freedom follow;
  where it is not, or where tau is estimated as 0, they lie between J - 1 and N - J - k, and both
  ends are given.

`tests/studies/summary_t.csv` has how often such intervals cover.

References
----------
Satterthwaite (1946), Biometrics Bulletin 2, 110-114.

Examples
--------
>>> degrees_of_freedom(516, 6, 9)
(501.0, 501.0)
>>> degrees_of_freedom(516, 6, 9, intercept=True)
(5.0, 501.0)
>>> round(degrees_of_freedom(516, 6, 9, intercept=True, between=0.5)[0], 1)
19.8
"""

from dataclasses import dataclass

from bayes_sf.recovery.region import Region

__all__ = ["SummaryPosterior", "degrees_of_freedom", "summary_posterior"]


@dataclass(frozen=True, slots=True)
class SummaryPosterior:
    """Posterior of one coefficient from its printed figures.

    Parameters
    ----------
    mean, sd : float
        The sd is NaN with two degrees of freedom or fewer.
    lower, upper : float
        Limits of the equal-tailed interval.
    p_direction : float
        Probability of the sign of the mean.
    df : float
        Degrees of freedom.
    """

    mean: float
    sd: float
    lower: float
    upper: float
    p_direction: float
    df: float


def degrees_of_freedom(
    n: float, n_groups: int, within: int, *, intercept: bool = False, between: float | None = None
) -> tuple[float, float]:
    """Smallest and largest degrees of freedom that a coefficient may have.

    Parameters
    ----------
    n, n_groups : float, int
        Rows and groups; infinite rows where a table does not say how many.
    within : int
        Predictors of the model, all of which vary within groups.
    intercept : bool
        Whether it is the intercept.
    between : float, optional
        Share of the intercept's squared standard error that is between groups, where it is known.

    Returns
    -------
    (float, float)
        The same twice where they are known.
    """
    low, high = float(n_groups - 1), float(n - n_groups - within)
    if not intercept:
        return high, high
    if between is None:
        return low, high
    known = 1 / (between**2 / low + (1 - between) ** 2 / high)
    return known, known


def summary_posterior(region: Region, df: float, prob: float) -> SummaryPosterior:
    """Posterior over the (estimate, se) pairs that printed figures allow.

    Parameters
    ----------
    region : Region
        Those pairs; not empty. What rounding leaves open adds to the variance as a uniform does.
    df : float
        Degrees of freedom, infinite for a normal.
    prob : float
        Probability of the interval.
    """
    from scipy.stats import t

    (b_low, b_high), (s_low, s_high) = region.estimate, region.se
    b, s = (float(value) for value in region.vertices.mean(axis=0))
    scale = float((s**2 + (b_high - b_low) ** 2 / 12 + (s_high - s_low) ** 2 / 12) ** 0.5)
    reach = scale * float(t.ppf(0.5 + 0.5 * prob, df))
    sd = float(scale * t.std(df)) if df > 2 else float("nan")
    return SummaryPosterior(b, sd, b - reach, b + reach, float(t.cdf(abs(b) / scale, df)), df)
