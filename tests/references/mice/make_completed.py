"""Write `data/completed.csv`, completed sets of the simulated panel, for `mids.R`.

Run: uv run python tests/references/mice/make_completed.py
"""

import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[2]))
from bayes_sf.analysis.missing.completed import completed_sets
from bayes_sf.output.formats.completed import completed_files
from tests.analysis.test_completed import MICE, drawn, panel_of

if __name__ == "__main__":
    panel = panel_of(pd.read_csv(MICE / "data" / "panel.csv"))
    files = completed_files(completed_sets(panel, drawn(panel)), source="replica")
    (MICE / "data" / "completed.csv").write_bytes(files["completed_workplaces.csv"])
