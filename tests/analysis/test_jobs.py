"""Work in several processes: killed workers, killed drivers, and answers in order."""

import operator
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bayes_sf.analysis.jobs import in_parts
from bayes_sf.errors import JobsWarning, UsageError


@pytest.mark.parametrize(("parts", "jobs"), [([1, 2, 3], 1), ([1], 2), ([], 2)])
def test_one_process_or_part_needs_no_other(parts: list[int], jobs: int) -> None:
    """A function that no other process could be given."""
    found = in_parts(lambda shared, part: (os.getpid(), shared + part), 7, parts, jobs=jobs)
    assert list(found) == [(os.getpid(), 7 + part) for part in parts]


@pytest.mark.slow
def test_processes_that_are_killed_again_and_again_are_said() -> None:
    with (
        pytest.warns(JobsWarning, match=r"0 of 2 parts are done"),
        pytest.raises(UsageError, match=r"needs all of its processes .*killed, 3 times"),
    ):
        list(in_parts(operator.call, os._exit, [1, 2], jobs=2))


def _square(folder: Path, part: int) -> int:
    """Note that a part was worked through; the first process that comes to part 5 is killed."""
    dead = folder / "dead"
    if part == 5 and not dead.exists():
        dead.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    with (folder / "done").open("a") as done:
        done.write(f"{part}\n")
    return part**2


@pytest.mark.slow
def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    seen: list[int] = []

    def progress(parts):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        for part in parts:
            yield part
            seen.append(part)

    with pytest.warns(JobsWarning, match=r"\d of 12 parts are done and kept"):
        found = list(in_parts(_square, tmp_path, range(12), jobs=2, progress=progress))
    assert found == [part**2 for part in range(12)]
    assert seen == list(range(12))
    done = (tmp_path / "done").read_text().split()
    assert len(done) <= 14  # at most what was under way when it happened is done again


@pytest.mark.slow
def test_processes_end_with_the_one_that_asked(tmp_path: Path) -> None:
    """Killed, it cannot tell them."""
    code = """
import os
from bayes_sf.analysis.jobs import in_parts

def told(where, _):
    os.system(f"echo $PPID >> {where}; sleep 60")

if __name__ == "__main__":
    list(in_parts(told, "who", [1, 2], jobs=2))
"""
    (tmp_path / "asks.py").write_text(code, encoding="utf-8")
    asks = subprocess.Popen([sys.executable, "asks.py"], cwd=tmp_path)
    who = tmp_path / "who"
    waited(lambda: who.exists() and len(who.read_text().split()) == 2)
    asks.kill()
    asks.wait()
    for process in who.read_text().split():
        waited(lambda process=process: not Path("/proc", process).exists())


_FILE = """\
schema = 1
question = "Does it depend?"
item = "q13"
rope = 0.25
[choices]
outcome = ["mean", "median"]
min_quarters = [1, 2, 3, 4, 6, 8, 10, 12]
controls = [[], ["women_share"], ["senior_share"], ["women_share", "senior_share"]]
prior = ["2.5 sd", "1 sd", "flat"]
last_quarter = ["2018Q4", "2019Q4", "2020Q4"]
without = "each"
"""


_MANY = ("min_quarters", "outcome", "controls", "last_quarter", "without")


@pytest.mark.slow
def test_a_killed_driver_leaves_what_there_was_and_the_run_can_be_repeated(tmp_path: Path) -> None:
    """Its workers end, its folder is as before, and nothing is in the way of the next run."""
    (tmp_path / "wide.toml").write_text(_FILE, encoding="utf-8")
    few = [line for line in _FILE.splitlines() if not line.startswith(_MANY)]
    (tmp_path / "one.toml").write_text("\n".join(few), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("bayes-sf")), "multiverse"]
    run = {"cwd": tmp_path, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    out = ["--quiet", "--jobs", "2", "--out", "found"]
    subprocess.run([*command, "one.toml", *out], check=True, **run)  # type: ignore[call-overload]
    before = {path.name: path.read_bytes() for path in (tmp_path / "found").iterdir()}
    driver = subprocess.Popen([*command, "wide.toml", *out], **run)  # type: ignore[call-overload]
    born = Path(f"/proc/{driver.pid}/task/{driver.pid}/children")
    waited(lambda: len(born.read_text().split()) >= 3)  # two workers, and who counts them
    workers = born.read_text().split()
    driver.kill()
    assert driver.wait() == -signal.SIGKILL
    for process in workers:
        waited(lambda process=process: not Path("/proc", process).exists())
    assert {path.name: path.read_bytes() for path in (tmp_path / "found").iterdir()} == before
    subprocess.run([*command, "one.toml", *out], check=True, **run)  # type: ignore[call-overload]
    after = {path.name: path.read_bytes() for path in (tmp_path / "found").iterdir()}
    assert after["specifications.csv"] == before["specifications.csv"]


def waited(done: Callable[[], bool]) -> None:
    """Wait until something is so."""
    until = time.monotonic() + 60
    while not done():
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.mark.parametrize("jobs", [0, -1, 10_000, True, 1.5])
def test_no_number_of_processes(jobs: int) -> None:
    with pytest.raises(UsageError, match="--jobs: must be from 1 to"):
        list(in_parts(divmod, 7, [1, 2], jobs=jobs))
