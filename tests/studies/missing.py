"""Coverage of 90 % intervals where rows have gaps: complete rows, imputed in the model, and delta.

Run: nice -n 19 python tests/studies/missing.py   (ten minutes of CPU; writes missing.csv, which
`tests/engines/test_impute.py` reads). Every round simulates 200 rows of 20 groups,

    x = 0.5 z + v[g] + e,  y = 1 + 0.5 x - 0.3 z + u[g] + e,  sd(v) = 0.5, sd(u) = 0.7, sd(e) = 1,

and takes values away: of x at random (mcar), where z is high (mar_z) or where y is high (mar_y), a
third each; or of y where z is high, the missing ones being lower by 1 than the model says (mnar).
"""

import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import bayes_sf as sf
from bayes_sf.engines.sets import impute as gibbs
from bayes_sf.errors import MissingWarning

FORMULA = "y ~ x + z + (1 | g)"
PROB, ROWS, GROUPS, DELTA = 0.9, 200, 20, -1.0
TRUTH = {"x": 0.5, "z": -0.3}
#: Rounds of closed forms, and of imputation, which samples.
CLOSED, SAMPLED, SETS = 1000, 60, 20
#: Chains, iterations before and of which sets are kept: shorter than the default, for time.
SHORT = {"_CHAINS": 2, "_TUNE": 15}


def simulate(rng: np.random.Generator) -> pd.DataFrame:
    code = np.repeat(np.arange(GROUPS), ROWS // GROUPS)
    z = rng.normal(size=ROWS)
    x = 0.5 * z + 0.5 * rng.normal(size=GROUPS)[code] + rng.normal(size=ROWS)
    y = 1 + 0.5 * x - 0.3 * z + 0.7 * rng.normal(size=GROUPS)[code] + rng.normal(size=ROWS)
    return pd.DataFrame({"y": y, "x": x, "z": z, "g": code})


def third(values: Any, rng: np.random.Generator) -> Any:
    """A third of the rows, more often those with high values."""
    odds = 1.5 * (values - np.mean(values)) / np.std(values) - 0.95
    return rng.random(len(values)) < 1 / (1 + np.exp(-odds))


def with_gaps(df: pd.DataFrame, mechanism: str, rng: np.random.Generator) -> pd.DataFrame:
    gone = rng.random(ROWS) < 1 / 3 if mechanism == "mcar" else third(df[mechanism[-1]], rng)
    return df.assign(x=df["x"].mask(gone))


def rows_of(table: pd.DataFrame, **about: Any) -> Iterator[dict[str, Any]]:
    for term, truth in about.pop("truth", TRUTH).items():
        row = table.loc[term]
        yield {
            **about, "term": term, "truth": truth, "estimate": row["estimate"], "sd": row["sd"],
            "covered": bool(row["lower"] <= truth <= row["upper"]),
        }  # fmt: skip


def complete_rows(mechanism: str) -> Iterator[dict[str, Any]]:
    for number in range(CLOSED):
        rng = np.random.default_rng([1, number])
        df = with_gaps(simulate(rng), mechanism, rng)
        found = sf.fit(FORMULA, df, prob=PROB).fixef()
        yield from rows_of(found, mechanism=mechanism, method="complete rows")


def imputed(mechanism: str) -> Iterator[dict[str, Any]]:
    for name, value in SHORT.items():
        setattr(gibbs, name, value)
    for number in range(SAMPLED):
        rng = np.random.default_rng([1, number])
        df = with_gaps(simulate(rng), mechanism, rng)
        done = sf.impute(FORMULA, df, SETS, draws=60, seed=number)
        for method, name in (("exact", "model, averaged"), ("reml", "model, pooled")):
            found = sf.fit(FORMULA, done.frames, prob=PROB, engine=method).fixef()
            yield from rows_of(found, mechanism=mechanism, method=name)


def delta(_: str) -> Iterator[dict[str, Any]]:
    """The truth is what all rows would give on average: that of 1,000 whole data sets."""
    whole, kept = [], []
    for number in range(CLOSED):
        rng = np.random.default_rng([1, number])
        df = simulate(rng)
        gone = third(df["z"], rng)
        df["y"] = df["y"] + DELTA * gone
        whole.append(sf.fit(FORMULA, df, engine="reml").fixef()["estimate"])
        found = sf.delta_adjust(FORMULA, df.assign(y=df["y"].mask(gone)), [DELTA], prob=PROB)
        kept.append(found.effects)
    truth = pd.DataFrame(whole).mean()[list(TRUTH)].to_dict()
    for effects in kept:
        for at, name in ((DELTA, "delta, the right one"), (0.0, "delta 0")):
            table = effects[effects["delta"] == at].set_index("term")
            yield from rows_of(table, mechanism="mnar", method=name, truth=truth)


ARMS: dict[str, tuple[Callable[[str], Iterator[dict[str, Any]]], tuple[str, ...]]] = {
    "closed": (complete_rows, ("mcar", "mar_z", "mar_y")),
    "delta": (delta, ("mnar",)),
    "sampled": (imputed, ("mar_y",)),
}


def main() -> None:
    warnings.simplefilter("ignore", MissingWarning)
    path = Path(__file__).with_suffix(".csv")
    tables = [pd.read_csv(path)] if path.exists() else []
    for arm in sys.argv[1:] or ARMS:
        study, mechanisms = ARMS[arm]
        rows = pd.DataFrame([row for mechanism in mechanisms for row in study(mechanism)])
        by = rows.groupby(["mechanism", "method", "term"], sort=False)
        found = by.agg(
            rounds=("covered", "size"), truth=("truth", "mean"), estimate=("estimate", "mean"),
            spread=("estimate", "std"), sd=("sd", "mean"), covered=("covered", "mean"),
        ).reset_index()  # fmt: skip
        tables = [each[~each["method"].isin(found["method"])] for each in tables] + [found]
        pd.concat(tables).round(5).to_csv(path, index=False)
    print(pd.read_csv(path).to_string())


if __name__ == "__main__":
    main()
