"""The attacker of `tests/test_disclosure_attack.py` on samples of which one industry is cut down.

`uv run python tests/studies/disclosure.py` writes `disclosure.csv`: sensitive counts of each
sample, the share of cells that are hidden, and how many sensitive counts come back (0 is wanted).
"""

import sys
import tempfile
from pathlib import Path

import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from bayes_sf.output.description import write_description  # noqa: E402
from tests.test_disclosure_attack import (  # noqa: E402
    INDUSTRIES,
    load_sample,
    recovered,
    sensitive,
    with_small_industry,
)

SIZES = (1, 2, 3, 4, 5, 8, 15)


def main() -> None:
    """Attack every sample."""
    replica, rows = load_sample("replica"), []
    for industry in INDUSTRIES:
        for size in SIZES:
            sample = with_small_industry(replica, industry, size)
            targets = sensitive(sample)
            with tempfile.TemporaryDirectory() as folder:
                write_description(Path(folder), sample)
                shown = pd.read_csv(Path(folder) / "by_industry.csv", dtype=str)["count"]
                found = recovered(Path(folder), targets)
            hidden = f"{(shown == ':').mean():.3f}"
            rows.append((industry, size, len(targets), hidden, len(found)))
            print(*rows[-1], list(found.items())[:2], flush=True)
    columns = ["industry", "workplaces", "sensitive", "share_hidden", "recovered"]
    table = pd.DataFrame(rows, columns=columns)
    table.to_csv(HERE / "disclosure.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
