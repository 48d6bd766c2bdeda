"""Ctrl-C: whatever a library makes of it, a command knows that it was interrupted."""

import _thread
import atexit
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bayes_sf.inputs.register.connection import stop_queries

__all__ = ["heed_interrupts", "interrupted", "leaving_when_interrupted"]

_times: list[int] = []


def interrupted() -> bool:
    """Whether there was a Ctrl-C since `heed_interrupts`.

    DuckDB, say, ends a query then with an error of its own.
    """
    return bool(_times)


def heed_interrupts() -> None:
    """Note every Ctrl-C, and raise KeyboardInterrupt as Python does; at the very end ignore it.

    A process that was started to ignore Ctrl-C, in the background, goes on ignoring it.
    """
    _times.clear()
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _note)
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
        sys.unraisablehook = _again(sys.unraisablehook)


def _note(number: int, frame: Any) -> None:
    """Note a Ctrl-C, stop the queries that run, and raise it."""
    _times.append(number)
    stop_queries()
    signal.default_int_handler(number, frame)


def _again(before: Callable[[Any], object]) -> Callable[[Any], object]:
    """Raise it again where Python cannot: it fell into the clearing away of an object."""

    def hook(what: "sys.UnraisableHookArgs") -> None:
        if issubclass(what.exc_type, KeyboardInterrupt):
            threading.Timer(0.01, _thread.interrupt_main).start()
        else:
            before(what)

    return hook


@contextmanager
def leaving_when_interrupted() -> Iterator[None]:
    """Leave as a command does when Ctrl-C comes while it is still being loaded."""
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write("bayes-sf: interrupted\n")
        sys.exit(130)
