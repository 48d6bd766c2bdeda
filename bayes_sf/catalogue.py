"""What is said, in the language that is spoken: English in the code, one `.po` file for each other.

Texts are worded for the report's study, of workplaces in industries. What would not do for another
stands in `languages/study/*.po` with ``<units>`` and ``<groups>`` in their place, and is said with
the nouns of a study of one's own while one is in use (`naming`).

The language is a context (`speaking`), not an argument. A text is looked up where it is said, by
its English; `languages/nb.po` has it in Norwegian. Marks of numbers, quarters and whose labels of
the study are used are texts of the catalogue too, so that a further language is one new file.

Examples
--------
>>> with speaking("nb"):
...     say("Model"), say("{} of {}", 3, 4)
('Modell', '3 for 4')
>>> say("Model")
'Model'
"""

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final, NamedTuple, Self

from bayes_sf.errors import UsageError

__all__ = [
    "FOLDER", "InContext", "Listed", "Marked", "Message", "Noun", "OfStudy", "Printed",
    "check_language", "labels_language", "language", "languages", "mark", "mark_as", "naming",
    "said_of", "say", "say_as", "speaking", "speaks", "words_of",
]  # fmt: skip

#: Where catalogues are: a language is there when its file is.
FOLDER: Final = Path(__file__).with_name("languages")
#: The language of the code.
_CODE: Final = "en"

_SPOKEN: Final = ContextVar("language", default=_CODE)


class Noun(NamedTuple):
    """What rows or groups of a study are called, one and many, in each of the study's languages."""

    one_en: str
    many_en: str
    one_nb: str
    many_nb: str

    def said(self, *, many: bool = True) -> str:
        """In the language that is spoken, or the one whose labels its readers are given."""
        pairs = {"nb": (self.one_nb, self.many_nb), "en": (self.one_en, self.many_en)}
        return pairs[labels_language()][many]


#: Nouns of a study of one's own: a row and a group. None where the study is the report's.
_NOUNS: ContextVar[tuple[Noun, Noun] | None] = ContextVar("nouns", default=None)


class InContext(NamedTuple):
    """A text that is said otherwise elsewhere, and what it is about."""

    context: str
    text: str


#: What can be said: English, alone or with what it is about.
type Marked = str | InContext


def languages() -> tuple[str, ...]:
    """Return the languages that there are: English, and every catalogue's."""
    return _languages_in(FOLDER)


@functools.cache
def _languages_in(folder: Path) -> tuple[str, ...]:
    return (_CODE, *sorted(path.stem for path in folder.glob("*.po")))


def check_language(lang: str) -> str:
    """Return the language if there is a catalogue of it.

    Raises
    ------
    UsageError
        If there is none.
    """
    if lang not in languages():
        known = " or ".join(languages())
        raise UsageError("lang", f"must be {known}", got=lang, fix="nb is Norwegian (bokmål)")
    return lang


def language() -> str:
    """Return the language that is spoken."""
    return _SPOKEN.get()


@contextmanager
def speaking(lang: str) -> Iterator[None]:
    """Speak a language as long as the block lasts.

    Parameters
    ----------
    lang : str
        One of `languages`.
    """
    token = _SPOKEN.set(check_language(lang))
    try:
        yield
    finally:
        _SPOKEN.reset(token)


@contextmanager
def naming(nouns: tuple[Noun, Noun] | None) -> Iterator[None]:
    """Speak of a study in its own nouns as long as the block lasts.

    Parameters
    ----------
    nouns : pair of Noun, optional
        A row's and a group's; without any, those of the report's study.

    Examples
    --------
    >>> pupil = Noun("pupil", "pupils", "elev", "elever")
    >>> school = Noun("school", "schools", "skole", "skoler")
    >>> with naming((pupil, school)):
    ...     say("sd between industries")
    'sd between schools'
    """
    token = _NOUNS.set(nouns)
    try:
        yield
    finally:
        _NOUNS.reset(token)


def say(text: Marked, *values: object, **named: object) -> str:
    """Return a text in the language that is spoken, with its values put in.

    Parameters
    ----------
    text : str or InContext
        In English; ``{}`` and ``{name}`` stand for values. What is not written here is marked
        where it is (`mark`, `mark_as`).
    *values, **named
        Numbers as printed, and names. Without any, braces stay.

    Raises
    ------
    LookupError
        If the language's catalogue lacks it.
    """
    context, english = text if isinstance(text, InContext) else ("", text)
    return _filled(_in_own_words(context, english), values, named)


def say_as(context: str, text: str, *values: object, **named: object) -> str:
    """Return a text that is said otherwise elsewhere: as `say`, where its English is two things.

    Parameters
    ----------
    context : str
        What it is about; never shown.
    text, *values, **named
        As in `say`.
    """
    return say(InContext(context, text), *values, **named)


def mark(text: str) -> str:
    """Return a text as it is: it is said where it is used, and extracted here."""
    return text


def mark_as(context: str, text: str) -> InContext:
    """Return a text with what it is about, to be said where it is used."""
    return InContext(context, text)


class Message(str):  # noqa: SLOT000  # it carries its parts
    """A text with its values: an English string that can be said in any language.

    Parameters
    ----------
    text : str
        English, extracted where it stands; ``{}`` stand for values.
    *values
        Those that can be said themselves (messages, figures, lists) are said in the same language.

    Examples
    --------
    >>> Message("{} of {}", Printed("-1.5"), 4)
    '-1.5 of 4'
    >>> with speaking("nb"):
    ...     Message("{} of {}", Printed("-1.5"), 4).said()
    '−1,5 for 4'
    """

    def __new__(cls, text: str, *values: object) -> Self:
        """Make the English."""
        made = super().__new__(cls, _filled(text, values, {}))
        made.text, made.values = text, values
        return made

    text: str
    values: tuple[object, ...]

    def __getnewargs__(self) -> tuple[object, ...]:  # type: ignore[override]
        """Copy with its parts."""
        return (self.text, *self.values)

    def said(self) -> str:
        """In the language that is spoken."""
        return say(self.text, *map(said_of, self.values))


class Listed(str):  # noqa: SLOT000  # it carries its parts
    """Texts in a row, each said for itself.

    Examples
    --------
    >>> Listed(["q13", "mean"])
    'q13, mean'
    """

    def __new__(cls, parts: Iterable[object], between: str = ", ") -> Self:
        """Make the English."""
        held = tuple(parts)
        made = super().__new__(cls, between.join(map(str, held)))
        made.parts, made.between = held, between
        return made

    parts: tuple[object, ...]
    between: str

    def __getnewargs__(self) -> tuple[object, ...]:  # type: ignore[override]
        """Copy with its parts."""
        return (self.parts, self.between)

    def said(self) -> str:
        """In the language that is spoken."""
        return self.between.join(str(said_of(part)) for part in self.parts)


class Printed(str):
    """Figures as printed or computed, with decimal points; said with the language's mark."""

    __slots__ = ()

    def said(self) -> str:
        """In the language that is spoken."""
        if language() == _CODE:
            return self
        return self.replace("-", "\u2212").replace(".", say_as("decimal mark", "."))


class OfStudy(str):  # noqa: SLOT000  # it carries its label
    """A key or sentence of the study, and what it is called where its own words are not spoken.

    Examples
    --------
    >>> with speaking("nb"):
    ...     OfStudy("ict", "IKT").said()
    'IKT'
    """

    def __new__(cls, english: str, norwegian: str) -> Self:
        """Keep both."""
        made = super().__new__(cls, english)
        made.norwegian = norwegian
        return made

    norwegian: str

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        """Copy with both."""
        return (str(self), self.norwegian)

    def said(self) -> str:
        """In the language that is spoken."""
        return self.norwegian if labels_language() == "nb" and self.norwegian else str(self)


def said_of(value: object) -> object:
    """Return a value in the language that is spoken, where it can be said."""
    return value.said() if isinstance(value, Message | Listed | Printed | OfStudy) else value


def labels_language() -> str:
    """Return whose labels of the study are used: the codebook and analyses have en and nb.

    A further language says in its catalogue which of them its readers are given.
    """
    return say_as("labels of the study: en or nb", "en")


def speaks[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Make a public function speak the language that its argument ``lang`` names, if any."""
    taken = inspect.signature(function)
    usual = taken.parameters["lang"].default

    @functools.wraps(function)
    def spoken(*args: P.args, **named: P.kwargs) -> R:
        lang = taken.bind(*args, **named).arguments.get("lang", usual)
        if lang is not None and not isinstance(lang, str):
            raise UsageError("lang", "must be the name of a language", got=type(lang).__name__)
        with speaking(lang or language()):
            return function(*args, **named)

    return spoken


def _filled(text: str, values: tuple[object, ...], named: Mapping[str, object]) -> str:
    return text.format(*values, **named) if values or named else text


def _in_own_words(context: str, text: str) -> str:
    """The text as it is said of the study in use, in the language that is spoken."""
    nouns = _NOUNS.get()
    own = "" if nouns is None else _own_words(language()).get((context, text), "")
    if nouns is None or not own:
        return _translated(context, text)
    for name, noun in zip(("unit", "group"), nouns, strict=True):
        for key, said in ((name, noun.said(many=False)), (f"{name}s", noun.said())):
            own = own.replace(f"<{key}>", said)
            own = own.replace(f"<{key.capitalize()}>", said[:1].upper() + said[1:])
    return own


def _translated(context: str, text: str) -> str:
    lang = language()
    if lang == _CODE or not text:
        return text
    found = words_of(lang).get((context, text))
    if not found:
        raise LookupError(f"{lang}.po lacks {text!r}" + (f" ({context})" if context else ""))
    return found


@functools.cache
def words_of(lang: str) -> Mapping[tuple[str, str], str]:
    """Read a language's catalogue: (context, English) -> its text."""
    return _read(FOLDER / f"{lang}.po")


@functools.cache
def _own_words(lang: str) -> Mapping[tuple[str, str], str]:
    """Read what is said otherwise of a study of one's own; a language may have none of it."""
    path = FOLDER / "study" / f"{lang}.po"
    return _read(path) if path.is_file() else {}


def _read(path: Path) -> Mapping[tuple[str, str], str]:
    from babel.messages.pofile import read_po

    with path.open("rb") as file:
        return {
            (message.context or "", str(message.id)): str(message.string)
            for message in read_po(file)
            if message.id
        }
