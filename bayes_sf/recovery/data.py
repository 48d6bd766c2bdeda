"""Data that analyses are fitted to: the published study, the replica, or files of one's own."""

from typing import Any, Literal, cast

from bayes_sf.errors import UsageError
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.inputs.sample import load_sample as load_microdata
from bayes_sf.recovery.study import PublishedStudy, recover_study

__all__ = ["load_sample"]

#: Options of `load_sample`: of the published study, of the replica, of files of one's own.
_OPTIONS: dict[str | None, tuple[str, ...]] = {
    "published": ("seed", "draws"),
    "replica": ("key",),
    None: ("survey", "register", "mapping", "decimal", "key", "backend"),
}


def load_sample(name: str | None = None, **files: Any) -> "PublishedStudy | AnalysisSample":
    """Load the data that analyses are fitted to.

    Parameters
    ----------
    name : str, optional
        ``published``: the real study, recovered from its published tables; ``replica``: the
        bundled synthetic workplaces.
    **files
        ``survey=``, ``register=[...]``, ``mapping=``, ``decimal=``, ``key=`` and ``backend=``, for
        microdata of your own; ``seed=`` and ``draws=`` for ``published``; ``key=`` for ``replica``.

    Returns
    -------
    PublishedStudy or AnalysisSample
        Either goes into `fit`.

    Raises
    ------
    UsageError
        For an unknown name, or an option that these data have no use for.
    DataError
        For files that break a rule.
    """
    if name is not None and name not in _OPTIONS:
        rule = "must name a bundled sample: published or replica"
        raise UsageError("load_sample", rule, got=name)
    known = _OPTIONS[name]
    for key in files:
        if key not in known:
            what = f"load_sample({name!r})" if name else "load_sample"
            rule = f"is no option of it (known: {', '.join(known)})"
            raise UsageError(f"{what}: {key}", rule)
    if name == "published":
        return recover_study(**files)
    return load_microdata(cast("Literal['replica'] | None", name), **files)
