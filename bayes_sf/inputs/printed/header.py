r"""`study.toml`: what a report says of its tables and models, every key checked.

Examples
--------
>>> text = 'schema = 1\n[models.null]\nicc = "0.21"\nn = 1840\ngroups = 44\n'
>>> import pathlib, tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     path = pathlib.Path(folder) / "study.toml"
...     _ = path.write_text(text, encoding="utf-8")
...     header = read_header(path)
>>> header.models["null"].n, header.models["null"].estimator
(1840, 'unknown')
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args

from bayes_sf.errors import DataError, SpecError, closest
from bayes_sf.inputs.printed.figure import ROUNDINGS, Figure, Rounding, read_figure
from bayes_sf.inputs.toml import read_toml

__all__ = [
    "ESTIMATORS",
    "Estimator",
    "Header",
    "Level",
    "ModelHeader",
    "TableFormat",
    "read_header",
]

type Estimator = Literal["REML", "ML", "unknown"]
type Level = Literal["within", "between", "unknown"]
ESTIMATORS: Final[tuple[Estimator, ...]] = get_args(Estimator.__value__)
_LEVELS: Final[tuple[Level, ...]] = get_args(Level.__value__)
#: What an interval may be: quantiles of a normal, of t, or one that is not symmetric.
REFERENCES: Final = ("z", "t", "profile", "bootstrap", "credible", "unknown")
_RANDOM: Final = ("intercept", "slopes", "crossed", "nested")
_FAMILIES: Final = ("gaussian", "binomial", "poisson", "negative binomial", "ordinal", "other")


@dataclass(frozen=True)
class TableFormat:
    """How a table prints its figures.

    Parameters
    ----------
    decimals : mapping
        Decimals of a column of ours.
    trailing_zeros : {"kept", "dropped"}
    rounding : {"half", "truncated", "unknown"}
    title : str
    source : str
        Who printed it where, in a folder of many reports; "" where it is the report.
    seen : str
        Address at which it was read.
    """

    decimals: Mapping[str, int] = field(default_factory=dict)
    trailing_zeros: str = "kept"
    rounding: Rounding = "half"
    title: str = ""
    source: str = ""
    seen: str = ""


@dataclass(frozen=True)
class ModelHeader:
    """What a report says of one model beside its tables.

    Parameters
    ----------
    name : str
    table : str
        The printed table that the model's figures are from, "" where the text has them.
    outcome, unit, group : str
        Names of the outcome, its unit and the grouping factor.
    estimator : {"REML", "ML", "unknown"}
    n, groups : int or None
        Rows and groups.
    sizes : tuple of int
        Rows of each group, where they are printed.
    size_bounds : tuple of (int, int)
        Fewest and most rows of each group, where other tables of the report say so much.
    balanced : bool or None
        Whether all groups are equally large; None where it is not said.
    icc : Figure or None
    interval_level : float
        Probability of the printed intervals.
    interval_reference : str
        ``z``, ``t``, ``t:df``, ``profile``, ``bootstrap``, ``credible`` or ``unknown``.
    terms : mapping
        Whether a predictor varies within groups, or is constant there.
    centred : bool
        Whether all predictors are centred, so that the intercept is at their means.
    random : {"intercept", "slopes", "crossed", "nested"}
        What differs between groups.
    family : str
        Distribution of the outcome.
    weights, robust : bool
        Whether rows are weighted, standard errors robust.
    tails : {1, 2}
        Sides of the p-values.
    """

    name: str
    table: str = ""
    outcome: str = ""
    unit: str = ""
    estimator: Estimator = "unknown"
    group: str = ""
    n: int | None = None
    groups: int | None = None
    sizes: tuple[int, ...] = ()
    size_bounds: tuple[tuple[int, int], ...] = ()
    balanced: bool | None = None
    icc: Figure | None = None
    interval_level: float = 0.95
    interval_reference: str = "unknown"
    terms: Mapping[str, Level] = field(default_factory=dict)
    centred: bool = False
    random: str = "intercept"
    family: str = "gaussian"
    weights: bool = False
    robust: bool = False
    tails: int = 2


@dataclass(frozen=True)
class Header:
    """A whole `study.toml`.

    Parameters
    ----------
    kind : str
        ``published``.
    title, source, language : str
    decimal_mark : {".", ","}
    tables : mapping of str to TableFormat
    models : mapping of str to ModelHeader
    stars : mapping
        Mark -> largest p that it stands for.
    other_files : tuple of str
        CSV files of the folder that are not of this schema.
    """

    kind: str
    title: str
    source: str
    language: str
    decimal_mark: str
    tables: Mapping[str, TableFormat]
    models: Mapping[str, ModelHeader]
    stars: Mapping[str, float]
    other_files: tuple[str, ...] = ()


class _Table:
    """One table of the file: every key that is asked for is known, every other refused."""

    def __init__(self, where: str, content: Any, known: tuple[str, ...]) -> None:
        self.where = where
        if not isinstance(content, dict):
            raise DataError(f"study.toml: {where}", "must be a table of keys", got=content)
        for key in content:
            if key not in known:
                raise DataError(
                    self.at(key), f"is no key here (known: {', '.join(known)})",
                    fix=closest(key, known) or "leave it out",
                )  # fmt: skip
        self.content = content

    def at(self, key: str) -> str:
        """Where a key is."""
        return f"study.toml: {self.where + '.' if self.where else ''}{key}"

    def take(self, key: str, default: Any, rule: str, fits: Callable[[Any], bool]) -> Any:
        """A value that fits, or the default."""
        if key not in self.content:
            return default
        value = self.content[key]
        if not fits(value):
            raise DataError(self.at(key), rule, got=value)
        return value

    def text(self, key: str, default: str = "") -> str:
        """A text of one line."""
        return str(self.take(key, default, "must be text", lambda v: isinstance(v, str)))

    def one_of(self, key: str, known: tuple[Any, ...], default: Any) -> Any:
        """One of these, of the same type."""
        rule = f"must be one of {', '.join(map(str, known))}"
        kinds = {type(one) for one in known}
        return self.take(key, default, rule, lambda v: type(v) in kinds and v in known)

    def flag(self, key: str, default: bool | None) -> bool | None:
        """True or false."""
        found = self.take(key, default, "must be true or false", lambda v: isinstance(v, bool))
        return None if found is None else bool(found)

    def whole(self, key: str, least: int) -> int | None:
        """A whole number."""
        rule = f"must be a whole number of at least {least}"
        found = self.take(key, None, rule, lambda v: type(v) is int and v >= least)
        return None if found is None else int(found)


def _free(where: str, content: Any) -> _Table:
    """A table whose keys are the report's own."""
    return _Table(where, content, tuple(content) if isinstance(content, dict) else ())


_TOP: Final = (
    "schema", "kind", "title", "source", "language", "decimal_mark", "tables", "models", "stars",
    "other_files",
)  # fmt: skip
_OF_TABLE: Final = ("decimals", "trailing_zeros", "rounding", "title", "source", "seen")
_OF_MODEL: Final = (
    "table", "outcome", "unit", "estimator", "group", "n", "groups", "sizes", "size_bounds",
    "balanced", "icc", "interval", "terms", "centred", "random", "family", "weights", "robust",
    "tails",
)  # fmt: skip


def read_header(path: Path) -> Header:
    """Read a `study.toml`.

    Parameters
    ----------
    path : pathlib.Path

    Raises
    ------
    DataError
        For a file that is not there or no TOML, a key that is not known, a value that cannot be.
    """
    if not path.is_file():
        raise DataError(
            str(path.name), "must be in the folder", fix="bayes-sf reread --init FOLDER writes one"
        )
    try:
        content = read_toml(path)
    except SpecError as error:
        raise DataError(error.where, error.rule, got=error.got, fix=error.fix) from None
    if content.get("kind") == "data":
        raise DataError(
            "study.toml: kind", "must be published: these are data of your own", got="data",
            fix="give the folder to fit, describe and others, with --study",
        )  # fmt: skip
    top = _Table("", content, _TOP)
    if "schema" not in content:
        raise DataError(top.at("schema"), "must be there", fix="write schema = 1")
    top.one_of("schema", (1,), 1)
    kind = top.one_of("kind", ("published", "data"), "published")
    mark = top.one_of("decimal_mark", (".", ","), ".")
    tables = {
        str(name): _table(f"tables.{name}", entry)
        for name, entry in _entries(top, "tables").items()
    }
    stars = _stars(_free("stars", content.get("stars", {})))
    models = {
        str(name): _model(str(name), entry, mark, tables)
        for name, entry in _entries(top, "models").items()
    }
    others = top.take(
        "other_files", [], "must be a list of names",
        lambda v: isinstance(v, list) and all(isinstance(one, str) for one in v),
    )  # fmt: skip
    return Header(
        kind, top.text("title"), top.text("source"), top.text("language"), mark, tables, models,
        stars, tuple(others),
    )  # fmt: skip


def _entries(top: _Table, key: str) -> dict[str, Any]:
    """Tables by name."""
    return dict(top.take(key, {}, "must be a table of tables", lambda v: isinstance(v, dict)))


def _table(where: str, entry: Any) -> TableFormat:
    table = _Table(where, entry, _OF_TABLE)
    from bayes_sf.inputs.printed.columns import FILES

    columns = tuple(
        dict.fromkeys(
            name for file in FILES.values() for name, one in file.items() if one.kind != "text"
        )
    )
    decimals = _Table(f"{where}.decimals", entry.get("decimals", {}), columns)
    kept = {name: decimals.whole(name, 0) or 0 for name in decimals.content}
    return TableFormat(
        kept, table.one_of("trailing_zeros", ("kept", "dropped"), "kept"),
        table.one_of("rounding", ROUNDINGS, "half"), table.text("title"), table.text("source"),
        table.text("seen"),
    )  # fmt: skip


def _stars(table: _Table) -> dict[str, float]:
    """Marks and their levels."""
    found = {}
    for mark in table.content:
        if not mark or any(letter.isalnum() or letter in ".,-+ " for letter in mark):
            raise DataError(table.at(repr(mark)), "must be marks such as *", got=mark)
        rule = "must lie between 0 and 1"
        fits = table.take(mark, 1.0, rule, lambda v: type(v) in {int, float} and 0 < v < 1)
        found[mark] = float(fits)
    return found


def _model(name: str, entry: Any, mark: str, tables: Mapping[str, TableFormat]) -> ModelHeader:
    where = f"models.{name}"
    model = _Table(where, entry, _OF_MODEL)
    table = model.text("table")
    if table and tables and table not in tables:
        raise DataError(
            model.at("table"), f"must be one of the tables ({', '.join(tables)})", got=table,
            fix=closest(table, tables) or f"add [tables.{table}]",
        )  # fmt: skip
    n, groups = model.whole("n", 3), model.whole("groups", 2)
    if n is not None and groups is not None and groups >= n:
        raise DataError(
            model.at("groups"), "must be fewer than n: n counts rows", got=f"{groups} and {n}"
        )
    sizes = _sizes(model, n, groups)
    if sizes:
        n, groups = sum(sizes), len(sizes)
    level, reference = _interval(model)
    terms = _free(f"{where}.terms", entry.get("terms", {}))
    balanced = model.flag("balanced", None)
    if balanced and sizes and len(set(sizes)) > 1:
        raise DataError(model.at("balanced"), "must go with the sizes", got=list(sizes[:6]))
    return ModelHeader(
        name, table, model.text("outcome"), model.text("unit"),
        model.one_of("estimator", ESTIMATORS, "unknown"), model.text("group"), n, groups, sizes,
        _bounds(model, n, groups, sizes),
        balanced, _icc(model, mark, tables.get(table)), level, reference,
        {term: terms.one_of(term, _LEVELS, "unknown") for term in terms.content},
        bool(model.flag("centred", default=False)),
        model.one_of("random", _RANDOM, "intercept"),
        model.one_of("family", _FAMILIES, "gaussian"),
        bool(model.flag("weights", default=False)), bool(model.flag("robust", default=False)),
        int(model.one_of("tails", (1, 2), 2)),
    )  # fmt: skip


def _sizes(model: _Table, n: int | None, groups: int | None) -> tuple[int, ...]:
    """Sizes of groups, which go with n and groups."""
    found = model.take(
        "sizes", [], "must be at least two whole numbers above zero",
        lambda v: isinstance(v, list) and len(v) > 1 and all(type(x) is int and x > 0 for x in v),
    )  # fmt: skip
    wrong = (groups is not None and len(found) != groups) or (n is not None and sum(found) != n)
    if found and wrong:
        raise DataError(
            model.at("sizes"), f"must be {groups} sizes whose sum is {n}",
            got=f"{len(found)} with sum {sum(found)}",
        )  # fmt: skip
    if found and len(found) >= sum(found):
        raise DataError(model.at("sizes"), "must be of more rows than groups", got=found[:6])
    return tuple(found)


def _bounds(
    model: _Table, n: int | None, groups: int | None, sizes: tuple[int, ...]
) -> tuple[tuple[int, int], ...]:
    """Fewest and most rows of each group, which leave room for n."""

    def pair(one: Any) -> bool:
        whole = isinstance(one, list) and len(one) == 2 and all(type(x) is int for x in one)
        return whole and 0 < one[0] <= one[1]

    found = model.take(
        "size_bounds", [], "must be a pair of whole numbers for each group, as [58, 68]",
        lambda v: isinstance(v, list) and len(v) > 1 and all(map(pair, v)),
    )  # fmt: skip
    if found and sizes:
        raise DataError(model.at("size_bounds"), "goes without sizes")
    if found and (n is None or groups is None or len(found) != groups):
        rule = "must be one pair for each group, beside n and groups"
        raise DataError(model.at("size_bounds"), rule, got=len(found))
    if found and not sum(one[0] for one in found) <= (n or 0) <= sum(one[1] for one in found):
        raise DataError(model.at("size_bounds"), f"must leave room for n = {n}", got=found)
    return tuple((one[0], one[1]) for one in found)


def _interval(model: _Table) -> tuple[float, str]:
    """Level and reference of the printed intervals."""
    table = _Table(
        f"{model.where}.interval", model.content.get("interval", {}), ("level", "reference")
    )
    level = table.take(
        "level", 0.95, "must be a probability, as 0.95",
        lambda v: type(v) is float and 0.5 <= v < 1,
    )  # fmt: skip
    reference = table.text("reference", "unknown")
    base, _, df = reference.partition(":")
    if base not in REFERENCES or ((df or ":" in reference) and base != "t"):
        rule = f"must be one of {', '.join(REFERENCES)}, or t:df"
        raise DataError(table.at("reference"), rule, got=reference)
    if df or ":" in reference:
        try:
            value = float(df)
        except ValueError:
            value = math.nan
        if not (value > 0 and math.isfinite(value)):
            raise DataError(
                table.at("reference"), "must be t: and a number, as t:41", got=reference
            )
    return float(level), reference


def _icc(model: _Table, mark: str, table: TableFormat | None) -> Figure | None:
    """A printed ICC."""
    text = model.take(
        "icc", None, 'must be text as printed, since its digits say how it was rounded: "0.21"',
        lambda v: isinstance(v, str) and v.strip() != "",
    )  # fmt: skip
    if text is None:
        return None
    figure = read_figure(text, model.at("icc"), decimal_mark=mark)
    check_share(figure)
    return figure.rounded(table.rounding if table else "half")


def check_share(figure: Figure) -> None:
    """Refuse a share that is negative, above 1, or in percent.

    Parameters
    ----------
    figure : Figure

    Raises
    ------
    DataError
        With the place of the figure.
    """
    if not 0 <= figure.value <= 1:
        percent = 1 < figure.value <= 100
        fix = f"is it {figure.value / 100:g} or {figure.value:g} %? write {figure.value / 100:g}"
        raise DataError(
            figure.place, "must lie between 0 and 1", got=figure.text, fix=fix if percent else ""
        )
