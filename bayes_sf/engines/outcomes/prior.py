"""Priors of a model whose outcome is not Gaussian: one of every coefficient and sd, by its name.

The link's scale has no unit of the outcome's, so that 1 stands where Gaussian models have sd(y):
slopes are normal(0, 2.5/sd(x)), as rstanarm's, the intercept (at the predictors' means) normal with
sd 2.5 around the link of the mean, sds half-t(3, 0, 1), those of slopes half-t(3, 0, 1/sd(x));
correlations lkj(2), as everywhere. Sds and correlations are those where predictors are zero.
Parameters that a family has beside its mean keep bambi's priors; thresholds have the intercept's
scale.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from bayes_sf.engines.mixed.covariance import sd_names
from bayes_sf.errors import SpecError
from bayes_sf.spec.family import Family
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.names import INTERCEPT
from bayes_sf.spec.prior import LOCATION_FAMILIES, Prior
from bayes_sf.spec.priors import Priors
from bayes_sf.spec.terms.matrices import Matrices

__all__ = ["outcome_priors", "stated"]


def outcome_priors(matrices: Matrices, family: Family, spec: ModelSpec) -> Mapping[str, Prior]:
    """Prior of every coefficient, sd and correlation, on the link's scale.

    Parameters
    ----------
    matrices : Matrices
    family : Family
    spec : ModelSpec
        Whose `priors` hold by role, or by name instead.

    Raises
    ------
    SpecError
        For a name that the model does not have, a family that what it names cannot have, one of
        several correlations that are drawn as a matrix.
    """
    found = dict(_by_role(matrices, family, spec.priors))
    named = spec.priors.named
    spec.priors.check_names(tuple(found))
    found |= {name: prior.resolve(1.0) for name, prior in named.items()}
    kinds = _kinds(matrices)
    for name, prior in found.items():
        prior.check_family(f"priors: {name!r}", kinds.get(name, LOCATION_FAMILIES))
    _check_matrices(matrices, list(named))
    return found


def _kinds(matrices: Matrices) -> dict[str, tuple[str, ...]]:
    """Families that sds and correlations can have, by name."""
    found: dict[str, tuple[str, ...]] = {}
    for factor in matrices.factors:
        sds, correlations = sd_names(factor)
        found |= dict.fromkeys(sds, ("half-t", "half-normal", "exponential", "gamma"))
        found |= dict.fromkeys(correlations, ("lkj",))
    return found


def _check_matrices(matrices: Matrices, named: Sequence[str]) -> None:
    """Refuse a prior of one correlation among several of the same effects."""
    for factor in matrices.factors:
        for name, (i, _) in zip(sd_names(factor)[1], factor.pairs, strict=True):
            (block,) = (block for block in factor.blocks if i in block)
            if name in named and len(block) > 2:
                raise SpecError(
                    f"priors: {name!r}", "is of a matrix of correlations, which have one prior",
                    fix="use priors=Priors(correlation=Prior('lkj', shape=...))",
                )  # fmt: skip


def _by_role(matrices: Matrices, family: Family, priors: Priors) -> Iterator[tuple[str, Prior]]:
    """Names and priors, resolved."""
    if family.ordered:  # of the thresholds
        yield INTERCEPT, priors.intercept.resolve(1.0)
    for term, column in zip(matrices.terms, matrices.x.T, strict=True):
        if term == INTERCEPT:
            yield term, priors.intercept.resolve(1.0, _centre(matrices, family))
        else:
            size = 1 / column.std() if np.ptp(column) > 0 else 1.0
            yield term, priors.slope.resolve(float(size))
    for factor in matrices.factors:
        for name, column, sd in zip(factor.columns, factor.z.T, sd_names(factor)[0], strict=True):
            if name == INTERCEPT:
                yield sd, priors.sd_group.resolve(1.0)
            else:
                size = np.sqrt(((column - column.mean()) ** 2).mean()) or 1.0
                yield sd, priors.of("sd_slope").resolve(float(1 / size))
        for name in sd_names(factor)[1]:
            yield name, priors.of("correlation").resolve(1.0)


def _centre(matrices: Matrices, family: Family) -> float:
    """The link of the mean response, above zero of a hurdle's."""
    y = matrices.y if matrices.trials is None else matrices.y / matrices.trials
    if family.link == "logit":
        share = float(np.clip(y.mean(), 0.01, 0.99))
        return float(np.log(share / (1 - share)))
    if family.name == "hurdle_lognormal":
        return float(np.log(y[y > 0]).mean())
    above = y[y > 0] if "psi" in family.parameters else y
    return float(np.log(above.mean()))


def stated(priors: Mapping[str, Prior], more: Mapping[str, str]) -> str:
    """All priors in one line, as they are printed.

    Parameters
    ----------
    priors : mapping
        Of `outcome_priors`.
    more : mapping
        Bambi's, of the family's own parameters, as bambi writes them.

    Examples
    --------
    >>> stated({"x": Prior("normal", scale=0.5, location=0.0, autoscale=False)}, {"psi": "Beta"})
    'x normal(0, 0.5); psi Beta'
    """
    named = {name: replace(prior, reason="").text() for name, prior in priors.items()}
    return "; ".join(f"{name} {text}" for name, text in {**named, **more}.items())
