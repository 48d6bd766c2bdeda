"""Every error a user can cause, with the exit code the command line gives it.

A message says where (file, table or key), what the rule is, what was found and what to do.

Examples
--------
>>> raise SpecError("models/x.toml: outcome", "must name a known outcome", got="mean",
...                 fix="use absence_mean or absence_change")
Traceback (most recent call last):
    ...
bayes_sf.errors.SpecError: models/x.toml: outcome: must name a known outcome (got 'mean'); use \
absence_mean or absence_change
"""

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar, Final

__all__ = [
    "BayesSFError",
    "ConvergenceError",
    "DataError",
    "DisclosureError",
    "JobsWarning",
    "MissingWarning",
    "OutcomeWarning",
    "OutputError",
    "SpecError",
    "UsageError",
    "check_seed",
    "closest",
    "legible",
    "veil_data",
]

#: Characters that end a line or jump in it: in a line of text they are a blank.
_BLANKS: Final = frozenset("\t\n\v\f\r\x85\u2028\u2029")


def legible(text: str) -> str:
    r"""Return a text in one line that shows every character it has.

    Names come from files and frames, and go to terminals, XML and pictures. What ends a line
    becomes a blank; control characters (an escape would colour a terminal, XML forbids it), marks
    that turn the direction of writing and characters without width are written as Python writes
    them, so that two names never look the same for one.

    Parameters
    ----------
    text : str

    Examples
    --------
    >>> print(legible("Oslo\vsentrum"), legible("a\x1b[31m"), legible("a\u200b"))
    Oslo sentrum a\x1b[31m a\u200b
    """
    return text if text.isprintable() else "".join(map(_legible, text))


def _legible(letter: str) -> str:
    if letter.isprintable() or unicodedata.category(letter) == "Zs":
        return letter
    return " " if letter in _BLANKS else letter.encode("unicode_escape").decode("ascii")


#: Letters of what was found that a message shows.
_LONGEST = 500

#: Largest seed: what every generator in use takes.
_MOST_SEED: Final = 2**32 - 1


class BayesSFError(Exception):
    """Base of all errors that a user can cause.

    Parameters
    ----------
    where : str
        File, table, column or key.
    rule : str
        What must hold.
    got : object, optional
        What was found instead.
    fix : str, optional
        What to do.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, where: str, rule: str, *, got: object = None, fix: str = "") -> None:
        super().__init__(where, rule, got, fix)
        self.where, self.rule, self.got, self.fix = where, rule, got, fix

    def __str__(self) -> str:
        """One line: where: rule (got X); fix."""
        found = "" if self.got is None else f" (got {_shown(self.got)})"
        remedy = f"; {self.fix}" if self.fix else ""
        return legible(f"{self.where}: {self.rule}{found}{remedy}")


def _shown(value: object) -> str:
    """What was found, as Python writes it, but no page of it."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # nested too deeply, or a number of thousands of digits
        return type(value).__name__
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


class UsageError(BayesSFError):
    """A call or a command that cannot be meant as written."""

    exit_code: ClassVar[int] = 2


class _Veil:
    """Whether errors say what is wrong with data: not of those that nothing may be told of."""

    on: ClassVar[bool] = False


def veil_data(on: bool) -> None:
    """Let errors from here on say nothing of the data, or all again.

    Parameters
    ----------
    on : bool
    """
    _Veil.on = on


class _FoundError(BayesSFError):
    """What may have been found in data: said until `veil_data` is on."""

    def __init__(self, where: str, rule: str, *, got: object = None, fix: str = "") -> None:
        super().__init__(where, rule, got=None if _Veil.on else got, fix=fix)


class SpecError(_FoundError):
    """A model or analysis file with a key, name or value that is not allowed.

    Once `veil_data` is on, it does not say what was found: a prior's scale over that of the data is
    the data's.
    """

    exit_code: ClassVar[int] = 2


class DataError(BayesSFError):
    """Data that break a rule of the codebook, of the register or of the model.

    Once `veil_data` is on, it does not say which rule, where, or what was found: that a column is a
    constant, or an option has one answer, is a count like any other.
    """

    exit_code: ClassVar[int] = 3

    def __init__(self, where: str, rule: str, *, got: object = None, fix: str = "") -> None:
        if _Veil.on:
            where, rule, got = "data", "do not allow this: why is not said under control", None
            fix = "--no-disclosure-control says it to you"
        super().__init__(where, rule, got=got, fix=fix)


class ConvergenceError(_FoundError):
    """A computation that did not reach its stated precision."""

    exit_code: ClassVar[int] = 4


class DisclosureError(BayesSFError):
    """A result that would tell of single workplaces, and is withheld."""

    exit_code: ClassVar[int] = 5


class OutputError(BayesSFError):
    """A place that cannot be written to."""

    exit_code: ClassVar[int] = 2


class OutcomeWarning(UserWarning):
    """An outcome that is not what a Gaussian model is for."""


class MissingWarning(UserWarning):
    """Rows that are left out of a model, because they have gaps in its columns."""


class JobsWarning(UserWarning):
    """A process that was killed; others go on with what it had not done."""


def check_seed(seed: object, where: str = "seed") -> None:
    """Refuse what no generator takes as a seed.

    Parameters
    ----------
    seed : int
        From 0 to 4,294,967,295.
    where : str
        What the message calls it.

    Raises
    ------
    UsageError
        For anything else.
    """
    whole = getattr(seed, "__index__", None) is not None and not isinstance(seed, bool)
    if not (whole and 0 <= int(seed) <= _MOST_SEED):  # type: ignore[call-overload]
        raise UsageError(where, f"must be a whole number from 0 to {_MOST_SEED}", got=seed)


def closest(name: str, known: Iterable[str]) -> str:
    """Suggest what an unknown name may have been meant as.

    Examples
    --------
    >>> closest("q13x", ["q13", "q17"]), closest("size", ["q13", "q17"])
    ("did you mean 'q13'?", '')
    """
    close = get_close_matches(name, tuple(known), n=1)
    return f"did you mean {close[0]!r}?" if close else ""
