"""Section of the report on fit: predictive checks, leave-one-out, and where outcomes lie in it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from bayes_sf.catalogue import mark, say
from bayes_sf.output.figures.calibration import pit_figure
from bayes_sf.output.numbers import fixed, percent, probability, with_percent
from bayes_sf.output.report.fits import Fit
from bayes_sf.output.report.material import Material
from bayes_sf.output.report.section import Section
from bayes_sf.output.tables.table import Column, Table, table_from_frame
from bayes_sf.output.words.words import interval_name, outcome_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["build_fit"]

#: Below it the shape of predictions is said not to be that of the data.
_ALPHA: Final = 0.05
#: What replications are summed up by.
STATISTICS: Final = {
    "mean": mark("mean"), "sd": mark("sd"), "min": mark("smallest"), "max": mark("largest value"),
    "share <= 0": mark("share at or below zero"),
}  # fmt: skip


def build_fit(material: Material) -> Section:
    """How the models fit the rows, or why that is not said.

    Parameters
    ----------
    material : Material
    """
    if material.control.active:
        why = say(
            "How models fit single workplaces is not on this page: bayes-sf loo checks it, and "
            "what it says has passed disclosure control."
        )
        return Section("fit", material.source, (why,))
    if not material.fits:
        why = say(
            "Whether the models have the shape of the data cannot be seen here: that takes "
            "workplaces, and the report prints none. On the replica, which has the same means and "
            "spreads, bayes-sf report --data replica checks it; its workplaces are invented."
        )
        return Section("fit", material.source, (why,))
    paragraphs = (
        say(
            "Of the null models. The first table sets data beside data that the model would make; "
            "the figure shows where each workplace lies in what is expected of it when it is left "
            "out (LOO-PIT), which is even if the model has the shape of the data."
        ),
        *(line for fit in material.fits for line in _lines(fit)),
    )
    return Section(
        "fit", material.source, paragraphs, (_table(material),), (_figure(material),)
    )  # fmt: skip


def _lines(fit: Fit) -> Iterator[str]:
    """What the checks come to, forced by the numbers."""
    name = outcome_name(fit.outcome)
    (share,) = fit.checks[fit.checks["statistic"] == "share <= 0"].to_dict("records")
    observed, expected = float(share["observed"]), float(share["median"])
    if fit.p >= _ALPHA:
        yield say(
            "{outcome}: LOO-PIT is not distinguished from even (p = {p}).",
            outcome=name, p=probability(fit.p),
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


def _table(material: Material) -> Table:
    """Data beside replications, and the sums of leave-one-out in the notes."""
    import pandas as pd

    frame = pd.concat(
        fit.checks.assign(
            outcome=outcome_name(fit.outcome),
            statistic=[say(STATISTICS[str(one)]) for one in fit.checks["statistic"]],
        )
        for fit in material.fits
    )
    columns = (
        Column("outcome", say("Outcome"), "text"), Column("statistic", say("Statistic"), "text"),
        Column("observed", say("Observed"), decimals=2),
        Column("median", say("Model: median"), decimals=2),
        Column("lower", interval_name("credible-eti", material.fits[0].prob), "interval", 2,
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
        for fit in material.fits
    ]  # fmt: skip
    return table_from_frame(
        frame, say("Data, and data that the model would make"), columns=columns, name="fit",
        notes=[say("P(model above): share of the replications above the data."), *notes],
        source=material.source,
    )  # fmt: skip


def _figure(material: Material) -> "Figure":
    named = {fit.outcome: fit.pit for fit in material.fits}
    return pit_figure(named, source=material.source)
