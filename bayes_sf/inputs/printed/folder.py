r"""A folder of printed results, read: `study.toml` and its CSV files, each figure in its place.

Examples
--------
>>> import pathlib, tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     toml = 'schema = 1\n[models.null]\nicc = "0.21"\nn = 1840\ngroups = 44\n'
...     _ = (pathlib.Path(folder) / "study.toml").write_text(toml, encoding="utf-8")
...     report = read_published(folder)
>>> report.models["null"].n, report.models["null"].icc.text
(1840, '0.21')
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from bayes_sf.catalogue import Message
from bayes_sf.errors import DataError, closest
from bayes_sf.inputs.printed.columns import FILES, RawRow, raw_rows
from bayes_sf.inputs.printed.figure import Figure, read_figure
from bayes_sf.inputs.printed.header import (
    Header,
    ModelHeader,
    TableFormat,
    check_share,
    read_header,
)

__all__ = ["INTERCEPTS", "PrintedRow", "PublishedReport", "ReportedModel", "read_published"]

#: What intercepts are called.
INTERCEPTS: Final = frozenset(
    {"(intercept)", "intercept", "const", "constant", "_cons", "intrcpt1", "konstantledd", "cons"}
)
_RESIDUAL: Final = frozenset({"", "residual", "residuals", "sigma", "within", "level-1"})


@dataclass(frozen=True)
class PrintedRow:
    """One row of a file.

    Parameters
    ----------
    file, number : str, int
        The file, and its row as a spreadsheet counts.
    texts : mapping
        Cells that are text, by column.
    figures : mapping
        Cells that are figures, by column.
    """

    file: str
    number: int
    texts: Mapping[str, str]
    figures: Mapping[str, Figure]

    def text(self, column: str) -> str:
        """A text; "" where nothing is printed."""
        return self.texts.get(column, "")

    def figure(self, column: str) -> Figure | None:
        """A figure; None where nothing is printed."""
        return self.figures.get(column)

    @property
    def intercept(self) -> bool:
        """Whether its term is an intercept."""
        return self.text("term").casefold() in INTERCEPTS

    @property
    def residual(self) -> bool:
        """Whether it is the residual component."""
        return self.text("group").casefold() in _RESIDUAL

    @property
    def place(self) -> str:
        """File and row."""
        return Message("{}: row {}", self.file, self.number)


@dataclass(frozen=True)
class ReportedModel:
    """Everything that a report prints of one model.

    Parameters
    ----------
    header : ModelHeader
        What `study.toml` says.
    coefficients, components, groups, covariances : tuple of PrintedRow
    fit : tuple of PrintedRow
        Rows of `fit.csv`, one for each table that has the model.
    declared : bool
        Whether `study.toml` names the model.
    """

    header: ModelHeader
    coefficients: tuple[PrintedRow, ...] = ()
    components: tuple[PrintedRow, ...] = ()
    fit: tuple[PrintedRow, ...] = ()
    groups: tuple[PrintedRow, ...] = ()
    covariances: tuple[PrintedRow, ...] = ()
    declared: bool = True

    @property
    def name(self) -> str:
        """The model's name."""
        return self.header.name

    def printed(self, column: str) -> Figure | None:
        """A figure of `fit.csv`; of several the one with the most digits."""
        found = [row.figures[column] for row in self.fit if column in row.figures]
        return max(found, key=lambda figure: figure.places, default=None)

    @property
    def icc(self) -> Figure | None:
        """The printed ICC with the most digits."""
        both = [figure for figure in (self.header.icc, self.printed("icc")) if figure]
        return max(both, key=lambda figure: figure.places, default=None)

    def _count(self, given: int | None, column: str) -> int | None:
        """What `study.toml` says, else `fit.csv`."""
        figure = self.printed(column)
        return given if given is not None or figure is None else round(figure.value)

    @property
    def n(self) -> int | None:
        """Rows; where only coefficients have them, what all of these say alike."""
        found = self._count(self.header.n, "n")
        if found is None:
            own = {round(row.figures["n"].value) for row in self.coefficients if "n" in row.figures}
            found = own.pop() if len(own) == 1 else None
        if found is None and self.groups:
            found = sum(round(row.figures["n"].value) for row in self.groups)
        return found

    @property
    def n_groups(self) -> int | None:
        """Groups."""
        return self._count(self.header.groups, "n_groups") or len(self.groups) or None

    @property
    def predictors(self) -> tuple[str, ...]:
        """Terms beside the intercept, from the tables and from `study.toml`."""
        rows = [row.text("term") for row in self.coefficients if not row.intercept]
        return tuple(dict.fromkeys([*rows, *self.header.terms]))


@dataclass(frozen=True)
class PublishedReport:
    """A report's printed results.

    Parameters
    ----------
    header : Header
    models : mapping of str to ReportedModel
    descriptives, counts, claims : tuple of PrintedRow
    """

    header: Header
    models: Mapping[str, ReportedModel]
    descriptives: tuple[PrintedRow, ...] = field(default=(), repr=False)
    counts: tuple[PrintedRow, ...] = field(default=(), repr=False)
    claims: tuple[PrintedRow, ...] = field(default=(), repr=False)

    @property
    def title(self) -> str:
        """Its title."""
        return self.header.title

    @property
    def source(self) -> str:
        """Where it is found."""
        return self.header.source

    def source_of(self, model: str) -> str:
        """Where a model is printed: its table's source, else the report's.

        Parameters
        ----------
        model : str
            Its name.
        """
        table = self.header.tables.get(self.models[model].header.table)
        return (table.source if table else "") or self.source


def read_published(folder: Path | str) -> PublishedReport:
    """Read a folder of printed results.

    Parameters
    ----------
    folder : path
        With `study.toml`, and any of the CSV files of the schema.

    Returns
    -------
    PublishedReport

    Raises
    ------
    DataError
        For anything that is not known, cannot be, or can be read in two ways: file, row, column.
    """
    place = Path(folder)
    if not place.is_dir():
        raise DataError(
            str(folder), "must be a folder", fix="bayes-sf reread --init FOLDER makes one"
        )
    header = read_header(place / "study.toml")
    _check_files(place, header)
    rows = {name: _read(place / name, header) for name in FILES}
    models = _models(header, rows)
    return PublishedReport(
        header, models, rows["descriptives.csv"], rows["counts.csv"], rows["claims.csv"]
    )


def _check_files(folder: Path, header: Header) -> None:
    """Refuse a CSV that would be passed over."""
    for path in sorted(folder.glob("*.csv")):
        if path.name not in FILES and path.name not in header.other_files:
            raise DataError(
                path.name, f"must be one of {', '.join(FILES)}",
                fix=closest(path.name, FILES)
                or f"name it in study.toml: other_files = [{path.name!r}]",
            )  # fmt: skip


def _read(path: Path, header: Header) -> tuple[PrintedRow, ...]:
    """Rows of a file, none where it is not there."""
    if not path.exists():
        return ()
    raw = list(raw_rows(path))
    found = [_row(row, header) for row in raw]
    _check_rows(path.name, found)
    return tuple(found)


def _row(row: RawRow, header: Header) -> PrintedRow:
    """One row's cells, as figures where they are."""
    texts, figures = {}, {}
    table = header.tables.get(_table_of(row, header), TableFormat())
    named = row.get("table")
    if named and header.tables and named not in header.tables:
        raise DataError(
            row.place("table"), f"must be one of {', '.join(header.tables)}", got=named,
            fix=closest(named, header.tables) or f"add [tables.{named}] to study.toml",
        )  # fmt: skip
    for name, cell in row.cells.items():
        kind = FILES[row.file][name].kind
        if kind == "text":
            texts[name] = cell
            continue
        figure = read_figure(
            cell, row.place(name), decimal_mark=header.decimal_mark, marks=tuple(header.stars),
            bounds=kind == "p",
        )  # fmt: skip
        figures[name] = _checked(_in_table(figure, name, table), kind)
    stars = [figure.stars for figure in figures.values() if figure.stars]
    if stars:
        _move_stars(row, texts, stars)
    found = PrintedRow(row.file, row.number, texts, figures)
    _check_row(found)
    return found


def _table_of(row: RawRow, header: Header) -> str:
    """Table that a row is from: its own cell, or its model's."""
    model = header.models.get(row.get("model"))
    return row.get("table") or (model.table if model else "")


def _in_table(figure: Figure, column: str, table: TableFormat) -> Figure:
    """The figure with the decimals that its table prints."""
    said = table.decimals.get(column)
    if table.trailing_zeros == "dropped" and said is None and not figure.bound:
        if column in {"n", "n_groups", "count", "min_size", "max_size", "items"}:
            return figure.rounded(table.rounding)
        raise DataError(
            figure.place, "must have known decimals: the table drops trailing zeros",
            fix=f"say how many in study.toml: decimals = {{ {column} = ... }}",
        )  # fmt: skip
    if said is not None and not figure.bound:
        wrong = figure.places > said or (table.trailing_zeros == "kept" and figure.places < said)
        if wrong:
            raise DataError(
                figure.place, f"must have the {said} decimals that study.toml says",
                got=figure.text, fix="mend the cell, its table's decimals or its trailing_zeros",
            )  # fmt: skip
    return figure.rounded(table.rounding, None if figure.bound else said)


def _checked(figure: Figure, kind: str) -> Figure:
    """A figure that can be."""
    place, value = figure.place, figure.value
    if kind == "share":
        check_share(figure)
    if kind == "positive" and value < 0:
        raise DataError(place, "must not be negative", got=figure.text)
    if kind == "correlation" and not -1 <= value <= 1:
        raise DataError(place, "must lie between -1 and 1", got=figure.text)
    if kind == "p" and not 0 <= value <= 1:
        raise DataError(place, "must lie between 0 and 1", got=figure.text)
    if kind == "count" and (value < 0 or value != int(value) or figure.places > 0):
        raise DataError(place, "must be a whole number, not negative", got=figure.text)
    return figure


def _move_stars(row: RawRow, texts: dict[str, str], stars: Sequence[str]) -> None:
    """Stars behind a figure go to their column."""
    if len(set(stars)) > 1 or (texts.get("stars") and texts["stars"] != stars[0]):
        raise DataError(
            f"{row.file}: row {row.number}", "must have one set of stars",
            got=sorted({*stars, *filter(None, [texts.get("stars")])}),
        )  # fmt: skip
    texts["stars"] = stars[0]


def _check_row(row: PrintedRow) -> None:
    """Figures of one row that go together."""
    low, high = row.figure("ci_low"), row.figure("ci_high")
    if (low is None) != (high is None):
        absent = "ci_low" if low is None else "ci_high"
        raise DataError(f"{row.place}, column {absent}", "must be there: an interval has two ends")
    if low and high and low.value > high.value:
        raise DataError(
            low.place, "must not be above the upper limit", got=f"{low.text} and {high.text}"
        )
    if row.figure("t") and row.figure("z"):
        raise DataError(f"{row.place}, column z", "goes without t: both are estimate/se")
    n, groups = row.figure("n"), row.figure("n_groups")
    if n and groups and groups.value >= n.value:
        raise DataError(
            groups.place, "must be fewer than n: n counts rows", got=f"{groups.text} and {n.text}"
        )
    for name, fewest in _LEAST.items():
        figure = row.figure(name)
        if figure and row.file in {"fit.csv", "groups.csv"} and figure.value < fewest:
            raise DataError(figure.place, f"must be at least {fewest}", got=figure.text)
    if row.text("integer") not in {"", "yes", "no"}:
        raise DataError(
            f"{row.place}, column integer", "must be yes or no", got=row.text("integer")
        )
    if row.file == "components.csv" and not {"variance", "sd", "corr"} & set(row.figures):
        raise DataError(row.place, "must have a variance, an sd or a corr")
    if row.file == "fixed_cov.csv" and ("corr" in row.figures) == ("cov" in row.figures):
        raise DataError(row.place, "must have one of corr and cov")


#: Fewest of what is counted.
_LEAST: Final = {"n": 1, "n_groups": 2, "min_size": 1, "max_size": 1}
#: What makes two rows of a file the same.
_KEYS: Final = {
    "coefficients.csv": ("table", "outcome", "model", "question", "term"),
    "components.csv": ("table", "model", "group", "term"), "fit.csv": ("table", "model"),
    "groups.csv": ("model", "group"), "fixed_cov.csv": ("model", "term_a", "term_b"),
    "descriptives.csv": ("table", "variable"),
    "counts.csv": ("table", "question", "category", "group"),
}  # fmt: skip


def _check_rows(file: str, rows: Sequence[PrintedRow]) -> None:
    """Refuse two rows of the same."""
    seen: dict[tuple[str, ...], int] = {}
    for row in rows if file in _KEYS else ():
        key = tuple(row.text(name) for name in _KEYS[file])
        if key in seen:
            raise DataError(
                row.place, f"must not be the same as row {seen[key]}",
                got=", ".join(part for part in key if part), fix="delete one, or name them apart",
            )  # fmt: skip
        seen[key] = row.number


#: Files whose rows are of a model, in the order of `ReportedModel`.
_OF_MODELS: Final = (
    "coefficients.csv", "components.csv", "fit.csv", "groups.csv", "fixed_cov.csv",
)  # fmt: skip


def _models(header: Header, rows: Mapping[str, Sequence[PrintedRow]]) -> dict[str, ReportedModel]:
    """Rows by model; each is one that `study.toml` names, if it names any."""
    by_model: dict[str, dict[str, list[PrintedRow]]] = defaultdict(lambda: defaultdict(list))
    for file in _OF_MODELS:
        for row in rows[file]:
            name = _name(row, header)
            by_model[name][file].append(row)
    order = dict.fromkeys([*header.models, *by_model])
    found = {}
    for name in order:
        own = by_model[name]
        first = next(iter(own["coefficients.csv"]), None)
        said = header.models.get(name)
        base = said or ModelHeader(name)
        if first is not None:
            base = replace(
                base, outcome=base.outcome or first.text("outcome"),
                unit=base.unit or first.text("unit"), table=base.table or first.text("table"),
            )  # fmt: skip
        coefficients, components, fit, groups, covariances = (tuple(own[f]) for f in _OF_MODELS)
        declared = said is not None
        model = ReportedModel(
            base, coefficients, components, fit, groups, covariances, declared=declared
        )
        _check_model(model)
        found[name] = model
    return found


def _name(row: PrintedRow, header: Header) -> str:
    """Model that a row is of: its name, with outcome and question where rows have them."""
    name = row.text("model")
    if name in header.models:
        return name
    parts = (row.text("table"), row.text("outcome"), name, row.text("question"))
    long = " ".join(part for part in parts if part) if parts[1] or parts[3] else name
    if long in header.models or not header.models or long != name:
        return long
    raise DataError(
        f"{row.place}, column model", "must be a model of study.toml", got=name,
        fix=closest(name, header.models) or f"add [models.{name}] to study.toml",
    )  # fmt: skip


def _check_model(model: ReportedModel) -> None:
    """What two files say of one model must be one thing where it says how to read the rest."""
    for given, column in ((model.header.n, "n"), (model.header.groups, "n_groups")):
        figure = model.printed(column)
        if given is not None and figure is not None and figure.value != given:
            raise DataError(
                figure.place, f"must be what study.toml says of model {model.name!r}, {given}",
                got=figure.text, fix="leave one out, or make two models",
            )  # fmt: skip
    n, groups = model.n, model.n_groups
    if n is not None and groups is not None and groups >= n:
        raise DataError(
            f"study.toml: models.{model.name}", "must have fewer groups than rows",
            got=f"{groups} groups, {n} rows",
        )  # fmt: skip
    if model.groups:
        _check_groups(model)


def _check_groups(model: ReportedModel) -> None:
    """Groups that are printed one by one are all of them."""
    sizes = [round(row.figures["n"].value) for row in model.groups]
    place = model.groups[0].file
    if len(sizes) < 2:
        raise DataError(place, f"must have at least two groups of model {model.name!r}")
    if model.header.sizes and sorted(sizes) != sorted(model.header.sizes):
        raise DataError(place, f"must have the sizes that study.toml says of {model.name!r}")
    for said, own, what in (
        (model.n, sum(sizes), "rows"), (model.n_groups, len(sizes), "groups")
    ):  # fmt: skip
        if said is not None and said != own:
            raise DataError(
                f"{place}: column n", f"must have the {said} {what} of model {model.name!r}",
                got=own, fix="add the groups that are absent, or mend n",
            )  # fmt: skip
