"""Fit of a model whose outcome is not Gaussian, by any of its engines."""

from time import perf_counter
from typing import Any

from bayes_sf.engines.mixed.fit import check_named, matrices_of
from bayes_sf.engines.outcomes.maximum import fit_maximum, nodes_for
from bayes_sf.engines.outcomes.result import OutcomeResult
from bayes_sf.engines.result import Provenance
from bayes_sf.errors import UsageError
from bayes_sf.spec.family import family_of
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.terms.gaps import warn_of_gaps

__all__ = ["fit_outcome"]


def fit_outcome(
    spec: ModelSpec,
    data: Any,
    engine: str,
    *,
    prob: float,
    seed: int,
    versions: dict[str, str],
    n_agq: int | None = None,
) -> OutcomeResult:
    """Fit a model of a bernoulli, binomial, poisson, ... outcome.

    Parameters
    ----------
    spec : ModelSpec
        With a formula and another family than gaussian.
    data
        A data frame.
    engine : {"nuts", "ml"}
    prob : float
        Probability of the intervals.
    seed : int
        Seed of what is random (nuts).
    versions : dict
        Of the libraries that compute.
    n_agq : int, optional
        Nodes of the quadrature by ``ml``: lme4's ``nAGQ``.

    Raises
    ------
    UsageError
        For an engine that does not fit the family, and options that an engine does not have.
    """
    family = family_of(spec.family)
    where = f"model {spec.name!r} of family {family.name!r}"
    if engine not in family.engines:
        names = " or ".join(repr(name) for name in family.engines)
        raise UsageError(
            where, "is not fitted by this engine: it is for Gaussian outcomes"
            if engine != "ml" else "is not fitted by this engine", got=engine,
            fix=f"use engine {names}",
        )  # fmt: skip
    if engine == "nuts" and spec.frequencies:
        rule = "counts equal rows by engine 'ml' only"
        raise UsageError(f"{where}: frequencies", rule, got=spec.frequencies, fix="repeat the rows")
    spec.check_priors()
    made = matrices_of(spec, data)
    check_named(made, engine, family.parameters)
    warn_of_gaps(made.gaps)
    start = perf_counter()
    fitted: Any
    if engine == "ml":
        fitted = fit_maximum(made, family, nodes_for(made, n_agq))
    else:
        from bayes_sf.engines.outcomes.sampled import fit_sampled

        fitted = fit_sampled(made, family, spec, seed=seed)
    provenance = Provenance(
        spec=spec.digest, data=made.digest, source="frame",
        seed=seed if engine == "nuts" else None,
        seconds=perf_counter() - start, versions=versions, gaps=made.gaps,
    )  # fmt: skip
    return OutcomeResult(spec, engine, fitted, prob, provenance, matrices=made)
