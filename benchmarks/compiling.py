"""Time the compilation of hierarchical models, with an empty cache and with a full one.

Run with `uv run python benchmarks/compiling.py` on a quiet machine; it writes `compiling.csv`.
PyTensor keeps what it has compiled: `empty` is what a user of a new machine waits for a first model
of this kind, `full` what a new process waits when all models have been compiled before.
"""

import csv
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

OUT = Path(__file__).with_suffix(".csv")
#: Analyses, by what they need to be compiled for.
ANALYSES = {
    "one slope (marginal)": "q13", "slopes by industry": "q13_slopes",
    "monotonic": "q13_monotonic", "sds by industry": "null_resid", "repeats": "q13_repeats",
}  # fmt: skip


def time_one(name: str) -> float:
    """Seconds of compiling the first model of an analysis, its imports before."""
    import nutpie  # noqa: F401
    import pymc  # noqa: F401

    import bayes_sf as sf
    from bayes_sf.engines.fit import rows_of
    from bayes_sf.engines.gaussian.joint import Joint, resolve_priors
    from bayes_sf.engines.gaussian.likelihood import standardise
    from bayes_sf.engines.sampled.cells import build_cells
    from bayes_sf.engines.sampled.conditional_graph import compiled_conditional
    from bayes_sf.engines.sampled.graph import compiled_for

    spec = sf.load_analysis(name).specs[0]
    rows = rows_of(spec, sf.load_sample("replica"))
    assert rows is not None
    start = perf_counter()
    if spec.plain:
        data = standardise(rows.moments)
        compiled_for(Joint.build(data, resolve_priors(spec.priors, data)))
    else:
        compiled_conditional(build_cells(rows, spec))
    return perf_counter() - start


def main() -> None:
    """Time every analysis in processes of their own; one row each."""
    found = []
    with tempfile.TemporaryDirectory() as cache:
        for label, name in ANALYSES.items():
            own = Path(cache) / name
            both = [_in_a_process(name, own) for _ in ("empty", "full")]
            found.append(
                {
                    "model": label, "analysis": name, "empty_cache_s": round(both[0], 1),
                    "full_cache_s": round(both[1], 1), "load": round(os.getloadavg()[0], 1),
                    "python": platform.python_version(), "cores": os.cpu_count(),
                }
            )  # fmt: skip
            print(found[-1])
    with OUT.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, found[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)


def _in_a_process(name: str, cache: Path) -> float:
    """Time in a new process with a cache of its own."""
    flags = f"base_compiledir={cache}"
    done = subprocess.run(
        [sys.executable, __file__, name], env={**os.environ, "PYTENSOR_FLAGS": flags},
        capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    return float(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(time_one(sys.argv[1]))
    else:
        main()
