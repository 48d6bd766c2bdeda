"""Sampled models beyond the Gaussian random intercept: which engine fits which likelihood."""

from bayes_sf.engines.nuts import Sampled
from bayes_sf.errors import UsageError
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.rows import Rows

__all__ = ["fit_hierarchical"]


def fit_hierarchical(rows: Rows, spec: ModelSpec, *, seed: int = 1) -> Sampled:
    """Sample the posterior of a model that is more than a Gaussian random intercept.

    Parameters
    ----------
    rows : Rows
        The data.
    spec : ModelSpec
        The model.
    seed : int
        Seed of everything random; the same seed gives the same draws.
    """
    if spec.likelihood == "student":
        from bayes_sf.engines.student import fit_student

        return fit_student(rows, spec, seed=seed)
    raise UsageError(f"model {spec.name!r}", "is not written yet")
