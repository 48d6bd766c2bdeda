"""Time of mixed models.

Run: uv run python benchmarks/mixed.py   (writes benchmarks/mixed.csv)
Simulated: slopes of 4,000 rows in 65 groups, and two crossed factors of 100 and 50 levels. Times
are of a second fit, of one process with one thread.
"""

import os
from pathlib import Path
from time import process_time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

import bayes_sf as sf


def frames() -> dict[str, tuple[str, pd.DataFrame]]:
    """Formulas and rows."""
    rng = np.random.default_rng(3)
    g, x = rng.integers(65, size=4000), rng.normal(size=4000)
    u = rng.multivariate_normal([0, 0], [[0.1, 0.02], [0.02, 0.015]], 65)
    slopes = pd.DataFrame({"x": x, "g": g.astype(str)})
    slopes["y"] = 0.5 * x + u[g, 0] + u[g, 1] * x + rng.normal(0, 0.75, 4000)
    a, b = rng.integers(100, size=3000), rng.integers(50, size=3000)
    crossed = pd.DataFrame({"a": a.astype(str), "b": b.astype(str), "x": rng.normal(size=3000)})
    crossed["y"] = crossed["x"] + rng.normal(size=100)[a] + rng.normal(0, 0.5, 50)[b]
    crossed["y"] += rng.normal(size=3000)
    return {
        "slopes": ("y ~ x + (1 + x | g)", slopes),
        "crossed": ("y ~ x + (1 | a) + (1 | b)", crossed),
    }


def main() -> None:
    """Write seconds by model and engine."""
    rows = []
    for name, (formula, frame) in frames().items():
        for engine in ("reml", "ml", "exact"):
            for _ in range(2):
                start = process_time()
                sf.fit(formula, frame, engine=engine)
                seconds = process_time() - start
            rows.append((name, engine, len(frame), round(seconds, 3)))
            print(*rows[-1])
    table = pd.DataFrame(rows, columns=["model", "engine", "rows", "cpu_seconds"])
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False)


if __name__ == "__main__":
    main()
