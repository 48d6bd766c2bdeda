"""Files are there whole or not at all, whatever fails."""

import errno
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bayes_sf.errors import OutputError
from bayes_sf.output.files import csv_text, json_text, plain, ready_folder, write_files

OLD = {"a.csv": "old a", "b.csv": "old b", "c.csv": "old c"}
NEW = {"a.csv": "new a", "b.csv": "new b", "c.csv": "new æøå\n"}


@dataclass(frozen=True)
class Row:
    name: str
    value: float


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files of an earlier run."""
    write_files(tmp_path, OLD)
    return tmp_path


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def failing(method: Callable[..., object], at: int) -> Callable[..., object]:
    """A method of Path that finds the disk full when called for the `at`-th time."""
    calls = []

    def call(self: Path, *args: object, **kwargs: object) -> object:
        calls.append(self)
        if len(calls) == at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return method(self, *args, **kwargs)

    return call


def test_files_are_replaced(folder: Path) -> None:
    assert write_files(folder, NEW) == tuple(folder / name for name in NEW)
    assert content(folder) == NEW


def test_a_file_can_be_read_by_whom_the_folder_lets(folder: Path) -> None:
    (folder / "as_usual").touch()
    assert (folder / "a.csv").stat().st_mode == (folder / "as_usual").stat().st_mode


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_full_disk_leaves_the_old_files(
    folder: Path, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "write_bytes", failing(Path.write_bytes, at))
    with pytest.raises(OutputError, match=f"{list(NEW)[at - 1]}: must be writable .*space"):
        write_files(folder, NEW)
    monkeypatch.undo()
    assert content(folder) == OLD


@pytest.mark.parametrize("at", range(1, 7))
def test_a_failing_move_leaves_the_old_files(
    folder: Path, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "replace", failing(Path.replace, at))
    with pytest.raises(OutputError, match=f"^{folder}/{list(NEW)[(at - 1) % 3]}: must"):
        write_files(folder, NEW)
    monkeypatch.undo()
    assert content(folder) == OLD
    assert not list(folder.parent.glob(".writing*"))


def test_folder_is_made(tmp_path: Path) -> None:
    assert ready_folder(tmp_path / "a" / "b").is_dir()
    assert not list((tmp_path / "a" / "b").iterdir())


def test_a_file_in_the_way_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "results"):
        with pytest.raises(OutputError, match=r"file.*must be a folder .*--out"):
            ready_folder(path)


def test_a_new_folder_is_not_named_as_a_file(tmp_path: Path) -> None:
    """`report --out page.pdf` made one of that name; one that is there is somebody's choice."""
    with pytest.raises(OutputError, match=r"page\.PDF: must be a folder: names that end in"):
        ready_folder(tmp_path / "page.PDF")
    assert not list(tmp_path.iterdir())
    (tmp_path / "old.csv").mkdir()
    for name in ("old.csv", "results.v2"):
        assert ready_folder(tmp_path / name).is_dir()


def test_csv_keeps_every_digit() -> None:
    text = csv_text(Row, [Row("a", 0.1 + 0.2), Row("b", float("nan"))])
    assert text == "name,value\na,0.30000000000000004\nb,\n"
    assert csv_text(Row, []) == "name,value\n"


def test_json_has_no_nan() -> None:
    assert json.loads(json_text({"x": float("nan"), "y": np.float64(1.5)})) == {"x": None, "y": 1.5}
    assert plain([np.arange(2), Row("a", np.inf), np.array([np.nan])]) == [
        [0, 1], {"name": "a", "value": None}, [None],
    ]  # fmt: skip
