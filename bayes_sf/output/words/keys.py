"""Keys of files that programs read, of a study of one's own: groups and units, not industries.

What users have named themselves is never one of these: columns of ours are renamed, and answers of
ours in columns of ours.

Examples
--------
>>> own_key("per_industry"), own_key("estimate")
('per_industry', 'estimate')
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from bayes_sf.inputs.codebook import load_codebook

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["own_frames", "own_key"]

_KEYS: Final[Mapping[str, str]] = {
    "industry": "group", "industries": "groups", "per_industry": "per_group",
    "by_industry": "by_group", "workplace": "unit", "workplaces": "units",
    "report": "usual", "min_workplaces": "min_units", "single workplaces": "single units",
}  # fmt: skip
#: Columns whose cells are keys of ours.
_OF_KEYS: Final = frozenset({"left_out", "by"})


def own_key(key: str) -> str:
    """Return a key as the files of the study in use have it.

    Parameters
    ----------
    key : str
        Of a file, a column or a rule.
    """
    return key if load_codebook().nouns is None else _KEYS.get(key, key)


def own_frames(frames: "Mapping[str, pd.DataFrame]") -> "dict[str, pd.DataFrame]":
    """Return tables as the files of the study in use have them.

    Parameters
    ----------
    frames : mapping
        Stem of a file -> tidy table.
    """
    if load_codebook().nouns is None:
        return dict(frames)
    return {own_key(name): _own(frame) for name, frame in frames.items()}


def _own(frame: "pd.DataFrame") -> "pd.DataFrame":
    made = frame.rename(columns={
        name: own for name, own in _KEYS.items() if own not in frame.columns
    })  # fmt: skip
    of_keys = {name: made[name].replace(dict(_KEYS)) for name in made if name in _OF_KEYS}
    return made.assign(**of_keys)
