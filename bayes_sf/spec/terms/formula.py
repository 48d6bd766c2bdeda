"""A formula as lme4, brms and bambi have it, taken apart: response, common part, random terms.

What a formula may say is said here, before any data: every fault is found with its place. Fixed
terms and the left sides of random terms are read by formulae, bambi's parser
(`docs/decisions/formula.md`), which gives terms their names; what stands around the bar is read
here, because formulae does not tell ``(x | g)`` from ``(1 | g) + (0 + x | g)``.

Examples
--------
>>> found = read_formula("y ~ x * c + offset(w) + (1 + x | g) + (1 | a/b)")
>>> found.response, found.common, found.columns
('y', 'x * c + offset(w)', ('y', 'x', 'c', 'w', 'g', 'a', 'b'))
>>> [(term.left, term.factor) for term in found.random]
[('1 + x', 'g'), ('1', 'a'), ('1', 'a:b')]
>>> read_formula("y ~ x + (1 | g")
Traceback (most recent call last):
    ...
bayes_sf.errors.SpecError: formula, character 9 ('('): must be closed; add )
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

from bayes_sf.errors import SpecError, closest

__all__ = ["COUNTED", "FUNCTIONS", "Formula", "RandomTerm", "Token", "read_formula", "spelt"]

#: Functions that a formula may call; formulae's own, and those that are handed to it.
FUNCTIONS: Final = (
    "C", "S", "T", "I", "scale", "standardize", "center", "poly", "bs", "offset", "Treatment",
    "Sum", "log", "log2", "log10", "log1p", "exp", "sqrt", "abs", "np.log", "np.log2", "np.log10",
    "np.log1p", "np.exp", "np.sqrt", "np.abs",
)  # fmt: skip
#: Successes out of trials, which only a response can be.
COUNTED: Final = ("p", "prop", "proportion")
#: Those whose argument is a category whatever its values are.
CATEGORICAL: Final = frozenset({"C", "S", "T"})
_WORDS: Final = frozenset({"True", "False", "None"})
#: What stands before such a word where it is an argument's value, and no term.
_BEFORE_WORDS: Final = frozenset({"=", ",", "==", "!="})
#: What formulae, and what results, call the intercept.
_INTERCEPTS: Final = frozenset({"Intercept", "(Intercept)"})
_TOKEN: Final = re.compile(
    r"(?P<space>\s+)|(?P<name>`[^`]+`|[^\W\d_]\w*(?:\.[^\W\d]\w*)*)"
    r"|(?P<number>\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)|(?P<text>'[^']*'|\"[^\"]*\")"
    r"|(?P<mark>\|\||\*\*|//|==|!=|<=|>=|[-+*/:()|~,=\[\]{}<>%])"
)
#: Marks that compute; and those that make several terms of two.
_ARITHMETIC: Final = frozenset({"//", "%", "==", "!=", "<=", ">=", "<", ">", ",", "="})
_SEVERAL: Final = frozenset({"+", "*", "/"})
_PAIRS: Final = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True)
class Token:
    """A word or mark of a formula, and where it stands.

    Parameters
    ----------
    kind : {"name", "number", "text", "mark"}
    text : str
        As written.
    at : int
        Its place, the first character being 1.
    """

    kind: str
    text: str
    at: int

    @property
    def name(self) -> str:
        """Name of a column, without backquotes."""
        return self.text.strip("`")

    @property
    def place(self) -> str:
        """As an error says it."""
        return f"formula, character {self.at} ({self.text!r})"


@dataclass(frozen=True)
class RandomTerm:
    """One ``(left | factor)``.

    Parameters
    ----------
    left : str
        What varies by level, as a formula without response.
    factor : str
        Name of the grouping factor, ``a:b`` for the combinations of two.
    correlated : bool
        False for ``||``.
    bar : Token
        Where it stands.
    """

    left: str
    factor: str
    correlated: bool
    bar: Token


@dataclass(frozen=True)
class Formula:
    """A formula taken apart; made by `read_formula`.

    Parameters
    ----------
    text : str
        As given, with single blanks.
    response, common : str
        Left of ``~``, and the fixed terms, offsets among them.
    random : tuple of RandomTerm
        ``a/b`` is two.
    names : tuple of Token
        Every column where it is first named.
    coded : tuple of str
        Columns that stand in C(), S() or T().
    evaluated : tuple of str
        Columns that are more than grouping factors.
    """

    text: str
    response: str
    common: str
    random: tuple[RandomTerm, ...]
    names: tuple[Token, ...]
    coded: tuple[str, ...]
    evaluated: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the data that are used."""
        return tuple(token.name for token in self.names)

    @property
    def predictors(self) -> tuple[str, ...]:
        """Columns of the fixed terms, offsets among them, and of what varies by group."""
        parts = [self.common, *(term.left for term in self.random)]
        found = (token.name for part in parts for token in _columns(list(_tokens(part))))
        return tuple(dict.fromkeys(found))

    def parts(self, factor: str) -> tuple[str, ...]:
        """Columns of a grouping factor: of ``a:b`` two, unless that is one column's name."""
        return (factor,) if factor in self.columns else tuple(factor.split(":"))

    def place(self, column: str) -> str:
        """Where a column is first named, as an error says it."""
        return next(token.place for token in self.names if token.name == column)


def spelt(name: str, known: Iterable[str]) -> str:
    """Say what may be meant by a name that no column has: part of one with blanks, or a slip.

    Parameters
    ----------
    name : str
        In a formula.
    known : iterable of str
        Columns.

    Examples
    --------
    >>> spelt("points", ["points of the test", "group"]), spelt("grup", ["group"])
    ('put it in backquotes: `points of the test`', "did you mean 'group'?")
    """
    there = list(known)
    for whole in there:
        if not whole.isidentifier() and name in re.split(r"\W+", whole):
            return f"put it in backquotes: `{whole}`"
    return closest(name, there)


def read_formula(text: str) -> Formula:
    """Take a formula apart.

    Parameters
    ----------
    text : str
        Such as ``"y ~ x * c + (1 + x | g)"``.

    Raises
    ------
    SpecError
        With the place, for what is no formula, what formulas of lme4 do not have (``(1 | a + b)``),
        functions that are not known, and what can be read in two ways.
    """
    if not isinstance(text, str) or not text.strip():
        raise SpecError("formula", "must be text such as 'y ~ x + (1 | g)'", got=text)
    tokens = list(_tokens(text))
    _check_pairs(tokens)
    tildes = [i for i, token in enumerate(tokens) if token.text == "~"]
    if len(tildes) != 1:
        place = tokens[tildes[1]].place if tildes else "formula"
        raise SpecError(place, "must have one ~ between response and terms", got=text)
    left, right = tokens[: tildes[0]], tokens[tildes[0] + 1 :]
    if not left:
        _refuse(tokens[0], "must have the response before it", "write 'y ~ ...'")
    if not right:
        _refuse(tokens[-1], "must have terms after it", "write '~ 1 + (1 | g)'")
    _check_names(left, (*FUNCTIONS, *COUNTED))
    _check_names(right, FUNCTIONS)
    _check_response(left)
    _check_marks(right)
    for token in right:
        if token.name in _INTERCEPTS:
            _refuse(token, "must not have the name of the intercept", "rename the column")
    common: list[tuple[str, str]] = []
    random: list[RandomTerm] = []
    evaluated = [left]
    for sign, part in _summands(right):
        bars = [token for token in part if token.text in {"|", "||"}]
        if bars:
            random += _random(sign, part, bars, text)
            evaluated.append(part[: part.index(bars[0])])
        else:
            common.append((sign, _written(part, text)))
            evaluated.append(part)
    written = " ".join(f"{sign} {part}" for sign, part in common).removeprefix("+ ") or "1"
    return Formula(
        " ".join(text.split()), _written(left, text), written, tuple(random),
        tuple(_columns(tokens)), tuple(_coded(tokens)),
        tuple({token.name: None for part in evaluated for token in _columns(part)}),
    )  # fmt: skip


def _refuse(token: Token, rule: str, fix: str = "") -> NoReturn:
    raise SpecError(token.place, rule, fix=fix)


def _tokens(text: str) -> Iterator[Token]:
    """Words and marks, one after the other."""
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            wrong = Token("mark", text[at], at + 1)
            fix = {"^": "write ** for a power", "$": "name the column alone"}.get(text[at], "")
            _refuse(wrong, "is no part of a formula", fix or "put odd names in backquotes")
        if found.lastgroup != "space":
            yield Token(str(found.lastgroup), found.group(), at + 1)
        at = found.end()


def _check_pairs(tokens: Sequence[Token]) -> None:
    """Whatever is opened is closed."""
    opened: list[Token] = []
    for token in tokens:
        if token.text in _PAIRS.values():
            opened.append(token)
        elif token.text in _PAIRS and (not opened or opened.pop().text != _PAIRS[token.text]):
            _refuse(token, "must close something", "remove it")
    if opened:
        close = next(end for end, start in _PAIRS.items() if start == opened[-1].text)
        _refuse(opened[-1], "must be closed", f"add {close}")


def _check_names(tokens: Sequence[Token], functions: Sequence[str]) -> None:
    """Functions are known ones; names of columns have no dot, and are none of Python's words."""
    before = [None, *tokens[:-1]]
    for last, token, after in zip(before, tokens, [*tokens[1:], None], strict=True):
        if token.kind != "name":
            continue
        if token.text in _WORDS and (last is None or last.text not in _BEFORE_WORDS):
            _refuse(token, "is a word of Python", "put a column of that name in backquotes")
        if after is not None and after.text == "(":
            if token.text == "cbind":
                _refuse(token, "is R's", "write p(successes, trials) ~ ...")
            if token.text not in functions:
                known = ", ".join(functions)
                _refuse(token, "must be a known function", f"known: {known}; or add a column")
        elif "." in token.text and not token.text.startswith("`"):
            _refuse(token, "must be in backquotes", f"write `{token.text}`")


def _computing(tokens: Sequence[Token]) -> Iterator[tuple[int, bool]]:
    """Place of every mark, and whether functions or braces around it make it arithmetic."""
    opened = [False]
    for at, token in enumerate(tokens):
        if token.text in _PAIRS.values():
            called = at > 0 and tokens[at - 1].kind == "name"
            opened.append(opened[-1] or called or token.text != "(")
        elif token.text in _PAIRS:
            opened.pop()
        elif token.kind == "mark":
            yield at, opened[-1]


def _check_response(tokens: Sequence[Token]) -> None:
    """One column, or what functions and braces make of some: no sum and no product of terms."""
    for at, computes in _computing(tokens):
        if not computes:
            _refuse(tokens[at], "cannot stand in a response", "write I(y - x), say")


def _check_marks(tokens: Sequence[Token]) -> None:
    """Arithmetic stands in functions and braces; a power is one of a sum of terms."""
    for at, computes in _computing(tokens):
        mark = tokens[at]
        if not computes and mark.text in _ARITHMETIC:
            _refuse(mark, "cannot stand between terms", "write {...} around arithmetic")
        if not computes and mark.text == "**" and not _closes_sum(tokens[:at]):
            _refuse(mark, "must be a power of a sum of terms", "write I(x ** 2) of one variable")


def _closes_sum(tokens: Sequence[Token]) -> bool:
    """Whether tokens end with parentheses around several terms."""
    depths = _depths(tokens)
    start = next((i for i in reversed(range(len(depths) - 1)) if depths[i] == depths[-1]), -1) + 1
    called = start > 0 and tokens[start - 1].kind == "name"
    return bool(tokens) and tokens[-1].text == ")" and not called and any(
        token.text in _SEVERAL for token in tokens[start:]
    )  # fmt: skip


def _columns(tokens: Sequence[Token]) -> Iterator[Token]:
    """Columns where they are first named: no functions, no names of arguments."""
    seen = set()
    for token, after in zip(tokens, [*tokens[1:], None], strict=True):
        called = after is not None and after.text in {"(", "="}
        if token.kind == "name" and not called and token.text not in _WORDS:
            if token.name not in seen:
                yield token
            seen.add(token.name)


def _coded(tokens: Sequence[Token]) -> Iterator[str]:
    """Columns that stand first in C(), S() or T()."""
    for number, token in enumerate(tokens[:-2]):
        if token.text in CATEGORICAL and tokens[number + 1].text == "(":
            yield tokens[number + 2].name


def _summands(tokens: Sequence[Token]) -> Iterator[tuple[str, list[Token]]]:
    """Terms that are added or taken away, with their sign."""
    sign, depth = "+", 0
    part: list[Token] = []
    last: Token | None = None
    for token in tokens:
        depth += token.text in _PAIRS.values()
        depth -= token.text in _PAIRS
        if depth == 0 and token.text in {"+", "-"}:
            if part:
                yield sign, part
            elif last is not None:
                _refuse(token, "must have a term before it")
            sign, part = token.text, []
        else:
            part.append(token)
        last = token
    if not part:
        _refuse(tokens[-1], "must have a term after it")
    yield sign, part


def _random(sign: str, part: list[Token], bars: list[Token], text: str) -> Iterator[RandomTerm]:
    """The terms of one ``(left | factor)``."""
    if part[0].text != "(" or part[-1].text != ")" or _depths(part)[1:-1].count(0):
        _refuse(bars[0], "must stand in parentheses of its own", "write + (1 | g)")
    if sign == "-":
        _refuse(part[0], "is a random term, which cannot be taken away", "leave it out")
    inner = part[1:-1]
    if len(bars) > 1 or _depths(inner)[inner.index(bars[0])] != 0:
        _refuse(bars[-1], "must be the one bar between these parentheses")
    at = inner.index(bars[0])
    left, right = inner[:at], inner[at + 1 :]
    if not left or not right:
        _refuse(bars[0], "must have terms before it and a factor after it", "write (1 | g)")
    wrong = next((t for t in left if t.text in {"~", "offset"}), None)
    if wrong:
        _refuse(wrong, "cannot vary by group", "write it outside the parentheses")
    for factor in _factors(right, bars[0]):
        yield RandomTerm(_written(left, text), factor, bars[0].text == "|", bars[0])


def _depths(tokens: Sequence[Token]) -> list[int]:
    """How many parentheses are open after each token."""
    depth, found = 0, []
    for token in tokens:
        depth += (token.text in _PAIRS.values()) - (token.text in _PAIRS)
        found.append(depth)
    return found


def _factors(tokens: list[Token], bar: Token) -> list[str]:
    """Grouping factors right of a bar: ``g``, ``a:b``, and ``a/b`` for a and a:b."""
    names, marks = tokens[::2], tokens[1::2]
    for token in names:
        if token.kind != "name":
            _refuse(token, "must name a column that groups rows")
    for token in marks:
        if token.text not in {":", "/"}:
            fix = "write (1 | a) + (1 | b) for crossed factors, (1 | a/b) for nested ones"
            fix = "put a name with blanks in backquotes" if token.kind == "name" else fix
            _refuse(token, "cannot stand between grouping factors", fix)
    if len(marks) == len(names):
        _refuse(marks[-1], "must have a factor after it")
    if len({token.name for token in names}) < len(names):
        _refuse(bar, "must have different factors after it")
    found = [names[0].name]
    for mark, token in zip(marks, names[1:], strict=True):
        combined = f"{found[-1]}:{token.name}"
        if mark.text == "/":
            found.append(combined)
        else:
            found[-1] = combined
    return found


def _written(tokens: Sequence[Token], text: str) -> str:
    """What the user wrote from the first of these to the last, with single blanks."""
    start, last = tokens[0].at - 1, tokens[-1]
    return " ".join(text[start : last.at - 1 + len(last.text)].split())
