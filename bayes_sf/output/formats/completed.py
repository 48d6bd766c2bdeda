"""Completed data sets as files: CSV, Parquet and SPSS. THESE ARE MICRODATA.

There are no pseudonyms in them: workplaces are numbered in the order of the sample. But one who
knows a workplace can find it by its industry, size and answers, so whoever writes these files is
told so. In SPSS the number of the set is `Imputation_`, which SPSS knows as that of a multiply
imputed file, because no name may begin with a point there.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bayes_sf.analysis.missing.completed import CompletedSets
from bayes_sf.errors import UsageError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.output.formats.delimited import CsvStyle

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CONSENT", "completed_files"]

#: What is said on stderr when these files are written.
CONSENT: Final = (
    "MICRODATA are written: one line per workplace, without pseudonyms, but workplaces can be "
    "recognised by industry, size and answers. Keep these files as you keep the survey."
)
_SOURCES: Final = {"replica": "SYNTHETIC replica"}
_SPSS_NAMES: Final = {".imp": "Imputation_", ".id": "id"}


def completed_files(
    sets: CompletedSets, *, source: str, quarters: bool = False, csv_style: CsvStyle = "plain"
) -> dict[str, bytes]:
    """Write completed data sets.

    Parameters
    ----------
    sets : CompletedSets
        What to write.
    source : {"replica", "microdata"}
        Whose workplaces; the last column says so.
    quarters : bool
        Whether to write the quarters, too.
    csv_style : {"plain", "norwegian"}
        As in `csv_bytes`. `mice` reads the plain one.

    Returns
    -------
    dict
        File name -> content: ``completed_workplaces`` and, where asked for, ``completed_quarters``,
        each as ``.csv``, ``.parquet`` and ``.sav``.
    """
    tables = {"completed_workplaces": sets.workplaces}
    if quarters:
        tables["completed_quarters"] = sets.quarters
    files: dict[str, bytes] = {}
    for name, table in tables.items():
        said = table.assign(source=_SOURCES.get(source, source))
        files[f"{name}.csv"] = _csv(said, csv_style)
        files[f"{name}.parquet"] = said.to_parquet(index=False)
        files[f"{name}.sav"] = _spss(said)
    return files


def _csv(table: "pd.DataFrame", style: CsvStyle) -> bytes:
    """CSV; what is missing is empty, which R reads as NA among numbers and this as NA elsewhere."""
    if style == "norwegian":
        text = table.to_csv(index=False, sep=";", decimal=",", lineterminator="\r\n", na_rep="")
        return text.encode("utf-8-sig")
    return table.to_csv(index=False, lineterminator="\n", na_rep="NA").encode()


def _spss(table: "pd.DataFrame") -> bytes:
    """An SPSS file with labels of variables and answers."""
    import pyreadstat

    named = table.rename(columns=_SPSS_NAMES)
    for name in named.columns[named.dtypes == "category"]:
        named[name] = named[name].astype(object).where(named[name].notna(), None)
    return _written(
        lambda path: pyreadstat.write_sav(
            named, path, column_labels={n: _label(n) for n in named.columns},
            variable_value_labels=_answers(named.columns),
        )
    )  # fmt: skip


def _written(write: Callable[[Path], None]) -> bytes:
    """What a library writes that wants a path: in memory, so no kill leaves microdata behind.

    Where the system has no such files it is one without a name, which goes with its process.
    """
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("completed sets")
    else:
        with tempfile.TemporaryFile() as stream:
            descriptor = os.dup(stream.fileno())
    with open(descriptor, "rb") as stream:  # noqa: PTH123  # it has no path
        write(Path(f"/dev/fd/{descriptor}"))
        stream.seek(0)
        return stream.read()


def _label(name: str) -> str:
    """Label of a variable; of a flag and of what is no variable, its name."""
    try:
        return load_codebook().label(name)
    except UsageError:
        return name


def _answers(names: "pd.Index[str]") -> dict[str, dict[Any, str]]:
    """Labels of the answers of items with scores, by code."""
    book = load_codebook()
    return {
        name: {float(answer.code): answer.label for answer in book.item(name).categories}
        for name in names
        if name in book.items and book.item(name).kind in {"ordinal", "option"}
    }
