"""`study.toml` of kind ``data``: what its columns mean, declared once and checked key by key.

Keys that a report's `study.toml` has as well (`bayes_sf.inputs.printed.header`) mean the same.

Examples
--------
>>> header = read_study_header(Path("tests/own_studies/pupils"))
>>> header.group_noun.many_nb, header.items["ses"].label_en, header.outcomes["score"].unit_nb
('skoler', 'Home background', 'poeng')
>>> header.analyses["homework"].formula
'score ~ help + (1 | school)'
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from bayes_sf.catalogue import Noun
from bayes_sf.errors import SpecError, closest
from bayes_sf.inputs.codebook import ROW
from bayes_sf.inputs.schema import Name, Table, Text, checked
from bayes_sf.inputs.toml import read_toml
from bayes_sf.inputs.variables import BEYOND, INTERCEPT, NOT_A_GROUP, QUANTITIES, Stated, can_group

__all__ = [
    "ENTRIES", "FILE", "PARTS", "ColumnHeader", "Privacy", "StudyHeader", "StudyTable",
    "read_study_header",
]  # fmt: skip

#: The file of a study's folder.
FILE: Final = "study.toml"
#: Persons of a cell, where a study says nothing: what the report's study asks of employees.
_FEWEST: Final = 5

_Said = Annotated[str | dict[str, str], Field(title='text, or { en = "...", nb = "..." }')]
_Parts = Annotated[dict[str, Any], Field(title="a table")]
_Answers = Annotated[
    list[Name] | dict[str, Any] | None,
    Field(title="a list of the column's values, or a table of value = label", min_length=2),
]


class StudyTable(Table, title="study.toml of bayes_sf, kind data"):
    """The whole file; tables in it are checked one by one."""

    version: Annotated[int, Field(alias="schema", title="1", ge=1, le=1)]
    kind: Annotated[Literal["data"], Field(title='"data"')]
    file: Annotated[Name, Field(description="Data: CSV, Excel, SPSS, Stata or Parquet.")]
    title: Annotated[_Said, Field(description="Of the study.")] = ""
    source: Annotated[Text, Field(description="Where the data are from.")] = ""
    decimal_mark: Annotated[
        Literal[".", ","] | None, Field(title='"." or ","', description="Where a file is open.")
    ] = None
    rows: Annotated[_Parts, Field(description="What a row is called.", default_factory=dict)]
    group: Annotated[_Parts, Field(description="The column of groups, and what one is called.")]
    outcomes: Annotated[_Parts, Field(description="Columns that models are of.", min_length=1)]
    items: Annotated[_Parts, Field(description="Columns of predictors.", default_factory=dict)]
    choices: Annotated[
        list[Name],
        Field(title="a list of files", description="Of an analyst's choices, for the page.",
              default_factory=list),
    ]  # fmt: skip
    disclosure: Annotated[_Parts, Field(description="Who is protected.", default_factory=dict)]
    analyses: Annotated[
        dict[str, Name | dict[str, Any]],
        Field(title="a table of name = formula, file or table", default_factory=dict),
    ]


class _Rows(Table):
    one: _Said
    many: _Said


class _Group(Table):
    column: Name
    one: _Said
    many: _Said


class _Outcome(Table):
    label: _Said = ""
    unit: _Said = ""


class _Item(Table):
    label: _Said = ""
    unit: _Said = ""
    contrast: Annotated[float | None, Field(title="a number above zero", gt=0)] = None
    scale: _Answers = None
    categories: _Answers = None
    reference: Annotated[str | None, Field(title="text", min_length=1)] = None


class _Analysis(Table):
    formula: Name
    question: _Said = ""
    family: Name = "gaussian"


class _Disclosure(Table):
    control: Annotated[bool, Field(title="true or false")] = True
    reason: Text = ""
    unit: Name = "rows"
    min_units: Annotated[int, Field(title="a whole number of at least 2", ge=2)] = _FEWEST


#: Tables of the file, and tables of tables of which each entry is one.
PARTS: Final[Mapping[str, type[Table]]] = {
    "rows": _Rows, "group": _Group, "disclosure": _Disclosure,
}  # fmt: skip
ENTRIES: Final[Mapping[str, type[Table]]] = {
    "outcomes": _Outcome, "items": _Item, "analyses": _Analysis,
}  # fmt: skip


@dataclass(frozen=True)
class ColumnHeader:
    """What is said of one column.

    Parameters
    ----------
    label_en, label_nb, unit, unit_nb : str
    contrast : float or None
        A difference in a predictor that is worth asking of.
    answers : mapping
        Value in the file -> its labels (en, nb); none of a column of numbers.
    ordered : bool
        Whether answers run from the lowest to the highest.
    reference : str
        Category that others are compared with.
    """

    label_en: str
    label_nb: str
    unit: str = ""
    unit_nb: str = ""
    contrast: float | None = None
    answers: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    ordered: bool = False
    reference: str = ""


@dataclass(frozen=True)
class Privacy:
    """Who is protected.

    Parameters
    ----------
    control : bool
    reason : str
        Why there is none.
    unit : str
        Column of what is protected; "" where it is the row.
    min_units : int
    """

    control: bool = True
    reason: str = ""
    unit: str = ""
    min_units: int = _FEWEST


@dataclass(frozen=True)
class StudyHeader:
    """A whole `study.toml` of kind ``data``.

    Parameters
    ----------
    path : pathlib.Path
        Of the file itself; `file` is in its folder.
    file : pathlib.Path
    title : tuple of str
        In English and Norwegian.
    source : str
        Where the data are from.
    decimal_mark : {".", ","} or None
    group : str
        Column.
    row_noun, group_noun : Noun
    outcomes, items : mapping of str to ColumnHeader
    privacy : Privacy
    analyses : mapping
        Name -> what is stated, or path of an analysis file.
    choices : tuple of pathlib.Path
        Files of an analyst's choices, which the page weighs.
    """

    path: Path
    file: Path
    title: tuple[str, str]
    source: str
    decimal_mark: str | None
    group: str
    row_noun: Noun
    group_noun: Noun
    outcomes: Mapping[str, ColumnHeader]
    items: Mapping[str, ColumnHeader]
    privacy: Privacy
    analyses: Mapping[str, Stated | Path]
    choices: tuple[Path, ...] = ()


def read_study_header(path: Path) -> StudyHeader:
    """Read a `study.toml` of kind ``data``.

    Parameters
    ----------
    path : pathlib.Path
        The file, or its folder.

    Raises
    ------
    SpecError
        For a file that is not there or no TOML, a key that is not known, a value that cannot be,
        columns that are named twice, a file of data or of an analysis that is not there.
    """
    path = path / FILE if path.is_dir() else path
    if not path.is_file() or path.suffix != ".toml":
        data = path.name if path.is_file() else "DATA.csv"
        fix = f"bayes-sf init {data} writes a first one"
        raise SpecError(str(path), "must be the study.toml of a study, or its folder", fix=fix)
    raw = read_toml(path)
    if raw.get("kind", "published") == "published":
        fix = 'data have kind = "data"; printed figures of a report: bayes-sf reread FOLDER'
        raise SpecError(f"{path.name}: kind", 'must be "data"', got=raw.get("kind"), fix=fix)
    table = _checked(StudyTable, raw, path, "")
    group = _checked(_Group, table.group, path, "group")
    if not can_group(group.column):
        where, fix = f"{path.name}: group.column", "rename it in the file, and here"
        raise SpecError(where, NOT_A_GROUP, got=group.column, fix=fix)
    rows = _checked(_Rows, table.rows or {"one": "row", "many": "rows"}, path, "rows")
    outcomes = {name: _outcome(path, name, entry) for name, entry in table.outcomes.items()}
    items = {name: _item(path, name, entry) for name, entry in table.items.items()}
    header = StudyHeader(
        path, path.parent / table.file, _said(table.title, path, "title"), table.source,
        table.decimal_mark,
        group.column, _noun(rows, path, "rows", ROW if not table.rows else None),
        _noun(group, path, "group"), outcomes, items, _privacy(table, path),
        {name: _analysis(path, name, text) for name, text in table.analyses.items()},
        tuple(path.parent / name for name in table.choices),
    )  # fmt: skip
    _check_names(header)
    return header


def _checked[T: Table](schema: type[T], table: Any, path: Path, at: str) -> T:
    """One table of the file."""
    if not isinstance(table, dict):
        raise SpecError(f"{path.name}: {at}", "must be a table of keys", got=table)
    where = f"{path.name}: {at}{'.' if at else ''}"
    return checked(schema, table, where, f" of {at.partition('.')[0] or 'a study of data'}")


def _said(said: str | Mapping[str, str], path: Path, at: str, usual: str = "") -> tuple[str, str]:
    """A text in English and Norwegian; one that is given once is both."""
    if isinstance(said, str):
        found = (said or usual, said or usual)
    else:
        unknown = [key for key in said if key not in {"en", "nb"}]
        if unknown or not said:
            rule = 'must be text, or { en = "...", nb = "..." }'
            raise SpecError(f"{path.name}: {at}", rule, got=dict(said))
        found = (said.get("en", said.get("nb", "")), said.get("nb", said.get("en", "")))
    for text in found:
        if not text.isprintable() or set("{}<>") & set(text):
            rule = "must be one line of text without { } < >"
            raise SpecError(f"{path.name}: {at}", rule, got=text)
    return found


def _noun(table: "_Rows | _Group", path: Path, at: str, usual: Noun | None = None) -> Noun:
    if usual is not None:
        return usual
    one, many = (_said(getattr(table, key), path, f"{at}.{key}") for key in ("one", "many"))
    return Noun(one[0], many[0], one[1], many[1])


def _outcome(path: Path, name: str, entry: Any) -> ColumnHeader:
    table = _checked(_Outcome, entry, path, f"outcomes.{name}")
    at = f"outcomes.{name}"
    labels = _said(table.label, path, f"{at}.label", name)
    return ColumnHeader(*labels, *_said(table.unit, path, f"{at}.unit"))


def _item(path: Path, name: str, entry: Any) -> ColumnHeader:
    at = f"items.{name}"
    if name in {*QUANTITIES, *BEYOND}:
        rule = "must be a column that is not called as a quantity of the result"
        raise SpecError(f"{path.name}: {at}", rule, got=name, fix="rename it in the file, and here")
    table = _checked(_Item, entry, path, at)
    labels = _said(table.label, path, f"{at}.label", name)
    unit = _said(table.unit, path, f"{at}.unit")
    both = [key for key in ("scale", "categories") if getattr(table, key) is not None]
    if len(both) == 2:
        raise SpecError(f"{path.name}: {at}", "must have a scale or categories, not both")
    if not both:
        if table.reference is not None:
            rule = "goes with categories: a column of numbers has no reference"
            raise SpecError(f"{path.name}: {at}.reference", rule, got=table.reference)
        return ColumnHeader(*labels, *unit, table.contrast)
    if table.contrast is not None:
        rule = "is of a column of numbers: answers have contrasts of their own"
        raise SpecError(f"{path.name}: {at}.contrast", rule, got=table.contrast)
    given: Any = getattr(table, both[0])
    listed = {value: value for value in given} if isinstance(given, list) else given
    if len(listed) < len(given):
        raise SpecError(f"{path.name}: {at}.{both[0]}", "must name every value once", got=given)
    answers = {}
    for value, said in listed.items():
        if not isinstance(said, str | dict):
            rule = 'must be text, or { en = "...", nb = "..." }'
            raise SpecError(f"{path.name}: {at}.{both[0]}.{value}", rule, got=said)
        answers[value] = _said(said, path, f"{at}.{both[0]}.{value}", value)
    reference = table.reference or next(iter(answers))
    if reference not in answers:
        fix = closest(reference, answers) or f"known: {', '.join(answers)}"
        rule = f"must be one of its {both[0]}"
        raise SpecError(f"{path.name}: {at}.reference", rule, got=reference, fix=fix)
    return ColumnHeader(*labels, *unit, None, answers, both[0] == "scale", reference)


def _privacy(table: StudyTable, path: Path) -> Privacy:
    found = _checked(_Disclosure, table.disclosure, path, "disclosure")
    if not found.control and not found.reason.strip():
        fix = 'write reason = "public data", or whatever it is'
        raise SpecError(f"{path.name}: disclosure.control", "is off only for a reason", fix=fix)
    unit = "" if found.unit == "rows" else found.unit
    return Privacy(found.control, found.reason.strip(), unit, found.min_units)


def _analysis(path: Path, name: str, text: str | dict[str, Any]) -> Stated | Path:
    """A formula, with what it asks, or the path of an analysis file beside `study.toml`."""
    where = f"{path.name}: analyses.{name}"
    if not isinstance(text, str):
        table = _checked(_Analysis, text, path, f"analyses.{name}")
        question = _said(table.question, path, f"analyses.{name}.question")
        return Stated(table.formula, *question, table.family)
    if "~" in text:
        return Stated(text)
    if not text.endswith(".toml"):
        rule = "must be a formula such as y ~ x + (1 | g), or an analysis file (.toml)"
        raise SpecError(where, rule, got=text)
    if not (path.parent / text).is_file():
        raise SpecError(where, "must be a file of the folder", got=text)
    if Path(text).stem != name:
        raise SpecError(
            where, "must be named as its file", got=text, fix=f"write {Path(text).stem}"
        )
    return path.parent / text


def _check_names(header: StudyHeader) -> None:
    """Every column has one part; names tell apart what a result has."""
    where = header.path.name
    if not header.file.is_file():
        raise SpecError(f"{where}: file", "must be a file of the folder", got=header.file.name)
    for choices in header.choices:
        if not choices.is_file():
            raise SpecError(f"{where}: choices", "must be files of the folder", got=choices.name)
    named = [*header.outcomes, *header.items, header.group]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        rule = "must be the group, an outcome or an item: a column has one part"
        raise SpecError(where, rule, got=twice)
    for name in named:
        if not name.isprintable() or not name.strip() or name == INTERCEPT:
            raise SpecError(where, "must name columns with printable names", got=name)
    for name in header.analyses:
        if not name or "~" in name or "/" in name or name.endswith(".toml"):
            rule = "must be a plain name"
            raise SpecError(f"{where}: analyses", rule, got=name)
