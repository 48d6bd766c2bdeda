"""Writing files whole or not at all."""

import csv
import io
import json
import math
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any

from bayes_sf.errors import OutputError

__all__ = ["plain", "ready_folder", "write_csv", "write_json", "write_text"]


def ready_folder(path: Path) -> Path:
    """Make a folder, and make sure that files can be written there before any work is done.

    Raises
    ------
    OutputError
        When the folder cannot be made or written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise OutputError(
            str(path), "must be a folder that can be written to", got=error.strerror,
            fix="choose another one with --out",
        ) from error  # fmt: skip
    return path


def write_text(path: Path, text: str) -> Path:
    """Write a text file through a temporary one, so that it is never half there.

    Raises
    ------
    OutputError
        When it cannot be written; what was there before is then still there.
    """
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=f".{path.name}.", encoding="utf-8", newline="", delete=False
        ) as stream:
            temporary = Path(stream.name)
            stream.write(text)
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise OutputError(
            str(path), "must be writable", got=error.strerror, fix="free space or choose --out"
        ) from error
    return path


def write_csv(path: Path, rows: Iterable[Any]) -> Path:
    """Write frozen dataclasses as CSV: comma, UTF-8, full precision, empty where undefined."""
    records = list(rows)
    stream = io.StringIO()
    names = [f.name for f in fields(records[0])]
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    for record in records:
        values = (getattr(record, name) for name in names)
        writer.writerow(["" if isinstance(v, float) and math.isnan(v) else v for v in values])
    return write_text(path, stream.getvalue())


def write_json(path: Path, content: Any) -> Path:
    """Write JSON; NaN becomes null."""
    return write_text(path, json.dumps(plain(content), indent=1, ensure_ascii=False) + "\n")


def plain(value: Any) -> Any:
    """Turn dataclasses, tuples, NumPy numbers and NaN into what JSON has.

    Examples
    --------
    >>> plain({"a": (1, float("nan"))})
    {'a': [1, None]}
    """
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
