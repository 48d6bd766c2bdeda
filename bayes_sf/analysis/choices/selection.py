"""Case selection of annex 1: the report's three lists, and how many of them truly belong.

The report ranks observed figures. Among many workplaces the most extreme figures are the most lucky
or unlucky ones (regression to the mean), so the lists are also made by posterior rank, with the
probability that a workplace is truly among the chosen of its industry.

Per industry the true figures are normal around a common mean and each observed figure is normal
around its true one with a sampling variance known from quarter-to-quarter variation:
y_i ~ N(theta_i, v_i), theta_i ~ N(mu, tau^2), flat in mu and tau (Gelman et al., Bayesian Data
Analysis, 3rd ed., section 5.4, eqs. 5.17-5.21).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.errors import DataError, UsageError, check_seed
from bayes_sf.inputs.register.quarters import parse_quarter

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

__all__ = [
    "LISTS",
    "Shrunk",
    "quarter_noise",
    "select_cases",
    "shrink",
    "yearly_rates",
]

LISTS: Final = ("strong reduction", "stable low", "stable high")
TOP = 40
LARGE_FTE = 50.0
MAX_SD = 2.0
N_NODES = 400
MIN_FIGURES = 4
COLUMNS: Final = [
    *("list", "industry", "stratum", "workplace", "observed", "sd", "rank", "chosen"),
    *("posterior_mean", "posterior_sd", "posterior_rank", "posterior_chosen", "prob_top"),
]


@dataclass(frozen=True)
class Shrunk:
    """True figures of the workplaces of one industry, given the observed ones.

    Parameters
    ----------
    mean, sd : (n,) float array
        Posterior mean and standard deviation of each true figure, exact over mu and on the nodes
        of tau.
    draws : (n_draws, n) float array
        Independent draws from the joint posterior, for what depends on ranks.
    """

    mean: Floats
    sd: Floats
    draws: Floats

    def prob_top(self, k: int) -> Floats:
        """Probability that each true figure is among the k largest.

        Returns
        -------
        (n,) float array
            Monte Carlo standard error at most 0.5 / sqrt(n_draws).
        """
        order = np.argsort(-self.draws, axis=1)
        member = np.zeros(self.draws.shape, dtype=bool)
        np.put_along_axis(member, order[:, :k], values=True, axis=1)
        return np.asarray(member.mean(axis=0))


def shrink(y: Floats, v: Floats, *, seed: int, n_draws: int = 4000) -> Shrunk:
    """Posterior of true figures in the normal two-level model with known sampling variances.

    Parameters
    ----------
    y : (n,) float array
        Observed figures, at least four.
    v : (n,) float array
        Their sampling variances, above zero.
    seed : int
        Of the draws.
    n_draws : int
        Number of draws.

    Returns
    -------
    Shrunk
        Means, standard deviations and draws.

    Raises
    ------
    DataError
        With fewer than four figures (a flat tau has no proper posterior), or a variance that is
        not above zero.

    Examples
    --------
    >>> far = shrink(np.array([0.0, 1.0, -1.0, 8.0, 0.5]), np.full(5, 4.0), seed=1)
    >>> bool(1.0 < far.mean[3] < 8.0)
    True
    """
    if len(y) < MIN_FIGURES or not (v > 0).all():
        rule = "needs at least four workplaces with sampling variances above zero"
        raise DataError("case selection", rule, got=f"{len(y)} workplaces")
    top = 4 * max(float(np.std(y, ddof=1)), float(np.sqrt(v.min())))
    tau2 = ((np.arange(N_NODES) + 0.5) / N_NODES * top)[:, None] ** 2
    precision = 1 / (v + tau2)
    var_mu = 1 / precision.sum(axis=1)
    mu = var_mu * (precision @ y)
    log_weight = 0.5 * (
        np.log(var_mu) + np.log(precision).sum(axis=1) - (precision * (y - mu[:, None]) ** 2).sum(1)
    )
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    keep = tau2 / (v + tau2)
    centre = keep * y + (1 - keep) * mu[:, None]
    spread = keep * v + (1 - keep) ** 2 * var_mu[:, None]
    mean = weight @ centre
    sd = np.sqrt(weight @ (spread + (centre - mean) ** 2))
    check_seed(seed)
    rng = np.random.default_rng(seed)
    node = rng.choice(N_NODES, size=n_draws, p=weight)
    common = rng.normal(mu[node], np.sqrt(var_mu[node]))[:, None]
    own = rng.standard_normal((n_draws, len(y))) * np.sqrt(keep * v)[node]
    return Shrunk(mean, sd, keep[node] * y + (1 - keep[node]) * common + own)


def yearly_rates(absence: Floats, years: NDArray[np.int64], year: int) -> tuple[Floats, Floats]:
    """Mean absence in a year and the number of observed quarters behind it.

    Parameters
    ----------
    absence : (n, n_quarters) float array
        Percent per quarter, NaN where not observed.
    years : (n_quarters,) int array
        Year of each column.
    year : int
        The year.

    Returns
    -------
    rate, count : (n,) float array
        NaN and 0 where the year has no observed quarter.
    """
    part = absence[:, years == year]
    count = np.isfinite(part).sum(axis=1).astype(float)
    total = np.where(np.isfinite(part), part, 0.0).sum(axis=1)
    return np.divide(total, count, out=np.full(len(part), np.nan), where=count > 0), count


def quarter_noise(
    absence: Floats,
    size: Floats,
    years: NDArray[np.int64],
    seasons: NDArray[np.int64],
) -> Floats:
    """Variance of one quarter's absence around its year, of each workplace of an industry.

    Parameters
    ----------
    absence : (n, n_quarters) float array
        Percent per quarter, NaN where not observed.
    size : (n,) float array
        Full-time equivalents; the variance is taken to fall as one over the size.
    years, seasons : (n_quarters,) int array
        Year, and quarter of the year, of each column.

    Returns
    -------
    (n,) float array
        c / size, with c the pooled mean over workplaces of size times squared deviations from the
        year's mean, the industry's seasonal means taken out first; NaN if no year has two quarters.
    """
    seen = np.isfinite(absence)
    filled = np.where(seen, absence, 0.0)
    level = filled.sum() / seen.sum()
    for season in np.unique(seasons):
        part = seasons == season
        if seen[:, part].any():
            filled[:, part] -= filled[:, part].sum() / seen[:, part].sum() - level
    squares, freedom = np.zeros(len(absence)), np.zeros(len(absence))
    for year in np.unique(years):
        rate, count = yearly_rates(np.where(seen, filled, np.nan), years, int(year))
        deviation = np.where(seen, filled - rate[:, None], 0.0)[:, years == year]
        squares += (deviation**2).sum(axis=1)
        freedom += np.maximum(count - 1, 0)
    if not freedom.any():
        return np.full(len(absence), np.nan)
    return np.asarray((squares * size).sum() / freedom.sum() / size)


def select_cases(
    quarters: "pd.DataFrame",
    size: "pd.Series[float]",
    *,
    years: tuple[int, int] = (2017, 2021),
    top: int = TOP,
    seed: int = 1,
) -> "pd.DataFrame":
    """Make the three lists, by the report's rule and by posterior rank.

    The report's rule, per industry: *strong reduction*, the largest falls from the first to the
    last year; *stable low*, by mean and then standard deviation of the yearly rates, half of the
    list from workplaces above 50 full-time equivalents and half from the others; *stable high*, by
    mean falling and then standard deviation, among those with a standard deviation of at most 2.

    Parameters
    ----------
    quarters : pandas.DataFrame
        As `AnalysisSample.quarters`: `workplace, industry, quarter, absence`.
    size : pandas.Series
        Full-time equivalents or employees, by workplace.
    years : tuple of int
        First and last year.
    top : int
        Length of each list per industry.
    seed : int
        Of the draws behind the probabilities.

    Returns
    -------
    pandas.DataFrame
        One row per candidate: `list, industry, stratum, workplace, observed` (change or mean, pp),
        `sd` (of the yearly rates), `rank` (by the rule), `chosen`, `posterior_mean, posterior_sd,
        posterior_rank, posterior_chosen` and `prob_top`, the probability of truly being among the
        chosen of the stratum.

    Raises
    ------
    UsageError
        If a year has no observed quarter at all.
    """
    import pandas as pd

    wide = quarters.set_index(["industry", "workplace", "quarter"])["absence"].unstack("quarter")  # noqa: PD010
    calendar = [int(str(name)[:4]) for name in wide.columns]
    for year in years:
        if not wide.loc[:, [each == year for each in calendar]].notna().any(axis=None):
            got = f"{min(calendar)}-{max(calendar)}"
            raise UsageError("case selection", f"needs observed quarters in {year}", got=got)
    tables = []
    for industry, rows in wide.groupby(level="industry"):
        workplaces = rows.index.get_level_values("workplace")
        figures = _figures(rows, np.asarray(size.reindex(workplaces), dtype=np.float64), years)
        figures.insert(0, "workplace", workplaces)
        figures.insert(0, "industry", industry)
        tables += [_rank(part, k, sign, seed) for part, k, sign in _strata(figures, top)]
    return pd.concat(tables, ignore_index=True)


def _figures(rows: "pd.DataFrame", size: Floats, years: tuple[int, int]) -> "pd.DataFrame":
    """Change, mean and standard deviation over the years, with sampling variances."""
    import pandas as pd

    absence = rows.to_numpy(float)
    index = np.array([parse_quarter(str(name)) for name in rows.columns])
    calendar, seasons = 2015 + index // 4, index % 4
    inside = (calendar >= years[0]) & (calendar <= years[1])
    absence, calendar, seasons = absence[:, inside], calendar[inside], seasons[inside]
    noise = quarter_noise(absence, size, calendar, seasons)
    rates, counts = zip(
        *(yearly_rates(absence, calendar, year) for year in range(years[0], years[1] + 1)),
        strict=True,
    )
    yearly, n = np.column_stack(rates), np.column_stack(counts)
    seen = n > 0
    per_year = np.divide(noise[:, None], n, out=np.full(n.shape, np.nan), where=seen)
    table = pd.DataFrame(yearly)
    return pd.DataFrame(
        {
            "size": size,
            "change": yearly[:, -1] - yearly[:, 0],
            "change_var": per_year[:, -1] + per_year[:, 0],
            "mean": table.mean(axis=1),
            "mean_var": np.where(seen, per_year, 0.0).sum(axis=1) / seen.sum(axis=1) ** 2,
            "sd": table.std(axis=1),
        }
    )


def _strata(figures: "pd.DataFrame", top: int) -> "Iterator[tuple[pd.DataFrame, int, int]]":
    """Candidates of each list and stratum, how many are chosen, and +1 if the largest are."""
    change = figures.dropna(subset=["change", "change_var"])
    change = change.assign(observed=change["change"], var=change["change_var"])
    yield change.assign(list=LISTS[0], stratum="all"), top, -1
    level = figures.dropna(subset=["mean", "mean_var", "sd"])
    level = level.assign(observed=level["mean"], var=level["mean_var"])
    large = level["size"] > LARGE_FTE
    for name, who in (("over 50", large), ("at most 50", ~large)):
        yield level[who].assign(list=LISTS[1], stratum=name), top // 2, -1
    yield level[level["sd"] <= MAX_SD].assign(list=LISTS[2], stratum="all"), top, 1


def _rank(part: "pd.DataFrame", k: int, direction: int, seed: int) -> "pd.DataFrame":
    """Rank a stratum by the rule and by the posterior; fewer than four have no posterior."""
    part = part.assign(score=direction * part["observed"])
    part = part.sort_values(["score", "sd"], ascending=[False, True], ignore_index=True)
    part["rank"] = np.arange(1, len(part) + 1)
    part["chosen"] = part["rank"] <= k
    if len(part) < MIN_FIGURES:
        mean = sd = prob = np.full(len(part), np.nan)
    else:
        true = shrink(part["score"].to_numpy(float), part["var"].to_numpy(float), seed=seed)
        mean, sd, prob = true.mean, true.sd, true.prob_top(k)
    part["posterior_mean"], part["posterior_sd"] = direction * mean, sd
    part["posterior_rank"] = part["posterior_mean"].mul(direction).rank(ascending=False)
    part["posterior_chosen"] = part["posterior_rank"] <= k
    part["prob_top"] = prob
    return part[COLUMNS]
