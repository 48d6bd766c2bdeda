"""Hypotheses on coefficients, written as text: ``"x - z > 0"``.

Examples
--------
>>> claim = read_claim("2 * x > (Intercept) - 1", ("(Intercept)", "x"))
>>> claim.weights.tolist(), claim.constant, claim.sign
([-1.0, 2.0], 1.0, '>')
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_sf.analysis.asked.grid import texts
from bayes_sf.analysis.asked.linear import Wald, answer, fixed_loading
from bayes_sf.arrays import Floats
from bayes_sf.engines.asked import check_result
from bayes_sf.engines.result import Result
from bayes_sf.errors import UsageError, closest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Claim", "hypothesis", "read_claim"]


_SIGNS: Final = (">=", "<=", "==", "!=", ">", "<", "=")
_NUMBER: Final = re.compile(r"\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+")
_WORD: Final = re.compile(r"`[^`]*`|[^\W\d]\w*(?:\[[^\]]*\])?")
#: Marks that may stand in a term's name and between two names.
_BETWEEN: Final = frozenset("+-*/")
_ALTERNATIVE: Final = {">": "greater", "<": "less", "=": "two-sided"}


@dataclass(frozen=True, eq=False)
class Claim:
    """That weights'beta + constant is above, below or equal to 0; made by `read_claim`.

    Parameters
    ----------
    text : str
        As given.
    weights : (p,) array
        Of the coefficients.
    constant : float
        Added.
    sign : {">", "<", "="}
    """

    text: str
    weights: Floats = field(repr=False)
    constant: float
    sign: str


def hypothesis(result: Result, claims: str | Iterable[str]) -> "pd.DataFrame":
    """Judge statements on linear combinations of coefficients.

    Parameters
    ----------
    result : Result
        Of any engine.
    claims : str or list of str
        What is claimed: numbers, coefficients by their names in `fixef`, ``+ - * /``, parentheses,
        and ``>``, ``<`` or ``=`` once: ``"x - z > 0"``, ``"c[top] > 2 * c[mid]"``. A name
        that could be read as a sum of others is put in backquotes.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``hypothesis``: ``estimate, sd, lower, upper`` of the left side less the right
        one. Of a posterior ``probability`` that the claim holds, and its ``odds``, probability over
        one less it. Of ``reml``, ``ml`` and ``ols`` ``t``, ``df`` (Satterthwaite's; infinite where
        no rows are known), ``p`` and ``alternative``: p is one-sided, against the claim's opposite,
        for ``>`` (``greater``) and ``<`` (``less``), and two-sided, against the claim itself, for
        ``=``. Of other outcomes than Gaussian coefficients are on the link's scale, and ``z`` is in
        the place of ``t`` and ``df``.

    Raises
    ------
    UsageError
        With the place, for what is no statement on coefficients; for ``=`` of a posterior, where
        one value has no probability.

    Examples
    --------
    >>> import pandas as pd, bayes_sf as sf
    >>> df = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 8, 4, 6, 7], "x": [0, 1, 2] * 3,
    ...                    "g": list("aaabbbccc")})
    >>> result = sf.fit("y ~ x + (1 | g)", df)
    >>> print(result.hypothesis("x > 1").round(2).reset_index().to_string(index=False))
    hypothesis  estimate   sd  lower  upper  probability  odds
         x > 1      0.33 0.23  -0.13   0.79         0.94 16.36
    """
    import pandas as pd

    check_result(result)
    terms = [row.term for row in result.coefficients]
    asked = texts("hypothesis", claims)
    read = [read_claim(text, terms) for text in asked]
    if not read:
        raise UsageError("hypothesis", "needs at least one claim", got=asked)
    for claim in read:
        if result.has_draws and claim.sign == "=":
            raise UsageError(
                f"hypothesis {claim.text!r}", "must be > or <: one value has no probability",
                fix="for a point null see bayes_sf.analysis.size.bayes_factors",
            )  # fmt: skip
    plain = fixed_loading(result, np.array([claim.weights for claim in read]))
    loading = replace(plain, offset=np.array([claim.constant for claim in read]))
    found = answer(result, loading, degrees=True)
    limits = found.quantile([0.5 - 0.5 * result.prob, 0.5 + 0.5 * result.prob])
    table = pd.DataFrame(
        {
            "estimate": found.mean(), "sd": found.sd(), "lower": limits[:, 0],
            "upper": limits[:, 1],
        },
        index=pd.Index([claim.text for claim in read], name="hypothesis"),
    )  # fmt: skip
    signs = [claim.sign for claim in read]
    return table.assign(**(_tested(found, signs) if isinstance(found, Wald) else _judged(
        found.cdf(0.0), signs)))  # fmt: skip


def _judged(below: Floats, signs: Sequence[str]) -> dict[str, Floats]:
    """Probability of each claim, and its odds."""
    above = np.array([sign == ">" for sign in signs])
    probability, other = np.where(above, 1 - below, below), np.where(above, below, 1 - below)
    with np.errstate(divide="ignore"):
        return {"probability": probability, "odds": probability / other}


def _tested(found: Wald, signs: Sequence[str]) -> dict[str, object]:
    """Student's t, or z, of each claim."""
    from scipy.special import stdtr

    def tails(df: Any, ratio: Floats) -> Floats:
        sides = {">": stdtr(df, -ratio), "<": stdtr(df, ratio), "=": 2 * stdtr(df, -np.abs(ratio))}
        return np.array([sides[sign][place] for place, sign in enumerate(signs)])

    return {**found.tested(tails), "alternative": [_ALTERNATIVE[sign] for sign in signs]}


def read_claim(text: str, terms: Sequence[str]) -> Claim:
    """Read a statement on coefficients.

    Parameters
    ----------
    text : str
        Such as ``"x - z > 0"``.
    terms : sequence of str
        Names of the coefficients.

    Raises
    ------
    UsageError
        With the place of what is none.
    """
    if not isinstance(text, str) or not text.strip():
        raise UsageError("hypothesis", "must be text such as 'x - z > 0'", got=text)
    return _Reader(text, tuple(terms)).claim()


class _Reader:
    """Recursive descent over a claim; a value is (weights, constant)."""

    def __init__(self, text: str, terms: tuple[str, ...]) -> None:
        self._text, self._terms = text, terms
        self._tokens = list(self._read())
        self._at = 0

    def _refuse(self, at: int, rule: str, *, got: object = None, fix: str = "") -> UsageError:
        where = f"hypothesis {self._text!r}, character {at + 1}"
        return UsageError(where, rule, got=got, fix=fix)

    def _read(self) -> "Iterable[tuple[str, str, int]]":
        """Tokens: kind, text, place."""
        at, text = 0, self._text
        while at < len(text):
            if text[at].isspace():
                at += 1
                continue
            name = self._name_at(at)
            if name is not None:
                yield "term", name[0], at
                at += name[1]
                continue
            sign = next((s for s in _SIGNS if text.startswith(s, at)), "")
            number = _NUMBER.match(text, at)
            if sign:
                yield "sign", sign, at
                at += len(sign)
            elif number:
                yield "number", number.group(), at
                at = number.end()
            elif text[at] in "+-*/()":
                yield text[at], text[at], at
                at += 1
            else:
                raise self._unknown(at)

    def _unknown(self, at: int) -> UsageError:
        """Refuse what is no name."""
        found = _WORD.match(self._text, at)
        got = found.group() if found else self._text[at]
        name = got.strip("`")
        fix = closest(name, self._terms) or f"coefficients: {', '.join(self._terms)}"
        if name.startswith(("sd_", "cor_", "icc")):
            fix = "sds, correlations and ICCs are in estimates and varcorr()"
        return self._refuse(at, "must be a coefficient of the model", got=got, fix=fix)

    def _name_at(self, at: int) -> tuple[str, int] | None:
        """Term whose name stands here, and how long it is there."""
        rest = self._text[at:]
        if rest.startswith("`"):
            found = next((t for t in self._terms if rest.startswith(f"`{t}`")), None)
            return None if found is None else (found, len(found) + 2)
        fits = sorted((t for t in self._terms if self._stands(t, at)), key=len)
        if not fits:
            return None
        for short in fits[:-1]:
            after = fits[-1][len(short) :].lstrip()
            if after[:1] in _BETWEEN:
                raise self._refuse(
                    at, "can be read in two ways", got=fits[-1],
                    fix=f"put the name that is meant in backquotes: `{fits[-1]}` or `{short}`",
                )  # fmt: skip
        return fits[-1], len(fits[-1])

    def _stands(self, term: str, at: int) -> bool:
        """Whether a name stands here, and ends here."""
        end = at + len(term)
        after = self._text[end : end + 1]
        open_end = (term[-1].isalnum() or term[-1] == "_") and (
            after.isalnum() or (after in {"_", "[", ":"} and after != "")
        )
        return self._text.startswith(term, at) and not open_end

    def _peek(self) -> tuple[str, str, int]:
        if self._at < len(self._tokens):
            return self._tokens[self._at]
        return "end", "", len(self._text)

    def _next(self) -> tuple[str, str, int]:
        token = self._peek()
        self._at += 1
        return token

    def claim(self) -> Claim:
        """Return the whole statement."""
        left = self._sum()
        kind, sign, at = self._next()
        if kind != "sign" or sign == "!=":
            rule = "must be >, < or = between two sides"
            raise self._refuse(at, rule, got=sign or "the end", fix="write 'x - z > 0'")
        right = self._sum()
        kind, rest, at = self._peek()
        if kind != "end":
            rule = "must be the end: one claim has one sign"
            raise self._refuse(at, rule, got=rest, fix="give several claims as a list")
        weights = left[0] - right[0]
        if not weights.any():
            rule = "must be about a coefficient"
            raise UsageError(f"hypothesis {self._text!r}", rule, fix="its sides must differ in one")
        return Claim(" ".join(self._text.split()), weights, left[1] - right[1], sign[0])

    def _sum(self) -> tuple[Floats, float]:
        value = self._product()
        while self._peek()[0] in {"+", "-"}:
            factor = 1.0 if self._next()[0] == "+" else -1.0
            other = self._product()
            value = value[0] + factor * other[0], value[1] + factor * other[1]
        return value

    def _product(self) -> tuple[Floats, float]:
        value = self._single()
        while self._peek()[0] in {"*", "/"}:
            mark, _, at = self._next()
            other = self._single()
            if mark == "*" and not value[0].any():
                value, other = other, value
            if other[0].any():
                rule = "must be linear: coefficients are multiplied and divided by numbers only"
                raise self._refuse(at, rule, got=mark)
            if mark == "/" and other[1] == 0:
                raise self._refuse(at, "must not divide by zero")
            factor = other[1] if mark == "*" else 1 / other[1]
            value = value[0] * factor, value[1] * factor
        return value

    def _single(self) -> tuple[Floats, float]:
        kind, text, at = self._next()
        if kind in {"+", "-"}:
            value = self._single()
            return (value[0], value[1]) if kind == "+" else (-value[0], -value[1])
        if kind == "number":
            return np.zeros(len(self._terms)), float(text)
        if kind == "term":
            return np.eye(len(self._terms))[self._terms.index(text)], 0.0
        if kind == "(":
            value = self._sum()
            kind, text, end = self._next()
            if kind != ")":
                raise self._refuse(end, "must be a closing parenthesis", got=text or "the end")
            return value
        rule = "must be a coefficient or a number"
        raise self._refuse(at, rule, got=text or "the end")
