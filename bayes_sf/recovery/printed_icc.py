"""The posterior behind a printed ICC: from the ICC, the rows and the groups alone.

REML's two equations tie a null model's printed variance components to its group means. With
w_j = n_j/(1 + lambda n_j), S = sum w_j and r_j the gap of a group's mean from the intercept,

    sum w^2 r^2 = sigma^2 (S - sum w^2/S)      and      SSW + sum w r^2 = sigma^2 (N - 1)

(by maximum likelihood sigma^2 S, and N in place of N - 1). So gaps are drawn from the model, scaled
until the first holds, and the second gives the sum of squares within groups: moments for which REML
returns the print. Posteriors are averages over 40 such draws, over what rounding leaves of the ICC,
and, where sizes are not printed, over sizes. An ICC is free of scale, and so are the default
priors: sigma^2 + tau^2 = 1.

Examples
--------
>>> found = icc_posterior(icc="0.299", n=582, groups=6, estimator="REML")
>>> [round(value, 2) for value in (found.lower, found.median, found.upper, found.prior_median)]
[0.14, 0.35, 0.72, 0.5]
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from bayes_sf.engines.fit import fit
from bayes_sf.errors import DataError, UsageError, check_seed
from bayes_sf.inputs.published import rounding_interval
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.priors import Priors
from bayes_sf.spec.study import Study

__all__ = ["ESTIMATORS", "IccPosterior", "PrintedNull", "icc_posterior"]

type _Floats = NDArray[np.float64]
type Estimator = Literal["REML", "ML", "unknown"]

ESTIMATORS: Final = ("REML", "ML", "unknown")
#: Versions of the study that a posterior is averaged over.
_DRAWS: Final = 40
#: Coefficient of variation of group sizes that are not printed: from equal to very unequal.
_SPREAD: Final = (0.0, 1.5)
#: Tries at a draw that REML would call zero, or whose sum of squares within is positive.
_TRIES: Final = 2000


@dataclass(frozen=True)
class IccPosterior:
    """What a printed ICC says, under a prior.

    Parameters
    ----------
    lower, median, upper, mean : float
        Of the posterior.
    prior_median, prior_lower, prior_upper : float
        Of the ICC under the prior alone.
    level : float
        Probability of the (equal-tailed) intervals.
    printed : str
        The ICC as printed.
    n, groups : int
        Rows and groups.
    priors : str
        What the posterior is under.
    assumed : tuple of str
        What is not printed and was assumed, and which printed figure would narrow it.
    ends : mapping of str to IccPosterior
        The same at both ends of what the print leaves open: sizes equal and very unequal, REML and
        maximum likelihood, and of a printed zero no difference at all and the largest that is still
        called zero, and an ICC that is not zero but printed so.
    """

    lower: float
    median: float
    upper: float
    mean: float
    prior_median: float
    prior_lower: float
    prior_upper: float
    level: float
    printed: str
    n: int
    groups: int
    priors: str = ""
    assumed: tuple[str, ...] = ()
    ends: dict[str, "IccPosterior"] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class PrintedNull(Study):
    """A null model of which variance components are printed, in versions that print them.

    Parameters
    ----------
    draws : tuple of Moments
        One for each version.
    seed : int
        Seed that they were drawn with.
    source : str
        Always ``report``.
    """

    draws: tuple[Moments, ...]
    seed: int = 1
    source: str = "report"

    def moments(self, spec: ModelSpec) -> tuple[Moments, ...]:
        """Moments of the null model; it has no other."""
        self.check(spec)
        return self.draws

    def check(self, spec: ModelSpec) -> None:
        """Refuse a model that is not the printed one."""
        if spec.predictors or not spec.plain:
            raise UsageError(
                f"model {spec.name!r}", "must be the null model: nothing else is printed",
                got=", ".join(spec.predictors) or "options beyond it",
            )  # fmt: skip


def icc_posterior(
    *,
    icc: str,
    n: int,
    groups: int,
    sizes: Sequence[int] | None = None,
    balanced: bool = False,
    estimator: Estimator = "unknown",
    priors: Priors | None = None,
    level: float = 0.95,
    seed: int = 1,
) -> IccPosterior:
    """Posterior of the intraclass correlation behind a printed one.

    Parameters
    ----------
    icc : str
        As printed, "0.21": its digits say how far it was rounded. "0.00" is taken for a variance
        that was estimated as zero; what else is printed so is an end.
    n : int
        Rows.
    groups : int
        Groups with rows.
    sizes : sequence of int, optional
        Rows of each group, where they are printed.
    balanced : bool
        Whether all groups are equally large.
    estimator : {"REML", "ML", "unknown"}
        What the report used; where it does not say, REML is shown, and both as ends.
    priors : Priors, optional
        The usual ones by default, half-t(3) with scale sd(y) for both standard deviations.
    level : float
        Probability of the intervals.
    seed : int
        Seed of what is drawn: sizes, gaps, and what rounding leaves.

    Returns
    -------
    IccPosterior

    Raises
    ------
    UsageError
        For figures that cannot be, or that can be read in two ways.
    DataError
        When no data can print these figures.

    Examples
    --------
    >>> found = icc_posterior(icc="0.21", n=1840, groups=44)
    >>> round(found.median, 2), found.level, sorted(found.ends)
    (0.22, 0.95, ['ML', 'REML', 'sizes equal', 'sizes very unequal'])
    """
    check_seed(seed)
    low, high = _read(icc)
    known = _sizes(sizes, n, groups)
    if balanced and known is not None:
        raise UsageError("balanced", "goes without sizes", got=list(known)[:6])
    if estimator not in ESTIMATORS:
        rule = f"must be one of {', '.join(ESTIMATORS)}"
        raise UsageError("estimator", rule, got=estimator)
    if balanced:
        known = np.full(groups, n / groups)
    spec = ModelSpec("y", group="group", priors=priors or Priors())
    own: Estimator = "REML" if estimator == "unknown" else estimator

    def posterior(
        sizes: _Floats | None = known, spread: tuple[float, float] = _SPREAD,
        estimator: Estimator = own, zero: str = "drawn",
        within: tuple[float, float] = (low, high),
    ) -> IccPosterior:  # fmt: skip
        rng = np.random.default_rng(seed)
        shape = _Shape(n, groups, sizes, spread, ml=estimator == "ML", zero=zero)
        drawn = _draw(rng, within, shape)
        result = fit(spec, PrintedNull(drawn, seed), prob=level)
        found, used = result.icc(), result.priors
        said = f"sd_resid {used.sd_resid}; sd_group {used.sd_group}" if used else ""
        return IccPosterior(
            found["lower"], found["median"], found["upper"], found["mean"], found["prior_median"],
            found["prior_lower"], found["prior_upper"], level, icc, n, groups, said,
        )  # fmt: skip

    main = posterior()
    assumed, ends = list[str](), dict[str, IccPosterior]()
    if known is None:
        assumed.append(
            "sizes of groups: drawn, from equal to very unequal; printed sizes would narrow it"
        )
        ends["sizes equal"] = posterior(np.full(groups, n / groups))
        ends["sizes very unequal"] = posterior(None, (_SPREAD[1], _SPREAD[1]))
    if estimator == "unknown":
        assumed.append("estimator: REML, since the report does not say; both are shown")
        ends["REML"], ends["ML"] = main, posterior(estimator="ML")
    if high > 0 >= low:
        assumed.append(
            "a variance printed as zero is only bounded: what is called zero is drawn; an ICC of "
            f"up to {high:g} is printed alike"
        )
        ends["no difference"] = posterior(zero="none")
        ends["largest that is called zero"] = posterior(zero="largest")
        ends["largest that is printed so"] = posterior(within=(high, high))
    return replace(main, assumed=tuple(assumed), ends=ends)


def _read(icc: str) -> tuple[float, float]:
    """What a printed ICC can stand for; the lower end of a zero is negative."""
    if not isinstance(icc, str):
        raise UsageError(
            "icc", "must be text as printed, since its digits say how it was rounded",
            got=icc, fix=f"write it as {str(icc)!r} with every printed digit",
        )  # fmt: skip
    low, high = rounding_interval(icc.strip())
    middle = 0.5 * (low + high)
    if middle > 1 or middle < 0:
        fix = "is it in percent? write 0.21 for 21 %" if 1 < middle <= 100 else ""
        raise UsageError("icc", "must lie between 0 and 1", got=icc, fix=fix)
    if middle == 1:
        raise UsageError("icc", "of 1 leaves no variance within groups", got=icc)
    return (low, high) if middle == 0 else (max(low, 1e-6), min(high, 1 - 1e-6))


def _sizes(sizes: Sequence[int] | None, n: int, groups: int) -> _Floats | None:
    """Sizes that are printed, and whether they go with n and groups."""
    for name, value, least in (("groups", groups, 2), ("n", n, 3)):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
            raise UsageError(name, f"must be a whole number of at least {least}", got=value)
    if n <= groups:
        raise UsageError("n", "must be more than groups: it counts rows", got=f"{n} and {groups}")
    if sizes is None:
        return None
    whole = [
        isinstance(size, Integral) and not isinstance(size, bool) and size > 0 for size in sizes
    ]
    if not all(whole) or len(sizes) != groups or sum(sizes) != n:
        raise UsageError(
            "sizes", f"must be {groups} whole numbers above zero whose sum is {n}",
            got=f"{len(sizes)} with sum {sum(sizes)}" if all(whole) else list(sizes)[:6],
        )  # fmt: skip
    return np.array(sizes, dtype=float)


@dataclass(frozen=True, eq=False)
class _Shape:
    """What is known of the groups, and how they were fitted."""

    n: int
    groups: int
    sizes: _Floats | None
    spread: tuple[float, float]
    ml: bool
    zero: str

    def draw_sizes(self, rng: np.random.Generator) -> _Floats:
        """Sizes as printed, or drawn."""
        if self.sizes is not None:
            return self.sizes
        return _draw_sizes(rng, self.n, self.groups, rng.uniform(*self.spread))


def _draw(rng: np.random.Generator, icc: tuple[float, float], shape: _Shape) -> tuple[Moments, ...]:
    """Versions of the study that print the ICC."""
    found: list[Moments] = []
    names = tuple(f"g{place:05d}" for place in range(shape.groups))
    for _ in range(_TRIES):
        size = shape.draw_sizes(rng)
        share = rng.uniform(*icc) if icc[0] > 0 else 0.0
        gaps = _gaps(rng, size, share, ml=shape.ml) if share else _gaps_at_zero(rng, size, shape)
        if gaps is None:
            continue
        weight = size / (1 + share / (1 - share) * size)
        rest = shape.n if shape.ml else shape.n - 1
        within = (1 - share) * rest - (weight * gaps**2).sum()
        if within <= 0:
            continue
        squares = np.array([[within]])
        found.append(Moments("y", (), names, size, gaps[:, None], squares, "group"))
        if len(found) == _DRAWS:
            return tuple(found)
    raise DataError(
        "icc", "must be possible with these rows and groups",
        got=f"ICC of about {np.mean(icc):.3g}", fix="check n, groups and sizes",
    )  # fmt: skip


def _gaps(rng: np.random.Generator, size: _Floats, share: float, *, ml: bool) -> _Floats:
    """Gaps of group means for which REML, or ML, returns the share of variance between groups."""
    tau2, sigma2 = share, 1 - share
    weight = size / (1 + tau2 / sigma2 * size)
    total = weight.sum()
    gaps = rng.normal(size=len(size)) * np.sqrt(tau2 + sigma2 / size)
    gaps -= (weight * gaps).sum() / total
    goal = sigma2 * (total if ml else total - (weight**2).sum() / total)
    return np.asarray(gaps * np.sqrt(goal / (weight**2 * gaps**2).sum()))


def _gaps_at_zero(rng: np.random.Generator, size: _Floats, shape: _Shape) -> _Floats | None:
    """Gaps that are called zero: drawn from the model without differences, none, or the largest.

    REML's slope at lambda = 0 is not negative where sum n^2 r^2 <= sigma^2 (N - sum n^2/N); that of
    the likelihood where it is <= sigma^2 N.
    """
    if shape.zero == "none":
        return np.zeros(len(size))
    gaps = rng.normal(size=len(size)) / np.sqrt(size)
    gaps -= (size * gaps).sum() / size.sum()
    bound = size.sum() - (0.0 if shape.ml else (size**2).sum() / size.sum())
    reach = bound / (size**2 * gaps**2).sum()
    if shape.zero == "largest":
        return np.asarray(gaps * np.sqrt(reach))
    return np.asarray(gaps) if reach >= 1 else None


def _draw_sizes(rng: np.random.Generator, n: int, groups: int, cv: float) -> _Floats:
    """Whole sizes of at least one, with about this coefficient of variation."""
    share = np.ones(groups) if cv < 1e-6 else rng.gamma(1 / cv**2, size=groups) + 1e-12
    wanted = share / share.sum() * (n - groups)
    size = np.floor(wanted)
    order = np.argsort(size - wanted, kind="stable")[: round(n - groups - size.sum())]
    size[order] += 1
    return size + 1
