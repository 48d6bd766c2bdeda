"""Synthetic pupils in schools, and sleepers: the public studies of one's own that tests run on.

Nobody is in them: every number is drawn here. `python tests/own_studies/make.py` writes the files.
"""

from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent


def pupils(seed: int = 7) -> pd.DataFrame:
    """253 pupils of 12 schools: a score, background, a question with four answers, one with two."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(14, 27, 12)
    school = np.repeat([f"S{number:02d}" for number in range(1, 13)], sizes)
    n = len(school)
    code = np.repeat(np.arange(12), sizes)
    ses = rng.normal(0, 1, n).round(2)
    help_ = rng.choice(["never", "sometimes", "often", "always"], n, p=[0.2, 0.35, 0.3, 0.15])
    step = pd.Series(help_).map({"never": 1, "sometimes": 2, "often": 3, "always": 4}).to_numpy()
    sex = rng.choice(["girl", "boy"], n)
    level = rng.normal(0, 3, 12)[code]
    score = 50 + level + 2.5 * ses + 1.2 * step + rng.normal(0, 7, n)
    frame = pd.DataFrame(
        {"school": school, "score": score.round(1), "ses": ses, "help": help_, "sex": sex}
    )
    frame["sleep"] = (7 + 0.2 * ses + rng.normal(0, 0.8, n)).round(1)
    frame.loc[rng.choice(n, 9, replace=False), "ses"] = np.nan
    frame.loc[rng.choice(n, 8, replace=False), "help"] = np.nan
    return frame


if __name__ == "__main__":
    pupils().to_csv(HERE / "pupils" / "pupils.csv", index=False, lineterminator="\n")
