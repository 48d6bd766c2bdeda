"""Templates of a folder of printed results: `study.toml` with comments, CSV files with headers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bayes_sf.errors import OutputError
from bayes_sf.inputs.printed.columns import FILES

__all__ = ["write_beside", "write_templates"]

_STUDY: Final = """\
# What a report prints, as it prints it. Lines that begin with # are comments: take away the sign
# of those that apply. The smallest study is an ICC, n and groups.
schema = 1
kind = "published"
title = ""                 # of the report
source = ""                # doi or address, and page
language = "en"
decimal_mark = "."         # "," where the report writes 0,21

# [tables.2]                               # as the report numbers its tables
# decimals = { estimate = 2, se = 2 }      # where they cannot be seen from the cells
# trailing_zeros = "kept"                  # kept | dropped
# rounding = "half"                        # half | truncated | unknown

[models.null]
# table = "2"
# outcome = "score"
# unit = "points"
estimator = "unknown"      # REML | ML | unknown (then both are shown)
# group = "clinic"
# n = 1840                 # rows
# groups = 44
# sizes = [40, 52, 38]     # rows of each group, where all are printed
# size_bounds = [[38, 44], [50, 53], [36, 40]]   # or fewest and most, where tables say so much
# balanced = false         # true where all groups are equally large
# icc = "0.21"             # as text, with every printed digit; never in percent
# random = "intercept"     # intercept | slopes | crossed | nested
# family = "gaussian"      # gaussian | binomial | poisson | negative binomial | ordinal | other
# weights = false
# robust = false           # true where standard errors are robust
# tails = 2                # sides of the p-values
# interval = { level = 0.95, reference = "unknown" }
#                          # z | t | t:df | profile | bootstrap | credible | unknown
# terms = { age = "within", region = "between" }
#                          # whether a predictor varies within groups
# centred = false          # true where all predictors are centred

# [stars]
# "*" = 0.05
"""


def write_templates(folder: Path) -> tuple[Path, ...]:
    """Write `study.toml` and an empty CSV of every kind.

    Parameters
    ----------
    folder : pathlib.Path
        It is made where it is not there; what stands in it stays.

    Returns
    -------
    tuple of pathlib.Path
        What was written.

    Raises
    ------
    OutputError
        Where one of the files is there already, or the folder cannot be written to.
    """
    texts = {"study.toml": _STUDY}
    texts |= {name: ",".join(columns) + "\n" for name, columns in FILES.items()}
    return write_beside(folder, texts)


def write_beside(folder: Path, texts: Mapping[str, str]) -> tuple[Path, ...]:
    """Write files into a folder, none of which may be there already.

    Parameters
    ----------
    folder : pathlib.Path
        It is made where it is not there; what stands in it stays.
    texts : mapping
        Name -> content.

    Raises
    ------
    OutputError
        Where one of the files is there already, or the folder cannot be written to.
    """
    present = [name for name in texts if (folder / name).exists()]
    if present:
        raise OutputError(
            str(folder / present[0]),
            "is there already",
            fix="name another folder: none is replaced",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(str(folder), "must be a folder to write to", got=error.strerror) from None
    return tuple(folder / name for name in texts)
