"""Pictures by name: each is drawn, says whose data it shows, and is saved whole."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.errors import UsageError
from bayes_sf.output.pictures import PICTURES
from tests.test_group_slopes import sampled

SPEC = sf.ModelSpec("y", ("x",), "g", unit="pp")
OF_CHAINS = {"trace", "rank", "energy"}


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    code = np.repeat(np.arange(4), [5, 10, 15, 20])
    x = rng.normal(size=50)
    y = 5 + x + 2 * rng.normal(size=4)[code] + rng.normal(size=50)
    return pd.DataFrame({"y": y, "x": x, "g": np.array(list("abcd"))[code]})


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_is_drawn_and_saved(name: str, tmp_path: Path) -> None:
    """Those of chains are drawn of chains made by hand: sampling is tested elsewhere."""
    engine = "nuts" if name in {*OF_CHAINS, "slopes"} else "exact"
    result = sampled() if engine == "nuts" else sf.fit(SPEC, frame(), engine=engine)
    for suffix, start in ((".png", b"\x89PNG"), (".svg", b"<?xml")):
        figure = result.plot(name, tmp_path / f"picture{suffix}")
        content = (tmp_path / f"picture{suffix}").read_bytes()
        assert content.startswith(start)
    said = str(figure.get_label())
    what = "y ~ x" if engine == "nuts" else "y (pp) ~ x"
    assert f"{name}: {what}, {engine}, n = {result.moments.n_obs}" in said
    assert "Data frame given by the user" in said
    assert "Data frame given by the user" in content.decode()
    assert len(list(tmp_path.iterdir())) == 2


def test_shrinkage_shows_raw_and_pooled_means() -> None:
    result = sf.fit(SPEC, frame())
    axes = result.plot("shrinkage").axes[0]
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == ["a (n = 5)", "b (n = 10)", "c (n = 15)", "d (n = 20)"]
    hollow = [
        float(np.ravel(line.get_xdata())[0]) for line in axes.lines if line.get_mfc() == "white"
    ]
    np.testing.assert_allclose(hollow, frame().groupby("g")["y"].mean())


def test_what_cannot_be_drawn(tmp_path: Path) -> None:
    result = sf.fit(SPEC, frame())
    with pytest.raises(UsageError, match="did you mean 'forest'"):
        result.plot("forst")
    with pytest.raises(UsageError, match="independent draws have none"):
        result.plot("trace")
    with pytest.raises(UsageError, match="same in all groups"):
        result.plot("slopes")
    with pytest.raises(UsageError, match=r"saves .svg or .png.*pdf"):
        result.plot("forest", tmp_path / "x.pdf")
    with pytest.raises(UsageError, match="no posterior to draw from"):
        sf.fit(SPEC, frame(), engine="reml").plot("forest")
    assert not list(tmp_path.iterdir())
