"""Standard output and error as commands need them: no reader, terminal or encoding ends a run.

What a terminal's encoding cannot show is replaced by what comes nearest in ASCII (a hyphen for a
minus sign, a caret before a power), or else by a question mark; in JSON by its escape, so that
nothing is lost. A reader that goes away (``| head -1``) has what it wanted: the run goes on to its
end and to its own exit code. A stream that was closed from the start takes what is written, as
``/dev/null`` does. A width of the terminal that is no number is none.
"""

import codecs
import io
import os
import re
import sys
import unicodedata
from typing import Any, Final, TextIO

from bayes_sf.errors import OutputError

__all__ = ["escaped", "nearest", "prepare_streams"]

_STDOUT: Final = 1
_STDERR: Final = 2

_NEAREST = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "×": "x", "·": "*", "•": "*", "…": "...",
    "≥": ">=", "≤": "<=", "≠": "!=", "≈": "~", "±": "+-", "→": "->", "←": "<-", "√": "sqrt",
    "½": " 1/2", "¼": " 1/4", "¾": " 3/4", "⁄": "/", "∞": "inf", "°": " deg", "€": "EUR",
    "“": '"', "”": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "′": "'", "ø": "o", "Ø": "O",
    "æ": "ae", "Æ": "AE", "ß": "ss", "ð": "d", "þ": "th", "ł": "l", "đ": "d",
    "σ": "sigma", "τ": "tau", "λ": "lambda", "ω": "omega", "β": "beta", "Δ": "Delta", "µ": "u",
    "α": "alpha", "γ": "gamma", "δ": "delta", "ε": "epsilon", "θ": "theta", "μ": "mu", "ρ": "rho",
    "φ": "phi", "χ": "chi", "━": "-", "─": "-", "│": "|",
    "█": "#", "░": ".", "✓": "+", "✔": "+", "✗": "x",
}  # fmt: skip
#: A power, which is written as a whole: cp1252 has some of its digits only.
_POWER: Final = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+")
#: What a terminal's width and height may be; other software stops at what is no number at all.
_SIZE: Final = re.compile("[0-9]{1,4}", re.ASCII)


def nearest(error: UnicodeError) -> tuple[str, int]:
    """Replace characters that an encoding lacks: see `codecs.register_error`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain, error.object[error.start : error.end])), error.end


def _plain(character: str) -> str:
    """Nearest in ASCII, or a question mark; accents and widths that only Unicode has go."""
    if character in _NEAREST:
        return _NEAREST[character]
    digit = unicodedata.decimal(character, None)
    if digit is not None:  # those of other scripts
        return str(digit)
    parts = unicodedata.normalize("NFKD", character)
    return "".join(_NEAREST.get(p, p) for p in parts).encode("ascii", "ignore").decode() or "?"


class _Nearest(io.TextIOWrapper):
    """A text file that writes powers with a caret where its encoding lacks one of their digits."""

    def write(self, text: str) -> int:
        """Write a text, and say how long it was."""
        super().write(_POWER.sub(self._power, text))
        return len(text)

    def _power(self, found: re.Match[str]) -> str:
        try:
            found[0].encode(self.encoding)
        except UnicodeEncodeError:
            return "^" + unicodedata.normalize("NFKD", found[0]).replace("\u2212", "-")
        return found[0]


def escaped(error: UnicodeError) -> tuple[str, int]:
    """Replace characters that an encoding lacks by JSON's escapes."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    pairs = (units[i : i + 2].hex() for i in range(0, len(units), 2))
    return "".join(f"\\u{pair}" for pair in pairs), error.end


class _Forgiving(io.FileIO):
    """A file whose reader may go away; stderr may fail in any way, as nobody could be told."""

    def write(self, data: Any) -> int:
        """Write bytes; what cannot be written goes nowhere, and so does all that follows."""
        try:
            return super().write(data) or 0
        except OSError as error:
            place = self.fileno()
            _to_nowhere(place)
            if place == _STDOUT and not isinstance(error, BrokenPipeError):
                raise OutputError(
                    "stdout", "must be writable", got=error.strerror,
                    fix="free space there; files that were written are kept",
                ) from error  # fmt: skip
            return len(data)


def prepare_streams(*, as_json: bool) -> None:
    """Make stdout and stderr such that nothing that is written there ends a run.

    Parameters
    ----------
    as_json : bool
        Whether stdout is JSON.
    """
    for descriptor in (0, _STDOUT, _STDERR):  # or else the next file to be opened takes its place
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name in ("COLUMNS", "LINES"):
        if not _SIZE.fullmatch(os.environ.get(name, "0")):
            del os.environ[name]
    codecs.register_error("nearest", nearest)
    codecs.register_error("escaped", escaped)
    if sys.stdout is sys.__stdout__:  # not what a test or a notebook has put there
        sys.stdout = _forgiving(sys.stdout, _STDOUT, "escaped" if as_json else "nearest")
    if sys.stderr is sys.__stderr__:
        sys.stderr = _forgiving(sys.stderr, _STDERR, "nearest")


def _forgiving(stream: TextIO | None, descriptor: int, errors: str) -> TextIO:
    """The same stream, but forgiving; None is one that was closed."""
    if isinstance(stream, io.TextIOWrapper) and stream.isatty():
        buffer = stream.buffer
    else:
        buffer = io.BufferedWriter(_Forgiving(descriptor, "w", closefd=False))
    kind = _Nearest if errors == "nearest" else io.TextIOWrapper
    return kind(
        buffer, encoding=getattr(stream, "encoding", None) or "utf-8", errors=errors,
        line_buffering=descriptor == _STDERR or buffer.isatty(),
    )  # fmt: skip


def _to_nowhere(descriptor: int) -> None:
    """Let what is written from now on disappear."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
