"""Time and memory of aggregating a large synthetic register: rows per second in a tracked CSV.

`uv run python benchmarks/register_aggregation.py --workplaces 2000000` makes a Parquet file of
20 quarters per workplace (40 million rows) in a temporary folder, reads it with the package's own
`read_register` in a fresh process and appends a line to `register_aggregation.csv`.
"""

import argparse
import csv
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


def read(path: Path, memory_limit: str) -> None:
    """Aggregate the register and print seconds, peak memory in GiB and workplaces."""
    start = time.perf_counter()
    from bayes_sf.inputs.register.reader import read_register

    register = read_register(path, memory_limit=memory_limit)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(seconds, peak, register.table.count().to_pyarrow().as_py())


def main() -> None:
    """Make, read in a fresh process, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workplaces", type=int, default=2_000_000)
    parser.add_argument("--memory-limit", default="2GiB", help="DuckDB's share of the memory")
    parser.add_argument("--register", type=Path, help="an existing file instead of a new one")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        read(options.read, options.memory_limit)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = options.register or Path(folder) / "register.parquet"
        if not path.exists():
            make_register(path, options.workplaces)
        command = [sys.executable, __file__, "--read", str(path)]
        command += ["--memory-limit", options.memory_limit]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, peak, workplaces = (float(part) for part in output.split())
    rows = int(workplaces) * QUARTERS
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "workplaces": int(workplaces),
        "rows": rows,
        "seconds": round(seconds, 1),
        "rows_per_second": round(rows / seconds),
        "peak_gib": round(peak, 2),
        "memory_limit": options.memory_limit,
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
    }
    new = not RESULTS.exists()
    with RESULTS.open("a", newline="") as file:
        writer = csv.DictWriter(file, record, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(record)
    print(record)


if __name__ == "__main__":
    main()
