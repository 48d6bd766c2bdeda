"""Time mixed models beside lme4 and lme-python, and write `peers.csv`.

Run on a quiet machine: uv run --with lme-python python benchmarks/peers.py
Sixty random-intercept models of one frame (30 predictors, two outcomes, 582 rows, six groups, as
the report's), slopes of 4,000 rows in 65 groups, and two crossed factors of 100 and 50 levels. All
rows are simulated. Every time is the least of seven, of processor seconds, in one process with one
thread; lme4's is measured in R, without starting it. Without R its lines are left out.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import lme_python
import numpy as np
import pandas as pd
import polars as pl
from mixed import frames

import bayes_sf as sf
from bayes_sf.spec.analysis import Analysis

RUNS = 7
PREDICTORS, OUTCOMES = [f"x{i}" for i in range(30)], ["y1", "y2"]
R = """
library(lme4)
data <- read.csv(commandArgs(TRUE)[1])
formulas <- lapply(readLines(commandArgs(TRUE)[2]), as.formula)
once <- function() for (f in formulas) lmer(f, data, control = lmerControl(calc.derivs = FALSE))
time <- function() { start <- proc.time(); suppressMessages(once()); (proc.time() - start)[1] }
cat(min(replicate(as.integer(commandArgs(TRUE)[3]), time())))
"""


def many() -> pd.DataFrame:
    """One frame of many predictors, in six groups of unlike size."""
    rng = np.random.default_rng(8)
    code = np.repeat(np.arange(6), [190, 150, 100, 72, 50, 20])
    frame = pd.DataFrame({"g": np.array(list("abcdef"))[code]})
    for name in PREDICTORS:
        frame[name] = rng.integers(1, 6, len(code)).astype(float)
    for name in OUTCOMES:
        frame[name] = 8 + 2 * rng.normal(size=6)[code] + 3 * rng.normal(size=len(code))
    return frame


def tasks() -> Iterator[tuple[str, list[str], pd.DataFrame]]:
    """Name, formulas, and the frame that they are of."""
    yield "60 models", [f"{y} ~ {x} + (1 | g)" for y in OUTCOMES for x in PREDICTORS], many()
    for name, (formula, frame) in frames().items():
        yield name, [formula], frame


def ours(formulas: list[str], frame: pd.DataFrame, engine: str) -> Callable[[], object]:
    """Fits of ours: of several formulas as one analysis, of one as it is; with all intervals."""
    if len(formulas) == 1:
        return lambda: sf.fit(formulas[0], frame, engine=engine).estimates
    specs = tuple(sf.ModelSpec.from_formula(text, missing="drop") for text in formulas)
    asked = Analysis("peers", "", specs, "")
    return lambda: sf.fit(asked, frame, engine=engine).estimates


def theirs(formulas: list[str], frame: pd.DataFrame) -> Callable[[], object]:
    """Fits by lme-python."""
    data = pl.from_pandas(frame)
    return lambda: [lme_python.lmer(text, data) for text in formulas]


def by_lme4(formulas: list[str], frame: pd.DataFrame) -> float:
    """Seconds of lme4."""
    with tempfile.TemporaryDirectory() as folder:
        data, text = Path(folder, "data.csv"), Path(folder, "formulas.txt")
        frame.to_csv(data, index=False)
        text.write_text("\n".join(formulas) + "\n", encoding="utf-8")
        command = ["Rscript", "-e", R, str(data), str(text), str(RUNS)]
        done = subprocess.run(command, check=True, capture_output=True, encoding="utf-8")
    return float(done.stdout)


def least(work: Callable[[], object]) -> float:
    """Least processor seconds of several runs, the first of which only warms up."""
    found = []
    for _ in range(RUNS + 1):
        start = process_time()
        work()
        found.append(process_time() - start)
    return min(found[1:])


def main() -> None:
    """Write seconds by task and package."""
    rows = []
    for name, formulas, frame in tasks():
        if shutil.which("Rscript"):
            rows.append((name, "lme4", by_lme4(formulas, frame)))
        rows.append((name, "lme-python", least(theirs(formulas, frame))))
        rows += [
            (name, f"bayes_sf, {engine}", least(ours(formulas, frame, engine)))
            for engine in ("reml", "exact")
        ]
    table = pd.DataFrame(rows, columns=["task", "package", "cpu_seconds"])
    fastest = table[table["package"] == "lme-python"].set_index("task")["cpu_seconds"]
    table["of_lme_python"] = table["cpu_seconds"] / table["task"].map(fastest)
    table.round(3).to_csv(Path(__file__).with_suffix(".csv"), index=False)
    print(table.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
