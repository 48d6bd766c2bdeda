"""Options that commands share, as one decorator: which data, what is hidden, where results go."""

import functools
import inspect
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_sf.cli.console import progress_bar, refuse, stderr, stdout
from bayes_sf.cli.data import (
    load_study,
    load_workplaces,
    rules_of,
    say_problems,
    source_of,
)
from bayes_sf.cli.options import (
    BackendOption,
    ControlOption,
    DataOption,
    DecimalOption,
    DominanceOption,
    JsonOption,
    LangOption,
    LedgerKeyOption,
    LedgerOption,
    MapOption,
    OutOption,
    OwnStudyOption,
    PersonsOption,
    QuietOption,
    RegisterOption,
    SeedOption,
    SurveyOption,
    ThresholdOption,
    WorkplacesOption,
)
from bayes_sf.errors import OutcomeWarning, UsageError, veil_data

if TYPE_CHECKING:
    from rich.console import Console

    from bayes_sf.disclosure.control import Control, Rules
    from bayes_sf.disclosure.learnt.ledger import Ledger
    from bayes_sf.inputs.own_study.folder import OwnStudy
    from bayes_sf.inputs.sample import AnalysisSample
    from bayes_sf.output.run import Asked, Run
    from bayes_sf.recovery.study import PublishedStudy

__all__ = ["HIDING", "LEDGER", "OWN", "STUDY", "WORKPLACES", "Given", "with_options", "writing"]


def _option(name: str, kind: Any, default: Any) -> inspect.Parameter:
    """One shared option."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


_FILES = (
    _option("survey", SurveyOption, None), _option("register", RegisterOption, None),
    _option("mapping", MapOption, None), _option("decimal", DecimalOption, None),
    _option("backend", BackendOption, None),
)  # fmt: skip
#: Data of any kind; and those that have workplaces.
STUDY = (_option("data", DataOption, None), *_FILES)
WORKPLACES = (_option("data", WorkplacesOption, None), *_FILES)
#: A study of one's own, of commands that speak of any.
OWN = (_option("own_study", OwnStudyOption, None),)
#: Disclosure control.
HIDING = (
    _option("disclosure_control", ControlOption, True),
    _option("min_workplaces", ThresholdOption, 3), _option("min_persons", PersonsOption, 5),
    _option("dominance", DominanceOption, (75.0, 90.0, 10.0)),
)  # fmt: skip
#: What has left before: of commands from which models leave.
LEDGER = (_option("ledger", LedgerOption, None), _option("ledger_key", LedgerKeyOption, None))


#: What disclosure control alone asks for.
_OF_CONTROL = {
    "min_workplaces": "--min-workplaces", "min_persons": "--min-persons",
    "dominance": "--dominance",
}  # fmt: skip
#: What `study.toml` says, and no option beside it.
_NOT_OF_A_STUDY = {
    "data": "--data", "survey": "--survey", "register": "--register", "mapping": "--map",
    "decimal": "--decimal", "backend": "--backend", **_OF_CONTROL,
}  # fmt: skip


def writing(folder: str, **has: bool) -> tuple[inspect.Parameter, ...]:
    """Options of what is written and printed, by default to `folder`; less those that are False."""
    options = (
        _option("out", OutOption, Path(folder)), _option("lang", LangOption, "en"),
        _option("as_json", JsonOption, False), _option("seed", SeedOption, 1),
        _option("quiet", QuietOption, False),
    )  # fmt: skip
    return tuple(option for option in options if has.get(option.name, True))


def _heard() -> Callable[..., None]:
    """Say on stderr, each once, what a study's outcomes are that a model is not made for."""
    told = set[str]()

    def hear(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        if str(message) not in told:
            told.add(str(message))
            start = "bayes-sf" if issubclass(category, OutcomeWarning) else category.__name__
            sys.stderr.write(f"{start}: {message}\n")

    return hear


def _rules_of_study(study: "OwnStudy", *, active: bool) -> "Rules":
    """Rules of a study of one's own."""
    from bayes_sf.disclosure.control import Rules

    return Rules.of(study, active=active)


@dataclass(kw_only=True)
class Given:
    """What shared options a command was called with; those that it does not have are as usual."""

    own_study: Path | None = None
    data: str | None = None
    survey: Path | None = None
    register: list[Path] | None = None
    mapping: Path | None = None
    decimal: str | None = None
    backend: str | None = None
    disclosure_control: bool = True
    min_workplaces: int = 3
    min_persons: int = 5
    dominance: tuple[float, float, float] = (75.0, 90.0, 10.0)
    ledger: Path | None = None
    ledger_key: Path | None = None
    out: Path = Path()
    lang: str = "en"
    as_json: bool = False
    seed: int = 1
    quiet: bool = False
    known: tuple[str, ...] = ("published", "replica")

    def __post_init__(self) -> None:
        """Refuse what cannot be meant before any work is done."""
        self.own: OwnStudy | None = None
        if not self.disclosure_control:
            self._refuse(_OF_CONTROL, "--no-disclosure-control", "nothing is hidden")
        if self.own_study is not None:
            self.own = self._read(self.own_study)
        self.source = (
            source_of(self.data, self.survey, self.register, self.known)
            if self.own is None else "microdata"
        )  # fmt: skip
        self.rules: Rules = (
            rules_of(self.disclosure_control, self.min_workplaces, self.min_persons, self.dominance)
            if self.own is None
            else _rules_of_study(self.own, active=self.disclosure_control)
        )
        if self.source != "microdata":
            self._refuse(_OF_CONTROL, f"--data {self.source}", "there is nobody in it to protect")
        self.rules = replace(self.rules, seed=self.seed)
        self.key: bytes | None = None
        self._new: list[Path] = []
        self._kept: Ledger | None = None
        if (self.ledger is None) != (self.ledger_key is None):
            raise UsageError("--ledger and --ledger-key", "go together", got="one of them")
        if self.ledger is not None and self.ledger_key is not None:
            if self.source != "microdata" or not self.rules.active:
                got = self.source if self.rules.active else "--no-disclosure-control"
                rule = "is of files of your own, under disclosure control"
                raise UsageError("--ledger", rule, got=got, fix="leave it out")
            self._open(self.ledger, self.ledger_key)

    def _read(self, folder: Path) -> "OwnStudy":
        """Read a study of one's own: nothing else says what the data are, or whom to protect."""
        from bayes_sf.inputs.own_study.folder import read_study

        self._refuse(_NOT_OF_A_STUDY, "--study", "study.toml says it")
        found = read_study(folder)
        if self.ledger is not None:
            found.check_named("--ledger")
        return found

    def _refuse(self, options: Mapping[str, str], beside: str, why: str) -> None:
        """Refuse options that were given beside one that leaves them without effect."""
        usual = {one.name: one.default for one in fields(Given)}
        for name, option in options.items():
            if getattr(self, name) != usual[name]:
                got = str(getattr(self, name))
                raise UsageError(beside, f"goes without {option}: {why}", got=got)

    def refuse_own(self, why: str) -> None:
        """Refuse a study of one's own where a command is about what it does not have."""
        if self.own is not None:
            raise UsageError("--study", why, got=str(self.own_study))

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """Speak of the study that is in use in its own words."""
        from bayes_sf.inputs.codebook import using

        with using(None if self.own is None else self.own.book), warnings.catch_warnings():
            if self.own is not None:
                warnings.filterwarnings("always", category=OutcomeWarning)
                warnings.showwarning = _heard()
            yield

    def _open(self, path: Path, key: Path) -> None:
        """Read what has left, and keep others from letting something out until this run has."""
        from bayes_sf.disclosure.learnt.ledger import Ledger

        self._kept = Ledger.of(path, key).__enter__()
        self.key, self.rules = self._kept.key, self.rules.after(self._kept)

    def note(self, control: "Control") -> None:
        """Put into the ledger what leaves, before it does."""
        if self._kept is not None:
            self._kept.add(control.left, command=" ".join(sys.argv[1:2]))

    def ready(self, *, page: bool = False) -> None:
        """Make the folder, before anything takes long; `page` where --out is a file in it."""
        from bayes_sf.output.audit import private_folder
        from bayes_sf.output.files import ready_folder

        whole = self.out.parent if page else self.out
        self._new = [place for place in (private_folder(self.out), whole) if not place.exists()]
        self.folder = ready_folder(whole)

    def clear(self) -> None:
        """Leave no folder behind that is new and has nothing in it."""
        for place in self._new:
            with suppress(OSError):
                place.rmdir()

    def study(self) -> "PublishedStudy | AnalysisSample":
        """Load the data, whatever they are."""
        if self.own is not None:
            return self.workplaces()
        found = load_study(
            self.source, self.survey, self.register, self.mapping, self.seed,
            decimal=self.decimal, backend=self.backend, rules=self.rules, key=self.key,
        )  # fmt: skip
        self._veil(found)
        return found

    def workplaces(self, key: bytes | None = None) -> "AnalysisSample":
        """Load workplaces, or the rows of a study of one's own."""
        if self.own is not None:
            found = self.own.sample
            say_problems(found, self.rules)
        else:
            found = load_workplaces(
                self.source, self.survey, self.register, self.mapping, key or self.key,
                decimal=self.decimal, backend=self.backend, rules=self.rules,
            )  # fmt: skip
        self._veil(found)
        return found

    def _veil(self, data: "PublishedStudy | AnalysisSample") -> None:
        """What was wrong in files has been said: no more is said of what they hold."""
        veil_data(self.rules.active and not getattr(data, "invented", self.source != "microdata"))

    @property
    def asked(self) -> "Asked":
        """The same for what is computed and written."""
        from bayes_sf.output.run import Asked

        return Asked(
            source=self.source, rules=self.rules, seed=self.seed,
            progress=progress_bar(quiet=self.quiet), console=self.console,
        )  # fmt: skip

    @property
    def console(self) -> "Console":
        """Stderr, for progress."""
        return stderr(quiet=self.quiet)

    def write(self, run: "Run") -> None:
        """Write a run, and print it."""
        self.note(run.control)
        run.show(stdout(), run.write(self.folder), as_json=self.as_json)

    def finish(self, run: "Run") -> None:
        """The same; then refuse what must not be believed, and what could not be shown."""
        self.write(run)
        self.refuse(run)

    def refuse(self, run: "Run") -> None:
        """Refuse what must not be believed (exit code 4), and what could not be shown (5)."""
        refuse(run.failed)
        from bayes_sf.disclosure.control import refuse_withheld

        refuse_withheld(run.withheld)


def with_options(
    *shared: tuple[inspect.Parameter, ...],
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command shared options: it takes them as one `given`, Typer sees each.

    Parameters
    ----------
    *shared : tuple of inspect.Parameter
        `STUDY` or `WORKPLACES`, `HIDING`, `LEDGER`, `writing(...)`.
    """
    options = [option for group in shared for option in group]
    known = ("replica",) if WORKPLACES in shared else ("published", "replica")

    def wrap(command: Callable[..., None]) -> Callable[..., None]:
        own = [p for p in inspect.signature(command).parameters.values() if p.name != "given"]

        @functools.wraps(command)
        def call(**values: Any) -> None:
            mine = {option.name: values.pop(option.name) for option in options}
            given = None
            try:
                given = Given(known=known, **mine)
                with given.speaking():
                    command(given=given, **values)
            finally:
                veil_data(False)
                if given is not None:
                    given.clear()

        # Typer reads a command's options from its signature and its annotations.
        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*own, *options)]
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        call.__annotations__ = {p.name: p.annotation for p in parameters}
        del call.__wrapped__
        return call

    return wrap
