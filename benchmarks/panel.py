"""Time the panel model on the replica: 582 workplaces x 20 quarters, q13 and all controls.

Run with `uv run python benchmarks/panel.py` on a quiet machine; it writes `panel.csv`. Compilation
is timed apart: PyTensor keeps what it has compiled before, so a second run is faster.
"""

import csv
import os
import platform
import resource
from pathlib import Path
from time import perf_counter, process_time

import bayes_sf as sf
from bayes_sf.engines.panel.data import PanelData
from bayes_sf.engines.panel.draws import complete
from bayes_sf.engines.panel.fitted import PANEL_SETTINGS
from bayes_sf.engines.panel.sampling import compile_panel, fit_panel
from bayes_sf.inputs.panel import build_panel
from bayes_sf.spec.panel import PanelSpec

OUT = Path(__file__).with_suffix(".csv")


def main() -> None:
    """Compile, sample, fill in; one row."""
    predictors = sf.load_analysis("q13_panel").specs[0].predictors
    panel, spec = build_panel(sf.load_sample("replica"), predictors), PanelSpec(predictors)
    load = round(os.getloadavg()[0], 1)
    start, cpu = perf_counter(), process_time()
    compiled = compile_panel(PanelData(panel), spec)
    compiling, compiling_cpu = perf_counter() - start, process_time() - cpu
    start = perf_counter()
    fit = fit_panel(panel, spec, compiled=compiled)
    sampling = perf_counter() - start
    start = perf_counter()
    complete(fit, 100)
    filling = perf_counter() - start
    table = fit.diagnostics()
    row = {
        "workplaces": len(panel.code), "quarters": len(panel.quarters),
        "predictors": len(predictors), "chains": int(fit.settings["chains"]),
        "draws": int(fit.settings["draws"]), "retried": fit.settings != PANEL_SETTINGS,
        "compiling_s": round(compiling, 1), "compiling_cpu_s": round(compiling_cpu, 1),
        "sampling_s": round(sampling, 1), "filling_100_s": round(filling, 1),
        "quantities": len(table), "divergences": int(table["divergences"].iloc[0]),
        "r_hat_max": round(float(table["r_hat"].max()), 4),
        "ess_bulk_min": int(table["ess_bulk"].min()), "ess_tail_min": int(table["ess_tail"].min()),
        "peak_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        "load": load, "python": platform.python_version(), "cores": os.cpu_count(),
    }  # fmt: skip
    print(row)
    with OUT.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, row, lineterminator="\n")
        writer.writeheader()
        writer.writerow(row)


if __name__ == "__main__":
    main()
