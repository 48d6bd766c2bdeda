"""Processor seconds of what a user waits for, now and in another checkout, in turn.

    python benchmarks/commands.py [CHECKOUT [RUNS]]

writes `benchmarks/commands.csv`: for each command the least of RUNS (three) with warm caches, its
children's seconds included, and, of a folder with an older checkout
(`git archive 52bee35 | tar -x -C CHECKOUT`), the same in the same hour. `ratio` is what is left of
it. With RUNS 0 every command is run once, as it is.
"""

import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUN = "from bayes_sf.cli.app import main; main()"
COMMANDS = {
    "import bayes_sf": ("import bayes_sf", ()),
    "--version": (RUN, ("--version",)),
    "fit q13": (RUN, ("fit", "q13")),
    "sensitivity": (RUN, ("sensitivity",)),
    "multiverse q13": (RUN, ("multiverse", "q13")),
    "report": (RUN, ("report",)),
}


def seconds(code: str, arguments: tuple[str, ...], checkout: Path) -> float:
    """Processor seconds of one run, with its children."""
    before = os.times()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-c", code, *arguments], cwd=folder, check=True, capture_output=True,
            env=os.environ | {"PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": ""},
        )  # fmt: skip
    after = os.times()
    return (
        after.children_user + after.children_system - before.children_user - before.children_system
    )


def main(older: Path | None, runs: int) -> None:
    """Run, and write the table."""
    lines = []
    for label, (code, arguments) in COMMANDS.items():
        found: dict[Path, list[float]] = {where: [] for where in (ROOT, older) if where}
        for _ in range(runs + 1):  # the first only warms up
            for where, times in found.items():
                times.append(seconds(code, arguments, where))
        least = [min(times[1:] or times) for times in found.values()]
        before = least[1:]
        ratio = [f"{least[0] / before[0]:.2f}"] if before else [""]
        lines.append([label, f"{least[0]:.1f}", *(f"{x:.1f}" for x in before or [0.0]), *ratio])
        sys.stderr.write(f"{lines[-1]}\n")
    with Path(__file__).with_suffix(".csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["command", "cpu_seconds", "before", "ratio"])
        writer.writerows(lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None, int((*sys.argv, "3", "3")[2]))
