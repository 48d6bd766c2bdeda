"""Write the rows that R fits: of the synthetic replica, without pseudonyms; and 85 counties.

Run: uv run python tests/references/stan/make_data.py
"""

from pathlib import Path

import numpy as np
import pandas as pd

import bayes_sf as sf
from bayes_sf.inputs.sample import design

HERE = Path(__file__).parent / "data"


def counties(seed: int = 85) -> pd.DataFrame:
    """Radon-like: 85 counties of 1 to 116 houses, log radon by floor (0 basement, 1 ground)."""
    rng = np.random.default_rng(seed)
    sizes = np.round(np.exp(rng.normal(1.9, 1.0, size=85))).clip(1, 116).astype(int)
    sizes[:2] = 116, 1
    county = np.repeat(np.arange(85), sizes)
    floor = (rng.random(len(county)) < 0.17).astype(float)
    effect = rng.normal(0, 0.33, size=85)
    radon = 1.46 - 0.69 * floor + effect[county] + rng.normal(0, 0.76, size=len(county))
    names = [f"c{number:02d}" for number in county]
    return pd.DataFrame({"county": names, "floor": floor, "radon": radon.round(6)})


def main() -> None:
    """Write both files."""
    sample = sf.load_sample("replica")
    rows = design(sample, outcome="absence_mean", predictors=["q13"])
    rows = rows[["industry", "absence_mean", "q13"]].sort_values(["industry", "absence_mean"])
    rows.to_csv(HERE / "q13.csv", index=False)
    counties().to_csv(HERE / "counties.csv", index=False)


if __name__ == "__main__":
    main()
