"""Coding: how a file writes the answers to an item, and which of the codebook's they are.

Where a column has value labels, labels decide, and a code is never taken in place of a label that
the codebook does not know. Codes without a label are read as the codebook's only where no label
names a category of the item's scale: otherwise the file has a coding of its own. A value that the
file declares missing is missing, or "don't know" or "not asked" where its label or code says so.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from bayes_sf.errors import DataError
from bayes_sf.inputs.files.headers import show_name
from bayes_sf.inputs.files.numerals import MISSING
from bayes_sf.inputs.files.tabular import Cells
from bayes_sf.inputs.variables import Item

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["check_labels", "decode", "fill_options"]

REASONS: Final = ("dont_know", "not_asked")
SHOWN: Final = 10
_DASHES: Final = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2212"), "-")


def decode(item: Item, cells: Cells) -> "pd.Series[str]":
    """Give the category keys of one column; what the codebook does not know stays as written.

    Parameters
    ----------
    item : Item
        Its codebook entry.
    cells : Cells
        A file whose columns have our names, and whose labels are in order (`check_labels`).

    Returns
    -------
    pandas.Series
        Keys, None where missing.
    """
    words, codes = _words(item), _codes(item)
    labels = cells.labels.get(item.key, {})
    declared = cells.missing.get(item.key, frozenset())

    def key(cell: str | None) -> str | None:
        if cell is None or (cell in MISSING and cell not in labels):
            return None
        if cell in labels:
            found = words.get(_plain(labels[cell]))
        else:
            found = codes.get(_whole(cell)) or words.get(_plain(cell))
        if cell not in declared:
            return found or cell
        # Stata's letters .a to .z are reasons: without a label nobody knows which
        if cell.isalpha() and cell not in labels:
            return cell
        return found if found in REASONS else None

    column = cells.frame[item.key]
    return column.map({cell: key(cell) for cell in column.unique()}).astype(object)


def check_labels(items: Iterable[Item], cells: Cells) -> None:
    """Refuse value labels that do not say which answer each code is.

    Parameters
    ----------
    items : iterable of Item
        The items of the file's columns.
    cells : Cells
        The file.

    Raises
    ------
    DataError
        With every label that the codebook does not know, every answer that two codes share, and
        every code without a label beside codes that have one, where a cell of the file has them.
    """
    faults = [
        f"column {item.key}: {fault}, allowed: {', '.join(_allowed(item))}"
        for item in items
        if item.key in cells.labels
        for fault in _label_faults(item, cells)
    ]
    if faults:
        more = [f"and {len(faults) - SHOWN} more"] if len(faults) > SHOWN else []
        plural = "s" if len(faults) > 1 else ""
        raise DataError(
            cells.where,
            "value labels must say which of the codebook's answers each code is",
            got=f"{len(faults)} fault{plural}",
            fix="mend the labels, namely:" + "".join(f"\n  {x}" for x in faults[:SHOWN] + more),
        )


def _label_faults(item: Item, cells: Cells) -> list[str]:
    """Say what is wrong with the labels of one column."""
    words, labels = _words(item), cells.labels[item.key]
    declared = cells.missing.get(item.key, frozenset())
    used = Counter(cell for cell in cells.frame[item.key] if cell not in (None, *declared))
    named = {code: words.get(_plain(label)) for code, label in labels.items()}
    faults = [
        f"label {show_name(labels[code])} of code {show_name(code)} ({_rows(used[code])})"
        for code, key in named.items()
        if key is None and code in used
    ]
    scale = {code: key for code, key in named.items() if key and key not in REASONS}
    alike = defaultdict(list)
    for code, key in scale.items():
        if code in used:
            alike[key].append(code)
    faults += [
        f"codes {' and '.join(map(show_name, same))} both labelled {key}"
        for key, same in alike.items()
        if len(same) > 1
    ]
    if set(named) - declared - {code for code, key in named.items() if key in REASONS}:
        faults += [
            f"{_code(code, item)} has no label ({_rows(n)})"
            for code, n in used.items()
            if code not in labels and code not in MISSING and not _is_word(code, words)
        ]
    return faults


def _code(cell: str, item: Item) -> str:
    """Name a code of the codebook; another cell could hold anything."""
    return f"code {cell!r}" if cell in _codes(item) else "a cell that is no code of the codebook's"


def _rows(n: int) -> str:
    """Count rows."""
    return f"{n} row{'s' if n > 1 else ''}"


def _is_word(cell: str, words: dict[str, str]) -> bool:
    """Whether a cell is an answer in words, which no coding can turn round."""
    return _plain(cell) in words and any(letter.isalpha() for letter in cell)


def _allowed(item: Item) -> list[str]:
    """Name one label for each answer of an item."""
    return [answer.label_nb for answer in (*item.categories, *item.missing)]


def _codes(item: Item) -> dict[str, str]:
    """Codes of an item's answers."""
    return {str(answer.code): answer.key for answer in (*item.categories, *item.missing)}


def _words(item: Item) -> dict[str, str]:
    """Every way to write each answer of an item in words."""
    words: dict[str, str] = {}
    for answer in (*item.categories, *item.missing):
        texts = (answer.key, answer.label_nb, answer.label_en, *answer.printed)
        words |= {_plain(text): answer.key for text in texts}
    if item.kind == "option":
        names = [label.rpartition(": ")[2] for label in (item.label_nb, item.label_en)]
        words |= dict.fromkeys(["ja", "yes", "true", *map(_plain, names)], "chosen")
        words |= {"nei": "not_chosen", "no": "not_chosen", "false": "not_chosen"}
    return words


def _plain(text: str) -> str:
    """Text as it is compared: capitals, blanks and dashes of any kind do not matter."""
    composed = unicodedata.normalize("NFC", text).translate(_DASHES)
    return " ".join(composed.split()).casefold()


def _whole(cell: str) -> str:
    """Code without the decimals of a whole number; `1.000` could be a thousand."""
    return re.sub(r"(?<=\d)[.,](?!000$)0+$", "", cell.strip())


def fill_options(answers: "pd.DataFrame", items: Sequence[Item]) -> "dict[str, pd.Index]":
    """Read options that are coded 1 or blank, as survey programs export them.

    Where an option of a multi-response item is chosen somewhere in the file and none is "not
    chosen" anywhere, the file knows no other way to write "not chosen" than a blank. So a blank is
    that for whoever was asked and went through the question: who chose another option of the item,
    or answered a later item. It stays missing for all others.

    Parameters
    ----------
    answers : pandas.DataFrame
        Category keys; changed in place.
    items : sequence of Item
        The codebook's, in the order of the questionnaire.

    Returns
    -------
    dict
        Multi-response item to the rows where all its options were blank, and were filled.
    """
    filled: dict[str, pd.Index] = {}
    parts = defaultdict(list)
    for item in items:
        if item.kind == "option":
            parts[item.parent].append(item)
    for options in parts.values():
        names = [option.key for option in options]
        given = answers[names]
        chosen = given == "chosen"
        if not chosen.any(axis=None) or (given == "not_chosen").any(axis=None):
            continue
        later = [item.key for item in items[items.index(options[-1]) + 1 :] if _is_asked(item)]
        went_on = (answers[later].notna() & (answers[later] != "not_asked")).any(axis=1)
        gate = options[0].asked_if
        if gate is not None:
            went_on &= answers[gate.item].isin(gate.any_of)
        passed = chosen.any(axis=1) | went_on
        for name in names:
            answers.loc[passed & given[name].isna(), name] = "not_chosen"
        filled[str(options[0].parent)] = answers.index[passed & given.isna().all(axis=1)]
    return filled


def _is_asked(item: Item) -> bool:
    """Whether an item is a question of its own."""
    return item.kind != "option" and item.role != "group"
