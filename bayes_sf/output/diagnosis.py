"""`bayes-sf diagnose`: a saved fit's diagnostics by parameter, and whether to believe it."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_sf.engines.diagnostics import Check, checks, diagnose
from bayes_sf.engines.store import SavedFit, load_fit
from bayes_sf.output.files import json_text
from bayes_sf.output.formats.terminal import print_table
from bayes_sf.output.numbers import fixed, significant_decimals
from bayes_sf.output.summary import SOURCES
from bayes_sf.output.tables import Table, printed_table

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

__all__ = ["Diagnosis", "diagnose_file", "print_diagnosis"]


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What a saved fit says of itself.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    saved : SavedFit
        What it holds.
    table : pandas.DataFrame
        As `diagnose` has it.
    checks : tuple of Check
        The verdict, rule by rule.
    """

    path: Path
    saved: SavedFit
    table: "pd.DataFrame"
    checks: tuple[Check, ...]

    @property
    def converged(self) -> bool:
        """Whether every rule holds."""
        return all(check.passed for check in self.checks)


def diagnose_file(path: Path) -> Diagnosis:
    """Read a saved fit and judge it.

    Parameters
    ----------
    path : pathlib.Path
        A file of `bayes-sf fit --engine nuts`.

    Raises
    ------
    DataError
        When it is no such file.
    """
    saved = load_fit(path)
    table = diagnose(saved.tree)
    return Diagnosis(path, saved, table, checks(table))


def print_diagnosis(console: "Console", found: Diagnosis, *, as_json: bool) -> None:
    """Print diagnostics and verdict, or one JSON object.

    Parameters
    ----------
    console : rich.console.Console
        Stdout.
    found : Diagnosis
        What to print.
    as_json : bool
        One object with keys ``converged, checks, parameters, about``.
    """
    about = found.saved.about
    if as_json:
        content = {
            "converged": found.converged,
            "checks": [asdict(check) for check in found.checks],
            "parameters": found.table.reset_index().to_dict("records"),
            "about": about,
        }
        console.file.write(json_text(content))
        return
    source = about["provenance"]["source"]
    console.print(SOURCES.get(source, f"Data: {source}."), style="bold")
    print_table(console, _table(found))
    console.print()
    for check in found.checks:
        console.print(_check_line(check), markup=False, highlight=False)
    verdict = "converged" if found.converged else "NOT CONVERGED: do not believe these estimates"
    console.print(f"Verdict: {verdict}.", style="bold")


def _table(found: Diagnosis) -> Table:
    """Diagnostics by parameter; of the fit as a whole in the note."""
    about, whole = found.saved.about, found.table.iloc[0]
    title = f"{about['model']} of {about['outcome']}, {about['n']} rows by {about['group']}"
    header = (
        "parameter", "mean", "sd", "MCSE", "R-hat", "bulk ESS", "tail ESS", "from exact (MCSE)",
    )  # fmt: skip
    settings = about["settings"]
    note = (
        f"{whole['divergences']:.0f} divergences; E-BFMI {fixed(whole['bfmi'], 2)}; tree depth at "
        f"most {whole['tree_depth']:.0f}. {settings['chains']} chains of {settings['draws']} after "
        f"{settings['tune']}, target_accept {settings['target_accept']}, seed "
        f"{about['provenance']['seed']}. Priors: {about['priors']}."
    )
    return printed_table(
        title, header, tuple(_row(str(n), r) for n, r in found.table.iterrows()), note
    )


def _row(name: str, row: Any) -> tuple[str, ...]:
    """One parameter: the mean as precise as its MCSE, ESS in whole draws."""
    decimals = significant_decimals(row["mcse_mean"])
    return (
        name, fixed(row["mean"], decimals), fixed(row["sd"], decimals),
        fixed(row["mcse_mean"], decimals), fixed(row["r_hat"], 3), _draws(row["ess_bulk"]),
        _draws(row["ess_tail"]), fixed(row["exact_mcse"], 1),
    )  # fmt: skip


def _draws(ess: float) -> str:
    """Effective draws, rounded down."""
    return fixed(math.floor(ess), 0) if math.isfinite(ess) else ""


def _check_line(check: Check) -> str:
    """A rule, what was found, and where."""
    decimals = 3 if check.name == "R-hat" else 0
    value = fixed(check.value, decimals) or "not a number"
    if check.name.endswith("ESS"):
        value = _draws(check.value) or "not a number"
    where = f" ({check.parameter})" if check.parameter else ""
    return f"{'passed' if check.passed else 'FAILED'}  {check.name} {check.rule}: {value}{where}"
