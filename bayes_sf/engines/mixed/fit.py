"""Fit of a formula that is more than one random intercept, by any of its engines."""

from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_sf.engines.mixed.covariance import sd_names
from bayes_sf.engines.mixed.exact import MixedPosterior, fit_mixed_exact
from bayes_sf.engines.mixed.likelihood import MixedFit, fit_mixed
from bayes_sf.engines.mixed.result import MixedResult
from bayes_sf.engines.result import Provenance
from bayes_sf.errors import UsageError
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.spec.family import family_of
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.moments import Moments
from bayes_sf.spec.names import INTERCEPT, QUANTITIES, check_drawn, check_terms
from bayes_sf.spec.outcome import warn_of_outcome, what_else
from bayes_sf.spec.rows import Rows
from bayes_sf.spec.scan import Scan
from bayes_sf.spec.study import Study
from bayes_sf.spec.terms.gaps import warn_of_gaps
from bayes_sf.spec.terms.matrices import Factor, Matrices

if TYPE_CHECKING:
    from bayes_sf.engines.mixed.sampled import MixedSampled

__all__ = ["check_named", "fit_formula", "matrices_of", "of_rows"]


def matrices_of(spec: ModelSpec, data: Any) -> Matrices:
    """Design matrices of a formula on a data frame.

    Parameters
    ----------
    spec : ModelSpec
        With a formula.
    data
        A data frame, or a table that can be read as one.

    Raises
    ------
    UsageError
        For anything else: sufficient statistics of one factor are not enough, and what is told of
        microdata has no rule of disclosure for several factors yet.
    """
    if isinstance(data, Study | AnalysisSample | Moments | Rows):
        raise UsageError(
            f"model {spec.name!r}", "needs a data frame: a study's files and tables carry formulas "
            "with one random intercept of columns only", got=spec.formula,
            fix="write y ~ x + (1 | g), or pass your own data frame",
        )  # fmt: skip
    frame = data.table.to_native() if isinstance(data, Scan) else data
    return Matrices.from_frame(
        frame, spec.parsed, weights=spec.weights, frequencies=spec.frequencies,
        family=family_of(spec.family), missing=spec.missing,
    )  # fmt: skip


def of_rows(rows: Rows) -> Matrices:
    """Design matrices of a random-intercept model's rows.

    Parameters
    ----------
    rows : Rows
        Of any predictors.
    """
    ones = np.ones((rows.n_obs, 1))
    factor = Factor(rows.group, rows.groups, rows.code, (INTERCEPT,), ones, ((0,),))
    return Matrices(
        rows.outcome, rows.terms, rows.y, np.hstack([ones, rows.x]), (factor,), frame=rows.frame,
        gaps=rows.gaps,
    )  # fmt: skip


def check_named(made: Matrices, engine: str, parameters: Sequence[str] = ()) -> None:
    """Refuse terms and factors whose names a result has for quantities of its own.

    Parameters
    ----------
    made : Matrices
    engine : str
        Draws of ``nuts`` have variables of these names.
    parameters : sequence of str
        What a family has beside the mean.
    """
    own = [
        name for f in made.factors for names in sd_names(f) for name in (*names, f"icc|{f.name}")
    ]
    terms = [term for term in made.terms if term != INTERCEPT]
    check_terms(terms, (*QUANTITIES, *own, *parameters))
    if engine == "nuts":
        check_drawn(own)


def fit_formula(
    spec: ModelSpec,
    data: Any,
    engine: str,
    *,
    prob: float,
    seed: int,
    versions: dict[str, str],
) -> MixedResult:
    """Fit a model with any random terms.

    Parameters
    ----------
    spec : ModelSpec
        With a formula; or without one, a random intercept by ``ml``.
    data
        A data frame; of a model without formula its `Rows`.
    engine : str
        One of `ModelSpec.engines`.
    prob : float
        Probability of the intervals.
    seed : int
        Seed of what is random (nuts).
    versions : dict
        Of the libraries that compute.

    Raises
    ------
    UsageError
        For an engine that does not fit it.
    """
    if spec.formula and engine not in spec.engines:
        names = " or ".join(repr(name) for name in spec.engines)
        raise UsageError(
            f"model {spec.name!r} of {spec.outcome!r}", "is not fitted by this engine", got=engine,
            fix=f"use engine {names}",
        )  # fmt: skip
    spec.check_priors()
    made = of_rows(data) if isinstance(data, Rows) else matrices_of(spec, data)
    check_named(made, engine)
    warn_of_gaps(made.gaps)
    if spec.formula:
        warn_of_outcome(what_else(made.y), spec.outcome)
    start = perf_counter()
    fitted: MixedFit | MixedPosterior | MixedSampled
    if engine == "exact":
        fitted = fit_mixed_exact(made, spec.priors)
    elif engine == "nuts":
        from bayes_sf.engines.mixed.sampled import fit_mixed_nuts

        fitted = fit_mixed_nuts(made, spec.priors, seed=seed)
    else:
        fitted = fit_mixed(made, reml=engine == "reml")
    provenance = Provenance(
        spec=spec.digest, data=made.digest, source="frame",
        seed=seed if engine == "nuts" else None,
        seconds=perf_counter() - start, versions=versions, gaps=made.gaps,
    )  # fmt: skip
    return MixedResult(spec, engine, fitted, prob, provenance, matrices=made)
