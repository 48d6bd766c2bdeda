"""A result as tables with broom's names: `tidy`, `glance`, `augment`; and R2.

Columns are those of R's broom.mixed with an underscore for its dot (``std_error``); what `augment`
adds keeps the dot in front, so that it meets no column of the data.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_sf.analysis.asked.grid import design_of, loading_of, matrices_of_result, texts
from bayes_sf.analysis.asked.linear import table_of, unit_loading
from bayes_sf.analysis.asked.response import means_by_row
from bayes_sf.arrays import Floats
from bayes_sf.engines.asked import check_result
from bayes_sf.engines.gaussian.estimates import Estimate
from bayes_sf.engines.gaussian.icc import explained_variance, spread_of, variance_between
from bayes_sf.engines.loading import Loading
from bayes_sf.engines.mixed.covariance import sd_names
from bayes_sf.engines.mixed.result import MixedResult, between_of
from bayes_sf.engines.outcomes.result import OutcomeResult
from bayes_sf.engines.result import Result
from bayes_sf.engines.sets.result import PooledResult
from bayes_sf.errors import UsageError, closest
from bayes_sf.spec.moments import INTERCEPT

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EFFECTS", "augment", "glance", "r2", "tidy"]


#: Kinds of rows of `tidy`: coefficients, sds and correlations, effects of levels.
EFFECTS: Final = ("fixed", "ran_pars", "ran_vals")
#: Names of broom's columns, by ours.
_BROOM: Final = {
    "sd": "std_error", "t": "statistic", "z": "statistic", "p": "p_value", "lower": "conf_low",
    "upper": "conf_high",
}  # fmt: skip
#: How a posterior was had.
_ALGORITHMS: Final = {"exact": "quadrature", "nuts": "sampling"}


def tidy(result: Result, effects: str | Iterable[str] = ("fixed", "ran_pars")) -> "pd.DataFrame":
    """Estimates as R's ``broom.mixed::tidy`` has them.

    Parameters
    ----------
    result : Result
        Of any engine.
    effects : str or list of str
        ``fixed`` coefficients, ``ran_pars`` sds and correlations, ``ran_vals`` effects of levels.

    Returns
    -------
    pandas.DataFrame
        ``effect``, ``group`` (the factor, ``Residual`` for the residual's sd), ``level`` (with
        ``ran_vals``), ``term`` (``sd__x``, ``cor__(Intercept).x``, ``sd__Observation``),
        ``estimate``, ``std_error``; of ``reml``, ``ml`` and ``ols`` ``statistic`` (t), ``df``
        (Satterthwaite's), ``p_value``; ``conf_low``, ``conf_high``: the same numbers as `estimates`
        and `fixef` have. In `estimates` ``group`` is a level: broom's is the factor. Of other
        outcomes than Gaussian they are on the link's scale, ``statistic`` is z and there is no
        ``df``; thresholds are among the fixed.

    Raises
    ------
    UsageError
        For a kind of effects that there is not.

    Examples
    --------
    >>> import pandas as pd, bayes_sf as sf
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8, 4, 6, 7], "x": [0, 1, 2] * 3,
    ...                    "g": list("aaabbbccc")})
    >>> sf.fit("y ~ x + (1 | g)", df).tidy()[["effect", "group", "term", "estimate"]].round(2)
         effect     group             term  estimate
    0     fixed                (Intercept)      3.33
    1     fixed                          x      1.33
    2  ran_pars         g  sd__(Intercept)      2.77
    3  ran_pars  Residual  sd__Observation      0.51
    """
    import pandas as pd

    check_result(result)
    asked = texts("tidy: effects", effects)
    for kind in asked:
        if kind not in EFFECTS:
            fix = closest(str(kind), EFFECTS)
            rule = f"must be among {', '.join(EFFECTS)}"
            raise UsageError("tidy: effects", rule, got=kind, fix=fix)
    parts = {"fixed": _fixed, "ran_pars": _spreads, "ran_vals": _levels}
    rows = [{"effect": kind, "group": "", "level": "", **row} for kind in EFFECTS if kind in asked
            for row in parts[kind](result)]  # fmt: skip
    names = ["effect", "group", *(["level"] if "ran_vals" in asked else []), "term", "estimate",
             "sd", *_tests(result), "lower", "upper"]  # fmt: skip
    return pd.DataFrame(rows, columns=names).rename(columns=_BROOM)


def _tests(result: Result) -> list[str]:
    """Columns on how sure the sign of a coefficient is, where there is no posterior."""
    if result.has_draws:
        return []
    return ["z", "p"] if isinstance(result, OutcomeResult) else ["t", "df", "p"]


def _fixed(result: Result) -> Iterator[dict[str, Any]]:
    """Coefficients and thresholds; a test of each where there is no posterior."""
    terms = [row.term for row in result.coefficients]
    if result.has_draws:
        for row in (*result.coefficients, *_thresholds(result)):
            yield {"term": row.term, **_numbers(row)}
        return
    table = table_of(result, unit_loading(result), terms, signed=True)
    for term, values in zip(terms, table.to_dict("records"), strict=True):
        yield {"term": term, **{str(key): value for key, value in values.items()}}


def _thresholds(result: Result) -> list[Estimate]:
    """Thresholds between categories in order."""
    if not (isinstance(result, OutcomeResult) and result.family.ordered):
        return []
    coefficients = {row.term for row in result.coefficients}
    return [row for row in result.singles
            if row.term.startswith("threshold[") and row.term not in coefficients]  # fmt: skip


def _numbers(row: Any) -> dict[str, float]:
    return {"estimate": row.estimate, "sd": row.sd, "lower": row.lower, "upper": row.upper}


def _spreads(result: Result) -> Iterator[dict[str, Any]]:
    """Sds and correlations with broom's names, then what else a model has."""
    found = {row.term: row for row in result.singles}
    named = list(_names(result))
    for ours, group, term in named:
        if ours in found:
            yield {"group": group, "term": term, **_numbers(found[ours])}
    fixed = (*result.coefficients, *_thresholds(result))
    known = {ours for ours, _, _ in named} | {row.term for row in fixed}
    for term, row in found.items():
        if term not in known and not term.startswith("icc"):
            yield {"term": term, **_numbers(row)}


def _names(result: Result) -> Iterator[tuple[str, str, str]]:
    """Our name of an sd or correlation, its factor, and broom's name."""
    result = _single(result)
    if isinstance(result, MixedResult):
        for factor in result.matrices.factors:
            sds, pairs = sd_names(factor)
            for ours, column in zip(sds, factor.columns, strict=True):
                yield ours, factor.name, f"sd__{column}"
            for ours, (i, j) in zip(pairs, factor.pairs, strict=True):
                yield ours, factor.name, f"cor__{factor.columns[i]}.{factor.columns[j]}"
    else:
        group = result.spec.group
        if result.engine != "ols":
            yield "sd_group", group, f"sd__{INTERCEPT}"
        if result.varying_term:
            yield "sd_slope", group, f"sd__{result.varying_term}"
            yield "correlation", group, f"cor__{INTERCEPT}.{result.varying_term}"
    yield "sd_resid", "Residual", "sd__Observation"


def _single(result: Result) -> Result:
    """Of completed sets the first one's fit, which has the form of all."""
    return result.fits[0] if isinstance(result, PooledResult) else result


def _levels(result: Result) -> Iterator[dict[str, Any]]:
    """Effects of levels."""
    if isinstance(result, PooledResult):
        result.ranef()  # says why there are none
    for row in result.rows:
        if not row.group:
            continue
        term, _, factor = row.term.rpartition("|")
        if not isinstance(result, MixedResult):
            term, factor = row.term, result.spec.group
        yield {"group": factor, "level": row.group, "term": term, **_numbers(row)}


def glance(result: Result) -> "pd.DataFrame":
    """One line on a fit, as R's ``broom.mixed::glance`` has it.

    Parameters
    ----------
    result : Result
        Of any engine.

    Returns
    -------
    pandas.DataFrame
        ``nobs``; of data frames ``nmissing``, rows that were left out for a gap; ``sigma``; of
        ``reml`` and ``ml`` ``logLik`` (of REML the restricted one, which compares models of the
        same coefficients only), ``AIC``, ``BIC``, ``REMLcrit`` or ``deviance`` (-2 logLik),
        ``df_residual`` (rows less parameters); of a posterior ``algorithm``; of completed sets
        ``nimp``, how many, and no likelihood. Other outcomes than Gaussian have no ``sigma``.

    Examples
    --------
    >>> import pandas as pd, bayes_sf as sf
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8, 4, 6, 7], "g": list("aaabbbccc")})
    >>> sf.fit("y ~ 1 + (1 | g)", df, engine="reml").glance().round(2)
       nobs  nmissing  sigma  logLik   AIC    BIC  REMLcrit  df_residual
    0     9         0   1.37  -17.15  40.3  40.89      34.3            6
    """
    import pandas as pd

    check_result(result)
    if isinstance(result, PooledResult):
        return pd.DataFrame([_glance_sets(result)])
    if isinstance(result, OutcomeResult):
        return pd.DataFrame([_glance_outcome(result)])
    singles = {row.term: row.estimate for row in result.singles}
    mixed = isinstance(result, MixedResult)
    n = result.matrices.n_obs if isinstance(result, MixedResult) else result.moments.n_obs
    found: dict[str, Any] = {
        "nobs": n, **_left_out(result), "sigma": singles.get("sd_resid", np.nan)
    }  # fmt: skip
    if result.has_draws:
        sets = result.provenance.sets
        found |= {} if sets is None else {"nimp": sets.n_sets}
        return pd.DataFrame([{"algorithm": _ALGORITHMS[result.engine], **found}])
    spreads = sum(ours in singles for ours, _, _ in _names(result))
    free = len(result.coefficients) + spreads
    if result.engine != "ols":
        criterion = float(result.fitted.criterion)
        restricted = not mixed or result.fitted.reml
        found |= {
            "logLik": -0.5 * criterion, "AIC": criterion + 2 * free,
            "BIC": criterion + np.log(n) * free,
            "REMLcrit" if restricted else "deviance": criterion,
        }  # fmt: skip
    return pd.DataFrame([{**found, "df_residual": n - free}])


def _glance_sets(result: PooledResult) -> dict[str, Any]:
    singles = {row.term: row.estimate for row in result.singles}
    sigma = {"sigma": singles["sd_resid"]} if "sd_resid" in singles else {}
    return {"nobs": result.n_obs, "nimp": result.fitted.n_sets, **sigma}


def _left_out(result: Result) -> dict[str, int]:
    """Rows that were left out for a gap, where they were looked for."""
    gaps = result.provenance.gaps
    return {} if gaps is None else {"nmissing": gaps.n_dropped}


def _glance_outcome(result: OutcomeResult) -> dict[str, Any]:
    n, left = result.matrices.n_obs, _left_out(result)
    if result.has_draws:
        return {"algorithm": _ALGORITHMS[result.engine], "nobs": n, **left}
    return {
        "nobs": n, **left, "logLik": result.log_lik, "AIC": result.aic, "BIC": result.bic,
        "deviance": -2 * result.log_lik, "df_residual": n - result.fitted.n_parameters,
    }  # fmt: skip


def augment(result: Result) -> "pd.DataFrame":
    """Return the fitted rows with what the model says of each, as ``broom.mixed::augment``.

    Parameters
    ----------
    result : Result
        Fitted to a data frame: these are its rows.

    Returns
    -------
    pandas.DataFrame
        The model's columns, and ``.fitted`` (effects of the row's levels in it), ``.resid``,
        ``.fixed`` (fixed coefficients and offset alone): estimates, or posterior means. Of other
        outcomes than Gaussian all three are on the scale of the response (shares, of trials), where
        broom has the link's and residuals of the deviance.

    Raises
    ------
    UsageError
        For a result without rows, or of a study's; for a column that has one of these names.

    Examples
    --------
    >>> import pandas as pd, bayes_sf as sf
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8, 4, 6, 7], "g": list("aaabbbccc")})
    >>> sf.fit("y ~ 1 + (1 | g)", df, engine="reml").augment().round(2).head(1)
         y  g  .fitted  .resid  .fixed
    0  1.0  a     2.31   -1.31    4.67
    """
    design = design_of(result)
    if isinstance(result, OutcomeResult) and result.family.ordered:
        rule = "is not of categories in order, which have no one mean"
        raise UsageError("augment", rule, fix="use predict(scale='link')")
    names = (".fitted", ".resid", ".fixed")
    taken = sorted(set(names) & set(map(str, design.frame.columns)))
    if taken:
        raise UsageError("augment", "adds columns of these names", got=taken, fix="rename them")
    words = dict.fromkeys(design.levels, "known")
    known = loading_of(design, design.frame, words)
    fixed = loading_of(design, design.frame, dict.fromkeys(design.levels, "none"))
    fitted, y = means_by_row(result, known), _response(result, known)
    columns = (fitted, y - fitted, means_by_row(result, fixed))
    return design.frame.assign(**dict(zip(names, columns, strict=True)))


def _response(result: Result, loading: Loading) -> Floats:
    """Responses of the fitted rows as they were given; shares of trials."""
    matrices = matrices_of_result(result)
    if not isinstance(result, OutcomeResult):
        return np.asarray(matrices.y + loading.offset)
    return matrices.y if matrices.trials is None else matrices.y / matrices.trials


def r2(result: Result) -> dict[str, float]:
    """Share of the variance that is explained (Nakagawa & Schielzeth 2013; Johnson 2014).

    With F the variance of X beta over the rows, B the levels' variance averaged over the rows and S
    that of residuals: marginal is F/(F + B + S), conditional (F + B)/(F + B + S), at the estimates;
    of a posterior at the means of coefficients, sds and correlations. Of other outcomes than
    Gaussian all are on the link's scale, S being the distribution's own variance there, as in
    ``icc(scale="latent")`` (Nakagawa, Johnson & Schielzeth 2017): pi^2/3 for logits, ln(1 +
    1/lambda + ...) for log links, lambda being the mean over rows and effects.

    Parameters
    ----------
    result : Result

    Returns
    -------
    dict
        ``marginal`` and ``conditional``; NaN where residual variances differ by row. Of completed
        sets that are pooled the mean over them, of others NaN.
    """
    check_result(result)
    if isinstance(result, PooledResult):
        each = [r2(fit) for fit in result.fits]
        return {name: float(np.mean([one[name] for one in each])) for name in each[0]}
    if result.provenance.sets is not None:
        return {"marginal": np.nan, "conditional": np.nan}
    if isinstance(result, OutcomeResult):
        return dict(zip(("marginal", "conditional"), result.explained(), strict=True))
    found = {row.term: row.estimate for row in result.singles}
    if isinstance(result, MixedResult):
        matrices = result.matrices
        coef = np.array([row.estimate for row in result.coefficients])
        explained = float(np.cov(matrices.x @ coef, fweights=_whole(matrices.counts)))
        between = sum(between_of(f.z, _covariance(f, found), matrices.counts)
                      for f in matrices.factors)  # fmt: skip
        known = matrices.weights is None
    else:
        m = result.moments
        slopes = np.array([found.get(term, np.nan) for term in m.predictors])
        explained = float(explained_variance(m, slopes)) * m.n_obs / (m.n_obs - 1)
        varying = result.varying_term
        between = variance_between(found, *(spread_of(m, varying) if varying else (0.0, 0.0)))
        spec = result.spec
        known = not (spec.resid_by_group or spec.repeats) and spec.likelihood == "gaussian"
    resid = found.get("sd_resid", np.nan) ** 2 if known else np.nan
    total = explained + float(between) + resid
    return {"marginal": explained / total, "conditional": 1 - resid / total}


def _whole(counts: Floats | None) -> Any:
    return None if counts is None else counts.astype(int)


def _covariance(factor: Any, found: dict[str, float]) -> Floats:
    """Covariance of a factor's effects from its sds and correlations."""
    sds, pairs = sd_names(factor)
    values = np.array([found[name] for name in sds])
    turned = np.eye(len(sds))
    for name, (i, j) in zip(pairs, factor.pairs, strict=True):
        turned[i, j] = turned[j, i] = np.nan_to_num(found[name])
    return np.asarray(values[:, None] * turned * values)
