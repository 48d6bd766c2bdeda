"""Findings of the replay, and in any report's printed tables, as lines in the language spoken."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from bayes_sf.analysis.printed.check import PrintedFinding, RuleRun
from bayes_sf.analysis.replay.consistency import RuleOutcome
from bayes_sf.analysis.replay.findings import SEVERITIES, Finding, count_severities
from bayes_sf.catalogue import said_of, say
from bayes_sf.errors import legible

__all__ = ["finding_line", "findings_lines", "replay_line", "tables_lines", "without_code"]

#: Names of a claim's arithmetic: of a count, or a function of a table's answers.
_CODE: Final = re.compile(r"\b(?:n_\w+|[a-z_]+\('[\d]+')")
#: Lines that a rule that was not run may have.
_MOST_NEEDS: Final = 3


def findings_lines(outcomes: Sequence[RuleOutcome]) -> tuple[str, ...]:
    """One line per finding of the replay, in the order of `SEVERITIES`.

    Parameters
    ----------
    outcomes : sequence of RuleOutcome
        The replay.
    """
    found = [finding for outcome in outcomes for finding in outcome.findings]
    found.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return tuple(map(finding_line, found))


def replay_line(outcomes: Sequence[RuleOutcome]) -> str:
    """Say how many comparisons there were, and how many findings of every severity.

    Parameters
    ----------
    outcomes : sequence of RuleOutcome
        The replay.
    """
    compared = sum(outcome.comparisons for outcome in outcomes)
    found = count_severities(finding for outcome in outcomes for finding in outcome.findings)
    counts = (f"{count} {say(severity)}" for severity, count in found.items())
    return say(
        "Replay of the report: {} comparisons. Findings, each counted once: {}.",
        compared, ", ".join(counts),
    )  # fmt: skip


def without_code(line: str) -> str:
    """Leave the names of a finding's arithmetic out, and its figures in.

    Parameters
    ----------
    line : str
        As `finding_line` gives it.

    Examples
    --------
    >>> without_code("impossible: annex 1: no sum [n_linked = 582; n_a + n_b = 588]")
    'impossible: annex 1: no sum [582; 588]'
    >>> without_code("doubtful: section 3: not most [share('29', 'Noise') = 63.5 to 64.5]")
    'doubtful: section 3: not most [63.5 to 64.5]'
    """
    text, bracket, arithmetic = line.partition(" [")
    if not bracket or not _CODE.search(arithmetic):
        return line
    parts = (part.rpartition(" = ")[2] for part in arithmetic.removesuffix("]").split("; "))
    return f"{text} [{'; '.join(parts)}]"


def finding_line(finding: Finding) -> str:
    """Say one finding.

    Parameters
    ----------
    finding : Finding
        What disagrees.

    Examples
    --------
    >>> from bayes_sf.catalogue import Message, speaking
    >>> found = Finding("sample by industry", Message("table {}", 39), "impossible", "23",
    ...     Message("{} (survey)", "23 > 12"), Message("the sample cannot be a part of the survey"))
    >>> finding_line(found)
    'impossible: table 39: the sample cannot be a part of the survey [23 > 12 (survey)]'
    >>> with speaking("nb"):
    ...     finding_line(found)
    'umulig: tabell 39: utvalget kan ikke være en del av undersøkelsen [23 > 12 (undersøkelsen)]'
    """
    place, text, arithmetic = map(said_of, (finding.place, finding.text, finding.arithmetic))
    return f"{say(finding.severity)}: {place}: {text} [{arithmetic}]"


def tables_lines(runs: Sequence[RuleRun]) -> Iterator[str]:
    """Findings in any report's printed tables, then what every rule did.

    Parameters
    ----------
    runs : sequence of RuleRun
    """
    found = [finding for run in runs for finding in run.findings]
    yield from map(_printed_line, found)
    if not found:
        yield say("No findings.")
    yield ""
    yield say(
        "{} comparisons, {} findings, {} of {} rules without a comparison.",
        sum(run.comparisons for run in runs), len(found),
        sum(not run.comparisons for run in runs), len(runs),
    )  # fmt: skip
    yield ""
    yield say("   comparisons  findings  rule")
    indent = " " * 29
    for run in runs:
        counts = f"{run.comparisons:14d}  {len(run.findings):8d}  {run.number:2d}"
        yield f"{counts} {said_of(run.rule)}"
        for need in run.needs[:_MOST_NEEDS]:
            yield legible(indent + say("not run: needs {}", said_of(need)))
        if len(run.needs) > _MOST_NEEDS:
            yield indent + say("and {} more", len(run.needs) - _MOST_NEEDS)


def _printed_line(finding: PrintedFinding) -> str:
    """Say one finding in printed tables."""
    text, arithmetic = (
        str(said)[:1].upper() + str(said)[1:]
        for said in map(said_of, (finding.text, finding.arithmetic))
    )
    line = say(
        "{} [rule {}, {}]: {}. Printed: {}. {}.", said_of(finding.place), finding.rule,
        say(finding.severity), text, said_of(finding.printed), arithmetic,
    )  # fmt: skip
    rounding = say("Rounding assumed: {}.", said_of(finding.rounding))
    cut = (
        say("Cut off instead of rounded, the figures would agree.")
        if finding.truncated
        else say("Cutting off instead of rounding does not explain it.")
    )
    return legible(f"{line} {rounding} {cut}")
