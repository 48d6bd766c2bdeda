"""Ways in and out: drafts from what programs print, many ICCs at once, designs."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm, t

import bayes_sf as sf
from bayes_sf.analysis.printed.size import bayes_factor, judge_printed, slopes_of
from bayes_sf.analysis.size.multiplicity import pool_slopes
from bayes_sf.analysis.size.practical import Rope
from bayes_sf.errors import DataError, SpecError, UsageError
from bayes_sf.inputs.printed.drafts import draft_of_summary, write_draft

SUMMARIES = Path(__file__).parents[1] / "references" / "reread" / "summaries"


def test_a_summary_of_lme4_with_slopes(tmp_path: Path, command: Any) -> None:
    source = SUMMARIES / "lme4_sleep.txt"
    code, out, _ = command("reread", "--init", str(tmp_path / "d"), "--from", str(source))
    assert code == 0
    assert "fixed_cov.csv" in out
    report = sf.read_published(tmp_path / "d")
    model = report.models["model"]
    assert (model.n, model.n_groups, model.header.random) == (180, 18, "slopes")
    assert [row.text("term") for row in model.components] == ["(Intercept)", "Days", ""]
    assert [row.figures["sd"].text for row in model.components] == ["24.741", "5.922", "25.592"]
    assert model.components[1].figures["corr"].text == "0.07"
    assert [row.figures["t"].text for row in model.coefficients] == ["36.838", "6.771"]
    assert model.covariances[0].figures["corr"].text == "-0.138"
    assert model.printed("criterion").value == 1743.6  # type: ignore[union-attr]
    assert sf.reread(report)["model"].icc is None


def test_a_summary_of_lmer_test(tmp_path: Path) -> None:
    write_draft(SUMMARIES / "lmertest_oats.txt", tmp_path / "d")
    model = sf.read_published(tmp_path / "d").models["model"]
    nitro = model.coefficients[1]
    assert [nitro.figures[key].text for key in ("estimate", "se", "df", "t", "p")] == [
        "73.667", "8.416", "65.000", "8.753", "1.35e-12",
    ]  # fmt: skip
    assert nitro.text("stars") == "***"
    assert model.header.terms == {"nitro": "unknown"}, "what is not printed stays open"


def test_a_summary_by_maximum_likelihood(tmp_path: Path) -> None:
    write_draft(SUMMARIES / "lme4_ml.txt", tmp_path / "d")
    model = sf.read_published(tmp_path / "d").models["model"]
    assert model.header.estimator == "ML"
    assert [model.printed(key).text for key in ("aic", "bic", "loglik", "deviance")] == [  # type: ignore[union-attr]
        "673.7", "680.6", "-333.9", "667.7",
    ]  # fmt: skip
    assert sf.reread(tmp_path / "d")["model"].level == "ii+"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:9], "must hold the summary"),
        (lambda text: text + text, "must hold one model"),
        (lambda text: text.replace("Formula:", "Model:"), "must hold the line Formula:"),
        (lambda text: text.replace("Number of obs:", "N:"), "must hold the line Number of obs:"),
        (lambda text: text.replace("Random effects:", ""), "must hold the section Random"),
        (lambda text: text.replace("Fixed effects:", ""), "must hold the section Fixed"),
        (lambda text: text.replace("Std. Error", "SE"), "must have Estimate and Std. Error"),
        (lambda text: text.replace("612.10", "large"), "must have name, variance and sd"),
    ],
)
def test_what_is_no_summary_is_refused(change: Any, message: str) -> None:
    text = (SUMMARIES / "lme4_sleep.txt").read_text(encoding="utf-8")
    with pytest.raises(DataError, match=message):
        draft_of_summary(change(text), "x.txt")


ICCS = "study,icc,n,groups,estimator,balanced\nA,0.05,800,40,REML,yes\nB,0.30,300,12,,\n"


def test_many_iccs(tmp_path: Path, command: Any) -> None:
    path = tmp_path / "iccs.csv"
    path.write_text(ICCS, encoding="utf-8")
    table = sf.icc_table(path, size=20)
    first = sf.icc_posterior(icc="0.05", n=800, groups=40, estimator="REML", balanced=True)
    row = table.iloc[0]
    assert (row["median"], row["low_end"]) == (first.median, first.lower)
    assert row["deff_median"] == pytest.approx(1 + 19 * first.median)
    # the log-odds is nearly normal for 40 groups, so its middle is the median
    assert expit(row["yi_logit"]) == pytest.approx(first.median, abs=0.006)
    lower = expit(row["yi_logit"] - 1.96 * row["vi_logit"] ** 0.5)
    assert lower == pytest.approx(first.lower, abs=0.006)
    m = 800 / 40
    z = 0.5 * np.log((1 + (m - 1) * first.median) / (1 - first.median))
    assert row["yi_z"] == pytest.approx(z, abs=0.02)
    # Fisher: about 1/(2 (J - 2)) m/(m - 1) of equal groups
    assert row["vi_z"] == pytest.approx(m / (2 * (m - 1) * 38), rel=0.15)
    assert table.iloc[1]["low_end"] < table.iloc[1]["lower"], "sizes and estimator are not printed"
    code, out, err = command("reread", "--table", str(path), "--size", "20")
    assert (code, err) == (0, "")
    assert "design effect" in out


def test_a_table_may_have_commas_as_norwegian_files_do(tmp_path: Path) -> None:
    one, other = tmp_path / "a.csv", tmp_path / "b.csv"
    one.write_text(ICCS, encoding="utf-8")
    other.write_text(ICCS.replace(",", ";").replace(".", ","), encoding="utf-8")
    pd.testing.assert_frame_equal(sf.icc_table(one), sf.icc_table(other))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ICCS.replace(",", ";").replace("0.05", "0,05"), "must have one decimal mark"),
        (ICCS.replace("icc,", "ic,"), "row 1, column 2: must be one of.*did you mean 'icc'"),
        ("study,icc,n\nA,0.1,100\n", "row 1: must have a column groups"),
        (ICCS.replace("0.05", "5"), "row 2, column icc: must lie between 0 and 1"),
        (ICCS.replace("800", "30"), "row 2, column n: must be more than groups"),
        (ICCS.replace("800", "80.5"), "row 2, column n: must be a whole number"),
        (ICCS.replace("REML", "reml"), "row 2, column estimator: must be one of"),
        (ICCS.replace(",yes", ",maybe"), "row 2, column balanced: must be yes or no"),
    ],
)
def test_a_table_that_cannot_be(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "iccs.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        sf.icc_table(path)


def test_a_design_effect_is_of_whole_clusters() -> None:
    found = sf.icc_posterior(icc="0.05", n=800, groups=40, estimator="REML", balanced=True)
    assert found.design_effect(1) == (1.0, 1.0, 1.0)
    with pytest.raises(UsageError, match="must be at least 1"):
        found.design_effect(0.5)


def earlier(tmp_path: Path) -> Any:
    toml = ('schema = 1\n[models.null]\nestimator = "REML"\nn = 72\ngroups = 6\n'
            'balanced = true\nunit = "kg"\nterms = { x = "within" }\n')  # fmt: skip
    (tmp_path / "study.toml").write_text(toml, encoding="utf-8")
    rows = "model,group,variance\nnull,Block,218.99\nnull,Residual,547.13\n"
    (tmp_path / "components.csv").write_text(rows, encoding="utf-8")
    rows = "model,term,estimate,se\nnull,x,2.50,0.40\n"
    (tmp_path / "coefficients.csv").write_text(rows, encoding="utf-8")
    return sf.reread(tmp_path)["null"]


def test_an_earlier_study_as_a_prior(tmp_path: Path) -> None:
    study = earlier(tmp_path)
    priors = sf.Priors.from_study(study, weight=0.25, unit="kg", slope="x")
    mean, sd = study.spreads()["sd_resid"]
    found = priors.sd_resid
    assert found.shape * found.scale == pytest.approx(mean)
    assert found.shape**0.5 * found.scale == pytest.approx(2 * sd), "a quarter of the rows"
    assert priors.slope.location == pytest.approx(2.5)
    assert priors.slope.scale == pytest.approx(2 * 0.40, rel=0.03), "t, of 65 degrees of freedom"
    assert "weight 0.25" in priors.sd_group.reason
    assert priors.intercept == sf.Priors().intercept


@pytest.mark.slow
def test_an_earlier_study_and_one_s_own_data(tmp_path: Path) -> None:
    study = earlier(tmp_path)
    priors = sf.Priors.from_study(study, weight=0.25, unit="kg", slope="x")
    rng = np.random.default_rng(5)
    group = np.repeat(np.arange(8), 6)
    frame = pd.DataFrame({"y": 100 + rng.normal(0, 15, 8)[group] + rng.normal(0, 23, 48),
                          "g": group.astype(str)})  # fmt: skip
    spec = sf.ModelSpec("y", group="g", unit="kg")
    own = sf.fit(spec, frame)
    told = sf.fit(sf.ModelSpec("y", group="g", unit="kg", priors=priors), frame)
    sds = [next(r.sd for r in one.singles if r.term == "sd_resid") for one in (told, own)]
    assert sds[0] < sds[1], "what is known before narrows"
    gap = sf.prior_conflict(study, own)
    assert min(gap.values()) > 0.05
    far = sf.fit(spec, frame.assign(y=frame["y"] * 5))
    assert sf.prior_conflict(study, far)["sd_resid"] < 1e-4
    draws = np.random.default_rng(6)
    before = draws.choice(study.result.fitted.quantile("icc", (np.arange(200) + 0.5) / 200), 9000)
    after = draws.choice(own.fitted.quantile("icc", (np.arange(200) + 0.5) / 200), 9000)
    share = float((after > before).mean())
    assert gap["icc"] == pytest.approx(2 * min(share, 1 - share), abs=0.03)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"weight": 0}, "weight: must lie above 0"), ({"weight": 2}, "weight: must lie above 0"),
     ({"weight": True}, "weight: must lie above 0"), ({"unit": "g"}, "unit: must be stated"),
     ({"unit": ""}, "unit: must be stated")],
)  # fmt: skip
def test_a_weight_and_a_unit_are_stated(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        sf.Priors.from_study(earlier(tmp_path), **{"weight": 0.5, "unit": "kg", **options})


def coefficients(tmp_path: Path) -> Any:
    lines = (
        "schema = 1", "[models.a]", 'unit = "pp"', "n = 500", "groups = 20",
        'terms = { x = "within", w = "within", v = "within" }',
    )  # fmt: skip
    (tmp_path / "study.toml").write_text("\n".join(lines), encoding="utf-8")
    rows = "model,term,estimate,se\na,x,0.4000,0.1000\na,w,-0.0500,0.1000\na,v,0.02,0.10\n"
    (tmp_path / "coefficients.csv").write_text(rows, encoding="utf-8")
    return sf.reread(tmp_path)["a"].coefficients


def test_a_region_for_a_printed_coefficient(tmp_path: Path) -> None:
    x, w, _ = coefficients(tmp_path)
    found = judge_printed(x, Rope(-0.5, 0.5, "pp"), size=2.0)
    assert found["p_above"] == pytest.approx(t(477).sf((0.25 - 0.4) / 0.1), abs=1e-3)
    assert found["verdict"] == "outside" or found["lower"] < 0.5
    turned = judge_printed(x, Rope(-0.5, 0.5, "pp"), size=-2.0)
    assert turned["p_below"] == pytest.approx(found["p_above"])
    assert judge_printed(w, Rope(-0.5, 0.5, "pp"))["verdict"] == "inside"
    with pytest.raises(UsageError, match="must be in the outcome's unit, 'pp'"):
        judge_printed(x, Rope(-1, 1, "kg"))


def sized(tmp_path: Path, head: str = 'unit = "pp"') -> str:
    (tmp_path / "study.toml").write_text(
        f"schema = 1\n[models.a]\n{head}\nn = 500\ngroups = 20\n"
        'terms = { x = "within", "(Intercept)" = "between" }\n', encoding="utf-8",
    )  # fmt: skip
    rows = "model,term,estimate,se\na,(Intercept),9.1,0.5\na,x,0.4000,0.1000\n"
    (tmp_path / "coefficients.csv").write_text(rows, encoding="utf-8")
    return str(tmp_path)


def test_sizes_on_the_command_line(tmp_path: Path, command: Any) -> None:
    place, out = sized(tmp_path), tmp_path / "out"
    asked = ("--rope", "-0.2:0.3", "--effects", "0.15")
    code, said, err = command("reread", place, *asked, "--out", str(out))
    assert (code, err) == (0, "")
    assert "Too small to matter: −0.2 to 0.3 pp" in said
    code, said, _ = command("reread", place, *asked, "--lang", "nb")
    assert code == 0
    assert "Uten betydning: −0,2 til 0,3 pp" in said
    assert "std.avvik 0,15 pp rundt null" in said
    size, designs = pd.read_csv(out / "size.csv"), pd.read_csv(out / "designs.csv")
    assert list(size["term"]) == list(designs["term"]) == ["x"]  # no intercept
    of_x = t(480, 0.4, 0.1)
    assert size["p_inside"].item() == pytest.approx(of_x.cdf(0.3) - of_x.cdf(-0.2), abs=1e-3)
    assert size["p_below"].item() == pytest.approx(of_x.cdf(-0.2), abs=1e-3)
    assert size["verdict"].item() == "undecided"
    rng = np.random.default_rng(3)
    true = rng.normal(0, 0.15, 1_000_000)
    seen = rng.normal(true, 0.1)
    found = np.abs(seen) > norm.isf(0.025) * 0.1
    assert designs["power"].item() == pytest.approx(found.mean(), abs=2e-3)  # 4 se of the drawing
    assert designs["type_s"].item() == pytest.approx((true * seen < 0)[found].mean(), abs=1e-3)
    ratio = np.abs(seen[found]).mean() / np.abs(true[found]).mean()
    assert designs["type_m"].item() == pytest.approx(ratio, rel=5e-3)


@pytest.mark.parametrize(
    ("head", "options", "message"),
    [
        ("", ["--rope", "0.5"], "--rope: needs the outcome's unit"),
        ("", ["--effects", "0.5"], "--effects: needs the outcome's unit"),
        ('unit = "pp"', ["--rope", "0"], "--rope: must be a positive number, or low:high"),
        ('unit = "pp"', ["--rope", "much"], "--rope: must be a number"),
        ('unit = "pp"', ["--rope", "1:-1"], "rope: must go from a lower to a higher value"),
        ('unit = "pp"', ["--effects", "0"], "--effects: must be a positive number"),
    ],
)
def test_sizes_that_cannot_be(
    tmp_path: Path, command: Any, head: str, options: list[str], message: str
) -> None:
    code, out, err = command("reread", sized(tmp_path, head), *options)
    assert (code, out) == (2, "")
    assert message in err


@pytest.mark.parametrize("options", [["--rope", "0.5"], ["--effects", "0"]])
def test_sizes_are_of_a_folder(command: Any, options: list[str]) -> None:
    figures = ["--icc", "0.1", "--n", "400", "--groups", "20"]
    code, _, err = command("reread", *figures, *options)
    assert code == 2
    assert f"{options[0]}: goes with FOLDER" in err


@pytest.mark.parametrize("df", [6.0, 478.0])
def test_a_bayes_factor_of_a_printed_coefficient(df: float) -> None:
    likelihood, prior = t(df, 0.25, 0.1), norm(0, 0.5)

    def weight(b: float) -> float:
        return float(likelihood.pdf(b) * prior.pdf(b))

    wanted = likelihood.pdf(0) / quad(weight, -2, 2, points=[0.25])[0]
    found = bayes_factor((0.25, 0.25), (0.1, 0.1), df=df, prior_sd=0.5)
    assert found == pytest.approx(wanted, rel=5e-3)


@pytest.mark.slow
def test_many_printed_coefficients_at_once(tmp_path: Path) -> None:
    found = coefficients(tmp_path)
    pooled = pool_slopes(slopes_of(found, correlation=0.3), top=1, seed=1)
    assert sorted(pooled.index) == sorted(["a: x", "a: w", "a: v"])
    assert 0 < pooled.loc["a: x", "mean"] < 0.4
    with pytest.raises(UsageError, match="must be that of some errors"):
        slopes_of(found, correlation=1.0)


@pytest.mark.slow
def test_a_folder_of_many_models_is_quick(tmp_path: Path) -> None:
    """Two hundred of which neither sizes nor estimator are known: four posteriors each."""
    import time

    toml, rows = "schema = 1\n", "model,group,variance\n"
    for k in range(200):
        groups = (6, 15, 40, 120)[k % 4]
        toml += f"[models.m{k}]\nn = {groups * 25}\ngroups = {groups}\n"
        rows += f"m{k},g,0.{10 + k}\nm{k},,0.9\n"
    (tmp_path / "study.toml").write_text(toml, encoding="utf-8")
    (tmp_path / "components.csv").write_text(rows, encoding="utf-8")
    start = time.process_time()
    found = sf.reread(tmp_path)
    assert time.process_time() - start < 20
    assert {model.level for model in found.values()} == {"ii"}
