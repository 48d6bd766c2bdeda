"""Printed coefficients as posteriors: Student's t around the estimate, over what rounding leaves.

Given sigma and tau a coefficient of a Gaussian model is normal around its estimate; the variance
that its standard error is made of is known from some degrees of freedom only. So its likelihood is
a t, a mixture of normals over the chi-squared of those degrees of freedom, averaged over the
(estimate, se) pairs that the printed figures allow. Degrees of freedom: those printed
(Satterthwaite's, Kenward and Roger's); else N - J - k_within for a predictor that varies within
groups, J - 1 - k_between for one that is constant there, and for the intercept of centred
predictors or of a null model. An intercept at x = 0 of predictors that are not centred lies between
the two, and so does a predictor of which it is not said: both ends are given then.

Examples
--------
>>> found = posterior_of((0.5, 0.5), (0.1, 0.1), df=10.0)
>>> found.quantile([0.975])[0].round(2), found.mean().round(2)
(array([0.72]), array([0.5]))
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.catalogue import Message, Printed
from bayes_sf.engines.gaussian.mixture import NormalMixture
from bayes_sf.inputs.printed.figure import Figure, Interval
from bayes_sf.inputs.printed.folder import PrintedRow, PublishedReport, ReportedModel
from bayes_sf.recovery.region import NORMAL_QUANTILE, Region, coefficient_region

__all__ = [
    "CoefficientPosterior", "degrees_of_freedom", "df_text", "has_slopes", "posterior_of",
    "printed_ratio", "quantiles_of", "read_coefficient", "read_coefficients", "spread_of",
]  # fmt: skip

#: Points of a polygon on each axis, and nodes of the chi-squared.
_POINTS: Final = 5
_NODES: Final = 40
#: Degrees of freedom from which on t is a normal.
_MANY: Final = 1e5


@dataclass(frozen=True, eq=False)
class CoefficientPosterior:
    """Posterior of one printed coefficient.

    Parameters
    ----------
    model, term : str
    printed : str
        The estimate as printed.
    unit : str
        Of the outcome.
    mean, sd, lower, upper : float
        Of the posterior; the sd is NaN with two degrees of freedom or fewer.
    p_direction : float
        Probability of the median's sign.
    level : float
        Probability of the interval.
    df : (float, float)
        Smallest and largest degrees of freedom; the posterior is that of the smallest, which is
        the widest.
    prior : str
        ``flat``, or the normal that was used.
    estimate, se : float
        In the middle of what the figures allow.
    ends : mapping
        (lower, upper) at both ends of the degrees of freedom, where they are not known.
    assumed : tuple of str
    posterior : NormalMixture
    prior_sd : float
        Of the normal prior around 0; infinite where it is flat.
    """

    model: str
    term: str
    printed: str
    unit: str
    mean: float
    sd: float
    lower: float
    upper: float
    p_direction: float
    level: float
    df: tuple[float, float]
    prior: str
    estimate: float
    se: float
    ends: dict[str, tuple[float, float]] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()
    posterior: NormalMixture = field(repr=False, default=None)  # type: ignore[assignment]
    prior_sd: float = float("inf")


def df_text(df: float) -> str:
    """Degrees of freedom, to be printed.

    Parameters
    ----------
    df : float

    Examples
    --------
    >>> df_text(11.5), df_text(float("inf"))
    ('11.5', '∞')
    """
    return f"{df:g}" if np.isfinite(df) else "\u221e"


@lru_cache(maxsize=256)
def _scales(df: float) -> tuple[Floats, Floats]:
    """Factors of a standard error, and their weights: a t with df as a mixture of normals."""
    if df >= _MANY:
        return np.ones(1), np.ones(1)
    from scipy.stats import chi2

    x, w = np.polynomial.legendre.leggauss(_NODES)
    root = 0.5 * (1 + x)  # fine where the chi-squared is small: there the tails are
    return np.sqrt(df / chi2.ppf(root**3, df)), 0.5 * w * 3 * root**2


def posterior_of(
    estimate: Interval, se: Interval, *, df: float, prior_sd: float = float("inf"),
    region: Region | None = None,
) -> NormalMixture:  # fmt: skip
    """Posterior of a coefficient under a flat prior, or a normal one around 0.

    Parameters
    ----------
    estimate, se : (low, high)
        What rounding allows.
    df : float
        Degrees of freedom; infinite for a normal.
    prior_sd : float
        Of the prior; infinite is flat.
    region : Region, optional
        The pairs that all printed figures allow, inside that box.
    """
    b, s = _points(estimate, se, region)
    factor, weight = _scales(float(df))
    means, sds = np.repeat(b, len(factor)), np.outer(s, factor).ravel()
    mass = np.tile(weight, len(b)) / len(b)
    if np.isfinite(prior_sd):
        total = sds**2 + prior_sd**2
        mass = mass * np.exp(-0.5 * means**2 / total) / np.sqrt(total)
        shrink = prior_sd**2 / total
        means, sds = shrink * means, sds * np.sqrt(shrink)
    exist = 2 if df > 2 or np.isfinite(prior_sd) else 1 if df > 1 else 0
    return NormalMixture(mass / mass.sum(), means[None, :], sds[None, :], exist)


def _points(estimate: Interval, se: Interval, region: Region | None) -> tuple[Floats, Floats]:
    """Pairs (estimate, se) that stand for all that are allowed."""
    step = (np.arange(_POINTS) + 0.5) / _POINTS
    (b_low, b_high), (s_low, s_high) = (
        (estimate, se) if region is None else (region.estimate, region.se)
    )
    b, s = np.meshgrid(b_low + step * (b_high - b_low), s_low + step * (s_high - s_low))
    pairs = np.column_stack([b.ravel(), s.ravel()])
    if region is not None:
        inside = [region.contains(*pair) for pair in pairs]
        pairs = pairs[inside] if any(inside) else region.vertices.mean(axis=0)[None, :]
    return pairs[:, 0], np.maximum(pairs[:, 1], max(1e-6 * pairs[:, 1].max(), 1e-12))


def degrees_of_freedom(model: ReportedModel, row: PrintedRow) -> tuple[float, float]:
    """Smallest and largest degrees of freedom that a coefficient may have.

    Parameters
    ----------
    model : ReportedModel
    row : PrintedRow
        Of its `coefficients`.
    """
    printed = row.figure("df")
    if printed is not None:
        return max(printed.value, 0.5), max(printed.value, 0.5)
    levels = [model.header.terms.get(name, "unknown") for name in model.predictors]
    sure, may = levels.count("between"), len(levels) - levels.count("within")
    n, groups = model.n, model.n_groups
    low = 1.0 if groups is None else max(1.0, groups - 1.0 - may)
    middle = np.inf if groups is None else max(1.0, groups - 1.0 - sure)
    high = np.inf if n is None else n - (groups or 1) - len(levels) + sure
    level = model.header.terms.get(row.text("term"), "unknown")
    if row.intercept:
        level = "between" if model.header.centred or not model.predictors else "unknown"
    if _no_differences(model):
        return low, max(np.inf if n is None else n - 1.0 - len(levels), low)
    if level == "within" and has_slopes(model):  # a slope that varies is known from the groups
        own = {r.text("term") for r in model.components if r.text("term") and not r.intercept}
        sure_to = row.text("term") in own
        return low, middle if sure_to else max(high, low)
    if level == "within":
        few = np.inf if n is None else n - (groups or 1) - (len(levels) - sure)
        return max(few, 1.0), max(high, 1.0)
    if level == "between":
        return low, middle
    return low, max(high, low)


def has_slopes(model: ReportedModel) -> bool:
    """Whether slopes differ between groups.

    Parameters
    ----------
    model : ReportedModel
    """
    named = any(row.text("term") and not row.intercept for row in model.components)
    return named or model.header.random == "slopes"


def _no_differences(model: ReportedModel) -> bool:
    """Whether the variance between groups is printed as zero: groups do not count then."""
    between = [row for row in model.components if not row.residual]
    figures = [row.figure("variance") or row.figure("sd") for row in between]
    return bool(figures) and all(figure is not None and figure.value == 0 for figure in figures)


def quantiles_of(model: ReportedModel, df: tuple[float, float]) -> tuple[float, float] | None:
    """Smallest and largest factor of the se in a printed interval; None where it has none.

    Parameters
    ----------
    model : ReportedModel
        Its `interval` says level and reference.
    df : (float, float)
        The coefficient's.
    """
    from scipy.special import ndtri, stdtrit

    p = 0.5 + 0.5 * model.header.interval_level
    reference, _, given = model.header.interval_reference.partition(":")
    if reference in {"profile", "bootstrap", "credible"}:
        return None
    z = NORMAL_QUANTILE if p == 0.975 else float(ndtri(p))
    if reference == "z":
        return z, z
    if given:
        q = float(stdtrit(float(given), p))
        return q, q
    low, high = (float(stdtrit(min(one, 1e9), p)) for one in df)
    return (min(z, high), max(low, z)) if reference == "unknown" else (high, low)


def printed_ratio(row: PrintedRow) -> Figure | None:
    """Estimate/se, called t or z."""
    return row.figure("t") or row.figure("z")


def region_of(
    model: ReportedModel, row: PrintedRow, df: tuple[float, float]
) -> tuple[Region | None, str]:
    """The (estimate, se) pairs that a row's figures allow, or why there are none.

    Parameters
    ----------
    model : ReportedModel
    row : PrintedRow
    df : (float, float)
        Degrees of freedom.
    """
    low, high = row.figure("ci_low"), row.figure("ci_high")
    factors = quantiles_of(model, df) if low and high else None
    estimate, se, ratio = row.figure("estimate"), row.figure("se"), printed_ratio(row)
    half = middle = None
    if low and high and factors is not None:
        (a, b), (c, d) = low.interval, high.interval
        half = max(0.0, (c - b) / 2), (d - a) / 2
        middle = (a + c) / 2, (b + d) / 2
    b_box = estimate.interval if estimate else middle
    if b_box is None:
        return None, Message("an estimate")
    s_box = se.interval if se else None
    if s_box is None and half is not None and factors is not None:
        s_box = half[0] / factors[1], half[1] / factors[0]
    if s_box is None and ratio is not None:
        t_low, t_high = sorted(abs(end) for end in ratio.interval)
        if ratio.interval[0] * ratio.interval[1] > 0 and b_box[0] * b_box[1] > 0:
            b_low, b_high = sorted(abs(end) for end in b_box)
            s_box = b_low / t_high, b_high / t_low
    if s_box is None or s_box[1] <= 0:
        return None, Message("a standard error, t or an interval with a declared reference")
    known = factors is not None and factors[0] == factors[1]
    region = coefficient_region(
        b_box, s_box, t=ratio.interval if ratio else None,
        ci_low=low.interval if low and known else None,
        ci_high=high.interval if high and known else None,
        quantile=factors[0] if factors else NORMAL_QUANTILE,
    )  # fmt: skip
    if region.empty:  # they contradict each other: a finding; read what stands first
        box = np.array([(b_box[0], s_box[0]), (b_box[1], s_box[0]), (b_box[1], s_box[1]),
                        (b_box[0], s_box[1])])  # fmt: skip
        return Region(np.maximum(box, [[-np.inf, 0.0]])), "contradicts"
    return region, ""


def read_coefficient(
    model: ReportedModel, row: PrintedRow, *, level: float, prior_sd: float = float("inf"),
    prior: str = "flat",
) -> CoefficientPosterior | str:  # fmt: skip
    """Posterior of one printed coefficient, or what it lacks.

    Parameters
    ----------
    model : ReportedModel
    row : PrintedRow
    level : float
        Probability of the interval.
    prior_sd : float
        Sd of a normal prior around 0; infinite is flat.
    prior : str
        How it is written.
    """
    df = degrees_of_freedom(model, row)
    region, why = region_of(model, row, df)
    if region is None:
        return why
    assumed = []
    if why:
        assumed.append(Message("figures contradict one another: estimate and se are taken"))
    if row.figure("se") is None:
        assumed.append(Message("the se is what its other figures allow: it is not printed"))
    if df[0] != df[1] and row.figure("df") is None:
        assumed.append(Message(
            "degrees of freedom: {} to {}, the fewest are taken; printed ones, or whether the "
            "predictor varies within groups, would narrow it",
            Printed(df_text(df[0])), Printed(df_text(df[1])),
        ))  # fmt: skip
    tails = [0.5 - 0.5 * level, 0.5 + 0.5 * level]
    box = region.estimate, region.se
    made = [posterior_of(*box, df=one, prior_sd=prior_sd, region=region) for one in df]
    ends = {}
    limits = [one.quantile(tails)[0] for one in made]
    if df[0] != df[1]:
        for name, (low, high) in zip(("fewest df", "most df"), limits, strict=True):
            ends[name] = (float(low), float(high))
    first = made[0]
    below = float(first.cdf(0.0)[0])
    b, s = (float(np.mean(ends_)) for ends_ in box)
    shown = row.figure("estimate")
    return CoefficientPosterior(
        model.name, row.text("term"), shown.text if shown else "", model.header.unit,
        float(first.mean()[0]), float(first.sd()[0]), float(limits[0][0]), float(limits[0][1]),
        max(below, 1 - below), level, df, prior, b, s, ends, tuple(assumed), first, prior_sd,
    )  # fmt: skip


def spread_of(report: PublishedReport, variable: str) -> float | None:
    """Standard deviation of a variable, from `descriptives.csv`.

    Parameters
    ----------
    report : PublishedReport
    variable : str
    """
    found = [
        row.figures["sd"].value
        for row in report.descriptives
        if row.text("variable") == variable and "sd" in row.figures
    ]
    return found[0] if found and found[0] > 0 else None


def read_coefficients(
    report: PublishedReport, model: ReportedModel, *, level: float, width: float | None
) -> tuple[tuple[CoefficientPosterior, ...], tuple[str, ...]]:
    """Posteriors of all printed coefficients of a model, and what could not be read.

    Parameters
    ----------
    report : PublishedReport
        Whose descriptive tables say sd(y) and sd(x), which priors of slopes are scaled by.
    model : ReportedModel
    level : float
    width : float or None
        Sd of the slopes' prior in sd(y)/sd(x); None is flat.
    """
    found: list[CoefficientPosterior] = []
    left: list[str] = []
    outcome = spread_of(report, model.header.outcome) if model.header.outcome else None
    for row in model.coefficients:
        own = None if row.intercept else spread_of(report, row.text("term"))
        prior_sd, said = float("inf"), "flat"
        if width is not None and own and outcome:
            prior_sd = width * outcome / own
            said = f"normal(0, {width:g} sd(y)/sd(x))"
        one = read_coefficient(model, row, level=level, prior_sd=prior_sd, prior=said)
        if isinstance(one, str):
            left.append(Message("{}: not read, it needs {}", row.text("term"), one))
        else:
            found.append(one)
    return tuple(found), tuple(left)
