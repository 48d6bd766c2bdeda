"""Files that say what is meant (models, mappings, the codebook): TOML, or one clear refusal."""

import tomllib
from pathlib import Path
from typing import Any

from bayes_sf.errors import SpecError

__all__ = ["read_toml"]

#: Levels of lists and tables in one another. A limit of ours, since Python's own limit of
#: recursion is whatever the libraries that happen to be loaded have set it to.
DEEPEST = 32


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a file.

    Parameters
    ----------
    path : pathlib.Path
        The file, in UTF-8 with or without BOM.

    Raises
    ------
    SpecError
        For a file that cannot be read, that is no TOML in UTF-8, that holds a whole number of
        thousands of digits, or that is nested so deeply that nobody meant it.
    """
    deep = SpecError(
        path.name, "must be valid TOML in UTF-8", got="values nested too deeply to be read"
    )
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SpecError(str(path), "must be a file that can be read", got=error.strerror) from None
    except RecursionError:
        raise deep from None
    except ValueError as error:  # no TOML, no UTF-8, or a number of too many digits
        raise SpecError(path.name, "must be valid TOML in UTF-8", got=str(error)) from None
    if _depth_exceeds(content, DEEPEST):
        raise deep
    return content


def _depth_exceeds(content: dict[str, Any], limit: int) -> bool:
    """Whether lists and tables lie in one another more than `limit` levels deep."""
    level: list[Any] = [content]
    for _ in range(limit + 1):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
