"""Commands on what a claim hangs on, choices and workplaces: multiverse, influence."""

from typing import Annotated

import typer

from bayes_sf.cli.app import app
from bayes_sf.cli.given import HIDING, LEDGER, OWN, WORKPLACES, Given, with_options, writing
from bayes_sf.cli.options import AnalysisArgument, JobsOption


@app.command()
@with_options(OWN, WORKPLACES, HIDING, LEDGER, writing("multiverse", seed=False))
def multiverse(
    choices: Annotated[str, typer.Argument(help="A TOML file of choices, or q13, q17, q18.")],
    *,
    given: Given,
    jobs: JobsOption = 1,
) -> None:
    """Fit every combination of an analyst's choices, and say what each choice does.

    Example: bayes-sf multiverse q13 --out multiverse
    """
    from bayes_sf.spec.multiverse import load_multiverse

    asked = load_multiverse(choices)
    given.ready()
    from bayes_sf.output.runs.multiverse import run_multiverse

    given.finish(run_multiverse(asked, given.workplaces(), given.asked, jobs=jobs))


@app.command()
@with_options(OWN, WORKPLACES, HIDING, LEDGER, writing("influence", seed=False))
def influence(
    analysis: AnalysisArgument,
    *,
    given: Given,
) -> None:
    """Say which answers and industries carry an association: leave out each workplace.

    Example: bayes-sf influence q13 --out influence
    """
    from bayes_sf.spec.analysis import load_analysis

    asked = load_analysis(analysis)
    given.ready()
    from bayes_sf.output.runs.influence import run_influence

    given.finish(run_influence(asked, given.workplaces(), given.asked))
