"""How often intervals from a printed estimate and SE cover; writes `summary_t.csv`.

Run: uv run python tests/studies/summary_t.py [-n 1500]   (a minute on one core). Six groups of
unequal size, two predictors that vary within groups and are not centred, so that the intercept's
squared standard error has a part between groups and one within. Parameters are fixed; group effects
and residuals are drawn anew, the model is fitted by REML, and 95 % intervals are made of its
estimates and standard errors alone: by a normal (what was done before), by t with the fewest, the
most and Satterthwaite's degrees of freedom (`bayes_sf.analysis.summary_posterior`). The coverage
that is meant lies between those of the intercept's two ends.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from bayes_sf.analysis.summary_posterior import degrees_of_freedom
from bayes_sf.engines.gaussian.likelihood import standardise
from bayes_sf.engines.gaussian.ols_reml import fit_reml
from bayes_sf.spec.moments import INTERCEPT, Moments

OUT = Path(__file__).parent / "summary_t.csv"
SIZES = np.array([118, 97, 61, 104, 99, 37])
TRUTH = np.array([5.0, -0.2, 1.5])
TAUS = (0.0, 0.3, 1.0, 2.0)
SIGMA = 2.8


def main(number: int) -> None:
    """Simulate and write."""
    rng = np.random.default_rng(20221)
    code = np.repeat(np.arange(len(SIZES)), SIZES)
    n, groups = len(code), tuple("abcdef")
    x = np.column_stack([rng.integers(1, 6, n), rng.beta(2, 2, n)]).astype(float)
    found = []
    for tau in TAUS:
        for _ in range(number):
            effects = rng.normal(0, tau, len(SIZES))[code] if tau else 0.0
            y = TRUTH[0] + x @ TRUTH[1:] + effects + rng.normal(0, SIGMA, n)
            moments = Moments.from_arrays(
                np.column_stack([x, y]), code, outcome="y", predictors=("x1", "x2"), groups=groups
            )
            found += [(tau, *row) for row in covered(moments)]
    table = pd.DataFrame(found, columns=["tau", "term", "reference", "covers", "at_zero"])
    grouped = table.groupby(["tau", "term", "reference"], sort=True)["covers"]
    result = grouped.agg(coverage="mean", data_sets="size").reset_index()
    zero = table[table["reference"] == "normal"].groupby("tau")["at_zero"].mean()
    result["reml_at_zero"] = result["tau"].map(zero)
    result.round(4).to_csv(OUT, index=False)


def covered(moments: Moments) -> list[tuple[str, str, bool, bool]]:
    """Whether each kind of interval covers: (term, reference, covers, tau estimated as 0)."""
    fit = fit_reml(moments)
    rows = []
    for term, truth, b, s in zip(moments.terms, TRUTH, fit.coef, fit.std_error, strict=True):
        intercept = term == INTERCEPT
        low, high = degrees_of_freedom(moments.n_obs, 6, 2, intercept=intercept)
        references = {"normal": np.inf, "t, most df": high}
        if intercept:
            share = between_share(moments, fit.sd_resid, s)
            middle, _ = degrees_of_freedom(moments.n_obs, 6, 2, intercept=True, between=share)
            references |= {"t, fewest df": low, "t, Satterthwaite": middle}
        for name, df in references.items():
            inside = abs(b - truth) <= stats.t.ppf(0.975, df) * s
            rows.append((term, name, bool(inside), fit.boundary))
    return rows


def between_share(moments: Moments, sd_resid: float, se: float) -> float:
    """Share of the intercept's squared SE that is not there when tau is 0."""
    data = standardise(moments)
    inverse = np.linalg.inv(data.cross_products(np.zeros(1)).xx[0])
    transform = data.coef_transform[0] / data.scale[-1]
    within = sd_resid**2 * float(transform @ inverse @ transform)
    return max(0.0, 1 - within / se**2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=1500)
    main(parser.parse_args().n)
