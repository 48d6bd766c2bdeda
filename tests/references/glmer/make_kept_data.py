"""Simulated data for the references of other outcomes: python make_kept_data.py, in this folder."""

from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent / "data"
rng = np.random.default_rng(20261131)


def write(name: str, table: pd.DataFrame) -> None:
    """Rows in random order: no engine may rely on levels that stand together."""
    table.sample(frac=1, random_state=1).round(5).to_csv(HERE / f"{name}.csv", index=False)


def logistic(eta: np.ndarray) -> np.ndarray:
    """Inverse of the logit."""
    return 1 / (1 + np.exp(-eta))


n = 360
g, h, c = rng.integers(24, size=n), rng.integers(10, size=n), rng.integers(3, size=n)
x = rng.normal(2, 1.5, n)
ug, ux, uh = rng.normal(0, 0.9, 24), rng.normal(0, 0.4, 24), rng.normal(0, 0.6, 10)
eta = -1 + (0.5 + ux[g]) * x + np.array([0, 0.7, -0.5])[c] + ug[g] + uh[h]
groups = {"g": [f"g{i:02d}" for i in g], "h": [f"h{i}" for i in h]}
write("binary", pd.DataFrame({
    "y": rng.binomial(1, logistic(eta)), "x": x, "c": np.array(["low", "mid", "top"])[c], **groups,
}))  # fmt: skip

trials = rng.integers(1, 15, n)[:150]
g, x = np.sort(rng.integers(12, size=150)), rng.normal(size=150)
eta = -0.4 + 0.6 * x + rng.normal(0, 0.8, 12)[g]
write("trials", pd.DataFrame({
    "y": rng.binomial(trials, logistic(eta)), "n": trials, "x": x, "g": [f"g{i:02d}" for i in g],
}))  # fmt: skip

g, h, x = rng.integers(18, size=240), rng.integers(8, size=240), rng.normal(1, 1, 240)
time = rng.uniform(0.5, 4, 240)
eta = 0.3 + 0.4 * x + rng.normal(0, 0.6, 18)[g] + rng.normal(0, 0.4, 8)[h] + np.log(time)
write("counts", pd.DataFrame({
    "y": rng.poisson(np.exp(eta)), "x": x, "time": time,
    "g": [f"g{i:02d}" for i in g], "h": [f"h{i}" for i in h],
}))  # fmt: skip

g, x = np.repeat(np.arange(30), 4), rng.normal(size=120)
write("nothing", pd.DataFrame({
    "y": np.tile([0, 1, 1, 0], 30), "x": x, "g": [f"g{i:02d}" for i in g],
}))  # fmt: skip

g, x = rng.integers(12, size=160), rng.normal(0.5, 1, 160)
latent = 0.8 * x + rng.normal(0, 0.7, 12)[g] + rng.logistic(size=160)
write("ordered", pd.DataFrame({
    "y": (latent[:, None] > np.array([-1.0, 0.5, 2.0])).sum(axis=1) + 1, "x": x,
    "g": [f"g{i:02d}" for i in g],
}))  # fmt: skip
