"""Coverage under informative sampling of groups and of rows within them.

Populations of 300 groups of 60 rows: y = 2 + 0.5 x + u + e. Groups with a high u, and rows with a
high e, are drawn more often; about 60 groups of 20 rows are. Rows of `survey.csv`: how often 90 %
intervals hold what the population was made with, without weights (`fit`), with weights taken for
counts (`unadjusted`), and by `sf.survey_weighted`, by scaling of the rows' weights. Run as
`python -m tests.studies.survey 500 tests/studies/survey.csv`.
"""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import ndtri

import bayes_sf as sf

TRUTH = {"(Intercept)": 2.0, "x": 0.5, "sd_group": 1.5, "sd_resid": 3.0, "icc": 0.2}
GROUPS, ROWS, PROB = 300, 60, 0.9
FORMULA = "y ~ x + (1 | g)"


def drawn(seed: int) -> pd.DataFrame:
    """A sample, with how many each row stands for within its group, and each group."""
    rng = np.random.default_rng(seed)
    u = rng.normal(scale=TRUTH["sd_group"], size=GROUPS)
    chance = np.clip(0.2 * np.exp(0.5 * u / TRUTH["sd_group"]), 0, 0.9)
    parts = []
    for j in np.flatnonzero(rng.random(GROUPS) < chance):
        x, e = rng.normal(size=ROWS), rng.normal(scale=TRUTH["sd_resid"], size=ROWS)
        own = np.clip(0.3 * np.exp(0.4 * e / TRUTH["sd_resid"]), 0, 0.9)
        kept = rng.random(ROWS) < own
        parts.append(pd.DataFrame({
            "y": (TRUTH["(Intercept)"] + TRUTH["x"] * x + u[j] + e)[kept], "x": x[kept],
            "g": f"g{j}", "w": 1 / own[kept], "W": 1 / chance[j],
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def found(df: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Way, scaling, and estimates."""
    plain = sf.fit(FORMULA, df, prob=PROB).estimates
    yield "fit", "", plain[plain["group"] == ""].set_index("term")
    for scaling in ("size", "effective", "none"):
        options = {"weights": "w", "group_weights": "W", "scaling": scaling, "prob": PROB}
        for engine in ("ml", "exact"):
            table = sf.survey_weighted(FORMULA, df, engine=engine, **options)
            yield engine, scaling, table
            if engine == "ml":
                reach = ndtri(0.5 + PROB / 2) * table["sd_unadjusted"]
                ends = {"lower": table["estimate"] - reach, "upper": table["estimate"] + reach}
                yield "unadjusted", scaling, table.assign(**ends)


def main(samples: int, path: Path) -> None:
    """Write shares of intervals that hold the truth, and biases."""
    rows = [
        (way, scaling, term, table.loc[term, "estimate"] - true,
         table.loc[term, "lower"] <= true <= table.loc[term, "upper"])
        for seed in range(samples)
        for way, scaling, table in found(drawn(seed))
        for term, true in TRUTH.items()
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["way", "scaling", "term", "bias", "coverage"])
    means = table.groupby(["way", "scaling", "term"], sort=False).mean().reset_index()
    means.assign(samples=samples).round(3).to_csv(
        path, index=False, lineterminator="\n", quoting=csv.QUOTE_MINIMAL
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
