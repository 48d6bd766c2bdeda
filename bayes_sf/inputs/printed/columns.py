"""The CSV files of a folder of printed results: their columns, and what each cell may be.

Cells are text as printed; an empty cell is "not printed".

Examples
--------
>>> sorted(FILES)[:4]
['claims.csv', 'coefficients.csv', 'components.csv', 'counts.csv']
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from bayes_sf.catalogue import Message
from bayes_sf.errors import DataError, closest
from bayes_sf.inputs.files.delimited import csv_format, csv_records

__all__ = ["FILES", "Column", "RawRow", "raw_rows"]

#: What a cell holds: text; a figure; one that cannot be negative, or below 0 or above 1; a count.
type Kind = Literal["text", "figure", "positive", "share", "correlation", "count", "p"]


@dataclass(frozen=True)
class Column:
    """What may stand in a column.

    Parameters
    ----------
    kind : str
        Of its cells.
    about : str
        What it is, for templates.
    needed : bool
        Whether every row has it.
    """

    kind: Kind
    about: str
    needed: bool = False


_TABLE: Final = Column("text", "number or name of the printed table")
_MODEL: Final = Column("text", "the model's name in study.toml", needed=True)
_TERM: Final = Column("text", "name of the term", needed=True)
_OUTCOME: Final = Column("text", "outcome, where one model has several")

#: Files, their columns, and what is needed in every row.
FILES: Final[Mapping[str, Mapping[str, Column]]] = {
    "coefficients.csv": {
        "table": _TABLE, "outcome": _OUTCOME, "model": _MODEL,
        "question": Column("text", "question, where one model has several"),
        "term": Column("text", "(Intercept), or the predictor's name", needed=True),
        "estimate": Column("figure", "estimate"), "se": Column("positive", "standard error"),
        "t": Column("figure", "estimate/se, where it is called t"),
        "z": Column("figure", "estimate/se, where it is called z"),
        "df": Column("positive", "degrees of freedom"), "p": Column("p", "p-value; < 0.001 may be"),
        "stars": Column("text", "marks of significance"),
        "ci_low": Column("figure", "lower limit of the interval"),
        "ci_high": Column("figure", "upper limit"),
        "n": Column("count", "rows"), "unit": Column("text", "unit of the estimate"),
    },
    "components.csv": {
        "table": _TABLE, "model": _MODEL,
        "group": Column("text", "grouping factor; empty or Residual for the residual"),
        "term": Column("text", "(Intercept) or empty; a predictor for a random slope"),
        "variance": Column("positive", "variance"), "sd": Column("positive", "its square root"),
        "corr": Column("correlation", "correlation with the intercept"),
        "se": Column("positive", "standard error of the variance"),
    },
    "fit.csv": {
        "table": _TABLE, "model": _MODEL, "n": Column("count", "rows"),
        "n_groups": Column("count", "groups"), "icc": Column("share", "intraclass correlation"),
        "reliability": Column("share", "HLM's mean reliability of the intercepts"),
        "aic": Column("figure", "AIC"), "bic": Column("figure", "BIC"),
        "loglik": Column("figure", "log-likelihood, restricted where the estimator is REML"),
        "deviance": Column("figure", "-2 log-likelihood"),
        "criterion": Column("figure", "REML criterion at convergence"),
        "r2_marginal": Column("share", "marginal R2"),
        "r2_conditional": Column("share", "conditional R2"),
        "min_size": Column("count", "smallest group"), "mean_size": Column("positive", "mean"),
        "max_size": Column("count", "largest group"),
    },
    "groups.csv": {
        "model": _MODEL, "group": Column("text", "name of the group", needed=True),
        "n": Column("count", "rows of the group", needed=True),
        "mean": Column("figure", "mean of the outcome"),
        "sd": Column("positive", "standard deviation of the outcome"),
    },
    "fixed_cov.csv": {
        "model": _MODEL, "term_a": _TERM, "term_b": _TERM,
        "corr": Column("correlation", "correlation of the two estimates"),
        "cov": Column("figure", "or their covariance"),
    },
    "descriptives.csv": {
        "table": _TABLE, "variable": Column("text", "name of the variable", needed=True),
        "n": Column("count", "rows"), "mean": Column("figure", "mean"),
        "sd": Column("positive", "standard deviation"), "min": Column("figure", "smallest"),
        "max": Column("figure", "largest"),
        "items": Column("count", "items that a score is the mean of"),
        "integer": Column("text", "yes where answers are whole numbers"),
    },
    "counts.csv": {
        "table": _TABLE, "question": Column("text", "question"),
        "category": Column("text", "answer"), "group": Column("text", "group; empty for all"),
        "count": Column("count", "answers"), "percent": Column("positive", "percent, 0 to 100"),
    },
    "claims.csv": {
        "rule": Column("text", "name of the rule", needed=True),
        "where": Column("text", "where it is said"), "industries": Column("text", "groups"),
        "claim": Column("text", "significant(model, term), or not significant(model, term)",
                        needed=True),
        "severity": Column("text", "impossible, doubtful, ..."),
        "words": Column("text", "what is claimed"), "words_nb": Column("text", "in Norwegian"),
    },
}  # fmt: skip


@dataclass(frozen=True)
class RawRow:
    """One row of a file, as text.

    Parameters
    ----------
    file : str
    number : int
        As a spreadsheet counts; the header is row 1.
    cells : mapping
        By column, those that are not empty.
    """

    file: str
    number: int
    cells: Mapping[str, str]

    def place(self, column: str) -> str:
        """Where a cell is."""
        return Message("{}: row {}, column {}", self.file, self.number, column)

    def get(self, column: str) -> str:
        """A cell; "" where nothing is printed."""
        return self.cells.get(column, "")


def raw_rows(path: Path) -> Iterator[RawRow]:
    """Read a file's rows, its header checked.

    Parameters
    ----------
    path : pathlib.Path
        One of `FILES`.

    Raises
    ------
    DataError
        For an unknown column, one that stands twice or that is needed and absent, and for a row
        that lacks what every row must have.
    """
    known = FILES[path.name]
    layout = csv_format(path)
    for at, name in enumerate(layout.columns, start=1):
        if name not in known:
            raise DataError(
                f"{path.name}: row 1, column {at}", f"must be one of {', '.join(known)}", got=name,
                fix=closest(name, known) or "leave the column out",
            )  # fmt: skip
        if layout.columns.count(name) > 1:
            raise DataError(f"{path.name}: row 1, column {name}", "must stand once")
    for name, column in known.items():
        if column.needed and name not in layout.columns:
            raise DataError(f"{path.name}: row 1", "must have every column that is needed",
                            got=f"no {name}")  # fmt: skip
    for number, cells in csv_records(path, layout):
        found = {
            name: cell.strip()
            for name, cell in zip(layout.columns, cells, strict=True)
            if cell.strip()
        }
        row = RawRow(path.name, number, found)
        for name, column in known.items():
            if column.needed and name not in found:
                raise DataError(row.place(name), f"must not be empty: {column.about}")
        yield row
