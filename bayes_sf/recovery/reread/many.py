r"""Many printed ICCs at once, for a meta-analysis or whoever plans a cluster trial.

Each ICC's posterior is also given as what R's `metafor` takes, an estimate `yi` with its variance
`vi`: of the log-odds ln(rho/(1 - rho)), and of Fisher's (1925) z for groups of the mean size m, 0.5
ln((1 + (m - 1) rho)/(1 - rho)). Both are the posterior's mean and variance: where the print is of
few groups, or near zero, they carry the prior.

Examples
--------
>>> import pathlib, tempfile
>>> text = "study,icc,n,groups,estimator\nA 2001,0.05,800,40,REML\nB 2010,0.12,300,12,\n"
>>> with tempfile.TemporaryDirectory() as folder:
...     path = pathlib.Path(folder) / "iccs.csv"
...     _ = path.write_text(text, encoding="utf-8")
...     table = icc_table(path)
>>> table[["study", "printed"]].values.tolist()
[['A 2001', '0.05'], ['B 2010', '0.12']]
>>> bool((table["lower"] < table["median"]).all() and (table["vi_logit"] > 0).all())
True
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bayes_sf.errors import BayesSFError, DataError, closest
from bayes_sf.inputs.files.delimited import csv_format, csv_records
from bayes_sf.inputs.printed.figure import read_figure
from bayes_sf.recovery.printed_icc import icc_posterior
from bayes_sf.spec.priors import Priors

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["icc_table"]

_COLUMNS: Final = ("study", "icc", "n", "groups", "estimator", "balanced")
_NEEDED: Final = ("study", "icc", "n", "groups")


def icc_table(
    path: Path | str,
    *,
    priors: Priors | None = None,
    level: float = 0.95,
    seed: int = 1,
    size: float | None = None,
    decimal_mark: str | None = None,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> "pd.DataFrame":
    """Posteriors of many printed ICCs.

    Parameters
    ----------
    path : path
        A CSV with columns study, icc (as printed), n, groups, and where known estimator (REML, ML)
        and balanced (yes, no).
    priors : Priors, optional
    level : float
        Probability of the intervals.
    seed : int
    size : float, optional
        Members of a cluster of a trial: the design effect 1 + (m - 1) ICC is added.
    decimal_mark : {".", ","}, optional
        By default the one that the file's ICCs have, which are below 1: a comma in one is no other.
    progress : callable
        Wraps the rows.

    Returns
    -------
    pandas.DataFrame
        study, printed, n, groups, median, lower, upper, mean, level, low_end, high_end (over what
        the print leaves open), yi_logit, vi_logit, yi_z, vi_z, and with `size` deff_median,
        deff_lower, deff_upper.

    Raises
    ------
    DataError
        For a file, column or cell that cannot be: row and column.
    """
    import pandas as pd

    rows = [
        _line(place, cells, priors, level, seed, size)
        for place, cells in progress(list(_rows(Path(path), decimal_mark)))
    ]
    return pd.DataFrame(rows)


def _mark_of(path: Path, figures: Iterable[str]) -> str:
    """Decimal mark of a file's ICCs."""
    found = sorted({mark for figure in figures for mark in ".," if mark in figure})
    if len(found) > 1:
        rule = "must have one decimal mark in the column icc"
        raise DataError(path.name, rule, got=" and ".join(map(repr, found)))
    return found[0] if found else "."


def _rows(path: Path, mark: str | None) -> Iterable[tuple[str, dict[str, Any]]]:
    """Rows as options of `icc_posterior`, with the study's name."""
    if not path.is_file():
        raise DataError(str(path), "must be a file that can be read")
    layout = csv_format(path)
    for at, name in enumerate(layout.columns, start=1):
        if name not in _COLUMNS:
            raise DataError(
                f"{path.name}: row 1, column {at}", f"must be one of {', '.join(_COLUMNS)}",
                got=name, fix=closest(name, _COLUMNS) or "leave it out",
            )  # fmt: skip
    for name in _NEEDED:
        if name not in layout.columns:
            raise DataError(f"{path.name}: row 1", f"must have a column {name}")
    lines = [
        (number, dict[str, Any](zip(layout.columns, map(str.strip, values), strict=True)))
        for number, values in csv_records(path, layout)
    ]
    mark = mark or _mark_of(path, (cells["icc"] for _, cells in lines))
    for number, cells in lines:
        where = f"{path.name}: row {number}, column"
        figure = read_figure(cells["icc"], f"{where} icc", decimal_mark=mark)
        counts = {
            name: read_figure(cells[name], f"{where} {name}", decimal_mark=mark)
            for name in ("n", "groups")
        }
        for name, count in counts.items():
            if count.value != int(count.value) or count.places > 0:
                raise DataError(f"{where} {name}", "must be a whole number", got=cells[name])
        if cells.get("balanced", "") not in {"", "yes", "no"}:
            rule = "must be yes or no"
            raise DataError(f"{where} balanced", rule, got=cells["balanced"])
        yield where.removesuffix(", column"), {
            "study": cells["study"], "icc": figure.text.replace(",", "."),
            "n": int(counts["n"].value), "groups": int(counts["groups"].value),
            "estimator": cells.get("estimator") or "unknown",
            "balanced": cells.get("balanced") == "yes",
        }  # fmt: skip


def _line(
    place: str, cells: dict[str, Any], *options: Any
) -> dict[str, Any]:  # fmt: skip
    """One row of the table."""
    priors, level, seed, size = options
    study = cells.pop("study")
    try:
        found = icc_posterior(**cells, priors=priors, level=level, seed=seed)
    except BayesSFError as error:
        where = f"{place}, column {error.where}"
        raise DataError(where, error.rule, got=error.got, fix=error.fix) from None
    low, high = found.range
    line = {
        "study": study, "printed": cells["icc"], "n": found.n, "groups": found.groups,
        "median": found.median, "lower": found.lower, "upper": found.upper, "mean": found.mean,
        "level": found.level, "low_end": low, "high_end": high,
        "yi_logit": found.log_odds[0], "vi_logit": found.log_odds[1],
        "yi_z": found.fisher_z[0], "vi_z": found.fisher_z[1],
    }  # fmt: skip
    if size is not None:
        lower, middle, upper = found.design_effect(size)
        line |= {"deff_median": middle, "deff_lower": lower, "deff_upper": upper}
    return line
