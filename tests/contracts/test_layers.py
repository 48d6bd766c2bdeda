"""Rooms stand in a line, and a module imports only from its own room or from those before it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "bayes_sf"
ROOMS = (
    "errors", "resources", "stand_in", "folder",
    "inputs", "spec", "engines", "analysis", "output", "cli",
)  # fmt: skip
#: `Result.plot` is where a user looks for pictures, and pictures are output.
UPWARD = {"engines/result.py": {"bayes_sf.output.runs.plot.save_picture"}}
MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent != PACKAGE] + [
    PACKAGE / f"{name}.py" for name in ("errors", "resources", "stand_in", "folder")
]


def imported(path: Path) -> Iterator[str]:
    """Every module of the package that a file imports, also inside functions."""
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
    excused = UPWARD.get(path.relative_to(PACKAGE).as_posix(), set())
    wrong = [name for name in imported(path) if name.split(".")[1] not in allowed]
    wrong = [name for name in wrong if name not in excused]
    assert not wrong, f"{path.relative_to(PACKAGE)} imports {wrong}"


def test_a_wrong_import_is_seen(tmp_path: Path) -> None:
    source = "def f():\n    from bayes_sf.output import files\n    import bayes_sf.cli, json\n"
    (tmp_path / "module.py").write_text(source, encoding="utf-8")
    assert list(imported(tmp_path / "module.py")) == ["bayes_sf.output.files", "bayes_sf.cli"]
