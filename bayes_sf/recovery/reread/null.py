"""The posterior of a random-intercept model from what is printed of it, and its ends.

Examples
--------
>>> printed = NullPrint(240, 8, icc=(0.3, 0.3), sizes=(30.0,) * 8)
>>> found = read_null(printed, text="0.3", estimator="REML")
>>> found.ends, found.assumed
({}, ())
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache, reduce
from typing import Final

import numpy as np

from bayes_sf.catalogue import Message, Printed
from bayes_sf.engines.fit import fit
from bayes_sf.engines.gaussian.alike import free_of_scale, icc_of_versions
from bayes_sf.engines.gaussian.exact import fit_exact
from bayes_sf.engines.gaussian.posterior import Posterior
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError
from bayes_sf.inputs.printed.header import Estimator
from bayes_sf.recovery.reread.versions import (
    SPREAD,
    NullPrint,
    Versions,
    Zero,
    draw_versions,
    how_many,
)
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.prior import Prior
from bayes_sf.spec.priors import Priors, icc_prior_quantiles
from bayes_sf.spec.study import Study

__all__ = ["IccPosterior", "PrintedNull", "read_null", "summarise"]

#: Versions of groups that are equally large: they differ by rounding alone.
_DRAWS_OF_EQUAL = 20
#: What narrows sizes, by `NullPrint.narrowed`.
_NARROWS: Final = {
    "se": Message("the intercept's standard error"), "reliability": Message("reliability"),
    "criterion": Message("the likelihood"),
}  # fmt: skip

_UNKNOWN = (float("nan"), float("nan"))


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
        The ICC as printed, "" where only components are.
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
    log_odds, fisher_z : (mean, variance)
        Of ln(rho/(1 - rho)), and of 0.5 ln((1 + (m - 1) rho)/(1 - rho)) for groups of the mean
        size m; NaN for priors in a unit.
    versions : tuple of Moments
        Data that print it; of an ICC alone they have no unit.
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
    log_odds: tuple[float, float] = _UNKNOWN
    fisher_z: tuple[float, float] = _UNKNOWN
    versions: tuple[Moments, ...] = field(default=(), repr=False, compare=False)

    @property
    def range(self) -> tuple[float, float]:
        """Lowest lower and highest upper limit of all ends."""
        both = (self, *self.ends.values())
        return min(one.lower for one in both), max(one.upper for one in both)

    def design_effect(self, size: float) -> tuple[float, float, float]:
        """Lower limit, median and upper limit of 1 + (m - 1) ICC, for clusters of m.

        Parameters
        ----------
        size : float
            Members of a cluster, at least 1.

        Examples
        --------
        >>> found = read_null(NullPrint(240, 8, icc=(0.05, 0.05), sizes=(30.0,) * 8), text="0.05")
        >>> [round(value, 1) for value in found.design_effect(20)]
        [1.0, 2.1, 6.1]
        """
        if not size >= 1:
            raise UsageError("size", "must be at least 1: members of a cluster", got=size)
        low, middle, high = (
            1 + (size - 1) * value for value in (self.lower, self.median, self.upper)
        )
        return low, middle, high


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

    def fit(self, spec: ModelSpec, *, level: float = 0.95) -> Result:
        """Posterior of everything that the model has: coefficients, spreads, groups.

        Parameters
        ----------
        spec : ModelSpec
        level : float
            Probability of the intervals.
        """
        return fit(spec, self, prob=level)


def read_null(
    printed: NullPrint,
    *,
    text: str,
    estimator: Estimator = "unknown",
    priors: Priors | None = None,
    level: float = 0.95,
    seed: int = 1,
    printed_zero: float | None = None,
    keep: Callable[[Versions], None] | None = None,
) -> IccPosterior:
    """Posterior of the ICC of a random-intercept model, and its ends.

    Parameters
    ----------
    printed : NullPrint
    text : str
        The ICC as printed.
    estimator : {"REML", "ML", "unknown"}
    priors : Priors, optional
    level : float
    seed : int
    printed_zero : float, optional
        Of a printed zero: the largest ICC that is printed so.
    keep : callable, optional
        Gets the versions of the main posterior.

    Raises
    ------
    UsageError
        For priors in the outcome's unit where only the ICC is printed: it has none.
    DataError
        Where no data print this.
    """
    used = priors or Priors()
    used.check_names(())
    if printed.tau2 is None and printed.sigma2 is None and not free_of_scale(used):
        raise UsageError(
            "priors",
            Message("must be in units of sd(y) where only an ICC is printed: it has no unit"),
            fix="leave autoscale as it is, and the intercept without location",
        )  # fmt: skip
    own: Estimator = "REML" if estimator == "unknown" else estimator

    def posterior(
        what: NullPrint = printed, estimator: Estimator = own, *, main: bool = False,
        spread: tuple[float, float] = SPREAD, zero: Zero = "drawn",
    ) -> IccPosterior:  # fmt: skip
        equal = bool(what.sizes) and len(set(what.sizes)) == 1 and not what.zero
        most = how_many(what)
        draws = min(most, _DRAWS_OF_EQUAL) if equal else most if main else most // 4
        found = draw_versions(
            what, seed=seed, ml=estimator == "ML", spread=spread, zero=zero, draws=draws
        )
        if main and keep:
            keep(found)
        if main and not found.inside:
            assumed.append(Message(
                "sizes of groups: those nearest to what narrows them; none was found that prints it"
            ))  # fmt: skip
        return summarise(found.moments, used, printed, level=level, text=text)

    assumed: list[str] = []
    ends = dict[str, IccPosterior]()
    main = posterior(main=True)
    if not printed.sizes:
        if printed.narrowed:
            assumed.append(Message(
                "sizes of groups: drawn to agree with {}; printed sizes would narrow it",
                reduce(
                    lambda one, other: Message("{} and {}", one, other),
                    (_NARROWS[name] for name in printed.narrowed),
                ),
            ))  # fmt: skip
        elif printed.bounds:
            assumed.append(Message(
                "sizes of groups: drawn between the fewest and most rows of each"
            ))  # fmt: skip
        else:
            assumed.append(Message(
                "sizes of groups: drawn, from equal to very unequal; printed sizes would narrow it"
            ))  # fmt: skip
            ends["sizes equal"] = posterior(
                replace(printed, sizes=(printed.n / printed.groups,) * printed.groups)
            )
            ends["sizes very unequal"] = posterior(spread=(SPREAD[1], SPREAD[1]))
    if estimator == "unknown":
        assumed.append(Message("REML, since the report does not say; both are shown"))
        ends["REML"], ends["ML"] = main, posterior(estimator="ML")
    if printed.zero and printed_zero is not None:
        assumed.append(Message(
            "a variance printed as zero is only bounded: what is called zero is drawn; an ICC of "
            "up to {} is printed alike", Printed(f"{printed_zero:g}"),
        ))  # fmt: skip
        ends["no difference"] = posterior(zero="none")
        most = SPREAD if printed.sizes else (SPREAD[1], SPREAD[1])
        ends["largest that is called zero"] = posterior(zero="largest", spread=most)
        top = replace(printed, icc=(printed_zero, printed_zero), tau2=None)
        ends["largest that is printed so"] = posterior(top)
    return replace(main, assumed=tuple(assumed), ends=ends)


def summarise(
    versions: tuple[Moments, ...], priors: Priors, printed: NullPrint, *, level: float, text: str
) -> IccPosterior:
    """The ICC's posterior, averaged over versions.

    Parameters
    ----------
    versions : tuple of Moments
    priors : Priors
    printed : NullPrint
        Of which rows and groups are said.
    level : float
    text : str
        The ICC as printed.
    """
    probs = [0.5 - 0.5 * level, 0.5, 0.5 + 0.5 * level]
    odds = fisher = _UNKNOWN
    if free_of_scale(priors):
        m = printed.n / printed.groups
        found = icc_of_versions(versions, priors)
        lower, median, upper = found.quantile(probs)
        odds = found.moments(np.log)
        fisher = found.moments(lambda odds: 0.5 * np.log1p(m * odds))
        mean, resid, group = found.mean, priors.sd_resid.resolve(1.0), priors.sd_group.resolve(1.0)
    else:
        whole = Posterior(tuple(fit_exact(one, priors, nodes=(32, 48)) for one in versions))
        lower, median, upper = whole.quantile("icc", probs)
        mean, first = whole.mean("icc"), whole.parts[0].priors
        resid, group = first.sd_resid, first.sd_group
    prior = _prior_icc(resid, group, level)
    said = f"sd_resid {priors.sd_resid}; sd_group {priors.sd_group}"
    return IccPosterior(
        float(lower), float(median), float(upper), mean, prior[1], prior[0], prior[2], level, text,
        printed.n, printed.groups, said, log_odds=odds, fisher_z=fisher, versions=versions,
    )  # fmt: skip


@lru_cache(maxsize=64)
def _prior_icc(sd_resid: Prior, sd_group: Prior, level: float) -> tuple[float, float, float]:
    """Lower limit, median and upper limit of the ICC under the prior alone."""
    probs = np.array([0.5 - 0.5 * level, 0.5, 0.5 + 0.5 * level])
    low, middle, high = icc_prior_quantiles(sd_resid, sd_group, probs)
    return float(low), float(middle), float(high)
