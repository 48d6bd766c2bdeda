"""Rules on variance components, ICC, R2, and what fits them."""

import math
from collections.abc import Iterator

from bayes_sf.analysis.printed.comparison import (
    At,
    Comparison,
    Needs,
    as_figure,
    meet,
    shown,
    square,
    texts,
)
from bayes_sf.catalogue import Listed, Message
from bayes_sf.inputs.printed.figure import Figure, Interval
from bayes_sf.inputs.printed.folder import PrintedRow, PublishedReport, ReportedModel
from bayes_sf.recovery.reread.model import why_no_icc

__all__ = [
    "icc_is_of_its_components", "information_criteria_agree", "null_r2_is_the_icc",
    "null_se_is_possible", "reliability_is_of_the_se", "variance_is_squared_sd",
]  # fmt: skip


def variance_is_squared_sd(report: PublishedReport, at: At) -> Iterator[Comparison | Needs]:
    """1: variance = sd^2."""
    for model in report.models.values():
        for row in model.components:
            variance, sd = row.figure("variance"), row.figure("sd")
            if variance is None or sd is None:
                continue
            implied = square(at(sd))
            yield Comparison(
                row.place, texts((("sd", sd), ("variance", variance))),
                Message("sd^2 is {}", shown(implied)),
                Message("the variance is not the square of the sd"),
                meet(implied, at(variance)),
            )  # fmt: skip


def variances(model: ReportedModel, at: At) -> tuple[Interval, Interval, str] | None:
    """tau^2, sigma^2 and their text, where a model has one of each.

    Parameters
    ----------
    model : ReportedModel
    at : callable
    """
    if why_no_icc(model):
        return None
    between = [row for row in model.components if not row.residual]
    within = [row for row in model.components if row.residual]
    if len(between) != 1 or len(within) != 1:
        return None
    found = [_variance(row, at) for row in (*between, *within)]
    if None in found:
        return None
    (tau2, tau_text), (sigma2, sigma_text) = (one for one in found if one is not None)
    return tau2, sigma2, Message("{} between, {} within", tau_text, sigma_text)


def _variance(row: PrintedRow, at: At) -> tuple[Interval, str] | None:
    variance, sd = row.figure("variance"), row.figure("sd")
    if variance is not None:
        low, high = at(variance)
        return (max(low, 0.0), high), as_figure("variance", variance)
    if sd is not None:
        return square(at(sd)), as_figure("sd", sd)
    return None


def share(tau2: Interval, sigma2: Interval) -> Interval:
    """ICC that two components allow.

    Parameters
    ----------
    tau2, sigma2 : (low, high)
    """
    low = tau2[0] / (tau2[0] + sigma2[1]) if tau2[0] > 0 else 0.0
    return low, tau2[1] / (tau2[1] + max(sigma2[0], 0.0)) if tau2[1] > 0 else 0.0


def _iccs(model: ReportedModel) -> list[Figure]:
    own = [model.header.icc] if model.header.icc else []
    return [*own, *(row.figures["icc"] for row in model.fit if "icc" in row.figures)]


def icc_is_of_its_components(report: PublishedReport, at: At) -> Iterator[Comparison | Needs]:
    """2: ICC = tau^2/(tau^2 + sigma^2)."""
    for model in report.models.values():
        both, printed = variances(model, at), _iccs(model)
        if not printed or both is None:
            if printed and not why_no_icc(model):
                yield Needs(model.name, Message("the variances between and within groups"))
            continue
        tau2, sigma2, text = both
        implied = share(tau2, sigma2)
        for icc in printed:
            yield Comparison(
                Listed((model.name, icc.place)), Listed((text, as_figure("ICC", icc))),
                Message("components give {}", shown(implied)),
                Message("the ICC is not that of its components"),
                meet(implied, at(icc)),
            )  # fmt: skip


def information_criteria_agree(report: PublishedReport, at: At) -> Iterator[Comparison | Needs]:
    """3: AIC and BIC with one whole number of parameters, deviance = -2 log-likelihood."""
    for model in report.models.values():
        for row in model.fit:
            aic, bic, loglik, deviance = (
                row.figure(name) for name in ("aic", "bic", "loglik", "deviance")
            )
            if loglik and deviance and model.header.estimator == "ML":
                low, high = at(loglik)
                yield Comparison(
                    row.place, texts((("log-likelihood", loglik), ("deviance", deviance))),
                    Message("-2 log-likelihood is {}", shown((-2 * high, -2 * low), 8)),
                    Message("the deviance is not -2 log-likelihood"),
                    meet((-2 * high, -2 * low), at(deviance)),
                )  # fmt: skip
            if aic and loglik:
                yield from _parameters(model, row, at)
            elif aic and bic and model.n:
                difference = at(bic)[0] - at(aic)[1], at(bic)[1] - at(aic)[0]
                sizes = _rows(model, 12)
                spans = [tuple(d / (math.log(n) - 2) for d in difference) for n in sizes if n > 7]
                yield Comparison(
                    row.place, texts((("AIC", aic), ("BIC", bic))),
                    Message("BIC - AIC is {}, k (ln n - 2) for no whole k", shown(difference)),
                    Message("AIC and BIC are not of one model and one n"),
                    any(math.ceil(a - 1e-9) <= b + 1e-9 for a, b in spans),
                )  # fmt: skip
            elif aic or bic:
                yield Needs(row.place, Message("AIC and the log-likelihood, or AIC, BIC and n"))


def _rows(model: ReportedModel, parameters: int) -> list[float]:
    """What programs take for n in BIC: rows, less parameters for REML, or groups."""
    rows = [float(model.n - less) for less in range(parameters)] if model.n else []
    return [*rows, *([float(model.n_groups)] if model.n_groups else [])]


def _parameters(model: ReportedModel, row: PrintedRow, at: At) -> Iterator[Comparison | Needs]:
    aic, bic, loglik = (row.figures.get(name) for name in ("aic", "bic", "loglik"))
    assert aic is not None and loglik is not None, "both are printed"  # noqa: PT018
    (a, b), (c, d) = at(aic), at(loglik)
    span = (a + 2 * c) / 2, (b + 2 * d) / 2
    whole = range(max(1, math.ceil(span[0] - 1e-9)), math.floor(span[1] + 1e-9) + 1)
    yield Comparison(
        row.place, texts((("AIC", aic), ("log-likelihood", loglik))),
        Message("AIC = -2 log-likelihood + 2 k gives k {}", shown(span)),
        Message("no whole number of parameters gives this AIC"), len(whole) > 0,
    )  # fmt: skip
    if bic is None or not whole:
        return
    if not model.n:
        yield Needs(row.place, Message("n, for BIC"))
        return
    low, high = at(bic)
    fits = [
        k for k in whole for n in _rows(model, k + 1)
        if n > 1 and meet((-2 * d + k * math.log(n), -2 * c + k * math.log(n)), (low, high))
    ]  # fmt: skip
    first = whole[0] * math.log(model.n)
    yield Comparison(
        row.place, texts((("AIC", aic), ("BIC", bic), ("log-likelihood", loglik))),
        Message(
            "k = {} and n = {} give BIC {}", whole[0], model.n,
            shown((-2 * d + first, -2 * c + first), 8),
        ),
        Message("BIC is not of the same parameters and n"), bool(fits),
    )  # fmt: skip


def _null_intercept(model: ReportedModel) -> PrintedRow | None:
    """The intercept's row, of a model without predictors."""
    rows = [row for row in model.coefficients if row.intercept and row.figure("se")]
    return rows[0] if rows and not model.predictors else None


def null_se_is_possible(report: PublishedReport, at: At) -> Iterator[Comparison | Needs]:
    """4: the null intercept's se lies between that of equal and of the most unequal groups."""
    for model in report.models.values():
        row, both = _null_intercept(model), variances(model, at)
        if row is None or both is None:
            continue
        if model.n is None or model.n_groups is None:
            yield Needs(model.name, Message("the number of rows and of groups"))
            continue
        tau2, sigma2, text = both
        n, groups = model.n, model.n_groups
        # nlme multiplies standard errors by sqrt(N/(N - p)) where it fits by ML
        factor = 1.0 if model.header.estimator == "REML" else math.sqrt(n / (n - 1))
        equal = (
            math.sqrt(tau2[0] / groups + sigma2[0] / n),
            factor * math.sqrt(tau2[1] / groups + sigma2[1] / n),
        )
        largest = n - groups + 1
        lam = tau2[1] / sigma2[0] if sigma2[0] > 0 else math.inf
        least = (groups - 1) / (1 + lam) + largest / (1 + lam * largest) if lam < math.inf else 0.0
        top = factor * math.sqrt(sigma2[1] / least) if least > 0 else math.inf
        balanced = model.header.balanced or len(set(model.header.sizes)) == 1
        implied = equal if balanced else (equal[0], top)
        se = row.figures["se"]
        found = (
            Message("equal groups give a se of {}", shown(implied)) if balanced
            else Message("groups of any size give a se of {}", shown(implied))
        )  # fmt: skip
        yield Comparison(
            Listed((model.name, row.text("term"))), Listed((text, as_figure("se", se))), found,
            Message("the intercept's se is not that of its components"), meet(implied, at(se)),
        )  # fmt: skip


def reliability_is_of_the_se(report: PublishedReport, at: At) -> Iterator[Comparison | Needs]:
    """5: se^2 = tau^2/(J reliability) in a null model."""
    for model in report.models.values():
        reliability = model.printed("reliability")
        row, both = _null_intercept(model), variances(model, at)
        if reliability is None or model.predictors:
            continue
        if row is None or both is None or model.n_groups is None or at(reliability)[0] <= 0:
            yield Needs(model.name, Message("the null intercept's se, the components and groups"))
            continue
        tau2, _, text = both
        low, high = at(reliability)
        implied = (
            math.sqrt(tau2[0] / (model.n_groups * high)),
            math.sqrt(tau2[1] / (model.n_groups * low)),
        )
        se = row.figures["se"]
        yield Comparison(
            Listed((model.name, row.text("term"))),
            Listed((text, as_figure("reliability", reliability), as_figure("se", se))),
            Message("sqrt(tau2/(J reliability)) is {}", shown(implied)),
            Message("the reliability is not that of the intercept's se"), meet(implied, at(se)),
        )  # fmt: skip


def null_r2_is_the_icc(report: PublishedReport, at: At) -> Iterator[Comparison | Needs]:
    """6: conditional R2 = ICC and marginal R2 = 0 in a null model, both fit the ICC in any."""
    for model in report.models.values():
        for row in model.fit:
            marginal, conditional = row.figure("r2_marginal"), row.figure("r2_conditional")
            if conditional is None and marginal is None:
                continue
            if not model.predictors and model.coefficients and marginal is not None:
                yield Comparison(
                    row.place, as_figure("marginal R2", marginal), Message("a null model has 0"),
                    Message("a null model explains nothing"), meet((0.0, 0.0), at(marginal)),
                )  # fmt: skip
            if marginal and conditional:
                yield Comparison(
                    row.place, texts((("marginal R2", marginal), ("conditional R2", conditional))),
                    Message("conditional R2 cannot be the smaller"),
                    Message("groups and predictors explain less than predictors"),
                    at(conditional)[1] >= at(marginal)[0] - 1e-12,
                )  # fmt: skip
            both = variances(model, at)
            if conditional is None or why_no_icc(model):
                continue
            if both is None or (model.predictors and marginal is None):
                yield Needs(row.place, Message(
                    "the components, and marginal R2 where there are predictors"
                ))  # fmt: skip
                continue
            tau2, sigma2, text = both
            icc = share(tau2, sigma2)
            m = at(marginal) if model.predictors and marginal else (0.0, 0.0)
            implied = (
                max(m[0], 0.0) + (1 - max(m[0], 0.0)) * icc[0],
                max(m[1], 0.0) + (1 - max(m[1], 0.0)) * icc[1],
            )
            yield Comparison(
                row.place, Listed((text, as_figure("conditional R2", conditional))),
                Message("marginal R2 and ICC give {}", shown(implied)),
                Message("conditional R2 is not that of the components"),
                meet(implied, at(conditional)),
            )  # fmt: skip
