"""What `mutation.py` needs inside pytest: who touches which line, and one fork per mutant.

`Recorder` writes, for every test and every fixture that tests share, the lines of the package that
it runs and the processor time that it takes. `Server` collects the suite once; then every mutant is
a fork in which the changed functions get their new code and the chosen tests run until one fails.
What a mutant changes at import needs a fork that has the libraries but not the package: `main`.
"""

import functools
import gc
import importlib
import json
import os
import select
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Generator, Iterable
from itertools import zip_longest
from pathlib import Path
from types import CodeType, FunctionType
from typing import IO, Any

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import Phase, settings

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = f"{ROOT}{os.sep}bayes_sf{os.sep}"
AT_IMPORT = "import"
LIBRARIES = (
    "numpy", "scipy.stats", "scipy.optimize", "scipy.integrate", "pandas", "xarray", "pymc",
    "arviz", "typer", "rich", "ibis", "pandera.pandas", "pyreadstat", "openpyxl", "matplotlib",
    "jinja2", "hypothesis.strategies", "docx", "lxml.html",
)  # fmt: skip
_TOOL = 4
_OPTIMISED = 0x1  # flag of functions' code; bodies of classes and modules lack it


def pytest_configure(config: pytest.Config) -> None:
    """Take the part that the environment names."""
    # A failing example is enough: nobody looks at the smallest one.
    settings.register_profile("mutation", database=None, phases=(Phase.explicit, Phase.generate))
    settings.load_profile("mutation")
    if folder := os.environ.get("BAYES_SF_RECORD"):
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        config.pluginmanager.register(Recorder(Path(folder) / f"{worker}.json"))
    if "BAYES_SF_SERVE" in os.environ:
        config.pluginmanager.register(Server(*map(int, os.environ["BAYES_SF_SERVE"].split(","))))


class Recorder:
    """Lines of the package by test, by shared fixture, and at import."""

    def __init__(self, to: Path) -> None:
        self.to = to
        self.lines: dict[str, set[tuple[str, int]]] = defaultdict(set)
        self.seconds: dict[str, float] = defaultdict(float)
        self.fixtures: dict[str, list[str]] = {}
        self.failed: list[str] = []
        self.stack = [(AT_IMPORT, _processor_time())]
        sys.monitoring.use_tool_id(_TOOL, "mutation")
        sys.monitoring.register_callback(_TOOL, sys.monitoring.events.LINE, self._line)
        sys.monitoring.set_events(_TOOL, sys.monitoring.events.LINE)

    def _line(self, code: CodeType, line: int) -> object:
        if code.co_filename.startswith(PACKAGE):
            self.lines[self.stack[-1][0]].add((code.co_filename.removeprefix(f"{ROOT}/"), line))
        return sys.monitoring.DISABLE

    def _enter(self, context: str) -> None:
        now = _processor_time()
        if self.stack:
            outer, since = self.stack[-1]
            self.seconds[outer] += now - since
        self.stack.append((context, now))
        sys.monitoring.restart_events()

    def _leave(self) -> None:
        context, since = self.stack.pop()
        now = _processor_time()
        self.seconds[context] += now - since
        self.stack[-1] = (self.stack[-1][0], now)
        sys.monitoring.restart_events()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Lines and time of one test, with those of the fixtures that are its own."""
        known = getattr(item, "_fixtureinfo", None)
        self.fixtures[item.nodeid] = [
            _key(found[-1])
            for found in (known.name2fixturedefs.values() if known else ())
            if found[-1].scope != "function"
        ]
        self._enter(item.nodeid)
        try:
            return (yield)
        finally:
            self._leave()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Generator[None, Any, Any]:
        """Lines and time of a fixture that tests share."""
        if fixturedef.scope == "function":
            return (yield)
        self._enter(_key(fixturedef))
        try:
            return (yield)
        finally:
            self._leave()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep in mind what fails without a mutant."""
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Write what was seen."""
        sys.monitoring.set_events(_TOOL, 0)
        sys.monitoring.free_tool_id(_TOOL)
        found = {
            "lines": {context: sorted(lines) for context, lines in self.lines.items()},
            "seconds": self.seconds, "fixtures": self.fixtures, "failed": self.failed,
        }  # fmt: skip
        self.to.write_text(json.dumps(found), encoding="utf-8")


class Server:
    """Answer one line of JSON, a mutant and its tests, by one line: who noticed it."""

    def __init__(self, asked: int, answers: int) -> None:
        self.asked, self.answers = os.fdopen(asked, "r"), os.fdopen(answers, "w")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Serve instead of running the tests."""
        items = {item.nodeid: item for item in session.items}
        living: dict[tuple[str, str], list[FunctionType]] = defaultdict(list)
        caches = []
        gc.unfreeze()  # conftest.py froze what it found: get_objects would not show it
        for thing in gc.get_objects():
            if isinstance(thing, FunctionType) and thing.__code__.co_filename.startswith(PACKAGE):
                living[thing.__code__.co_filename, thing.__code__.co_qualname].append(thing)
            elif isinstance(thing, functools._lru_cache_wrapper) and str(
                thing.__module__
            ).startswith(("bayes_sf", "tests")):
                caches.append(thing)
        from bayes_sf.recovery.data import load_sample

        load_sample("replica")  # what is read once in a process is read before it forks
        load_sample("published")
        gc.freeze()
        say(self.answers, {"ready": len(items)})
        for line in self.asked:
            job = json.loads(line)
            chosen = [items[test] for test in job["tests"] if test in items]
            changed = patches(job["file"], job["old"], job["new"], living)
            if changed is None:
                say(self.answers, {"outcome": "at import"})
                continue
            stale = [cache for cache in caches if not _holds(cache, job["file"])]
            run = functools.partial(self._run, changed, stale, chosen, job["limit"])
            say(self.answers, forked(run, job["timeout"]))
        return True

    @staticmethod
    def _run(changed: Iterable[tuple[FunctionType, CodeType]], caches: list[Any],
             chosen: list[pytest.Item], limit: float) -> dict[str, object]:  # fmt: skip
        for function, code in changed:
            function.__code__ = code
        for cache in caches:
            cache.cache_clear()
        if chosen:
            factory = chosen[0].config._tmp_path_factory  # type: ignore[attr-defined]
            factory._basetemp = Path(os.environ["TMPDIR"]) / str(os.getpid())
            factory._basetemp.mkdir()
        until, ran = _processor_time() + limit, 0
        for item, following in zip_longest(chosen, chosen[1:]):
            if _processor_time() > until:
                break
            reports = runtestprotocol(item, log=False, nextitem=following)
            if any(report.failed for report in reports):
                return {"outcome": "noticed", "by": item.nodeid}
            ran += 1
        return {"outcome": "survived", "ran": ran}


#: Rooms in the order of the line: what an earlier one has computed, a later one cannot change.
_ROOMS = ("inputs", "spec", "engines", "recovery", "replica", "analysis")


def _holds(cache: Any, file: str) -> bool:
    """Whether what is cached stays true under a mutant; recovery uses no engine."""
    room, mine = file.split("/")[1], str(cache.__module__).split(".")[1]
    if mine not in _ROOMS or room not in _ROOMS:
        return False
    return _ROOMS.index(mine) < _ROOMS.index(room) or (mine, room) == ("recovery", "engines")


class First:
    """The first test that fails, or the first file that cannot be collected; and a time limit."""

    failed: str | None = None
    ran = 0

    def __init__(self, limit: float) -> None:
        self.until = _processor_time() + limit

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Run a test if there is time; what is left out has not failed."""
        if _processor_time() > self.until:
            item.session.shouldstop = "limit"
        else:
            self.ran += 1
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """See a test."""
        if report.failed and self.failed is None:
            self.failed = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """See a file."""
        if report.failed and self.failed is None:
            self.failed = f"{report.nodeid} (collection)"


def main(asked: int, answers: int) -> None:
    """Serve mutants that act at import."""
    for name in LIBRARIES:
        importlib.import_module(name)
    with os.fdopen(asked, "r") as jobs, os.fdopen(answers, "w") as to:
        say(to, {"ready": 0})
        for line in jobs:
            job = json.loads(line)
            run = functools.partial(_run_from_import, job["tests"], job["limit"])
            say(to, forked(run, job["timeout"]))


def _run_from_import(tests: list[str], limit: float) -> dict[str, object]:
    first = First(limit)
    folder = f"--basetemp={Path(os.environ['TMPDIR']) / str(os.getpid())}"
    # Plugins that are imported already are not rewritten: nobody asks them for an explanation.
    calm = "ignore::pytest.PytestAssertRewriteWarning"
    options = ["-n", "0", "-x", "-q", "-p", "no:cacheprovider", "-W", calm, folder]
    code = pytest.main(["-p", "tests.studies.mutation_plugin", *options, *tests], plugins=[first])
    if first.failed:
        return {"outcome": "noticed", "by": first.failed}
    if code and first.ran == 0:
        return {"outcome": "noticed", "by": f"pytest ended with {code}"}
    return {"outcome": "survived", "ran": first.ran}


def say(to: IO[str], answer: dict[str, object]) -> None:
    """Answer in one line."""
    print(json.dumps(answer), file=to, flush=True)


def forked(work: Any, timeout: float) -> dict[str, object]:
    """Do work in a fork with a time limit; what it returns, or how it ended."""
    there, here = os.pipe()
    since = time.monotonic()
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        try:
            answer = work()
        except BaseException as error:  # noqa: BLE001 (the fork must end here)
            left = isinstance(error, SystemExit | KeyboardInterrupt)
            answer = {"outcome": "noticed" if left else "broken", "by": repr(error)[:200]}
        os.write(here, json.dumps(answer).encode())
        os._exit(0)
    os.close(here)
    ready = select.select([there], [], [], timeout)[0]
    text = os.read(there, 65536) if ready else b""
    os.close(there)
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    if not ready:
        answer = {"outcome": "noticed", "by": "time limit"}
    else:
        answer = json.loads(text) if text else {"outcome": "noticed", "by": "process died"}
    return {**answer, "seconds": round(time.monotonic() - since, 2)}


def patches(
    file: str, old: str, new: str, living: dict[tuple[str, str], list[FunctionType]]
) -> list[tuple[FunctionType, CodeType]] | None:
    """Functions that live and the code that the mutant gives them; None: it acts at import."""
    path = str(ROOT / file)
    if old == new:
        return []
    try:
        changed = list(_changed(compile(old, path, "exec"), compile(new, path, "exec")))
    except _AtImport:
        return None
    found = [
        (function, after)
        for before, after in changed
        for function in living.get((path, before.co_qualname), ())
        if function.__code__.co_firstlineno == before.co_firstlineno
    ]
    outermost = {code.co_qualname for code, _ in changed if "<locals>" not in code.co_qualname}
    reached = {function.__code__.co_qualname for function, _ in found}
    return found if outermost and outermost <= reached else None


class _AtImport(Exception):  # noqa: N818 (no error: a way to do it)
    """The mutant changes what runs when the module is imported."""


def _changed(old: CodeType, new: CodeType) -> Generator[tuple[CodeType, CodeType]]:
    """Functions, outer and inner, whose code differs."""
    inner_old, inner_new = ([c for c in code.co_consts if isinstance(c, CodeType)]
                            for code in (old, new))  # fmt: skip
    if len(inner_old) != len(inner_new):
        raise _AtImport
    inner = [pair for two in zip(inner_old, inner_new, strict=True) for pair in _changed(*two)]
    if inner or _content(old) != _content(new):
        if old.co_flags & _OPTIMISED:
            yield old, new
        elif _content(old) != _content(new):
            raise _AtImport
    yield from inner


def _content(code: CodeType) -> tuple[object, ...]:
    constants = [repr(c) for c in code.co_consts if not isinstance(c, CodeType)]
    return code.co_code, constants, code.co_names, code.co_exceptiontable


def _key(fixture: Any) -> str:
    return f"fixture {fixture.baseid}::{fixture.argname}"


def _processor_time() -> float:
    """Seconds of the processor, those of finished children with them."""
    return sum(os.times()[:4])


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
