"""Findings of the replay as lines, in the language that is spoken."""

from collections.abc import Sequence

from bayes_sf.analysis.replay.consistency import RuleOutcome
from bayes_sf.analysis.replay.findings import SEVERITIES, Finding, count_severities
from bayes_sf.catalogue import said_of, say

__all__ = ["finding_line", "findings_lines", "replay_line"]


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
