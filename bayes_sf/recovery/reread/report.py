r"""A whole folder of printed results, re-read model by model.

Examples
--------
>>> import pathlib, tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     toml = 'schema = 1\n[models.null]\nicc = "0.21"\nn = 1840\ngroups = 44\n'
...     _ = (pathlib.Path(folder) / "study.toml").write_text(toml, encoding="utf-8")
...     found = reread(folder)
>>> found["null"].level, round(found["null"].icc.median, 2)
('iii', 0.22)
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bayes_sf.engines.options import check_numbers
from bayes_sf.errors import UsageError
from bayes_sf.inputs.printed.folder import PublishedReport, read_published
from bayes_sf.inputs.variables import unknown_key
from bayes_sf.recovery.reread.model import RereadModel, reread_model
from bayes_sf.recovery.reread.null import IccPosterior
from bayes_sf.spec.priors import Priors

__all__ = ["Reread", "reread"]


@dataclass(frozen=True, eq=False)
class Reread(Mapping[str, RereadModel]):
    """Models of a report, re-read; found by name.

    Parameters
    ----------
    report : PublishedReport
    items_ : mapping of str to RereadModel
    priors : Priors
    prob : float
        Probability of the intervals.
    """

    report: PublishedReport
    items_: Mapping[str, RereadModel]
    priors: Priors
    prob: float

    def __getitem__(self, key: str) -> RereadModel:
        """A model; an unknown name says which there are."""
        if key not in self.items_:
            raise unknown_key("reread", "has no such model", str(key), self.items_)
        return self.items_[key]

    def __iter__(self) -> Iterator[str]:
        """Names in the order of the folder."""
        return iter(self.items_)

    def __len__(self) -> int:
        """Number of models."""
        return len(self.items_)

    @property
    def iccs(self) -> dict[str, IccPosterior]:
        """ICC of every model that has one."""
        return {name: model.icc for name, model in self.items_.items() if model.icc}


def reread(
    what: Path | str | PublishedReport,
    *,
    models: Sequence[str] | None = None,
    priors: Priors | None = None,
    prob: float = 0.95,
    seed: int = 1,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> Reread:
    """Re-read the models of a folder of printed results.

    Parameters
    ----------
    what : path or PublishedReport
        The folder, or what `read_published` made of it.
    models : sequence of str, optional
        Names of those that are wanted; all by default.
    priors : Priors, optional
        The usual ones by default.
    prob : float
        Probability of the (equal-tailed credible) intervals.
    seed : int
        Seed of what is drawn.
    progress : callable
        Wraps the models.

    Returns
    -------
    Reread
        A mapping from names to `RereadModel`.

    Raises
    ------
    DataError
        For a folder that breaks a rule.
    UsageError
        For an unknown model, or numbers that cannot be.
    """
    check_numbers(prob=prob, seed=seed)
    report = what if isinstance(what, PublishedReport) else read_published(what)
    if isinstance(models, str):
        raise UsageError("models", "must be a list of names", got=models, fix=f"write [{models!r}]")
    for name in models or ():
        if name not in report.models:
            raise unknown_key("models", "no such model in the folder", str(name), report.models)
    used = priors or Priors()
    used.check_names(())
    names = list(report.models if models is None else dict.fromkeys(models))
    found = {
        name: reread_model(report, report.models[name], priors=used, level=prob, seed=seed)
        for name in progress(names)
    }
    return Reread(report, found, used, prob)
