"""What is written to files: CSV, JSON; and the folder that they are written to."""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any

from bayes_sf.folder import ready_folder, write_files

__all__ = ["csv_text", "json_text", "plain", "ready_folder", "write_files"]


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
