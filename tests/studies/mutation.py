"""Mutation testing: of random single changes to the computing rooms, how many do tests notice?

`uv run --with cosmic-ray==8.7.0 python tests/studies/mutation.py --n 300 --seed 6` writes
`mutation.csv`. See docs/mutation.md.
"""

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from functools import cached_property
from pathlib import Path
from queue import Empty, Queue
from typing import IO, Any, ClassVar

from mutation_places import ROOT, Mutant, mutants
from mutation_record import PLUGIN, WORK, Record, python, record

HERE = Path(__file__).resolve().parent
COLUMNS = ("file", "line", "operator", "old", "new", "outcome", "noticed_by", "seconds")
EQUIVALENT = HERE / "mutation_equivalent.csv"
#: Outcome of a mutant of that list.
NOTHING = "changes nothing"


class Worker:
    """A copy of the checkout, and two processes that fork in it: with the suite, and without."""

    #: Tests that pass (or fail) without a mutant, known to all workers.
    sound: ClassVar[dict[str, bool]] = {}

    def __init__(self, number: int, files: list[str]) -> None:
        self.files = files
        self.copy, self.scratch = WORK / f"copy{number}", WORK / f"tmp{number}"
        for folder in (self.copy, self.scratch):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard"],
            cwd=ROOT, capture_output=True, encoding="utf-8", check=True,
        ).stdout  # fmt: skip
        for name in filter(None, listed.splitlines()):
            if (ROOT / name).exists():
                (self.copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.copy / name)

    @cached_property
    def warm(self) -> tuple[IO[str], IO[str]]:
        """Where the suite is collected."""
        options = ["-p", PLUGIN, "-n", "0", "-s", "-q", "-p", "no:cacheprovider"]
        return self._start("-m", "pytest", *options, *self.files)

    @cached_property
    def cold(self) -> tuple[IO[str], IO[str]]:
        """Where the libraries are, and nothing of ours."""
        return self._start("-m", PLUGIN)

    def _start(self, *command: str) -> tuple[IO[str], IO[str]]:
        (asked, to), (come, answers) = os.pipe(), os.pipe()
        settings = {
            "PYTHONPATH": str(self.copy), "TMPDIR": str(self.scratch), "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip
        given = [str(asked), str(answers)]
        if "pytest" in command:
            settings["BAYES_SF_SERVE"], given = ",".join(given), []
        with (self.copy / "results.log").open("a", encoding="utf-8") as said:
            subprocess.Popen(
                [python(), *command, *given], cwd=self.copy, env={**os.environ, **settings},
                pass_fds=(asked, answers), stdout=said, stderr=said,
            )  # fmt: skip
        os.close(asked)
        os.close(answers)
        streams = os.fdopen(to, "w"), os.fdopen(come, "r")
        assert json.loads(streams[1].readline())
        return streams

    def ask(
        self, mutant: Mutant, tests: list[str], seconds: float, after: str, limit: float
    ) -> dict[str, Any]:
        """Run tests on a mutant (or on the package as it is) until one fails."""
        servers = self.warm, self.cold  # they read the files: before one is changed
        path = self.copy / mutant.file
        stat = path.stat()
        path.write_text(after, encoding="utf-8")
        try:
            job = {
                "file": mutant.file, "old": mutant.before, "new": after, "tests": tests,
                "timeout": 60 + 8 * seconds, "limit": limit,
            }  # fmt: skip
            for to, answers in servers:
                print(json.dumps(job), file=to, flush=True)
                answer = json.loads(answers.readline())
                if answer["outcome"] != "at import":
                    return answer
            raise AssertionError
        finally:
            path.write_text(mutant.before, encoding="utf-8")
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
            for folder in self.scratch.iterdir():
                shutil.rmtree(folder, ignore_errors=True)

    def test(self, mutant: Mutant, known: Record, limit: float) -> tuple[str, str, float]:
        """Outcome, who noticed, and seconds; a test that fails without a mutant does not count."""
        tests, complete = known.tests(mutant, limit)
        if not tests:
            return "survived", "no test touches it", 0.0
        since = time.monotonic()
        while True:
            answer = self.ask(mutant, tests, known.expected(tests), mutant.after, limit)
            by = answer.get("by", "")
            if by not in tests or self._passes(mutant, by):
                break
            tests.remove(by)
            if not tests:
                return "survived", "no test of it passes", 0.0
        if answer["outcome"] == "survived" and not (complete and answer["ran"] == len(tests)):
            by = f"{answer['ran']} tests within the limit"
        return answer["outcome"], by, round(time.monotonic() - since, 1)

    def _passes(self, mutant: Mutant, test: str) -> bool:
        if test not in self.sound:
            answer = self.ask(mutant, [test], 60.0, mutant.before, 60.0)
            self.sound[test] = answer["outcome"] == "survived"
        return self.sound[test]

    def whole_suite(self, mutant: Mutant) -> str:
        """Name of a default test that notices, or nothing: all of them, in fresh processes."""
        path = self.copy / mutant.file
        path.write_text(mutant.after, encoding="utf-8")
        try:
            done = subprocess.run(
                [python(), "-m", "pytest", "-x", "-q", "-rfE", "-p", "no:cacheprovider"],
                cwd=self.copy, env={**os.environ, "PYTHONPATH": str(self.copy)},
                capture_output=True, encoding="utf-8", check=False,
            )  # fmt: skip
        finally:
            path.write_text(mutant.before, encoding="utf-8")
        lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        return lines[0].split()[1] if lines else "" if done.returncode == 0 else "whole suite"


def _key(row: dict[str, str]) -> tuple[str, ...]:
    return row["file"], row["operator"], row["old"], row["new"]


def _row(mutant: Mutant, outcome: str, by: str = "", seconds: float | str = "") -> dict[str, str]:
    row = (mutant.file, mutant.line, mutant.operator, *mutant.shown, outcome, by, seconds)
    return dict(zip(COLUMNS, map(str, row), strict=True))


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _asked() -> argparse.Namespace:
    """Options of the command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--n", type=int, default=300)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument(
        "--limit", type=float, default=60, help="seconds of the processor per mutant"
    )
    options.add_argument("--only", default="", help="part of a file's name")
    options.add_argument("--tests", nargs="*", default=[], help="files or folders (else all)")
    options.add_argument("--record-again", action="store_true", help="tests have changed")
    options.add_argument("--survivors-again", action="store_true", help="forget who survived")
    options.add_argument("--whole-suite", action="store_true", help="for those that survive")
    options.add_argument("--to", type=Path, default=HERE / "mutation.csv")
    return options.parse_args()


def main() -> None:
    """Draw, run what has not been run, write."""
    given = _asked()
    WORK.mkdir(parents=True, exist_ok=True)
    tests = [
        str(path) for name in given.tests
        for path in (sorted(Path(name).rglob("*.py")) if Path(name).is_dir() else [name])
    ]  # fmt: skip
    known = record(given.record_again, tests)
    equivalent = {_key(row) for row in _rows(EQUIVALENT)}
    drawn = mutants(given.n, given.seed, given.only)
    wanted = [mutant for mutant in drawn if mutant.key not in equivalent]
    done = {_key(row): row for row in _rows(given.to)}
    if given.survivors_again:
        done = {key: row for key, row in done.items() if row["outcome"] == "noticed"}
    waiting: Queue[Mutant] = Queue()
    for mutant in wanted:
        if mutant.key not in done:
            waiting.put(mutant)
    results = {mutant.key: done[mutant.key] for mutant in wanted if mutant.key in done}
    results |= {mutant.key: _row(mutant, NOTHING) for mutant in drawn if mutant.key in equivalent}
    lock = threading.Lock()

    def work(number: int) -> None:
        worker = Worker(number, tests) if not waiting.empty() else None
        while worker:
            try:
                mutant = waiting.get_nowait()
            except Empty:
                break
            outcome, by, seconds = worker.test(mutant, known, given.limit)
            if outcome == "survived" and given.whole_suite:
                found = worker.whole_suite(mutant)
                outcome, by = ("noticed", found) if found else (outcome, "whole suite")
            with lock:
                results[mutant.key] = _row(mutant, outcome, by, seconds)
                _write(given.to, [results[m.key] for m in drawn if m.key in results])
                print(*results[mutant.key].values(), sep=" | ", flush=True)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(given.jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _write(given.to, [results[m.key] for m in drawn if m.key in results])
    judged = [row["outcome"] == "noticed" for row in results.values() if row["outcome"] != NOTHING]
    share = f"{sum(judged) / max(1, len(judged)):.1%}"
    nothing = len(results) - len(judged)
    print(f"{sum(judged)} of {len(judged)} noticed ({share}); {nothing} change nothing")


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    sys.exit(main())
