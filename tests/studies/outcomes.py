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
from bayes_sf.engines.mixed.likelihood import second_derivatives
from bayes_sf.engines.outcomes.marginal import Marginal
from bayes_sf.engines.outcomes.result import OutcomeResult
from bayes_sf.spec.family import family_of

HERE = Path(__file__).parents[1] / "references" / "glmer"
OUT = Path(__file__).parent / "outcomes.csv"
#: Sampled models of R's data; formulas of uncorrelated effects.
SAMPLED = ("contraception", "cbpp", "grouseticks", "wine")
WINE = ("wine", "cumulative", "rating ~ temp + contact + (1 | judge)")
POINTS = 20_000
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
    """Posterior means and sds by importance sampling from a t around ML, one random intercept."""
    matrices, priors = result.matrices, result.priors
    assert priors is not None
    function = Marginal.build(matrices, family_of(result.spec.family), 25)
    means = matrices.x.mean(axis=0) * (np.arange(matrices.x.shape[1]) > 0)
    (sd_prior,) = (p for name, p in priors.items() if name.startswith("sd_"))
    coef = [priors[term] for term in matrices.terms]

    def log_density(points: np.ndarray) -> np.ndarray:
        """Of (ln tau, beta); the intercept's prior is where predictors are at their means."""
        tau, beta = np.exp(points[:, 0]), points[:, 1:].copy()
        found = -0.5 * function(np.column_stack([tau, beta]))
        beta[:, 0] += points[:, 1:] @ means
        for column, prior in zip(beta.T, coef, strict=True):
            found = found - 0.5 * ((column - prior.location) / prior.scale) ** 2
        return found + sd_prior.log_density(tau) + points[:, 0]

    fitted = sf.fit(result.spec.formula, FRAMES["now"], family=result.spec.family, engine="ml")
    top = np.array([np.log(fitted.fitted.covariances[0][0, 0]) / 2, *fitted.fitted.coef])

    def of_logs(points: np.ndarray) -> np.ndarray:
        moved = points.copy()
        moved[:, 0] = np.exp(points[:, 0])
        return function(moved)

    cov = 2 * np.linalg.inv(second_derivatives(of_logs, top))
    rng = np.random.default_rng(1)
    half, df = np.linalg.cholesky(1.2 * cov), 6.0
    z = rng.normal(size=(POINTS, len(top)))
    chi = rng.chisquare(df, POINTS) / df
    points = top + (z / np.sqrt(chi)[:, None]) @ half.T
    log_proposal = -0.5 * (df + len(top)) * np.log1p((z**2).sum(axis=1) / chi / df)
    logs = log_density(points) - log_proposal
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    values = np.column_stack([points[:, 1:], np.exp(points[:, 0])])
    mean = weights @ values
    sd = np.sqrt(weights @ (values - mean) ** 2)
    names = [*matrices.terms, next(name for name in priors if name.startswith("sd_"))]
    for name, m, s in zip(names, mean, sd, strict=True):
        yield "posterior", name, float(m), float(s)
    yield "ess", "", float(1 / (weights**2).sum()), np.nan


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
            if name in {"contraception", "cbpp"}:
                yield from ((name, "importance", *each) for each in importance(result))
    for name, family, formula, frame, truth in simulated():
        if name in (chosen or [name]):
            result = fit(formula, frame, family, "nuts")
            yield from (
                (name, "truth", "posterior", at, value, np.nan) for at, value in truth.items()
            )
            yield from ((name, "nuts", *each) for each in nuts(result))


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
