"""Which tests touch which lines of the package, and what they cost."""

import json
import os
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

from mutation_places import ROOT, Mutant

WORK = ROOT / "results" / "mutation"
PLUGIN = "tests.studies.mutation_plugin"


class Record:
    """Which tests touch which lines, and what they cost."""

    def __init__(self, parts: list[dict[str, Any]], files: list[str]) -> None:
        self.touching: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        self.seconds: dict[str, float] = {}
        self.fixtures: dict[str, list[str]] = {}
        failed = {test for part in parts for test in part["failed"]}
        users: dict[str, set[str]] = defaultdict(set)
        for part in parts:
            for context, seconds in part["seconds"].items():
                self.seconds[context] = max(seconds, self.seconds.get(context, 0.0))
            for test, fixtures in part["fixtures"].items():
                if test not in failed and (not files or test.partition("::")[0] in files):
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


def record(again: bool, files: list[str]) -> Record:
    """Run the default suite once and note who touches what."""
    folder = WORK / "record"
    if again or not list(folder.glob("*.json")):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        settings = {"BAYES_SF_RECORD": str(folder), "PYTHONPATH": str(ROOT)}
        command = [python(), "-m", "pytest", "-p", PLUGIN, "-q"]
        subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}, check=False)
    parts = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    return Record(parts, files)


def python() -> str:
    """The project's Python, where its commands are; `uv run --with` puts another before it."""
    command = shutil.which("bayes-sf")
    assert command, "run it by uv run"
    return str(Path(command).parent / "python")
