"""Student-t residuals: coefficients and group effects are sampled, from where the data put them.

y_i = x_i'beta + tau u_j + sigma e_i, with e_i from a t distribution of nu degrees of freedom, which
gives a workplace far from all others less weight (Lange, Little & Taylor 1989). Nothing can be
integrated out, so gamma = (beta, u) = centre + L'^-1 z is sampled through z, where centre and L L'
are mean and precision of the Gaussian posterior of gamma given (sigma, tau, nu): that of residuals
with the information of a t distribution, (nu + 1)/((nu + 3) sigma^2), rows weighted as a pilot fit
has it. z is close to N(0, I) whatever sigma and tau are: no funnel.

The ICC is that of the variances, tau^2/(tau^2 + sigma^2 nu/(nu - 2)), and 0 where nu <= 2: the
residuals have no variance there.

References
----------
Lange, Little & Taylor (1989), JASA 84, 881-896. Juárez & Steel (2010), J. Bus. Econ. Stat. 28,
52-66 (prior of nu).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.engines.gaussian.draws import posterior_tree
from bayes_sf.engines.gaussian.joint import Joint
from bayes_sf.engines.gaussian.likelihood import check_groups, standardise
from bayes_sf.engines.sampled.cells import resolve_all
from bayes_sf.engines.sampled.compiling import compile_model
from bayes_sf.engines.sampled.graph import prior_structure, put_in, scale_variable
from bayes_sf.engines.sampled.nuts import Sampled, sample, sampler_stats, try_twice
from bayes_sf.errors import SpecError
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.prior import LOCATION_FAMILIES, Prior
from bayes_sf.spec.rows import Rows

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Numbers", "fit_student", "icc_of", "student_model"]


#: Degrees of freedom of the pilot fit, and its iterations.
_PILOT_DF, _PILOT_ROUNDS = 4.0, 30


@dataclass(frozen=True, eq=False)
class Numbers:
    """What is put into a compiled graph, standardised.

    Parameters
    ----------
    joint : Joint
        Of the Gaussian model: data and the priors that both have.
    df : Prior
        Of the degrees of freedom.
    columns : (n, k + J) array
        Ones and predictors, dummies of the groups.
    y : (n,) array
    """

    joint: Joint
    df: Prior
    columns: Floats
    y: Floats

    @classmethod
    def of(cls, rows: Rows, spec: ModelSpec) -> "Numbers":
        """Standardise rows and priors."""
        data = standardise(rows.moments)
        check_groups(data)
        table = (np.column_stack([rows.x, rows.y]) - data.centre) / data.scale
        dummies = np.eye(len(rows.groups))[rows.code]
        columns = np.column_stack([np.ones(rows.n_obs), table[:, :-1], dummies])
        priors = resolve_all(spec, data)
        return cls(Joint.build(data, priors), priors.of("df_resid"), columns, table[:, -1])

    @property
    def n_coef(self) -> int:
        """Number of coefficients, the intercept included."""
        return self.joint.data.n_coef

    def put(self) -> dict[str, Floats]:
        """Arrays by the name of the graph's data."""
        groups = self.columns.shape[1] - self.n_coef
        precision = np.concatenate([self.joint.precision, np.ones(groups)])
        location = np.concatenate([self.joint.mean, np.zeros(groups)])
        weight = self._pilot_weights(precision, location)
        return {
            "columns": self.columns, "y": self.y, "precision": precision, "location": location,
            "gram": self.columns.T @ (weight[:, None] * self.columns),
            "pull": self.columns.T @ (weight * self.y),
            "scales": np.array([self.joint.sd_resid.scale, self.joint.sd_group.scale]),
            "df": np.array([self.df.shape, self.df.scale]),
        }  # fmt: skip

    def _pilot_weights(self, precision: Floats, location: Floats) -> Floats:
        """Weights of the rows at the mode with few degrees of freedom; their mean is 1."""
        weight, n = np.ones(len(self.y)), len(self.y)
        for _ in range(_PILOT_ROUNDS):
            at = self.columns.T @ (weight[:, None] * self.columns) + np.diag(precision)
            b = self.columns.T @ (weight * self.y) + precision * location
            squares = (self.y - self.columns @ np.linalg.solve(at, b)) ** 2
            variance = (weight * squares).sum() / n
            weight = (_PILOT_DF + 1) / (_PILOT_DF + squares / variance)
        return np.asarray(weight / weight.mean())


def fit_student(rows: Rows, spec: ModelSpec, *, seed: int = 1) -> Sampled:
    """Sample the posterior of a random-intercept model with Student-t residuals.

    A fit that fails its diagnostics is tried once more, as in `fit_nuts`.

    Parameters
    ----------
    rows : Rows
        The data.
    spec : ModelSpec
        The model.
    seed : int
        Seed of everything random; the same seed gives the same draws.

    Raises
    ------
    DataError
        When the model cannot be fitted.
    SpecError
        When slopes vary, items are monotonic or slopes have a joint prior.
    ConvergenceError
        When the sampler itself breaks down.
    """
    shrunk = spec.priors.slope.family not in LOCATION_FAMILIES
    if spec.varying or spec.monotonic or shrunk:
        chosen = [*spec.varying, *spec.monotonic, *([spec.priors.slope.family] if shrunk else [])]
        raise SpecError(
            f"model {spec.name!r}: likelihood",
            "student goes with slopes that are the same in all groups and normal or flat a priori",
            got=chosen, fix="choose the Gaussian likelihood, or leave these out",
        )  # fmt: skip
    numbers = Numbers.of(rows, spec)
    joint = numbers.joint
    groups = numbers.columns.shape[1] - numbers.n_coef
    priors = (prior_structure(joint.sd_resid), prior_structure(joint.sd_group))
    compiled = put_in(_compiled(numbers.n_coef, groups, *priors), numbers.put(), priors)
    resolved = resolve_all(spec, joint.data)

    def attempt(settings: Mapping[str, float]) -> Sampled:
        tree = _tree(joint, sample(compiled, seed, settings))
        return Sampled(joint.data.moments, resolved, tree, settings)

    return try_twice(attempt)


@lru_cache(maxsize=8)
def _compiled(
    coefficients: int, groups: int, sd_resid: tuple[str, float], sd_group: tuple[str, float]
) -> Any:
    """Compile the model of a structure, once."""
    return compile_model(student_model(coefficients, groups, sd_resid, sd_group))


def student_model(
    coefficients: int, groups: int, sd_resid: tuple[str, float], sd_group: tuple[str, float]
) -> Any:
    """Write the model of a structure; data and scales are put in later.

    Parameters
    ----------
    coefficients, groups : int
        k and J.
    sd_resid, sd_group : (str, float)
        Family of the prior, and its df or shape.

    Returns
    -------
    pymc.Model
        Free variables in standardised units: ``sd_resid``, ``sd_group``, ``df_resid`` and ``z``
        (k + J,); ``effects``, the coefficients and u/sd_group, is made of them.
    """
    import pymc as pm
    from pytensor import tensor

    pt: Any = tensor
    width = coefficients + groups
    with pm.Model() as model:
        columns, y = pm.Data("columns", np.ones((2, width))), pm.Data("y", np.zeros(2))
        precision = pm.Data("precision", np.ones(width))
        location = pm.Data("location", np.zeros(width))
        gram, pull = pm.Data("gram", np.eye(width)), pm.Data("pull", np.zeros(width))
        scales, df = pm.Data("scales", np.ones(2)), pm.Data("df", np.ones(2))
        sigma = scale_variable("sd_resid", sd_resid, scales[0])
        tau = scale_variable("sd_group", sd_group, scales[1])
        nu = pm.Gamma("df_resid", alpha=df[0], beta=1 / df[1])
        unit = pt.concatenate([np.ones(coefficients), tau * np.ones(groups)])
        information = (nu + 1) / ((nu + 3) * sigma**2)
        lower = pt.linalg.cholesky(
            information * unit[:, None] * gram * unit[None, :] + pt.diag(precision)
        )
        start = information * unit * pull + precision * location
        z = pm.Flat("z", shape=width)
        half = pt.linalg.solve_triangular(lower, start, lower=True) + z
        effects = pm.Deterministic(
            "effects", pt.linalg.solve_triangular(lower.T, half, lower=False)
        )
        pm.Potential("prior", -0.5 * (precision * (effects - location) ** 2).sum())
        pm.Potential("jacobian", -pt.log(pt.diag(lower)).sum())
        density = pm.logp(pm.StudentT.dist(nu=nu, mu=columns @ (unit * effects), sigma=sigma), y)
        pm.Potential("likelihood", density.sum())
    return model


def icc_of(sd_group: Floats, sd_resid: Floats, df_resid: Floats) -> Floats:
    """Share of the variance that is between groups; 0 where residuals have no variance.

    Parameters
    ----------
    sd_group, sd_resid, df_resid : arrays
        Of the same shape.

    Examples
    --------
    >>> icc_of(np.array([1.0, 1.0]), np.array([1.0, 1.0]), np.array([4.0, 2.0])).round(3)
    array([0.333, 0.   ])
    """
    with np.errstate(divide="ignore"):
        within = sd_resid**2 * np.where(df_resid > 2, df_resid / np.maximum(df_resid - 2, 0), 1)
    return np.where(df_resid > 2, sd_group**2 / (sd_group**2 + within), 0.0)


def _tree(joint: Joint, trace: "xr.DataTree") -> "xr.DataTree":
    """Draws in the outcome's unit."""
    data, moments = joint.data, joint.data.moments
    posterior, y_sd = trace["posterior"], joint.data.scale[-1]
    sigma, tau, nu = (
        posterior[name].to_numpy().ravel() for name in ("sd_resid", "sd_group", "df_resid")
    )
    effects = posterior["effects"].to_numpy().reshape(len(sigma), -1)
    chains = posterior.sizes["chain"]
    tree = posterior_tree(
        effects[:, : data.n_coef] @ data.coef_transform.T + data.coef_shift,
        y_sd * tau[:, None] * effects[:, data.n_coef :], y_sd * tau, y_sd * sigma,
        terms=moments.terms, groups=moments.groups, group=moments.group, chains=chains,
    )  # fmt: skip
    own = {"icc": icc_of(tau, sigma, nu), "df_resid": nu}
    tree["posterior"] = (
        tree["posterior"]
        .to_dataset()
        .assign(
            {name: (("chain", "draw"), value.reshape(chains, -1)) for name, value in own.items()}
        )
    )
    tree["sample_stats"] = sampler_stats(trace)
    return tree
