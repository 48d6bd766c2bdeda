"""Simulation-based calibration of the exact posterior of mixed models: docs/calibration/mixed.csv.

Run: uv run python tests/studies/sbc_mixed.py [SETS]   (200 sets of each model, a quarter of
correlated slopes; some ten minutes). Sets that are refused are counted.
Parameters are drawn from their priors, rows from the model, and P(parameter <= its true value) must
be uniform (Talts et al. 2018): Kolmogorov-Smirnov's p is printed of every parameter.
"""

import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
from scipy import stats

import bayes_sf as sf
from bayes_sf.engines.mixed.exact import fit_mixed_exact
from bayes_sf.errors import ConvergenceError
from bayes_sf.spec.terms.formula import read_formula
from bayes_sf.spec.terms.matrices import Matrices

HERE = Path(__file__).parents[2] / "docs" / "calibration"
_NORMAL = sf.Prior("normal", scale=1.0, location=0.0, autoscale=False)
_HALF = sf.Prior("half-normal", scale=1.0, autoscale=False)
#: Known scales, so that parameters can be drawn before the data are there.
PRIORS = sf.Priors(
    intercept=_NORMAL, slope=_NORMAL, sd_resid=_HALF, sd_group=_HALF, sd_slope=_HALF,
    correlation=sf.Prior("lkj", shape=2.0, autoscale=False),
)  # fmt: skip
MODELS = {
    "crossed": "y ~ x + (1 | a) + (1 | b)",
    "nested": "y ~ x + (1 | a/b)",
    "uncorrelated": "y ~ x + (x || a)",
    "slopes": "y ~ x + (1 + x | a)",
}


def simulate(formula: str, rng: np.random.Generator) -> tuple[pd.DataFrame, dict[str, float]]:
    """Rows, and what they were drawn from; x has mean 0, where the intercept's prior is."""
    n = 60
    frame = pd.DataFrame({"x": rng.normal(size=n)})
    frame["x"] -= frame["x"].mean()
    frame["a"], frame["b"] = rng.permutation(n) % 8, rng.permutation(n) % 5
    frame = frame.astype({"a": str, "b": str}).assign(y=rng.normal(size=n))
    made = Matrices.from_frame(frame, read_formula(formula))
    true = {"(Intercept)": rng.normal(), "x": rng.normal(), "sd_resid": abs(rng.normal())}
    mean = true["(Intercept)"] + true["x"] * frame["x"].to_numpy()
    for factor in made.factors:
        sds = np.abs(rng.normal(size=len(factor.columns)))
        corr = np.eye(len(sds))
        for name, sd in zip(factor.columns, sds, strict=True):
            true[f"sd_{name}|{factor.name}"] = sd
        for i, j in factor.pairs:
            rho = 2 * rng.beta(2, 2) - 1
            corr[i, j] = corr[j, i] = rho
            true[f"cor_{factor.columns[j]}.{factor.columns[i]}|{factor.name}"] = rho
        cov = np.outer(sds, sds) * corr
        effects = rng.multivariate_normal(np.zeros(len(sds)), cov, size=factor.n_levels)
        mean = mean + (factor.z * effects[factor.code]).sum(axis=1)
    return frame.assign(y=mean + true["sd_resid"] * rng.normal(size=n)), true


def main(sets: int) -> None:
    """Write Kolmogorov-Smirnov's statistic and p of every parameter of every model."""
    rows = []
    for name, formula in MODELS.items():
        rng, places, start = np.random.default_rng(15), [], perf_counter()
        refused, many = 0, sets // 4 if name == "slopes" else sets
        for _ in range(many):
            frame, true = simulate(formula, rng)
            try:
                found = fit_mixed_exact(Matrices.from_frame(frame, read_formula(formula)), PRIORS)
            except ConvergenceError as error:
                print(name, error, flush=True)
                refused += 1
                continue
            own = {
                term: float(found.coef.take([k]).cdf(true[term])[0])
                for k, term in enumerate(found.surface.products.matrices.terms)
            }
            spreads = (*found.surface.names, "sd_resid")
            own |= {each: float(found.cdf(each, np.array(true[each]))) for each in spreads}
            places.append(own)
        seconds = (perf_counter() - start) / many
        for term, values in pd.DataFrame(places).items():
            test = stats.kstest(values, "uniform")
            inside = float(((values > 0.05) & (values < 0.95)).mean())
            rows.append((name, term, many, refused, test.statistic, test.pvalue, inside))
        print(f"{name}: {seconds:.2f} s a set", flush=True)
        columns = ["model", "parameter", "sets", "refused", "ks", "p", "inside_90"]
        table = pd.DataFrame(rows, columns=columns)
        table.to_csv(HERE / "mixed.csv", index=False, float_format="%.4f")
    print(table.to_string(index=False))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
