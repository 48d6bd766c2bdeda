"""Which tests touch which lines of the package, and what they cost."""

import json
import os
import shutil
import subprocess
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

from mutation_places import ROOT, Mutant

# What unchanged code has kept would hide the change of code that makes it.
os.environ["BAYES_SF_CACHE"] = "off"

WORK = ROOT / "results" / "mutation"
PLUGIN = "tests.studies.mutation_plugin"
#: Tests that look at everything.
WIDE = ("tests/recorded/test_recorded_numbers.py",)


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

        Those that touch its lines, as far as the seconds of the limit go; where no test does (what
        runs at import is one such case), those that touch its file. The module's own examples and
        tests come before all others, then recorded numbers, then files that name it; their other
        tests come last.
        """
        room, stem = Path(mutant.file).parts[1], Path(mutant.file).stem
        own = {mutant.file, f"tests/{room}/test_{stem}.py"}
        known = {test.partition("::")[0] for test in self.fixtures}
        near = {file: 0 if file in own else 1 if file in WIDE else 2 for file in known
                if file in own or file in WIDE or _names(file, mutant.file)}  # fmt: skip
        lines = self.touching[mutant.file]
        touching = set().union(*(lines[at] for at in range(mutant.line, mutant.last + 1)))
        touching = touching or set().union(*lines.values())
        # What is cached is touched by one test when it is recorded, and used by others.
        close = near.keys() - set(WIDE)
        others = {test for test in self.fixtures if test.partition("::")[0] in close} - touching

        def cost(tests: list[str]) -> float:
            fixtures = {one for test in tests for one in self.fixtures[test]}
            return sum(self.seconds.get(one, 0.0) for one in (*tests, *fixtures))

        ordered = []
        for chosen in (touching, others):
            files: dict[str, list[str]] = defaultdict(list)
            for test in chosen:
                files[test.partition("::")[0]].append(test)
            order = sorted(files, key=lambda file, of=files: (near.get(file, 3), cost(of[file])))
            for file in order:
                ordered += sorted(files[file], key=lambda test: (cost([test]), test))
        kept: list[str] = []
        paid: set[str] = set()
        for test in ordered:
            new = {test, *self.fixtures[test]} - paid
            more = sum(self.seconds.get(one, 0.0) for one in new)
            if not kept or more <= limit:
                kept.append(test)
                paid |= new
                limit -= more
        return kept, len(kept) == len(ordered)

    def expected(self, tests: list[str]) -> float:
        """Seconds that tests need."""
        fixtures = {one for test in tests for one in self.fixtures[test]}
        return sum(self.seconds.get(one, 0.0) for one in (*tests, *fixtures))


@cache
def _names(test: str, file: str) -> bool:
    """Whether a file of tests names a module."""
    module = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    package, _, name = module.rpartition(".")
    text = (ROOT / test).read_text(encoding="utf-8") if (ROOT / test).exists() else ""
    return module in text or f"from {package} import {name}" in text


def record(again: bool, files: list[str]) -> Record:
    """Run the default suite, or some of its files again, and note who touches what."""
    folder = WORK / "record"
    folder.mkdir(parents=True, exist_ok=True)
    if again or not list(folder.glob("*.json")):
        earlier = [_read(path) for path in folder.glob("*.json")]
        shutil.rmtree(folder)
        folder.mkdir(parents=True)
        for number, part in enumerate(earlier if again and files else []):
            kept: dict[str, Any] = {key: _without(part[key], files) for key in part}
            (folder / f"earlier{number}.json").write_text(json.dumps(kept), encoding="utf-8")
        settings = {"BAYES_SF_RECORD": str(folder), "PYTHONPATH": str(ROOT)}
        command = [python(), "-m", "pytest", "-p", PLUGIN, "-q", *files]
        subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}, check=False)
    return Record([_read(path) for path in folder.glob("*.json")], files)


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def _without(found: Any, files: list[str]) -> Any:
    """What does not come from these files of tests."""
    kept = [test for test in found if test.partition("::")[0] not in files]
    return {test: found[test] for test in kept} if isinstance(found, dict) else kept


def python() -> str:
    """The project's Python, where its commands are; `uv run --with` puts another before it."""
    command = shutil.which("bayes-sf")
    assert command, "run it by uv run"
    return str(Path(command).parent / "python")
