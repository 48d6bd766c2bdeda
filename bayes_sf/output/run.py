"""One run of a command: what it found, written as files and printed, in one place.

Every command ends in a `Run`. What is in it has passed disclosure control (`Passed`); files,
provenance, JSON, notice and last lines are made here for all of them.
"""

import hmac
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_sf.catalogue import said_of, speaking
from bayes_sf.disclosure.control import Control, Rules
from bayes_sf.disclosure.gate import Passed
from bayes_sf.engines.fit import versions
from bayes_sf.engines.result import Result
from bayes_sf.errors import legible
from bayes_sf.inputs.pseudonym import run_key
from bayes_sf.output.audit import notice, write_log
from bayes_sf.output.figures.page import DPI, coarsened, figure_files
from bayes_sf.output.files import json_text, write_files
from bayes_sf.output.formats.terminal import print_end, print_table
from bayes_sf.output.tables.table import Table
from bayes_sf.output.words.keys import own_frames, own_key
from bayes_sf.output.words.words import STATEMENTS, statement_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from rich.console import Console

__all__ = ["Asked", "Content", "Run", "described", "keyed"]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How a command was called, beside what it is asked.

    Parameters
    ----------
    source : {"published", "replica", "microdata"}
        Which data.
    rules : Rules
        Of disclosure control.
    seed : int
        Seed of everything random.
    progress : callable
        Wraps what is worked through.
    console : rich.console.Console or None
        Stderr, for the progress of a sampler.
    """

    source: str
    rules: Rules = field(default_factory=Rules)
    seed: int = 1
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter
    console: "Console | None" = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Content:
    """What a command says.

    Parameters
    ----------
    frames : mapping
        Stem of a CSV file, and key of the JSON object -> tidy frame.
    tables : sequence of Table
        What is printed.
    figures : mapping
        Stem of SVG and PNG files -> figure.
    texts : mapping
        Other files.
    lines : sequence of str
        What is printed below the tables.
    after : sequence of str
        What is printed last.
    about : mapping
        What `provenance.json` says beside source, statement, versions and platform.
    said : mapping
        Further keys of the JSON object; a frame's key takes this in its place.
    unsaid : sequence of str
        Frames that are too long for the JSON object: they are files only.
    more : int
        Models that are in the files and not printed.
    statement : str
        Whose figures these are, in English, where that is not the data's own statement.
    printed : callable, optional
        Prints to a console in place of the statement and the tables.
    tight : bool
        Whether figures are cut to what is drawn: those that ArviZ lays out.
    dpi : int
        Dots of PNG files for an inch.
    private : sequence of str
        Files that hold microdata or pseudonyms: their owner alone may read them.
    """

    frames: "Mapping[str, pd.DataFrame]" = field(default_factory=dict)
    tables: Sequence[Table] = ()
    figures: "Mapping[str, Figure]" = field(default_factory=dict)
    texts: Mapping[str, str | bytes] = field(default_factory=dict)
    lines: Sequence[str] = ()
    after: Sequence[str] = ()
    about: Mapping[str, Any] = field(default_factory=dict)
    said: Mapping[str, Any] = field(default_factory=dict)
    unsaid: Sequence[str] = ()
    more: int = 0
    statement: str = ""
    printed: "Callable[[Console], None] | None" = None
    tight: bool = False
    dpi: int = DPI
    private: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class Run:
    """What a command found, ready to leave.

    Parameters
    ----------
    asked : Asked
    control : Control
        Disclosure control of the data.
    passed : Passed of Content
        What has passed it; its log is that of the run.
    failed : sequence of Result
        Models that were written and must not be believed.
    withheld : sequence of str
        Files of which nothing could be shown.
    """

    asked: Asked
    control: Control
    passed: Passed[Content]
    failed: Sequence[Result] = ()
    withheld: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Take nothing that has not come through the gate."""
        assert isinstance(self.passed, Passed), "disclosure control makes what a run may hold"

    @property
    def content(self) -> Content:
        """What is written and printed."""
        return self.passed.shown

    @property
    def disclosure(self) -> str:
        """What disclosure control did, in a line."""
        return notice(self.control, self.passed.log)

    @property
    def provenance(self) -> dict[str, Any]:
        """Where every figure comes from."""
        about = keyed(self.content.about) if self.control.microdata else self.content.about
        return {
            **about, "source": self.asked.source,
            "statement": self.content.statement or STATEMENTS[self.asked.source],
            "seed": self.asked.seed, "versions": versions(), "platform": platform.platform(),
        }  # fmt: skip

    def write(self, folder: Path) -> tuple[Path, ...]:
        """Write all files, or none; the log of disclosure control before, and beside the folder.

        Parameters
        ----------
        folder : pathlib.Path
            An existing folder.
        """
        files: dict[str, str | bytes] = {
            f"{name}.csv": str(frame.to_csv(index=False, lineterminator="\n"))
            for name, frame in own_frames(self.content.frames).items()
        }
        files |= self.content.texts
        files["provenance.json"] = json_text(self.provenance)
        for name, figure in self.content.figures.items():
            drawn = coarsened(figure) if self.control.active else figure
            files |= figure_files(name, drawn, tight=self.content.tight, dpi=self.content.dpi)
        private = self.content.private if self.control.microdata else ()
        log = write_log(folder, self.control, self.passed.log, files)
        return (*write_files(folder, files, private=private), *log)

    def show(self, console: "Console", files: Sequence[Path], *, as_json: bool) -> None:
        """Print the tables, or one JSON object.

        Parameters
        ----------
        console : rich.console.Console
            Stdout.
        files : sequence of pathlib.Path
            What was written.
        as_json : bool
            One object with a key for each frame, what else is said, ``provenance``,
            ``disclosure`` and ``files``.
        """
        content = self.content
        if as_json:
            frames = {
                name: frame.to_dict("records")
                for name, frame in own_frames(content.frames).items()
                if name not in map(own_key, content.unsaid)
            }
            with speaking("en"):  # as all that programs read
                disclosure = self.disclosure
            end = {
                "provenance": self.provenance, "disclosure": disclosure,
                "files": [str(path) for path in files],
            }  # fmt: skip
            said = keyed(content.said) if self.control.microdata else content.said
            console.file.write(json_text({**frames, **said, **end}))
            return
        if content.printed is not None:
            content.printed(console)
        else:
            said = str(said_of(content.statement)) or statement_of(self.asked.source)
            console.print(said, style="bold")
        for table in content.tables:
            print_table(console, table)
        console.print()
        for line in content.lines:
            console.print(legible(line), markup=False, highlight=False)
        print_end(console, files, disclosure=self.disclosure, more=content.more)
        for line in content.after:
            console.print(legible(line), soft_wrap=True)


def keyed(about: Any) -> Any:
    """Replace digests of microdata by such as only this process could make.

    Who guesses data could try whether they have a plain digest.

    Parameters
    ----------
    about : mapping, list or anything else
        Digests are under the key ``data``.
    """
    if isinstance(about, Mapping):
        return {
            key: hmac.digest(run_key(), value.encode(), "sha256")[:8].hex()
            if key in _DIGESTS and isinstance(value, str) else keyed(value)
            for key, value in about.items()
        }  # fmt: skip
    return [keyed(value) for value in about] if isinstance(about, list | tuple) else about


#: What digests of data are called.
_DIGESTS = frozenset({"data", "digest"})


def described(result: Result) -> dict[str, Any]:
    """A model's line of provenance.

    Parameters
    ----------
    result : Result
    """
    return {
        "model": result.spec.name, "outcome": result.spec.outcome, "unit": result.spec.unit,
        "predictors": result.spec.predictors, "engine": result.engine,
        "priors": str(result.priors or "none"), "n": result.moments.n_obs,
        "spec": result.provenance.spec, "data": result.provenance.data,
        "seconds": round(result.provenance.seconds, 4), "converged": result.converged,
    }  # fmt: skip
