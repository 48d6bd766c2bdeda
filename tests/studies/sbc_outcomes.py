"""Simulation-based calibration of outcomes other than Gaussian: docs/calibration/outcomes.csv.

Run: uv run python tests/studies/sbc_outcomes.py [SETS] [MODEL ...]   (200 sets of each;
with names only those are run again): a random intercept of every family, and correlated slopes,
`binomial_slopes`, `poisson_slopes`. Parameters beside the mean have bambi's priors.
Parameters are drawn from their priors and rows from the model by numpy
alone; the rank of each true value among 100 draws must be uniform (Talts et al. 2018). The model is
built and compiled once for each family, by the package's own code, with rows that can be replaced.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import xarray as xr

import bayes_sf as sf
from bayes_sf.analysis.checks.calibration import uniform_p
from bayes_sf.engines.outcomes.graph import outcome_graph
from bayes_sf.engines.outcomes.prior import outcome_priors
from bayes_sf.engines.outcomes.sampled import outcome_tree
from bayes_sf.engines.sampled.compiling import compile_model
from bayes_sf.engines.sampled.nuts import sample
from bayes_sf.spec.family import family_of
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.terms.matrices import Matrices

OUT = Path(__file__).parents[2] / "docs" / "calibration" / "outcomes.csv"
FAMILIES = (
    "bernoulli", "binomial", "poisson", "cumulative", "beta_binomial", "negativebinomial", "beta",
    "hurdle_gamma", "hurdle_lognormal",
)  # fmt: skip
#: Models with a slope that varies, correlated with the intercept, and their families.
SLOPES = {"binomial_slopes": "binomial", "poisson_slopes": "poisson"}
ROWS, LEVELS, TRIALS, CUTS = 100, 10, 6, 3
KEPT = 100
#: Shares and amounts nearer to their ends than this, and counts beyond so many, are drawn anew.
LEAST, MOST = 1e-12, 1e9
#: Known scales, so that parameters can be drawn before the data are there.
_NORMAL = sf.Prior("normal", scale=1.0, location=0.0, autoscale=False)
PRIORS = sf.Priors(
    intercept=_NORMAL, slope=_NORMAL,
    sd_group=sf.Prior("half-normal", scale=1.0, autoscale=False),
)  # fmt: skip
SPREAD = sf.Prior("half-normal", scale=0.5, autoscale=False)  # of slopes
SETTINGS = {"chains": 2, "draws": 1000, "tune": 600, "target_accept": 0.9, "cores": 1}


def design() -> pd.DataFrame:
    """Rows without outcomes; x has mean 0, where the intercept's prior is."""
    rng = np.random.default_rng(15)
    x = rng.normal(size=ROWS)
    level = [f"g{j}" for j in rng.permutation(ROWS) % LEVELS]
    return pd.DataFrame({"x": x - x.mean(), "g": level, "n": TRIALS})


def simulate(name: str, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, float]]:
    """Outcomes, and what they were drawn from."""
    frame = design()
    true = {"x": rng.normal(), "sd_(Intercept)|g": abs(rng.normal())}
    x, level = frame["x"].to_numpy(), frame["g"].str[1:].astype(int)
    normals = rng.normal(size=LEVELS)
    u = true["sd_(Intercept)|g"] * normals
    eta = true["x"] * x + u[level]
    true |= {"(Intercept)|g[g0]": u[0], "(Intercept)|g[g1]": u[1]}
    if name in SLOPES:  # lkj(2) of two: (1 + rho)/2 is beta(2, 2)
        sd, rho = SPREAD.scale * abs(rng.normal()), 2 * rng.beta(2, 2) - 1
        slope = sd * (rho * normals + np.sqrt(1 - rho**2) * rng.normal(size=LEVELS))
        eta = eta + slope[level] * x
        true |= {"sd_x|g": sd, "cor_x.(Intercept)|g": rho, "x|g[g0]": slope[0]}
        name = SLOPES[name]
    if name == "cumulative":
        cuts = np.ones(CUTS)
        while (np.diff(cuts) <= 0).any():  # independent normals, given that they are in order
            cuts = np.linspace(-2, 2, CUTS) + rng.normal(size=CUTS)
        true |= {f"threshold[{k}|{k + 1}]": cut for k, cut in enumerate(cuts)}
        latent = eta + rng.logistic(size=ROWS)
        return (latent[:, None] > cuts).sum(axis=1), true  # codes, as bambi has them
    true["(Intercept)"] = rng.normal()
    eta = eta + true["(Intercept)"]
    family = family_of(name)
    beside = {one: BESIDE[one](rng) for one in family.parameters}
    true |= beside
    given = {key: np.float64(value) for key, value in beside.items()}
    return OUTCOMES[name](eta, given, rng), true


#: Parameters beside the mean, from bambi's priors.
BESIDE: dict[str, Callable[[np.random.Generator], float]] = {
    "kappa": lambda rng: abs(rng.standard_cauchy()),
    "alpha": lambda rng: abs(rng.standard_cauchy()),
    "sigma": lambda rng: abs(rng.normal()),
    "psi": lambda rng: rng.beta(2, 2),
}


def _chance(eta: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-eta))


def _share(eta: np.ndarray, kappa: float, rng: np.random.Generator) -> np.ndarray:
    return rng.beta(kappa * _chance(eta), kappa * (1 - _chance(eta)))


def _amount(eta: np.ndarray, alpha: float, rng: np.random.Generator) -> np.ndarray:
    return rng.gamma(alpha, np.exp(eta) / alpha)


#: Outcomes by numpy: of the linear predictor and of what is beside it.
OUTCOMES: dict[str, Callable[..., np.ndarray]] = {
    "bernoulli": lambda eta, _, rng: rng.binomial(1, _chance(eta)),
    "binomial": lambda eta, _, rng: rng.binomial(TRIALS, _chance(eta)),
    "beta_binomial": lambda eta, g, rng: rng.binomial(TRIALS, _share(eta, g["kappa"], rng)),
    "poisson": lambda eta, _, rng: rng.poisson(np.exp(eta)),
    "negativebinomial": lambda eta, g, rng: rng.poisson(_amount(eta, g["alpha"], rng)),
    "beta": lambda eta, g, rng: _share(eta, g["kappa"], rng),
    "hurdle_gamma": lambda eta, g, rng: (
        (rng.random(len(eta)) < g["psi"]) * _amount(eta, g["alpha"], rng)
    ),
    "hurdle_lognormal": lambda eta, g, rng: (
        (rng.random(len(eta)) < g["psi"]) * np.exp(eta + g["sigma"] * rng.normal(size=len(eta)))
    ),
}


def possible(name: str, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, float]]:
    """Outcomes that floats can tell apart: leaving out others changes no posterior."""
    while True:
        y, true = simulate(name, rng)
        spread = np.isfinite(y).all() and len(np.unique(y)) > 1 and np.abs(y).max() < MOST
        inside = name != "beta" or (np.minimum(y, 1 - y) > LEAST).all()
        if spread and inside and (name[:6] != "hurdle" or (y[y > 0] > LEAST).all()):
            return y, true


class Program:
    """A family's model, compiled once; its rows are data of the program."""

    def __init__(self, name: str) -> None:
        """Build and compile."""
        from pytensor import shared

        self.family = family_of(SLOPES.get(name, name))
        left = "p(y, n)" if self.family.counted else "y"
        random, priors_ = "(1 | g)", PRIORS
        if name in SLOPES:
            random, priors_ = "(x | g)", replace(PRIORS, sd_slope=SPREAD)
        spec = ModelSpec.from_formula(
            f"{left} ~ x + {random}", family=self.family.name, priors=priors_
        )
        start = np.arange(ROWS) % (CUTS + 1 if self.family.ordered else 2)
        if name == "beta":
            start = 0.25 + 0.5 * start
        frame = design().assign(y=start)
        self.matrices = Matrices.from_frame(frame, spec.parsed, family=self.family)
        priors = outcome_priors(self.matrices, self.family, spec)
        self.graph = outcome_graph(self.matrices, self.family, priors)
        model = self.graph.model.backend.model
        (seen,) = model.observed_RVs
        self.dtype = seen.dtype
        rows = shared(start.astype(self.dtype), name="outcomes")
        model.rvs_to_values[seen] = rows
        model.values_to_rvs[rows] = seen
        self.compiled = compile_model(model, keep=self.graph.kept)

    def posterior(self, y: np.ndarray, seed: int) -> tuple[xr.Dataset, int]:
        """Draws by our names, and how many diverged."""
        asked = self.compiled.with_data(outcomes=y.astype(self.dtype))
        tree = outcome_tree(
            sample(asked, seed, SETTINGS), self.graph, self.matrices, self.family
        )  # fmt: skip
        diverged = int(tree["sample_stats"]["diverging"].sum())
        return tree["posterior"].to_dataset(), diverged


def flat(draws: xr.Dataset, name: str) -> np.ndarray:
    """Draws of one quantity, thinned to so many."""
    variable, _, level = name.partition("[")
    if name in draws["term"].to_numpy():
        values = draws["beta"].sel(term=name)
    elif level:
        other = "between" if variable == "threshold" else "level|g"
        values = draws[variable].sel({other: level.rstrip("]")})
    else:
        values = draws[variable]
    every = values.to_numpy().ravel()
    return every[:: len(every) // KEPT]


def main(sets: int, chosen: tuple[str, ...]) -> None:
    """Write p of uniform ranks, and coverage of 90 %, of every quantity of every family."""
    columns = ["family", "quantity", "sets", "divergent", "p", "inside_90"]
    rows: list[tuple[str, str, int, int, float, float]] = []
    if OUT.exists():
        before = pd.read_csv(OUT)
        rows = [tuple(r) for r in before[~before["family"].isin(chosen)].to_numpy().tolist()]
    for name in chosen:
        program, rng, start = Program(name), np.random.default_rng(15), perf_counter()
        found, divergent = [], 0
        for number in range(sets):
            y, true = possible(name, rng)
            draws, diverged = program.posterior(y, number + 1)
            divergent += diverged > 0
            found.append({key: int((flat(draws, key) < v).sum()) for key, v in true.items()})
        for key, ranks in pd.DataFrame(found).items():
            inside = float(ranks.between(5, KEPT - 5).mean())
            p = uniform_p(ranks.to_numpy(), KEPT + 1)
            rows.append((name, str(key), sets, divergent, p, inside))
        table = pd.DataFrame(rows, columns=columns)
        table.to_csv(OUT, index=False, float_format="%.4f")
        print(f"{name}: {(perf_counter() - start) / sets:.2f} s a set", flush=True)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 200, tuple(sys.argv[2:]) or (*FAMILIES, *SLOPES)
    )
