"""Progress of the sampler on stderr: chains, draws per second and divergences."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bayes_sf.engines.sampled.nuts import watch

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["show_sampling"]


@contextmanager
def show_sampling(console: "Console | None", models: int) -> Iterator[Callable[[str], None]]:
    """Show bars of the models and of every chain while the block runs.

    Parameters
    ----------
    console : rich.console.Console or None
        Stderr; nothing is shown where it is no terminal.
    models : int
        How many are fitted.

    Yields
    ------
    callable
        Of a model's name, to be called when it begins.
    """
    if console is None or not console.is_terminal:
        yield lambda _: None
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TimeRemainingColumn(), TextColumn("left {task.fields[speed]}"),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as progress:
        overall = progress.add_task("models", total=models, completed=-1, speed="")
        chains: list[Any] = []

        def begin(name: str) -> None:
            progress.update(overall, description=name, advance=1)

        def update(found: list[Any]) -> None:
            while len(chains) < len(found):
                chains.append(progress.add_task(f"  chain {len(chains) + 1}", speed=""))
            for task, chain in zip(chains, found, strict=False):
                progress.update(
                    task, total=chain.total_draws, completed=chain.finished_draws,
                    speed=_speed(chain),
                )  # fmt: skip

        with watch(update):
            yield begin


def _speed(chain: Any) -> str:
    """Draws per second and divergences of a chain, as nutpie tells them."""
    per_second = 1000 * chain.finished_draws / max(chain.runtime_ms, 1)
    diverged = f", {chain.divergences} divergences" if chain.divergences else ""
    return f"{per_second:.0f} draws/s{diverged}"
