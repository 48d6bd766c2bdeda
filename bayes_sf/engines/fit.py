"""`fit`: a specification and data in, a result out, by any engine."""

import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata
from time import perf_counter
from typing import Any, cast, overload

from bayes_sf.engines.options import (
    check_beside,
    check_beside_gaps,
    check_nodes,
    check_numbers,
    priors_of,
    sampler_settings,
)
from bayes_sf.engines.result import Provenance, Result, Results
from bayes_sf.engines.sampled.nuts import sampler_options
from bayes_sf.errors import DataError, UsageError, closest
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.inputs.sample import AnalysisSample, design
from bayes_sf.spec.analysis import Analysis
from bayes_sf.spec.family import family_of
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.names import predictor_of
from bayes_sf.spec.outcome import warn_of_outcome, what_else
from bayes_sf.spec.priors import Priors
from bayes_sf.spec.rows import Rows
from bayes_sf.spec.scan import Scan
from bayes_sf.spec.study import Study
from bayes_sf.spec.terms.formula import read_formula
from bayes_sf.spec.terms.gaps import Gaps, warn_of_gaps
from bayes_sf.spec.terms.matrices import with_place
from bayes_sf.spec.terms.sets import are_sets, read_sets
from bayes_sf.spec.terms.sums import is_remote
from bayes_sf.spec.terms.table import Table

__all__ = ["ENGINES", "fit", "gaps_of", "group_sizes", "moments_of", "rows_of", "source_of"]

#: Completed sets of a model whose gaps are imputed, and iterations of each chain.
_SETS, _DRAWS = 100, 125
#: Nodes for sigma and tau when a posterior is averaged over many recovered data sets; quantiles are
#: then good to 1e-3 sd, far inside the spread over the data sets.
_NODES_PER_DRAW = (32, 48)


def _reml(data: tuple[Moments, ...], _: Priors, __: int) -> Any:
    from bayes_sf.engines.gaussian.ols_reml import fit_reml

    return fit_reml(data[0])


def _ols(data: tuple[Moments, ...], _: Priors, __: int) -> Any:
    from bayes_sf.engines.gaussian.ols_reml import fit_ols

    return fit_ols(data[0])


def _exact(data: tuple[Moments, ...], priors: Priors, _: int) -> Any:
    from bayes_sf.engines.gaussian.exact import fit_exact
    from bayes_sf.engines.gaussian.posterior import Posterior

    if len(data) == 1:
        return Posterior((fit_exact(data[0], priors),))
    box, parts = None, []
    for moments in data:
        parts.append(fit_exact(moments, priors, nodes=_NODES_PER_DRAW, start=box))
        box = parts[-1].box
    return Posterior(tuple(parts))


def _nuts(data: tuple[Moments, ...], priors: Priors, seed: int) -> Any:
    from bayes_sf.engines.sampled.nuts import fit_nuts

    return fit_nuts(data[0], priors, seed=seed)


def _repeated(rows: Rows, spec: ModelSpec, _: int) -> Any:
    from bayes_sf.engines.gaussian.repeated import fit_repeated

    return fit_repeated(rows, spec)


def _hierarchical(rows: Rows, spec: ModelSpec, seed: int) -> Any:
    from bayes_sf.engines.sampled.hierarchical import fit_hierarchical

    return fit_hierarchical(rows, spec, seed=seed)


#: Engines of models that need rows, by name: (rows, model, seed) -> what the engine found. Which
#: of them fits a model is `ModelSpec.engines`.
_OF_ROWS: dict[str, Callable[[Rows, ModelSpec, int], Any]] = {
    "exact": _repeated,
    "nuts": _hierarchical,
}

#: Engines by name: (possible data sets, priors, seed) -> what the engine found. `ols`, `reml` and
#: `nuts` use the first data set (for the published study the one nearest to the printed figures),
#: `exact` averages over all.
ENGINES: dict[str, Callable[[tuple[Moments, ...], Priors, int], Any]] = {
    "ols": _ols,
    "reml": _reml,
    "exact": _exact,
    "nuts": _nuts,
}


def rows_of(spec: ModelSpec, data: Any) -> Rows | None:
    """Rows of a model; None where only sufficient statistics are known.

    Parameters
    ----------
    spec : ModelSpec
        The model.
    data : Study, AnalysisSample, Rows, Moments or a data frame
        Its data.
    """
    if spec.formula:
        raise UsageError(
            f"model {spec.name!r}", "is a formula that only sf.fit carries out", got=spec.formula,
            fix="for this analysis write a random intercept of columns: y ~ x + (1 | g)",
        )  # fmt: skip
    if spec.missing == "error" and isinstance(data, Study | AnalysisSample):
        rule = "is about data frames: a study's workplaces with gaps are left out, or modelled"
        raise UsageError(f"model {spec.name!r}: missing", rule, got="error", fix="use drop")
    if isinstance(data, Study):
        data.check(spec)
        return None
    if isinstance(data, Rows | Moments):
        _check_given(spec, data)
        return data if isinstance(data, Rows) else None
    if isinstance(data, Scan):
        return None if spec.plain else Rows.from_frame(data.table.to_native(), spec)
    if isinstance(data, AnalysisSample):
        rows = design(
            data, outcome=spec.outcome, predictors=spec.predictors,
            min_quarters=spec.min_quarters, standardize=spec.standardize,
            categorical=spec.categorical, monotonic=spec.monotonic, nested=spec.nested,
            keep=[name for name in (spec.repeats, spec.known_se) if name],
        )  # fmt: skip
        return Rows.from_frame(rows, spec.designed)
    return Rows.from_frame(data, spec)


def _check_given(spec: ModelSpec, data: Rows | Moments) -> None:
    """Rows and moments have their columns already: they must be those that the model asks for."""
    where = f"model {spec.name!r}"
    theirs = {predictor_of(term, spec.predictors) for term in data.predictors}
    mine = (spec.outcome, sorted(spec.predictors), spec.group)
    if mine != (data.outcome, sorted(theirs), data.group):
        raise UsageError(
            where, f"must be of what the {type(data).__name__.lower()} are of",
            got=f"{', '.join((data.outcome, *data.predictors, data.group))}",
            fix="make them with the model's outcome, predictors and group",
        )  # fmt: skip
    if isinstance(data, Rows):
        return
    data.check()
    asked = {
        key: getattr(spec, key)
        for key in ("standardize", "nested", "categorical", "within_between")
    }
    if not spec.table:  # moments of a published table have its rows
        asked["min_quarters"] = spec.min_quarters != ModelSpec.min_quarters and spec.min_quarters
    for key, value in asked.items():
        if value:
            rule = "is done before moments are made: they cannot answer it"
            fix = "do it to the columns that the moments are made of, or fit to the data frame"
            raise UsageError(f"{where}: {key}", rule, got=value, fix=fix)


def moments_of(spec: ModelSpec, data: Any) -> tuple[tuple[Moments, ...], str]:
    """Possible sufficient statistics of a model, and where they come from.

    Parameters
    ----------
    spec : ModelSpec
        The model.
    data : Study, AnalysisSample, Moments or a data frame
        Its data.
    """
    return _given(spec, data, rows_of(spec, data))


def group_sizes(spec: ModelSpec, data: Any) -> dict[str, int]:
    """Rows of each group in the data of a model, before it is fitted.

    Parameters
    ----------
    spec, data
        As in `moments_of`.
    """
    rows = rows_of(spec, data)
    moments = moments_of(spec, data)[0][0] if rows is None else rows.moments
    return {str(g): int(n) for g, n in zip(moments.groups, moments.sizes, strict=True)}


def _given(spec: ModelSpec, data: Any, rows: Rows | None) -> tuple[tuple[Moments, ...], str]:
    """Moments of the rows, or those that the published study or the caller has."""
    if rows is not None:
        return (rows.moments,), source_of(data)
    if isinstance(data, Study):
        return data.moments(spec), source_of(data)
    return (data.moments(spec) if isinstance(data, Scan) else data,), source_of(data)


def gaps_of(data: Any, rows: Rows | None) -> Gaps | None:
    """Rows of a frame that were left out for gaps; None of data that are no frame.

    Parameters
    ----------
    data
        As in `fit`.
    rows : Rows or None
        That were made of them.
    """
    return None if rows is None or isinstance(data, AnalysisSample) else rows.gaps


def source_of(data: Any) -> str:
    """Where data come from, as `Provenance.source` has it; a frame's columns are none of our keys.

    Parameters
    ----------
    data
        As in `fit`.
    """
    if isinstance(data, Study | AnalysisSample):
        return data.source
    return "moments" if isinstance(data, Moments) else "frame"


@overload
def fit(
    what: str | ModelSpec, data: Any, *, engine: str = ..., family: str = ...,
    weights: str = ..., frequencies: str = ..., missing: str = ...,
    priors: Priors | Mapping[str, Any] | None = ..., prob: float = ..., seed: int = ...,
    draws: int | None = ..., tune: int | None = ..., chains: int | None = ...,
    target_accept: float | None = ..., nAGQ: int | None = ...,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = ...,
) -> Result: ...  # fmt: skip
@overload
def fit(
    what: Analysis, data: Any, *, engine: str = ..., family: str = ...,
    weights: str = ..., frequencies: str = ..., missing: str = ...,
    priors: Priors | Mapping[str, Any] | None = ..., prob: float = ..., seed: int = ...,
    draws: int | None = ..., tune: int | None = ..., chains: int | None = ...,
    target_accept: float | None = ..., nAGQ: int | None = ...,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = ...,
) -> Results: ...  # fmt: skip
def fit(
    what: str | ModelSpec | Analysis,
    data: Any,
    *,
    engine: str = "",
    family: str = "gaussian",
    weights: str = "",
    frequencies: str = "",
    missing: str = "drop",
    priors: Priors | Mapping[str, Any] | None = None,
    prob: float = 0.95,
    seed: int = 1,
    draws: int | None = None,
    tune: int | None = None,
    chains: int | None = None,
    target_accept: float | None = None,
    nAGQ: int | None = None,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> Result | Results:
    """Fit a model, or every model of an analysis.

    Parameters
    ----------
    what : str, ModelSpec or Analysis
        What is asked. A text is a formula as in lme4, brms and bambi: ``"y ~ x * c + (1 + x | g)"``
        (see `bayes_sf.spec.terms.formula`). A random intercept of columns is fitted as ever;
        whatever is more has a `MixedResult`, with the same methods.
    data : Study, AnalysisSample, Moments, a data frame, a path, a lazy table or completed sets
        `load_sample("published")`, `load_sample("replica")`, your own sample, or any frame that
        Narwhals reads (pandas, polars, pyarrow, ...) with the specification's columns. Of a
        Parquet file, a DuckDB relation, a Polars LazyFrame, a Spark DataFrame or an Ibis table a
        random-intercept model needs sums only: rows stay where they are, and the result has none
        (`loo` and the like need them). Other models read the columns that they name. A list of
        frames, or a frame with a column ``.imp``, are completed data sets (`spec.terms.sets`): by
        ``exact`` their posteriors are averaged, by ``reml``, ``ml`` and ``ols`` pooled.
    engine : {"exact", "reml", "ml", "ols", "nuts"}
        How it is estimated; by default a posterior: ``exact`` for Gaussian outcomes, ``nuts`` for
        others. ``reml``, ``ml`` and ``ols`` have no priors: those of the specification
        are for the other two, so that one model can be put to all.
    family : str
        Of a formula's outcome: ``bernoulli``, ``binomial`` (``p(y, n) ~ ...``), ``beta_binomial``,
        ``poisson``, ``negativebinomial``, ``beta``, ``cumulative``, ``hurdle_gamma``,
        ``hurdle_lognormal``; all by ``nuts``, bernoulli, binomial and poisson by ``ml``, too. The
        result is an `OutcomeResult`.
    weights : str
        Of a formula: column of precision weights, as lme4's, Var(e_i) = sd_resid^2/weight_i.
    frequencies : str
        Of a formula: column of counts; a row stands for so many equal rows.
    missing : {"drop", "error", "model"}
        Of a formula: what becomes of a data frame's rows with a gap in one of the model's columns.
        They are left out, as in R, which a `MissingWarning` says in one line; or refused; or, of a
        Gaussian random intercept, imputed in the model 100 times (`bayes_sf.impute`), and what the
        sets say is averaged or pooled.
    priors : Priors or mapping, optional
        Of a formula: those of a specification are its own. Of other than Gaussian outcomes also by
        name, ``{"age": "normal(0, 2)", "sd_(Intercept)|g": "half-normal(0, 1)"}``, the names being
        those of the result and the scale the link's.
    prob : float
        Probability of the (equal-tailed credible, or Wald) intervals.
    seed : int
        Seed of what is random (nuts); nothing else depends on it.
    draws, tune, chains : int, optional
        Of ``nuts``: draws of every chain after its warm-up (1,000; of other than Gaussian outcomes
        2,000), warm-up (1,000), chains (4).
    target_accept : float, optional
        Of ``nuts``. Settings that are given are taken as they are; without any, a fit that fails
        its diagnostics is tried once more, more carefully.
    nAGQ : int, optional
        Of ``ml`` of other than Gaussian outcomes: nodes of adaptive quadrature, as in lme4's
        ``glmer``; by default 25 for one random intercept, else 1 (Laplace's approximation).
    progress : callable
        Wraps the models of an analysis, for a progress bar.

    Returns
    -------
    Result or Results
        Frozen; `estimates` is the tidy table. Of completed sets that are pooled a `PooledResult`.

    Raises
    ------
    UsageError
        For an unknown engine, an impossible probability or seed; for an option of the
        specification that these data, or this engine, cannot carry out: it is named.
    DataError, SpecError, ConvergenceError
        As the data, the specification and the engine have it.

    Warns
    -----
    MissingWarning
        Where rows of a data frame are left out: how many, by column and by group. The same counts
        are in ``result.provenance.gaps``.
    OutcomeWarning
        Where a data frame's outcome is not what a Gaussian model is for (`bayes_sf.spec.outcome`).

    Examples
    --------
    >>> import pandas as pd
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
    >>> result = fit(ModelSpec("y", group="g"), df, engine="reml")
    >>> result
    <Result y ~ null (reml): 9 rows, 3 groups of g>
    >>> round(result.icc()["estimate"], 3)
    0.94
    """
    chosen = _engine_of(what, engine, family)
    check_numbers(prob=prob, seed=seed)
    asked = {"draws": draws, "tune": tune, "chains": chains, "target_accept": target_accept}
    settings = sampler_settings(asked, chosen, what)
    with sampler_options(settings):
        other = "" if family == "gaussian" else family
        if not isinstance(what, str):
            given = {"weights": weights, "frequencies": frequencies, "priors": priors}
            left = "" if missing == "drop" else missing
            check_beside(what, {**given, "family": other, "missing": left})
        if isinstance(what, Analysis):
            data = _together(data, what.specs)
            specs = progress(what.specs)
            if chosen == "reml" and nAGQ is None and _are_alike(what.specs, data):
                return Results(tuple(_fit_alike(specs, data, prob, seed)))
            return Results(tuple(_fit_one(s, data, chosen, prob, seed, n_agq=nAGQ) for s in specs))
        if isinstance(what, ModelSpec):
            return _fit_one(what, data, chosen, prob, seed, n_agq=nAGQ)
        if missing == "model" and not isinstance(data, Study | AnalysisSample):
            check_beside_gaps(family=other, weights=weights, frequencies=frequencies)
            return _fit_imputed(what, data, chosen, prob, seed, priors=priors)
        spec = ModelSpec.from_formula(
            what, weights=weights, frequencies=frequencies, family=family, missing=missing,
            **priors_of(priors, family),
        )  # fmt: skip
        try:
            return _fit_one(spec, data, chosen, prob, seed, n_agq=nAGQ)
        except DataError as error:  # of a column that is not there, say where it is named
            raise with_place(error, read_formula(what), data) from None


def _together(data: Any, specs: Sequence[ModelSpec]) -> Any:
    """Data that many models have, looked at once for all of them."""
    if isinstance(data, Study | AnalysisSample | Rows | Moments) or are_sets(data, ()):
        return data
    if is_remote(data):
        return Scan(data, specs)
    columns = [name for spec in specs if not spec.formula for name in spec.columns]
    return Table(data, columns) if columns else data


def _are_alike(specs: Sequence[ModelSpec], data: Any) -> bool:
    """Whether all are random intercepts without anything that only one fit can answer."""
    plain = all(spec.plain and not spec.models_gaps for spec in specs)
    return plain and isinstance(data, Study | AnalysisSample | Rows | Moments | Scan | Table)


def _engine_of(what: Any, engine: str, family: str) -> str:
    """The engine that was asked for, or the one that gives a posterior."""
    known = (*ENGINES, "ml")
    if engine == "":
        family = what.family if isinstance(what, ModelSpec) else family
        return "exact" if family_of(family).name == "gaussian" else "nuts"
    if not isinstance(engine, str) or engine not in known:
        rule = f"must be one of {', '.join(known)}"
        raise UsageError("engine", rule, got=engine, fix=closest(str(engine), known))
    return engine


def _fit_one(
    spec: ModelSpec, data: Any, engine: str, prob: float, seed: int, *, n_agq: int | None
) -> Result:
    """One model."""
    check_nodes(n_agq, engine, spec.family)
    if isinstance(data, Scan | Table) or not are_sets(data, spec.columns):
        return _fit_frame(spec, data, engine, prob, seed, n_agq=n_agq)
    from bayes_sf.engines.sets.fit import fit_sets

    def fit_one(one: ModelSpec, frame: Any) -> Result:
        return _fit_frame(one, frame, engine, prob, seed, n_agq=n_agq)

    return fit_sets(spec, read_sets(data), engine, fit_one)


def _fit_imputed(
    what: str, data: Any, engine: str, prob: float, seed: int, *, priors: Any
) -> Result:
    """One model whose gaps are imputed in it: completed sets, averaged or pooled."""
    from bayes_sf.engines.sets.impute import impute

    if are_sets(data, ModelSpec.from_formula(what).columns):
        rule = "is not for completed sets, which have no gaps"
        raise UsageError("fit: missing", rule, got="model", fix="leave it out")
    if engine == "nuts":
        rule = "does not impute gaps: it is by 'exact', averaged, or 'reml', 'ml', 'ols', pooled"
        raise UsageError("engine 'nuts'", rule, got=what)
    given = priors_of(priors, "gaussian").get("priors")
    done = impute(what, data, _SETS, priors=given, draws=_DRAWS, seed=seed)
    done.check()
    spec = ModelSpec.from_formula(what, **({} if given is None else {"priors": given}))
    result = _fit_one(spec, list(done.frames), engine, prob, seed, n_agq=None)
    return replace(result, provenance=replace(result.provenance, seed=seed))


def _fit_frame(
    spec: ModelSpec, data: Any, engine: str, prob: float, seed: int, *, n_agq: int | None
) -> Result:
    """One model of one data set."""
    if isinstance(data, Table):
        data = data.native if spec.formula or spec.models_gaps else data
    elif is_remote(data):
        data = Scan(data, [spec])
    if spec.family != "gaussian":
        from bayes_sf.engines.outcomes.fit import fit_outcome

        return fit_outcome(
            spec, data, engine, prob=prob, seed=seed, versions=versions(), n_agq=n_agq
        )
    if spec.models_gaps:
        return _fit_missing(spec, data, engine, prob, seed)
    if spec.formula and engine == "nuts" and spec.varying:
        spec = replace(spec, formula="")
    if spec.formula or engine == "ml":
        return _fit_mixed(spec, data, engine, prob, seed)
    ready = _make_ready(spec, data, engine)
    start = perf_counter()
    fitted = ready.fit(engine, seed)
    return ready.result(engine, fitted, prob, seed, perf_counter() - start)


@dataclass(frozen=True)
class _Ready:
    """A model of rows or moments, and what is known of its data before it is fitted."""

    spec: ModelSpec
    data: Any
    rows: Rows | None
    moments: tuple[Moments, ...]
    gaps: Gaps | None

    @property
    def plain(self) -> bool:
        """Whether moments are enough."""
        return self.spec.plain or self.rows is None

    def fit(self, engine: str, seed: int) -> Any:
        """What the engine finds."""
        if self.plain:
            return ENGINES[engine](self.moments, self.spec.priors, seed)
        return _OF_ROWS[engine](cast("Rows", self.rows), self.spec, seed)

    def result(self, engine: str, fitted: Any, prob: float, seed: int, seconds: float) -> Result:
        """The same, with where it comes from."""
        of_data = self.moments[0] if self.plain else cast("Rows", self.rows)
        provenance = Provenance(
            spec=self.spec.digest,
            data=of_data.digest,
            source=source_of(self.data),
            seed=seed if engine == "nuts" else _seed_of(self.data),
            seconds=seconds, versions=versions(), gaps=self.gaps,
        )  # fmt: skip
        return Result(self.spec, engine, fitted, prob, provenance, self.rows)


def _make_ready(spec: ModelSpec, data: Any, engine: str) -> _Ready:
    """Data of one model, checked, and warned of."""
    spec.check_priors()
    rows = rows_of(spec, data)
    if not spec.plain:
        _check_engine(spec, rows, engine)
    moments = _given(spec, data, rows)[0]
    gaps = data.gaps(spec) if isinstance(data, Scan) and rows is None else gaps_of(data, rows)
    warn_of_gaps(gaps)
    of_report = isinstance(data, AnalysisSample) and bool(load_codebook().register)
    if rows is not None and not isinstance(data, Rows) and not of_report:
        whole = rows.whole
        other = what_else(rows.y) if whole is None else whole.looks(spec.outcome)
        warn_of_outcome(other, spec.outcome)
    return _Ready(spec, data, rows, moments, gaps)


def _fit_alike(specs: Iterable[ModelSpec], data: Any, prob: float, seed: int) -> list[Result]:
    """Random intercepts by REML, all at one time."""
    from bayes_sf.engines.gaussian.ols_reml import fit_many

    ready = [_make_ready(spec, data, "reml") for spec in specs]
    start = perf_counter()
    fits = fit_many([one.moments[0] for one in ready])
    seconds = (perf_counter() - start) / max(len(ready), 1)
    return [
        one.result("reml", fit, prob, seed, seconds) for one, fit in zip(ready, fits, strict=True)
    ]


def _fit_mixed(spec: ModelSpec, data: Any, engine: str, prob: float, seed: int) -> Result:
    """One model with any random terms, or a random intercept by maximum likelihood."""
    from bayes_sf.engines.mixed.fit import fit_formula

    if not spec.formula:
        if not spec.plain or isinstance(data, Study | AnalysisSample | Moments):
            raise UsageError(
                f"model {spec.name!r}: engine 'ml'", "fits data frames with Gaussian random terms",
                got=type(data).__name__, fix="use engine 'reml'",
            )  # fmt: skip
        frame = data.table.to_native() if isinstance(data, Scan) else data  # ml is of rows
        data = rows_of(spec, frame)
    return fit_formula(spec, data, engine, prob=prob, seed=seed, versions=versions())


def _seed_of(data: Any) -> int | None:
    """Seed of the published study's recovery; a frame's columns are none of our keys."""
    return data.seed if isinstance(data, Study) else None


def _fit_missing(spec: ModelSpec, data: Any, engine: str, prob: float, seed: int) -> Result:
    """One model whose gaps are modelled; outcomes of the same predictors share a panel fit."""
    from bayes_sf.engines.panel.result import fit_missing

    spec.check_priors()
    start = perf_counter()
    fitted = fit_missing(spec, data, engine, seed=seed)
    provenance = Provenance(
        spec=spec.digest, data=fitted.panel_fit.panel.digest, source=data.source, seed=seed,
        seconds=perf_counter() - start, versions=versions(),
    )  # fmt: skip
    return Result(spec, engine, fitted, prob, provenance)


def _check_engine(spec: ModelSpec, rows: Rows | None, engine: str) -> None:
    """A model beyond the Gaussian random intercept needs rows, and an engine that fits it."""
    where = f"model {spec.name!r} of {spec.outcome!r}"
    if rows is None:
        raise UsageError(
            where, "needs rows: sufficient statistics are not enough for it",
            got="published tables or moments", fix="use --data replica, or files of your own",
        )  # fmt: skip
    if engine not in spec.engines:
        names = " or ".join(repr(name) for name in spec.engines)
        raise UsageError(
            where, "is more than a Gaussian random intercept, which not every engine fits",
            got=f"engine {engine!r}", fix=f"use engine {names}",
        )  # fmt: skip


@cache
def versions() -> dict[str, str]:
    """Versions of Python, of bayes_sf and of the libraries that compute."""
    names = ("bayes-sf", "numpy", "scipy", "pandas", "pymc", "nutpie", "arviz")
    return {"python": platform.python_version(), **{n: metadata.version(n) for n in names}}
