"""What a rule of the replay returns: the places where printed numbers disagree."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from bayes_sf.catalogue import Listed, Message, OfStudy, mark
from bayes_sf.inputs.codebook import load_codebook

__all__ = [
    "SEVERITIES", "Finding", "Severity", "count_severities", "industry_in", "place_of", "unite",
]  # fmt: skip

type Severity = Literal["impossible", "contradicted by the text", "not reported", "doubtful"]
#: In the order in which findings are listed.
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity.__value__)
#: Between what several comparisons found.
_BETWEEN: Final = "; "
#: Severities, to be said.
_MARKED: Final = (
    mark("impossible"), mark("contradicted by the text"), mark("not reported"), mark("doubtful"),
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One place where printed numbers disagree.

    Parameters
    ----------
    rule : str
        Name of the rule that fired.
    place : str
        Table and row, or section. This, `arithmetic` and `text` are English, and can be said in
        another language where they are a `Message` or a list of them.
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
    >>> one = Finding("sizes", "table 1", "impossible", "n 9", "9 > 8",
    ...     Message("significant at 5 percent, but {}", "given"))
    >>> two = replace(one, arithmetic="9 > 7",
    ...     text=Message("significant at 5 percent, but {}", "used"))
    >>> found, = unite([one, two])
    >>> found.arithmetic, found.text
    ('9 > 8; 9 > 7', 'significant at 5 percent, but given; used')
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
    parts: dict[object, None] = {}
    for text in texts:
        apart = text.parts if isinstance(text, Listed) and text.between == _BETWEEN else (text,)
        parts.update(dict.fromkeys(apart))
    return Listed(parts, _BETWEEN) if len(parts) > 1 else _only(parts)


def _join_texts(texts: list[str]) -> str:
    """Texts in one: what they begin with is said once."""
    first = texts[0]
    if isinstance(first, Message) and len(first.values) == 1:
        same = [text for text in texts if isinstance(text, Message) and text.text == first.text]
        if len(same) == len(texts):
            return Message(first.text, _join(_only(text.values) for text in same))
    return _join(texts)


def _only(one: Iterable[object]) -> str:
    """The only text that there is, as it is."""
    (text,) = one
    return text if isinstance(text, str) else str(text)


def place_of(text: str) -> str:
    """Return a place of the report that can be said: ``table 46``, ``annex 1 on section 3.1``.

    Examples
    --------
    >>> from bayes_sf.catalogue import speaking
    >>> from bayes_sf.catalogue import speaking
    >>> with speaking("nb"):
    ...     place_of("annex 1 on section 3.1").said()
    'vedlegg 1 om avsnitt 3.1'
    """
    first, on, second = text.partition(" on ")
    if on:
        return Message("{} on {}", place_of(first), place_of(second))
    kind, _, key = text.partition(" ")
    if kind == "table":
        return Message("table {}", key)
    if kind == "figure":
        return Message("figure {}", key)
    if kind == "annex":
        return Message("annex {}", key)
    return Message("section {}", key) if kind == "section" else text


def industry_in(key: str) -> str:
    """Return an industry's key that can be said: its label; and what stands for all of them."""
    if key == "total":
        return Message("total")
    for industry in load_codebook().industries:
        if industry.key == key:
            return OfStudy(key, industry.label_nb)
    return key


def count_severities(findings: Iterable[Finding]) -> dict[Severity, int]:
    """How many findings there are of every severity, also of those without one."""
    found = [finding.severity for finding in findings]
    return {severity: found.count(severity) for severity in SEVERITIES}
