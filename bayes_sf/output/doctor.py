"""What `bayes-sf doctor` finds: versions, data, compile cache, bytecode; imports nothing heavy."""

import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from bayes_sf.output.files import json_text
from bayes_sf.resources import data_dir, models_dir

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Check", "examine", "print_health"]

#: Libraries that an engine needs, and those that only some outputs need.
_NEEDED: Final = (
    "bayes-sf", "numpy", "scipy", "pandas", "xarray", "pymc", "pytensor", "nutpie", "numba",
    "arviz", "ibis-framework", "duckdb", "matplotlib", "great-tables", "openpyxl",
)  # fmt: skip
_OPTIONAL: Final = ("python-docx",)
#: PyMC 6 and ArviZ 1 are other libraries than those before them.
_LEAST: Final = {"pymc": 6, "arviz": 1}

type Verdict = Literal["good", "slow", "wrong"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Parameters
    ----------
    name : str
    found : str
        What it is.
    verdict : {"good", "slow", "wrong"}
        ``slow`` costs time, ``wrong`` makes a command fail.
    advice : str
        What to do about it.
    """

    name: str
    found: str
    verdict: Verdict = "good"
    advice: str = ""


def examine() -> tuple[Check, ...]:
    """Look at this installation.

    Returns
    -------
    tuple of Check
        Python, cores, libraries, data, compiler, caches, bytecode.
    """
    return (
        Check("python", f"{platform.python_version()} ({sys.executable})"),
        Check("platform", platform.platform()), Check("cores", str(os.cpu_count() or 1)),
        *_libraries(), *_folders(), _compiler(), _cache(), _bytecode(),
    )  # fmt: skip


def _libraries() -> Iterator[Check]:
    """Versions, from what is installed and without importing."""
    for name in (*_NEEDED, *_OPTIONAL):
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            optional = name in _OPTIONAL
            advice = "uv add bayes-sf[word]" if optional else "install bayes-sf again: uv sync"
            yield Check(name, "not installed", "good" if optional else "wrong", advice)
            continue
        least = _LEAST.get(name, 0)
        old = int(version.split(".")[0]) < least
        yield Check(name, version, "wrong" if old else "good", f"needs {least}" if old else "")


def _folders() -> Iterator[Check]:
    """The files that travel with the package."""
    for name, folder, pattern in (
        ("data", data_dir() / "published", "*.csv"), ("replica", data_dir() / "replica", "*.csv"),
        ("models", models_dir(), "*.toml"),
    ):  # fmt: skip
        n = len(list(folder.glob(pattern)))
        verdict: Verdict = "good" if n else "wrong"
        yield Check(name, f"{n} files in {folder}", verdict, "" if n else "install bayes-sf again")


def _compiler() -> Check:
    """PyTensor compiles with C where it can; the engines here go by Numba and need none."""
    found = shutil.which("g++") or shutil.which("clang++")
    return Check("C++ compiler", found or "none (not needed: models are compiled by Numba)")


def _cache() -> Check:
    """Where compiled models are kept, and whether there are any yet."""
    flags = dict(part.split("=", 1) for part in os.environ.get("PYTENSOR_FLAGS", "").split(",")
                 if "=" in part)  # fmt: skip
    folder = Path(flags.get("base_compiledir", flags.get("compiledir", Path.home() / ".pytensor")))
    n = sum(1 for _ in folder.glob("*")) if folder.is_dir() else 0
    place = folder if folder.exists() else next(p for p in folder.parents if p.exists())
    if not os.access(place, os.W_OK):
        return Check("compile cache", f"{folder}, cannot be written to", "slow",
                     "set PYTENSOR_FLAGS=base_compiledir=/a/folder/of/yours")  # fmt: skip
    return Check("compile cache", f"{folder}, {n} entries")


def _bytecode() -> Check:
    """Whether libraries are compiled to bytecode: without, each start reads their source again."""
    if sys.dont_write_bytecode:
        return Check("bytecode", "not written (PYTHONDONTWRITEBYTECODE)", "slow",
                     "unset it: each start takes seconds longer")  # fmt: skip
    spec = importlib.util.find_spec("pandas")
    cached = spec.cached if spec else None
    if cached and Path(cached).exists():
        return Check("bytecode", "compiled")
    advice = "uv sync --compile-bytecode, or wait: the first start writes it"
    return Check("bytecode", "not compiled yet", "slow", advice)


def print_health(console: "Console", found: tuple[Check, ...], *, as_json: bool) -> None:
    """Print what was found, a line each, or one JSON object.

    Parameters
    ----------
    console : rich.console.Console
        Stdout.
    found : tuple of Check
    as_json : bool
        One object with keys ``verdict`` and ``checks``.
    """
    order = ("good", "slow", "wrong")
    worst = max((check.verdict for check in found), key=order.index)
    if as_json:
        content = {"verdict": worst, "checks": [asdict(check) for check in found]}
        console.file.write(json_text(content))
        return
    width = max(len(check.name) for check in found)
    for check in found:
        mark = "" if check.verdict == "good" else f"  {check.verdict.upper()}: {check.advice}"
        console.print(f"{check.name:{width}}  {check.found}{mark}", markup=False, highlight=False,
                      soft_wrap=True)  # fmt: skip
    said = {"good": "all is well", "slow": "it works, but slowly", "wrong": "something is missing"}
    console.print(f"Verdict: {said[worst]}.")
