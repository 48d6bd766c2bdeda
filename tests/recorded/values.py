"""What a call returns as names and plain values: numbers, words, and short sums of long arrays."""

import dataclasses
import enum
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
import xarray as xr

from bayes_sf.errors import BayesSFError

type Leaf = float | str | None

#: Where the checkout is: of no interest to a record.
_ROOT = f"{Path(__file__).resolve().parents[2]}/"
#: Entries of an array that are kept one by one; of longer ones, four sums.
FEW = 8
#: Entries of other lists.
MANY = 60
#: Letters of a text that are kept; of longer ones, these and a checksum of the whole.
LETTERS = 400
#: What differs from run to run or, as digests and ranks do, from machine to machine.
_OF_THE_RUN = ("workplace", "workplaces", "places", "digest", "folder", "seconds")
#: Steps from a result to what it holds.
DEEP = 5


def leaves(value: Any, name: str = "", deep: int = DEEP) -> Iterator[tuple[str, Leaf]]:
    """Name and value of everything that a value holds; functions and foreign objects are left out.

    Parameters
    ----------
    value : object
        Numbers, texts, arrays, frames, data sets, records of ours, and collections of them.
    name : str
        Where it stands.
    deep : int
        Steps that are left.
    """
    if isinstance(value, enum.Enum):
        value = value.name
    if value is None or isinstance(value, str):
        yield name, value if value is None else _short(value)
    elif isinstance(value, bool | np.bool_ | int | float | np.number | complex):
        yield from _numbers(np.asarray(value), name)
    elif isinstance(value, np.ndarray):
        yield from _array(value, name)
    elif isinstance(value, pd.DataFrame | pd.Series | pd.Index):
        yield from _frame(value, name)
    elif isinstance(value, xr.DataTree):
        for place in value.subtree:
            yield from leaves(place.to_dataset(inherit=False), f"{name}{place.path}", deep)
    elif isinstance(value, xr.Dataset):
        for key in value.variables:
            yield from leaves(value[key].to_numpy(), f"{name}:{key}", deep)
    elif isinstance(value, xr.DataArray):
        yield from leaves(value.to_numpy(), name, deep)
    elif isinstance(value, BayesSFError):
        yield name, _short(str(value))
    elif deep and isinstance(value, Mapping):
        for key, each in value.items():
            yield from leaves(each, f"{name}.{key}", deep - 1)
    elif deep and isinstance(value, set | frozenset):
        yield from leaves(sorted(map(str, value)), name, deep - 1)
    elif deep and isinstance(value, list | tuple):
        yield from _items(value, name, deep)
    elif deep and type(value).__module__.startswith("bayes_sf"):
        for key, each in _parts(value).items():
            yield from leaves(each, f"{name}.{key}", deep - 1)


def recorded(value: Any) -> dict[str, Leaf]:
    """What is kept of a call: the first few leaves of each of its parts, and digests of the rest.

    A digest of numbers is a weighted sum of their logarithms, so that a small one counts as much as
    a large one; of words, a checksum.
    """
    parts: dict[str, dict[str, Leaf]] = {}
    for name, leaf in leaves(value):
        if re.search(
            rf"\.({'|'.join(_OF_THE_RUN)})(\[\d+\])?$|provenance\.(data|spec|versions)|\.diagnostics",
            name,
        ):
            continue
        parts.setdefault(re.split(r"(?<=.)(?=[.\[/:])", name, maxsplit=2)[0], {})[name] = leaf
    kept: dict[str, Leaf] = {}
    for part, found in parts.items():
        kept |= dict(islice(found.items(), FEW))
        rest = list(found.values())[FEW:]
        numbers = np.array([leaf for leaf in rest if isinstance(leaf, float)])
        words = [str(leaf) for leaf in rest if not isinstance(leaf, float)]
        if len(numbers):
            finite = np.where(np.isfinite(numbers), numbers, 0.0)
            logs = np.sign(finite) * np.log1p(np.abs(finite) / 1e-6)
            kept[f"{part} rest"] = float(logs @ np.cos(np.arange(len(logs))))
            words.append(f"{len(numbers)} {np.isfinite(numbers).sum()}")
        if words:
            kept[f"{part} words"] = f"{crc32(' '.join(words).encode()):08x}"
    return kept


def _items(value: list[Any] | tuple[Any, ...], name: str, deep: int) -> Iterator[tuple[str, Leaf]]:
    """A long list of numbers is an array; of very many other things, some are kept."""
    if len(value) > FEW and all(isinstance(each, int | float) for each in value):
        yield from _array(np.asarray(value), name)
        return
    for at in range(0, len(value), 1 + len(value) // MANY):
        yield from leaves(value[at], f"{name}[{at}]", deep - 1)


def _parts(value: Any) -> dict[str, Any]:
    """Fields of a record of ours, and its properties as far as they can be had."""
    found: dict[str, Any] = {}
    if dataclasses.is_dataclass(value):
        found = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    for kind in reversed(type(value).__mro__):
        for key, each in vars(kind).items():
            ours = isinstance(each, property | cached_property) and not key.startswith("_")
            if ours and kind.__module__.startswith("bayes_sf"):
                got = refused(lambda key=key: getattr(value, key))
                found |= {} if isinstance(got, BayesSFError) else {key: got}
    return found


def refused(call: Callable[[], Any]) -> Any:
    """What a call returns, or what it is refused with."""
    try:
        return call()
    except BayesSFError as error:
        return error
    except Exception as error:  # noqa: BLE001 (a fault is recorded as one)
        return type(error).__name__


def _frame(value: Any, name: str) -> Iterator[tuple[str, Leaf]]:
    if isinstance(value, pd.DataFrame):
        yield f"{name}.columns", _short(" ".join(map(str, value.columns)))
        for at, key in enumerate(value.columns):
            yield from _array(value.iloc[:, at].to_numpy(), f"{name}.{key}")
        value = value.index
    elif isinstance(value, pd.Series):
        yield from _array(value.to_numpy(), name)
        value = value.index
    if not isinstance(value, pd.RangeIndex):
        yield f"{name}.index", _short(" ".join(map(str, value)))


def _array(value: np.ndarray, name: str) -> Iterator[tuple[str, Leaf]]:
    if value.dtype.kind in "biufc":
        yield from _numbers(value, name)
    elif value.dtype.kind == "O" and all(isinstance(v, int | float) for v in value.ravel()):
        yield from _numbers(value.astype(float), name)
    else:
        yield name, _short(" ".join(map(str, value.ravel())))


def _numbers(value: np.ndarray, name: str) -> Iterator[tuple[str, Leaf]]:
    """Of many numbers: shape, mean, root of the mean square, and two weighted sums."""
    if value.dtype.kind == "c":
        yield from _numbers(value.real, f"{name}.real")
        yield from _numbers(value.imag, f"{name}.imag")
        return
    flat = value.ravel().astype(float)
    if flat.size == 1 and value.ndim == 0:
        yield name, float(flat[0])
    elif flat.size <= FEW:
        for at, each in enumerate(flat):
            yield f"{name}[{at}]", float(each)
    else:
        finite = np.where(np.isfinite(flat), flat, 0.0)
        place = np.arange(flat.size)
        yield f"{name}.shape", " ".join(map(str, value.shape))
        yield f"{name}.finite", float(np.isfinite(flat).sum())
        yield f"{name}.mean", float(finite.mean())
        yield f"{name}.size", float(np.sqrt((finite**2).mean()))
        yield f"{name}.cos", float((finite * np.cos(place)).mean())


def _short(text: str) -> str:
    """A text without the folder of the checkout, cut."""
    text = text.replace(_ROOT, "")
    if len(text) <= LETTERS:
        return text
    return f"{text[:LETTERS]}... {crc32(text.encode()):08x}"
