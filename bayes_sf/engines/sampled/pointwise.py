"""What draws say of each row: its log-likelihood, and replications of its outcome.

Every model's rows have a mean and a residual sd given the draws, and Gaussian or Student-t
residuals. `Given` says so for all draws at once, whatever the model's options are.

Examples
--------
>>> import pandas as pd
>>> from bayes_sf.engines.fit import fit
>>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7, 9, 10, 11], "g": list("aaabbbccc")})
>>> result = fit(ModelSpec("y", group="g"), df)
>>> given = given_draws(result.draws(400), result.data, result.spec)
>>> given.log_likelihood().shape, given.replicate(seed=1).shape
((4, 100, 9), (4, 100, 9))
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bayes_sf.arrays import Floats
from bayes_sf.errors import check_seed
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.rows import Rows

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Given", "given_draws", "predictors_effect", "varying_column"]


@dataclass(frozen=True, eq=False)
class Given:
    """Rows given draws, in raw units.

    Parameters
    ----------
    y : (n,) array
        Observed outcomes.
    mean, sd : (chain, draw, n) arrays
        Expected outcomes, and scales of the residuals.
    df : (chain, draw, 1) array or None
        Degrees of freedom of Student-t residuals; None for Gaussian ones.
    """

    y: Floats
    mean: Floats
    sd: Floats
    df: Floats | None = None

    def log_likelihood(self) -> Floats:
        """Log density of each row's outcome, (chain, draw, n)."""
        return self.log_density(self.y)

    def log_density(self, y: Floats) -> Floats:
        """Log density of outcomes (n,), or (chain, draw, n)."""
        from scipy.special import gammaln

        z2 = ((y - self.mean) / self.sd) ** 2
        if self.df is None:
            return np.asarray(-0.5 * (z2 + np.log(2 * np.pi)) - np.log(self.sd))
        nu = self.df
        constant = gammaln(0.5 * (nu + 1)) - gammaln(0.5 * nu) - 0.5 * np.log(nu * np.pi)
        return np.asarray(constant - np.log(self.sd) - 0.5 * (nu + 1) * np.log1p(z2 / nu))

    def replicate(self, *, seed: int) -> Floats:
        """Draw another outcome for every row, (chain, draw, n)."""
        check_seed(seed)
        rng = np.random.default_rng(seed)
        noise = rng.normal(size=self.mean.shape)
        if self.df is not None:
            noise = noise / np.sqrt(rng.chisquare(np.broadcast_to(self.df, noise.shape)) / self.df)
        return np.asarray(self.mean + self.sd * noise)


def given_draws(tree: "xr.DataTree", rows: Rows, spec: ModelSpec) -> Given:
    """Mean and residual sd of every row, for every draw.

    Parameters
    ----------
    tree : xarray.DataTree
        Draws, as `Result.draws` returns them.
    rows : Rows
        Rows of the same model: those it was fitted to, or others of the same groups.
    spec : ModelSpec
        The model.
    """
    posterior = tree["posterior"].to_dataset()
    mean = posterior["beta"].sel(term=rows.coefficients[0]).to_numpy()[..., None]
    mean = mean + predictors_effect(posterior, rows)
    mean = mean + _by_row(posterior, "u", rows)
    if "u_slope" in posterior:
        mean = mean + _by_row(posterior, "u_slope", rows) * varying_column(posterior, rows)
    df = posterior["df_resid"].to_numpy()[..., None] if spec.likelihood == "student" else None
    return Given(rows.y, mean, _residual_sd(posterior, rows, mean.shape), df)


def predictors_effect(posterior: "xr.Dataset", rows: Rows) -> Floats:
    """X beta without the intercept, (chain, draw, n); monotonic items by their simplexes."""
    shape = (*posterior["beta"].shape[:2], rows.n_obs)
    total, column = np.zeros(shape), 0
    starts = {steps.start: (name, steps) for name, steps in rows.steps.items()}
    for name in rows.coefficients[1:]:
        beta = posterior["beta"].sel(term=name).to_numpy()[..., None]
        if column in starts:
            _, steps = starts[column]
            simplex = posterior[f"simplex_{name}"].to_numpy()
            total += beta * (steps.stop - steps.start) * (simplex @ rows.x[:, steps].T)
            column = steps.stop
        else:
            total += beta * rows.x[:, column]
            column += 1
    return np.asarray(total)


def varying_column(posterior: "xr.Dataset", rows: Rows) -> Floats:
    """The predictor whose slope varies, (n,).

    Parameters
    ----------
    posterior : xarray.Dataset
        Draws of a model with a varying slope.
    rows : Rows
        Rows of it.
    """
    return rows.x[:, rows.predictors.index(posterior["u_slope"].attrs["term"])]


def _by_row(posterior: "xr.Dataset", name: str, rows: Rows) -> Floats:
    """A variable of groups, at each row's group, (chain, draw, n)."""
    values = posterior[name].sel({rows.group: list(rows.groups)}).to_numpy()
    return np.asarray(values[..., rows.code])


def _residual_sd(posterior: "xr.Dataset", rows: Rows, shape: tuple[int, ...]) -> Floats:
    """Scale of the residuals, (chain, draw, n)."""
    if rows.known_se is not None:
        return np.broadcast_to(rows.known_se, shape)
    if "sd_resid_group" in posterior:
        return _by_row(posterior, "sd_resid_group", rows)
    sd = posterior["sd_resid"].to_numpy()[..., None]
    if rows.repeats is not None:
        repeat = posterior["sd_repeat"].to_numpy()[..., None]
        sd = np.sqrt(sd**2 + repeat**2 / rows.repeats)
    return np.broadcast_to(sd, shape)
