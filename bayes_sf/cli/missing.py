"""The command on what is missing: impute."""

from typing import Annotated

import typer

from bayes_sf.cli.app import app
from bayes_sf.cli.console import stderr
from bayes_sf.cli.given import HIDING, LEDGER, OWN, WORKPLACES, Given, with_options, writing
from bayes_sf.errors import ConvergenceError, UsageError

#: More deltas than anybody reads, and more data sets than any standard error needs.
_MOST_DELTAS, _MOST_SETS = 101, 1000


@app.command()
@with_options(OWN, WORKPLACES, HIDING, LEDGER, writing("imputation"))
def impute(
    analysis: Annotated[
        str, typer.Argument(help="Name of an analysis, or a TOML file.")
    ] = "q13_panel",
    *,
    given: Given,
    completed: Annotated[
        int,
        typer.Option("--completed", help="Write so many completed data sets: MICRODATA."),
    ] = 0,
    quarters: Annotated[
        bool, typer.Option("--quarters", help="With --completed: write their quarters, too.")
    ] = False,
    excel: Annotated[
        bool,
        typer.Option("--norwegian-csv", help="With --completed: semicolons and decimal commas."),
    ] = False,
    delta: Annotated[
        str,
        typer.Option(
            "--delta", help="Percentage points that imputed quarters are moved by: "
            "-2,0,2 or from:to:step.",
        ),
    ] = "-2:2:1",
    pattern: Annotated[
        str, typer.Option("--pattern", help="Which ones: quarters, unlinked, new or small.")
    ] = "quarters",
) -> None:  # fmt: skip
    """Model missing quarters, shares and "don't know" instead of dropping them.

    Example: bayes-sf impute --data replica --completed 20 --out imputed
    """
    from bayes_sf.analysis.missing.mnar import PATTERNS
    from bayes_sf.inputs.variables import unknown_key
    from bayes_sf.spec.analysis import load_analysis

    given.refuse_own(
        "has no measurements over time whose gaps a model could fill: rows with gaps are left out, "
        "and describe says how many"
    )
    asked, deltas = load_analysis(analysis), read_deltas(delta)
    if pattern not in PATTERNS:
        raise unknown_key("--pattern", "must be a known pattern", pattern, PATTERNS)
    if completed and not 2 <= completed <= _MOST_SETS:
        raise UsageError("--completed", f"must be 0, or 2 to {_MOST_SETS} sets", got=completed)
    if (quarters or excel) and not completed:
        option = "--quarters" if quarters else "--norwegian-csv"
        raise UsageError(option, "goes with --completed", fix="add --completed 20")
    given.ready()
    from bayes_sf.output.formats.completed import CONSENT
    from bayes_sf.output.runs.impute import run_impute

    sample = given.workplaces()
    if completed and given.source == "microdata":
        stderr(quiet=False).print(CONSENT, style="bold")
    run, study = run_impute(
        asked, sample, given.asked, completed=completed, quarters=quarters, deltas=deltas,
        pattern=pattern, csv_style="norwegian" if excel else "plain",
    )  # fmt: skip
    given.write(run)
    if not study.converged:
        raise ConvergenceError(
            f"panel model of {asked.name}",
            "must reach R-hat < 1.01, ESS >= 400 and no divergence",
            fix="leave predictors out, or use tighter priors on sd_workplace and sd_trend; "
            "provenance.json and the tables say so",
        )
    given.refuse(run)


def read_deltas(text: str) -> tuple[float, ...]:
    """Read a list of numbers, or from:to:step with both ends.

    Raises
    ------
    UsageError
        For anything else, or more than a hundred.

    Examples
    --------
    >>> read_deltas("-1:1:0.5"), read_deltas("0, 2")
    ((-1.0, -0.5, 0.0, 0.5, 1.0), (0.0, 2.0))
    """
    rule = "must be numbers such as -2,0,2, or from:to:step such as -2:2:0.5"
    try:
        numbers = [float(part) for part in text.replace(":", ",").split(",")]
    except ValueError:
        raise UsageError("--delta", rule, got=text) from None
    if ":" in text:
        if len(numbers) != 3 or "," in text or not numbers[2] > 0 or numbers[0] > numbers[1]:
            raise UsageError("--delta", rule, got=text)
        low, high, step = numbers
        count = round((high - low) / step) + 1
        if count > _MOST_DELTAS:
            raise UsageError("--delta", f"must be at most {_MOST_DELTAS} values", got=count)
        numbers = [low + step * i for i in range(count) if low + step * i <= high + 1e-9]
    if len(numbers) > _MOST_DELTAS or not all(abs(number) < 100 for number in numbers):
        raise UsageError("--delta", f"must be at most {_MOST_DELTAS} percentages", got=text)
    return tuple(round(number, 10) for number in sorted(set(numbers)))
