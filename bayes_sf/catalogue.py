"""What is said, in the language that is spoken: English in the code, one `.po` file for each other.

The language is a context (`speaking`), not an argument. A text is looked up where it is said, by
its English; `languages/nb.po` has it in Norwegian. Marks of numbers, quarters and whose labels of
the study are used are texts of the catalogue too, so that a further language is one new file.

Examples
--------
>>> with speaking("nb"):
...     say("Model"), say("Years {} to {}.", 2017, 2021) if False else say("Outcome")
('Modell', 'Utfall')
>>> say("Model")
'Model'
"""

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bayes_sf.errors import UsageError

__all__ = [
    "FOLDER", "Message", "check_language", "language", "languages", "mark", "say", "say_as",
    "speaking", "words_of",
]  # fmt: skip

#: Where catalogues are: a language is there when its file is.
FOLDER: Final = Path(__file__).with_name("languages")
#: The language of the code.
_CODE: Final = "en"

_SPOKEN: Final = ContextVar("language", default=_CODE)


def languages() -> tuple[str, ...]:
    """Return the languages that there are: English, and every catalogue's."""
    return (_CODE, *sorted(path.stem for path in FOLDER.glob("*.po")))


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


def say(text: str, *values: object, **named: object) -> str:
    """Return a text in the language that is spoken, with its values put in.

    Parameters
    ----------
    text : str
        In English; ``{}`` and ``{name}`` stand for values.
    *values, **named
        Numbers as printed, and names. Without any, braces stay.

    Raises
    ------
    LookupError
        If the language's catalogue lacks it.
    """
    return _filled(_translated("", text), values, named)


def say_as(context: str, text: str, *values: object, **named: object) -> str:
    """Return a text that is said otherwise elsewhere: as `say`, where its English is two things.

    Parameters
    ----------
    context : str
        What it is about; never shown.
    text, *values, **named
        As in `say`.
    """
    return _filled(_translated(context, text), values, named)


def mark(text: str) -> str:
    """Return a text as it is: it is said where it is used, and extracted here."""
    return text


@dataclass(frozen=True)
class Message:
    """A text and its values: English as a string, and said in any language.

    Parameters
    ----------
    text : str
        English, marked for the catalogue where it stands.
    values : tuple
        Put in for ``{}``; those that are messages themselves are said in the same language.
    """

    text: str
    values: tuple[object, ...] = ()

    def __str__(self) -> str:
        """In English, whatever is spoken."""
        return self.text.format(*map(str, self.values)) if self.values else self.text

    def said(self) -> str:
        """In the language that is spoken."""
        return say(self.text, *(v.said() if hasattr(v, "said") else v for v in self.values))


def _filled(text: str, values: tuple[object, ...], named: Mapping[str, object]) -> str:
    return text.format(*values, **named) if values or named else text


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
    from babel.messages.pofile import read_po

    with (FOLDER / f"{lang}.po").open("rb") as file:
        return {
            (message.context or "", str(message.id)): str(message.string)
            for message in read_po(file)
            if message.id
        }
