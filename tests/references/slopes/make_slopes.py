"""Data that `fit.R` and `test_slopes_peers` share: made up here, so that they may be kept.

Run in this folder: python make_slopes.py
"""

from pathlib import Path

import numpy as np
import pandas as pd


def simulate() -> pd.DataFrame:
    """Twelve groups of 4 to 26 rows whose x lies well away from zero."""
    rng = np.random.default_rng(20261129)
    sizes = np.arange(4, 28, 2)
    code = np.repeat(np.arange(12), sizes)
    x = rng.normal(3.0 + 0.5 * rng.normal(size=12)[code], 1.0).round(2)
    u = rng.normal(size=(12, 2)) @ np.array([[2.0, 0.0], [-0.3, 0.5]]).T
    y = 10 + 0.8 * x + u[code, 0] + u[code, 1] * x + 1.5 * rng.normal(size=len(code))
    return pd.DataFrame({"y": y.round(3), "x": x, "g": [f"g{j:02}" for j in code]})


if __name__ == "__main__":
    simulate().to_csv(Path(__file__).parent / "data" / "simulated.csv", index=False)
