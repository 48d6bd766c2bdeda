"""Tables of what is missing: who it is, who is won back, and what each treatment of it gives."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from bayes_sf.analysis.missing.imputation import METHODS, MethodRow, MissingStudy
from bayes_sf.analysis.missing.unobserved import PATTERN
from bayes_sf.catalogue import mark, say, say_as
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.output.numbers import digits_of, fixed, interval, level
from bayes_sf.output.tables.result_tables import prior_notes
from bayes_sf.output.tables.table import Column, Table, table_from_frame
from bayes_sf.output.words.words import industry_name, outcome_name, term_name

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "imputation_tables", "is_asked", "method_table", "missing_table", "pattern_name",
    "tipping_table", "won_back_table",
]  # fmt: skip

#: Treatments of what is missing.
_METHODS: Final = {
    "complete-case": mark("Complete rows"), "known-precision": mark("Known precision"),
    "rubin": mark("Completed, REML"), "joint": mark("Joint (MAR)"),
    "delta": mark("Joint, delta {}"),
}  # fmt: skip
_VERDICTS: Final = {
    "above 0": mark("above 0"),
    "below 0": mark("below 0"),
    "undecided": mark("undecided"),
}
_QUANTITIES: Final = {"mean": mark("Mean"), "change": mark("Change")}
#: What workplaces are counted by, and in which classes.
_BY: Final = {
    "size": mark("Employees"), "representatives": mark("Union representatives"),
    "not known": mark("not known"), "yes": mark("yes"), "no": mark("no"),
    "under 5": mark("under 5"),
}  # fmt: skip
_MOVED: Final = {"n_workplaces": mark("Without outcome"), "n": mark("With answer")}

#: Which imputed quarters are moved.
_PATTERNS: Final = {
    "quarters": mark("all imputed quarters"), "unlinked": mark("of workplaces not in the register"),
    "new": mark("of new workplaces"), "small": mark("of small workplaces"),
    PATTERN: mark("of workplaces without an outcome"),
}  # fmt: skip


def pattern_name(pattern: str) -> str:
    """Return in words which imputed quarters a pattern moves.

    Examples
    --------
    >>> pattern_name("new")
    'of new workplaces'
    """
    return say(_PATTERNS[pattern])


def imputation_tables(study: MissingStudy) -> tuple[Table, ...]:
    """Make every table of a study: treatments by outcome, tipping points, who is missing and won.

    Parameters
    ----------
    study : MissingStudy
        What was found.
    """
    outcomes = [result.spec.outcome for result in study.complete_case]
    return (
        *(method_table(study, outcome) for outcome in outcomes),
        tipping_table(study.effects, study.tipping, source=study.source), missing_table(study),
        *(won_back_table(study, outcome) for outcome in outcomes),
    )  # fmt: skip


def method_table(study: MissingStudy, outcome: str) -> Table:
    """Slopes and ICC of one outcome, a line for each treatment of what is missing.

    Parameters
    ----------
    study : MissingStudy
        What was found.
    outcome : str
        ``absence_mean`` or ``absence_change``.
    """
    import pandas as pd

    mine = [row for row in study.rows if row.outcome == outcome and _shown(row, study)]
    terms = [*dict.fromkeys(row.term for row in mine if row.term != "icc"), "icc"]
    mine.sort(key=lambda row: (terms.index(row.term), METHODS.index(row.method)))
    frame = pd.DataFrame([_method_record(row) for row in mine])
    one = next(r for r in study.complete_case if r.spec.outcome == outcome)
    joint = [result for result in study.results if result.spec.outcome == outcome]
    columns = (
        Column("term", say("Term"), "text"), Column("treatment", say("Treatment"), "text"),
        Column("estimate", say("Estimate")), Column("sd", say_as("sd", "sd")),
        Column("lower", say("{} interval", level(one.prob)), "interval", upper="upper"),
        Column("p_direction", say("P(direction)"), "probability"),
        Column("n", say("Workplaces"), "integer"),
    )  # fmt: skip
    notes = list(_method_notes(study, mine))
    notes += [note for result in (one, *joint) for note in prior_notes([result])]
    if not study.converged:
        notes.append(f"{say('NOT CONVERGED: do not believe these estimates')}.")
    sizes = frame["n"]
    return table_from_frame(
        frame, f"{say('What is missing, and how it is treated')}: {outcome_name(outcome)}",
        columns=columns, name=f"methods_{outcome}", digits="digits", unit=one.spec.unit,
        n=(int(sizes.min()), int(sizes.max())), notes=notes, source=one.provenance.source,
    )  # fmt: skip


def _method_notes(study: MissingStudy, rows: list[MethodRow]) -> Iterator[str]:
    """Yield how the treatments that are there are to be read."""
    methods = {row.method for row in rows}
    yield say(
        "Complete rows: mean over the quarters that are observed; the others: "
        "over all quarters of the panel, in which less noise is left, also in "
        "the ICC. Intervals: equal-tailed credible."
    )
    if "rubin" in methods:
        count = study.sets.n_sets
        yield say(
            "Completed sets: intervals by Rubin's rules (standard error, t{}); the ICC has none.",
            say(", {} sets", count) if count else "",
        )
    if "joint" in methods and rows[0].outcome == "absence_change":
        yield say(
            "Joint (MAR): change of the model's line, to which every quarter "
            "contributes; completed sets and delta: 2019Q4 less 2016Q4, with the "
            "noise of both."
        )
    for pattern in {row.pattern for row in rows if row.method == "delta"}:
        yield say(
            "Delta: percentage points that imputed quarters are moved by ({}).",
            pattern_name(pattern),
        )


def _shown(row: MethodRow, study: MissingStudy) -> bool:
    """Of controls, the ends of the grid of delta are enough; the files have all."""
    if row.method != "delta" or row.term == "icc" or is_asked(row.term, study):
        return True
    grid = [other.delta for other in study.rows if other.method == "delta"]
    return row.delta in {min(grid), max(grid)}


def is_asked(term: str, study: MissingStudy) -> bool:
    """Whether a term belongs to the first predictor, whose association is asked for.

    Parameters
    ----------
    term : str
        Of a slope.
    study : MissingStudy
        What was found.
    """
    return term.partition("[")[0] == study.complete_case[0].spec.predictors[0]


def _method_record(row: MethodRow) -> dict[str, Any]:
    """One line; delta is part of the treatment's name."""
    shift = ""
    if row.method == "delta":
        shift = fixed(row.delta, 0 if row.delta == round(row.delta) else 2)
    return {
        "term": term_name(row.term), "treatment": say(_METHODS[row.method], shift),
        "estimate": row.estimate, "sd": row.sd, "lower": row.lower, "upper": row.upper,
        "p_direction": row.p_direction, "n": row.n,
        "digits": digits_of(row.term, row.estimate, row.sd),
    }  # fmt: skip


def tipping_table(effects: "pd.DataFrame", tipping: "pd.DataFrame", *, source: str) -> Table:
    """Deltas at which the sign or the verdict of an association changes.

    Parameters
    ----------
    effects, tipping : pandas.DataFrame
        As in `MissingStudy`, of one pattern.
    source : {"published", "replica", "microdata"}
        Whose workplaces.
    """
    whole = effects["pattern"].iloc[0] == PATTERN
    sizes = effects.drop_duplicates(["quantity", "term"])
    frame = tipping.merge(sizes[["quantity", "term", "n_workplaces", "n"]])
    frame["quantity"] = [say(_QUANTITIES[quantity]) for quantity in frame["quantity"]]
    frame["term"] = [term_name(str(term)) for term in frame["term"]]
    frame["verdict_at_zero"] = [say(_VERDICTS[verdict]) for verdict in frame["verdict_at_zero"]]
    ends = interval(float(effects["delta"].min()), float(effects["delta"].max()), 1)
    columns = (
        Column("term", say("Term"), "text"),
        Column("quantity", say("Outcome"), "text"),
        Column("verdict_at_zero", say("At delta 0"), "text"),
        Column("sign", say("Sign changes at")),
        Column("verdict", say("Verdict changes at")),
        *(
            Column(key, say(_MOVED[key]), "integer")
            for key in ("n_workplaces", "n") if whole
        ),
    )  # fmt: skip
    notes = [
        say(
            "Deltas on the grid {} nearest to 0, interpolated; a point means that "
            "there is none on the grid. Verdict: on which side of 0 the {} interval "
            "lies.",
            ends,
            level(float(effects["prob"].iloc[0])),
        ),
        say(
            "Delta: how far, on average, the outcome of the workplaces without one "
            "is from what the model expects of their industry and answer."
        )
        if whole
        else say(
            "Delta: percentage points that imputed quarters are moved by ({}).",
            pattern_name(effects["pattern"].iloc[0]),
        ),
    ]
    return table_from_frame(
        frame, say("Where a conclusion changes"), columns=columns, name="tipping_points", unit="pp",
        n=(int(frame["n"].min()), int(frame["n"].max())), notes=notes, source=source,
    )  # fmt: skip


def missing_table(study: MissingStudy) -> Table:
    """Count who is missing by industry, size and union representatives.

    Parameters
    ----------
    study
        As in `imputation_tables`.
    """
    frame = study.missing.copy()
    frame["level"] = [_level(by, key) for by, key in zip(frame["by"], frame["level"], strict=True)]
    outcomes = [result.spec.outcome for result in study.complete_case]
    columns = (
        Column("level", say("Workplaces"), "text"),
        Column("surveyed", say("Surveyed"), "integer"),
        Column("linked", say("Linked"), "integer"),
        Column("quarters_share", say("Quarters"), decimals=2),
        Column("shares_known", say("Shares"), decimals=2),
        *(
            column
            for outcome in outcomes
            for column in (
                Column(
                    f"complete_{outcome}", say(_QUANTITIES[outcome.removeprefix("absence_")]),
                    "integer",
                ),
                Column(f"complete_{outcome}_share", say("Share"), decimals=2),
            )
        ),
    )  # fmt: skip
    return table_from_frame(
        frame,
        say("Who is missing"),
        columns=columns,
        name="missing",
        n=int(frame["surveyed"].iloc[-1]),
        notes=[
            say(
                "Linked: in the register. Quarters: share of the linked workplaces' "
                "quarters that are observed. Shares: share of the linked of which "
                "women's and seniors' share are known. Mean and change: those with "
                "everything that the model of complete rows of that outcome needs, and "
                "their share of the surveyed."
            )
        ],
        source=study.source,
    )


def _level(by: str, key: str) -> str:
    """A line's workplaces: an industry as it is, else with what they are counted by."""
    if by in {"industry", "all"}:
        return say("All") if by == "all" else industry_name(key)
    return f"{say(_BY[by])}: {say(_BY[key]) if key in _BY else key}"


def won_back_table(study: MissingStudy, outcome: str) -> Table:
    """Count by industry how much of the sample the joint model wins back.

    Parameters
    ----------
    study : MissingStudy
        What was found.
    outcome : str
        Whose complete rows it is compared with.
    """
    frame: pd.DataFrame = study.won[study.won["outcome"] == outcome].copy()
    known = {industry.key for industry in load_codebook().industries}
    frame["industry"] = [
        industry_name(key) if key in known else say("All") for key in frame["industry"]
    ]
    columns = (
        Column("industry", say("Industry"), "text"), Column("surveyed", say("Surveyed"), "integer"),
        Column("complete", say("Complete rows"), "integer"),
        Column("joint", say("Joint model"), "integer"), Column("won", say("Won back"), "integer"),
        Column("complete_share", say("Complete, share"), decimals=2),
        Column("won_share", say("Won back, share"), decimals=2),
    )  # fmt: skip
    return table_from_frame(
        frame, f"{say('How much of the sample is won back')}: {outcome_name(outcome)}",
        columns=columns, name=f"won_back_{outcome}", n=int(frame["surveyed"].iloc[-1]),
        notes=[say("Complete rows against the joint model; shares of the surveyed.")],
        source=study.source,
    )  # fmt: skip
