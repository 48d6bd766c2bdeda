"""States of the study that were drawn before, kept on disk under a digest of all that makes them.

Drawing them takes most of the time of a command on the published study, and depends on its tables,
on this code, on NumPy, SciPy and a seed: nothing of a user's. They lie in the user's folder of
caches; BAYES_SF_CACHE names another folder, or is ``off``. What is there is read only if it is
whole; what cannot be written is not.
"""

import hashlib
import io
import os
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
import scipy

from bayes_sf.inputs import published
from bayes_sf.recovery.states import States
from bayes_sf.resources import data_dir

__all__ = ["keep_states", "kept_states"]

_PARTS = ("sizes", "means", "within")
_SHA = hashlib.sha256().digest_size


def kept_states(names: tuple[str, ...], seed: int, draws: int) -> tuple[States, ...] | None:
    """States that were kept; None where there are none, or a file is not what was written.

    Parameters
    ----------
    names : tuple of str
        Of the samples.
    seed, draws : int
        As in `recover_study`.
    """
    place = _place(seed, draws)
    if place is None:
        return None
    try:
        whole = place.read_bytes()
    except OSError:
        return None
    digest, content = whole[:_SHA], whole[_SHA:]
    if hashlib.sha256(content).digest() != digest:
        return None
    with np.load(io.BytesIO(content), allow_pickle=False) as found:
        return tuple(States(*(found[f"{name}_{part}"] for part in _PARTS)) for name in names)


def keep_states(states: dict[str, States], seed: int, draws: int) -> None:
    """Keep states, whole or not at all.

    Parameters
    ----------
    states : dict
        By sample.
    seed, draws : int
        As in `recover_study`.
    """
    place = _place(seed, draws)
    if place is None:
        return
    arrays = {
        f"{name}_{part}": np.asarray(getattr(one, part))
        for name, one in states.items()
        for part in _PARTS
    }
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]  # any name, its stub has one
    whole = hashlib.sha256(content.getvalue()).digest() + content.getvalue()
    with suppress(OSError):  # a full disk, or a home that nobody may write to
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as folder:
            made = Path(folder) / place.name
            made.write_bytes(whole)
            made.replace(place)


def _place(seed: int, draws: int) -> Path | None:
    """The file of these states; None where nothing is to be kept."""
    import platformdirs

    named = os.environ.get("BAYES_SF_CACHE", "")
    if named.lower() == "off":
        return None
    folder = Path(named) if named else platformdirs.user_cache_path("bayes-sf", appauthor=False)
    return folder / f"study-{_made_from()}-{seed}-{draws}.states"


@cache
def _made_from() -> str:
    """Digest of the tables, of the code and of the libraries."""
    here = Path(__file__).parent
    files = [*sorted(here.glob("*.py")), Path(published.__file__)]
    files += sorted(path for path in (data_dir() / "published").iterdir() if path.is_file())
    sha = hashlib.sha256(f"{np.__version__} {scipy.__version__}".encode())
    for path in files:
        sha.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return sha.hexdigest()[:16]
