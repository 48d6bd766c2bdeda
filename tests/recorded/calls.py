"""All recorded calls by name: functions without arguments of the files `of_*`."""

from collections.abc import Callable
from importlib import import_module
from inspect import isfunction
from pathlib import Path
from typing import Any

CALLS: dict[str, Callable[[], Any]] = {
    f"{path.stem.removeprefix('of_')}/{name}": function
    for path in sorted(Path(__file__).parent.glob("of_*.py"))
    for name, function in vars(import_module(f"tests.recorded.{path.stem}")).items()
    if isfunction(function) and name.startswith("of_")
}
