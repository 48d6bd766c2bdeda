"""Fit of one model to completed data sets: posteriors mixed over them, or estimates pooled.

Given completed sets drawn from the posterior of what is missing, the posterior of a model is the
average of the posteriors that each set gives (Zhou & Reiter 2010, The American Statistician 64,
159-163). Estimates with standard errors are pooled by Rubin's rules (`rubin`).
"""

import hashlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from bayes_sf.engines.gaussian.posterior import Posterior
from bayes_sf.engines.mixed.exact import MixedPosterior
from bayes_sf.engines.result import Provenance, Result
from bayes_sf.engines.sets.average import MixedAverage
from bayes_sf.engines.sets.result import PooledResult, rows_of_fit, spreads_of
from bayes_sf.engines.sets.rubin import pool
from bayes_sf.errors import DataError, OutcomeWarning, UsageError
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.terms.gaps import NO_GAP
from bayes_sf.spec.terms.sets import Sets

__all__ = ["fit_sets"]

#: Engines that fit completed sets.
_ENGINES = ("exact", "reml", "ml", "ols")


def fit_sets(
    spec: ModelSpec, sets: Sets, engine: str, fit_one: Callable[[ModelSpec, Any], Result]
) -> Result:
    """Fit a model to every set, and put what they say together.

    Parameters
    ----------
    spec : ModelSpec
        The model.
    sets : Sets
        Completed data sets.
    engine : str
        ``exact`` averages posteriors; ``reml``, ``ml`` and ``ols`` are pooled.
    fit_one : callable
        Fits a model to one frame, by that engine.

    Raises
    ------
    UsageError
        For an engine that samples, and a model whose posteriors are not averaged.
    DataError
        For a set with gaps, or with other rows, terms or groups than the first.
    """
    if engine not in _ENGINES:
        raise UsageError(
            f"engine {engine!r}", "does not fit completed data sets: its draws would be of each",
            fix=f"use engine {' or '.join(map(repr, _ENGINES))}",
        )  # fmt: skip
    fits = tuple(_fits(spec, sets, fit_one))
    first = fits[0]
    for number, fit in enumerate(fits, start=1):
        _check_alike(number, fit, first)
    seconds = sum(fit.provenance.seconds for fit in fits)
    digest = hashlib.sha256("".join(fit.provenance.data for fit in fits).encode()).hexdigest()[:16]
    provenance = Provenance(
        spec.digest, digest, "sets", None, seconds, first.provenance.versions,
        sets=replace(sets, frames=(), original=None),
    )  # fmt: skip
    if engine != "exact":
        rows = [fit.coefficients for fit in fits]
        pooled = pool(
            np.array([[row.estimate for row in each] for each in rows]),
            np.array([[row.sd**2 for row in each] for each in rows]),
            [row.term for row in rows[0]], df_complete=float(_df_complete(first)),
        )  # fmt: skip
        return PooledResult(spec, engine, pooled, first.prob, provenance, fits=fits)
    mixed = _average(spec, [fit.fitted for fit in fits])
    return replace(first, spec=spec, fitted=mixed, provenance=provenance, data=None)


def _average(spec: ModelSpec, posteriors: list[Any]) -> Posterior | MixedAverage:
    """Average the sets' posteriors, each with the same weight."""
    if isinstance(posteriors[0], Posterior):
        return Posterior(tuple(part for posterior in posteriors for part in posterior.parts))
    if isinstance(posteriors[0], MixedPosterior):
        return MixedAverage(tuple(posteriors))
    raise UsageError(
        f"model {spec.name!r}", "has posteriors that are not averaged over completed sets",
        got="repeats", fix="use a model without it",
    )  # fmt: skip


def _fits(
    spec: ModelSpec, sets: Sets, fit_one: Callable[[ModelSpec, Any], Result]
) -> Iterator[Result]:
    """Fits of every set; what is doubtful of an outcome is said once."""
    whole = replace(spec, missing="error")
    for number, frame in enumerate(sets.frames, start=1):
        try:
            with warnings.catch_warnings():
                if number > 1:
                    warnings.simplefilter("ignore", OutcomeWarning)
                yield fit_one(whole, frame)
        except DataError as error:
            where = f"completed set {number}: {error.where}"
            fix = "complete these columns, too" if error.rule == NO_GAP else error.fix
            raise DataError(where, error.rule, got=error.got, fix=fix) from None


def _check_alike(number: int, fit: Result, first: Result) -> None:
    """Sets are of the same rows: as many, with the same terms and groups."""
    for what, mine, other in (
        ("rows", rows_of_fit(fit), rows_of_fit(first)),
        ("terms", *([row.term for row in f.coefficients] for f in (fit, first))),
        ("groups", _groups(fit), _groups(first)),
    ):
        if mine != other:
            raise DataError(
                f"completed set {number}", f"must have the {what} of the first one",
                got=mine if what != "groups" else "others",
                fix="complete the same rows in every set; declare categories that a set may lack",
            )  # fmt: skip


def _groups(fit: Result) -> list[tuple[str, ...]]:
    matrices = getattr(fit, "matrices", None)
    if matrices is None:
        return [fit.moments.groups]
    return [factor.levels for factor in matrices.factors]


def _df_complete(fit: Result) -> int:
    """Rows less parameters, which are all but ICCs: R's ``df.residual``; of OLS coefficients."""
    spreads = [row for row in spreads_of(fit) if not row.term.startswith("icc")]
    free = len(fit.coefficients) + (0 if fit.engine == "ols" else len(spreads))
    return rows_of_fit(fit) - free
