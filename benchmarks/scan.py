"""A model of a table that stays where it is, beside a plain scan and beside reading the table.

Run: uv run python benchmarks/scan.py [MILLIONS ...]  (6 and 60 unless told; writes scan.csv)
Each line is a process of its own: seconds are of its second run, memory is the largest it ever had.
"""

import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import pandas as pd

FORMULA = "y ~ x + (1 | g)"


def write(path: Path, millions: int) -> None:
    """Write simulated rows of six groups, by DuckDB."""
    import duckdb

    duckdb.connect().sql(
        f"""copy (
            select x, 0.5 * x + g + random() as y, 'group ' || g as g
            from (select random() as x, (random() * 6)::int % 6 as g
                  from range({millions}000000)))
        to '{path}' (format parquet)"""
    )


def plain(path: str) -> None:
    """Means by group: the least that a scan of these columns costs."""
    import duckdb

    duckdb.connect().sql(f"select g, avg(x), avg(y) from '{path}' group by g").fetchall()


def where_it_lies(path: str) -> None:
    """Exact posterior of the file."""
    import bayes_sf as sf

    sf.fit(FORMULA, path).fixef()


def lazily(path: str) -> None:
    """The same through Polars."""
    import polars as pl

    import bayes_sf as sf

    sf.fit(FORMULA, pl.scan_parquet(path)).fixef()


def read_first(path: str) -> None:
    """Exact posterior of the frame."""
    import bayes_sf as sf

    sf.fit(FORMULA, pd.read_parquet(path)).fixef()


WAYS: dict[str, Callable[[str], None]] = {
    "plain scan (DuckDB)": plain,
    "fit of the file (DuckDB)": where_it_lies,
    "fit of a LazyFrame (Polars)": lazily,
    "read, then fit": read_first,
}


def measure(way: str, path: str) -> None:
    """Print seconds and megabytes of one way; called in a process of its own."""
    WAYS[way](path)
    start = perf_counter()
    WAYS[way](path)
    seconds = perf_counter() - start
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main(sizes: list[int]) -> None:
    """Write seconds and memory by rows and way."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for millions in sizes:
            path = Path(folder) / f"{millions}.parquet"
            write(path, millions)
            for way in WAYS:
                if way == "read, then fit" and millions > 10:
                    continue
                ran = subprocess.run(
                    [sys.executable, __file__, "--one", way, str(path)],
                    check=True, capture_output=True, text=True,
                )  # fmt: skip
                seconds, megabytes = map(float, ran.stdout.split())
                rows.append((millions, way, round(seconds, 3), round(megabytes)))
                print(*rows[-1])
            path.unlink()
    columns = ["million_rows", "way", "seconds", "peak_mb"]
    pd.DataFrame(rows, columns=columns).to_csv(Path(__file__).with_suffix(".csv"), index=False)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        measure(*sys.argv[2:])
    else:
        main([int(size) for size in sys.argv[1:]] or [6, 60])
