"""The replay on a made-up consistent report, on altered copies of it, and on the real one."""

import csv
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayes_sf.analysis.replay.account import account_of
from bayes_sf.analysis.replay.claims import ClaimCheck, Range
from bayes_sf.analysis.replay.coefficient_rules import _range_of
from bayes_sf.analysis.replay.consistency import RULES, check_published, findings_frame, replay
from bayes_sf.analysis.replay.count_rules import skips_respected
from bayes_sf.analysis.replay.findings import Finding, count_severities, unite
from bayes_sf.analysis.replay.significance_rules import significance_is_as_claimed
from bayes_sf.analysis.replay.tables import Claim, CoefficientRow, CountRow, Question, Tables
from bayes_sf.catalogue import Message
from bayes_sf.errors import DataError
from bayes_sf.output.words.findings import finding_line, findings_lines, replay_line
from bayes_sf.recovery.region import NORMAL_QUANTILE
from bayes_sf.recovery.states import States, table_sizes
from bayes_sf.resources import data_dir
from tests.tools import spoken

SIZES = {"north": 61, "south": 44, "west": 38}
TOTAL = sum(SIZES.values())
LEVELS = ("small", "some", "large")


def shown(value: float, decimals: int = 3) -> str:
    """Print as R does: rounded, trailing zeros dropped."""
    return f"{round(value, decimals) + 0.0:.10g}"


def coefficient(place: str, term: str, b: float, s: float, n: int | None = None) -> CoefficientRow:
    """Print an estimate and its standard error (as fractions) in `place`."""
    table, outcome, model, question, unit = place.split()
    scale = 100.0 if unit == "pp" else 1.0
    figures = (b, s, b / s / scale, b - NORMAL_QUANTILE * s, b + NORMAL_QUANTILE * s)
    printed = [shown(scale * figure) for figure in figures]
    return CoefficientRow(table, outcome, model, question, term, *printed, n=n, unit=unit)


def answer_rows(rng: np.random.Generator) -> tuple[list[CountRow], list[CountRow]]:
    """Tables of invented answers: all workplaces, and by industry.

    q1 has three levels and "don't know", q2 is yes/no, q3 offers two options to those with q2 yes,
    q4 is put to those who answer large to q1, q5 prints no counts by industry.
    """
    whole: Counter[tuple[str, str, str]] = Counter()
    split: dict[tuple[str, str, str, str], int] = {}
    for industry, n in SIZES.items():
        q1 = rng.choice([*LEVELS, "Vet ikke"], n, p=[0.3, 0.3, 0.3, 0.1])
        q2 = rng.choice(["yes", "no"], n)
        q4 = np.where(q1 == "large", rng.choice(["good", "bad"], n), "NA")
        cells = {("12", "q1", level): (q1 == level).sum() for level in (*LEVELS, "Vet ikke")}
        cells |= {("13", "q2", answer): (q2 == answer).sum() for answer in ("yes", "no")}
        for option in ("gold", "silver"):
            cells["14", "q3", option] = ((q2 == "yes") & (rng.random(n) < 0.6)).sum()
        cells["14", "q3", "has none"] = (q2 == "no").sum()
        cells |= {("15", "q4", answer): (q4 == answer).sum() for answer in ("good", "bad", "NA")}
        cells |= {("16", "q5", option): rng.binomial(n, 0.4) for option in ("red", "blue")}
        for (table, question, answer), count in cells.items():
            split[table, question, answer, industry] = int(count)
            if answer != "has none":
                whole["11", question, answer] += int(count)
    univariate = [
        CountRow(*key, "total", count, shown(100 * count / TOTAL, 1))
        for key, count in whole.items()
    ]
    by_industry = [
        CountRow(
            *key,
            None if key[0] == "16" else count,
            shown(100 * count / SIZES[key[3]], 0 if key[0] == "16" else 1),
        )
        for key, count in split.items()
    ]
    return univariate, by_industry


def report(seed: int = 0) -> Tables:
    """Print a consistent report of invented workplaces."""
    rng = np.random.default_rng(seed)
    univariate, by_industry = answer_rows(rng)
    sample = {name: size - 3 for name, size in SIZES.items()}
    n = sum(sample.values())
    sizes = {"1": SIZES | {"total": TOTAL}, "8": sample | {"total": n}}
    samples = tuple(
        CountRow(table, "", name, name, size, shown(100 * size / counts["total"], 1))
        for table, counts in sizes.items()
        for name, size in counts.items()
    )
    answered = sum(row.count or 0 for row in univariate if row.category in LEVELS)
    s = rng.uniform(0.0006, 0.02, 12)
    mean, change = "46 mean bivariate {} fraction", "47 change bivariate {} fraction"
    adjusted, late = "3 mean controls q1 pp", "5 change controls q2 fraction"
    coefficients = (
        coefficient(mean.format("q1"), "Konstantledd", 0.06, s[0]),
        coefficient(mean.format("q1"), "q1", -3 * s[1], s[1]),
        coefficient(mean.format("q2"), "Konstantledd", 0.05, s[2]),
        coefficient(mean.format("q2"), "q2: no", 0.5 * s[3], s[3]),
        coefficient(change.format("q1"), "Konstantledd", 0.0, s[4]),
        coefficient(change.format("q1"), "q1", 0.3 * s[5], s[5]),
        coefficient(change.format("q2"), "Konstantledd", 0.001, s[6]),
        coefficient(change.format("q2"), "q2: no", -2.5 * s[7], s[7]),
        coefficient("figure5 mean bivariate q1 pp", "(Intercept)", 0.06, s[0], answered - 7),
        coefficient("figure5 mean bivariate q1 pp", "q1", -3 * s[1], s[1], answered - 7),
        coefficient(adjusted, "(Intercept)", 0.04, s[8], answered - 9),
        coefficient(adjusted, "q1", -0.9 * s[8], s[8], answered - 9),
        *(coefficient(adjusted, f"z{k}", 0.01, s[8 + k], answered - 9) for k in (1, 2, 3)),
        coefficient(late, "(Intercept)", 0.01, s[9], 60),
        coefficient(late, "q2no", -1.1 * s[9], s[9], 60),
        *(coefficient(late, f"z{k}", -0.02, 2 * s[8 + k], 60) for k in (1, 2, 3)),
    )
    scalars = {
        "n_table46_min": str(answered - 5),
        "n_table46_max": str(n),
        "n_models_table46": "2",
        "n_surveyed": str(TOTAL),
        "n_lost": "9",
        "n_sample": str(n),
        "claim_significant_mean": "q1",
        "claim_significant_change": "q2",
        "claim_exceptions": "q1 q2",
        "claim_significant_controls": "none",
        "claim_bivariate_only_if_not_significant": "yes",
    }
    asked = frozenset({"yes"}), frozenset({"large"})
    questionnaire = (
        Question("q1", "single", 3, "", frozenset()),
        Question("q2", "single", 2, "", frozenset()),
        Question("q3", "multi", 2, "q2", asked[0]),
        Question("q4", "single", 3, "q1", asked[1]),
        Question("q5", "multi", 2, "size", frozenset({"20-49"})),
    )
    claims = (
        claim("n_surveyed - n_lost == n_sample"),
        claim("size('8') == n_sample"),
        claim("share('13', 'yes|no') == 100", *SIZES),
        claim("bottom('12', 'some') <= share('12', 'some') <= top('12', 'some')", *SIZES),
        claim("-400 * slope('46', 'q1') > 0"),
    )
    return Tables(
        samples,
        tuple(univariate),
        tuple(by_industry),
        coefficients,
        scalars,
        questionnaire,
        claims,
    )


def claim(text: str, *industries: str) -> Claim:
    return Claim("claims", "section 1", industries, text, "impossible", "in other words")


def fired(tables: Tables) -> set[str]:
    return {finding.rule for finding in check_published(tables)}


@pytest.mark.parametrize("seed", range(25))
def test_a_consistent_report_gives_no_finding(seed: int) -> None:
    assert check_published(report(seed)) == []


def test_every_rule_compares_something_on_the_made_up_report() -> None:
    assert [o.rule for o in replay(report()) if not o.comparisons] == []


type Alteration = Callable[[Tables], Tables]


def counts(
    field: str, table: str, category: str, /, *, at: str | None = None, **changes: object
) -> Alteration:
    """Alter the first row of a table with this category (in industry `at`, if given)."""

    def alter(tables: Tables) -> Tables:
        rows = list(getattr(tables, field))
        k = next(
            k
            for k, row in enumerate(rows)
            if (row.table, row.category) == (table, category) and at in {None, row.industry}
        )
        new = {name: v(rows[k]) if callable(v) else v for name, v in changes.items()}
        rows[k] = replace(rows[k], **new)
        return replace(tables, **{field: tuple(rows)})

    return alter


def recount(field: str, table: str, category: str, step: int, at: str) -> Alteration:
    """Change a count, and its percentage with it."""
    base = TOTAL if at == "total" else SIZES[at]
    return counts(
        field,
        table,
        category,
        at=at,
        percent=lambda row: shown(100 * (row.count + step) / base, 1),
        count=lambda row: row.count + step,
    )


def both(*alterations: Alteration) -> Alteration:
    def alter(tables: Tables) -> Tables:
        for alteration in alterations:
            tables = alteration(tables)
        return tables

    return alter


def figures(table: str, term: str, **changes: object) -> Alteration:
    """Alter a coefficient."""

    def alter(tables: Tables) -> Tables:
        rows = tuple(
            replace(row, **changes) if (row.table, row.term) == (table, term) else row
            for row in tables.coefficients
        )
        return replace(tables, coefficients=rows)

    return alter


def reprint(table: str, term: str, factor: float) -> Alteration:
    """Print a coefficient of a covariate on another scale."""

    def alter(tables: Tables) -> Tables:
        (row,) = (r for r in tables.coefficients if (r.table, r.term) == (table, term))
        place = f"{row.table} {row.outcome} {row.model} {row.question} {row.unit}"
        new = coefficient(place, term, factor * -0.02, factor * 0.01, row.n)
        rows = tuple(new if r is row else r for r in tables.coefficients)
        return replace(tables, coefficients=rows)

    return alter


def scalars(**changes: str) -> Alteration:
    return lambda tables: replace(tables, scalars={**tables.scalars, **changes})


def says(text: str, *industries: str) -> Alteration:
    return lambda tables: replace(tables, claims=(*tables.claims, claim(text, *industries)))


def asks(key: str, **changes: object) -> Alteration:
    """Alter a question of the questionnaire."""

    def alter(tables: Tables) -> Tables:
        questions = tuple(
            replace(q, **changes) if q.question == key else q for q in tables.questionnaire
        )
        return replace(tables, questionnaire=questions)

    return alter


def without(field: str, keep: Callable[[object], bool]) -> Alteration:
    return lambda tables: replace(
        tables, **{field: tuple(row for row in getattr(tables, field) if keep(row))}
    )


ALTERED: dict[str, tuple[Alteration, set[str]]] = {
    "percent of all": (counts("univariate", "11", "yes", percent="1.2"), {"percent from count"}),
    "percent by industry": (
        counts("by_industry", "13", "yes", percent="1.2"),
        {"percent from count"},
    ),
    "percent of a sample": (counts("samples", "8", "south", percent="1.2"), {"percent from count"}),
    "column": (
        recount("univariate", "11", "Vet ikke", -1, "total"),
        {"column sum", "industries against all"},
    ),
    "column of a sample": (
        both(counts("samples", "8", "total", count=135), scalars(n_sample="135", n_lost="8")),
        {"column sum", "percent from count"},
    ),
    "industries": (
        both(
            recount("by_industry", "12", "some", 1, "south"),
            recount("by_industry", "12", "small", -1, "south"),
        ),
        {"industries against all"},
    ),
    "industries, percentages only": (
        counts("by_industry", "16", "red", percent="95"),
        {"industries against all"},
    ),
    "answer left out": (
        without("by_industry", lambda row: getattr(row, "category", "") != "silver"),
        {"answers by industry"},
    ),
    "sample above survey": (
        both(
            counts("samples", "8", "west", count=42, percent="31.3"),
            counts("samples", "8", "north", count=51, percent="38.1"),
        ),
        {"sample by industry"},
    ),
    "more answers than asked": (
        asks("q3", answers=frozenset({"maybe"})),
        {"skip pattern"},
    ),
    "don't know of the not asked": (
        counts("univariate", "11", "NA", category="Vet ikke"),
        {"skip pattern"},
    ),
    "all answer a filtered question": (
        both(
            asks("q2", asked_if="size", answers=frozenset({"20-49"})),
        ),
        {"skip pattern"},
    ),
    "more options than offered": (asks("q3", options=1), {"answers offered"}),
    "words for a number": (asks("q2", options=None, response="number"), {"answers offered"}),
    "question not asked": (
        without("questionnaire", lambda q: getattr(q, "question", "") != "q2"),
        {"answers offered"},
    ),
    "t": (figures("47", "q1", t="1.9"), {"figures of a coefficient"}),
    "lower limit": (figures("47", "q1", ci_low="-0.4"), {"figures of a coefficient"}),
    "upper limit": (figures("47", "q1", ci_high="0.4"), {"figures of a coefficient"}),
    "figures only together": (
        figures("47", "q1", estimate="0.002", se="0.001", t="1.2", ci_low="0", ci_high="0.004"),
        {"figures of a coefficient"},
    ),
    "printed twice": (
        reprint("figure5", "q1", 1.0),
        {"one model in two tables"},
    ),
    "scale": (reprint("5", "z2", 100.0), {"scale of a covariate"}),
    "largest N": (scalars(n_table46_max="150"), {"size of the models"}),
    "smallest N": (scalars(n_table46_min="12"), {"size of the models"}),
    "number of models": (scalars(n_models_table46="3"), {"size of the models"}),
    "N of a model": (figures("3", "z1", n=900), {"size of the models"}),
    "none significant": (scalars(claim_significant_either="none"), {"significance"}),
    "not an exception": (scalars(claim_exceptions="q1"), {"significance"}),
    "called significant": (scalars(claim_significant_mean="q2"), {"significance"}),
    "no controls": (
        without("coefficients", lambda row: getattr(row, "table", "") != "5"),
        {"significance"},
    ),
    "claim of a sum": (scalars(n_lost="10"), {"claims"}),
    "claim of a share": (says("share('13', 'yes') > 90", "west"), {"claims"}),
    "claim of a size": (says("size('8') == size('1')"), {"claims"}),
    "claim of a sign": (says("slope('46', 'q1') > 0"), {"claims"}),
}


@pytest.mark.parametrize(("alteration", "rules"), ALTERED.values(), ids=ALTERED)
def test_an_altered_number_is_found_and_nothing_else(
    alteration: Alteration, rules: set[str]
) -> None:
    assert fired(alteration(report())) == rules


@pytest.mark.parametrize("alteration", [change for change, _ in ALTERED.values()], ids=ALTERED)
def test_what_an_altered_number_shows_can_be_said_in_norwegian(alteration: Alteration) -> None:
    outcomes = replay(alteration(report()))
    for finding in (finding for outcome in outcomes for finding in outcome.findings):
        if "does not hold" not in finding.text:  # what a claim says is of its own report
            assert_norwegian(spoken("nb", finding_line, finding))


def assert_norwegian(line: str) -> None:
    """No word of the rules' English is left."""
    words = re.sub(r"'[^']*'|n_\w+|\w+_\w+", "", line)  # answers and names
    english = r"\b(the|of|and|not|is|in|or|than|table|figure|section|annex|with|on|se)\b"
    assert not re.search(english, words), line
    assert not re.search(r"\d to \d", words), line


@pytest.mark.parametrize("figure", ["t", "ci_low", "ci_high"])
@pytest.mark.parametrize("b", [0.031, -0.031, 0.0002])
def test_what_an_estimate_and_its_error_allow(figure: str, b: float) -> None:
    """Smallest and largest of a figure over everything that rounds as printed."""
    tables, row = report(), coefficient("46 mean bivariate q1 fraction", "q1", b, 0.012)
    ends = [tables.interval("46", text) for text in (row.estimate, row.se)]
    estimate, error = np.meshgrid(*(np.linspace(*one, 21) for one in ends))
    made = {
        "t": estimate / error, "ci_low": estimate - NORMAL_QUANTILE * error,
        "ci_high": estimate + NORMAL_QUANTILE * error,
    }[figure]  # fmt: skip
    assert _range_of(tables, row, figure) == pytest.approx((made.min(), made.max()))


def test_the_account_of_what_is_recovered_is_of_the_tables_that_it_names() -> None:
    """Of two states: means, sds and ends by hand; a sample is as large as the table says."""
    large = table_sizes("8") + np.array([4, 2, 1, 1, 1, 1])  # ten more are linked
    rng, made = np.random.default_rng(3), {}
    samples = {"large": large, "small": table_sizes("8"), "change": table_sizes("9")}
    for name, sizes in samples.items():
        made[name] = States(np.array([sizes] * 2), rng.normal(size=(2, 6)), np.array([9e3, 1e4]))
    industries = tuple("abcdef")
    rows = account_of(SimpleNamespace(**made, industries=industries))  # type: ignore[arg-type]
    for place, (name, states) in enumerate(made.items()):
        own = rows[13 * place : 13 * (place + 1)]
        n = int(states.sizes[0].sum())
        assert {str(row.sample).rpartition(" ")[2] for row in own} == {str(n)}
        for j, (size, mean) in enumerate(zip(own[:12:2], own[1:12:2], strict=True)):
            assert (size.industry, mean.industry) == (industries[j],) * 2
            assert (size.value, size.sd) == (states.sizes[0, j], 0)
            wanted = states.means[:, j].mean(), states.means[:, j].std()
            assert (mean.value, mean.sd) == pytest.approx(wanted)
            assert (mean.low, mean.high) == tuple(sorted(states.means[:, j]))
            table = re.search(r"tables (\d+)", str(mean.how))
            assert table is not None
            assert n - table_sizes(table[1]).sum() == (10 if name == "large" else 0)
        assert own[12].value == pytest.approx(np.sqrt(states.within / (n - 6)).mean())
        assert table[0] in str(own[12].how)


@pytest.mark.parametrize(
    ("asked", "yes", "no", "unasked", "more"),
    [(10, 10, 0, None, ""), (10, 11, 0, None, "11 > 10"), (10, 0, 11, None, "11 > 10"),
     (10, 0, 10, None, ""), (10, 10, 0, TOTAL - 10, ""), (10, 10, 0, TOTAL - 11, "11 > 10"),
     (10, 12, 0, TOTAL - 11, "12 > 10"), (10, 10, 0, 0, f"{TOTAL} > 10"), (0, 0, 0, None, ""),
     (0, 1, 0, None, "1 > 0")],
)  # fmt: skip
def test_a_count_of_none_is_nothing_more(
    asked: int, yes: int, no: int, unasked: int | None, more: str
) -> None:
    """What nobody answered counts 0, and so does it where nobody was asked or left out."""
    counted = {
        ("q1", "large"): asked, ("q1", "small"): TOTAL - asked,
        ("q2", "yes"): yes, ("q2", "no"): no,
    } | ({} if unasked is None else {("q2", "NA"): unasked})  # fmt: skip
    rows = tuple(CountRow("11", *key, "total", count, "") for key, count in counted.items())
    question = Question("q2", "single", 2, "q1", frozenset({"large"}))
    tables = replace(report(), univariate=rows, by_industry=(), questionnaire=(question,))
    found = [str(one.arithmetic) for one in skips_respected(tables) if one is not None]
    assert [more in one for one in found] == [True] * bool(more)


@pytest.mark.parametrize(
    ("model", "term", "counts"),
    [("bivariate", "women", True), ("bivariate", "q1", True), ("bivariate", "Konstantledd", False),
     ("controls", "women", False), ("controls", "Q1no", True)],
)  # fmt: skip
def test_a_control_is_no_finding_on_the_question(model: str, term: str, counts: bool) -> None:
    """A model of one question has its terms alone, however they are named."""
    row = coefficient(f"46 mean {model} q1 fraction", term, 0.06, 0.01)
    key = "claim_significant_controls" if model == "controls" else "claim_significant_either"
    tables = replace(report(), coefficients=(row,), scalars={key: "none"})
    assert any(one is not None for one in significance_is_as_claimed(tables)) == counts


def test_alterations_reach_every_rule() -> None:
    reached = set()
    for alteration, _ in ALTERED.values():
        reached |= {outcome.rule for outcome in replay(alteration(report())) if outcome.findings}
    assert reached == {rule.__name__ for rule in RULES}


# --- the language of claims -------------------------------------------------------------------


ranges = st.tuples(st.floats(-50, 50), st.floats(-50, 50)).map(lambda ends: Range(*sorted(ends)))


@given(ranges, ranges, st.floats(0, 1), st.floats(0, 1))
def test_arithmetic_on_ranges_holds_all_numbers_of_the_ranges(
    one: Range, other: Range, p: float, q: float
) -> None:
    x = one.low + p * (one.high - one.low)
    y = other.low + q * (other.high - other.low)
    results = [(one + other, x + y), (one - other, x - y), (one * other, x * y), (-one, -x)]
    if other.low > 0.1 or other.high < -0.1:
        results.append((one / other, x / y))
    for held, value in results:
        assert held.low - 1e-9 * (1 + abs(value)) <= value <= held.high + 1e-9 * (1 + abs(value))


@pytest.mark.parametrize(
    ("text", "possible"),
    [
        ("1 < 2 <= 2 == 2 >= 2 > 1", True),
        ("1 < 1", False),
        ("1 <= 0", False),
        ("1 > 1", False),
        ("1 >= 2", False),
        ("rounded(7) == 7.4", True),
        ("rounded(7) == 7.6", False),
        ("about(20) == 27", True),
        ("about(20) == 28", False),
        ("(n_surveyed - n_lost) / n_sample == 1", True),
    ],
)
def test_relations_of_claims(text: str, possible: bool) -> None:
    assert ClaimCheck(report()).holds(text) is possible


def test_what_a_claim_has_read_is_given_as_printed() -> None:
    """Counts where they are printed, percentages where they are not; each with its table."""
    tables = report()
    rows = {(r.category, r.industry): r for r in tables.by_industry}
    yes, no, red, blue = (rows[answer, "west"] for answer in ("yes", "no", "red", "blue"))
    check = ClaimCheck(tables, "west")
    text = "share('13', 'yes|no') < count('16', 'red|blue') < size('8') < n_surveyed"
    check.holds(text + " < slope('5', 'z1')")
    assert [*check.read.values()] == [
        f"yes|no: {yes.count} + {no.count} of 38",
        f"red|blue: {red.percent} % + {blue.percent} % of 38",
        "table 8: 134",
        "n_surveyed 143",
        "table 5, q2 z1: -0.02 fraction",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "n_surveyed ==",
        "n_surveyed",
        "n_unknown == 1",
        "n_surveyed ** 2 > 1",
        "__import__('os') == 1",
        "size('8').real == 1",
        "share('13', 'perhaps') > 1",
        "slope('46', 'q9') > 1",
        "1 in 2",
    ],
)
def test_a_claim_outside_the_language_is_an_error(text: str) -> None:
    with pytest.raises(DataError):
        ClaimCheck(report(), "west").holds(text)


# --- reading ----------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path in (data_dir() / "published").glob("*.csv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def test_a_folder_is_read_as_the_bundled_report(folder: Path) -> None:
    assert check_published(Tables.read(folder)) == check_published()


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "claims.csv").unlink()
    with pytest.raises(DataError, match=r"claims\.csv.*cannot be read"):
        Tables.read(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("table,question,category,count\n", "lacks columns.*percent"),
        ("table,question,category,count,percent\n11,q1,yes,3\n", "line 2.*cells"),
        ("table,question,category,count,percent\n11,q1,yes,3.5,1\n", r"whole.*3\.5"),
    ],
)
def test_a_faulty_file_is_refused(folder: Path, text: str, message: str) -> None:
    (folder / "univariate.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        Tables.read(folder)


# --- the real report --------------------------------------------------------------------------


def test_the_real_report_has_exactly_the_findings_verified_by_hand() -> None:
    path = Path(__file__).parents[1] / "references" / "consistency" / "verified.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        verified = [(r["severity"], r["rule"], r["place"]) for r in csv.DictReader(stream)]
    found = [(f.severity, f.rule, f.place) for f in check_published()]
    assert Counter(found) == Counter(verified)


def test_the_real_reports_numbers_are_found_once() -> None:
    """What several sentences say of one slope, or one N, is one finding; each kind is counted."""
    found = check_published()
    assert len({(f.severity, f.rule, f.place) for f in found}) == len(found)
    slopes = [f for f in found if f.rule == "significance" and f.severity != "not reported"]
    assert len(slopes) == 4
    assert {f.severity for f in slopes} == {"contradicted by the text"}
    figure7 = [f for f in found if f.place == "figure 7"]
    assert [(f.severity, f.arithmetic) for f in figure7] == [
        ("impossible", "n_figure7 = 426; n_change = 420; n_table5 = 403")
    ]
    counts = count_severities(found)
    assert list(counts.values()) == [3, 16, 3, 7]
    for lang, words in (("en", counts), ("nb", {"umulig": 3, "motsagt av teksten": 16,
                                                "ikke oppgitt": 3, "tvilsomt": 7})):  # fmt: skip
        line = spoken(lang, replay_line, replay())
        assert ", ".join(f"{count} {word}" for word, count in words.items()) in line
        listed = spoken(lang, findings_lines, replay())
        assert [sum(one.startswith(f"{word}: ") for one in listed) for word in words] == [
            *words.values()
        ]


def test_only_the_same_numbers_are_one_finding() -> None:
    one = Finding(
        "r",
        "table 1",
        "doubtful",
        "5",
        "5 > 4",
        Message("significant at 5 percent, but {}", "asked"),
    )
    counted = Message("significant at 5 percent, but {}", "counted")
    others = [
        replace(one, place="table 2"), replace(one, severity="impossible"),
        replace(one, rule="s"), replace(one, arithmetic="5 > 3", text=counted),
    ]  # fmt: skip
    united = unite([one, *others, one])
    assert [(f.place, f.severity, f.rule) for f in united] == [
        ("table 1", "doubtful", "r"), ("table 2", "doubtful", "r"),
        ("table 1", "impossible", "r"), ("table 1", "doubtful", "s"),
    ]  # fmt: skip
    assert (united[0].arithmetic, united[0].text) == (
        "5 > 4; 5 > 3",
        "significant at 5 percent, but asked; counted",
    )
    assert united[1:] == tuple(others[:3])


def test_findings_and_claims_of_the_real_report_in_norwegian() -> None:
    lines = spoken("nb", findings_lines, replay())
    assert len(lines) == len(check_published())
    for line in lines:
        assert_norwegian(line)
    claims = {claim.words: claim.words_nb for claim in Tables.read().claims}
    assert len(set(claims.values())) == len(claims)
    for norwegian in claims.values():
        assert_norwegian(norwegian)


def test_every_rule_passes_most_of_many_comparisons_on_the_real_report() -> None:
    outcomes = replay()
    assert all(outcome.comparisons for outcome in outcomes)
    failed = sum(len(outcome.findings) for outcome in outcomes)
    assert sum(outcome.comparisons for outcome in outcomes) > 50 * failed


def test_findings_are_one_line_each_in_the_columns_of_the_file() -> None:
    frame = findings_frame(check_published())
    assert list(frame) == ["rule", "place", "severity", "printed", "arithmetic", "text"]
    assert not frame.apply(lambda column: column.str.contains("\n")).to_numpy().any()
    assert (frame != "").to_numpy().all()
    assert list(findings_frame([])) == list(frame)
