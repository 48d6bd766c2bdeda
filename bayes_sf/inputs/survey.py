"""The survey: answers in any usual file and coding, as the codebook's categories.

An answer may be written as the codebook's code or key, as a label in Norwegian or English, or as
the report prints it; where a column has value labels, they decide (`bayes_sf.inputs.coding`).
"Don't know" and "not asked" are answers of their own, and a missing answer is missing: three
different things. An empty cell is "not asked" where the item's filter says that nobody asked, "not
chosen" where options are coded 1 or blank and the question was gone through, else missing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from string import ascii_lowercase
from typing import TYPE_CHECKING, Final

from bayes_sf.errors import DataError
from bayes_sf.inputs.codebook import Codebook, Item, load_codebook
from bayes_sf.inputs.coding import check_labels, decode, fill_options
from bayes_sf.inputs.faults import problem, problem_table
from bayes_sf.inputs.files.headers import match_columns
from bayes_sf.inputs.files.tabular import Cells, read_cells
from bayes_sf.inputs.pseudonym import (
    is_valid_number,
    mask_numbers,
    pseudonym,
    run_key,
    workplace_number,
)

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

__all__ = ["Survey", "read_survey"]

NUMBER, ENTERPRISE = "org_nr", "enterprise_nr"
SHOWN = 10
#: Said of a cell in place of its text, which could be anything.
_OTHER: Final = "something that is not shown"
#: Kinds of missing that Stata declares: nothing that anybody wrote.
_DECLARED: Final = frozenset(f"{dot}{letter}" for dot in ("", ".") for letter in ascii_lowercase)
_FAULT_COLUMNS: Final = ("row", "column", "got", "allowed")


@dataclass(frozen=True)
class Survey:
    """A survey that follows the codebook.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per workplace in the file's order: `workplace` and `enterprise` (pseudonyms, the
        second missing where not given), `industry`, and each item as the key of its category,
        "dont_know", "not_asked" or missing.
    digest : str
        SHA-256 of all answers, the same for the same answers in any file format.
    aside : tuple of str
        Columns of the file that the codebook does not have.
    problems : pandas.DataFrame
        What the file leaves open and how it was read, as in `Register`.
    """

    frame: "pd.DataFrame" = field(repr=False)
    digest: str
    aside: tuple[str, ...]
    problems: "pd.DataFrame" = field(repr=False)


def read_survey(
    path: str | Path, *, mapping: Mapping[str, str] | None = None, key: bytes | None = None
) -> Survey:
    """Read and check a survey.

    Parameters
    ----------
    path : str or pathlib.Path
        CSV, Excel, SPSS, Stata or Parquet.
    mapping : mapping, optional
        Our column name to theirs, where they differ. Capitals do not matter, and `q14_1` is
        `q14.1`.
    key : bytes, optional
        Secret key of the pseudonyms; without it this process's own, see `run_key`.

    Returns
    -------
    Survey
        Answers as category keys.

    Raises
    ------
    DataError
        With every fault of the file: its row, column, what was found and what is allowed.
    """
    book = load_codebook()
    cells, aside = _rename(read_cells(path), book, mapping or {})
    check_labels(_columns(book), cells)
    answers = cells.frame.copy()
    for name in {NUMBER, ENTERPRISE} & set(answers):
        answers[name] = answers[name].map(lambda cell: workplace_number(cell) or cell, "ignore")
    for item in _columns(book):
        answers[item.key] = decode(item, cells)
    asked = {item.key: _asked(item, answers) for item in _columns(book) if item.asked_if}
    for name, who in asked.items():
        answers.loc[answers[name].isna() & (who == False), name] = "not_asked"  # noqa: E712 (three-valued)
    passed_over = fill_options(answers, _columns(book))
    faults = _find_faults(answers, book, asked)
    if len(faults):
        raise _report(cells.where, faults)
    secret = key or run_key()
    problems = _problems(cells.where, answers, passed_over, secret)
    return _survey(answers, book, secret, aside, problems)


def _problems(
    where: str, answers: "pd.DataFrame", passed_over: "Mapping[str, pd.Index]", key: bytes
) -> "pd.DataFrame":
    """Report the questions whose blank options were read as not chosen, though none was chosen."""
    return problem_table(
        [
            problem(
                f"{where}: {item}",
                "no option marked, and later questions answered",
                rows=len(rows),
                places=((pseudonym(number, key=key), None) for number in answers[NUMBER][rows]),
                consequence="all of them read as not chosen",
            )
            for item, rows in passed_over.items()
            if len(rows)
        ]
    )


def _columns(book: Codebook) -> list[Item]:
    """Items that are columns of a survey file: a multi-response item is only its options."""
    return [item for item in book.items.values() if item.kind != "multi"]


def _rename(
    cells: Cells, book: Codebook, mapping: Mapping[str, str]
) -> tuple[Cells, tuple[str, ...]]:
    """Give the file's columns our names and set aside those the codebook does not have."""
    items = [item.key for item in _columns(book)]
    names = match_columns(
        cells.where,
        cells.frame.columns,
        [NUMBER, *items],
        optional=[ENTERPRISE],
        mapping=mapping,
        rule="must have every column of the codebook",
    )
    aside = tuple(mask_numbers(name) for name in cells.frame.columns if name not in names.values())
    return cells.rename(names), aside


def _asked(item: Item, answers: "pd.DataFrame") -> "pd.Series[bool]":
    """Whether an item's filter says that it was asked; missing where the filter's answer is."""
    assert item.asked_if is not None
    gate = answers[item.asked_if.item]
    return gate.isin(item.asked_if.any_of).astype("boolean").where(gate.notna())


def _find_faults(
    answers: "pd.DataFrame", book: Codebook, asked: "Mapping[str, pd.Series[bool]]"
) -> "pd.DataFrame":
    """Every fault at once, as row, column, got and allowed."""
    import pandas as pd
    import pandera.pandas as pa
    from pandera.errors import SchemaErrors

    allowed = "a number with nine digits and a right control digit"
    number = partial(pa.Column, checks=pa.Check(_valid_numbers, error=allowed))
    columns = {NUMBER: number(unique=True)}
    if ENTERPRISE in answers:
        columns[ENTERPRISE] = number(nullable=True)
    for item in _columns(book):
        columns[item.key] = _schema(item, asked.get(item.key))
    try:
        pa.DataFrameSchema(columns).validate(answers, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
    else:
        return pd.DataFrame(columns=list(_FAULT_COLUMNS))
    renamed = {"not_nullable": "an answer", "field_uniqueness": "each workplace once"}
    known = {item.key: frozenset(_answers(item)) for item in _columns(book)}
    faults = pd.DataFrame(
        {
            "row": cases["index"].astype(int),
            "column": cases["column"],
            "got": [
                _said(cell, known.get(column, frozenset()))
                for cell, column in zip(cases["failure_case"], cases["column"], strict=True)
            ],
            "allowed": cases["check"].replace(renamed),
        }
    )
    return faults.sort_values(["row", "column"], ignore_index=True)


def _answers(item: Item) -> list[str]:
    """Keys of an item's answers, and of why there is none."""
    return [answer.key for answer in (*item.categories, *item.missing)]


def _schema(item: Item, asked: "pd.Series[bool] | None") -> "pa.Column":
    """Rules of one item: its answers, and who may have one."""
    import pandera.pandas as pa

    answers = (*item.categories, *item.missing)
    keys = _answers(item)
    codes = "one of " + ", ".join(f"{answer.code} ({answer.key})" for answer in answers)
    checks = [pa.Check.isin(keys, error=codes)]
    if asked is not None and item.asked_if is not None:
        gate = f"{item.asked_if.item} is {' or '.join(item.asked_if.any_of)}"
        rule = f"not_asked unless {gate}, and an answer then"
        checks.append(
            pa.Check(
                lambda given: ~((given == "not_asked") == asked[given.index]).fillna(False),
                error=rule,
            )
        )
    return pa.Column(object, checks=checks, nullable=item.role != "group")


def _valid_numbers(numbers: "pd.Series[str]") -> "pd.Series[bool]":
    """Whether each cell is an organisation number."""
    return numbers.map(is_valid_number)


def _said(cell: object, known: Collection[str]) -> str:
    """Tell what was found: an answer that the codebook knows, and no other text of a cell."""
    if not isinstance(cell, str):
        return "nothing"
    shown = cell in known or str(cell) in _DECLARED
    return repr(cell) if shown else _OTHER


def _report(where: str, faults: "pd.DataFrame") -> DataError:
    """One error that lists the first faults and counts them all."""
    lines = [
        f"{where}: row {fault.row}, column {fault.column}: got {fault.got}, "
        f"allowed: {fault.allowed}"
        for fault in faults.head(SHOWN).itertuples()
    ]
    if len(faults) > SHOWN:
        lines.append(f"and {len(faults) - SHOWN} more")
    plural = "s" if len(faults) > 1 else ""
    listing = "namely:" + "".join(f"\n  {line}" for line in lines)
    return DataError(
        where, "must follow the codebook", got=f"{len(faults)} fault{plural}", fix=listing
    )


def _survey(
    answers: "pd.DataFrame",
    book: Codebook,
    key: bytes,
    aside: tuple[str, ...],
    problems: "pd.DataFrame",
) -> Survey:
    """Replace the numbers by pseudonyms and put the columns in the codebook's order."""
    import pandas as pd

    hide = partial(pseudonym, key=key)
    answers = answers.reset_index(drop=True)
    keys = [item.key for item in _columns(book) if item.role != "group"]
    frame = pd.DataFrame({"workplace": answers[NUMBER].map(hide)})
    enterprise = answers.get(ENTERPRISE, pd.Series(None, index=answers.index, dtype=object))
    frame["enterprise"] = enterprise.map(hide, na_action="ignore")
    frame = pd.concat([frame, answers[["industry", *keys]]], axis=1)
    content = frame.drop(columns=["workplace", "enterprise"]).to_csv(index=False)
    return Survey(frame, sha256(content.encode()).hexdigest(), aside, problems)
