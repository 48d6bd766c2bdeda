"""ARCHITECTURE.md lists the modules that exist, each with the first line of its docstring."""

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REFRESH = runpy.run_path(str(ROOT / "docs" / "refresh.py"))


def test_inventory_is_true() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    shown = REFRESH["block"](page, "inventory")
    assert shown == REFRESH["inventory"](), "run: uv run python docs/refresh.py"


def test_every_module_says_what_it_is() -> None:
    listed = REFRESH["inventory"]()
    package = ROOT / "bayes_sf"
    for path in package.rglob("*.py"):
        name = path.relative_to(package).as_posix()
        if path.name != "__init__.py":
            assert listed.count(f"- `{name}`: ") == 1, f"{name} has no docstring"
