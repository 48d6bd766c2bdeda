"""What a shell completes: names of analyses, pictures, formats; nothing heavy is loaded."""

from collections.abc import Callable, Sequence
from typing import Final

from bayes_sf.resources import models_dir

__all__ = ["ENGINES", "FORMATS", "PICTURES", "analysis_names", "one_of"]

#: As in `output/figures/pictures.py`, `engines/fit.py` and `output/formats/writing.py`, which are
#: slow to load; a test keeps them equal.
PICTURES: Final = (
    "trace", "rank", "loo_pit", "pair", "energy", "forest", "shrinkage", "slopes", "halfeye",
    "conditional", "ppc", "raincloud",
)  # fmt: skip
ENGINES: Final = ("ols", "reml", "exact", "nuts")
FORMATS: Final = ("html", "latex", "markdown", "csv", "excel", "word", "typst", "quarto")


def one_of(values: Sequence[str]) -> Callable[[str], list[str]]:
    """Complete one of a few values.

    Examples
    --------
    >>> one_of(("en", "nb"))("n")
    ['nb']
    """
    return lambda incomplete: [value for value in values if value.startswith(incomplete)]


def analysis_names(incomplete: str) -> list[str]:
    """Complete the name of an analysis of `models/`.

    Examples
    --------
    >>> analysis_names("biv")
    ['bivariate']
    """
    names = sorted(path.stem for path in models_dir().glob("*.toml"))
    return one_of(names)(incomplete)
