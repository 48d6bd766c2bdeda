"""One printed model, re-read at the highest level that its print allows.

| level | printed | what follows |
|---|---|---|
| i | estimate and standard error | coefficients alone |
| ii | variance components, rows, groups | the model, group sizes drawn unless printed |
| ii+ | also sizes, the null intercept's se, reliability, criterion | the same, sizes narrowed |
| iii | ICC, rows, groups | the ICC alone: it has no unit |
| iii0 | the ICC or the variance as zero | a range |
| iv | size, mean and sd of every group | the model exactly |

Random slopes, crossed or nested factors, outcomes that are not Gaussian, weights and robust
standard errors leave level i: the ICC is refused, with the reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import numpy as np

from bayes_sf.catalogue import Message, Printed
from bayes_sf.engines.gaussian.alike import free_of_scale
from bayes_sf.engines.gaussian.ols_reml import fit_reml
from bayes_sf.engines.result import Result
from bayes_sf.errors import BayesSFError, UsageError
from bayes_sf.inputs.printed.figure import Figure, Interval
from bayes_sf.inputs.printed.folder import PrintedRow, PublishedReport, ReportedModel
from bayes_sf.recovery.reread.coefficients import CoefficientPosterior, read_coefficients, region_of
from bayes_sf.recovery.reread.null import IccPosterior, PrintedNull, read_null, summarise
from bayes_sf.recovery.reread.versions import MOST_GROUPS, NullPrint, Versions
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.priors import Priors

__all__ = ["RereadModel", "components_of", "reread_model", "why_no_icc"]

#: Smallest share of variance that is not called zero.
_LEAST: Final = 1e-6
_RANDOM: Final[Mapping[str, str]] = {
    "slopes": Message("slopes differ between groups: there is no one ICC"),
    "crossed": Message(
        "grouping factors are crossed: the components of one of them are not enough"
    ),
    "nested": Message("groups are nested in groups: the components of one of them are not enough"),
}


@dataclass(frozen=True, eq=False)
class RereadModel:
    """What is behind one printed model.

    Parameters
    ----------
    printed : ReportedModel
    level : str
        ``i``, ``ii``, ``ii+``, ``iii``, ``iii0``, ``iv``, or "" where nothing could be read.
    icc : IccPosterior or None
    refused : str
        Why there is no ICC.
    read : tuple of str
        What was read, and what the recovered model returns.
    coefficients : tuple of CoefficientPosterior
    left : tuple of str
        What was not read, and what it needs.
    study : PrintedNull or None
        Versions of the model, where its scale is known.
    spec : ModelSpec or None
        The model that `result` fits to them.
    prob : float
        Probability of the intervals.
    """

    printed: ReportedModel
    level: str
    icc: IccPosterior | None
    refused: str
    read: tuple[str, ...]
    coefficients: tuple[CoefficientPosterior, ...]
    left: tuple[str, ...]
    study: PrintedNull | None = field(default=None, repr=False)
    spec: ModelSpec | None = field(default=None, repr=False)
    prob: float = 0.95

    @property
    def name(self) -> str:
        """The model's name."""
        return self.printed.name

    @property
    def assumed(self) -> tuple[str, ...]:
        """What the ICC rests on beside the print."""
        return self.icc.assumed if self.icc else ()

    @cached_property
    def result(self) -> Result:
        """The whole posterior, as of any fitted model: priors, spreads, groups, Bayes factors.

        Raises
        ------
        UsageError
            Where the print does not allow one.
        """
        if self.study is None or self.spec is None:
            raise UsageError(
                f"model {self.name!r}", "must be printed with its components, rows and groups to "
                "have a whole posterior", got=f"level {self.level or 'none'}",
                fix=self.refused or "see what is printed of it",
            )  # fmt: skip
        return self.study.fit(self.spec, level=self.prob)

    @property
    def unit(self) -> str:
        """Unit of the outcome."""
        return self.printed.header.unit

    def spreads(self) -> dict[str, tuple[float, float]]:
        """Posterior mean and sd of both standard deviations, for `Priors.from_study`."""
        whole = self.result.fitted
        return {name: (whole.mean(name), whole.sd(name)) for name in ("sd_group", "sd_resid")}

    def slope(self, term: str) -> tuple[float, float]:
        """Posterior mean and sd of a coefficient, for `Priors.from_study`.

        Parameters
        ----------
        term : str
        """
        one = self.coefficient(term)
        return one.mean, one.sd

    def coefficient(self, term: str) -> CoefficientPosterior:
        """Posterior of one coefficient.

        Parameters
        ----------
        term : str

        Raises
        ------
        UsageError
            If it was not read.
        """
        for one in self.coefficients:
            if one.term == term:
                return one
        known = ", ".join(one.term for one in self.coefficients) or "none"
        raise UsageError(
            f"model {self.name!r}", f"has no coefficient of it (read: {known})", got=term
        )


def why_no_icc(model: ReportedModel) -> str:
    """Why a model has no ICC that its components say; "" where it has one.

    Parameters
    ----------
    model : ReportedModel
    """
    header = model.header
    between = [row for row in model.components if not row.residual]
    slopes = any(row.text("term") and not row.intercept for row in between)
    reasons = (
        (header.random in _RANDOM, _RANDOM.get(header.random, "")),
        (header.family != "gaussian",
         Message("the outcome is {}: its residual variance is not printed", header.family)),
        (header.weights, Message("rows are weighted: the residual variance is not one number")),
        (header.robust,
         Message("standard errors are robust: the model behind the components is in doubt")),
        (len({row.text("group") for row in between}) > 1, _RANDOM["crossed"]),
        (slopes or any("corr" in row.figures for row in between), _RANDOM["slopes"]),
    )  # fmt: skip
    return next((reason for holds, reason in reasons if holds), "")


def components_of(model: ReportedModel) -> tuple[Interval | None, Interval | None]:
    """Intervals of tau^2 and sigma^2 that printed variances and sds allow.

    Parameters
    ----------
    model : ReportedModel
        Of which `why_no_icc` says nothing.
    """
    between = [row for row in model.components if not row.residual]
    within = [row for row in model.components if row.residual]
    return _variance(between), _variance(within)


def _variance(rows: list[PrintedRow]) -> Interval | None:
    """What variance and sd allow together, or the finer of the two where they contradict."""
    found: list[Interval] = []
    for row in rows:
        variance, sd = row.figure("variance"), row.figure("sd")
        if variance:
            found.append((max(variance.interval[0], 0.0), variance.interval[1]))
        if sd:
            low, high = sd.interval
            found.append((max(low, 0.0) ** 2, high**2))
        if any(figure is not None and figure.value == 0 for figure in (variance, sd)):
            exact = [f.value for f in (variance, sd) if f is not None and f.value > 0]
            if not exact:
                return (0.0, 0.0)
    if not found:
        return None
    low, high = max(one[0] for one in found), min(one[1] for one in found)
    return (low, high) if low < high else min(found, key=lambda one: one[1] - one[0])


def reread_model(
    report: PublishedReport, model: ReportedModel, *, priors: Priors, level: float, seed: int
) -> RereadModel:
    """Re-read one model.

    Parameters
    ----------
    report : PublishedReport
    model : ReportedModel
        One of its models.
    priors : Priors
    level : float
        Probability of the intervals.
    seed : int
    """
    slope = priors.slope
    width = slope.scale if slope.family == "normal" and slope.autoscale else None
    coefficients, left = read_coefficients(report, model, level=level, width=width)
    plain = RereadModel(
        model, "i" if coefficients else "", None, "", (), coefficients, left, prob=level
    )
    refused = why_no_icc(model)
    if refused:
        return replace(plain, refused=refused)
    try:
        found = _icc_of(model, priors, level, seed)
    except BayesSFError as error:
        why = error.rule if isinstance(error.rule, Message) else error  # said, if it can be
        return replace(plain, refused=Message("no data print these figures: {}", why))
    if isinstance(found, str):
        return replace(plain, refused=found)
    at, icc, study, read = found
    spec = ModelSpec(
        "y", group="group", unit=model.header.unit, name=model.name or "null", priors=priors
    )
    return replace(plain, level=at, icc=icc, read=read, study=study, spec=spec)


type _Found = tuple[str, IccPosterior, PrintedNull | None, tuple[str, ...]]


def _icc_of(model: ReportedModel, priors: Priors, level: float, seed: int) -> _Found | str:
    """Level, ICC, versions and account; or what is needed."""
    tau2, sigma2 = components_of(model)
    icc = model.icc
    whole = _of_groups(model)
    if whole is not None:
        return _exactly(model, whole, priors, level)
    if lacking := _lacking(model, tau2, sigma2):
        return lacking
    zero = tau2 == (0.0, 0.0) or (tau2 is None and icc is not None and icc.value == 0)
    if zero and sigma2 is None and tau2 is not None:
        sigma2 = (1.0, 1.0)
    printed, read = _print_of(model, tau2, sigma2, icc, zero=zero)
    kept: list[Versions] = []
    text = icc.text if icc else ""
    found = read_null(
        printed, text=text, estimator=model.header.estimator, priors=priors, level=level,
        seed=seed, printed_zero=_most_of_zero(model, icc, sigma2) if zero else None,
        keep=kept.append,
    )  # fmt: skip
    if model.predictors:
        found = replace(found, assumed=(*found.assumed, _of_predictors(model)))
    elif not model.coefficients:
        found = replace(found, assumed=(*found.assumed, Message(
            "no predictors: none is printed or named in study.toml"
        )))  # fmt: skip
    name = "iii0" if zero else "iii" if tau2 is None or sigma2 is None else "ii"
    if name == "ii" and (printed.narrowed or printed.sizes or printed.largest or printed.bounds):
        name = "ii+"
    own = "REML" if model.header.estimator == "unknown" else model.header.estimator
    read = (*read, Message("{} of the recovered model returns the print", own))
    has_scale = printed.tau2 is not None or printed.sigma2 is not None
    study = PrintedNull(kept[0].moments, seed) if has_scale or free_of_scale(priors) else None
    return name, found, study if has_scale else None, read


def _lacking(model: ReportedModel, tau2: Interval | None, sigma2: Interval | None) -> str:
    """What is not printed without which there is no ICC; "" where all is there."""
    icc = model.icc
    needs = (
        (model.n is None and model.n_groups is None,
         Message("the ICC needs the number of rows and of groups")),
        (model.n is None, Message("the ICC needs the number of rows")),
        (model.n_groups is None, Message("the ICC needs the number of groups")),
        (tau2 is None and icc is None,
         Message("the ICC needs an ICC, or the variances between and within groups")),
        (sigma2 is None and icc is None,
         Message("the ICC needs the residual variance beside that between groups")),
        (icc is not None and icc.value == 1,
         Message("an ICC of 1 leaves no variance within groups")),
    )  # fmt: skip
    return next((what for absent, what in needs if absent), "")


def _of_predictors(model: ReportedModel) -> Message:
    """What is assumed of a model with predictors."""
    levels = [model.header.terms.get(name, "unknown") for name in model.predictors]
    if "unknown" in levels:
        return Message(
            "predictors: {} taken as varying within groups; the ICC is what they leave, and sd(y) "
            "that of the residuals", levels.count("unknown"),
        )  # fmt: skip
    return Message("predictors: the ICC is what they leave, and sd(y) that of the residuals")


def _print_of(
    model: ReportedModel, tau2: Interval | None, sigma2: Interval | None, icc: Figure | None,
    *, zero: bool,
) -> tuple[NullPrint, tuple[str, ...]]:  # fmt: skip
    """What is printed of the model, and what of it was read."""
    assert model.n is not None and model.n_groups is not None, "rows and groups"  # noqa: PT018
    n, groups = model.n, model.n_groups
    levels = [model.header.terms.get(name, "unknown") for name in model.predictors]
    between = levels.count("between")
    share = None
    if icc is not None:
        low, high = icc.interval
        share = (0.0, 0.0) if zero else (max(low, _LEAST), min(high, 1 - _LEAST))
    both = tau2 is not None and sigma2 is not None
    if both and share is not None and not zero:
        assert tau2 is not None and sigma2 is not None, "components"  # noqa: PT018
        implied = tau2[0] / (tau2[0] + sigma2[1]), tau2[1] / max(tau2[1] + sigma2[0], 1e-300)
        if implied[0] > share[1] or share[0] > implied[1]:
            share = None  # they contradict: a finding; the components are read
    read = [Message("n = {}, {} groups", n, groups)]
    if both or zero:
        read.append(Message("variance components"))
    if share is not None and not both:
        read.append(Message("the ICC {}", Printed(icc.text if icc else "")))
    printed = NullPrint(n, groups, share, tau2, sigma2, between=between,
                        within=len(levels) - between)  # fmt: skip
    if zero:
        printed = replace(printed, icc=(0.0, 0.0) if tau2 is None else None)
    printed = _with_sizes(model, printed, read)
    if not model.predictors and not printed.sizes and both and not zero:
        printed = _narrowed(model, printed, read)
    centre = next((r.figure("estimate") for r in model.coefficients if r.intercept), None)
    return replace(printed, centre=centre.value if centre else 0.0), tuple(read)


def _with_sizes(model: ReportedModel, printed: NullPrint, read: list[Message]) -> NullPrint:
    """Sizes of groups, as far as they are printed."""
    by_group = tuple(row.figures["n"].value for row in model.groups)
    sizes = tuple(float(size) for size in model.header.sizes) or by_group
    if sizes:
        read.append(Message("sizes of groups"))
        means = tuple(r.figures["mean"].value for r in model.groups if "mean" in r.figures)
        if len(means) == len(sizes) and printed.tau2 is not None and not printed.zero:
            read.append(Message("means of groups"))
            return replace(printed, sizes=sizes, means=means)
        return replace(printed, sizes=sizes)
    if model.header.size_bounds:
        read.append(Message("fewest and most rows of each group"))
        return replace(printed, bounds=model.header.size_bounds)
    smallest, largest = model.printed("min_size"), model.printed("max_size")
    n, groups = printed.n, printed.groups
    low = int(smallest.value) if smallest else None
    high = int(largest.value) if largest else None
    possible = (low or 1) * groups <= n <= (high or n) * groups
    if model.header.balanced or (possible and low is not None and low == high):
        read.append(Message("groups of equal size"))
        equal = (n / groups,) * groups if groups <= MOST_GROUPS else ()  # more are refused
        return replace(printed, sizes=equal)
    if (smallest or largest) and possible:
        read.append(Message("smallest and largest group"))
        return replace(printed, smallest=low, largest=high)
    return printed


def _narrowed(model: ReportedModel, printed: NullPrint, read: list[Message]) -> NullPrint:
    """What else is printed of a null model that only some sizes agree with."""
    assert printed.tau2 and printed.sigma2, "components"  # noqa: PT018
    row = next((row for row in model.coefficients if row.intercept), None)
    if row is not None:
        region, why = region_of(model, row, (1.0, np.inf)) if row.figure("se") else (None, "")
        floor = np.sqrt(printed.tau2[0] / printed.groups + printed.sigma2[0] / printed.n)
        if region is not None and not why and region.se[1] >= floor * (1 - 1e-9):
            read.append(Message("the intercept's standard error"))
            printed = replace(printed, se=region.se)
    reliability = model.printed("reliability")
    if reliability:
        read.append(Message("reliability"))
        printed = replace(printed, reliability=reliability.interval)
    criterion = _criterion(model)
    if criterion:
        read.append(Message("the likelihood"))
        printed = replace(printed, criterion=criterion)
    return printed


def _criterion(model: ReportedModel) -> Interval | None:
    """-2 ln likelihood of the estimator that is declared."""
    if model.header.estimator == "REML" and (figure := model.printed("criterion")):
        return figure.interval
    if model.header.estimator == "unknown":
        return None
    if figure := model.printed("loglik"):
        low, high = figure.interval
        return -2 * high, -2 * low
    figure = model.printed("deviance") if model.header.estimator == "ML" else None
    return figure.interval if figure else None


def _most_of_zero(model: ReportedModel, icc: Figure | None, sigma2: Interval | None) -> float:
    """Largest ICC that is printed as this zero."""
    tops = [icc.interval[1]] if icc is not None and icc.value == 0 else []
    for row in model.components:
        figure = row.figure("variance") or row.figure("sd")
        if row.residual or figure is None or sigma2 is None:
            continue
        top = figure.interval[1] if row.figure("variance") else figure.interval[1] ** 2
        tops.append(top / (top + sigma2[0]))
    return min(tops, default=0.0) or _LEAST


def _of_groups(model: ReportedModel) -> Moments | None:
    """Moments of a null model of which every group has size, mean and sd."""
    if not model.groups or model.predictors:
        return None
    for row in model.groups:
        alone = row.figures["n"].value == 1
        if "mean" not in row.figures or ("sd" not in row.figures and not alone):
            return None
    sizes = np.array([row.figures["n"].value for row in model.groups])
    means = np.array([row.figures["mean"].value for row in model.groups])
    sds = np.array([row.figures["sd"].value if "sd" in row.figures else 0 for row in model.groups])
    within = np.array([[float(((sizes - 1) * sds**2).sum())]])
    names = tuple(row.text("group") for row in model.groups)
    return Moments("y", (), names, sizes, means[:, None], within, "group")


def _exactly(model: ReportedModel, moments: Moments, priors: Priors, level: float) -> _Found:
    """Level iv: everything follows; what is printed beside is compared."""
    n, groups = moments.n_obs, moments.n_groups
    printed = NullPrint(n, groups)
    text = model.icc.text if model.icc else ""
    found = summarise((moments,), priors, printed, level=level, text=text)
    read = [Message("n = {}, {} groups", n, groups), Message("size, mean and sd of every group")]
    if model.header.estimator != "ML":
        fitted = fit_reml(moments)
        read.append(Message(
            "REML of the recovered model: sd {} between groups, {} within",
            Printed(f"{fitted.sd_group:.4g}"), Printed(f"{fitted.sd_resid:.4g}"),
        ))  # fmt: skip
        for name, own, said in zip(
            (Message("between"), Message("within")), (fitted.sd_group, fitted.sd_resid),
            components_of(model), strict=True,
        ):  # fmt: skip
            if said is not None and not said[0] * 0.999 <= own**2 <= said[1] * 1.001:
                read.append(Message(
                    "it does not return the printed variance {} groups: means and sds are rounded, "
                    "or of other rows", name,
                ))  # fmt: skip
    return "iv", found, PrintedNull((moments,)), tuple(read)
