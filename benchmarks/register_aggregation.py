"""Time and memory of aggregating a large synthetic register, beside a plain scan of its columns.

`uv run python benchmarks/register_aggregation.py --workplaces 2000000` makes a Parquet file of
20 quarters per workplace (40 million rows) in a temporary folder, sums its 17 figures by workplace
with DuckDB alone (`plain`), reads it with the package's own `read_register`, each in a fresh
process, and appends a line to `register_aggregation.csv`. `ratio` is of processor seconds, which
depend less on what else runs than those of a clock. With `--backend "local[2]"` the register is
read on Spark, whose processor seconds are not counted, and `same` says whether it has the digits
of DuckDB.
"""

import argparse
import csv
import hashlib
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).with_suffix(".csv")
QUARTERS = 20

MAKE = """
copy (
    with quarters as (
        select year * 10 + quarter as aar_kvartal
        from range(2016, 2021) as y(year), range(1, 5) as q(quarter)
    ),
    drawn as (
        select org_nr, aar_kvartal, 300 + random() * 5000 as days, random() as women,
               random() * 0.15 as absence, random() * 0.3 as young, random() * 0.4 as middle
        from numbers, quarters
    )
    select org_nr,
           round(days, 2) as mdagsv,
           round(days * women, 2) as mdag_kv,
           round(days * young, 2) as mdag_16_29,
           round(days * middle, 2) as mdag_30_49,
           round(days * (1 - young - middle), 2) as mdag_50_69,
           round(days * women * young, 2) as "mdag_KVINNER_16_29",
           round(days * women * middle, 2) as "mdag_KVINNER_30_49",
           round(days * women * (1 - young - middle), 2) as "mdag_KVINNER_50_69",
           case when random() < 0.9 then round(days * absence, 2) end as sfdagsvj,
           round(days * absence * women, 2) as td_kv,
           round(days * absence * young, 2) as tdv_16_29,
           round(days * absence * middle, 2) as tdv_30_49,
           round(days * absence * (1 - young - middle), 2) as tdv_50_69,
           round(days * absence * women * young, 2) as "tdv_KVINNER_16_29",
           round(days * absence * women * middle, 2) as "tdv_KVINNER_30_49",
           round(days * absence * women * (1 - young - middle), 2) as "tdv_KVINNER_50_69",
           aar_kvartal
    from drawn
) to '{path}' (format parquet)
"""


def make_register(path: Path, workplaces: int) -> None:
    """Write the synthetic register; its numbers begin with 1, as no Norwegian number does."""
    import duckdb
    import numpy as np
    import pyarrow as pa

    stem = np.arange(10_000_000, 10_000_000 + int(workplaces * 1.2) + 100)
    digits = stem[:, None] // 10 ** np.arange(7, -1, -1) % 10
    control = -(digits @ np.array([3, 2, 7, 6, 5, 4, 3, 2])) % 11
    numbers = (stem * 10 + control)[control < 10][:workplaces]
    connection = duckdb.connect()
    connection.register("numbers", pa.table({"org_nr": numbers}))
    connection.execute(MAKE.format(path=path))


def plain(path: Path, memory_limit: str) -> None:
    """Sum all figures by workplace, and print seconds, those of the processor, and peak memory."""
    import duckdb

    start, cpu = time.perf_counter(), time.process_time()
    connection = duckdb.connect(config={"memory_limit": memory_limit})
    columns = [row[0] for row in connection.execute(f"describe from '{path}'").fetchall()]
    sums = ", ".join(f'sum("{name}")' for name in columns if name != "org_nr")
    connection.execute(f"create temp table sums as select org_nr, {sums} from '{path}' group by 1")
    _print(start, cpu)


def read(path: Path, memory_limit: str, backend: str | None) -> None:
    """Aggregate the register and print the same, and a digest of what was found."""
    start, cpu = time.perf_counter(), time.process_time()
    from bayes_sf.inputs.register.reader import read_register

    key = bytes(32)
    register = read_register(path, key=key, memory_limit=memory_limit, backend=backend)
    _print(start, cpu)
    digest = hashlib.sha256(register.problems.to_csv().encode())
    found = register.workplaces
    digest.update(found.to_csv(index=False, float_format="%.17g").encode())
    print(len(found), digest.hexdigest())


def _print(start: float, cpu: float) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(time.perf_counter() - start, time.process_time() - cpu, peak)


def main() -> None:
    """Make, read in fresh processes, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workplaces", type=int, default=2_000_000)
    parser.add_argument("--memory-limit", default="2GiB", help="DuckDB's share of the memory")
    parser.add_argument("--register", type=Path, help="an existing file instead of a new one")
    parser.add_argument("--backend", help="address of Spark, beside DuckDB")
    parser.add_argument("--step", choices=["make", "plain", "read"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step == "make":
        make_register(options.register, options.workplaces)
    elif options.step == "plain":
        plain(options.register, options.memory_limit)
    elif options.step == "read":
        read(options.register, options.memory_limit, options.backend)
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = options.register or Path(folder) / "register.parquet"
            if not path.exists():
                made = ["--register", str(path), "--workplaces", str(options.workplaces)]
                # apart: a process that reads begins with the peak of the one that starts it
                subprocess.run([sys.executable, __file__, "--step", "make", *made], check=True)
            record(path, options.memory_limit, options.backend)


def record(path: Path, memory_limit: str, backend: str | None) -> None:
    """Run each step in a process of its own, and append a line for each reader."""

    def run(*more: str) -> list[str]:
        command = [sys.executable, __file__, "--register", str(path), *more]
        command += ["--memory-limit", memory_limit]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()

    run("--step", "plain")  # from now on the file is in memory as far as it goes
    by_plain = [float(part) for part in run("--step", "plain")]
    digests = []
    for engine in filter(None, ("duckdb", backend)):
        here = engine == "duckdb"
        said = run("--step", "read", *([] if here else ["--backend", engine]))
        seconds, cpu, peak = map(float, said[:3])
        workplaces = int(said[3])
        digests.append(said[4])
        line = {
            "date": datetime.now(UTC).date().isoformat(), "engine": engine,
            "workplaces": workplaces, "rows": workplaces * QUARTERS,
            "seconds": round(seconds, 1), "plain_seconds": round(by_plain[0], 1),
            "cpu_seconds": round(cpu, 1) if here else "",
            "plain_cpu_seconds": round(by_plain[1], 1),
            "ratio": round(cpu / by_plain[1], 1) if here else "",
            "peak_gib": round(peak, 2) if here else "", "plain_peak_gib": round(by_plain[2], 2),
            "same": digests[0] == digests[-1], "memory_limit": memory_limit,
            "cpus": os.cpu_count(), "load": round(os.getloadavg()[0], 1),
            "python": platform.python_version(),
        }  # fmt: skip
        new = not RESULTS.exists()
        with RESULTS.open("a", newline="") as file:
            writer = csv.DictWriter(file, line, lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerow(line)
        print(line)


if __name__ == "__main__":
    main()
