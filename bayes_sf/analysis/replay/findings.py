"""What a rule of the replay returns: the places where printed numbers disagree."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

__all__ = ["SEVERITIES", "Finding", "Severity", "count_severities", "unite"]

type Severity = Literal["impossible", "contradicted by the text", "not reported", "doubtful"]
#: In the order in which findings are listed.
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity.__value__)
#: What stands in a finding's text between what was found and what it disagrees with.
_HINGES: Final = (", but ", "does not hold: ")


@dataclass(frozen=True)
class Finding:
    """One place where printed numbers disagree.

    Parameters
    ----------
    rule : str
        Name of the rule that fired.
    place : str
        Table and row, or section.
    severity : {"impossible", "contradicted by the text", "not reported", "doubtful"}
        `impossible`: no data can give these numbers under rounding. `contradicted by the text`:
        data can, but a sentence of the report, or its printed questionnaire, says otherwise. `not
        reported`: something is missing that the report says, or shows elsewhere, that there is.
        `doubtful`: all can be true, but only in a way that the report does not describe.
    printed : str
        The figures as printed.
    arithmetic : str
        The computation, on one line.
    text : str
        What is wrong, in one line.
    """

    rule: str
    place: str
    severity: Severity
    printed: str
    arithmetic: str
    text: str


def unite(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Put what several comparisons found of the same numbers into one finding.

    Parameters
    ----------
    findings : iterable of Finding

    Returns
    -------
    tuple of Finding
        One for every rule, place and severity, in the order of the first of each.

    Examples
    --------
    >>> one = Finding("sizes", "table 1", "impossible", "n 9", "9 > 8", "n is too large, but given")
    >>> two = replace(one, arithmetic="9 > 7", text="n is too large, but used")
    >>> found, = unite([one, two])
    >>> found.arithmetic, found.text
    ('9 > 8; 9 > 7', 'n is too large, but given; used')
    """
    together: dict[tuple[str, str, str], list[Finding]] = {}
    for each in findings:
        together.setdefault((each.rule, each.place, each.severity), []).append(each)
    return tuple(
        replace(
            same[0],
            printed=_join(each.printed for each in same),
            arithmetic=_join(each.arithmetic for each in same),
            text=_join_texts([each.text for each in same]),
        )
        for same in together.values()
    )


def _join(texts: Iterable[str]) -> str:
    """Parts of texts, each once."""
    return "; ".join(dict.fromkeys(part for text in texts for part in text.split("; ")))


def _join_texts(texts: list[str]) -> str:
    """Texts in one: what they begin with is said once."""
    for hinge in _HINGES:
        start = texts[0].partition(hinge)[0] + hinge
        if all(text.startswith(start) for text in texts):
            return start + _join(text.removeprefix(start) for text in texts)
    return _join(texts)


def count_severities(findings: Iterable[Finding]) -> dict[Severity, int]:
    """How many findings there are of every severity, also of those without one."""
    found = [finding.severity for finding in findings]
    return {severity: found.count(severity) for severity in SEVERITIES}
