"""Tables of several runs, held against each other: a difference of one or two is a workplace.

What one run says of a population another says, too, or of a later version of it. So each cell is
looked for in every other table of the same name with the same words in its row: where two whole
numbers differ by one or two, or one run says what another hides, whoever has both has a workplace.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bayes_sf.disclosure.control import HIDDEN

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["compared_tables"]

#: Columns that say how a figure was asked for, or found, and of no workplace.
_ASKED: Final = frozenset({"seed", "prob", "min_quarters", "last_quarter", "delta"})
_SAMPLER: Final = frozenset({"divergences", "tree_depth"})


def compared_tables(paths: Sequence[Path], least: int) -> tuple[int, list[str]]:
    """Compare the CSV files of several runs.

    Parameters
    ----------
    paths : sequence of pathlib.Path
    least : int
        Fewest workplaces that two counts may differ by.

    Returns
    -------
    cells : int
        That two tables have.
    found : list of str
        Pairs of files of which a difference tells of one or two workplaces.
    """
    tables = {path: _cells(path) for path in paths if path.suffix == ".csv"}
    compared, found = 0, []
    for one, other in combinations(tables, 2):
        if one.name != other.name:
            continue
        shared = tables[one].keys() & tables[other].keys()
        compared += len(shared)
        if any(_tells(tables[one][key], tables[other][key], least) for key in shared):
            found.append(f"{one} and {other}")
    return compared, found


type _Key = tuple[str, ...]


def _cells(path: Path) -> Mapping[_Key, str]:
    """Whole numbers and hidden cells by the words of their row, and their column."""
    import pandas as pd

    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    frame = frame.drop(columns=[name for name in _SAMPLER if name in frame])
    words = [str(name) for name in frame if name in _ASKED or _is_words(frame[name])]
    return dict(_of_rows(frame, words))


def _is_words(column: "pd.Series[str]") -> bool:
    """Whether a column names things: most of it are no numbers, and nothing is hidden."""
    import pandas as pd

    told = pd.to_numeric(column, errors="coerce").notna()
    return not (told.any() or (column == HIDDEN).any())


def _of_rows(frame: "pd.DataFrame", words: list[str]) -> Iterator[tuple[_Key, str]]:
    """Yield cells of rows that have words of their own."""
    alike = frame.duplicated(words, keep=False) if words else [True] * len(frame)
    for same, row in zip(alike, frame.to_dict("records"), strict=True):
        if same:
            continue
        key = tuple(str(row[name]) for name in words)
        for name, value in row.items():
            if name not in words and (value == HIDDEN or value.isdecimal()):
                yield (*key, str(name)), value


def _tells(one: str, other: str, least: int) -> bool:
    """Whether a cell tells of a workplace in the light of another's."""
    if HIDDEN in {one, other}:
        return one != other
    return 0 < abs(int(one) - int(other)) < least
