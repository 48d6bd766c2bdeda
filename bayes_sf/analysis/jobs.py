"""The same work on many parts, in this process or in several: the same answers in the same order.

Examples
--------
>>> list(in_parts(divmod, 7, [2, 3]))
[(3, 1), (2, 1)]
"""

import multiprocessing
import os
import signal
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, Final

from bayes_sf.errors import JobsWarning, UsageError
from bayes_sf.inputs.codebook import Codebook, load_codebook, using
from bayes_sf.threads import THREADS

__all__ = ["check_jobs", "in_parts"]

#: How often processes are begun again, after one of them was killed.
_AGAIN: Final = 2
#: Where a warning is not said to come from.
_PACKAGE: Final = str(Path(__file__).resolve().parents[1])
#: What a worker does, and what all its parts share.
_given: list[Any] = []


def check_jobs(jobs: int) -> None:
    """Refuse what is no number of processes.

    Parameters
    ----------
    jobs : int
    """
    if isinstance(jobs, bool) or not isinstance(jobs, int) or not 1 <= jobs <= _most():
        rule = f"must be from 1 to {_most()}, the processors here"
        raise UsageError("--jobs", rule, got=jobs)


def _most() -> int:
    return os.process_cpu_count() or 1


def in_parts[S, P, R](
    work: Callable[[S, P], R],
    shared: S,
    parts: Sequence[P],
    *,
    jobs: int = 1,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> Iterator[R]:
    """Work through parts.

    Parameters
    ----------
    work : callable
        From what is shared and one part; in several processes a function of a module.
    shared : object
        Given to every process once.
    parts : sequence
    jobs : int
        Processes. Parts do not know of each other, so that answers do not depend on it.
    progress : callable
        Wraps the parts.

    Yields
    ------
    object
        Answers, in the order of the parts.

    Raises
    ------
    UsageError
        When processes were killed again and again, for lack of memory say.

    Warns
    -----
    JobsWarning
        When one was killed: answers that there are stay, and other processes go on with the rest.
    """
    check_jobs(jobs)
    if jobs == 1 or len(parts) < 2:
        for part in progress(parts):
            yield work(shared, part)
        return
    found: dict[int, Future[R]] = {}
    told = iter(progress(parts))
    next(told, None)
    place, killed = 0, 0
    while place < len(parts):
        with _processes(jobs, work, shared) as pool:
            try:
                for number in range(place, len(parts)):
                    if number not in found or not _has_answer(found[number]):
                        found[number] = pool.submit(_do, parts[number])
                while place < len(parts):
                    answer = found[place].result()
                    del found[place]
                    place += 1
                    next(told, None)
                    yield answer
            except BrokenProcessPool:
                killed += 1
                if killed > _AGAIN:
                    raise UsageError(
                        "jobs", "needs all of its processes",
                        got=f"some that were killed, {killed} times",
                        fix="use fewer, each needs memory of its own",
                    ) from None  # fmt: skip
                _say_again(place, len(parts))


def _has_answer(part: "Future[Any]") -> bool:
    """Whether a part was worked through before a process was killed."""
    return part.done() and not part.cancelled() and part.exception() is None


def _say_again(done: int, parts: int) -> None:
    """Say that a process was killed, and what becomes of its part."""
    warnings.warn(
        f"a process was killed, by somebody or for lack of memory: {done} of {parts} parts are "
        "done and kept, the others go on in new ones",
        JobsWarning, stacklevel=3, skip_file_prefixes=(_PACKAGE,),
    )  # fmt: skip


@contextmanager
def _processes(jobs: int, work: Callable[..., Any], shared: Any) -> Iterator[ProcessPoolExecutor]:
    """Processes that know what is shared; parts that wait when they are let go are never begun."""
    book = load_codebook() if load_codebook().nouns else None
    spawn = multiprocessing.get_context("spawn")
    with (
        _one_thread_each(),
        ProcessPoolExecutor(jobs, spawn, initializer=_begin, initargs=(work, shared, book)) as pool,
    ):
        try:
            yield pool
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let processes that begin now have one thread each; what the user has set stands.

    They have a core each: libraries that share theirs among threads would wait for each other.
    """
    added = [name for name in THREADS if name not in os.environ]
    os.environ |= dict.fromkeys(added, "1")
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


def _begin(work: Callable[..., Any], shared: Any, book: Codebook | None) -> None:
    """Begin a process, of the study that is in use: Ctrl-C is for the one that asked."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    using(book).__enter__()
    _given[:] = work, shared


def _end_with_parent() -> None:
    """End as soon as the one that asked is gone, killed say: it would be waited for for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _do(part: Any) -> Any:
    work, shared = _given
    return work(shared, part)
