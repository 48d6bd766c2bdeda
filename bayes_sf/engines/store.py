"""Fits from NUTS kept in files: each is whole or not there, and is found again by what it answers.

A file is named by model, outcome and a digest of specification, data, seed and settings. It holds
draws, the sampler's account and, of a Gaussian random-intercept model, the exact posterior's
moments: nothing of any workplace, and nothing of groups that were to be hidden. It is written in
memory, then put in its place in one step, so that an interruption or a full disk leaves the old
file, or none.

The file is NetCDF (HDF5), and behind that one line with the version of these files and the digest
of all that stands before it: a bit that has changed since is noticed, wherever it is. NetCDF's own
readers look at no more than their part.
"""

import hashlib
import io
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_sf.engines.fit import fit, gaps_of, moments_of, rows_of
from bayes_sf.engines.gaussian.likelihood import standardise
from bayes_sf.engines.result import Provenance, Result
from bayes_sf.engines.sampled.cells import resolve_all
from bayes_sf.engines.sampled.nuts import SETTINGS, Sampled
from bayes_sf.engines.sampled.structure import score_moments
from bayes_sf.errors import DataError, OutputError
from bayes_sf.folder import write_files
from bayes_sf.spec.model import ModelSpec

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["SavedFit", "fit_saved", "load_fit", "name_of", "save_fit", "without_groups"]

#: Version of the files. One of another version is not read: in the second, group intercepts of a
#: varying slope were at the predictor's mean, now they are at its zero.
_FORMAT = 3
_SEAL = re.compile(rb"\nbayes-sf fit, format (\d+), sha256 ([0-9a-f]{64})\n")
_SEAL_LENGTH = len(b"\nbayes-sf fit, format 3, sha256 \n") + 64
#: A name as `name_of` gives it.
_NAMED = re.compile(r"-([0-9a-f]{12})\.nc$")
_GROUPS = {"posterior", "sample_stats"}
_EXACT = "exact"
#: What a file says of itself, beside its draws.
_ABOUT = {
    "format", "model", "outcome", "predictors", "group", "unit", "priors", "n", "settings",
    "provenance", "requested", "hidden",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class SavedFit:
    """A fit read from a file.

    Parameters
    ----------
    tree : xarray.DataTree
        Groups ``posterior``, ``sample_stats`` and, where it is known, ``exact``, in memory.
    about : mapping
        ``model, outcome, predictors, group, unit, priors, n, settings, provenance`` and what was
        ``requested`` of the sampler before any retry.
    """

    tree: "xr.DataTree"
    about: Mapping[str, Any]


def name_of(spec: ModelSpec, data: str, seed: int) -> str:
    """Name of a fit's file.

    Parameters
    ----------
    spec : ModelSpec
        The model.
    data : str
        Digest of its moments, or of its rows where moments are not enough.
    seed : int
        Seed.

    Examples
    --------
    >>> name_of(ModelSpec("absence_mean", ("q13",)), "0123456789abcdef", 1)[:17]
    'q13-absence_mean-'
    """
    readable = re.sub(r"[^\w.-]+", "_", f"{spec.name}-{spec.outcome}")[:80]
    return f"{readable}-{_key(spec.digest, data, seed, SETTINGS)}.nc"


def _key(spec: str, data: str, seed: int, settings: Mapping[str, Any]) -> str:
    """What a fit answers, as the end of its file's name."""
    asked = json.dumps([_FORMAT, spec, data, seed, dict(settings)])
    return hashlib.sha256(asked.encode()).hexdigest()[:12]


def save_fit(
    result: Result, folder: Path, hide: Collection[str] = (), *, rough: bool = False
) -> Path:
    """Write a fit from NUTS as NetCDF.

    Parameters
    ----------
    result : Result
        Of engine ``nuts``.
    folder : pathlib.Path
        An existing folder.
    hide : collection of str
        Groups whose draws are left out.
    rough : bool
        Whether the exact moments and the densities of draws are left out: in full they are
        equations in what is hidden.

    Raises
    ------
    OutputError
        When it cannot be written; then nothing has changed in the folder.
    """
    spec, come_from = result.spec, result.provenance
    about = {
        "format": _FORMAT, "model": spec.name, "outcome": spec.outcome,
        "predictors": spec.predictors, "group": spec.group, "unit": spec.unit,
        "priors": str(result.priors), "n": result.moments.n_obs,
        "settings": dict(result.fitted.settings), "requested": dict(SETTINGS),
        "hidden": sorted(hide),
        "provenance": {
            key: dict(value) if key == "versions" else value
            for key, value in vars(come_from).items()
            if key not in {"gaps", "sets"}  # gaps are counted again; sets are not sampled
        },
    }  # fmt: skip
    tree = without_groups(result.fitted.tree, spec.group, hide)
    if rough:
        tree = _without_densities(tree)
    for node in tree.subtree:
        node.attrs = {}
        for labels in node.coords.values():
            if any("\0" in label for label in labels.values.flat if isinstance(label, str)):
                where, rule = f"fit of {spec.name}", "is saved with names without NUL characters"
                raise OutputError(where, rule, fix="rename the groups that have one")
    tree.attrs = {"bayes_sf": json.dumps(about, ensure_ascii=False)}
    content = bytes(tree.to_netcdf(engine="h5netcdf"))
    name = name_of(spec, come_from.data, come_from.seed or 0)
    return write_files(folder, {name: content + _seal(content)}, private=[name])[0]


def _seal(content: bytes) -> bytes:
    """Version and digest of a file's content."""
    digest = hashlib.sha256(content).hexdigest()
    return f"\nbayes-sf fit, format {_FORMAT}, sha256 {digest}\n".encode()


def without_groups(tree: "xr.DataTree", dim: str, hide: Collection[str]) -> "xr.DataTree":
    """Draws without those of some groups.

    Parameters
    ----------
    tree : xarray.DataTree
        Draws.
    dim : str
        The dimension of groups.
    hide : collection of str
        Its values that are left out.
    """
    import xarray as xr

    kept = {}
    for node in tree.subtree:
        found = node.to_dataset(inherit=False)
        if hide and dim in found.dims:
            found = found.sel({dim: [str(g) not in hide for g in found[dim].to_numpy()]})
        kept[node.path] = found
    return xr.DataTree.from_dict(kept)


def _without_densities(tree: "xr.DataTree") -> "xr.DataTree":
    """Draws without what is known of them beside themselves."""
    import xarray as xr

    kept = {}
    for node in tree.subtree:
        if node.path != f"/{_EXACT}":
            found = node.to_dataset(inherit=False)
            if "energy" in found:  # E-BFMI is of its differences
                found = found.assign(energy=found["energy"] - found["energy"].mean())
            kept[node.path] = found.drop_vars([name for name in _DENSITIES if name in found])
    return xr.DataTree.from_dict(kept)


#: Densities of draws.
_DENSITIES = ("lp", "energy_error", "max_energy_error")


def load_fit(path: Path) -> SavedFit:
    """Read a file that `save_fit` wrote; it is closed again.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Raises
    ------
    DataError
        When there is no such file, it is none of these files or one of another version, a bit of it
        has changed, or it has the name of another fit. Any name that is no fit's is good.
    """
    import xarray as xr

    rule, fix = "must be a fit that bayes-sf fit --engine nuts has saved", "fit the model again"
    if not path.is_file():
        raise DataError(str(path), rule, got="no such file")
    content = _unsealed(path, path.read_bytes())
    try:
        with xr.open_datatree(io.BytesIO(content), engine="h5netcdf") as opened:
            tree = opened.load()
        about = json.loads(tree.attrs["bayes_sf"])
        whole = about.keys() == _ABOUT and tree.children.keys() - {_EXACT} == _GROUPS
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError) as error:
        raise DataError(str(path), rule, got=f"{type(error).__name__}: {error}", fix=fix) from error
    if not whole or about["format"] != _FORMAT:
        raise DataError(str(path), rule, got="a file of another kind or version", fix=fix)
    named, come_from = _NAMED.search(path.name), about["provenance"]
    key = _key(come_from["spec"], come_from["data"], come_from["seed"] or 0, about["requested"])
    if named and named[1] != key:
        raise DataError(
            str(path), "must have the name that it was saved under, or one that is no fit's",
            got=path.name, fix=f"it is the fit {key} of {about['model']}: give it its name back",
        )  # fmt: skip
    return SavedFit(tree, about)


def _unsealed(path: Path, found: bytes) -> bytes:
    """Content of a file, once its digest is seen to be right."""
    rule, fix = "must be a fit that bayes-sf fit --engine nuts has saved", "fit the model again"
    content, end = found[:-_SEAL_LENGTH], found[-_SEAL_LENGTH:]
    seal = _SEAL.fullmatch(end)
    if seal is None:
        got = "no digest at its end: not whole, or of an earlier version"
        raise DataError(str(path), rule, got=got, fix=fix)
    if end != _seal(content):
        version = int(seal[1])
        got = f"format {version}" if version != _FORMAT else "content that is not what was saved"
        rule = rule if version == _FORMAT else f"must be of format {_FORMAT}"
        raise DataError(str(path), rule, got=got, fix=fix)
    return content


def fit_saved(
    spec: ModelSpec,
    data: Any,
    folder: Path,
    *,
    prob: float = 0.95,
    seed: int = 1,
    resume: bool = True,
    hide: Collection[str] = (),
    rough: bool = False,
) -> tuple[Result, bool]:
    """Fit a model with NUTS and save it; or take it from where it was saved before.

    Parameters
    ----------
    spec, data, prob, seed
        As in `fit`.
    folder : pathlib.Path
        An existing folder for the files.
    resume : bool
        Whether a fit of the same specification, data, seed and settings is taken as it is. One
        that cannot be read is fitted again and replaced.
    hide : collection of str
        As in `save_fit`; a file that hides other groups is replaced.
    rough : bool
        As in `save_fit`.

    Returns
    -------
    result : Result
    resumed : bool
        Whether it was there.

    Raises
    ------
    OutputError
        When it cannot be saved.
    """
    if resume:
        saved = _find(spec, data, folder, prob=prob, seed=seed, hide=hide)
        if saved:
            return saved, True
    result = fit(spec, data, engine="nuts", prob=prob, seed=seed)
    save_fit(result, folder, hide, rough=rough)
    return result, False


def _find(
    spec: ModelSpec, data: Any, folder: Path, *, prob: float, seed: int, hide: Collection[str]
) -> Result | None:
    """Result from its file; None when the file is not there, not whole or another fit's.

    A panel model is fitted again: a file holds no workplace, and it is of them that it speaks.
    """
    if spec.models_gaps:
        return None
    rows = rows_of(spec, data)
    if spec.plain or rows is None:
        moments = moments_of(spec, data)[0][0] if rows is None else rows.moments
        digest = moments.digest
    else:
        moments, digest = score_moments(rows), rows.digest
    path = folder / name_of(spec, digest, seed)
    if not path.exists():
        return None
    try:
        saved = load_fit(path)
    except DataError:
        return None
    provenance = Provenance(**saved.about["provenance"], gaps=gaps_of(data, rows))
    found = (provenance.spec, provenance.data, provenance.seed, saved.about["requested"])
    asked = (spec.digest, digest, seed, dict(SETTINGS))
    if found != asked or saved.about["hidden"] != sorted(hide):
        return None
    priors = resolve_all(spec, standardise(moments))
    fitted = Sampled(moments, priors, saved.tree, saved.about["settings"])
    return Result(spec, "nuts", fitted, prob, provenance, rows)
