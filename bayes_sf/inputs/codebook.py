"""What every variable of the study means: labels, codes, who was asked, where it is published.

`data/codebook.toml` is checked in full when it is read. An option of a multi-response item is an
item of its own ("q14.1", 1 = chosen), so that every column of a survey file has one entry.

Examples
--------
>>> book = load_codebook()
>>> book.item("q13").label_en, book.item("q13").category("I stor grad").code
('Can adapt the work', 4)
>>> book.item("q20r1").asked_if
Filter(item='q19r1', any_of=('large_extent', 'very_large_extent'))
>>> len(book.preventive)
30
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import cache
from itertools import zip_longest
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bayes_sf.catalogue import Noun, naming
from bayes_sf.errors import SpecError, closest
from bayes_sf.inputs.published import DECIMALS
from bayes_sf.inputs.toml import read_toml
from bayes_sf.inputs.variables import (
    INTERCEPT,
    Category,
    Codebook,
    Filter,
    Industry,
    Item,
    Variable,
)
from bayes_sf.resources import data_dir

__all__ = [
    "DONT_KNOW",
    "FRAMES",
    "INTERCEPT",
    "NOT_ASKED",
    "ROW",
    "Category",
    "Codebook",
    "Filter",
    "Industry",
    "Item",
    "Variable",
    "load_codebook",
    "using",
]

DONT_KNOW = 98
NOT_ASKED = 99
#: What a row is called that has no name; and the codebook of data frames, which labels nothing.
ROW = Noun("row", "rows", "rad", "rader")
FRAMES = Codebook(
    {}, (), (), (), group="", unit="", nouns=(ROW, Noun("group", "groups", "gruppe", "grupper")),
    analyses={},
)  # fmt: skip
_KINDS = ("ordinal", "binary", "nominal", "multi")
_ROLES = ("preventive", "control", "descriptive", "group", "outcome")

# Keys of each kind of entry and their types; [str] is a list of strings.
_LABELS = {"label_nb": str, "label_en": str}
_CATEGORY = {"code": int, "key": str, **_LABELS, "printed": [str]}
_SCALE = {"unit": str, "questionnaire": [int], "categories": [dict]}
_ITEM = {**_LABELS, "kind": str, "role": str, "tables": [str]}
_ITEM_OPTIONAL = {
    "scale": str,
    "options": [dict],
    "questionnaire": [int],
    "reference": str,
    "dont_know": str,
    "asked_if": dict,
    "printed_not_asked": [str],
    "printed_key": str,
    "printed_term": str,
    "note": str,
}
_INDUSTRY = {"code": int, **_LABELS, "printed": [str], "sn2007": [str]}
_REGISTER = {"key": str, **_LABELS, "unit": str}
_DERIVED = {**_LABELS, "unit": str, "role": str}


def load_codebook(path: Path | None = None) -> Codebook:
    """Read and check a codebook.

    Parameters
    ----------
    path : Path, optional
        A TOML file; by default the codebook of the study that is in use (`using`), which is the
        package's own `data/codebook.toml` where nothing else is said.

    Returns
    -------
    Codebook

    Raises
    ------
    SpecError
        At the first key that is unknown, missing, of the wrong type, or names nothing.
    """
    return (_IN_USE.get() or _bundled()) if path is None else _read(path)


#: The codebook in use, where it is not the package's own.
_IN_USE: ContextVar[Codebook | None] = ContextVar("codebook", default=None)


@contextmanager
def using(book: Codebook | None) -> Iterator[None]:
    """Use a codebook, and its nouns, as long as the block lasts.

    Parameters
    ----------
    book : Codebook, optional
        Of a study of one's own; without one, the package's.
    """
    token = _IN_USE.set(book)
    try:
        with naming(None if book is None else book.nouns):
            yield
    finally:
        _IN_USE.reset(token)


@cache
def _bundled() -> Codebook:
    """Read the package's codebook once."""
    return _read(data_dir() / "codebook.toml")


def _read(file: Path) -> Codebook:
    """Read a file, and name it in every error."""
    try:
        raw = read_toml(file)
    except SpecError as error:
        raise SpecError(str(file), "must be a readable TOML file", got=error.got) from None
    try:
        return _codebook(raw)
    except SpecError as error:
        where = f"{file.name}: {error.where}"
        raise SpecError(where, error.rule, got=error.got, fix=error.fix) from None


def _codebook(raw: dict[str, Any]) -> Codebook:
    """Build the codebook from the parsed file."""
    parts = ("scales", "items", "industries", "register", "derived")
    _check(raw, "top level", {"schema_version": int, **dict.fromkeys(parts, dict)})
    if raw["schema_version"] != 1:
        raise SpecError("schema_version", "must be 1", got=raw["schema_version"])
    for part, required, optional in (
        ("scales", _SCALE, {}),
        ("items", _ITEM, _ITEM_OPTIONAL),
        ("industries", _INDUSTRY, {}),
        ("register", _REGISTER, {}),
        ("derived", _DERIVED, {"printed_term": str}),
    ):
        for key, entry in raw[part].items():
            _check(entry, f"{part}.{key}", required, optional)
    industries = tuple(
        Industry(key, **{name: _frozen(value) for name, value in entry.items()})
        for key, entry in raw["industries"].items()
    )
    for key, entry in raw["derived"].items():
        _check_known(f"derived.{key}.role", [entry["role"]], _ROLES)
    items: dict[str, Item] = {}
    for key, entry in raw["items"].items():
        for item in _items(key, entry, raw["scales"], industries):
            _check_item(item, items)
            items[item.key] = item
    return Codebook(
        items=MappingProxyType(items),
        industries=industries,
        register=tuple(Variable(column=name, **entry) for name, entry in raw["register"].items()),
        derived=tuple(Variable(key=name, **entry) for name, entry in raw["derived"].items()),
    )


def _check(
    raw: object, where: str, required: Mapping[str, Any], optional: Mapping[str, Any] = {}
) -> None:
    """Refuse unknown and missing keys and wrong types."""
    if not isinstance(raw, dict):
        raise SpecError(where, "must be a table", got=raw)
    kinds = {**required, **optional}
    for key in raw:
        if key not in kinds:
            fix = closest(key, kinds) or f"known: {', '.join(kinds)}"
            raise SpecError(f"{where}.{key}", "is not a key of the codebook", fix=fix)
    for key in required:
        if key not in raw:
            raise SpecError(f"{where}.{key}", "must be given")
    for key, value in raw.items():
        kind = kinds[key]
        is_list = isinstance(kind, list)
        inner = kind[0] if is_list else kind
        values = value if is_list and isinstance(value, list) else [value]
        if isinstance(value, list) != is_list or any(type(each) is not inner for each in values):
            name = f"a list of {inner.__name__}" if is_list else inner.__name__
            raise SpecError(f"{where}.{key}", f"must be {name}", got=value)


def _frozen(value: Any) -> Any:
    """Make a list a tuple."""
    return tuple(value) if isinstance(value, list) else value


def _categories(raw: list[dict[str, Any]], codes: list[int], where: str) -> list[Category]:
    """Build categories; `codes` are the questionnaire's, none if it has other categories."""
    if codes and len(codes) != len(raw):
        rule = f"must have one code for each of the {len(raw)} categories, or none"
        raise SpecError(f"{where}.questionnaire", rule, got=codes)
    for entry in raw:
        _check(entry, f"{where}.categories", _CATEGORY)
    return [
        Category(**{k: _frozen(v) for k, v in entry.items()}, questionnaire_code=code)
        for entry, code in zip_longest(raw, codes)
    ]


def _answers(
    raw: dict[str, Any], scales: dict[str, Any], industries: tuple[Industry, ...], where: str
) -> tuple[str, list[Category]]:
    """Find the unit and answers of an item: of its scale, its own options, or the industries."""
    _check_known(f"{where}.kind", [raw["kind"]], _KINDS)
    if raw["role"] == "group":
        return "category", [
            Category(i.code, i.key, i.label_nb, i.label_en, i.printed) for i in industries
        ]
    source, other = ("options", "scale") if raw["kind"] == "multi" else ("scale", "options")
    if source not in raw or other in raw:
        raise SpecError(where, f"must have {source} and no {other} for kind {raw['kind']}")
    if source == "options":
        return "0/1 per option", _categories(raw["options"], raw.get("questionnaire", []), where)
    _check_known(f"{where}.scale", [raw["scale"]], scales)
    scale = scales[raw["scale"]]
    codes = raw.get("questionnaire", scale["questionnaire"])
    return scale["unit"], _categories(scale["categories"], codes, where)


def _items(
    key: str, raw: dict[str, Any], scales: dict[str, Any], industries: tuple[Industry, ...]
) -> Iterator[Item]:
    """Build an item and, if it has options, one item for each."""
    where = f"items.{key}"
    unit, answers = _answers(raw, scales, industries, where)
    dont_know = raw.get("dont_know", "missing")
    _check_known(f"{where}.dont_know", [dont_know], ("missing", "category"))
    missing = [a for a in answers if a.code == DONT_KNOW and dont_know == "missing"]
    asked_if = None
    if "asked_if" in raw:
        _check(raw["asked_if"], f"{where}.asked_if", {"item": str, "any_of": [str]})
        asked_if = Filter(raw["asked_if"]["item"], tuple(raw["asked_if"]["any_of"]))
        printed = tuple(raw.get("printed_not_asked", ()))
        missing.append(Category(NOT_ASKED, "not_asked", "ikke spurt", "not asked", printed))
    item = Item(
        key=key,
        label_nb=raw["label_nb"],
        label_en=raw["label_en"],
        kind=raw["kind"],
        unit=unit,
        role=raw["role"],
        categories=tuple(a for a in answers if a not in missing),
        missing=tuple(missing),
        tables=tuple(raw["tables"]),
        printed_key=raw.get("printed_key", key),
        asked_if=asked_if,
        reference=raw.get("reference"),
        printed_term=raw.get("printed_term"),
        note=raw.get("note", ""),
    )
    yield item
    if "options" in raw:
        yield from (_option(item, option) for option in item.categories)


def _option(parent: Item, option: Category) -> Item:
    """Build the 0/1 item of one option of a multi-response item."""
    chosen = Category(1, "chosen", "valgt", "chosen", option.printed, option.questionnaire_code)
    return replace(
        parent,
        key=f"{parent.key}.{option.code}",
        label_nb=f"{parent.label_nb}: {option.label_nb}",
        label_en=f"{parent.label_en}: {option.label_en}",
        kind="option",
        unit="0/1",
        categories=(Category(0, "not_chosen", "ikke valgt", "not chosen", ()), chosen),
        parent=parent.key,
    )


def _check_item(item: Item, earlier: Mapping[str, Item]) -> None:
    """Refuse an item that names something that is not there."""
    where = f"items.{item.key}"
    answers = (*item.categories, *item.missing)
    keys = [answer.key for answer in answers]
    printed = [text for answer in answers for text in answer.printed]
    for name, values in (
        ("code", [answer.code for answer in answers]),
        ("key", keys),
        ("printed", printed),
    ):
        if len(set(values)) < len(values):
            raise SpecError(f"{where}.categories", f"must not repeat a {name}", got=values)
    _check_known(f"{where}.role", [item.role], _ROLES)
    _check_known(f"{where}.tables", item.tables, DECIMALS)
    if item.reference is None and item.kind in {"binary", "nominal"} and item.role != "group":
        raise SpecError(f"{where}.reference", "must be given for binary and nominal items")
    if item.reference is not None:
        _check_known(f"{where}.reference", [item.reference], [a.key for a in item.categories])
    if item.asked_if is not None:
        _check_known(f"{where}.asked_if.item", [item.asked_if.item], earlier)
        asked = [answer.key for answer in earlier[item.asked_if.item].categories]
        _check_known(f"{where}.asked_if.any_of", item.asked_if.any_of, asked)


def _check_known(where: str, values: Iterable[str], known: Iterable[str]) -> None:
    """Refuse the first value that is not among the known ones."""
    names = list(known)
    for value in values:
        if value not in names:
            raise SpecError(where, "must be known", got=value, fix=f"known: {', '.join(names)}")
