"""Models of a Spark DataFrame beside the same rows in pandas.

Run: uv run --with "pyspark==4.0.*" python tests/studies/scan_spark.py   (needs Java; half a minute)
Writes tests/studies/scan_spark.csv: for each model the largest relative difference of an estimate.
"""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession

import bayes_sf as sf

MODELS = {
    "null": sf.ModelSpec("y", group="g"),
    "numbers and text": sf.ModelSpec("y", ("x", "kind"), group="g"),
    "coded": sf.ModelSpec("y", ("step",), group="g", categorical=("step",)),
    "of groups, standardised": sf.ModelSpec("y", ("size",), group="g", standardize=("size",)),
    "within and between": sf.ModelSpec("y", ("x",), group="g", within_between=("x",)),
}


def rows() -> pd.DataFrame:
    """2,000 simulated rows of four groups."""
    rng = np.random.default_rng(1)
    n = 2000
    frame = pd.DataFrame(
        {
            "x": rng.normal(1e6, 1.0, n),
            "step": rng.integers(0, 3, n),
            "kind": rng.choice(list("abc"), n),
            "g": rng.choice(["g1", "g2", "g3", "g4"], n),
        }
    )
    frame["size"] = frame["g"].map({"g1": 1.0, "g2": 2.0, "g3": 0.5, "g4": 7.0})
    frame["y"] = 0.3 * (frame["x"] - 1e6) + rng.normal(size=n)
    return frame


def main() -> None:
    """Fit by REML from both, and write how far apart they are."""
    frame = rows()
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    local = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    session = builder.config(map=local).getOrCreate()
    found = []
    with tempfile.TemporaryDirectory() as folder:
        frame.to_parquet(f"{folder}/rows.parquet")
        table = session.read.parquet(f"{folder}/rows.parquet")
        for name, spec in MODELS.items():
            here = sf.fit(spec, frame, engine="reml").estimates["estimate"]
            there = sf.fit(spec, table, engine="reml").estimates["estimate"]
            away = ((here - there).abs() / here.abs().clip(lower=1e-9)).max()
            found.append((name, len(frame), f"{away:.1e}"))
    columns = ["model", "rows", "largest_relative_difference"]
    pd.DataFrame(found, columns=columns).to_csv(Path(__file__).with_suffix(".csv"), index=False)


if __name__ == "__main__":
    main()
