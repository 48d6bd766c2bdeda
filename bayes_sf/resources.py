"""Where `data/` and `models/` are: in the checkout, or inside the installed wheel.

Examples
--------
>>> (data_dir() / "published").is_dir()
True
"""

from pathlib import Path

__all__ = ["data_dir", "models_dir"]

_PACKAGE = Path(__file__).resolve().parent


def _find(name: str) -> Path:
    """Folder `name`: packed in the wheel as `_name`, or beside the package in a checkout."""
    packed = _PACKAGE / f"_{name}"
    return packed if packed.is_dir() else _PACKAGE.parent / name


def data_dir() -> Path:
    """Folder with `published/`, `replica/` and `codebook.toml`.

    Returns
    -------
    pathlib.Path
        An existing folder.
    """
    return _find("data")


def models_dir() -> Path:
    """Folder with one TOML file per analysis.

    Returns
    -------
    pathlib.Path
        An existing folder.
    """
    return _find("models")
