"""Saved fits: what is read is what was written, and no interruption leaves half a file."""

import json
import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.engines import fit as fitting
from bayes_sf.engines import store
from bayes_sf.engines.gaussian.draws import draw_posterior
from bayes_sf.engines.gaussian.exact import fit_exact
from bayes_sf.engines.gaussian.joint import resolve_priors
from bayes_sf.engines.gaussian.likelihood import standardise
from bayes_sf.engines.gaussian.posterior import Posterior
from bayes_sf.engines.sampled.diagnostics import diagnose
from bayes_sf.engines.sampled.nuts import SETTINGS, Sampled, _exact
from bayes_sf.errors import DataError, OutputError

SPEC = sf.ModelSpec("y", predictors=("x",), group="bransje", name="q14.1")


def frame(seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    groups = ["bygg og anlegg", "omsorg", "undervisning, høyere", "æøå"] * 15
    return pd.DataFrame({"y": rng.normal(size=60), "x": rng.normal(size=60), "bransje": groups})


@pytest.fixture(autouse=True)
def sampler(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The engine `nuts`, but with draws from exact: what is tested here is what is kept of them."""
    called: list[str] = []

    def draw(moments: sf.Moments, priors: sf.Priors, *, seed: int) -> Sampled:
        called.append(moments.outcome)
        posterior = Posterior((fit_exact(moments, priors),))
        tree = draw_posterior(posterior, 1000, seed)
        rng, shape = np.random.default_rng(seed), (4, 250)
        stats = {"diverging": np.zeros(shape, bool), "energy": rng.normal(size=shape)}
        stats["tree_depth"] = np.full(shape, 2, dtype=np.uint64)
        tree["sample_stats"] = (
            tree["posterior"]
            .to_dataset()[[]]
            .assign({name: (("chain", "draw"), value) for name, value in stats.items()})
        )
        resolved = resolve_priors(priors, standardise(moments))
        tree["exact"] = _exact(moments, resolved)
        return Sampled(moments, resolved, tree)

    monkeypatch.setattr("bayes_sf.engines.sampled.nuts.fit_nuts", draw)
    return called


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    first, resumed = store.fit_saved(SPEC, frame(), tmp_path, seed=3)
    again, found = store.fit_saved(SPEC, frame(), tmp_path, seed=3)
    assert (resumed, found) == (False, True)
    pd.testing.assert_frame_equal(again.estimates, first.estimates)
    pd.testing.assert_frame_equal(again.diagnostics(), first.diagnostics())
    assert again.provenance == first.provenance
    assert again.priors == first.priors
    assert again.icc() == first.icc()
    assert again.draws()["posterior"].equals(first.draws()["posterior"])
    (path,) = tmp_path.iterdir()
    assert path.name == store.name_of(SPEC, first.moments.digest, 3)
    assert path.name.startswith("q14.1-y-")


def test_the_file_alone_can_be_diagnosed(tmp_path: Path) -> None:
    result, _ = store.fit_saved(SPEC, frame(), tmp_path)
    saved = store.load_fit(next(tmp_path.iterdir()))
    pd.testing.assert_frame_equal(diagnose(saved.tree), result.diagnostics())
    assert saved.about["provenance"]["seed"] == 1
    assert saved.about["n"] == 60


def test_the_file_has_nothing_of_any_row(tmp_path: Path) -> None:
    """Draws, the sampler's account, moments of the posterior: no array is as long as the data."""
    store.fit_saved(SPEC, frame(), tmp_path)
    tree = store.load_fit(next(tmp_path.iterdir())).tree
    assert set(tree.children) == {"posterior", "sample_stats", "exact"}
    assert set(tree["posterior"].sizes) == {"chain", "draw", "term", "bransje"}
    assert all(60 not in node.sizes.values() for node in tree.subtree)


@pytest.mark.parametrize(
    "change",
    [
        lambda: (SPEC, frame(), 2),
        lambda: (SPEC, frame(2), 1),
        lambda: (replace(SPEC, priors=sf.Priors(sd_group=sf.Prior("gamma"))), frame(), 1),
    ],
    ids=["seed", "data", "spec"],
)
def test_another_question_is_another_file(
    tmp_path: Path, sampler: list[str], change: Callable[[], tuple[Any, ...]]
) -> None:
    store.fit_saved(SPEC, frame(), tmp_path, seed=1)
    spec, data, seed = change()
    _, resumed = store.fit_saved(spec, data, tmp_path, seed=seed)
    assert not resumed
    assert len(sampler) == len(list(tmp_path.iterdir())) == 2


def test_a_file_under_the_name_of_another_seed_is_not_taken(tmp_path: Path) -> None:
    first, _ = store.fit_saved(SPEC, frame(), tmp_path, seed=1)
    path = next(tmp_path.iterdir())
    taken = tmp_path / store.name_of(SPEC, first.moments.digest, 2)
    path.rename(taken)
    second, resumed = store.fit_saved(SPEC, frame(), tmp_path, seed=2)
    assert not resumed
    assert store.load_fit(taken).about["provenance"]["seed"] == 2
    assert not second.estimates.equals(first.estimates)


def test_no_resume_fits_again(tmp_path: Path, sampler: list[str]) -> None:
    store.fit_saved(SPEC, frame(), tmp_path)
    _, resumed = store.fit_saved(SPEC, frame(), tmp_path, resume=False)
    assert (resumed, len(sampler)) == (False, 2)


def spoil_half(content: bytes) -> bytes:
    return content[: len(content) // 2]


@pytest.mark.parametrize(
    "spoil",
    [spoil_half, lambda _: b"", lambda _: b"not a fit", lambda c: bytes(len(c))],
    ids=["truncated", "empty", "text", "zeros"],
)
def test_a_spoilt_file_is_refused_and_replaced(
    tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    first, _ = store.fit_saved(SPEC, frame(), tmp_path)
    path = next(tmp_path.iterdir())
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(DataError, match=r"must be a fit that bayes-sf fit --engine nuts has saved"):
        store.load_fit(path)
    again, resumed = store.fit_saved(SPEC, frame(), tmp_path)
    assert not resumed
    pd.testing.assert_frame_equal(again.estimates, first.estimates)
    assert store.load_fit(path).about["model"] == "q14.1"


def test_netcdf_of_something_else_is_refused(tmp_path: Path) -> None:
    import xarray as xr

    other = tmp_path / "other.nc"
    plain = bytes(xr.DataTree(xr.Dataset({"a": 1})).to_netcdf(engine="h5netcdf"))
    for content, said in (
        (plain, "no digest at its end: not whole, or of an earlier version"),
        (plain + store._seal(plain), "must be a fit"),
        (plain + store._seal(plain).replace(b"format 3", b"format 4"), "format 3 .got 'format 4'"),
    ):
        other.write_bytes(content)
        with pytest.raises(DataError, match=said):
            store.load_fit(other)
    with pytest.raises(DataError, match="no such file"):
        store.load_fit(tmp_path / "none.nc")


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A saved fit of few draws, as bytes."""
    monkeypatch.setattr(store, "without_groups", lambda tree, *_: tree.isel(draw=slice(0, 3)))
    return store.save_fit(sf.fit(SPEC, frame(), engine="nuts"), tmp_path).read_bytes()


def test_any_changed_bit_is_noticed(small: bytes, tmp_path: Path) -> None:
    """Also in what HDF5 itself never looks at; and wherever the file is cut short."""
    rng, path = np.random.default_rng(12), tmp_path / "fit.nc"
    path.write_bytes(small)
    assert store.load_fit(path).about["model"] == "q14.1"
    end = len(small)
    places = {*rng.integers(0, end - 200, 200).tolist(), *range(end - 100, end)}
    for place in places:
        spoilt = bytearray(small)
        spoilt[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(spoilt)
        with pytest.raises(DataError):
            store.load_fit(path)
    for length in rng.integers(0, len(small), 30).tolist():
        path.write_bytes(small[:length])
        with pytest.raises(DataError):
            store.load_fit(path)
    path.write_bytes(small + b"\0")
    with pytest.raises(DataError):
        store.load_fit(path)


def test_a_sealed_file_with_more_or_less_in_it_is_refused(small: bytes, tmp_path: Path) -> None:
    path = tmp_path / "fit.nc"
    path.write_bytes(small)
    tree = store.load_fit(path).tree
    text = tree.attrs["bayes_sf"]
    about = json.loads(text)
    plain = small[: -store._SEAL_LENGTH]
    assert plain.count(text.encode()) == 1

    def write(changed: dict[str, Any], content: bytes = plain) -> None:
        room = json.dumps(changed, separators=(",", ":")).ljust(len(text))  # in the same place
        content = content.replace(text.encode(), room.encode())
        path.write_bytes(content + store._seal(content))

    write(about)
    assert store.load_fit(path).about == about
    less = ("unit", "hidden")
    others = [{k: v for k, v in about.items() if k != left_out} for left_out in less]
    others += [about | {"rows": []}, about | {"format": about["format"] - 1}]
    for other in others:
        write(other)
        with pytest.raises(DataError, match="a file of another kind or version"):
            store.load_fit(path)
    del tree["sample_stats"]
    write(about, bytes(tree.to_netcdf(engine="h5netcdf")))
    with pytest.raises(DataError, match="a file of another kind or version"):
        store.load_fit(path)


def test_two_fits_that_have_changed_names_are_noticed(small: bytes, tmp_path: Path) -> None:
    path = next(tmp_path.glob("*.nc"))
    other = store.save_fit(sf.fit(SPEC, frame(2), engine="nuts"), tmp_path)
    path.write_bytes(other.read_bytes())
    other.write_bytes(small)
    for swapped in (path, other):
        with pytest.raises(DataError, match="must have the name that it was saved under"):
            store.load_fit(swapped)
    own = path.rename(tmp_path / "the one that I like.nc")
    assert store.load_fit(own).about["model"] == "q14.1"


@pytest.mark.usefixtures("small")
def test_other_programs_read_the_file_as_it_is(tmp_path: Path) -> None:
    import xarray as xr

    with xr.open_datatree(next(tmp_path.glob("*.nc")), engine="h5netcdf") as tree:
        assert dict(tree["posterior"].sizes) == {"chain": 4, "draw": 3, "term": 2, "bransje": 4}


@pytest.mark.parametrize(
    ("error", "raised"),
    [(OSError(28, "No space left on device"), OutputError), (KeyboardInterrupt(), None)],
    ids=["full disk", "Ctrl-C"],
)
@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace"])
def test_a_failing_write_changes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    raised: type[BaseException] | None,
    step: str,
) -> None:
    result, _ = store.fit_saved(SPEC, frame(), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(step, fail)
    with pytest.raises(raised or type(error)):
        store.save_fit(result, tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    """No file may be longer than 100 kB: the system itself refuses the rest."""
    result = sf.fit(SPEC, frame(), engine="nuts")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(OutputError, match=r"must be writable .*what was there before is kept"):
            store.save_fit(result, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())
    assert store.save_fit(result, tmp_path).stat().st_size > 100_000


def test_a_batch_goes_on_where_it_was_interrupted(
    tmp_path: Path, sampler: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    specs = [replace(SPEC, name=f"m{i}", predictors=("x",) if i % 2 else ()) for i in range(4)]
    nuts, data = fitting.ENGINES["nuts"], frame()

    def batch(spec: sf.ModelSpec) -> tuple[sf.Result, bool]:
        return store.fit_saved(spec, data, tmp_path)

    def interrupted(*args: Any) -> Any:
        if len(sampler) == 2:
            raise KeyboardInterrupt
        return nuts(*args)

    monkeypatch.setitem(fitting.ENGINES, "nuts", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(map(batch, specs))
    assert len(list(tmp_path.iterdir())) == 2
    monkeypatch.setitem(fitting.ENGINES, "nuts", nuts)
    found = list(map(batch, specs))
    assert [resumed for _, resumed in found] == [True, True, False, False]
    assert len(sampler) == len(list(tmp_path.iterdir())) == 4
    straight = [sf.fit(spec, data, engine="nuts") for spec in specs]
    for (result, _), other in zip(found, straight, strict=True):
        pd.testing.assert_frame_equal(result.estimates, other.estimates)


def test_settings_are_part_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    name = store.name_of(SPEC, "0" * 16, 1)
    monkeypatch.setattr(store, "SETTINGS", {**SETTINGS, "draws": 2000})
    assert store.name_of(SPEC, "0" * 16, 1) != name
