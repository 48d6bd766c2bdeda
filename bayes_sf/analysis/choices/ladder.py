"""The ladder: one effect on the same rows, one assumption more or less at every rung.

From complete pooling over REML to the posterior and beyond the Gaussian model:

``ols``
    complete pooling: no industries
``cluster robust``
    the same estimates with standard errors that ask only for industries to be independent (CR2,
    t with Satterthwaite's degrees of freedom: `bayes_sf.analysis.cluster_robust`)
``no pooling``
    an intercept of its own for every industry
``reml``
    a random intercept, as the report has it
``flat prior``
    its posterior under flat priors of everything: where it differs from REML, it is because REML
    takes the standard deviations as known
``stated prior``
    its posterior under the model's own priors
``student``
    Student-t residuals: workplaces far from all others weigh less (sampled)
``known precision``
    a mean of few quarters weighs less than one of many (sampled; mean absence)
``imputation``
    gaps filled in jointly with everything else: from a saved panel result, if one is given; it has
    all linked workplaces, not the same rows

The last three each change the model with the stated prior in one respect. The ICC of known
precision is that of workplaces' true means: what quarters add by chance is no longer in it.

Student-t residuals need rows and sampling, and are left out until they are asked for; known
precision needs a sample with its number of quarters. A rung that is left out says why.
Where the data are recovered from tables, ols, no pooling and reml are of the data set nearest to
the printed figures, posteriors of all.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import isfinite, isnan, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bayes_sf.analysis.cluster_robust import cluster_robust
from bayes_sf.analysis.contrast import exact_posterior
from bayes_sf.engines.fit import fit
from bayes_sf.engines.gaussian.estimates import Estimate, frequentist_rows
from bayes_sf.engines.gaussian.ols_reml import fit_no_pooling
from bayes_sf.engines.result import Result
from bayes_sf.errors import BayesSFError, DataError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.spec.priors import Priors

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BEYOND", "IMPUTED", "RUNGS", "climb", "read_imputed"]

#: Rungs that change the model in one respect, and how.
BEYOND: Final[Mapping[str, Mapping[str, str]]] = {
    "student": {"likelihood": "student"},
    "known precision": {"repeats": "n_quarters"},
}
IMPUTED: Final = "imputation"
#: All rungs, in order.
RUNGS: Final = (
    "ols", "cluster robust", "no pooling", "reml", "flat prior", "stated prior", *BEYOND, IMPUTED,
)  # fmt: skip

#: Rungs that each change the model with the stated prior in one respect.
_FROM_STATED: Final = (*BEYOND, IMPUTED)
_ON_REQUEST: Final = "is sampled: ask for it"
_NEEDS_ROWS: Final = "needs rows: sufficient statistics are not enough"


@dataclass(frozen=True, eq=False)
class _Rung:
    """One rung: its estimates by term, or why there are none."""

    name: str
    engine: str
    estimates: Mapping[str, Estimate]
    n: float
    missing: str = ""


def climb(
    result: Result,
    data: Any,
    *,
    sampled: bool = False,
    imputed: Mapping[str, Estimate] | None = None,
    seed: int = 1,
) -> "pd.DataFrame":
    """Estimate the slopes and the ICC of one model on every rung.

    Parameters
    ----------
    result : Result
        Of engine ``exact``: the rung ``stated prior``.
    data : PublishedStudy, AnalysisSample, Moments or a data frame
        What it was fitted to.
    sampled : bool
        Whether Student-t and known precision are sampled, about a minute each.
    imputed : mapping of str to Estimate, optional
        Estimates by term from a model that fills the gaps: `read_imputed`.
    seed : int
        Seed of what is sampled.

    Returns
    -------
    pandas.DataFrame
        One row per term and rung: `outcome, model, term, rung, engine, estimate, sd, lower, upper,
        prob`; `change` from the rung before that has an estimate (of Student-t, known precision and
        imputation from ``stated prior``), and `change_se`, the same in standard errors of REML
        (NaN for the ICC); `n`; `missing`, why there is no estimate, or ""; `unit, source`.

    Raises
    ------
    UsageError
        For a result of another engine.
    ConvergenceError
        When what is sampled must not be believed.

    Examples
    --------
    >>> import pandas as pd
    >>> from bayes_sf.spec.model import ModelSpec
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8], "x": [0, 1, 2, 0, 1, 2], "g": list("aaabbb")})
    >>> table = climb(fit(ModelSpec("y", predictors=("x",), group="g"), df), df)
    >>> table[table["term"] == "x"]["rung"].tolist()[:3], table["estimate"].iloc[0].round(2)
    (['ols', 'cluster robust', 'no pooling'], np.float64(1.25))
    """
    import pandas as pd

    exact_posterior(result)
    rungs = list(_rungs(result, data, sampled, imputed or {}, seed))
    spec, moments = result.spec, result.moments
    errors = next(rung for rung in rungs if rung.name == "reml").estimates
    rows = []
    for term in (*moments.predictors, "icc"):
        before = stated = nan
        for rung in rungs:
            own = rung.estimates.get(term)
            estimate = nan if own is None else own.estimate
            change = estimate - (stated if rung.name in _FROM_STATED else before)
            stated = estimate if rung.name == "stated prior" else stated
            error = errors[term].sd if term in errors else nan
            rows.append(
                {
                    "outcome": spec.outcome, "model": spec.name, "term": term, "rung": rung.name,
                    "engine": rung.engine, "estimate": estimate,
                    "sd": nan if own is None else own.sd,
                    "lower": nan if own is None else own.lower,
                    "upper": nan if own is None else own.upper,
                    "prob": result.prob, "change": change, "change_se": change / error,
                    "n": rung.n,
                    "missing": rung.missing or _why_not(rung.name, term, estimate),
                    "unit": "" if term == "icc" else spec.unit,
                    "source": result.provenance.source,
                }
            )  # fmt: skip
            before = before if isnan(estimate) else estimate
    return pd.DataFrame(rows)


def _why_not(rung: str, term: str, estimate: float) -> str:
    """Why a rung that was fitted has no estimate of a term."""
    if not isnan(estimate):
        return ""
    if rung in {"ols", "cluster robust", "no pooling"} and term == "icc":
        return "has no variance between groups"
    return "is not among its estimates"


def _rungs(
    result: Result, data: Any, sampled: bool, imputed: Mapping[str, Estimate], seed: int
) -> Iterator[_Rung]:
    """All rungs in order."""
    spec = result.spec
    yield _fitted("ols", fit(spec, data, engine="ols", prob=result.prob), drop_icc=True)
    yield _cluster_robust(result)
    yield _no_pooling(result)
    yield _tried("reml", "reml", result, data)
    flat = replace(result, spec=replace(spec, priors=Priors.flat()))
    yield _tried("flat prior", "exact", flat, data)
    yield _fitted("stated prior", result)
    quarters = bool(load_codebook().register)  # a study without them has no rung of theirs
    for name, options in BEYOND.items():
        if "repeats" in options and not quarters:
            continue
        model = replace(spec, **options)  # type: ignore[arg-type]
        engine = model.engines[0]
        reason = _not_fitted(name, result, engine, sampled)
        if reason:
            yield _Rung(name, engine, {}, nan, reason)
        else:
            found = fit(model, data, engine=engine, prob=result.prob, seed=seed)
            verdict = "" if found.converged else "did not converge"
            rung = _fitted(name, found)
            yield rung if found.converged else replace(rung, estimates={}, missing=verdict)
    missing = "" if imputed else "no saved result was given"
    if not quarters and not imputed:
        return
    yield _Rung(IMPUTED, "nuts", imputed, nan, missing)


def _not_fitted(name: str, result: Result, engine: str, sampled: bool) -> str:
    """Why a rung beyond the model is left out, or ""."""
    if result.data is None:
        return _NEEDS_ROWS
    if name == "known precision" and result.spec.outcome != "absence_mean":
        return "is about means over quarters"
    if name == "known precision" and result.provenance.source == "frame":
        return "needs a sample with its number of quarters"
    return "" if sampled or engine != "nuts" else _ON_REQUEST


def _fitted(name: str, result: Result, *, drop_icc: bool = False) -> _Rung:
    """A rung that an engine has fitted."""
    found = {row.term: row for row in result.singles}
    if drop_icc:  # complete pooling has no groups
        found.pop("icc", None)
    return _Rung(name, result.engine, found, float(result.moments.n_obs))


def _cluster_robust(result: Result) -> _Rung:
    """Least squares with CR2; none without rows, or with hardly more groups than coefficients."""
    name, n = "cluster robust", float(result.moments.n_obs)
    if result.data is None:
        return _Rung(name, "ols", {}, nan, _NEEDS_ROWS)
    try:
        table = cluster_robust(result, weights="rademacher")  # the cheapest: p_wild is not shown
    except BayesSFError as error:
        return _Rung(name, "ols", {}, n, str(error))
    columns = ["estimate", "std_error", "lower", "upper"]
    found = {
        str(term): Estimate(str(term), "", *map(float, row))
        for term, row in zip(table.index, table[columns].to_numpy(), strict=True)
    }
    return _Rung(name, "ols", found, n)


def _no_pooling(result: Result) -> _Rung:
    """An intercept for every group; none where a predictor is constant within groups."""
    n = float(result.moments.n_obs)
    try:
        rows = frequentist_rows(fit_no_pooling(result.moments), result.prob)
    except DataError as error:
        return _Rung("no pooling", "dummies", {}, n, str(error))
    found = {row.term: row for row in rows if not row.group and row.term != "icc"}
    return _Rung("no pooling", "dummies", found, n)


def _tried(name: str, engine: str, asked: Result, data: Any) -> _Rung:
    """A rung that there may not be: with few groups flat priors can be improper."""
    try:
        return _fitted(name, fit(asked.spec, data, engine=engine, prob=asked.prob))
    except BayesSFError as error:
        return _Rung(name, engine, {}, float(asked.moments.n_obs), str(error))


def read_imputed(path: Path, result: Result) -> dict[str, Estimate]:
    """Read a model's estimates from a table such as ``estimates.csv``.

    Parameters
    ----------
    path : pathlib.Path
        CSV with columns ``term, estimate, sd, lower, upper`` and, where it has several models or
        outcomes, ``model`` and ``outcome``. A panel's effect on the change is ``term[change]``.
    result : Result
        Whose terms are looked for.

    Raises
    ------
    DataError
        For a file that cannot be read, a missing column, a value that is no number, or a table
        without any of the model's terms.

    Examples
    --------
    >>> import tempfile, pandas as pd
    >>> from bayes_sf.spec.model import ModelSpec
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8], "x": [0, 1, 2, 0, 1, 2], "g": list("aaabbb")})
    >>> result = fit(ModelSpec("y", predictors=("x",), group="g"), df)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "estimates.csv"
    ...     result.estimates.to_csv(file, index=False)
    ...     list(read_imputed(file, result))
    ['x']
    """
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            lines = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        fix = "give the estimates.csv of a fit"
        raise DataError(
            str(path), "must be a CSV file that can be read", got=str(error), fix=fix
        ) from None
    needed = ("term", "estimate", "sd", "lower", "upper")
    header = list(lines[0]) if lines else []
    absent = [name for name in needed if name not in header]
    if absent:
        raise DataError(str(path), f"must have columns {', '.join(needed)}", got=header)
    spec = result.spec
    own = {"model": spec.name, "outcome": spec.outcome}
    found = {}
    for term in result.moments.predictors:
        change = f"{term}[change]"  # what a panel has of the change, beside the effect on the level
        here = spec.outcome == "absence_change" and any(x["term"] == change for x in lines)
        name = change if here else term
        for number, line in enumerate(lines, start=2):
            mine = all(line.get(key, value) == value for key, value in own.items())
            if mine and line["term"] == name and not line.get("group"):
                if term in found:
                    where = f"{path}, line {number}"
                    rule = f"must be the only line of {term}"
                    raise DataError(where, rule, got="another before", fix="keep one method")
                estimate, sd, lower, upper = (
                    _number(line[key], f"{path}, line {number}, {key}") for key in needed[1:]
                )
                found[term] = Estimate(term, "", estimate, sd, lower, upper)
    if not found:
        terms = ", ".join(result.moments.predictors)
        raise DataError(
            str(path), f"must have estimates of {terms}", got=sorted({x["term"] for x in lines})
        )
    return found


def _number(text: str, where: str) -> float:
    """A number, or an error."""
    try:
        value = float(text)
    except ValueError:
        value = nan
    if not isfinite(value):
        raise DataError(where, "must be a number", got=text)
    return value
