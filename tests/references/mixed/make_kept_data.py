"""Simulated data for the references of mixed models: python make_kept_data.py, in this folder."""

from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent / "data"
rng = np.random.default_rng(20261130)


def write(name: str, table: pd.DataFrame) -> None:
    """Rows in random order: no engine may rely on levels that stand together."""
    table.sample(frac=1, random_state=1).round(5).to_csv(HERE / f"{name}.csv", index=False)


n = 240
a, b = rng.integers(12, size=n), rng.integers(9, size=n)
x, z, c = rng.normal(3, 1, n), rng.normal(size=n), rng.integers(3, size=n)
ua, ub, ux = rng.normal(0, 1.1, 12), rng.normal(0, 0.7, 9), rng.normal(0, 0.5, 12)
w = rng.uniform(0.3, 3.0, n).round(2)
y = 2 + (0.5 + ux[a]) * x + np.array([0, 0.6, -0.8])[c] + 0.3 * x * (c == 1) + ua[a] + ub[b]
y = y + z + rng.normal(size=n) / np.sqrt(w)
write("crossed", pd.DataFrame({
    "y": y, "x": x, "z": z, "c": np.array(["low", "mid", "top"])[c], "w": w,
    "a": [f"a{i:02d}" for i in a], "b": [f"b{i}" for i in b]}))  # fmt: skip

g, h = np.repeat(np.arange(6), 16), np.tile(np.repeat(np.arange(4), 4), 6)
ug, uh = rng.normal(0, 2, 6), rng.normal(0, 1, (6, 4))
x = rng.normal(size=96)
write("nested", pd.DataFrame({
    "y": 10 + x + ug[g] + uh[g, h] + rng.normal(0, 1.5, 96), "x": x,
    "g": [f"g{i}" for i in g], "h": [f"h{i}" for i in h]}))  # fmt: skip

g = np.repeat(np.arange(20), rng.integers(4, 16, 20))
x = rng.normal(1, 2, len(g))
u = rng.multivariate_normal([0, 0], [[1.0, -0.3], [-0.3, 0.36]], 20)
y = 1 + 0.5 * x + u[g, 0] + u[g, 1] * x + rng.normal(0, 1.3, len(g))
write("slopes", pd.DataFrame({"y": y, "x": x, "g": [f"g{i:02d}" for i in g]}))

e = rng.normal(size=len(g))
for j in range(20):  # nothing is left of intercepts and slopes between groups
    own = np.column_stack([np.ones((g == j).sum()), x[g == j]])
    e[g == j] -= 0.9 * own @ np.linalg.lstsq(own, e[g == j], rcond=None)[0]
y = 1 + 0.5 * x + rng.normal(0, 1, 20)[g] + e
write("singular", pd.DataFrame({"y": y, "x": x, "g": [f"g{i:02d}" for i in g]}))
