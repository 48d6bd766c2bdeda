"""Section of the report on fit: predictive checks, leave-one-out, and where outcomes lie in it."""

from collections.abc import Iterator, Sequence
from typing import Final

from bayes_sf.analysis.checks.model_fit import ModelFit, check_fit
from bayes_sf.catalogue import mark, say
from bayes_sf.disclosure.control import Control
from bayes_sf.engines.result import Result
from bayes_sf.output.figures.calibration import pit_figure
from bayes_sf.output.numbers import fixed, percent, probability, with_percent
from bayes_sf.output.report.section import Section
from bayes_sf.output.tables.table import Column, Table, table_from_frame
from bayes_sf.output.words.words import interval_name, outcome_name

__all__ = ["build_fit", "fit_section"]

#: Below it the shape of predictions is said not to be that of the data.
_ALPHA: Final = 0.05
#: What replications are summed up by.
STATISTICS: Final = {
    "mean": mark("mean"), "sd": mark("sd"), "min": mark("smallest"), "max": mark("largest value"),
    "share <= 0": mark("share at or below zero"),
}  # fmt: skip


def fit_section(
    models: Sequence[Result], control: Control, source: str, *, seed: int
) -> Section | None:
    """How the first model of each outcome fits its rows; None without models.

    Parameters
    ----------
    models : sequence of Result
        Those with a random intercept alone, fitted exactly to rows.
    control, source
        As in `build_fit`.
    seed : int
        Of replications.
    """
    if not models:
        return None
    first = {model.spec.outcome: model for model in reversed(models)}
    outcomes = dict.fromkeys(model.spec.outcome for model in models)
    asked = [] if control.active else [first[outcome] for outcome in outcomes]
    return build_fit([check_fit(model, seed=seed) for model in asked], control, source)


def build_fit(fits: Sequence[ModelFit], control: Control, source: str) -> Section:
    """How the models fit the rows, or why that is not said.

    Parameters
    ----------
    fits : sequence of ModelFit
        None where rows are protected, or there are none.
    control : Control
    source : str
        Whose rows.
    """
    if control.active:
        why = say(
            "How models fit single workplaces is not on this page: bayes-sf loo checks it, and "
            "what it says has passed disclosure control."
        )
        return Section("fit", source, (why,))
    if not fits:
        why = say(
            "Whether the models have the shape of the data cannot be seen here: that takes "
            "workplaces, and the report prints none. On the replica, which has the same means and "
            "spreads, bayes-sf report --data replica checks it; its workplaces are invented."
        )
        return Section("fit", source, (why,))
    paragraphs = (
        say(
            "Of the null models. The first table sets data beside data that the model would make; "
            "the figure shows where each workplace lies in what is expected of it when it is left "
            "out (LOO-PIT), which is even if the model has the shape of the data."
        ),
        *(line for fit in fits for line in _lines(fit)),
    )
    figure = pit_figure({fit.outcome: fit.pit for fit in fits}, source=source)
    return Section("fit", source, paragraphs, (_table(fits, source),), (figure,))


def _lines(fit: ModelFit) -> Iterator[str]:
    """What the checks come to, forced by the numbers."""
    name = outcome_name(fit.outcome)
    (share,) = fit.checks[fit.checks["statistic"] == "share <= 0"].to_dict("records")
    observed, expected = float(share["observed"]), float(share["median"])
    if fit.p >= _ALPHA:
        yield say(
            "{outcome}: LOO-PIT is not distinguished from even (p {p}).",
            outcome=name, p=_with_sign(fit.p),
        )  # fmt: skip
        return
    yield say(
        "{outcome}: LOO-PIT is not even (p {p}), so the outcome does not have the shape of a "
        "normal distribution. Means over many workplaces, and differences of them, rest little on "
        "that shape; what is to be expected of a single workplace does, and is not said here. "
        "{observed} of the workplaces are at or below zero; the model would have {expected}.",
        outcome=name, p=_with_sign(fit.p),
        observed=with_percent(percent(observed, 0)),
        expected=with_percent(percent(expected, 0)),
    )  # fmt: skip


def _with_sign(p: float) -> str:
    """A p value after its sign: ``= 0.020`` or ``< 0.001``."""
    shown = probability(p)
    return f"{shown[0]} {shown[1:]}" if shown[0] in "<>" else f"= {shown}"


def _table(fits: Sequence[ModelFit], source: str) -> Table:
    """Data beside replications, and the sums of leave-one-out in the notes."""
    import pandas as pd

    frame = pd.concat(
        fit.checks.assign(
            outcome=outcome_name(fit.outcome),
            statistic=[say(STATISTICS[str(one)]) for one in fit.checks["statistic"]],
        )
        for fit in fits
    )
    columns = (
        Column("outcome", say("Outcome"), "text"), Column("statistic", say("Statistic"), "text"),
        Column("observed", say("Observed"), decimals=2),
        Column("median", say("Model: median"), decimals=2),
        Column("lower", interval_name("credible-eti", fits[0].prob), "interval", 2,
               "upper"),
        Column("p_above", say("P(model above)"), "probability"), Column("n", say("n"), "integer"),
    )  # fmt: skip
    notes = [
        say(
            "{outcome}, leave-one-out: elpd {elpd} (standard error {se}), effective number of "
            "parameters {p}.",
            outcome=outcome_name(fit.outcome), elpd=fixed(fit.elpd, 0), se=fixed(fit.se, 0),
            p=fixed(fit.p_loo, 1),
        )
        for fit in fits
    ]  # fmt: skip
    return table_from_frame(
        frame, say("Data, and data that the model would make"), columns=columns, name="fit",
        notes=[say("P(model above): share of the replications above the data."), *notes],
        source=source,
    )  # fmt: skip
