"""Simulate the panel that `mice` and our panel model both complete; see README.md.

Run: uv run python tests/references/mice/make_panel.py
"""

from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent / "data"
SIZES = (18, 16, 15, 13, 10)
QUARTERS = (
    "2016Q4",
    *(f"{year}Q{quarter}" for year in (2017, 2018, 2019) for quarter in (1, 2, 3, 4)),
)


def simulate(seed: int = 35) -> pd.DataFrame:
    """Workplaces in five industries over thirteen quarters; a third of the figures are missing.

    Quarters are missing more often where x is large and in the last two industries (MAR); four
    workplaces have none at all.
    """
    rng = np.random.default_rng(seed)
    industry = np.repeat(np.arange(len(SIZES)), SIZES)
    n, t = len(industry), len(QUARTERS)
    x = rng.normal(size=n).round(3) + 0.3 * (industry - 2)
    level = 6 + np.array([-2.0, -1.0, 0.0, 1.0, 2.5])[industry] - 0.6 * x
    time = (np.arange(t) - (t - 1) / 2) / 12
    season = np.array([{"1": 0.6, "2": -0.2, "3": -0.7, "4": 0.3}[q[-1]] for q in QUARTERS])
    own = rng.normal(0, 1.5, size=n)
    y = (level + own)[:, None] + season + 0.5 * time + 0.4 * np.outer(x, time)
    y = (y + rng.normal(0, 2.0, size=(n, t))).round(4)
    logit = -0.9 + 0.5 * x + np.array([0.0, -0.3, 0.0, 0.4, 0.6])[industry]
    missing = rng.random((n, t)) < 1 / (1 + np.exp(-logit))[:, None]
    missing[rng.choice(n, size=4, replace=False)] = True
    return pd.DataFrame(
        {
            "id": np.repeat(np.arange(1, n + 1), t),
            "industry": np.repeat([f"i{number + 1}" for number in industry], t),
            "quarter": np.tile(QUARTERS, n),
            "time": np.tile(time.round(10), n),
            "x": np.repeat(x, t),
            "y": np.where(missing, np.nan, y).ravel(),
        }
    )


def main() -> None:
    """Write the file."""
    simulate().to_csv(HERE / "panel.csv", index=False)


if __name__ == "__main__":
    main()
