"""A study of one's own, read: its folder becomes a codebook and a sample.

The codebook says what columns, answers and groups are called; while it is in use
(`bayes_sf.inputs.codebook.using`) every command speaks of the study in its own words. Rows stay as
the file has them, gaps and all: each model leaves out those that it cannot use, and says how many.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bayes_sf.errors import DataError, SpecError, UsageError, closest
from bayes_sf.inputs.codebook import Category, Codebook, Industry, Item, Variable, using
from bayes_sf.inputs.faults import problem, problem_table
from bayes_sf.inputs.own_study.header import ColumnHeader, StudyHeader, read_study_header
from bayes_sf.inputs.own_table import OwnTable, read_table
from bayes_sf.inputs.sample import AnalysisSample, digest_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["OwnStudy", "read_study", "study"]

#: Digits of a difference that is worth asking of, where a study states none: two sds.
_DIGITS = 2
#: Columns of the table of who is left after each rule, which has one for each group.
_RESERVED: Final = frozenset({"analysis", "outcome", "step", "all", "source"})


@dataclass(frozen=True)
class OwnStudy:
    """A study of one's own.

    Parameters
    ----------
    header : StudyHeader
    book : Codebook
    sample : AnalysisSample
        A row of `frame` for each of the file with a group (and a unit).
    least : int
        Fewest rows that two figures may differ by: `min_units` where units are rows; where they
        have several each, one more than the `min_units` - 1 largest have together.
    named : bool
        Whether a column tells rows apart, so that a ledger knows them again.
    whose : tuple of int
        Whose each row is, where several are one's; else empty.
    """

    header: StudyHeader
    book: Codebook
    sample: AnalysisSample
    least: int
    named: bool
    whose: tuple[int, ...] = ()

    def check_named(self, where: str) -> None:
        """Refuse a ledger of rows that it would not know again.

        Parameters
        ----------
        where : str
            What asks for the ledger.
        """
        if not self.named:
            rule = "needs a column that tells rows apart, so that it knows them again"
            raise UsageError(where, rule, fix='state unit = "column" in [disclosure]')


def read_study(path: str | Path) -> OwnStudy:
    """Read a folder.

    Parameters
    ----------
    path : path
        The folder, or its `study.toml`.

    Returns
    -------
    OwnStudy

    Raises
    ------
    SpecError
        For a `study.toml` that is wrong, and one that names columns which are not in the file.
    DataError
        For a file that cannot be read, numbers that are none, answers that are not stated.
    """
    header = read_study_header(Path(path))
    table = _read(header)
    frame, unit = table.frame, header.privacy.unit
    kept = frame[[*dict.fromkeys(filter(None, (header.group, unit)))]].notna().all(axis=1)
    if not kept.any():
        raise DataError(table.where, f"must have rows with a {header.group}", got="none")
    frame = frame[kept].reset_index(drop=True)
    reserved = sorted(_RESERVED & set(frame[header.group]))
    if reserved:
        rule = "must have groups of other names: tables have columns of these"
        raise DataError(f"{table.where}: column {header.group!r}", rule, got=reserved)
    named = bool(unit) and frame[unit].is_unique
    name = unit if named else _free("row", frame)
    book = _book(header, table, frame, name)
    sizes = frame[unit].value_counts().to_numpy() if unit else [1]
    least = header.privacy.min_units
    whose: tuple[int, ...] = ()
    if max(sizes) > 1:
        least = 1 + int(sum(sizes[: least - 1]))
        whose = tuple(map(int, frame[unit].factorize()[0]))
    made = frame.assign(
        **{key: _answers(table.where, header.items[key], frame[key]) for key in book.items},
        **{v.key: frame[v.key].astype(float) for v in book.derived},
        **({} if named else {name: [f"{row:09d}" for row in range(1, len(frame) + 1)]}),
    )
    columns = dict.fromkeys([name, header.group, *(v.key for v in book.derived), *book.items])
    sample = _sample(made[[*columns]], book, table.where, int((~kept).sum()))
    return OwnStudy(header, book, sample, least, named, whose)


@contextmanager
def study(path: str | Path) -> Iterator[AnalysisSample]:
    """Use a study of one's own as long as a block lasts: its rows, its names, its analyses.

    In the block `fit`, `compare` and all else take the rows in the place of the report's sample,
    `load_analysis` knows the study's analyses, and whatever is said is said in its words. Nothing
    of it passes disclosure control: what you print is yours to check.

    Parameters
    ----------
    path : path
        Its folder, or its `study.toml`.

    Yields
    ------
    AnalysisSample
        A row of `frame` for each of the file.

    Raises
    ------
    SpecError, DataError
        As `bayes-sf fit --study` has it: file, key, rule.

    Examples
    --------
    >>> import bayes_sf as sf
    >>> with sf.study("tests/own_studies/pupils") as pupils:
    ...     sf.fit(sf.load_analysis("null"), pupils, engine="reml")["null", "score"]
    <Result score ~ null (reml): 253 rows, 12 groups of school>
    """
    own = read_study(path)
    with using(own.book):
        yield own.sample


def _read(header: StudyHeader) -> OwnTable:
    """The columns that the study names, as numbers where nothing else is said."""
    texts = [name for name, item in header.items.items() if item.answers]
    unit = header.privacy.unit
    columns = [header.group, *header.outcomes, *header.items]
    columns += [unit] if unit and unit not in columns else []
    named = {unit: "disclosure.unit"} if unit else {}
    named |= {header.group: "group.column"}
    named |= {name: f"outcomes.{name}" for name in header.outcomes}
    named |= {name: f"items.{name}" for name in header.items}
    _check_there(header, named)
    table = read_table(
        header.file, columns, groups=[name for name in (header.group, unit) if name],
        decimal=header.decimal_mark, texts=texts,
    )  # fmt: skip
    for name, column in table.frame.items():
        if column.isna().all():
            rule = "must have a value"
            raise DataError(f"{table.where}: column {str(name)!r}", rule, got="none")
    for name in (*header.outcomes, *header.items):
        if name not in texts and table.frame[name].dtype.kind not in "fi":
            fix = "make it numbers"
            if name in header.items:
                found = ", ".join(f'"{value}"' for value in _values(table.frame[name])[:6])
                fix = f"state [items.{name}] categories = [{found}, ...], the reference first"
            where = f"{header.path.name}: {named[name]}"
            raise SpecError(where, "must be a column of numbers", got="text", fix=fix)
    return table


def _check_there(header: StudyHeader, named: Mapping[str, str]) -> None:
    """Every column that is named is in the file; the message says where it is named."""
    from bayes_sf.inputs.files.tabular import read_cells

    there = [str(name) for name in read_cells(header.file).frame.columns]
    for name, key in named.items():
        if name not in there:
            fix = closest(name, there) or f"its columns: {', '.join(there[:20])}"
            rule = f"must be a column of {header.file.name}"
            raise SpecError(f"{header.path.name}: {key}", rule, got=name, fix=fix)


def _values(column: "pd.Series[Any]") -> list[str]:
    """Different texts of a column, as labels have them or in order."""
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        return [str(value) for value in column.cat.categories]
    return sorted({str(value) for value in column.dropna()}, key=_in_order)


def _in_order(value: str) -> tuple[float, str]:
    """Numbers before texts."""
    try:
        number = float(value)
    except ValueError:
        return math.inf, value
    return number, value


def _free(name: str, frame: "pd.DataFrame") -> str:
    """A name that no column has."""
    while name in frame.columns:
        name += "_"
    return name


def _book(header: StudyHeader, table: OwnTable, frame: "pd.DataFrame", unit: str) -> Codebook:
    """What everything is called."""
    labels = table.labels.get(header.group, {})
    groups = tuple(
        Industry(value, at, labels.get(value, value), labels.get(value, value), (), ())
        for at, value in enumerate(_values(frame[header.group]), start=1)
    )
    numbers = {name: item for name, item in header.items.items() if not item.answers}
    derived = (
        *(Variable(name, o.label_nb, o.label_en, o.unit, "outcome", unit_nb=o.unit_nb)
          for name, o in header.outcomes.items()),
        *(Variable(name, o.label_nb, o.label_en, o.unit, "control",
                   spread=o.contrast or _two_sds(frame[name]), unit_nb=o.unit_nb)
          for name, o in numbers.items()),
    )  # fmt: skip
    items = {name: _item(name, item) for name, item in header.items.items() if name not in numbers}
    return Codebook(
        items, groups, (), derived, header.group, unit,
        (header.row_noun, header.group_noun), dict(header.analyses),
    )  # fmt: skip


def _two_sds(column: "pd.Series[float]") -> float | None:
    """Two standard deviations in few digits (Gelman 2008), None where a column does not vary."""
    sd = float(column.std())
    return float(f"{2 * sd:.{_DIGITS}g}") if sd > 0 else None


def _item(name: str, header: ColumnHeader) -> Item:
    """Answers in their order; their codes are the file's numbers where they are whole ones."""
    values = list(header.answers)
    whole = header.ordered and all(value.lstrip("-").isdecimal() for value in values)
    codes = [int(value) for value in values] if whole else list(range(1, len(values) + 1))
    if codes != sorted(set(codes)):
        codes = list(range(1, len(values) + 1))
    categories = tuple(
        Category(code, value, nb, en, ())
        for code, (value, (en, nb)) in zip(codes, header.answers.items(), strict=True)
    )
    return Item(
        name, header.label_nb, header.label_en, "ordinal" if header.ordered else "nominal",
        header.unit or "category", "control", categories, (), (), name,
        reference=None if header.ordered else header.reference,
    )  # fmt: skip


def _answers(where: str, header: ColumnHeader, column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Answers as their values; one that is not stated stops the run."""
    texts = column.astype(object)
    other = texts.notna() & ~texts.isin(list(header.answers))
    if other.any():
        rows = ", ".join(str(row + 2) for row in other.to_numpy().nonzero()[0][:3])
        raise DataError(
            f"{where}: column {column.name!r}", "must have only the values that study.toml states",
            got=f"{int(other.sum())} rows with others, such as row {rows}",
            fix=f"stated are {', '.join(header.answers)}",
        )  # fmt: skip
    return texts


def _sample(frame: "pd.DataFrame", book: Codebook, where: str, left_out: int) -> AnalysisSample:
    """Rows as a sample: no register, no quarters."""
    import pandas as pd

    columns = [book.unit, book.group, "quarter", "contracted_days", "absence"]
    none = pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
    odd = []
    if left_out:
        fault = "no group, or nothing that tells whose row it is"
        odd = [problem(where, fault, rows=left_out, places=(), consequence="left out everywhere")]
    return AnalysisSample(
        frame=frame, quarters=none, source="microdata", digest=digest_of(frame, unit=book.unit),
        period=("", ""), extracts=pd.DataFrame(), problems=problem_table(odd),
    )  # fmt: skip
