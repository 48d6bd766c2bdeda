"""Commands on what a claim hangs on, choices and workplaces: multiverse, influence."""

from pathlib import Path
from typing import Annotated

import typer

from bayes_sf.cli.app import app
from bayes_sf.cli.console import progress_bar, stdout
from bayes_sf.cli.data import language_of, load_workplaces, rules_of, source_of
from bayes_sf.cli.options import (
    AnalysisArgument,
    ControlOption,
    DecimalOption,
    DominanceOption,
    JsonOption,
    LangOption,
    MapOption,
    OutOption,
    PersonsOption,
    QuietOption,
    RegisterOption,
    SurveyOption,
    ThresholdOption,
    WorkplacesOption,
)


@app.command()
def multiverse(
    choices: Annotated[str, typer.Argument(help="A TOML file of choices, or q13, q17, q18.")],
    *,
    data: WorkplacesOption = None,
    survey: SurveyOption = None,
    register: RegisterOption = None,
    mapping: MapOption = None,
    decimal: DecimalOption = None,
    disclosure_control: ControlOption = True,
    min_workplaces: ThresholdOption = 3,
    min_persons: PersonsOption = 5,
    dominance: DominanceOption = (75.0, 90.0, 10.0),
    out: OutOption = Path("multiverse"),
    lang: LangOption = "en",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Fit every combination of an analyst's choices, and say what each choice does.

    Example: bayes-sf multiverse q13 --out multiverse
    """
    from bayes_sf.output.files import ready_folder
    from bayes_sf.spec.multiverse import load_multiverse

    language, asked = language_of(lang), load_multiverse(choices)
    source = source_of(data, survey, register, ("replica",))
    rules = rules_of(disclosure_control, min_workplaces, min_persons, dominance)
    folder = ready_folder(out)
    from bayes_sf.output.runs.multiverse import print_multiverse, run_multiverse

    run = run_multiverse(
        folder, asked,
        load_workplaces(source, survey, register, mapping, decimal=decimal, lang=language),
        lang=language, progress=progress_bar(quiet=quiet), rules=rules,
    )  # fmt: skip
    print_multiverse(stdout(), run, as_json=as_json)


@app.command()
def influence(
    analysis: AnalysisArgument,
    *,
    data: WorkplacesOption = None,
    survey: SurveyOption = None,
    register: RegisterOption = None,
    mapping: MapOption = None,
    decimal: DecimalOption = None,
    disclosure_control: ControlOption = True,
    min_workplaces: ThresholdOption = 3,
    min_persons: PersonsOption = 5,
    dominance: DominanceOption = (75.0, 90.0, 10.0),
    out: OutOption = Path("influence"),
    lang: LangOption = "en",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Say which answers and industries carry an association: leave out each workplace.

    Example: bayes-sf influence q13 --out influence
    """
    from bayes_sf.output.files import ready_folder
    from bayes_sf.spec.analysis import load_analysis

    language, asked = language_of(lang), load_analysis(analysis)
    source = source_of(data, survey, register, ("replica",))
    rules = rules_of(disclosure_control, min_workplaces, min_persons, dominance)
    folder = ready_folder(out)
    from bayes_sf.output.runs.influence import print_influence, run_influence

    run = run_influence(
        folder, asked,
        load_workplaces(source, survey, register, mapping, decimal=decimal, lang=language),
        source=source, lang=language, progress=progress_bar(quiet=quiet), rules=rules,
    )  # fmt: skip
    print_influence(stdout(), run, as_json=as_json)
