"""Versions of a random-intercept model that print what is printed.

REML's two equations tie variance components to group means. With w_j = n_j/(1 + lambda n_j),
S = sum w_j and r_j the gap of a group's mean from the intercept,

    sum w^2 r^2 = sigma^2 (S - sum w^2/S)      and      SSW + sum w r^2 = sigma^2 (N - 1)

(by maximum likelihood sigma^2 S, and N in place of N - 1). So gaps are drawn from the model and
scaled until the first holds, and the second gives the sum of squares within groups: moments for
which REML returns the print. Sizes that are not printed are drawn; what else is printed of them
narrows the draw: SE(intercept)^2 = sigma^2/S, HLM's mean reliability lambda S/J, and the criterion
(N - 1)(1 + ln 2 pi sigma^2) + sum ln(1 + lambda n_j) + ln S of a null model.

A model with k_b predictors that are constant within groups and k_w that vary there leaves what J -
k_b groups and N - k_b - k_w rows of a null model would leave: exactly where groups and predictors
are balanced.

Examples
--------
>>> printed = NullPrint(60, 6, icc=(0.2, 0.2), sizes=(10, 8, 12, 9, 11, 10))
>>> versions = draw_versions(printed, seed=1)
>>> from bayes_sf.engines.gaussian.ols_reml import fit_reml
>>> round(fit_reml(versions.moments[0]).icc, 6)
0.2
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from bayes_sf.arrays import Floats
from bayes_sf.catalogue import Message
from bayes_sf.errors import DataError
from bayes_sf.inputs.printed.figure import Interval
from bayes_sf.spec.moments import Moments

__all__ = [
    "MOST_GROUPS", "SPREAD", "NullPrint", "Versions", "Zero", "draw_sizes", "draw_versions",
    "how_many",
]  # fmt: skip

#: What is taken for the gaps behind a variance that is printed as zero.
type Zero = Literal["drawn", "none", "largest"]

#: Versions that a posterior is averaged over: fewest, most, and groups in all of them. With few
#: groups versions differ most.
_DRAWS: Final = (40, 300, 3000)
#: Coefficient of variation of group sizes that are not printed: from equal to very unequal.
SPREAD: Final = (0.0, 1.5)
#: Groups from which on versions hardly differ, and how many are drawn then; most groups of all.
_MANY: Final = 2000
_FEW: Final = 8
MOST_GROUPS: Final = 50_000
#: Rounds of proposals until there are enough versions, and numbers in one.
_ROUNDS: Final = 40
_CELLS: Final = 400_000
#: Of the largest gaps that are called zero one in so many is an end.
_TOP: Final = 10
#: Values of lambda, beside zero, at which another maximum of the likelihood is looked for.
_LAMBDA: Final = np.concatenate([[0.0], np.geomspace(1e-4, 1e4, 27)])


@dataclass(frozen=True)
class NullPrint:
    """What is printed of a random-intercept model, as intervals of rounding.

    Parameters
    ----------
    n, groups : int
        Rows and groups.
    icc, tau2, sigma2 : (low, high), optional
        Enough of them to know the share; (0, 0) of a printed zero.
    sizes : tuple of float
        Rows of each group, where they are known.
    bounds : tuple of (int, int)
        Fewest and most rows of each group, where other tables say so much.
    smallest, largest : int, optional
        Sizes of the smallest and the largest group.
    se, reliability, criterion : (low, high), optional
        Of a null model's intercept; HLM's mean reliability; -2 ln likelihood, restricted or not.
    between, within : int
        Predictors that are constant within groups, and that vary there.
    centre : float
        The intercept.
    means : tuple of float
        Means of the groups, in the order of the sizes.
    """

    n: int
    groups: int
    icc: Interval | None = None
    tau2: Interval | None = None
    sigma2: Interval | None = None
    sizes: tuple[float, ...] = ()
    bounds: tuple[tuple[int, int], ...] = ()
    smallest: int | None = None
    largest: int | None = None
    se: Interval | None = None
    reliability: Interval | None = None
    criterion: Interval | None = None
    between: int = 0
    within: int = 0
    centre: float = 0.0
    means: tuple[float, ...] = ()

    @property
    def zero(self) -> bool:
        """Whether the variance between groups is printed as zero."""
        return (self.tau2 if self.tau2 is not None else self.icc) == (0.0, 0.0)

    @property
    def narrowed(self) -> tuple[str, ...]:
        """What is printed that sizes must agree with."""
        names = ("se", "reliability", "criterion")
        return tuple(name for name in names if getattr(self, name) is not None)


@dataclass(frozen=True, eq=False)
class Versions:
    """Data sets that print the same.

    Parameters
    ----------
    moments : tuple of Moments
    inside : bool
        Whether they print all that narrows their sizes; False where the nearest were taken.
    """

    moments: tuple[Moments, ...]
    inside: bool


def draw_versions(
    printed: NullPrint,
    *,
    seed: int,
    ml: bool = False,
    spread: tuple[float, float] = SPREAD,
    zero: Zero = "drawn",
    draws: int | None = None,
) -> Versions:
    """Draw versions of a study that print what is printed.

    Parameters
    ----------
    printed : NullPrint
    seed : int
    ml : bool
        Whether the components are by maximum likelihood.
    spread : (float, float)
        Coefficient of variation of sizes that are drawn.
    zero : {"drawn", "none", "largest"}
        Gaps behind a printed zero: drawn from the model without differences, none, or the largest
        that are still called zero.
    draws : int, optional
        How many; `how_many` by default.

    Raises
    ------
    DataError
        Where no data print this.
    """
    if printed.groups > MOST_GROUPS:
        raise DataError("groups", Message("must be at most {} groups", MOST_GROUPS),
                        got=printed.groups,
                        fix="of so many the printed ICC is as good as its posterior")  # fmt: skip
    rng = np.random.default_rng(seed)
    draws = draws or how_many(printed)
    batch = max(2 * draws, min(1500, _CELLS // printed.groups)) if printed.narrowed else draws
    kept: list[tuple[float, Floats, Floats, float]] = []
    inside = seen = 0
    for _ in range(_ROUNDS):
        found, possible = _propose(printed, rng, batch, spread, zero, ml=ml, most=draws)
        kept += found
        seen += possible
        inside += sum(miss <= 0 for miss, *_ in found)
        if inside >= draws or (printed.narrowed and seen >= 4 * batch and len(kept) >= draws):
            break
    if len(kept) < draws:
        raise DataError(
            "components", Message("must be possible with these rows and groups"),
            got=f"{printed.groups} "
            f"groups, {printed.n} rows, {_shown(printed)}", fix="check n, groups and sizes",
        )  # fmt: skip
    order = sorted(range(len(kept)), key=lambda k: max(kept[k][0], 0.0))
    if zero == "largest":  # of gaps that are called zero, those with most between groups
        order.sort(key=lambda k: -float((kept[k][1] * kept[k][2] ** 2).sum() / kept[k][3]))
        order = order[: max(1, draws // _TOP)]
    order = order[:draws]
    names = tuple(f"g{place:05d}" for place in range(len(kept[0][1])))
    rows = printed.n - printed.between - printed.within
    count = None if not (printed.between or printed.within) else rows
    moments = tuple(
        Moments("y", (), names, kept[k][1], (printed.centre + kept[k][2])[:, None],
                np.array([[kept[k][3]]]), "group", count)
        for k in order
    )  # fmt: skip
    return Versions(moments, inside >= draws)


def how_many(printed: NullPrint) -> int:
    """Versions that are drawn where nothing else is said.

    Parameters
    ----------
    printed : NullPrint
    """
    least, most, cells = _DRAWS
    if printed.groups > _MANY:
        return _FEW
    return min(most, max(least, cells // printed.groups))


def _shown(printed: NullPrint) -> str:
    """The components, for a message."""
    found = {"ICC": printed.icc, "variances": printed.tau2, "and": printed.sigma2}
    return " ".join(f"{name} {np.mean(v):.3g}" for name, v in found.items() if v is not None)


def _propose(
    printed: NullPrint, rng: np.random.Generator, batch: int, spread: tuple[float, float],
    zero: Zero, *, ml: bool, most: int,
) -> tuple[list[tuple[float, Floats, Floats, float]], int]:  # fmt: skip
    """Versions with how far they miss what narrows their sizes, and how many were possible.

    Of versions without a printed zero those that miss least are looked at first, and no more than
    there must be.
    """
    n = _sizes(printed, rng, batch, spread)
    tau2, sigma2 = _components(printed, rng, batch)
    alive = sigma2 > 0
    lam = np.where(alive, tau2 / np.where(alive, sigma2, 1.0), 0.0)
    weight = n / (1 + lam[:, None] * n)
    total = weight.sum(axis=1)
    miss = _miss(printed, n, lam, sigma2, total, ml=ml)
    j = printed.groups - printed.between
    n, weight = n[:, :j], weight[:, :j]
    kept_total = weight.sum(axis=1)
    squares = (weight**2).sum(axis=1)
    goal = sigma2 * (total if ml else kept_total - squares / kept_total)
    if printed.means:
        gaps = np.tile(np.asarray(printed.means), (batch, 1))
        gaps -= ((weight * gaps).sum(axis=1) / kept_total)[:, None]
    elif printed.zero:
        gaps, fits = _gaps_at_zero(rng, n, sigma2, goal, zero)
        alive &= fits
    else:
        gaps = rng.normal(size=n.shape) * np.sqrt(tau2[:, None] + sigma2[:, None] / n)
        gaps -= ((weight * gaps).sum(axis=1) / kept_total)[:, None]
        gaps *= np.sqrt(goal / (weight**2 * gaps**2).sum(axis=1))[:, None]
    rest = printed.n if ml else printed.n - 1 - printed.between - printed.within
    within = sigma2 * rest - (weight * gaps**2).sum(axis=1)
    alive &= within > 0
    chosen = np.flatnonzero(alive)
    chosen = chosen[np.argsort(np.maximum(miss[chosen], 0.0), kind="stable")]
    if not printed.means:
        step = max(1, len(chosen) if printed.zero else most)
        high = list[int]()
        for part in np.split(chosen, range(step, len(chosen), step)):
            if len(high) < most or printed.zero:
                own = _is_highest(n[part], gaps[part], within[part], lam[part], rest, ml=ml)
                high += part[own].tolist()
        chosen = np.array(high, dtype=int)
    found = [(float(miss[k]), n[k], gaps[k], float(within[k])) for k in chosen.tolist()]
    return found, int(alive.sum())


def _components(printed: NullPrint, rng: np.random.Generator, batch: int) -> tuple[Floats, Floats]:
    """Even draws from what rounding leaves of the components; sigma^2 = 0 where they do not fit.

    With the ICC alone sigma^2 + tau^2 = 1.
    """

    def even(ends: Interval) -> Floats:
        return _even(rng, ends, batch)

    if printed.tau2 is None:
        assert printed.icc is not None, "a share of variance is known"
        share = even(printed.icc)
        sigma2 = np.ones(batch) if printed.sigma2 is None else even(printed.sigma2)
        if printed.sigma2 is None:
            return share, 1 - share
        return share / (1 - share) * sigma2, sigma2
    tau2 = even(printed.tau2)
    if printed.sigma2 is None:
        assert printed.icc is not None, "a share of variance is known"
        share = even(printed.icc)
        return tau2, tau2 * (1 - share) / share
    sigma2 = even(printed.sigma2)
    if printed.icc is None or printed.zero:
        return tau2, sigma2
    if _loose(printed.icc) >= min(_loose(printed.tau2), _loose(printed.sigma2)):
        fits = _within(tau2 / (tau2 + sigma2), printed.icc)
    else:  # few draws of the components would meet so narrow an ICC: it gives one of them
        share = even(printed.icc)
        odds = share / (1 - share)
        if _loose(printed.sigma2) < _loose(printed.tau2):
            tau2 = odds * sigma2
            fits = _within(tau2, printed.tau2)
        else:
            sigma2 = tau2 / odds
            fits = _within(sigma2, printed.sigma2)
    return tau2, np.where(fits, sigma2, 0.0)


def _within(value: Floats, ends: Interval) -> NDArray[np.bool_]:
    return np.asarray((value >= ends[0]) & (value <= ends[1]))


def _loose(ends: Interval) -> float:
    """Width of an interval, relative to its middle."""
    return 2 * (ends[1] - ends[0]) / (ends[0] + ends[1])


def _even(rng: np.random.Generator, ends: Interval, batch: int) -> Floats:
    """One draw from each of equally wide parts of an interval, in random order."""
    step = (rng.permutation(batch) + rng.uniform(size=batch)) / batch
    return np.asarray(ends[0] + step * (ends[1] - ends[0]))


def _sizes(
    printed: NullPrint, rng: np.random.Generator, batch: int, spread: tuple[float, float]
) -> Floats:
    """Sizes as printed, or drawn, (batch, J)."""
    if printed.sizes:
        return np.tile(np.asarray(printed.sizes, dtype=float), (batch, 1))
    if printed.bounds:
        low, high = np.array(printed.bounds).T
        left = printed.n - int(low.sum())
        more = rng.multivariate_hypergeometric(high - low, left, size=batch)
        return np.asarray(low + more, dtype=float)
    cv = _even(rng, spread, batch)
    return draw_sizes(
        rng, printed.n, printed.groups, cv, low=printed.smallest or 1, high=printed.largest
    )


def draw_sizes(
    rng: np.random.Generator,
    n: int,
    groups: int,
    cv: Floats,
    *,
    low: int = 1,
    high: int | None = None,
) -> Floats:
    """Whole sizes of groups whose sum is n, with about these coefficients of variation.

    Parameters
    ----------
    rng : numpy.random.Generator
    n, groups : int
        Rows and groups.
    cv : (K,) array
        One for each draw.
    low, high : int
        Smallest and largest size.

    Returns
    -------
    (K, J) array
    """
    top = n if high is None else high
    shape = 1 / np.maximum(cv, 1e-3) ** 2
    share = rng.gamma(shape[:, None], size=(len(cv), groups)) + 1e-12
    share[cv < 1e-3] = 1.0
    room = n - low * groups
    for _ in range(30):  # what is above the largest size goes to the others
        wanted = share / share.sum(axis=1, keepdims=True) * room
        over = wanted > top - low
        if not over.any():
            break
        fixed = np.minimum(wanted, top - low)
        left = room - (fixed * over).sum(axis=1, keepdims=True)
        rest = np.where(over, 0.0, share)
        others = rest.sum(axis=1, keepdims=True)
        scaled = np.where(others > 0, rest / np.where(others > 0, others, 1) * left, 0.0)
        share = np.where(over, top - low, scaled) + 1e-12
    size = np.floor(wanted)
    short = (room - size.sum(axis=1)).round().astype(int)
    order = np.argsort(size - wanted, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(groups)[None, :], axis=1)
    return np.asarray(size + (rank < short[:, None]) + low)


def _miss(
    printed: NullPrint, n: Floats, lam: Floats, sigma2: Floats, total: Floats, *, ml: bool
) -> Floats:
    """How many widths of rounding a proposal is from what is printed of its sizes; <= 0 inside."""
    worst = np.full(len(lam), -1.0)
    values = {}
    if printed.se is not None:
        values["se"] = np.sqrt(sigma2 / total)
    if printed.reliability is not None:
        values["reliability"] = lam * total / printed.groups
    if printed.criterion is not None:
        rows = printed.n if ml else printed.n - 1
        own = rows * (1 + np.log(2 * np.pi * np.where(sigma2 > 0, sigma2, 1.0)))
        own += np.log1p(lam[:, None] * n).sum(axis=1)
        values["criterion"] = own if ml else own + np.log(total)
    for name, value in values.items():
        low, high = getattr(printed, name)
        worst = np.maximum(worst, np.maximum(low - value, value - high) / (high - low))
    return np.asarray(worst)


def _gaps_at_zero(
    rng: np.random.Generator, n: Floats, sigma2: Floats, goal: Floats, zero: Zero
) -> tuple[Floats, NDArray[np.bool_]]:
    """Gaps that are called zero, and which of them are.

    REML's slope at lambda = 0 is not negative where sum n^2 r^2 <= sigma^2 (N - sum n^2/N); that of
    the likelihood where it is <= sigma^2 N.
    """
    if zero == "none":
        return np.zeros(n.shape), np.ones(len(n), dtype=bool)
    gaps = rng.normal(size=n.shape) * np.sqrt(sigma2[:, None] / n)
    gaps -= ((n * gaps).sum(axis=1) / n.sum(axis=1))[:, None]
    reach = goal / (n**2 * gaps**2).sum(axis=1)
    if zero == "largest":
        return gaps * np.sqrt(reach)[:, None], np.ones(len(n), dtype=bool)
    return gaps, reach >= 1


def _is_highest(
    n: Floats, gaps: Floats, within: Floats, lam: Floats, rows: float, *, ml: bool
) -> NDArray[np.bool_]:
    """Whether the likelihood has no higher maximum than the one that is printed."""

    def criterion(at: Floats) -> Floats:  # (K, L)
        found = np.empty(at.shape)
        for place in range(at.shape[1]):  # one lambda at a time: memory stays small
            spread = 1 + at[:, place, None] * n
            weight = n / spread
            total = weight.sum(axis=1)
            middle = (weight * gaps).sum(axis=1) / total
            left = within + (weight * gaps**2).sum(axis=1) - total * middle**2
            own = rows * np.log(np.maximum(left, 1e-300)) + np.log(spread).sum(axis=1)
            found[:, place] = own if ml else own + np.log(total)
        return found

    mean = n.sum(axis=1).mean() / n.shape[1]
    here = criterion(lam[:, None])
    return np.asarray(
        (criterion(np.tile(_LAMBDA / mean, (len(lam), 1))) >= here - 1e-6).all(axis=1)
    )
