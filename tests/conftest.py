"""What tests share: the command line, and one run of `reproduce` for all of them."""

import contextlib
import gc
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

from bayes_sf import cli
from bayes_sf.errors import BayesSFError
from bayes_sf.recovery.data import load_sample
from bayes_sf.spec.analysis import load_analysis

type Runs = tuple[Finished, Finished]
type Command = Callable[..., tuple[int, str, str]]

ROOT = Path(__file__).resolve().parents[1]
RUN_SECONDS = 300  # far above what a run needs, also with both cores busy

# Readline, which pytest loads, sets the width of a terminal that is not there; commands obey it.
for _name in ("COLUMNS", "LINES"):
    os.environ.pop(_name, None)

# Two workers have a core each: libraries that share theirs among threads would wait for each other.
# Workers and commands have these from the first process, which starts them.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

# Graphs are compiled by numba, or evaluated a few times by Python: nobody needs a C compiler, which
# would take ten seconds a test on a machine that has not seen it.
os.environ.setdefault("PYTENSOR_FLAGS", "cxx=")

# Commands and workers share what is recovered of the study, and leave the user's caches alone.
if "BAYES_SF_CACHE" not in os.environ:
    _CACHE = tempfile.TemporaryDirectory(prefix="bayes-sf-tests-")
    os.environ["BAYES_SF_CACHE"] = _CACHE.name

# How long an input takes to make says how busy the machine is.
settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ours")

#: Scripts with no tests; some of them have libraries of their own, which are not the project's.
collect_ignore_glob = ["own_studies/*.py", "studies/*.py", "references/*.py", "references/*/*.py"]

#: Files that take longest: they start first, so that no worker waits for another at the end.
LONGEST = (
    "test_report.py", "test_disclosure_run.py", "test_documents.py",
    "test_tables.py", "test_describe.py", "test_disclosure.py", "test_peers.py", "test_nuts.py",
)  # fmt: skip


#: How a remedy begins; what was found never does, in three words or more.
_REMEDY = re.compile(
    r"did you mean |known: |there are |(add|ask|build|check|choose|close|complete|convert|correct|"
    r"declare|delete|drop|export|fit|free|give|impute|install|label|leave|look|make|map|mend|move|"
    r"name|pass|put|quote|remove|rename|repeat|run|save|say|see|send|state|take|transform|use|"
    r"write) \S+ ."
)


@pytest.fixture(autouse=True, scope="session")
def _what_was_found_is_no_remedy() -> Iterator[None]:
    """Errors say what was found and what to do; whoever exchanges the two is told by any test."""
    made = BayesSFError.__init__

    def checked(
        self: BayesSFError, where: str, rule: str, *, got: object = None, fix: str = ""
    ) -> None:
        assert not (isinstance(got, str) and _REMEDY.match(got)), f"found is a remedy: {got}"
        made(self, where, rule, got=got, fix=fix)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BayesSFError, "__init__", checked)
        yield


@pytest.fixture(autouse=True, scope="session")
def _no_waiting_for_the_disk() -> Iterator[None]:
    """Files of tests need not outlive a loss of power."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture
def ctrl_c_is_heard() -> Iterator[None]:
    """A shell lets what it runs in the background ignore Ctrl-C, and so do commands then."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


#: Files that compile models by Numba, which takes half a minute the first time in a process.
COMPILING = ("test_nuts.py", "test_peers.py")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    """Let the files that compile models share a worker."""

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "compiling" if Path(file).name in COMPILING else file

    return ByFile(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_finish() -> None:
    """What all tests share stays to the end: nothing of it is garbage to look for."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; all others stay in their order."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@dataclass(frozen=True)
class Finished:
    """A command that has run in `folder`."""

    folder: Path
    code: int
    stdout: str
    stderr: str


def run(*command: str | Path, folder: Path) -> Finished:
    """Run a command as a user would: in a folder of its own, with no terminal."""
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, timeout=RUN_SECONDS,
        capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    return Finished(folder, done.returncode, done.stdout, done.stderr)


def run_here(*arguments: str, folder: Path) -> Finished:
    """Run `bayes-sf` in this process, which may know the study and the replica already."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("sys.argv", ["bayes-sf", *arguments])
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.raises(SystemExit) as left,
        ):
            cli.main()
    return Finished(folder, int(left.value.code or 0), out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Finished]:
    """Run a costly command once, whichever of the test workers asks for it first."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def ask(name: str, command: Sequence[str | Path], *, here: bool = False) -> Finished:
        folder, kept = shared / name, shared / f"{name}.kept"
        try:
            folder.mkdir()
        except FileExistsError:
            waiting_since = time.monotonic()
            while not (kept / "code").exists():
                assert time.monotonic() - waiting_since < RUN_SECONDS
                time.sleep(0.1)
        else:
            if here:
                done = run_here(*map(str, command), folder=folder)
            else:
                done = run(*command, folder=folder)
            kept.mkdir()
            (kept / "stdout").write_text(done.stdout, encoding="utf-8")
            (kept / "stderr").write_text(done.stderr, encoding="utf-8")
            (kept / "writing").write_text(str(done.code), encoding="utf-8")
            (kept / "writing").replace(kept / "code")
        texts = {part: (kept / part).read_text(encoding="utf-8") for part in ("stdout", "stderr")}
        return Finished(folder, int((kept / "code").read_text(encoding="utf-8")), **texts)

    return ask


@pytest.fixture(scope="session")
def bayes_sf_command() -> Path:
    """The command that is installed beside this Python."""
    found = shutil.which("bayes-sf", path=str(Path(sys.executable).parent))
    assert found is not None
    return Path(found)


@pytest.fixture(scope="session")
def reproduced_whole(once: Callable[..., Finished]) -> Finished:
    """`bayes-sf reproduce`, as the README has it."""
    return once("reproduced_whole", ["reproduce"], here=True)


@pytest.fixture(scope="session")
def reproduced(once: Callable[..., Finished]) -> Finished:
    """`bayes-sf reproduce` of ten possible versions of the study, not forty."""
    study = load_sample("published").first(10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bayes_sf.recovery.study.recover_study", lambda *_, **__: study)
        return once("reproduced", ["reproduce"], here=True)


@pytest.fixture(scope="session")
def reproduced_replica(once: Callable[..., Finished]) -> Finished:
    """`bayes-sf reproduce --data replica`."""
    return once("reproduced_replica", ["reproduce", "--data", "replica"], here=True)


@pytest.fixture(scope="session")
def small_runs(once: Callable[..., Finished], tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """`bayes-sf reproduce` and `bayes-sf reproduce --json` of few models and two versions."""
    study = load_sample("published").first(2)
    with pytest.MonkeyPatch.context() as patch:
        few_models(patch, tmp_path_factory.mktemp("few") / "models")
        patch.setattr("bayes_sf.recovery.study.recover_study", lambda *_, **__: study)
        return (
            once("small", ["reproduce"], here=True),
            once("small_json", ["reproduce", "--json"], here=True),
        )


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as a wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    built = run(_uv(), "build", "--wheel", "--out-dir", folder, ROOT, folder=folder)
    assert built.code == 0, built.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """Folder of the commands of a clean environment: the wheel, and the libraries it needs.

    The libraries are those of this environment, by path, so that nothing is downloaded; a path file
    does not follow the path files of the other environment, where the checkout is installed.
    """
    home = tmp_path_factory.mktemp("clean") / "venv"
    made = run(_uv(), "venv", "--python", sys.executable, home, folder=home.parent)
    assert made.code == 0, made.stderr
    python = next(path for path in home.glob("*/python*") if path.stem == "python")
    install = ("pip", "install", "--no-deps", "--offline", "--python", python, wheel)
    done = run(_uv(), *install, folder=home.parent)
    assert done.code == 0, done.stderr
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    theirs = run(python, "-c", ask, folder=home.parent).stdout.strip()
    ours = run(sys.executable, "-c", ask, folder=home.parent).stdout.strip()
    (Path(theirs) / "libraries.pth").write_text(ours + "\n", encoding="utf-8")
    return python.parent


@pytest.fixture(scope="session")
def reproduced_by_wheel(once: Callable[..., Finished], installed: Path) -> Finished:
    """`bayes-sf reproduce --json` from the wheel: a second run, on another installation."""
    return once("reproduced_by_wheel", [installed / "bayes-sf", "reproduce", "--json"])


def _uv() -> str:
    """The uv that runs these tests."""
    found = os.environ.get("UV") or shutil.which("uv")
    assert found, "these tests need uv: python -m pip install uv"
    return found


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Command:
    """Call the command line in a folder of its own: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["bayes-sf", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
        return (int(left.value.code or 0), *capsys.readouterr())

    return call


#: Items of every kind: yes/no, scales, one of many, asked of some; near zero and apart from it.
FEW = ("q13", "q14.7", "q17", "q19r1", "q21")


def few_models(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let the analysis of all items have `FEW` of them: a sixth of the time, nothing else new."""
    shutil.copytree(ROOT / "models", folder)
    path = folder / "bivariate.toml"
    text = re.sub(r"items = \[.*?\]", f"items = {json.dumps(FEW)}", path.read_text("utf-8"))
    path.write_text(text, encoding="utf-8")
    patch.setattr("bayes_sf.spec.analysis.models_dir", lambda: folder)


@pytest.fixture(scope="module")
def with_few_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """See `few_models`."""
    with pytest.MonkeyPatch.context() as patch:
        few_models(patch, tmp_path_factory.mktemp("few") / "models")
        yield


#: The smallest picture of each kind.
BLANK = {
    "svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>',
    "png": b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
    ),
}


def draw_blank(patch: pytest.MonkeyPatch) -> None:
    """Save no picture in full: that is half the time of a run whose pictures nobody looks at."""
    patch.setattr("bayes_sf.output.figures.page._saved", lambda _, kind, *__, **___: BLANK[kind])


@pytest.fixture
def blank_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test that looks at everything but pictures not wait for them."""
    draw_blank(monkeypatch)


@pytest.fixture(scope="module")
def only_null_models() -> Iterator[None]:
    """Let few models leave beside those that are asked for.

    The report's others leave too: they make no difference where this is used, and take their time.
    """
    with pytest.MonkeyPatch.context() as patch:
        specs = load_analysis("null").specs
        patch.setattr("bayes_sf.disclosure.learnt.releases.main_specs", lambda: specs)
        yield
