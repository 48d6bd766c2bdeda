"""Completed data sets: what is flagged, what is kept, and that R's mice reads them."""

import io
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from scipy import stats

import bayes_sf as sf
from bayes_sf.analysis.missing.completed import CompletedSets, completed_sets, kendall_tau_b
from bayes_sf.engines.panel.draws import Completed
from bayes_sf.engines.sets.rubin import pool
from bayes_sf.inputs.panel import Panel, build_panel
from bayes_sf.output.formats.completed import completed_files
from tests.tools import spoken

MICE = Path(__file__).parents[1] / "references" / "mice"


def panel_of(frame: pd.DataFrame) -> Panel:
    """The panel of `tests/references/mice/data/panel.csv`."""
    first = frame.drop_duplicates("id")
    industries, code = np.unique(first["industry"], return_inverse=True)
    quarters = tuple(sorted(frame["quarter"].unique()))
    y = frame.pivot_table(index="id", columns="quarter", values="y", dropna=False).to_numpy()
    x = first[["x"]].to_numpy()
    return Panel(
        tuple(f"pseudonym{i}" for i in first["id"]), tuple(industries), code, quarters, y,
        np.full(y.shape, 1000.0), ("x",), x, {}, (), np.ones(len(y), dtype=bool),
    )  # fmt: skip


def drawn(panel: Panel, m: int = 4) -> Completed:
    """Draws that need no model: noise around 6; unknown predictors around their mean."""
    rng = np.random.default_rng(1)
    y = np.where(panel.observed, panel.y, rng.normal(6, 3, size=(m, *panel.y.shape)).round(3))
    guess = np.nanmean(panel.x, axis=0) * rng.uniform(0.8, 1.2, size=(m, *panel.x.shape)).round(3)
    return Completed(y, np.where(np.isnan(panel.x), guess, panel.x))


@pytest.fixture(scope="module")
def simulated() -> SimpleNamespace:
    """A simulated panel, its draws and its completed sets."""
    panel = panel_of(pd.read_csv(MICE / "data" / "panel.csv"))
    done = drawn(panel)
    return SimpleNamespace(panel=panel, done=done, sets=completed_sets(panel, done))


@pytest.fixture(scope="module")
def replica() -> SimpleNamespace:
    """The same of the replica, with answers, shares and a category."""
    sample = sf.load_sample("replica")
    panel = build_panel(sample, ("q13", "women_share", "n_employees", "q5r1", "q17"))
    # one unknown answer to the question with categories, as "don't know" would be
    x = panel.x.copy()
    x[5, panel.predictors.index("q17[no]")] = np.nan
    panel = SimpleNamespace(
        **{name: getattr(panel, name) for name in Panel.__dataclass_fields__ if name != "x"},
        x=x, observed=panel.observed,
    )  # fmt: skip
    done = drawn(panel, 3)
    done.x[:, 5, -1] = [1e-17, 1.0, 1.0]  # as near as arithmetic may leave it
    return SimpleNamespace(panel=panel, sample=sample, sets=completed_sets(panel, done), done=done)


def test_what_is_observed_stays_and_gaps_are_flagged(replica: SimpleNamespace) -> None:
    """Values without a flag are the original's in every set; flagged ones are missing there."""
    table, panel = replica.sets.workplaces, replica.panel
    original = table[table[".imp"] == 0].reset_index(drop=True)
    for one in replica.sets.frames():
        mine = one.reset_index(drop=True)
        for name in ("q13", "women_share", "q5r1", "q17", "absence_mean", "absence_change"):
            flag = (
                mine[f"{name}_imputed"] == 1 if f"{name}_imputed" in mine
                else pd.Series(False, index=mine.index)
            )  # fmt: skip
            assert mine[name].notna().all()
            assert original.loc[flag, name].isna().all()
            assert (mine.loc[~flag, name] == original.loc[~flag, name]).all()
    whole = panel.observed.all(axis=1)
    assert (original["absence_mean_imputed"] == ~whole).all()
    # of complete workplaces: the sample's own figures
    theirs = replica.sample.frame.set_index("workplace").loc[list(panel.workplaces)]
    for name in ("absence_mean", "absence_trend", "women_share", "n_employees"):
        np.testing.assert_allclose(original.loc[whole, name], theirs.loc[whole, name], rtol=1e-9)
    both = original["absence_change"].notna()
    np.testing.assert_allclose(
        original.loc[both, "absence_change"], theirs["absence_change"][both.to_numpy()], rtol=1e-9
    )


def test_outcomes_are_those_of_all_quarters(simulated: SimpleNamespace) -> None:
    """Mean, change and tau-b of each completed workplace; the quarters themselves."""
    sets, done, n = simulated.sets, simulated.done, len(simulated.panel.quarters)
    for number, one in enumerate(sets.frames()):
        y = done.y[number]
        np.testing.assert_allclose(one["absence_mean"], y.mean(axis=1))
        np.testing.assert_allclose(one["absence_change"], y[:, -1] - y[:, 0])  # 2016Q4 to 2019Q4
        theirs = [stats.kendalltau(np.arange(n), row).statistic for row in y]
        np.testing.assert_allclose(one["absence_trend"], theirs)
    assert sets.outcomes == ("absence_mean", "absence_change", "absence_trend")
    quarters = sets.quarters
    second = quarters[quarters[".imp"] == 2]["absence"].to_numpy().reshape(-1, n)
    np.testing.assert_array_equal(second, done.y[1])
    original = quarters[quarters[".imp"] == 0]
    assert (original["absence"].isna() == (original["absence_imputed"] == 1)).all()


def test_no_change_where_its_quarters_are_not_there(simulated: SimpleNamespace) -> None:
    """A panel that begins in 2017 has a mean and a trend."""
    panel, done = simulated.panel, simulated.done
    late = replace(panel, quarters=panel.quarters[1:], y=panel.y[:, 1:], days=panel.days[:, 1:])
    sets = completed_sets(late, Completed(done.y[:, :, 1:], done.x))
    assert sets.outcomes == ("absence_mean", "absence_trend")


def test_tau_b_with_ties() -> None:
    """As SciPy's, ties and all; a constant series has none."""
    y = np.random.default_rng(3).integers(0, 4, size=(30, 7)).astype(float)
    theirs = [stats.kendalltau(np.arange(7), row).statistic for row in y]
    np.testing.assert_allclose(kendall_tau_b(y), theirs)
    assert np.isnan(kendall_tau_b(np.ones((1, 5)))[0])


def test_answers_are_categories_again(replica: SimpleNamespace) -> None:
    """Dummies become the item's answers, the reference first; the unknown one as drawn."""
    table = replica.sets.workplaces
    assert list(table["q17"].cat.categories) == ["yes", "no"]
    unknown = table[table[".id"] == 6]
    assert unknown["q17"].astype(object).where(unknown["q17"].notna(), None).tolist() == [
        None, "yes", "no", "no",
    ]  # fmt: skip
    theirs = replica.sample.frame.set_index("workplace").loc[list(replica.panel.workplaces)]
    others = table[(table[".imp"] == 0) & (table[".id"] != 6)]
    assert (others["q17"].astype(str) == theirs["q17"].drop(theirs.index[5]).to_numpy()).all()


def test_no_pseudonym_is_in_any_file(replica: SimpleNamespace) -> None:
    """Neither in text nor in the bytes of Parquet and SPSS."""
    files = completed_files(replica.sets, source="replica", quarters=True)
    assert sorted(files) == sorted(
        f"completed_{what}.{ending}"
        for what in ("workplaces", "quarters") for ending in ("csv", "parquet", "sav")
    )  # fmt: skip
    for content in files.values():
        for pseudonym in replica.panel.workplaces:
            assert pseudonym.encode() not in content


def test_formats_hold_the_same(replica: SimpleNamespace, tmp_path: Path) -> None:
    """CSV in both styles, Parquet and SPSS are read back to the same figures."""
    files = spoken("nb", completed_files, replica.sets, source="replica")
    ours = replica.sets.workplaces
    numbers = ours.select_dtypes("number").columns
    plain = pd.read_csv(io.BytesIO(files["completed_workplaces.csv"]))
    parquet = pd.read_parquet(io.BytesIO(files["completed_workplaces.parquet"]))
    excel = completed_files(replica.sets, source="replica", csv_style="norwegian")
    text = excel["completed_workplaces.csv"]
    norwegian = pd.read_csv(io.BytesIO(text), sep=";", decimal=",", encoding="utf-8-sig")
    (tmp_path / "w.sav").write_bytes(files["completed_workplaces.sav"])
    spss, meta = pyreadstat.read_sav(tmp_path / "w.sav")
    spss = spss.rename(columns={"Imputation_": ".imp", "id": ".id"})
    for table in (plain, parquet, norwegian, spss):
        assert list(table.columns) == [*ours.columns, "source"]
        np.testing.assert_allclose(
            table[numbers].astype(float), ours[numbers].astype(float), rtol=1e-12
        )
        assert (table["source"] == "SYNTHETIC replica").all()
    assert text.startswith(b"\xef\xbb\xbf")
    assert meta.variable_value_labels["q13"][5.0].lower().startswith("i svært stor")
    assert meta.column_names_to_labels["women_share"]


def test_row_order_and_names_of_workplaces_change_nothing(simulated: SimpleNamespace) -> None:
    """Pooled REML is the same when workplaces come in another order."""
    panel, done = simulated.panel, simulated.done
    spec = sf.ModelSpec("absence_mean", ("x",), group="industry")
    order = np.random.default_rng(5).permutation(len(panel.y))
    moved = Panel(
        tuple(panel.workplaces[i] for i in order), panel.industries, panel.code[order],
        panel.quarters, panel.y[order], panel.days[order], panel.predictors, panel.x[order], {}, (),
        panel.linked[order],
    )  # fmt: skip
    again = completed_sets(moved, Completed(done.y[:, order], done.x[:, order]))
    base = sf.fit(spec, list(simulated.sets.frames()), engine="reml").fitted
    other = sf.fit(spec, list(again.frames()), engine="reml").fitted
    np.testing.assert_allclose(base.estimate, other.estimate)
    np.testing.assert_allclose(base.total, other.total)


def test_mice_reads_them(simulated: SimpleNamespace) -> None:
    """`data/completed.csv` is what we write; `mids.csv` is what R's as.mids and pool made of it.

    mids.R: as.mids, m and number of imputed cells; pool(with(., lm(absence_mean ~ x))).
    """
    sets: CompletedSets = simulated.sets
    written = completed_files(sets, source="replica")["completed_workplaces.csv"]
    assert written == (MICE / "data" / "completed.csv").read_bytes()
    theirs = pd.read_csv(MICE / "mids.csv").set_index("term")
    estimates, variances = [], []
    for one in sets.frames():
        columns = np.column_stack([np.ones(len(one)), one["x"]])
        y = one["absence_mean"].to_numpy()
        beta = np.linalg.lstsq(columns, y)[0]
        variance = ((y - columns @ beta) ** 2).sum() / (len(y) - 2)
        estimates.append(beta)
        variances.append(variance * np.diag(np.linalg.inv(columns.T @ columns)))
    ours = pool(
        np.array(estimates), np.array(variances), ("(Intercept)", "x"), df_complete=len(y) - 2.0
    )
    assert (theirs["m"] == sets.n_sets).all()
    gaps = int(sets.workplaces.loc[sets.workplaces[".imp"] == 0, "absence_mean_imputed"].sum())
    assert (theirs["n_imputed"] == gaps).all()
    np.testing.assert_allclose(ours.estimate, theirs["estimate"], rtol=1e-9)
    np.testing.assert_allclose(ours.total, theirs["t"], rtol=1e-9)
    np.testing.assert_allclose(ours.df, theirs["df"], rtol=1e-9)
