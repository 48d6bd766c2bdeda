"""Rooms stand in a line; a module imports only from its own room or those before it; no circles."""

import ast
import importlib
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from bayes_sf.moved import MOVED

PACKAGE = Path(__file__).resolve().parents[2] / "bayes_sf"
ALONE = (
    "errors", "arrays", "threads", "catalogue", "resources", "stand_in", "folder", "moved",
)  # fmt: skip
ROOMS = (
    *ALONE, "inputs", "spec", "engines", "recovery", "replica", "analysis", "disclosure", "output",
    "cli",
)  # fmt: skip
#: Modules in a folder: of more, nobody finds any.
MOST = 16
#: Tables of a sample are made and hidden in one place.
PROTECTED = {"output/tables/described_sample.py"}
MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent != PACKAGE] + [
    PACKAGE / f"{name}.py" for name in ALONE
]


@cache
def imported(path: Path) -> tuple[str, ...]:
    """Every module of the package that a file imports, also inside functions."""
    return tuple(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == "bayes_sf")


def test_every_module_is_in_a_room() -> None:
    found = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in MODULES}
    assert found == set(ROOMS)
    assert {path.stem for path in PACKAGE.glob("*.py")} <= {"__init__", *ROOMS}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    allowed = ROOMS[: ROOMS.index(room) + 1]
    names = (name for name in imported(path) if name != "bayes_sf")
    wrong = [name for name in names if name.split(".")[1] not in allowed]
    assert not wrong, f"{path.relative_to(PACKAGE)} imports {wrong}"


def test_only_disclosure_control_lets_pass() -> None:
    """A run takes what is `Passed`: nobody else makes one, or says that there is no data."""
    for path in MODULES:
        place = path.relative_to(PACKAGE).as_posix()
        text = path.read_text(encoding="utf-8")
        made = re.search(r"(?<![\w\"])Passed\(", text)
        assert not made or place.startswith("disclosure/") or place in PROTECTED, place
        if "holds_no_data(" in text:
            assert place in {"disclosure/gate.py", "output/runs/reread.py", "output/runs/sbc.py"}, (
                place
            )
        if "pass_with_consent(" in text:
            assert place in {
                "disclosure/protected_cases.py", "output/runs/impute.py", "output/runs/select.py",
            }, place  # fmt: skip


def test_only_a_result_asks_for_a_public_name() -> None:
    """`Result.predict`, `Result.plot` are where a user looks: they call `sf.predict`, `sf.plot`."""
    found = [
        path.relative_to(PACKAGE).as_posix() for path in MODULES if "bayes_sf" in imported(path)
    ]
    assert found == ["engines/asked.py"]


def test_no_module_imports_itself_by_way_of_others() -> None:
    names = {
        ".".join(("bayes_sf", *p.relative_to(PACKAGE).with_suffix("").parts)): p for p in MODULES
    }
    names = {name.removesuffix(".__init__"): path for name, path in names.items()}
    reached = {
        name: {n for n in (*imported(path), *(i.rpartition(".")[0] for i in imported(path)))
               if n in names and n != name}
        for name, path in names.items()
    }  # fmt: skip
    while True:  # take away what imports nothing that is left
        done = [name for name, others in reached.items() if not others & reached.keys()]
        if not done:
            break
        for name in done:
            del reached[name]
    assert not reached, f"a circle among {sorted(reached)}"


def test_folders_are_small() -> None:
    for folder in {path.parent for path in MODULES}:
        assert len(list(folder.glob("*.py"))) <= MOST, folder


def test_a_wrong_import_is_seen(tmp_path: Path) -> None:
    source = "def f():\n    from bayes_sf.output import files\n    import bayes_sf.cli, json\n"
    (tmp_path / "module.py").write_text(source, encoding="utf-8")
    assert list(imported(tmp_path / "module.py")) == ["bayes_sf.output.files", "bayes_sf.cli"]


@pytest.mark.parametrize("old", sorted(MOVED))
def test_an_old_path_leads_to_the_module(old: str) -> None:
    sys.modules.pop(old, None)  # an example in a docstring may have been there before
    with pytest.warns(DeprecationWarning, match=f"{re.escape(old)} is now {MOVED[old]};"):
        module = importlib.import_module(old)
    try:
        assert module is importlib.import_module(MOVED[old])
        assert module.__spec__ is not None
        assert module.__spec__.name == MOVED[old]
    finally:
        del sys.modules[old]


def test_tests_stand_in_the_rooms_that_they_test() -> None:
    """`tests/<room>/test_*.py`; what all rooms share is in `tests/contracts` and `recorded`."""
    here = Path(__file__).resolve().parents[1]
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir()} | {"contracts", "recorded"}
    lost = [
        str(path.relative_to(here))
        for path in here.rglob("test_*.py")
        if path.relative_to(here).parts[0] not in rooms
    ]
    assert not lost


def test_arrays_of_floats_have_one_name() -> None:
    alias = re.compile(r"^(type )?\w+ = NDArray\[np\.float64\]", re.MULTILINE)
    found = [path for path in MODULES if alias.search(path.read_text(encoding="utf-8"))]
    assert found == [PACKAGE / "arrays.py"]
