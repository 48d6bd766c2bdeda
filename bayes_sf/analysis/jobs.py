"""The same work on many parts, in this process or in several: the same answers in the same order.

Examples
--------
>>> list(in_parts(divmod, 7, [2, 3]))
[(3, 1), (2, 1)]
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from threading import Thread
from typing import Any

from bayes_sf.errors import UsageError
from bayes_sf.inputs.codebook import Codebook, load_codebook, using
from bayes_sf.threads import THREADS

__all__ = ["check_jobs", "in_parts"]

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
        When a process was killed, for lack of memory say.
    """
    check_jobs(jobs)
    if jobs == 1 or len(parts) < 2:
        for part in progress(parts):
            yield work(shared, part)
        return
    with (
        _one_thread_each(),
        ProcessPoolExecutor(
            jobs,
            multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(work, shared, load_codebook() if load_codebook().nouns else None),
        ) as pool,
    ):
        answers = pool.map(_do, parts)
        try:
            for _ in progress(parts):
                yield next(answers)
        except BrokenProcessPool:
            raise UsageError(
                "jobs", "needs all of its processes", got="one that was killed",
                fix="use fewer, each needs memory of its own",
            ) from None  # fmt: skip
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
