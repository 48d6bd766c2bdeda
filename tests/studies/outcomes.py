"""Other outcomes, as we fit them: writes `tests/studies/outcomes.csv`.

Run: uv run python tests/studies/outcomes.py FOLDER [MODEL ...]   (half an hour on a quiet machine;
FOLDER has the data that tests/references/glmer/fit.R writes; with names only those are fitted
again). `tests/engines/test_outcomes_study.py` compares what is recorded:

- ``ml`` of R's own data against glmer;
- ``nuts`` of R's own data against ``ml`` (clmm's for wine), and against ``importance``: the same
  priors and our marginal likelihood, by importance sampling, which shares nothing with bambi;
- ``nuts`` of simulated data of the families that have no ``ml`` against what they were made of.

What is recorded is of 1,000 draws a chain (grouseticks: 12,000), which was the default then.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

import bayes_sf as sf
from bayes_sf.engines.mixed.covariance import sd_names
from bayes_sf.engines.mixed.likelihood import second_derivatives
from bayes_sf.engines.outcomes.marginal import Marginal
from bayes_sf.engines.outcomes.result import OutcomeResult
from bayes_sf.spec.family import family_of

HERE = Path(__file__).parents[1] / "references" / "glmer"
OUT = Path(__file__).parent / "outcomes.csv"
#: Sampled models of R's data; formulas of uncorrelated effects.
SAMPLED = ("contraception", "contraception_slopes", "cbpp", "grouseticks", "wine")
WINE = ("wine", "cumulative", "rating ~ temp + contact + (1 | judge)")
WEIGHED = ("contraception", "contraception_slopes", "cbpp", "far_slopes")
#: Of importance sampling, and nodes per dimension of a level's effects, by effects of a level.
POINTS, NODES = {1: 20_000, 2: 6_000}, {1: 25, 2: 7}
#: Priors of sds hold where x is zero, ten sds from its mean: the default would be a strong one.
STATED = {"far_slopes": {"priors": {"sd_(Intercept)|g": "half-t(3, 0, 10)"}}}
#: Broods are within locations, and which of the two sds is large is hard to say: chains walk.
LONG = {"grouseticks": {"draws": 12000, "tune": 4000, "target_accept": 0.95}}


def ml(asked: pd.Series, frame: pd.DataFrame) -> Iterator[tuple[str, str, float, float]]:
    """Quantity, name, value, sd."""
    result = fit(str(asked["formula"]), frame, str(asked["family"]), "ml", nAGQ=int(asked["nAGQ"]))
    for row in result.coefficients:
        yield "fixef", row.term, row.estimate, row.sd
    for name, value in result.fitted.spreads():
        yield "spread", name, value, np.nan
    yield "log_lik", "", result.log_lik, np.nan


def fit(
    formula: str, frame: pd.DataFrame, family: str, engine: str, **options: Any
) -> OutcomeResult:
    """One model."""
    start = perf_counter()
    result = sf.fit(formula, frame, family=family, engine=engine, **options)
    assert isinstance(result, OutcomeResult)
    print(f"{formula} ({family}, {engine}): {perf_counter() - start:.1f} s", flush=True)
    return result


def nuts(result: OutcomeResult) -> Iterator[tuple[str, str, float, float]]:
    """Posterior means and sds of all that is not of a level, and how well the chains did."""
    for row in result.singles:
        yield "posterior", row.term, row.estimate, row.sd
    table = result.diagnostics()
    yield "r_hat", "", float(table["r_hat"].max()), np.nan
    yield "ess", "", float(table[["ess_bulk", "ess_tail"]].min().min()), np.nan
    yield "divergences", "", float(table["divergences"].iloc[0]), np.nan


def importance(result: OutcomeResult) -> Iterator[tuple[str, str, float, float]]:
    """Posterior means and sds by importance sampling from a t around ML, one factor.

    What is sampled: logs of sds, Fisher's z of a correlation, coefficients.
    """
    matrices, priors = result.matrices, result.priors
    assert priors is not None
    (factor,) = matrices.factors
    sds, pairs = sd_names(factor)
    k, m = len(sds), len(sds) + len(pairs)
    function = Marginal.build(matrices, family_of(result.spec.family), NODES[k])
    means = matrices.x.mean(axis=0) * (np.arange(matrices.x.shape[1]) > 0)
    coef = [priors[term] for term in matrices.terms]

    def spreads(points: np.ndarray) -> np.ndarray:
        """Sds and correlations."""
        return np.column_stack([np.exp(points[:, :k]), np.tanh(points[:, k:m])])

    def criterion(points: np.ndarray) -> np.ndarray:
        """-2 log likelihood."""
        found = spreads(points)
        covariance = found[:, :k, None] ** 2 * np.eye(k)  # complex where derivatives are asked for
        for at, (i, j) in enumerate(factor.pairs, start=k):
            covariance[:, i, j] = covariance[:, j, i] = found[:, at] * found[:, i] * found[:, j]
        back = np.linalg.inv(function.turn[0])
        lower = triangle(back @ covariance @ back.T)
        theta = [lower[:, row, column] for _, row, column in function.shape.places]
        return function(np.column_stack([*theta, points[:, m:]]))

    def log_density(points: np.ndarray) -> np.ndarray:
        """The intercept's prior is where predictors are at their means."""
        found, spread, beta = -0.5 * criterion(points), spreads(points), points[:, m:].copy()
        beta[:, 0] += points[:, m:] @ means
        for column, prior in zip(beta.T, coef, strict=True):
            found = found - 0.5 * ((column - prior.location) / prior.scale) ** 2
        for at, name in enumerate(sds):
            found = found + priors[name].log_density(spread[:, at]) + points[:, at]
        for at, name in enumerate(pairs, start=k):  # and d rho = (1 - rho^2) dz
            found = found + priors[name].shape * np.log1p(-(spread[:, at] ** 2))
        return found

    fitted = sf.fit(result.spec.formula, FRAMES["now"], family=result.spec.family, engine="ml")
    estimates = dict(fitted.fitted.spreads())
    top = np.array([
        *(np.log(estimates[name]) for name in sds),
        *(np.arctanh(estimates[name]) for name in pairs),
        *fitted.fitted.coef,
    ])  # fmt: skip
    cov = 2 * np.linalg.inv(second_derivatives(criterion, top))
    rng = np.random.default_rng(1)
    half, df = np.linalg.cholesky(1.2 * cov), 6.0
    z = rng.normal(size=(POINTS[k], len(top)))
    chi = rng.chisquare(df, POINTS[k]) / df
    points = top + (z / np.sqrt(chi)[:, None]) @ half.T
    log_proposal = -0.5 * (df + len(top)) * np.log1p((z**2).sum(axis=1) / chi / df)
    logs = log_density(points) - log_proposal
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    values = np.column_stack([points[:, m:], spreads(points)])
    mean = weights @ values
    sd = np.sqrt(weights @ (values - mean) ** 2)
    for name, one, spread in zip([*matrices.terms, *sds, *pairs], mean, sd, strict=True):
        yield "posterior", name, float(one), float(spread)
    yield "ess", "", float(1 / (weights**2).sum()), np.nan


def triangle(covariance: np.ndarray) -> np.ndarray:
    """Cholesky's lower triangle, (N, k, k), as a function of complex numbers, too."""
    found = np.zeros_like(covariance)
    for j in range(covariance.shape[-1]):
        left = covariance[:, j:, j] - (found[:, j:, :j] * found[:, None, j, :j]).sum(axis=-1)
        found[:, j:, j] = left / np.sqrt(left[:, :1])
    return found


def simulated() -> Iterator[tuple[str, str, str, pd.DataFrame, dict[str, float]]]:
    """Name, family, formula, data, and what they were made of."""
    rng = np.random.default_rng(7)
    g = np.repeat(np.arange(25), 12)
    n = len(g)
    x = rng.normal(0.5, 1, n)
    u = rng.normal(0, 0.7, 25)
    eta = 0.4 + 0.5 * x + u[g]
    base = pd.DataFrame({"x": x, "g": [f"g{i:02d}" for i in g]})
    own = {"(Intercept)": 0.4, "x": 0.5, "sd_(Intercept)|g": 0.7}
    share, mean = 1 / (1 + np.exp(-eta)), np.exp(eta)
    trials = rng.integers(5, 20, n)
    drawn = rng.beta(share * 6, (1 - share) * 6)
    y = rng.binomial(trials, drawn)
    yield "beta_binomial", "beta_binomial", "p(y, n) ~ x + (1 | g)", base.assign(y=y, n=trials), {
        **own, "kappa": 6.0}  # fmt: skip
    y = rng.poisson(mean * rng.gamma(1.5, 1 / 1.5, n))
    yield "negativebinomial", "negativebinomial", "y ~ x + (1 | g)", base.assign(y=y), {
        **own, "alpha": 1.5}  # fmt: skip
    y = rng.beta(share * 8, (1 - share) * 8)
    yield "beta", "beta", "y ~ x + (1 | g)", base.assign(y=y), {**own, "kappa": 8.0}
    some = rng.uniform(size=n) < 0.7
    y = some * rng.gamma(2.0, mean / 2.0)
    yield "hurdle_gamma", "hurdle_gamma", "y ~ x + (1 | g)", base.assign(y=y), {
        **own, "alpha": 2.0, "psi": 0.7}  # fmt: skip
    y = some * np.exp(eta + rng.normal(0, 0.8, n))
    yield "hurdle_lognormal", "hurdle_lognormal", "y ~ x + (1 | g)", base.assign(y=y), {
        **own, "sigma": 0.8, "psi": 0.7}  # fmt: skip
    cuts = np.array([-1.0, 0.5, 2.0])
    latent = 0.5 * x + u[g] + rng.logistic(size=n)
    y = (latent[:, None] > cuts).sum(axis=1) + 1
    yield "cumulative", "cumulative", "y ~ x + (1 | g)", base.assign(y=y), {
        "x": 0.5, "sd_(Intercept)|g": 0.7, "threshold[1|2]": -1.0, "threshold[2|3]": 0.5,
        "threshold[3|4]": 2.0}  # fmt: skip
    x, slope = rng.normal(20, 2, n), rng.normal(0, 0.3, 25)
    y = rng.poisson(np.exp(1 + (0.2 + slope[g]) * (x - 20) + u[g]))
    yield "far_slopes", "poisson", "y ~ x + (x | g)", base.assign(x=x, y=y), {
        "(Intercept)": 1 - 0.2 * 20, "x": 0.2, "sd_x|g": 0.3,
        "sd_(Intercept)|g": np.hypot(0.7, 20 * 0.3)}  # fmt: skip


FRAMES: dict[str, pd.DataFrame] = {}


def fitted(folder: Path, chosen: list[str]) -> Iterator[tuple[str, str, str, str, float, float]]:
    """Model, how, quantity, name, value, sd."""
    models = pd.read_csv(HERE / "models.csv", keep_default_na=False)
    wine = pd.Series(
        dict(zip(("model", "family", "formula"), WINE, strict=True)) | {"data": "wine"}
    )
    for asked in [*(row for _, row in models.iterrows()), wine]:
        name = str(asked["model"])
        if (HERE / "data" / f"{asked['data']}.csv").exists() or name not in (chosen or [name]):
            continue
        frame = FRAMES["now"] = pd.read_csv(folder / f"{asked['data']}.csv")
        if name != "wine":
            yield from ((name, "ml", *each) for each in ml(asked, frame))
        if name in SAMPLED:
            settings = LONG.get(name, {})
            result = fit(str(asked["formula"]), frame, str(asked["family"]), "nuts", **settings)
            yield from ((name, "nuts", *each) for each in nuts(result))
            if name in WEIGHED:
                yield from ((name, "importance", *each) for each in importance(result))
    for name, family, formula, frame, truth in simulated():
        if name in (chosen or [name]):
            result = fit(formula, frame, family, "nuts", **STATED.get(name, {}))
            yield from (
                (name, "truth", "posterior", at, value, np.nan) for at, value in truth.items()
            )
            yield from ((name, "nuts", *each) for each in nuts(result))
            if name in WEIGHED:
                FRAMES["now"] = frame
                yield from ((name, "importance", *each) for each in importance(result))


def main(folder: Path, chosen: list[str]) -> None:
    """Fit every model, or those that are named; what is there already of others stays."""
    columns = ["model", "how", "quantity", "name", "value", "sd"]
    rows: list[tuple[str, str, str, str, float, float]] = []
    if chosen:
        before = pd.read_csv(OUT, keep_default_na=False, na_values={"sd": [""]})
        rows = [tuple(r) for r in before[~before["model"].isin(chosen)].to_numpy().tolist()]
    for row in fitted(folder, chosen):
        rows.append(row)
        pd.DataFrame(rows, columns=columns).to_csv(OUT, index=False, float_format="%.10g")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
