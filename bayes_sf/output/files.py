"""Writing files whole or not at all."""

import csv
import io
import json
import math
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any

from bayes_sf.errors import OutputError

__all__ = ["csv_text", "json_text", "plain", "ready_folder", "write_files"]


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
            str(path), "must be a folder that can be written to",
            got="a file" if path.is_file() else error.strerror,
            fix="choose another one with --out",
        ) from error  # fmt: skip
    return path


def write_files(folder: Path, contents: Mapping[str, str | bytes]) -> tuple[Path, ...]:
    """Write files: all of them to a hidden folder first, then each to its place.

    Parameters
    ----------
    folder : pathlib.Path
        An existing folder.
    contents : mapping
        File name -> text, or the bytes of a picture.

    Returns
    -------
    tuple of pathlib.Path
        What was written.

    Raises
    ------
    OutputError
        When one cannot be written. No file is half there, and a full disk is found out before the
        first old file is replaced.
    """
    path = folder
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".writing-") as hidden:
            for name, content in contents.items():
                path = folder / name
                data = content.encode() if isinstance(content, str) else content
                (Path(hidden) / name).write_bytes(data)
            for name in contents:
                path = folder / name
                (Path(hidden) / name).replace(path)
    except OSError as error:
        raise OutputError(
            str(path), "must be writable", got=error.strerror,
            fix="free space there or choose another folder",
        ) from error  # fmt: skip
    return tuple(folder / name for name in contents)


def csv_text(kind: type, rows: Iterable[Any]) -> str:
    r"""Write records as CSV: a comma, numbers in full, nothing where a number is not defined.

    Parameters
    ----------
    kind : type
        The dataclass whose fields are the columns.
    rows : iterable of `kind`
        The records.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Row:
    ...     name: str
    ...     value: float
    >>> csv_text(Row, [Row("a, b", 0.5), Row("c", float("nan"))])
    'name,value\n"a, b",0.5\nc,\n'
    """
    stream = io.StringIO()
    names = [f.name for f in fields(kind)]
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        values = (getattr(row, name) for name in names)
        writer.writerow(["" if isinstance(v, float) and math.isnan(v) else v for v in values])
    return stream.getvalue()


def json_text(content: object) -> str:
    r"""Write JSON; NaN becomes null.

    Examples
    --------
    >>> json_text({"a": (1, float("nan"))})
    '{\n "a": [\n  1,\n  null\n ]\n}\n'
    """
    return json.dumps(plain(content), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def plain(value: object) -> Any:  # JSON has no type of its own
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
