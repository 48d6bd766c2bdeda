"""What the replay reads: a report's printed numbers, one field per transcribed file."""

import csv
import math
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from bayes_sf.catalogue import Listed, Message
from bayes_sf.errors import DataError
from bayes_sf.inputs.published import rounding_interval
from bayes_sf.recovery.region import Region, coefficient_region
from bayes_sf.resources import data_dir

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bayes_sf.analysis.replay.findings import Severity
    from bayes_sf.recovery.region import Interval

__all__ = [
    "Claim",
    "CoefficientRow",
    "CountRow",
    "Question",
    "Tables",
    "close_to",
    "name_table",
]

_NEVER_ASKED = "NA"

_COEFFICIENT = "table outcome model question term estimate se t ci_low ci_high n unit"
_COLUMNS = {
    "samples": ("table", "industry", "label", "count", "percent"),
    "univariate": ("table", "question", "category", "count", "percent"),
    "by_industry": ("table", "question", "category", "industry", "count", "percent"),
    "coefficients": tuple(_COEFFICIENT.split()),
    "scalars": ("name", "value"),
    "questionnaire": ("question", "response", "options", "asked_if", "answers"),
    "claims": ("rule", "where", "industries", "claim", "severity", "words", "words_nb"),
}


@dataclass(frozen=True)
class CountRow:
    """A printed count and percentage (`count` is None where only the percentage is printed)."""

    table: str
    question: str
    category: str
    industry: str
    count: int | None
    percent: str

    @property
    def answer(self) -> str:
        """The category, spelt alike everywhere ("3-4" for "3 til 4", "Vet ikke" for "Vet ikke/.").

        Table 11 and the tables by industry spell these differently.
        """
        return self.category.partition("/Vil ikke")[0].replace(" til ", "-")

    @property
    def never_asked(self) -> bool:
        """Whether the row counts workplaces that the question was not put to."""
        return self.category == _NEVER_ASKED


@dataclass(frozen=True)
class CoefficientRow:
    """A printed coefficient; figures are the printed strings."""

    table: str
    outcome: str
    model: str
    question: str
    term: str
    estimate: str
    se: str
    t: str
    ci_low: str
    ci_high: str
    n: int | None
    unit: str

    @property
    def intercept(self) -> bool:
        """Whether this is the constant term."""
        return self.term in {"(Intercept)", "Konstantledd"}

    @property
    def to_pp(self) -> float:
        """Factor from the table's unit to percentage points."""
        return 100.0 if self.unit == "fraction" else 1.0

    def __str__(self) -> str:
        """Place of the row."""
        return str(self.place)

    @property
    def place(self) -> str:
        """Table and term."""
        term = Message("intercept") if self.intercept else self.term
        if self.question not in term.lower():
            term = Listed([self.question, term], " ")
        return Listed([name_table(self.table), term])


@dataclass(frozen=True)
class Question:
    """A question of the printed questionnaire: kind of response, options offered, who is asked."""

    question: str
    response: str
    options: int | None
    asked_if: str
    answers: frozenset[str]


@dataclass(frozen=True)
class Claim:
    """A sentence of the report put as a comparison (language: `analysis/replay/claims.py`)."""

    rule: str
    where: str
    industries: tuple[str, ...]
    claim: str
    severity: "Severity"
    words: str
    words_nb: str = ""


@dataclass(frozen=True)
class Tables:
    """A report's printed numbers: one field per file of `data/published/`.

    Percentages and coefficients are compared as intervals of everything that rounds to them.
    Software that drops trailing zeros prints 0.050 as 0.05, so a table's decimals are the most that
    any of its figures shows.
    """

    samples: tuple[CountRow, ...]
    univariate: tuple[CountRow, ...]
    by_industry: tuple[CountRow, ...]
    coefficients: tuple[CoefficientRow, ...]
    scalars: "Mapping[str, str]"
    questionnaire: tuple[Question, ...] = ()
    claims: tuple[Claim, ...] = ()
    survey_table: str = "1"

    @classmethod
    def read(cls, folder: "Path | None" = None) -> "Tables":
        """Read the transcribed tables.

        Parameters
        ----------
        folder : pathlib.Path, optional
            Folder with `samples.csv`, `univariate.csv`, `by_industry.csv`, `coefficients.csv`,
            `scalars.csv`, `questionnaire.csv` and `claims.csv`; the bundled report by default.

        Returns
        -------
        Tables

        Raises
        ------
        DataError
            If a file or a column is missing, or a count is not a whole number.

        Examples
        --------
        >>> tables = Tables.read()
        >>> tables.survey_sizes["care"]
        104
        """
        source = data_dir() / "published" if folder is None else folder
        samples, univariate, by_industry, coefficients, scalars, questionnaire, claims = (
            list(_rows(source, name)) for name in _COLUMNS
        )
        return cls(
            samples=tuple(_count_row({**row, "category": row["label"]}) for row in samples),
            univariate=tuple(_count_row(row) for row in univariate),
            by_industry=tuple(_count_row(row) for row in by_industry),
            coefficients=tuple(
                CoefficientRow(**{**row, "n": _whole(row["n"])})  # type: ignore[arg-type]
                for row in coefficients
            ),
            scalars={row["name"]: row["value"] for row in scalars},
            questionnaire=tuple(
                Question(
                    row["question"],
                    row["response"],
                    _whole(row["options"]),
                    row["asked_if"],
                    frozenset(filter(None, row["answers"].split("|"))),
                )
                for row in questionnaire
            ),
            claims=tuple(
                Claim(**{**row, "industries": tuple(row["industries"].split())})  # type: ignore[arg-type]
                for row in claims
            ),
        )

    @cached_property
    def survey_sizes(self) -> dict[str, int]:
        """Workplaces in the survey, by industry and in all (key `total`)."""
        sizes = self.sample_sizes(self.survey_table)
        if not sizes:
            raise DataError("samples.csv", "must have the survey's table", got=self.survey_table)
        return sizes

    def sample_sizes(self, table: str) -> dict[str, int]:
        """Workplaces of a sample table, by industry and in all (key `total`)."""
        return {row.industry: row.count or 0 for row in self.samples if row.table == table}

    @cached_property
    def industries(self) -> tuple[str, ...]:
        """Keys of the industries, in the order of the survey's table."""
        return tuple(key for key in self.survey_sizes if key != "total")

    @cached_property
    def cells(self) -> dict[tuple[str, str], list[CountRow]]:
        """Rows of the tables by industry, by (table, industry)."""
        cells: dict[tuple[str, str], list[CountRow]] = defaultdict(list)
        for row in self.by_industry:
            cells[row.table, row.industry].append(row)
        return cells

    @cached_property
    def _decimals(self) -> dict[str, int]:
        shown: dict[str, int] = {}
        for count in (*self.samples, *self.univariate, *self.by_industry):
            shown[count.table] = max(shown.get(count.table, 0), _shown(count.percent))
        for row in self.coefficients:
            figures = (row.estimate, row.se, row.t, row.ci_low, row.ci_high)
            shown[row.table] = max(shown.get(row.table, 0), *map(_shown, figures))
        return shown

    def interval(self, table: str, printed: str) -> "Interval":
        """Everything that rounds to a figure printed in `table`."""
        return rounding_interval(printed, decimals=self._decimals[table])

    @cached_property
    def regions(self) -> dict[CoefficientRow, Region]:
        """Allowed (estimate, se) of every coefficient, in the table's unit."""
        return {row: self.region(row) for row in self.coefficients}

    def region(self, row: CoefficientRow, *figures: Literal["t", "ci_low", "ci_high"]) -> Region:
        """Find the allowed (estimate, se) of a row by estimate, se and `figures` (default: all)."""
        names = figures or ("t", "ci_low", "ci_high")
        given = {name: self.interval(row.table, getattr(row, name)) for name in names}
        return coefficient_region(
            self.interval(row.table, row.estimate), self.interval(row.table, row.se),
            t=given.get("t"), ci_low=given.get("ci_low"), ci_high=given.get("ci_high"),
        )  # fmt: skip

    @cached_property
    def multiple(self) -> frozenset[str]:
        """Questions with more than one answer per workplace."""
        return frozenset(q.question for q in self.questionnaire if q.response == "multi")


def name_table(key: str) -> str:
    """Name of a table by its key.

    Examples
    --------
    >>> name_table("46"), name_table("figure5")
    ('table 46', 'figure 5')
    """
    if key.startswith("figure"):
        return Message("figure {}", key.removeprefix("figure"))
    return Message("table {}", key)


def close_to(value: float, allowed: "Interval") -> bool:
    """Whether a number lies in an interval, up to binary representation of decimals.

    Parameters
    ----------
    value : float
    allowed : (low, high)

    Returns
    -------
    bool

    Examples
    --------
    >>> close_to(0.1 + 0.2, (0.25, 0.3))
    True
    """
    slack = 1e-9 * max(1.0, math.fabs(value))
    return allowed[0] - slack <= value <= allowed[1] + slack


def _rows(folder: "Path", name: str) -> "Iterator[dict[str, str]]":
    """Rows of a transcribed file: the columns it must have, all as printed."""
    path, columns = folder / f"{name}.csv", _COLUMNS[name]
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            if missing := [c for c in columns if c not in (reader.fieldnames or ())]:
                raise DataError(str(path), "lacks columns", got=", ".join(missing))
            for row in reader:
                if None in row or None in row.values():
                    where = f"{path}, line {reader.line_num}"
                    raise DataError(where, "must have as many cells as the header")
                yield {column: row[column] for column in columns}
    except OSError as error:
        raise DataError(str(path), "cannot be read", got=error.strerror) from error


def _whole(printed: str) -> int | None:
    if printed and not printed.isdecimal():
        raise DataError("a count of the transcribed tables", "must be whole", got=printed)
    return int(printed) if printed else None


def _count_row(row: dict[str, str]) -> CountRow:
    return CountRow(
        table=row["table"],
        question=row.get("question", ""),
        category=row["category"],
        industry=row.get("industry", "total"),
        count=_whole(row["count"]),
        percent=row["percent"],
    )


def _shown(printed: str) -> int:
    """Decimals that a printed figure shows."""
    return len(printed.partition(".")[2])
