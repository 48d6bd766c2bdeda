"""Standard output and error as commands need them: no reader, terminal or encoding ends a run.

What a terminal's encoding cannot show is replaced by what comes nearest in ASCII (a hyphen for a
minus sign), or else by a question mark; in JSON by its escape, so that nothing is lost. A reader
that goes away (``| head -1``) has what it wanted: the run goes on to its end and to its own exit
code. A stream that was closed from the start takes what is written, as ``/dev/null`` does.
"""

import codecs
import io
import os
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
    "“": '"', "”": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "′": "'", "ø": "o", "Ø": "O",
    "æ": "ae", "Æ": "AE", "ß": "ss", "ð": "d", "þ": "th", "ł": "l", "đ": "d",
    "σ": "sigma", "τ": "tau", "λ": "lambda", "ω": "omega", "β": "beta", "Δ": "Delta", "µ": "u",
    "━": "-", "─": "-", "│": "|", "█": "#", "░": ".", "✓": "+", "✔": "+", "✗": "x",
}  # fmt: skip


def nearest(error: UnicodeError) -> tuple[str, int]:
    """Replace characters that an encoding lacks: see `codecs.register_error`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain, error.object[error.start : error.end])), error.end


def _plain(character: str) -> str:
    """Nearest in ASCII, or a question mark; accents and widths that only Unicode has go."""
    if character in _NEAREST:
        return _NEAREST[character]
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return plain or "?"


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
    codecs.register_error("nearest", nearest)
    codecs.register_error("escaped", escaped)
    if sys.stdout is sys.__stdout__:  # not what a test or a notebook has put there
        sys.stdout = _forgiving(sys.stdout, _STDOUT, "escaped" if as_json else "nearest")
    if sys.stderr is sys.__stderr__:
        sys.stderr = _forgiving(sys.stderr, _STDERR, "nearest")


def _forgiving(stream: TextIO | None, descriptor: int, errors: str) -> TextIO:
    """The same stream, but forgiving; None is one that was closed."""
    if isinstance(stream, io.TextIOWrapper) and stream.isatty():
        stream.reconfigure(errors=errors)
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(_Forgiving(descriptor, "w", closefd=False)),
        encoding=getattr(stream, "encoding", None) or "utf-8",
        errors=errors,
        line_buffering=descriptor == _STDERR,
    )


def _to_nowhere(descriptor: int) -> None:
    """Let what is written from now on disappear."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
