"""What sf.impute makes of the same rows, pooled as mice pools (ours.csv), and what it drew.

Run: python tests/references/missing/ours.py FOLDER, after `fit.R FOLDER`; what ours.csv has is not
made again. ours_draws.csv has the chains' means and sds, which brms' are compared with.
"""

import sys
from pathlib import Path

import pandas as pd

import bayes_sf as sf

N_SETS = 200


def main() -> None:
    here = Path(__file__).with_name("ours.csv")
    kept = [pd.read_csv(here)] if here.exists() else []
    drawn: list[pd.DataFrame] = []
    for path in sorted(Path(sys.argv[1]).glob("*.csv")):
        data, rule = path.stem.rsplit("_", 1)
        if any(((each["data"] == data) & (each["rule"] == rule)).any() for each in kept):
            continue
        df = pd.read_csv(path)
        formula = "y ~ x + z + (1 | school)"
        done = sf.impute(formula, df, N_SETS)
        about = {"data": data, "rule": rule}
        drawn.append(done.diagnostics.reset_index(names="term").assign(**about))
        pd.concat(drawn).to_csv(here.with_name("ours_draws.csv"), index=False)
        pooled = sf.fit(formula, done.frames, engine="reml").fixef().reset_index()
        worst = done.diagnostics["r_hat"].max()
        columns = ["term", "estimate", "sd", "df", "fmi"]
        found = pooled[columns].assign(data=data, rule=rule, m=N_SETS, r_hat=worst)
        kept.append(found[["data", "rule", "m", *columns, "r_hat"]])
        pd.concat(kept).to_csv(here, index=False)


if __name__ == "__main__":
    main()
