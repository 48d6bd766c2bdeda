"""Sections of the report on who is missing, and on what becomes of conclusions if they differ."""

from dataclasses import replace

from bayes_sf.catalogue import say
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.output.figures.aggregates import states_figure
from bayes_sf.output.figures.imputation import delta_figure
from bayes_sf.output.figures.sample import missingness_figure
from bayes_sf.output.report.material import Material
from bayes_sf.output.report.section import Section
from bayes_sf.output.report.statements import gap, left_in_line, tipping_line
from bayes_sf.output.report.tables import sample_table
from bayes_sf.output.tables.imputation_tables import method_table, missing_table, tipping_table
from bayes_sf.output.tables.sample_tables import flow_tables

__all__ = ["build_missing", "build_unobserved"]


def build_missing(material: Material) -> Section:
    """Who is left after each rule, who is missing, and what treatments of it give.

    Parameters
    ----------
    material : Material
    """
    data, study = material.data, material.missing
    if material.tables is None or not isinstance(data, AnalysisSample):
        return Section(
            "missing", material.source, (gap(material),), (sample_table(),),
            lead=left_in_line(material),
        )  # fmt: skip
    flow = material.tables.tables["flow"]
    paragraphs = [gap(material)]
    tables = list(flow_tables(flow[flow["analysis"] == "null"], source=data.source))
    if isinstance(study, str):
        paragraphs.append(say("Cannot be computed from these data: {reason}", reason=study))
    elif study is not None:
        # By industry the flow says it: what that hides, another table would give away.
        others = study.missing[study.missing["by"] != "industry"]
        tables.append(missing_table(replace(study, missing=others)))
        outcomes = [result.spec.outcome for result in study.complete_case]
        tables += [method_table(study, outcome) for outcome in outcomes]
        imputed = say(
            "Treatments that need sampling are from a saved run of bayes-sf impute on "
            "the same workplaces."
        )
        paragraphs.append(
            imputed
            if len(study.effects)
            else say(
                "The treatments in the tables need no sampling. The model that fills the "
                "register's gaps takes some minutes: bayes-sf impute, then bayes-sf "
                "report with --imputed and the folder that it wrote."
            )
        )
    if material.control.active:
        first = flow.iloc[0]
        figure = states_figure(
            material.tables.tables["missingness"],
            {str(name): size for name, size in first.items()}, source=data.source, narrow=True,
        )  # fmt: skip
    else:
        figure = missingness_figure(data.missingness(), source=data.source, narrow=True)
    return Section(
        "missing", data.source, tuple(paragraphs), tuple(tables), (figure,),
        lead=left_in_line(material),
    )  # fmt: skip


def build_unobserved(material: Material) -> Section | None:
    """By how much those who are missing must differ for a conclusion to turn.

    Parameters
    ----------
    material : Material
    """
    source, study = material.source, material.missing
    pairs = [(material.effects, material.tipping)]
    if study is not None and not isinstance(study, str):
        pairs.append((study.effects, study.tipping))
    pairs = [(effects, tipping) for effects, tipping in pairs if len(effects)]
    if not pairs:
        return None
    return Section(
        "unobserved",
        source,
        (
            say(
                "Those who answered but lack the outcome may have another absence than "
                "others of their industry with the same answer. Delta is the difference "
                "in percentage points; at 0 they are missing at random. The slope among "
                "all who answered then moves in a straight line, and what is computed is "
                "how large delta must be for a conclusion to turn."
            ),
        ),
        tuple(tipping_table(*pair, source=source) for pair in pairs),
        tuple(delta_figure(*pair, source=source, narrow=True) for pair in pairs),
        lead=" ".join(tipping_line(material)),
    )
