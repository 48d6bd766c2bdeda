"""A run's files are one set, whenever it is killed; and what is the user's stays the user's."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from bayes_sf import folder as writing
from bayes_sf.errors import OutputError
from bayes_sf.folder import ready_folder, write_files
from bayes_sf.stand_in import exchange

OLD = {"a.csv": "old", "b.json": "old"}
NEW = {"a.csv": "new", "b.json": "new", "c.md": "new"}
NEXT = {"y.csv": "next", "z.csv": "next"}

#: Whatever changes something on the disk, as Python's audit events name it.
STEPS = {
    "open", "os.rename", "os.link", "os.symlink", "os.mkdir", "os.rmdir", "os.remove", "os.chmod",
    "ctypes.call_function", "shutil.rmtree",
}  # fmt: skip


def prepare(base: Path) -> Path:
    """A folder with an earlier run's files and a user's own: a file of two names, a folder, ..."""
    shutil.rmtree(base, ignore_errors=True)
    place = base / "out"
    place.mkdir(parents=True)
    place.chmod(0o750)
    for name, text in {**OLD, "of another command.csv": "other", "notes.txt": "mine"}.items():
        (place / name).write_text(text, encoding="utf-8")
    (place / "sub").mkdir()
    (place / "sub" / "deep.txt").write_text("deep", encoding="utf-8")
    (place / "link").symlink_to("notes.txt")
    os.link(place / "notes.txt", base / "twin")
    (base / ".writing-mine").mkdir()
    return place


def found(place: Path) -> dict[str, str]:
    """The files of the set that are there."""
    return {n: (place / n).read_text(encoding="utf-8") for n in NEW if (place / n).exists()}


def check_users_own(place: Path) -> None:
    for name, text in {
        "of another command.csv": "other", "notes.txt": "mine", "sub/deep.txt": "deep",
        "link": "mine", "../twin": "mine",
    }.items():  # fmt: skip
        assert (place / name).read_text(encoding="utf-8") == text
    assert (place.parent / ".writing-mine").is_dir()


def killed(place: Path, at: int, *, beside: bool) -> bool:
    """Write in a process that dies before its `at`-th step; whether it died."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    left = at

    def step(event: str, _: object) -> None:
        nonlocal left
        left -= event in STEPS
        if left == 0:
            os._exit(9)

    if not beside:
        writing.exchange = lambda *_: False
    sys.addaudithook(step)
    write_files(ready_folder(place), NEW)
    os._exit(0)


def kill_everywhere(base: Path, every: int, *, beside: bool) -> Counter[str]:
    """Kill at every step; count what is seen then, and check what the next run makes of it."""
    seen: Counter[str] = Counter()
    died, at = True, 1 - every
    while died:
        at += every
        place = prepare(base)
        before = place.stat()
        died = killed(place, at, beside=beside)
        there = found(place)
        whole = {str(OLD): "old", str(NEW): "new"}.get(str(there))
        seen[whole or ("mixed" if len(set(there.values())) > 1 else "incomplete")] += 1
        check_users_own(place)
        (place / "later.txt").write_text("written before the next run", encoding="utf-8")
        write_files(ready_folder(place), NEXT)
        # Without a stand-in the next run goes on with a set that is whole but not yet in place.
        assert found(place) in ((NEW,) if whole == "new" else (OLD, NEW))
        assert found(place) == there or not beside
        check_users_own(place)
        assert (place / "later.txt").exists()
        after = place.stat()
        assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
        assert (place / "notes.txt").stat().st_nlink == 2
        assert not [*place.glob(".writing*")]
        assert [path.name for path in base.glob(".writing*")] == [".writing-mine"]
    return seen


def run_alone(tmp_path: Path, call: str) -> dict[str, int]:
    """Run a function of this file in a process without threads, which may be forked."""
    code = f"""
import os, test_folder
from pathlib import Path
os.fsync = lambda _: None  # a kill takes nothing from the system's memory
print(dict(test_folder.{call}))
"""
    done = subprocess.run(
        [sys.executable, "-c", code.replace("BASE", f"Path({str(tmp_path / 'base')!r})")],
        cwd=Path(__file__).parent, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return eval(done.stdout)


def can_exchange(tmp_path: Path) -> bool:
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    return exchange(tmp_path / "one", tmp_path / "other")


ALL_OR_SOME = pytest.mark.parametrize(
    "every", [4, pytest.param(1, marks=pytest.mark.slow)], ids=["some", "all"]
)


@ALL_OR_SOME
def test_killed_at_any_step_all_files_are_new_or_all_are_old(tmp_path: Path, every: int) -> None:
    if not can_exchange(tmp_path):
        pytest.skip("this file system cannot let two folders change places")
    seen = run_alone(tmp_path, f"kill_everywhere(BASE, {every}, beside=True)")
    assert set(seen) == {"old", "new"}
    assert min(seen.values()) > 20 / every


@ALL_OR_SOME
def test_without_exchange_files_of_two_runs_are_never_seen_together(
    tmp_path: Path, every: int
) -> None:
    seen = run_alone(tmp_path, f"kill_everywhere(BASE, {every}, beside=False)")
    assert set(seen) == {"old", "new", "incomplete"}
    assert seen["incomplete"] < 8


def test_what_others_write_while_a_stand_in_is_shown_comes_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, put = prepare(tmp_path / "base"), writing._put

    def slow(work: Path, shown: Path) -> None:
        (place / "editor.txt").write_text("saved now", encoding="utf-8")
        (place / "part").write_text("better notes", encoding="utf-8")
        (place / "part").replace(place / "notes.txt")
        put(work, shown)

    monkeypatch.setattr(writing, "_put", slow)
    write_files(place, NEW)
    assert (place / "editor.txt").read_text(encoding="utf-8") == "saved now"
    assert (place / "notes.txt").read_text(encoding="utf-8") == "better notes"
    assert found(place) == NEW


def test_runs_into_one_folder_take_turns(tmp_path: Path) -> None:
    sets = [dict.fromkeys(NEW, f"run {i}") | {f"own {i}": "x"} for i in range(6)]
    errors: list[BaseException] = []

    def write(contents: dict[str, str]) -> None:
        try:
            for _ in range(4):
                write_files(ready_folder(tmp_path / "out"), contents)
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=write, args=(contents,)) for contents in sets]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        left = [path.name for path in tmp_path.glob(".writing*")]
        assert len(left) < 2, "two runs write at a time"
    assert not errors
    assert len(set(found(tmp_path / "out").values())) == 1
    assert all((tmp_path / "out" / f"own {i}").exists() for i in range(6))
    assert not [*tmp_path.glob(".writing*"), *(tmp_path / "out").glob(".writing*")]


def test_leftovers_of_earlier_versions_are_removed_and_nothing_else(tmp_path: Path) -> None:
    place = prepare(tmp_path / "base")
    (place / ".writing-plc4oep6").mkdir(mode=0o700)
    (place / ".writing-plc4oep6" / "a.csv").write_text("half", encoding="utf-8")
    (place / ".writing-q13-absence_mean-0123456789ab.nc").touch()
    mine = [".writing-plc4oep7", ".writing-plan.txt", ".writing-q13.nc", ".writing-chapter"]
    (place / mine[0]).mkdir(mode=0o755)
    for name in mine[1:]:
        (place / name).touch()
    ready_folder(place)
    assert sorted(path.name for path in place.glob(".writing*")) == sorted(mine)


def test_what_a_file_was_it_stays(tmp_path: Path) -> None:
    """Permissions stay; a folder of a file's name is nobody's to replace; a link is replaced."""
    place = prepare(tmp_path / "base")
    (place / "a.csv").chmod(0o600)
    write_files(place, NEW)
    assert (place / "a.csv").stat().st_mode & 0o777 == 0o600
    with pytest.raises(OutputError, match=r"sub: must be writable .got 'Is a directory'"):
        write_files(place, {"sub": "text", "a.csv": "newest"})
    assert found(place) == NEW
    write_files(place, {"link": "text", "a.csv": "newest"})
    check = (place / "notes.txt").read_text(encoding="utf-8")
    assert (check, (place / "link").is_symlink()) == ("mine", False)


@pytest.mark.usefixtures("ctrl_c_is_heard")
def test_ctrl_c_waits_until_files_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, fsync = prepare(tmp_path / "base"), os.fsync

    def interrupted(descriptor: int) -> None:
        signal.raise_signal(signal.SIGINT)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_files(place, NEW)
    assert found(place) == NEW
