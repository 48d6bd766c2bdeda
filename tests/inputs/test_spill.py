"""The engine's spill folder: one a process, gone with it, or with the next run after a kill."""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import pytest

from bayes_sf.inputs.register import spill
from bayes_sf.inputs.register.connection import connect
from bayes_sf.inputs.register.spill import spill_folder, spilling

CODE = (
    "from bayes_sf.inputs.register.spill import spill_folder; print(spill_folder(), flush=True); "
)


def start(folder: Path, rest: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", CODE + rest],
        stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True, env={"TMPDIR": str(folder)},
    )  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="no locks on folders")
def test_a_killed_runs_folder_goes_with_the_next_run_and_a_living_ones_stays(
    tmp_path: Path,
) -> None:
    with start(tmp_path, "input()") as living, start(tmp_path, "input()") as killed:
        assert living.stdout is not None
        assert killed.stdout is not None
        alive, dead = Path(living.stdout.readline().strip()), Path(killed.stdout.readline().strip())
        assert alive.parent == dead.parent == tmp_path
        assert alive.stat().st_mode & 0o077 == 0
        (dead / "duckdb_temp_block-1.block").write_text("rows")
        (tmp_path / "bayes_sf-spill-file").write_text("somebody's")
        killed.kill()
        killed.wait()
        with start(tmp_path, "") as third:
            assert third.wait() == 0
        assert sorted(tmp_path.iterdir()) == sorted([alive, tmp_path / "bayes_sf-spill-file"])
        living.communicate("\n")
    assert [path.name for path in tmp_path.iterdir()] == ["bayes_sf-spill-file"]


@pytest.mark.skipif(sys.platform == "win32", reason="no locks on folders")
def test_a_folder_that_another_run_takes_for_a_killed_ones_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run clears up between the making and the lock, twice."""
    made: list[Path] = []
    make, lock = tempfile.mkdtemp, spill._lock

    def taken(folder: Path, *, wait: bool = False) -> int | None:
        if folder in made[:2]:
            folder.rmdir()
        return lock(folder, wait=wait)

    def making(prefix: str) -> str:
        made.append(Path(make(prefix=prefix, dir=tmp_path)))
        return str(made[-1])

    monkeypatch.setattr(tempfile, "mkdtemp", making)
    monkeypatch.setattr(spill, "_lock", taken)
    assert spill._new() == made[2]
    assert [*tmp_path.iterdir()] == made[2:]
    assert lock(made[2]) is None  # it is locked


def test_what_does_not_fit_into_memory_is_spilled_and_cannot_be_read_there() -> None:
    """100 MB of digests in 50 MB: the sum is right, and no digest stands in the files."""
    engine = connect("50MB").con
    engine.execute("create temp table t as select md5(i::varchar) m from range(1500000) r(i)")
    files = list(spill_folder().iterdir())
    assert sum(path.stat().st_size for path in files) > 1e6
    some = [hashlib.md5(str(i).encode()).hexdigest().encode() for i in range(0, 1_500_000, 5000)]
    spilled = b"".join(path.read_bytes() for path in files)
    assert not [one for one in some if one in spilled]
    assert engine.execute("select count(distinct m) from t").fetchone() == (1_500_000,)


def test_tables_that_are_fitted_where_they_lie_spill_there_too() -> None:
    engine = duckdb.connect(config=spilling())
    told = engine.execute("select current_setting('temp_directory')").fetchone()
    assert told == (str(spill_folder()),)
