"""What disclosure control costs: commands on a copy of the replica, with it and without, in turn.

    python benchmarks/gate.py [repeats]

writes `benchmarks/gate.csv`: processor seconds of each command with control, without, and the ratio
of their medians. A copy, because the bundled replica is known by its digest and not protected.
"""

import csv
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = {
    "export": ("export", "q13", "--format", "csv", "--format", "word", "--format", "html"),
    "report": ("report",),
}


def seconds(command: tuple[str, ...], folder: Path, *, control: bool) -> float:
    """Processor seconds of one run, with its children."""
    files = ("--survey", "survey.csv", "--register", "register_workplace.csv",
             "--register", "register_enterprise.csv", "--out", "out")  # fmt: skip
    off = () if control else ("--no-disclosure-control",)
    shutil.rmtree(folder / "out", ignore_errors=True)
    before = os.times()
    program = Path(sys.executable).with_name("bayes-sf")
    subprocess.run([program, *command, *files, *off], cwd=folder, check=True, capture_output=True)
    after = os.times()
    return (
        after.children_user + after.children_system - before.children_user - before.children_system
    )


def main(repeats: int) -> None:
    """Run, and write the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in (ROOT / "data" / "replica").glob("*.csv"):
            content = file.read_bytes()
            if file.name == "survey.csv":  # rows in another order: other files, the same workplaces
                head, first, *others = content.splitlines(keepends=True)
                content = b"".join([head, *others, first])
            (folder / file.name).write_bytes(content)
        lines = []
        for label, command in COMMANDS.items():
            found: dict[bool, list[float]] = {True: [], False: []}
            for turn in range(repeats):
                for control in (True, False) if turn % 2 else (False, True):
                    found[control].append(seconds(command, folder, control=control))
            with_it, without = median(found[True]), median(found[False])
            lines.append((label, repeats, f"{with_it:.1f}", f"{without:.1f}",
                          f"{with_it / without:.3f}"))  # fmt: skip
            sys.stderr.write(f"{lines[-1]}\n")
    with Path(__file__).with_suffix(".csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["command", "repeats", "with_control", "without", "ratio"])
        writer.writerows(lines)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
