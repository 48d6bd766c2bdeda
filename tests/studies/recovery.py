"""Known parameters recovered: coverage of 90 % intervals by model family; writes `recovery.csv`.

Run: uv run python tests/studies/recovery.py [-n 100] [family ...]   (a quarter of an hour on one
core). The parameters below are the same in every simulated data set; group effects are drawn anew.
The design is that of `families.py`: 12 groups, because with six the prior of a standard deviation
has a say in how often its interval covers, and coverage would judge the prior, not the code.
`within-between` is a random intercept with a predictor split in two, by the exact engine.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from families import FAMILIES, GROUPS, ITEMS, design
from scipy import stats

import bayes_sf as sf
from bayes_sf.analysis.checks.calibration import simulated_rows
from bayes_sf.engines.sampled.prior_draws import draw_prior, fixed_priors
from bayes_sf.spec.rows import Rows

if TYPE_CHECKING:
    import xarray as xr

OUT = Path(__file__).parent / "recovery.csv"
PROB = 0.9
#: Values of everything that is not a group effect, in pp; sd(y) is about 3.
TRUTH = {
    "sd_group": 2.0, "sd_resid": 2.5, "sd_slope": 0.8, "correlation": 0.3, "df_resid": 5.0,
    "sd_log_resid": 0.3, "sd_repeat": 4.0, "r2": 0.2,
}  # fmt: skip
SLOPES = {"x1": 0.6, "answer": 0.5, "x2": -0.3}
#: At 5 degrees of freedom the prior, gamma(2, 10) with median 17, pulls; at 15 it does not.
VARIANTS = {"student, 15 df": ("student", {"df_resid": 15.0})}
SIMPLEX = (0.5, 0.2, 0.3)


def truth_of(spec: sf.ModelSpec, rows: Rows, number: int, values: dict[str, float]) -> "xr.Dataset":
    """One draw from the prior, with the values that are known put in their place."""
    drawn = draw_prior(spec, rows, 1, seed=number)["posterior"].to_dataset()
    rng = np.random.default_rng([number, 7])
    for name, value in values.items():
        if name in drawn:
            drawn[name][:] = value
    beta = [6.0, *(SLOPES.get(term, 0.0) for term in rows.coefficients[1:])]
    drawn["beta"][:] = np.array(beta)
    u = rng.normal(size=(2, GROUPS))
    drawn["u"][:] = TRUTH["sd_group"] * u[0]
    if "u_slope" in drawn:
        rho = TRUTH["correlation"]
        drawn["u_slope"][:] = TRUTH["sd_slope"] * (rho * u[0] + np.sqrt(1 - rho**2) * u[1])
    if "sd_resid_group" in drawn:
        spread = np.exp(TRUTH["sd_log_resid"] * rng.normal(size=GROUPS))
        drawn["sd_resid_group"][:] = TRUTH["sd_resid"] * spread
    if "simplex_answer" in drawn:
        drawn["simplex_answer"][:] = np.array(SIMPLEX)
    return drawn


def covered(result: sf.Result, truth: "xr.Dataset") -> dict[str, bool]:
    """Whether each interval holds the true value; of what the truth has no value for, nothing."""
    known = {"beta", "u", "u_slope", "sd_resid_group", "simplex_answer", *TRUTH}
    draws, found = result.draws(rows=False)["posterior"].to_dataset(), {}
    for name in known & set(truth.data_vars):
        low, high = draws[name].quantile([0.5 - PROB / 2, 0.5 + PROB / 2], dim=("chain", "draw"))
        inside = (low <= truth[name][0, 0]) & (truth[name][0, 0] <= high)
        dims = inside.dims
        labels = inside[dims[0]].to_numpy() if dims else [""]
        for label, value in zip(labels, np.atleast_1d(inside.to_numpy()), strict=True):
            found[f"{name}[{label}]" if dims else name] = bool(value)
    return found


def study(name: str, n: int) -> pd.DataFrame:
    """Coverage by kind of quantity."""
    family, other = VARIANTS.get(name, (name, {}))
    spec = FAMILIES.get(family) or split_spec()
    spec, rows = fixed_priors(spec, design(spec))
    if name.startswith("joint"):
        SLOPES.update(dict.fromkeys(ITEMS[2:], 0.0))
    found, failed = [], 0
    for number in range(n):
        truth = truth_of(spec, rows, number, TRUTH | other)
        data = simulated_rows(truth, rows, spec, seed=10_000 + number)
        engine = "exact" if spec.plain else "nuts"
        result = sf.fit(spec, data, engine=engine, seed=number + 1)
        failed += not result.converged
        found.append(covered(result, truth))
    table = pd.DataFrame(found)
    kind = table.columns.str.partition("[").get_level_values(0)
    rows_out = []
    for one in dict.fromkeys(kind):
        values = table.loc[:, kind == one].to_numpy()
        k, total = int(values.sum()), values.size
        low, high = stats.binomtest(k, total).proportion_ci(0.95)
        record = (name, one, values.shape[1], n, k / total, low, high, failed)
        rows_out.append(record)
    columns = ["family", "quantity", "number", "data_sets", "coverage", "lower", "upper"]
    return pd.DataFrame(rows_out, columns=[*columns, "not_converged"])


def split_spec() -> sf.ModelSpec:
    """A predictor split into its groups' means and what is left (Mundlak 1978)."""
    return replace(FAMILIES["random intercept"], within_between=("x1",))


def main() -> None:
    """Run what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    known = [*(f for f in FAMILIES if f != "random intercept"), "within-between", *VARIANTS]
    parser.add_argument("families", nargs="*")
    parser.add_argument("-n", type=int, default=100)
    chosen = parser.parse_args()
    done = pd.read_csv(OUT) if OUT.exists() else pd.DataFrame({"family": []})
    for name in chosen.families or known:
        if name in set(done["family"]):
            continue
        table = study(name, chosen.n)
        print(table.to_string(), flush=True)
        done = pd.concat([done, table.round(4)], ignore_index=True)
        done.to_csv(OUT, index=False, lineterminator="\n")


if __name__ == "__main__":
    sys.exit(main())
