"""ARCHITECTURE.md lists the modules that exist, each with the first line of its docstring."""

import ast
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


def test_what_is_printed_of_an_object_is_not_its_tables() -> None:
    """Rows of workplaces would be in every traceback and notebook that has one."""
    found, shown = 0, []
    for room in ("inputs", "spec", "engines", "recovery", "replica", "analysis"):
        for path in (ROOT / "bayes_sf" / room).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            for kind in ast.walk(ast.parse(text)) if "DataFrame" in text else ():
                if not isinstance(kind, ast.ClassDef):
                    continue
                for line in kind.body:
                    if not isinstance(line, ast.AnnAssign) or "DataFrame" not in ast.unparse(line):
                        continue
                    found += 1
                    said = any(getattr(part, "name", "") == "__repr__" for part in kind.body)
                    if "repr=False" not in ast.unparse(line) and not said:
                        shown.append(f"{path.name}: {ast.unparse(line)}")
    assert found > 20
    assert not shown
