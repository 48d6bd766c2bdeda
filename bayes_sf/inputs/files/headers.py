"""Headers: which column of a file stands for which of ours, by one rule for every file.

Two names are the same if they differ only in capitals, in blanks around or within, in how letters
are composed, or in `_` for a point between digits (`Q14_1` is `q14.1`: Stata has no points in
names, SPSS no rule on capitals). A user's mapping goes before a column that has our name already. A
column that need not be there, and whose name stands in the file with a typing error, is asked for.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final

from bayes_sf.errors import DataError, UsageError
from bayes_sf.inputs.pseudonym import mask_numbers
from bayes_sf.inputs.variables import unknown_key

__all__ = ["match_columns", "same_name", "show_name"]

SHOWN: Final = 10
LONGEST: Final = 60
ALIKE: Final = 0.9
"""Of a file's name and one of ours that is not there: about one letter in ten differs."""

_UNSEEN: Final = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u2060\u00ad"))


def same_name(name: str) -> str:
    """Write a name in the one way in which names are compared.

    Examples
    --------
    >>> same_name(" Q14_1 ") == same_name("q14.1"), same_name("a\u030a") == same_name("\u00c5")
    (True, True)
    """
    text = unicodedata.normalize("NFC", name.translate(_UNSEEN)).casefold()
    return re.sub(r"(?<=\d)_(?=\d)", ".", " ".join(text.split()))


def show_name(name: str) -> str:
    """Quote a name of the file: short, without control characters, and never a workplace number."""
    text = "".join(letter if letter.isprintable() else " " for letter in mask_numbers(name))
    return repr(text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}...")


def match_columns(
    where: str,
    found: Iterable[str],
    required: Iterable[str],
    *,
    optional: Iterable[str] = (),
    mapping: Mapping[str, str],
    rule: str,
) -> dict[str, str]:
    """Find the column of a file for each of our names.

    Parameters
    ----------
    where : str
        The file's name.
    found : iterable of str
        Its header.
    required, optional : iterable of str
        Our names.
    mapping : mapping
        Our name to theirs, where the user says so.
    rule : str
        What a file breaks that lacks a required column.

    Returns
    -------
    dict
        Ours to theirs, in our order; an optional column that is not there is left out.

    Raises
    ------
    UsageError
        If the mapping names what is not one of ours, or one column for two of ours.
    DataError
        If the mapping names a column that is not there, two columns have the name of one of ours,
        an optional one is there with a typing error, or a required one is absent.

    Examples
    --------
    >>> match_columns("a.csv", ["Id", "X2"], ["id", "x"], mapping={"x": "x2"}, rule="needs all")
    {'id': 'Id', 'x': 'X2'}
    """
    needed, may = list(required), list(optional)
    ours = [*needed, *may]
    said = _said(where, ours, mapping)
    columns = defaultdict(list)
    for name in found:
        columns[same_name(name)].append(name)
    _check_said(where, said, columns)
    wanted = {name: same_name(said.get(name, name)) for name in ours}
    _check_single(where, wanted, columns)
    _check_alike(where, [name for name in may if name not in said], wanted, columns)
    absent = [said.get(name, name) for name in needed if wanted[name] not in columns]
    if absent:
        more = f" and {len(absent) - SHOWN} more" if len(absent) > SHOWN else ""
        raise DataError(
            f"{where}: row 1",
            rule,
            got=f"no {', '.join(absent[:SHOWN])}{more}",
            fix="rename the columns with a mapping",
        )
    return {name: columns[theirs][0] for name, theirs in wanted.items() if theirs in columns}


def _said(where: str, ours: list[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """The mapping under our own spelling of its keys; each must be ours, and stand once."""
    known = {same_name(name): name for name in ours}
    said: dict[str, str] = {}
    for key, theirs in mapping.items():
        name = known.get(same_name(key))
        if name is None:
            raise unknown_key(f"{where}: mapping", "no such column", key, ours)
        if name in said:
            raise UsageError(f"{where}: mapping", "must name each of our columns once", got=name)
        said[name] = theirs
    return said


def _check_said(where: str, said: Mapping[str, str], columns: Mapping[str, list[str]]) -> None:
    """Refuse a mapping to a column that is not there."""
    for name, theirs in said.items():
        if same_name(theirs) in columns:
            continue
        there = {spelt: names[0] for spelt, names in columns.items()}
        close = [show_name(there[spelt]) for spelt in get_close_matches(same_name(theirs), there)]
        raise DataError(
            f"{where}: row 1",
            f"must have the column that the mapping names for {name}",
            got=f"no {show_name(theirs)}",
            fix=f"did you mean {' or '.join(close)}?" if close else "mend the mapping",
        )


def _check_single(where: str, wanted: Mapping[str, str], columns: Mapping[str, list[str]]) -> None:
    """Refuse two columns for one name of ours, and one column for two."""
    users = defaultdict(list)
    for name, theirs in wanted.items():
        if theirs in columns:
            users[theirs].append(name)
    for theirs, names in users.items():
        if len(columns[theirs]) > 1:
            raise DataError(
                f"{where}: row 1",
                f"must have one column for {names[0]}",
                got=" and ".join(map(show_name, columns[theirs][:SHOWN])),
                fix="rename or delete all but one: capitals and blanks do not tell names apart",
            )
        if len(names) > 1:
            raise UsageError(
                f"{where}: mapping",
                f"must not use the column {show_name(columns[theirs][0])} twice",
                got=f"for {' and '.join(names[:SHOWN])}",
                fix="map each of them to a column of its own",
            )


def _check_alike(
    where: str,
    optional: Iterable[str],
    wanted: Mapping[str, str],
    columns: Mapping[str, list[str]],
) -> None:
    """Refuse to pass over a column whose name is nearly that of an optional one of ours."""
    others = [name for name in columns if name not in wanted.values()]
    for name in optional:
        close = get_close_matches(wanted[name], others, n=1, cutoff=ALIKE)
        if wanted[name] not in columns and close:
            raise DataError(
                f"{where}: row 1",
                f"must not leave open which column is {name}",
                got=show_name(columns[close[0]][0]),
                fix=f"rename it to {name}, map it, or give it a name that is less alike",
            )
