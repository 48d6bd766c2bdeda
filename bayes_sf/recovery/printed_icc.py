"""The posterior behind a printed ICC: from the ICC, the rows and the groups alone.

Versions of the study that print the ICC (`recovery.reread.versions`), and the average of their
posteriors, over what rounding leaves of the ICC, and over sizes where they are not printed. An
ICC is free of scale, and so are the default priors.

Examples
--------
>>> found = icc_posterior(icc="0.299", n=582, groups=6, estimator="REML")
>>> [round(value, 2) for value in (found.lower, found.median, found.upper, found.prior_median)]
[0.14, 0.35, 0.72, 0.5]
"""

from collections.abc import Sequence
from numbers import Integral

from bayes_sf.engines.options import check_numbers
from bayes_sf.errors import UsageError
from bayes_sf.inputs.printed.figure import Interval
from bayes_sf.inputs.printed.header import ESTIMATORS, Estimator
from bayes_sf.inputs.published import rounding_interval
from bayes_sf.recovery.reread.null import IccPosterior, PrintedNull, read_null
from bayes_sf.recovery.reread.versions import MOST_GROUPS, NullPrint
from bayes_sf.spec.priors import Priors

__all__ = ["ESTIMATORS", "IccPosterior", "PrintedNull", "icc_posterior"]


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
        For figures that cannot be, or that can be read in two ways; for priors in a unit.
    DataError
        When no data can print these figures.

    Examples
    --------
    >>> found = icc_posterior(icc="0.21", n=1840, groups=44)
    >>> round(found.median, 2), found.level, sorted(found.ends)
    (0.22, 0.95, ['ML', 'REML', 'sizes equal', 'sizes very unequal'])
    """
    check_numbers(prob=level, seed=seed)
    share = _read(icc)
    known = _sizes(sizes, n, groups)
    if balanced and known:
        raise UsageError("balanced", "goes without sizes", got=list(known)[:6])
    if estimator not in ESTIMATORS:
        rule = f"must be one of {', '.join(ESTIMATORS)}"
        raise UsageError("estimator", rule, got=estimator)
    equal = (n / groups,) * groups if balanced and groups <= MOST_GROUPS else ()
    zero = (0.0, 0.0) if share[0] <= 0 else share
    printed = NullPrint(n, groups, icc=zero, sizes=known or equal)
    return read_null(
        printed, text=icc, estimator=estimator, priors=priors, level=level, seed=seed,
        printed_zero=share[1] if share[0] <= 0 else None,
    )  # fmt: skip


def _read(icc: str) -> Interval:
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


def _sizes(sizes: Sequence[int] | None, n: int, groups: int) -> tuple[float, ...]:
    """Sizes that are printed, and whether they go with n and groups."""
    for name, value, least in (("groups", groups, 2), ("n", n, 3)):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
            raise UsageError(name, f"must be a whole number of at least {least}", got=value)
    if n <= groups:
        raise UsageError("n", "must be more than groups: it counts rows", got=f"{n} and {groups}")
    if sizes is None:
        return ()
    whole = [
        isinstance(size, Integral) and not isinstance(size, bool) and size > 0 for size in sizes
    ]
    if not all(whole) or len(sizes) != groups or sum(sizes) != n:
        raise UsageError(
            "sizes", f"must be {groups} whole numbers above zero whose sum is {n}",
            got=f"{len(sizes)} with sum {sum(sizes)}" if all(whole) else list(sizes)[:6],
        )  # fmt: skip
    return tuple(float(size) for size in sizes)
