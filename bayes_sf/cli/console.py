"""Where commands print: results to stdout, progress to stderr; and how they refuse a result."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from bayes_sf.errors import ConvergenceError

if TYPE_CHECKING:
    from rich.console import Console

    from bayes_sf.engines.result import Result

__all__ = ["announce", "progress_bar", "refuse", "stderr", "stdout"]


def refuse(failed: "Sequence[Result]") -> None:
    """Leave with exit code 4 when results were written that must not be believed."""
    if failed:
        shown = ", ".join(f"{result.spec.name} of {result.spec.outcome}" for result in failed[:3])
        raise ConvergenceError(
            "nuts", "must reach R-hat < 1.01, ESS >= 400 and no divergence in every model",
            got=f"{len(failed)} that do not: {shown}" + (", ..." if len(failed) > 3 else ""),
            fix="use --engine exact, or a tighter prior on sd_group; the files mark them",
        )  # fmt: skip


def stdout() -> "Console":
    """Results: stdout, as wide as the terminal or COLUMNS says; else wide enough for the tables."""
    from rich.console import Console

    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) == 0:  # some shells say so; nothing would be shown
        return Console(width=120, soft_wrap=False)
    told = sys.stdout.isatty() or columns.isdecimal()
    return Console(width=None if told else 120, soft_wrap=False)


def stderr(*, quiet: bool) -> "Console":
    """Progress: stderr, silent with --quiet."""
    from rich.console import Console

    return Console(stderr=True, quiet=quiet, force_terminal=False if quiet else None)


def announce(text: str, *, quiet: bool) -> None:
    """Say on stderr what takes a while; nothing with --quiet or where stderr is no terminal."""
    if not quiet and sys.stderr.isatty():
        sys.stderr.write(f"{text}\n")


def progress_bar(*, quiet: bool) -> Callable[[Iterable[Any]], Iterable[Any]]:
    """Show a progress bar on stderr; nothing with --quiet or where stderr is no terminal."""

    def wrap(items: Iterable[Any]) -> Iterator[Any]:
        listed = list(items)
        if quiet or not sys.stderr.isatty():
            yield from listed
            return
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
            TimeRemainingColumn(elapsed_when_finished=True), TextColumn("left"),
        )  # fmt: skip
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            yield from progress.track(listed, description="fitting")

    return wrap
