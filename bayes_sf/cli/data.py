"""Which data a command works on, and how they are read."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bayes_sf.errors import UsageError

if TYPE_CHECKING:
    from bayes_sf.disclosure.control import Rules
    from bayes_sf.inputs.sample import AnalysisSample
    from bayes_sf.recovery.study import PublishedStudy

__all__ = [
    "load_study", "load_workplaces", "rules_of", "say_problems", "source_of",
]  # fmt: skip


def source_of(
    data: str | None,
    survey: Path | None,
    register: list[Path] | None,
    known: tuple[str, ...] = ("published", "replica"),
) -> str:
    """Which data: the first of those known by default, or files of one's own, never both."""
    own = survey is not None or bool(register)
    if own and data is not None:
        raise UsageError("--data", "goes without --survey and --register", got=data)
    if own and not (survey is not None and register):
        raise UsageError(
            "--survey and --register", "go together",
            got="only one of them", fix="give the survey and at least one register extract",
        )  # fmt: skip
    if data is not None and data not in known:
        fix = "or give --survey and --register: the published tables have no workplaces"
        raise UsageError(
            "--data", f"must be {' or '.join(known)}", got=data,
            fix=fix if data == "published" else "",
        )  # fmt: skip
    return "microdata" if own else data or known[0]


def load_workplaces(
    source: str,
    survey: Path | None,
    register: list[Path] | None,
    mapping: Path | None,
    key: bytes | None = None,
    *,
    decimal: str | None = None,
    backend: str | None = None,
    rules: "Rules | None" = None,
) -> "AnalysisSample":
    """Load the replica's workplaces, or files of one's own, and say what is odd in them."""
    from bayes_sf.disclosure.control import Rules
    from bayes_sf.inputs.sample import load_sample

    if source == "replica":
        _refuse_unused(mapping, decimal, backend)
        sample = load_sample("replica", key=key)
    else:
        sample = load_sample(
            survey=survey, register=register or [], mapping=mapping, decimal=decimal, key=key,
            backend=backend,
        )  # fmt: skip
    say_problems(sample, rules or Rules())
    return sample


def say_problems(sample: "AnalysisSample", rules: "Rules") -> None:
    """Say what is odd in the files of a sample."""
    from bayes_sf.disclosure.protected_flow import hide_few
    from bayes_sf.output.words.problems import problem_notice

    least = rules.min_workplaces if sample.source == "microdata" and rules.active else 1
    if found := problem_notice(hide_few(sample.problems, least)):
        sys.stderr.write(f"{found}\n")


def _refuse_unused(mapping: Path | None, decimal: str | None, backend: str | None) -> None:
    """Refuse what says how files of one's own are read, where there are none."""
    files = (("--map", mapping), ("--decimal", decimal), ("--backend", backend))
    for option, given in files:
        if given is not None:
            raise UsageError(option, "goes with --survey and --register", got=str(given))


def load_study(
    source: str,
    survey: Path | None,
    register: list[Path] | None,
    mapping: Path | None,
    seed: int,
    *,
    decimal: str | None = None,
    backend: str | None = None,
    rules: "Rules | None" = None,
    key: bytes | None = None,
) -> "PublishedStudy | AnalysisSample":
    """Load the published study, the replica, or files of one's own."""
    if source != "published":
        return load_workplaces(
            source, survey, register, mapping, key, decimal=decimal, backend=backend, rules=rules
        )
    _refuse_unused(mapping, decimal, backend)
    from bayes_sf.recovery.study import recover_study

    return recover_study(seed=seed)


def rules_of(
    active: bool, workplaces: int, persons: int, dominance: tuple[float, float, float]
) -> "Rules":
    """Make the rules of disclosure control from a command's options."""
    from bayes_sf.disclosure.control import Rules

    return Rules(workplaces, persons, dominance, active)
