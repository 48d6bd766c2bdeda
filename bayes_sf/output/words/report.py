"""A fit in two sentences: how much lies between groups, and which coefficients stand out."""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from bayes_sf.catalogue import say, speaks
from bayes_sf.engines.asked import check_result
from bayes_sf.engines.gaussian.estimates import Estimate
from bayes_sf.engines.result import Result
from bayes_sf.output.numbers import estimate, interval, percent, row_decimals, with_percent
from bayes_sf.output.words.words import interval_name, outcome_name, own_group, term_name, unit_name
from bayes_sf.spec.moments import INTERCEPT

__all__ = ["report", "shares"]

#: Coefficients that are named in a sentence.
_NAMED: Final = 6


@speaks
def report(result: Result, lang: str | None = None) -> str:  # noqa: ARG001  # `speaks` reads it
    """Report a fit in two sentences, which its numbers force.

    The first says how much of the variance lies between groups (or their sd, where there is no
    share), the second whose interval leaves out zero and whose does not. Nothing is called an
    effect.

    Parameters
    ----------
    result : Result
        Of any engine.
    lang : {"en", "nb"}, optional
        By default the language that is spoken.

    Examples
    --------
    >>> import textwrap
    >>> import pandas as pd, bayes_sf as sf
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8, 4, 6, 7], "x": [0, 1, 2] * 3,
    ...                    "g": list("aaabbbccc")})
    >>> print(textwrap.fill(sf.report(sf.fit("y ~ x + (1 | g)", df, engine="reml")), 90))
    Of the variance of y that predictors leave, 97.6 % lies between groups (g) (9 rows). By
    its 95 % confidence interval (Wald), zero is left out for x 1.33 (1.04 to 1.63).
    """
    check_result(result)
    return f"{shares(result)} {_coefficients(result)}"


def shares(result: Result) -> str:
    """Say what lies between groups of each factor.

    Parameters
    ----------
    result : Result
    """
    own, n = own_group(result), result.n_obs
    outcome = outcome_name(result.spec.outcome, own=own)
    if result.engine == "ols":
        return say("Least squares of {outcome}, without groups ({n} rows).", outcome=outcome, n=n)
    matrices = getattr(result, "matrices", None)
    factors = [result.spec.group] if matrices is None else [one.name for one in matrices.factors]
    if not any(row.term.startswith("icc") for row in result.singles):
        row = next(row for row in result.singles if row.term.startswith("sd_"))
        return say(
            "Groups of {group} differ in {outcome} with a standard deviation of {sd} ({n} rows).",
            group=factors[0], outcome=outcome, sd=_figures(row), n=n,
        )  # fmt: skip
    parts = _listed([_share(result, factor) for factor in factors])
    if result.spec.family != "gaussian":
        return say("Of the variance of {outcome} on the link's scale that predictors leave, "
                   "{parts} ({n} rows).", outcome=outcome, parts=parts, n=n)  # fmt: skip
    if len(result.coefficients) == 1:
        return say("Of the variance of {outcome}, {parts} ({n} rows).",
                   outcome=outcome, parts=parts, n=n)  # fmt: skip
    return say("Of the variance of {outcome} that predictors leave, {parts} ({n} rows).",
               outcome=outcome, parts=parts, n=n)  # fmt: skip


def _share(result: Result, factor: str) -> str:
    """One factor's share, with its interval where it has one."""
    found = result.icc(factor)
    named = factor if own_group(result) else say("industry")
    if "estimate" in found:
        share = with_percent(percent(found["estimate"]))
        return say("{share} lies between groups ({group})", share=share, group=named)
    return say(
        "{share} ({low} to {high}) lies between groups ({group})",
        share=with_percent(percent(found["median"])), low=percent(found["lower"]),
        high=with_percent(percent(found["upper"])), group=named,
    )  # fmt: skip


def _coefficients(result: Result) -> str:
    """Whose intervals leave out zero, and whose do not."""
    own = own_group(result)
    kind = interval_name("credible-eti" if result.has_draws else "confidence-wald", result.prob)
    unit = f", {unit_name(result.spec.unit)}" if result.spec.unit else ""
    rows = [row for row in result.coefficients if row.term != INTERCEPT]
    if not rows:
        mean = _figures(result.coefficients[0])
        return say("Its intercept is {mean}; {kind}{unit}.", mean=mean, kind=kind, unit=unit)
    apart = [row for row in rows if not row.lower <= 0 <= row.upper]
    others = _terms([row for row in rows if row.lower <= 0 <= row.upper], own)
    if not apart:
        return say("By its {kind}{unit}, zero is left out for no term: {terms}.",
                   kind=kind, unit=unit, terms=others)  # fmt: skip
    text = say("By its {kind}{unit}, zero is left out for {terms}",
               kind=kind, unit=unit, terms=_terms(apart, own))  # fmt: skip
    return text + (say("; not for {terms}.", terms=others) if others else ".")


def _terms(rows: Iterable[Estimate], own: str) -> str:
    """Terms and their figures."""
    return _listed([f"{term_name(row.term, own=own)} {_figures(row)}" for row in rows])


def _figures(row: Estimate) -> str:
    """Estimate and interval, with two digits of the sd."""
    if not np.isfinite(row.sd):
        return estimate(row.estimate, row_decimals([row.estimate], abs(row.estimate)))
    decimals = row_decimals([row.estimate, row.lower, row.upper], row.sd)
    return f"{estimate(row.estimate, decimals)} ({interval(row.lower, row.upper, decimals)})"


def _listed(parts: list[str]) -> str:
    """Parts one after the other, the first few."""
    return "; ".join(_some(parts))


def _some(parts: list[str]) -> Iterator[str]:
    yield from parts[:_NAMED]
    if len(parts) > _NAMED:
        yield say("and {n} more", n=len(parts) - _NAMED)
