"""Rows with gaps in categories, nobody's: an ordered one and one without an order (categories.csv).

Run: python tests/references/missing/make_categories.py, then jags.R.
"""

from pathlib import Path

import numpy as np
import pandas as pd

ROWS, GROUPS = 240, 12


def main() -> None:
    rng = np.random.default_rng(20261201)
    code = np.repeat(np.arange(GROUPS), ROWS // GROUPS)

    def effects(sd: float) -> np.ndarray:
        return sd * rng.normal(size=GROUPS)[code]

    z = rng.normal(size=ROWS)
    o = np.digitize(0.7 * z + effects(0.6) + rng.normal(size=ROWS), [-0.5, 0.6])
    utility = rng.normal(size=(ROWS, 3))
    utility[:, 1] += 0.3 + 0.5 * z + effects(0.5)
    utility[:, 2] += 0.4 * (o == 2) + effects(0.5)
    k = utility.argmax(axis=1)
    y = 1 + np.array([0, 0.5, 1])[o] + np.array([0, 0.8, -0.5])[k] + 0.3 * z + effects(0.6)
    y += rng.normal(size=ROWS)
    df = pd.DataFrame({"y": y, "z": z, "o": o, "k": k, "g": code}).round(4)
    odds = 1.2 * (y - y.mean()) / y.std() - 1
    for name, shift in (("o", 0.0), ("k", 0.3)):  # more gaps in k, so that it comes after o
        gone = rng.random(ROWS) < 1 / (1 + np.exp(-odds - shift))
        df[name] = df[name].astype("Int64").mask(gone)
    df.to_csv(Path(__file__).with_name("categories.csv"), index=False)


if __name__ == "__main__":
    main()
