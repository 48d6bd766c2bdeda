"""Files that say what is meant (models, mappings, the codebook): TOML, or one clear refusal."""

import tomllib
from pathlib import Path
from typing import Any

from bayes_sf.errors import SpecError

__all__ = ["read_toml"]


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
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SpecError(str(path), "must be a file that can be read", got=error.strerror) from None
    except RecursionError:
        rule = "must be valid TOML in UTF-8"
        raise SpecError(path.name, rule, got="values nested too deeply to be read") from None
    except ValueError as error:  # no TOML, no UTF-8, or a number of too many digits
        raise SpecError(path.name, "must be valid TOML in UTF-8", got=str(error)) from None
