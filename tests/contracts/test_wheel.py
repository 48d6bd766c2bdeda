"""The wheel holds what the program reads and nothing else, and works where nothing else is."""

import subprocess
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Finished

ROOT = Path(__file__).resolve().parents[2]


def called(*command: str | Path, folder: Path) -> str:
    """What a command prints in a folder."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder, capture_output=True, encoding="utf-8", check=True,
    ).stdout  # fmt: skip


def files_of(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def test_wheel_holds_data_and_models(wheel: Path) -> None:
    held = files_of(wheel)
    for folder, inside in (("data", "bayes_sf/_data"), ("models", "bayes_sf/_models")):
        paths = [path for path in (ROOT / folder).rglob("*") if path.is_file()]
        assert paths
        for path in paths:
            if "__pycache__" not in path.parts:
                assert f"{inside}/{path.relative_to(ROOT / folder).as_posix()}" in held


def test_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    held = files_of(wheel)
    assert {name.split("/")[0].split("-")[0] for name in held} == {"bayes_sf"}
    modules = {f"bayes_sf/{p.relative_to(ROOT / 'bayes_sf').as_posix()}"
               for pattern in ("*.py", "*.po", "templates/*.*")
               for p in (ROOT / "bayes_sf").rglob(pattern)}  # fmt: skip
    assert modules <= held
    assert not [name for name in held if "test" in name or "docs/" in name]


def test_installed_package_finds_its_own_files(installed: Path, tmp_path: Path) -> None:
    code = (
        "import bayes_sf as sf\n"
        "from bayes_sf.resources import data_dir\n"
        "print(data_dir())\n"
        "print(len(sf.load_analysis('bivariate').specs), len(sf.published_table('coefficients')))"
    )
    where, numbers = called(installed / "python", "-c", code, folder=tmp_path).splitlines()
    assert Path(where).is_relative_to(installed.parent)
    assert numbers == "60 148"


def test_installed_command_checks_the_report(installed: Path, tmp_path: Path) -> None:
    assert called(installed / "bayes-sf", "--version", folder=tmp_path).startswith("bayes-sf ")
    printed = called(installed / "bayes-sf", "check-published", folder=tmp_path)
    assert printed.count("contradicted by the text: ") >= 10


@pytest.mark.slow
def test_main_command_works_from_the_wheel(reproduced_by_wheel: "Finished") -> None:
    assert reproduced_by_wheel.code == 0, reproduced_by_wheel.stderr
    assert reproduced_by_wheel.stdout.startswith("{")
