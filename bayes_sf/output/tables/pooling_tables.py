"""Tables of the poolings of one model: every kind side by side, and how far groups are shrunk."""

from dataclasses import replace

from bayes_sf.analysis.pooling import GroupRow, Pooling
from bayes_sf.catalogue import language, say, say_as
from bayes_sf.disclosure.control import HIDDEN
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.output.numbers import decimals_in, digits_of
from bayes_sf.output.tables.result_tables import prior_notes, slug
from bayes_sf.output.tables.table import Column, Table, table_from_frame
from bayes_sf.output.words.words import (
    group_name,
    interval_name,
    model_name,
    of_groups,
    outcome_name,
    own_group,
    term_name,
    word,
)

__all__ = ["pooling_table", "shrinkage_table"]


def pooling_table(pooling: Pooling) -> Table:
    """Coefficients, standard deviations and ICC of one model under every kind of pooling.

    Parameters
    ----------
    pooling : Pooling
        As `compare_pooling` gives it.
    """
    import pandas as pd

    exact = pooling.exact
    order = (*exact.moments.terms, "sd_group", "sd_resid", "icc")
    own = own_group(exact)
    records = [
        {
            "term": term_name(row.term, own=own), "pooling": word(row.pooling),
            "engine": of_groups(word(row.engine), own=own),
            "estimate": row.estimate, "sd": row.sd, "lower": row.lower, "upper": row.upper,
            "digits": HIDDEN if str(row.estimate) == HIDDEN
            else digits_of(row.term, row.estimate, row.sd),
        }
        for row in sorted(pooling.terms, key=lambda row: order.index(row.term))
    ]  # fmt: skip
    columns = (
        Column("term", say("Term"), "text"), Column("pooling", say("Pooling"), "text"),
        Column("engine", say("Engine"), "text"), Column("estimate", say("Estimate")),
        Column("sd", f"{say_as('sd', 'sd')} / {say('SE')}"),
        Column("lower", interval_name("interval", exact.prob), "interval", upper="upper"),
    )  # fmt: skip
    notes = [
        *prior_notes([exact]),
        say("Intervals: Wald (OLS, REML), equal-tailed credible (posterior)."),
        say("The ICC is a share and has no unit."),
    ]
    if pooling.missing:
        why = f": {pooling.missing}" if language() == "en" else ""  # errors are in English
        notes.append(f"{say('No estimate without pooling')}{why}.")
    return table_from_frame(
        pd.DataFrame(records), _titled("pooling_title", pooling), columns=columns,
        name=_file_name("pooling", pooling), digits="digits", unit=exact.spec.unit,
        n=exact.moments.n_obs, notes=notes, source=exact.provenance.source,
    )  # fmt: skip


def shrinkage_table(pooling: Pooling, *, short: bool = False) -> Table:
    """Levels of the groups without pooling, by REML and by posterior, and how far they are shrunk.

    Parameters
    ----------
    pooling
        As in `pooling_table`.
    short : bool
        Whether complete pooling is left out, which is the same for every group.
    """
    import pandas as pd

    exact = pooling.exact
    own = own_group(exact)
    order = () if own else tuple(industry.key for industry in load_codebook().industries)
    rows = sorted(
        pooling.groups, key=lambda row: order.index(row.group) if row.group in order else 0
    )
    frame = pd.DataFrame([{name: getattr(row, name) for name in _LEVELS} for row in rows])
    frame["group"] = [group_name(row.group, own=own) for row in rows]
    span = interval_name("interval", exact.prob)
    factors = (f for row in rows for f in (row.factor, row.factor_lower, row.factor_upper))
    places = min(3, decimals_in(f for f in factors if isinstance(f, float)))
    columns = (
        Column("group", say("Group"), "text"), Column("n", say("n"), "integer"),
        Column("raw", say("Raw mean")), Column("none", say("No pooling")),
        *(() if short else (Column("complete", say("Complete pooling")),)),
        Column("reml", say("REML")),
        Column("mean", f"{say("Posterior")}: {say_as("mean", "Mean").lower()}"),
        Column("lower", span, "interval", upper="upper"),
        Column("factor", say("Factor"), decimals=places),
        Column("factor_lower", span, "interval", places, "factor_upper"),
        Column("more", say("Rows to halve"), "integer"),
    )  # fmt: skip
    kind = f"{interval_name('credible-eti', exact.prob)}."
    notes = [
        *prior_notes([exact]),
        kind,
        say(
            "Levels at the predictors' means. Factor: weight of the group's own data "
            "(median and interval), 1 without pooling, 0 with complete pooling. Rows "
            "to halve: so many further rows of the group would halve its interval "
            "(∞: no number would)."
        ),
    ]
    table = table_from_frame(
        frame, _titled("shrinkage", pooling), columns=columns,
        name=_file_name("shrinkage", pooling), unit=exact.spec.unit, n=exact.moments.n_obs,
        notes=notes, source=exact.provenance.source,
    )  # fmt: skip
    return replace(table, decimals=tuple(map(_decimals_left, rows)))


_LEVELS = (
    "n", "raw", "none", "complete", "reml", "mean", "lower", "upper", "factor", "factor_lower",
    "factor_upper", "more",
)  # fmt: skip


def _decimals_left(row: GroupRow) -> int:
    """Decimals of a level: two, or those that disclosure control has left."""
    figures = (row.raw, row.mean, row.lower, row.upper)
    left = (len(f"{figure}".partition(".")[2]) for figure in figures if isinstance(figure, float))
    return min(2, max(left, default=2))


def _titled(key: str, pooling: Pooling) -> str:
    """Title of a table of one model."""
    spec = pooling.spec
    own = own_group(pooling.exact)
    title = of_groups(word(key), own=own)
    model = model_name(spec.name, own=own)
    return f"{title}: {model}, {outcome_name(spec.outcome, own=own)}"


def _file_name(what: str, pooling: Pooling) -> str:
    return slug(f"{what}_{pooling.spec.name}_{pooling.spec.outcome}")
