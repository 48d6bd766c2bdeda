"""Mutation testing: of random single changes to the computing rooms, how many do tests notice?

`uv run --with cosmic-ray==8.7.0 python tests/studies/mutation.py --n 300 --seed 1` writes
`mutation.csv`. See docs/mutation.md.
"""

import argparse
import ast
import csv
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import IO, Any

import parso
from cosmic_ray.mutating import mutate_code
from mutation_operators import BY_NODE, OPERATORS, ast_nodes

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = ROOT / "results" / "mutation"
ROOMS = ("engines", "analysis", "spec", "inputs")
PLUGIN = "tests.studies.mutation_plugin"
COLUMNS = ("file", "line", "operator", "old", "new", "outcome", "noticed_by", "seconds")


@dataclass(frozen=True)
class Mutant:
    """One change of one line (or of the lines from `line` to `last`)."""

    file: str
    line: int
    last: int
    operator: str
    before: str
    after: str

    @property
    def shown(self) -> tuple[str, str]:
        """The first line that differs, before and after."""
        old, new = self.before.splitlines(), self.after.splitlines()
        return next(
            ((a.strip(), b.strip()) for a, b in zip(old, new, strict=False) if a != b), ("", "")
        )

    @property
    def key(self) -> tuple[str, ...]:
        """What tells it from others, also when lines above it have moved."""
        return (self.file, self.operator, *self.shown)


# Mutants -----------------------------------------------------------------------------------------


def places(file: Path) -> dict[tuple[int, int], list[tuple[str, int]]]:
    """Where a file can be changed: position -> operators and their occurrence."""
    text = file.read_text(encoding="utf-8")
    spans = list(_annotations(text))
    counts: dict[str, int] = defaultdict(int)
    found: dict[tuple[int, int], list[tuple[str, int]]] = defaultdict(list)
    for node in ast_nodes(parso.parse(text)):
        for name in BY_NODE.get(node.type, ()):
            for start, _ in OPERATORS[name].mutation_positions(node):
                if not any(first <= start < last for first, last in spans):
                    found[start].append((name, counts[name]))
                counts[name] += 1
    return found


def _annotations(text: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Spans of types, which compute nothing."""
    lines = text.splitlines()

    def column(line: int, offset: int) -> int:
        return len(lines[line - 1].encode()[:offset].decode())

    for node in ast.walk(ast.parse(text)):
        types = [getattr(node, name, None) for name in ("annotation", "returns")]
        for part in [*types, node if isinstance(node, ast.TypeAlias) else None]:
            if isinstance(part, ast.AST):
                first, last = (part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset)
                yield (first[0], column(*first)), (last[0], column(*last))


def mutants(n: int, seed: int, pattern: str) -> list[Mutant]:
    """Random mutants: a place is drawn among all places, then one of the changes it allows."""
    files = sorted(
        path for room in ROOMS for path in (ROOT / "bayes_sf" / room).rglob("*.py")
        if pattern in str(path.relative_to(ROOT))
    )  # fmt: skip
    everywhere = [(file, *one) for file in files for one in sorted(places(file).items())]
    rng = random.Random(seed)
    rng.shuffle(everywhere)
    equivalent = {tuple(row.values())[:4] for row in _rows(HERE / "mutation_equivalent.csv")}
    found: list[Mutant] = []
    for file, (line, _), changes in everywhere:
        if len(found) == n:
            break
        name, occurrence = rng.choice(changes)
        text = file.read_text(encoding="utf-8")
        changed = mutate_code(text, OPERATORS[name], occurrence)
        if changed and changed != text and _compiles(changed):
            statement = _statement(text, line)
            found.append(Mutant(str(file.relative_to(ROOT)), line, statement, name, text, changed))
    return [mutant for mutant in found if mutant.key not in equivalent]


def _compiles(text: str) -> bool:
    try:
        compile(text, "mutant", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def _statement(text: str, line: int) -> int:
    """Last line of the smallest statement that has this line."""
    ends = [
        (node.end_lineno - node.lineno, node.end_lineno)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.stmt) and node.lineno <= line <= node.end_lineno
    ]
    return min(ends)[1] if ends else line


# Tests -------------------------------------------------------------------------------------------


class Record:
    """Which tests touch which lines, and what they cost."""

    def __init__(self, parts: list[dict[str, Any]]) -> None:
        self.touching: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        self.seconds: dict[str, float] = {}
        self.fixtures: dict[str, list[str]] = {}
        failed = {test for part in parts for test in part["failed"]}
        users: dict[str, set[str]] = defaultdict(set)
        for part in parts:
            for context, seconds in part["seconds"].items():
                self.seconds[context] = max(seconds, self.seconds.get(context, 0.0))
            for test, fixtures in part["fixtures"].items():
                if test not in failed:
                    self.fixtures[test] = fixtures
                    for fixture in (*fixtures, test, "import"):
                        users[fixture].add(test)
        for part in parts:
            for context, lines in part["lines"].items():
                for file, line in lines:
                    if context != "import":
                        self.touching[file][line] |= users[context]

    def tests(self, mutant: Mutant, limit: float) -> tuple[list[str], bool]:
        """Tests of a mutant, by file, the cheapest first; and whether these are all.

        Those that touch its lines; where no test does (what runs at import is one such case), those
        that touch its file.
        """
        lines = self.touching[mutant.file]
        chosen = set().union(*(lines[at] for at in range(mutant.line, mutant.last + 1)))
        chosen = chosen or set().union(*lines.values())
        files: dict[str, list[str]] = defaultdict(list)
        for test in chosen:
            files[test.partition("::")[0]].append(test)
        stem = Path(mutant.file).stem

        def cost(tests: list[str]) -> float:
            fixtures = {one for test in tests for one in self.fixtures[test]}
            return sum(self.seconds.get(one, 0.0) for one in (*tests, *fixtures))

        order = sorted(files, key=lambda file: (f"test_{stem}.py" not in file, cost(files[file])))
        ordered = [
            test for file in order
            for test in sorted(files[file], key=lambda test: (cost([test]), test))
        ]  # fmt: skip
        kept: list[str] = []
        for test in ordered:
            if kept and cost([*kept, test]) > limit:
                return kept, False
            kept.append(test)
        return kept, True

    def expected(self, tests: list[str]) -> float:
        """Seconds that tests need."""
        fixtures = {one for test in tests for one in self.fixtures[test]}
        return sum(self.seconds.get(one, 0.0) for one in (*tests, *fixtures))


def record(again: bool) -> Record:
    """Run the default suite once and note who touches what."""
    folder = WORK / "record"
    if again or not list(folder.glob("gw*.json")):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        settings = {"BAYES_SF_RECORD": str(folder), "PYTHONPATH": str(ROOT)}
        command = [_python(), "-m", "pytest", "-p", PLUGIN, "-q"]
        subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}, check=False)
    parts = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    return Record(parts)


# Running -----------------------------------------------------------------------------------------


class Worker:
    """A copy of the checkout, and two processes that fork in it: with the suite, and without."""

    def __init__(self, number: int) -> None:
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
        options = ["-p", PLUGIN, "-n", "0", "-s", "-q", "-p", "no:cacheprovider"]
        self.warm = self._start("-m", "pytest", *options)
        self.cold = self._start("-m", PLUGIN)
        self.sound: dict[str, bool] = {}

    def _start(self, *command: str) -> tuple[IO[str], IO[str]]:
        (asked, to), (come, answers) = os.pipe(), os.pipe()
        settings = {
            "PYTHONPATH": str(self.copy), "TMPDIR": str(self.scratch), "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip
        given = [str(asked), str(answers)]
        if "pytest" in command:
            settings["BAYES_SF_SERVE"], given = ",".join(given), []
        subprocess.Popen(
            [_python(), *command, *given], cwd=self.copy, env={**os.environ, **settings},
            pass_fds=(asked, answers), stdout=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(asked)
        os.close(answers)
        streams = os.fdopen(to, "w"), os.fdopen(come, "r")
        assert json.loads(streams[1].readline())
        return streams

    def ask(self, mutant: Mutant, tests: list[str], seconds: float, after: str) -> dict[str, Any]:
        """Run tests on a mutant (or on the package as it is) until one fails."""
        path = self.copy / mutant.file
        stat = path.stat()
        path.write_text(after, encoding="utf-8")
        try:
            job = {
                "file": mutant.file, "old": mutant.before, "new": after, "tests": tests,
                "timeout": 60 + 8 * seconds,
            }  # fmt: skip
            for to, answers in (self.warm, self.cold):
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
            answer = self.ask(mutant, tests, known.expected(tests), mutant.after)
            by = answer.get("by", "")
            if by not in tests or self._passes(mutant, by):
                break
            tests.remove(by)
        if answer["outcome"] == "survived" and not complete:
            by = f"{len(tests)} tests within the limit"
        return answer["outcome"], by, round(time.monotonic() - since, 1)

    def _passes(self, mutant: Mutant, test: str) -> bool:
        if test not in self.sound:
            answer = self.ask(mutant, [test], 60.0, mutant.before)
            self.sound[test] = answer["outcome"] == "survived"
        return self.sound[test]

    def whole_suite(self, mutant: Mutant) -> str:
        """Name of a default test that notices, or nothing: all of them, in fresh processes."""
        path = self.copy / mutant.file
        path.write_text(mutant.after, encoding="utf-8")
        try:
            done = subprocess.run(
                [_python(), "-m", "pytest", "-x", "-q", "-rfE", "-p", "no:cacheprovider"],
                cwd=self.copy, env={**os.environ, "PYTHONPATH": str(self.copy)},
                capture_output=True, encoding="utf-8", check=False,
            )  # fmt: skip
        finally:
            path.write_text(mutant.before, encoding="utf-8")
        lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        return lines[0].split()[1] if lines else "" if done.returncode == 0 else "whole suite"


def _python() -> str:
    """The project's Python, where its commands are; `uv run --with` puts another before it."""
    command = shutil.which("bayes-sf")
    assert command, "run it by uv run"
    return str(Path(command).parent / "python")


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main() -> None:
    """Draw, run what has not been run, write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--n", type=int, default=300)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--limit", type=float, default=60, help="seconds of tests per mutant")
    options.add_argument("--only", default="", help="part of a file's name")
    options.add_argument("--record-again", action="store_true", help="tests have changed")
    options.add_argument("--survivors-again", action="store_true", help="forget who survived")
    options.add_argument("--whole-suite", action="store_true", help="for those that survive")
    options.add_argument("--to", type=Path, default=HERE / "mutation.csv")
    given = options.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    known = record(given.record_again)
    wanted = mutants(given.n, given.seed, given.only)
    done = {(row["file"], row["operator"], row["old"], row["new"]): row for row in _rows(given.to)}
    if given.survivors_again:
        done = {key: row for key, row in done.items() if row["outcome"] == "noticed"}
    waiting: Queue[Mutant] = Queue()
    for mutant in wanted:
        if mutant.key not in done:
            waiting.put(mutant)
    results = {mutant.key: done[mutant.key] for mutant in wanted if mutant.key in done}
    lock = threading.Lock()

    def work(number: int) -> None:
        worker = Worker(number) if not waiting.empty() else None
        while worker:
            try:
                mutant = waiting.get_nowait()
            except Empty:
                break
            outcome, by, seconds = worker.test(mutant, known, given.limit)
            if outcome == "survived" and given.whole_suite:
                found = worker.whole_suite(mutant)
                outcome, by = ("noticed", found) if found else (outcome, "whole suite")
            row = (mutant.file, mutant.line, mutant.operator, *mutant.shown, outcome, by, seconds)
            with lock:
                results[mutant.key] = dict(zip(COLUMNS, map(str, row), strict=True))
                _write(given.to, [results[m.key] for m in wanted if m.key in results])
                print(*row, sep=" | ", flush=True)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(given.jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _write(given.to, [results[m.key] for m in wanted if m.key in results])
    noticed = sum(row["outcome"] == "noticed" for row in results.values())
    print(f"{noticed} of {len(results)} noticed ({noticed / max(1, len(results)):.1%})")


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    sys.exit(main())
