"""Models side by side: cells come from the results, and what other libraries look for is there."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.analysis.checks.loo import loo
from bayes_sf.catalogue import speaking
from bayes_sf.errors import UsageError
from tests.engines.lme4_references import data

D = data("crossed")


@pytest.fixture(scope="module")
def models() -> dict[str, sf.Result]:
    return {
        "null": sf.fit("y ~ 1 + (1 | a)", D),
        "c": sf.fit("y ~ x + c + (1 | a)", D),
        "crossed": sf.fit("y ~ x + z + c + (1 | a) + (1 | b)", D, engine="reml"),
        "slopes": sf.fit("y ~ x * c + (1 + x | a)", D, engine="ml"),
    }


def number(cell: str) -> float:
    return float(re.split(r" \(", cell)[0].replace("−", "-"))


def test_cells_are_the_results(models: dict[str, sf.Result]) -> None:
    frame = sf.table(models).frame
    assert list(frame.columns) == list(models)
    for name, result in models.items():
        for row in result.coefficients:
            cell = frame.loc[row.term, name]
            assert abs(number(cell) - row.estimate) < row.sd / 20  # two digits of the sd
            low, high = re.findall(r"−?[\d.]+", cell.partition("(")[2])
            assert abs(float(low.replace("−", "-")) - row.lower) < row.sd / 20
            assert abs(float(high.replace("−", "-")) - row.upper) < row.sd / 20
        missing = set(frame.index) & {"x", "z", "x:c[mid]"} - {r.term for r in result.coefficients}
        assert all(frame.loc[term, name] == "" for term in missing)
        assert number(frame.loc["R2 marginal", name]) == pytest.approx(
            result.r2()["marginal"], abs=6e-4
        )
        assert frame.loc["n", name] == "240"
    assert list(frame.index[:6]) == ["(Intercept)", "x", "z", "c[mid]", "c[top]", "x:c[mid]"]
    assert number(frame.loc["elpd", "c"]) == pytest.approx(loo(models["c"]).elpd, abs=0.06)
    assert frame.loc["elpd", "crossed"] == ""
    aic = models["slopes"].glance()["AIC"].iloc[0]
    assert number(frame.loc["AIC", "slopes"]) == pytest.approx(aic, abs=0.06)
    assert frame.loc["levels of b"].to_list() == ["", "", "9", ""]
    icc = models["crossed"].icc("b")["estimate"]
    assert number(frame.loc["ICC of b", "crossed"]) == pytest.approx(icc, abs=6e-4)
    sds = models["slopes"].varcorr().set_index(["factor", "term", "term2"])["sdcor"]
    assert number(frame.loc["sd_x|a", "slopes"]) == pytest.approx(sds["a", "x", ""], abs=6e-4)


def test_names_of_ours_and_of_users_are_apart() -> None:
    frame = D.rename(columns={"x": "n", "z": "engine"})
    shown = sf.table([sf.fit("y ~ n + engine + (1 | a)", frame, engine="reml")]).frame
    assert list(shown.index).count("n") == 2
    assert list(shown.index).count("engine") == 2
    assert list(shown.columns) == ["(1)"]


def test_it_is_written_and_shown(models: dict[str, sf.Result], tmp_path: Path) -> None:
    made = sf.table(list(models.values()), names=["A", "B", "C", "D"])
    text = made.to_markdown()
    assert "| Models" not in text
    assert text.count("\n| ") == len(made.frame) + 2  # and the header with its rule
    assert "sd_x\\|a" in text
    assert "Wald" in str(made)
    assert "AIC of REML" in str(made)
    html = made._repr_html_()
    assert all(cell in html for cell in made.frame["B"])
    assert "AIC of REML" in html
    assert "\\begin{tabular}" in made.to_latex() or "longtable" in made.to_latex()
    for ending in ("md", "html", "tex", "csv", "docx", "xlsx", "typ", "qmd"):
        assert made.save(tmp_path / f"models.{ending}").stat().st_size > 100
    read = pd.read_csv(tmp_path / "models.csv", comment="#")
    assert len(read) >= len(made.frame)
    assert "labelsep=newline" in made.to_latex("apa")
    with pytest.raises(UsageError, match="style: is of latex"):
        made.save(tmp_path / "models.csv", "apa")
    with pytest.raises(UsageError, match="must end in"):
        made.save(tmp_path / "models.pdf")
    with speaking("nb"):
        assert "nivåer av a" in sf.table(models).frame.index


@pytest.mark.parametrize(
    ("given", "named", "said"),
    [([3], (), "results of sf.fit"), ([], (), "at least one"), (None, ("a", "a"), "different"),
     (None, ("a",), "different")],
)  # fmt: skip
def test_what_is_no_table_is_refused(
    given: list[object] | None, named: tuple[str, ...], said: str, models: dict[str, sf.Result]
) -> None:
    results = list(models.values())[:2] if given is None else given
    with pytest.raises(UsageError, match=said):
        sf.table(results, names=named)  # type: ignore[arg-type]


def test_what_maketables_looks_for(models: dict[str, sf.Result]) -> None:
    """Tried with maketables 0.2.0: `ETable([m1, m2])` reads these attributes and no others."""
    for name, result in models.items():
        table = result.__maketables_coef_table__
        assert table.index.name == "Coefficient"
        assert list(table.columns) == ["b", "se", "t", "p", "ci95l", "ci95u"]
        rows = {row.term: row for row in result.coefficients}
        assert table["b"].to_dict() == pytest.approx({t: r.estimate for t, r in rows.items()})
        assert table["ci95u"].to_dict() == pytest.approx({t: r.upper for t, r in rows.items()})
        assert table["p"].isna().all() == result.has_draws
        assert result.__maketables_stat__("N") == 240
        assert result.__maketables_stat__("no such") is None
        assert result.__maketables_depvar__ == "y"
        keys = result.__maketables_default_stat_keys__
        assert set(keys) == set(result.__maketables_stat_labels__)
        assert all(result.__maketables_stat__(key) is not None for key in keys), name
    assert np.isclose(
        models["slopes"].__maketables_stat__("aic"),
        models["slopes"].glance()["AIC"].iloc[0],  # type: ignore[arg-type]
    )


def test_maketables_itself(models: dict[str, sf.Result]) -> None:
    maketables = pytest.importorskip("maketables")
    shown = maketables.ETable(list(models.values())).df
    assert "n" in shown.loc["stats"].index
