"""The engine's spill folder: one a process, gone with it, or with the next run after a kill."""

import subprocess
import sys
from pathlib import Path

import pytest

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
