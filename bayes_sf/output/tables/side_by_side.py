"""Models side by side: a column for each, rows of coefficients, and rows that tell of the fits."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_sf.analysis.asked.tidied import glance, r2, tidy
from bayes_sf.analysis.checks.loo import loo
from bayes_sf.catalogue import mark, say
from bayes_sf.engines.gaussian.posterior import Posterior
from bayes_sf.engines.mixed.result import MixedResult
from bayes_sf.engines.outcomes.result import OutcomeResult
from bayes_sf.engines.result import Result
from bayes_sf.engines.sets.result import PooledResult
from bayes_sf.errors import UsageError
from bayes_sf.folder import write_files
from bayes_sf.output.numbers import ICC_DECIMALS, estimate, fixed, interval, level, row_decimals
from bayes_sf.output.tables.table import Table, printed_table
from bayes_sf.spec.family import Family

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SCALES", "ModelTable", "fit_line", "scale_note", "table"]

#: Endings of files, and the formats that they are.
_ENDINGS: Final = {
    ".md": "markdown", ".html": "html", ".tex": "latex", ".csv": "csv", ".docx": "word",
    ".xlsx": "excel", ".typ": "typst", ".qmd": "quarto",
}  # fmt: skip


#: Scales of the links.
SCALES: Final = {"logit": mark("log odds"), "log": mark("logarithms")}
#: Kinds of rows, in their order: a user's column may be called ``n``.
_KINDS: Final = ("fixed", "ran_pars", "fit")
type _Key = tuple[str, str]


@dataclass(frozen=True)
class ModelTable:
    """Models side by side; made by `table`.

    Parameters
    ----------
    table : Table
        As every table here: cells as printed, and what a reader must know.
    """

    table: Table = field(repr=False)

    @property
    def frame(self) -> "pd.DataFrame":
        """Cells as text, by row; "" where a model does not have it."""
        import pandas as pd

        first, *names = self.table.header
        rows = self.table.texts
        index = pd.Index([row[0] for row in rows], name=first or None)
        return pd.DataFrame([row[1:] for row in rows], index=index, columns=names)

    def to_markdown(self) -> str:
        """Write the table in Markdown, with its notes."""
        from bayes_sf.output.formats.markdown import markdown

        return markdown(self.table)

    def to_latex(self, style: str = "") -> str:
        """Write the table in LaTeX, with booktabs, siunitx and threeparttable.

        Parameters
        ----------
        style : {"", "apa", "jss", "ssb"}
            A journal's.
        """
        from bayes_sf.output.formats.latex import latex
        from bayes_sf.output.formats.styles import style_of

        return latex(self.table, style_of(style))

    def save(self, path: Path | str, style: str = "") -> Path:
        """Write the table to a file.

        Parameters
        ----------
        path : path
            Ending in ``.md``, ``.html``, ``.tex``, ``.csv``, ``.docx``, ``.xlsx``, ``.typ`` or
            ``.qmd``.
        style : {"", "apa", "jss", "ssb"}
            A journal's, of ``.tex``, ``.typ`` and ``.qmd``.

        Raises
        ------
        UsageError
            For another ending or style, and a style of an ending that has none.
        """
        from bayes_sf.output.formats.writing import table_files

        target = Path(path)
        kind = _ENDINGS.get(target.suffix.lower())
        if kind is None:
            rule = f"must end in {', '.join(_ENDINGS)}"
            raise UsageError("table: file", rule, got=target.name)
        (content,) = table_files([self.table], [kind], style=style).values()
        return write_files(target.parent, {target.name: content})[0]

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        from html import escape

        from bayes_sf.output.formats.webpage import fragment

        notes = "".join(f"<p>{escape(note)}</p>" for note in self.table.footer)
        return f"<div>{fragment(self.table)}{notes}</div>"

    def __str__(self) -> str:
        """As text."""
        return "\n".join([self.table.caption, self.frame.to_string(), *self.table.footer])

    __repr__ = __str__


def table(
    results: Mapping[str, Result] | Iterable[Result], *, names: Iterable[str] = ()
) -> ModelTable:
    """Set models side by side: estimate and interval in a cell, and how each fits.

    Parameters
    ----------
    results : list of Result, or mapping of names to them
        Of any engines and outcomes, such as ``[null, m1, m2]``.
    names : list of str
        Of the columns; (1), (2), ... by default, or the mapping's keys.

    Returns
    -------
    ModelTable
        Rows: coefficients in the order in which they come up, sds and correlations with lme4's
        names; then rows, levels, ICC by factor, R2 (Nakagawa's), AIC (``reml``, ``ml``), elpd
        (leave-one-out, of random intercepts with rows by ``exact``) and engine. It prints, shows
        itself in notebooks, and has ``frame``, ``to_markdown()``, ``to_latex()`` and
        ``save(path)``.

    Raises
    ------
    UsageError
        For something that is no result, and names that do not fit.

    Examples
    --------
    >>> import pandas as pd, bayes_sf as sf
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8, 4, 6, 7], "x": [0, 1, 2] * 3,
    ...                    "g": list("aaabbbccc")})
    >>> models = {"null": sf.fit("y ~ 1 + (1 | g)", df, engine="reml"),
    ...           "x": sf.fit("y ~ x + (1 | g)", df, engine="reml")}
    >>> print(sf.table(models).frame.loc[["x", "sd_(Intercept)|g", "n"]].to_string())
                       null                    x
    x                        1.33 (1.04 to 1.63)
    sd_(Intercept)|g  2.194                2.324
    n                     9                    9
    """
    found, heads = _named(results, names)
    columns = [_cells(result) for result in found]
    keys = [key for kind in _KINDS for key in _in_order(
        [[key for key in column if key[0] == kind] for column in columns])]  # fmt: skip
    rows = [[key[1], *(column.get(key, "") for column in columns)] for key in keys]
    outcomes = list(dict.fromkeys(result.spec.outcome for result in found))
    title = say("Models of {}", ", ".join(outcomes))
    made = printed_table(title, ["", *heads], rows, " ".join(_notes(found)))
    return ModelTable(Table("models", made.title, made.columns, made.rows, notes=made.notes))


def _named(results: Any, names: Iterable[str]) -> tuple[list[Result], list[str]]:
    """Results, and the names of their columns."""
    heads = list(names)
    if isinstance(results, Result):
        results = [results]
    if isinstance(results, Mapping) and not heads:
        heads = [key if isinstance(key, str) else ", ".join(map(str, key)) for key in results]
    found = list(results.values()) if isinstance(results, Mapping) else results
    found = list(found) if isinstance(found, Iterable) else [found]
    for result in found:
        if not isinstance(result, Result):
            rule = "must be of results of sf.fit"
            raise UsageError("table", rule, got=type(result).__name__)
    if not found:
        raise UsageError("table", "needs at least one result", got=found)
    heads = heads or [f"({number})" for number in range(1, len(found) + 1)]
    if len(heads) != len(found) or len(set(heads)) < len(heads) or "" in heads:
        rule = "must be a different name for each result"
        raise UsageError("table: names", rule, got=heads)
    return found, heads


def _in_order(lists: list[list[_Key]]) -> list[_Key]:
    """Labels in the order of the models: a new one comes after what it follows in its model."""
    order: list[_Key] = []
    for labels in lists:
        place = 0
        for label in labels:
            if label in order:
                place = order.index(label) + 1
            else:
                order.insert(place, label)
                place += 1
    return order


def _cells(result: Result) -> dict[_Key, str]:
    """Rows of one model: kind and label, and the cell."""
    rows = tidy(result).to_dict("records")
    cells: dict[_Key, str] = {}
    for row in rows:
        name = str(row["term"])
        if row["effect"] == "ran_pars":
            short = name.replace("__", "_", 1)
            name = f"{short}|{row['group']}" if row["group"] else short
            name = "sd_resid" if row["group"] == "Residual" else name
        numbers = (row[key] for key in ("estimate", "std_error", "conf_low", "conf_high"))
        cells[row["effect"], name] = _cell(*numbers)
    return cells | {("fit", label): cell for label, cell in _of_fit(result)}


def _cell(value: float, sd: float, low: float, high: float) -> str:
    """An estimate with two digits of its uncertainty, and its interval where there is one."""
    decimals = row_decimals([value], sd)
    if np.isnan(low):
        return estimate(value, decimals)
    return f"{estimate(value, decimals)} ({interval(low, high, decimals)})"


def fit_line(result: Result) -> str:
    """What is said of a fit beside its estimates, in a line.

    Parameters
    ----------
    result : Result
    """
    shares = {say("ICC of {}", name) for name, _ in _levels(result)}
    rows = (row for row in _of_fit(result) if row[0] not in {"n", *shares})
    return "; ".join(f"{label} {text}" for label, text in rows)


def _of_fit(result: Result) -> Iterator[tuple[str, str]]:
    """Rows on the fit."""
    numbers = glance(result).iloc[0]
    yield "n", str(int(numbers["nobs"]))
    if result.provenance.sets is not None:
        yield say("completed sets"), str(result.provenance.sets.n_sets)
    if numbers.get("nmissing", 0):
        yield say("left out for gaps"), str(int(numbers["nmissing"]))
    yield from ((say("levels of {}", name), str(count)) for name, count in _levels(result))
    for row in result.singles:
        if row.term.startswith("icc"):
            factor = row.term.partition("|")[2] or result.spec.group
            text = fixed(row.estimate, ICC_DECIMALS)
            if np.isfinite(row.lower):
                text += f" ({interval(row.lower, row.upper, ICC_DECIMALS)})"
            yield say("ICC of {}", factor), text
    shares = r2(result)
    if np.isfinite(shares["marginal"]):
        yield say("R2 marginal"), fixed(shares["marginal"], ICC_DECIMALS)
        yield say("R2 conditional"), fixed(shares["conditional"], ICC_DECIMALS)
    if "AIC" in numbers:
        yield "AIC", fixed(numbers["AIC"], 1)
    if _has_elpd(result):
        yield "elpd", fixed(loo(result).elpd, 1)
    yield say("engine"), result.engine


def _levels(result: Result) -> Iterator[tuple[str, int]]:
    """Grouping factors, and how many levels each has."""
    result = result.fits[0] if isinstance(result, PooledResult) else result
    if isinstance(result, MixedResult):
        yield from ((factor.name, factor.n_levels) for factor in result.matrices.factors)
    else:
        yield result.spec.group, result.moments.n_groups


def _notes(results: list[Result]) -> Iterator[str]:
    """What a reader must know."""
    for prob in dict.fromkeys(result.prob for result in results):
        kinds = {result.has_draws for result in results if result.prob == prob}
        if kinds == {True, False}:
            yield say("{} intervals: credible of posteriors, Wald's of the others.", level(prob))
        elif True in kinds:
            yield say("Posterior means and {} equal-tailed credible intervals.", level(prob))
        else:
            yield say("Estimates and {} Wald intervals.", level(prob))
    if any(isinstance(result, PooledResult) for result in results):
        yield say("Of completed sets estimates are pooled by Rubin's rules, with t intervals.")
    restricted = [result for result in results if result.engine == "reml"]
    terms = {tuple(row.term for row in result.coefficients) for result in restricted}
    if len(terms) > 1 or (restricted and any(result.engine == "ml" for result in results)):
        yield say("AIC of REML compares models by REML of the same coefficients only.")
    if any(result.has_draws and result.provenance.sets is None for result in results):
        yield say("R2 is taken at posterior means.")
    forms = [r.fits[0] if isinstance(r, PooledResult) else r for r in results]
    for family in dict.fromkeys(r.family for r in forms if isinstance(r, OutcomeResult)):
        yield scale_note(family)
    if any(map(_has_elpd, results)):
        yield say("elpd, of rows left out one by one, compares models of the same rows.")


def scale_note(family: Family) -> str:
    """Say on which scale models of a family speak.

    Parameters
    ----------
    family : Family
    """
    scale = say(SCALES[family.link])
    return say(
        "Family {}: coefficients, sds, ICC and R2 are on the scale of {}.", family.name, scale
    )


def _has_elpd(result: Result) -> bool:
    """Whether leave-one-out is exact and cheap."""
    return isinstance(result.fitted, Posterior) and result.data is not None
