"""Many slopes at once: what is left of the largest when all were looked at.

Each item has a model of its own; the slopes b, per standard deviation of their predictor, have
errors with covariance S. Partially pooled they are

    b ~ N(theta, S),   theta_i ~ N(0, omega^2),   omega flat (Gelman 2006),

so that a slope is shrunk towards none by as much as all slopes together say, and ranks come with
intervals. Zero is where they are shrunk to: the sign of an item is a convention.

S from workplaces: b_i = c_i' y with c_i from the generalised least squares of its own rows, so that
Cov(b_i, b_j) = c_i' V c_j, V = sigma^2 (I + lambda Z Z') of the model without items; correlations
are taken from it, standard errors from each model. The published tables do not say how items go
together: a common correlation is swept over instead, but for slopes of one model (an item with
three answers has two), whose correlation the model itself gives.

References
----------
Gelman, Hill & Yajima (2012), J. Res. Educ. Eff. 5, 189-211 (partial pooling instead of
corrections). Benjamini & Hochberg (1995), J. R. Stat. Soc. B 57.

Examples
--------
>>> slopes = Slopes(("a", "b", "c", "d"), np.array([2.0, 0.1, -0.2, 0.0]), np.eye(4) * 0.25, "pp")
>>> table = pool_slopes(slopes, top=1, seed=1)
>>> bool(table.loc["a", "p_top"] > 0.9), bool(0 < table.loc["a", "mean"] < 2)
(True, True)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.fit import fit
from bayes_sf.engines.gaussian.ols_reml import fit_reml
from bayes_sf.engines.gaussian.quadrature import Axis, cumulative, invert, series
from bayes_sf.errors import UsageError, check_seed
from bayes_sf.inputs.sample import AnalysisSample, design
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.rows import Rows

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Slopes",
    "adjusted_p",
    "collect_slopes",
    "gls_weights",
    "pool_slopes",
    "sweep_correlation",
]


#: Draws of all slopes, for ranks.
_DRAWS = 20_000
#: Nodes of omega.
_NODES = 400
#: Slopes whose errors are correlated more than this are one slope twice.
_SAME = 1 - 1e-9


@dataclass(frozen=True, eq=False)
class Slopes:
    """Slopes of many models of one outcome, per standard deviation of their predictor.

    Parameters
    ----------
    names : tuple of str
        Terms.
    estimate : (m,) array
        REML estimates.
    cov : (m, m) array
        Covariance of their errors.
    unit : str
        Of the outcome.
    step : (m,) array or None
        Standard deviation of each predictor: divides a slope back to its own unit.
    n : (m,) array or None
        Rows of each model.
    """

    names: tuple[str, ...]
    estimate: Floats
    cov: Floats
    unit: str
    step: Floats | None = field(default=None, repr=False)
    n: Floats | None = field(default=None, repr=False)

    @property
    def se(self) -> Floats:
        """Standard errors, (m,)."""
        return np.sqrt(np.diag(self.cov))


def collect_slopes(specs: Sequence[ModelSpec], data: Any, *, correlation: float = 0.0) -> Slopes:
    """Fit models of one outcome by REML, and bring their slopes together.

    Parameters
    ----------
    specs : sequence of ModelSpec
        Models of one outcome, each with its own predictors.
    data : AnalysisSample or PublishedStudy
        Workplaces, which say how errors go together; or the published tables, which do not.
    correlation : float
        Common correlation of the errors, where the data do not say it.

    Raises
    ------
    UsageError
        For models of several outcomes or one slope, or an impossible correlation.
    """
    outcomes = {spec.outcome for spec in specs}
    if len(outcomes) != 1:
        raise UsageError("multiplicity", "needs models of one outcome", got=sorted(outcomes))
    slopes, own = _separate(specs, data)
    if isinstance(data, AnalysisSample):
        related = _error_correlation(specs, data)
    else:
        related = _common(own, correlation)
    return replace(slopes, cov=related * np.outer(slopes.se, slopes.se))


def _separate(specs: Sequence[ModelSpec], data: Any) -> tuple[Slopes, Floats]:
    """Slopes as if models had nothing to do with each other, and their correlations, (m, m)."""
    names: list[str] = []
    estimate, step, n, blocks = [], [], [], []
    for spec in specs:
        result = fit(spec, data, engine="reml")
        m = result.moments
        spread = m.spread[:-1]
        names += m.predictors
        estimate += (spread * result.fitted.coef[1:]).tolist()
        step += spread.tolist()
        n += [float(m.n_obs)] * len(spread)
        blocks.append(np.outer(spread, spread) * result.fitted.vcov[1:, 1:])
    if len(names) < 2:
        raise UsageError("multiplicity", "needs several slopes", got=names)
    cov = np.zeros((len(names), len(names)))
    at = 0
    for block in blocks:
        place = slice(at, at + len(block))
        cov[place, place] = block
        at += len(block)
    sd = np.sqrt(np.diag(cov))
    arrays = (np.array(step), np.array(n))
    slopes = Slopes(tuple(names), np.array(estimate), cov, specs[0].unit, *arrays)
    return slopes, cov / np.outer(sd, sd)


def _common(own: Floats, correlation: float) -> Floats:
    """One correlation for all slopes of different models; `own` has those of the same, (m, m)."""
    m = len(own)
    if not -1 / (m - 1) < correlation < 1:
        rule = f"must lie between {-1 / (m - 1):.3f} and 1"
        raise UsageError("multiplicity: correlation", rule, got=correlation)
    related = np.where(own == 0, correlation, own)
    if np.linalg.eigvalsh(related)[0] <= 0:
        rule = "must be possible beside the correlations of slopes in one model"
        raise UsageError("multiplicity: correlation", rule, got=correlation)
    return related


def _error_correlation(specs: Sequence[ModelSpec], sample: AnalysisSample) -> Floats:
    """Correlations of the slopes' errors, from the rows that models share, (m, m)."""
    frames = [
        design(
            sample, outcome=spec.outcome, predictors=spec.predictors,
            min_quarters=spec.min_quarters, standardize=spec.standardize,
            categorical=spec.categorical, nested=spec.nested,
        )
        for spec in specs
    ]  # fmt: skip
    null = ModelSpec(specs[0].outcome, group=specs[0].group)
    everyone = design(
        sample, outcome=null.outcome, min_quarters=min(spec.min_quarters for spec in specs)
    )
    base = fit_reml(Rows.from_frame(everyone, null).moments)
    lam = (base.sd_group / base.sd_resid) ** 2
    place = {workplace: row for row, workplace in enumerate(everyone["workplace"])}
    loads = []
    for spec, frame in zip(specs, frames, strict=True):
        rows = Rows.from_frame(frame, spec.designed)
        weights = gls_weights(rows, lam)[1:]
        wide = np.zeros((len(weights), len(everyone)))
        wide[:, [place[workplace] for workplace in frame["workplace"]]] = weights
        loads.append(wide)
    load = np.vstack(loads)
    groups = everyone[specs[0].group].astype("category").cat.codes.to_numpy()
    sums = np.zeros((len(load), groups.max() + 1))
    for group in range(groups.max() + 1):
        sums[:, group] = load[:, groups == group].sum(axis=1)
    cov = load @ load.T + lam * sums @ sums.T
    sd = np.sqrt(np.diag(cov))
    return np.asarray(cov / np.outer(sd, sd))


def gls_weights(rows: Rows, lam: float) -> Floats:
    """Weights C, (k, n), of the generalised least squares coefficients C y at a given lambda.

    Parameters
    ----------
    rows : Rows
        Of one model.
    lam : float
        tau^2/sigma^2.
    """
    x = np.column_stack([np.ones(rows.n_obs), rows.x])
    sizes = np.bincount(rows.code)
    dummies = np.eye(len(sizes))[rows.code]
    share = lam / (1 + lam * sizes)
    weighted = x - dummies @ (share[:, None] * (dummies.T @ x))
    return np.asarray(np.linalg.solve(weighted.T @ x, weighted.T))


def adjusted_p(p: Floats) -> tuple[Floats, Floats]:
    """Bonferroni's and Benjamini and Hochberg's p values, (m,) each.

    Parameters
    ----------
    p : (m,) array
        Raw two-sided p values.

    Examples
    --------
    >>> bonferroni, bh = adjusted_p(np.array([0.01, 0.04, 0.03]))
    >>> bonferroni.round(3).tolist(), bh.round(3).tolist()
    ([0.03, 0.12, 0.09], [0.03, 0.04, 0.04])
    """
    from scipy.stats import false_discovery_control

    return np.minimum(1.0, p * len(p)), np.asarray(false_discovery_control(p, method="bh"))


def pool_slopes(
    slopes: Slopes, *, top: int = 5, prob: float = 0.95, seed: int = 1
) -> "pd.DataFrame":
    """Pool slopes partially, and rank them.

    Parameters
    ----------
    slopes : Slopes
        At least three.
    top : int
        How many count as the top.
    prob : float
        Probability of the intervals (equal-tailed, of slopes and of ranks).
    seed : int
        Seed of the draws.

    Returns
    -------
    pandas.DataFrame
        By term: ``estimate, se, t``, ``p, bonferroni, bh`` (REML, normal reference);
        ``mean, sd, lower, upper, p_direction`` of the pooled slope, per sd of the predictor;
        ``rank, rank_lower, rank_upper`` of its size, 1 the largest; ``p_top``, the probability that
        it truly is among the `top` largest; ``n``. In ``attrs``: posterior median and interval of
        omega.

    Raises
    ------
    UsageError
        For fewer than three slopes (omega would have no proper posterior), predictors that are the
        same but for a sign, or an impossible `top`.
    """
    import pandas as pd
    from scipy.stats import norm

    m = len(slopes.names)
    if m < 3:
        raise UsageError("multiplicity", "needs at least three slopes", got=list(slopes.names))
    if not 1 <= top <= m:
        raise UsageError("multiplicity: top", f"must be 1 to {m}", got=top)
    _check_different(slopes)
    nodes, weight = _omega_posterior(slopes)
    check_seed(seed)
    rng = np.random.default_rng(seed)
    omega = _omega_at(slopes, nodes.nodes)
    drawn = _draw(slopes, rng.choice(omega, size=_DRAWS, p=weight), rng)
    tails = [0.5 - 0.5 * prob, 0.5 + 0.5 * prob]
    low, high = np.quantile(drawn, tails, axis=0)
    size = np.abs(drawn)
    ranks = m - size.argsort(axis=1).argsort(axis=1)
    rank_low, rank_mid, rank_high = np.quantile(
        ranks, [tails[0], 0.5, tails[1]], axis=0, method="nearest"
    )
    above = (drawn > 0).mean(axis=0)
    t = slopes.estimate / slopes.se
    p = 2 * norm.sf(np.abs(t))
    bonferroni, bh = adjusted_p(p)
    table = pd.DataFrame(
        {
            "estimate": slopes.estimate, "se": slopes.se, "t": t, "p": p,
            "bonferroni": bonferroni, "bh": bh, "mean": drawn.mean(axis=0),
            "sd": drawn.std(axis=0, ddof=1), "lower": low, "upper": high,
            "p_direction": np.maximum(above, 1 - above), "rank": rank_mid,
            "rank_lower": rank_low, "rank_upper": rank_high,
            "p_top": (ranks <= top).mean(axis=0),
            "n": np.nan if slopes.n is None else slopes.n,
        },
        index=pd.Index(slopes.names, name="term"),
    )  # fmt: skip
    coef = series(weight)
    share = invert(
        lambda x: cumulative(coef, nodes.unit(x)), np.array([tails[0], 0.5, tails[1]]), 0.0, 1.0
    )
    at = [float(value) for value in _omega_at(slopes, share)]
    table.attrs = {"omega_lower": at[0], "omega_median": at[1], "omega_upper": at[2], "prob": prob}
    return table


def sweep_correlation(
    specs: Sequence[ModelSpec],
    data: Any,
    correlations: Iterable[float] = (0.0, 0.1, 0.2, 0.3, 0.5),
    **options: Any,
) -> "pd.DataFrame":
    """Pool slopes under each of several common correlations of their errors.

    Parameters
    ----------
    specs, data
        As `collect_slopes`.
    correlations : iterable of float
        To try.
    **options
        Of `pool_slopes`.

    Returns
    -------
    pandas.DataFrame
        As `pool_slopes`, by (correlation, term).
    """
    import pandas as pd

    slopes, own = _separate(specs, data)
    parts = {}
    for correlation in correlations:
        cov = _common(own, correlation) * np.outer(slopes.se, slopes.se)
        parts[correlation] = pool_slopes(replace(slopes, cov=cov), **options)
    return pd.concat(parts, names=["correlation", "term"])


def _check_different(slopes: Slopes) -> None:
    """Refuse two slopes that are one: S would be singular, and omega's posterior improper."""
    related = np.abs(slopes.cov / np.outer(slopes.se, slopes.se))
    first, second = np.nonzero(np.triu(related, k=1) > _SAME)
    if len(first):
        twins = [slopes.names[first[0]], slopes.names[second[0]]]
        rule = "needs predictors that are not the same but for a sign"
        raise UsageError("multiplicity", rule, got=twins, fix="leave one of them out")


def _omega_at(slopes: Slopes, share: Floats) -> Floats:
    """Omega at a coordinate in [0, 1]: most of it near zero, and none too large."""
    unit = max(float(np.abs(slopes.estimate).max()), float(slopes.se.max()))
    return np.asarray(unit * share**3 / (1 - share))


def _omega_posterior(slopes: Slopes) -> tuple[Axis, Floats]:
    """Nodes of omega's coordinate, and their posterior masses under a flat prior, (G,)."""
    axis = Axis.over(0.0, 1.0, _NODES)
    share = axis.nodes
    omega = _omega_at(slopes, share)
    jacobian = share**2 * (3 - 2 * share) / (1 - share) ** 2
    value, vector = np.linalg.eigh(slopes.cov)
    turned = vector.T @ slopes.estimate
    total = value + omega[:, None] ** 2
    log_density = -0.5 * (np.log(total) + turned**2 / total).sum(axis=1)
    mass = np.exp(log_density - log_density.max()) * axis.weights * jacobian
    return axis, mass / mass.sum()


def _draw(slopes: Slopes, omega: Floats, rng: np.random.Generator) -> Floats:
    """Draw theta given omega and the estimates, (N, m): in the eigenvectors of S it is diagonal."""
    value, vector = np.linalg.eigh(slopes.cov)
    value = np.maximum(value, 0.0)
    share = omega[:, None] ** 2 / (omega[:, None] ** 2 + value)
    centre = share * (vector.T @ slopes.estimate)
    noise = np.sqrt(share * value) * rng.normal(size=centre.shape)
    return np.asarray((centre + noise) @ vector.T)
