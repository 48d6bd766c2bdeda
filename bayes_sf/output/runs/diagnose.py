"""`bayes-sf diagnose`: a saved fit's diagnostics by parameter, and whether to believe it."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bayes_sf.catalogue import Marked, mark, mark_as, say
from bayes_sf.disclosure.control import HIDDEN
from bayes_sf.engines.sampled.diagnostics import Check, checks, diagnose
from bayes_sf.engines.store import SavedFit, load_fit
from bayes_sf.output.files import json_text
from bayes_sf.output.formats.terminal import print_table
from bayes_sf.output.numbers import as_printed, estimate, fixed, row_decimals
from bayes_sf.output.run import keyed
from bayes_sf.output.tables.table import Table, printed_table
from bayes_sf.output.words.priors import prior_words
from bayes_sf.output.words.words import outcome_name, statement_of, word

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


def diagnose_file(path: Path, *, protected: bool = True) -> Diagnosis:
    """Read a saved fit and judge it.

    Parameters
    ----------
    path : pathlib.Path
        A file of `bayes-sf fit --engine nuts`.
    protected : bool
        Whether of files of one's own only what chains say of each other is told: how many digits
        of means and sds may be, no draws can say.

    Raises
    ------
    DataError
        When it is no such file.
    """
    saved = load_fit(path)
    table = diagnose(saved.tree)
    verdict = checks(table)
    if protected and saved.about["provenance"]["source"] == "microdata":
        table = table.assign(**dict.fromkeys(_IN_UNIT, HIDDEN))
    return Diagnosis(path, saved, table, verdict)


#: Diagnostics in the outcome's unit.
_IN_UNIT: Final = ("mean", "sd", "mcse_mean", "mcse_sd")


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
            "about": keyed(about) if about["provenance"]["source"] == "microdata" else about,
        }
        console.file.write(json_text(content))
        return
    source = about["provenance"]["source"]
    console.print(statement_of(source) or f"{say('Data')}: {source}.", style="bold")
    print_table(console, _table(found))
    console.print()
    for check in found.checks:
        console.print(_check_line(check), markup=False, highlight=False)
    verdict = word("verdict_good" if found.converged else "verdict_bad")
    console.print(say("Verdict: {}.", verdict), style="bold")


def _table(found: Diagnosis) -> Table:
    """Diagnostics by parameter; of the fit as a whole in the note."""
    about, whole = found.saved.about, found.table.iloc[0]
    group = say("industry") if about["group"] == "industry" else about["group"]
    title = say(
        "{} of {}, {} rows by {}", about["model"], outcome_name(about["outcome"]), about["n"], group
    )
    header = (
        say("Parameter"), word("mean"), word("sd"), say("MCSE"), say("R-hat"), say("Bulk ESS"),
        say("Tail ESS"), say("From exact (MCSE)"),
    )  # fmt: skip
    settings = about["settings"]
    note = say(
        "{} divergences; E-BFMI {}; tree depth at most {}. {} chains of {} after "
        "{}, target_accept {}, seed {}. Priors: {}.",
        f"{whole['divergences']:.0f}",
        fixed(whole["bfmi"], 2),
        f"{whole['tree_depth']:.0f}",
        settings["chains"],
        settings["draws"],
        settings["tune"],
        as_printed(str(settings["target_accept"])),
        about["provenance"]["seed"],
        prior_words(about["priors"]),
    )
    rows = tuple(_row(str(name), row) for name, row in found.table.iterrows())
    return printed_table(title, header, rows, note)


def _row(name: str, row: Any) -> tuple[str, ...]:
    """One parameter: the mean as precise as its MCSE, ESS in whole draws."""
    told = [HIDDEN] * 3
    if row["mean"] != HIDDEN:
        decimals = row_decimals((row["mean"], row["sd"]), row["mcse_mean"])
        told = [estimate(row[key], decimals) for key in ("mean", "sd", "mcse_mean")]
    return (
        name, *told, fixed(row["r_hat"], 3),
        _draws(row["ess_bulk"]), _draws(row["ess_tail"]), fixed(row["exact_mcse"], 1),
    )  # fmt: skip


def _draws(ess: float) -> str:
    """Effective draws, rounded down."""
    return fixed(math.floor(ess), 0) if math.isfinite(ess) else ""


#: Checks, and their rules.
_KNOWN: Final[Mapping[str, Marked]] = {
    "R-hat": mark("R-hat"), "bulk ESS": mark("bulk ESS"), "tail ESS": mark("tail ESS"),
    "divergences": mark("divergences"), "E-BFMI": mark("E-BFMI"), "below 1.01": mark("below 1.01"),
    "at least 400": mark("at least 400"), "none": mark_as("rule", "none"),
}  # fmt: skip


def _check_line(check: Check) -> str:
    """A rule, what was found, and where."""
    decimals = 3 if check.name == "R-hat" else 0
    value = fixed(check.value, decimals)
    if check.name.endswith("ESS"):
        value = _draws(check.value)
    where = f" ({check.parameter})" if check.parameter else ""
    passed = say("passed") if check.passed else say("FAILED")
    rule = say(_KNOWN[check.rule])
    return f"{passed}  {say(_KNOWN[check.name])} {rule}: {value or say('not a number')}{where}"
