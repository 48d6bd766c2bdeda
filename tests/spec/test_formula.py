"""Formulas: what they become, names of terms, and a message with its place for each fault."""

import ast
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.analysis.checks.loo import Loo
from bayes_sf.analysis.pooling import Pooling
from bayes_sf.engines.mixed.result import MixedResult
from bayes_sf.errors import BayesSFError, SpecError, UsageError
from bayes_sf.inputs.sample import AnalysisSample
from bayes_sf.spec.terms.design import _instead
from bayes_sf.spec.terms.formula import read_formula
from bayes_sf.spec.terms.matrices import Matrices

DATA = Path(__file__).parents[1] / "references" / "mixed" / "data"


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    table = pd.read_csv(DATA / "crossed.csv")
    rng = np.random.default_rng(1)
    count = rng.poisson(2, len(table))
    more = {
        "use": count > 1, "hits": count.clip(max=5), "tries": 5 + count % 3, "count": count,
        "grade": pd.Categorical(count.clip(max=3), ordered=True), "absence": count / 7,
        "share": (count + 0.5) / (count.max() + 1),
    }  # fmt: skip
    table = table.assign(**more)
    return table.assign(one=1.0, twice=2 * table["x"], zero=0.0, minus=-table["w"], n=2)


def made(formula: str, frame: pd.DataFrame, **options: str) -> Matrices:
    return Matrices.from_frame(frame, read_formula(formula), **options)


@pytest.mark.parametrize(
    ("formula", "terms"),
    [
        ("y ~ x * c + (1 | a)", ["(Intercept)", "x", "c[mid]", "c[top]", "x:c[mid]", "x:c[top]"]),
        ("y ~ 0 + c + (1 | a)", ["c[low]", "c[mid]", "c[top]"]),
        ("y ~ x - 1 + (1 | a)", ["x"]),
        ("y ~ C(n_) + scale(x) + (1 | a)", ["(Intercept)", "C(n_)[1]", "C(n_)[2]", "scale(x)"]),
        ("y ~ poly(x, 2) + (1 | a)", ["(Intercept)", "poly(x, 2)[0]", "poly(x, 2)[1]"]),
        ("y ~ bs(x, df=4) + (1 | a)",
         ["(Intercept)", *(f"bs(x, df=4)[{i}]" for i in range(4))]),
        ("y ~ I(x**2) + np.log(w) + (1 | a)", ["(Intercept)", "I(x ** 2)", "np.log(w)"]),
        ("y ~ x * z - x:z + offset(w) + (1 | a)", ["(Intercept)", "x", "z"]),
        ("log(w) ~ C(c, Treatment('top')) + (1 | a)",
         ["(Intercept)", "C(c, Treatment('top'))[low]", "C(c, Treatment('top'))[mid]"]),
    ],
)  # fmt: skip
def test_names_are_those_of_formulae(formula: str, terms: list[str], frame: pd.DataFrame) -> None:
    """And of bambi, which takes them from there; the intercept has the name it has everywhere."""
    assert list(made(formula, frame.assign(n_=np.arange(len(frame)) % 3)).terms) == terms


@pytest.mark.parametrize(
    ("random", "expected"),
    [
        ("(1 + x | a)", [("a", ("(Intercept)", "x"), ((0, 1),))]),
        ("(x | a)", [("a", ("(Intercept)", "x"), ((0, 1),))]),
        ("(x || a)", [("a", ("(Intercept)", "x"), ((0,), (1,)))]),
        ("(1 | a) + (0 + x | a)", [("a", ("(Intercept)", "x"), ((0,), (1,)))]),
        ("(0 + c | a)", [("a", ("c[low]", "c[mid]", "c[top]"), ((0, 1, 2),))]),
        ("(1 | a/b)", [("a", ("(Intercept)",), ((0,),)), ("a:b", ("(Intercept)",), ((0,),))]),
        ("(1 | a) + (1 | b)", [("a", ("(Intercept)",), ((0,),)), ("b", ("(Intercept)",), ((0,),))]),
    ],
)  # fmt: skip
def test_random_terms(
    random: str, expected: list[tuple[str, tuple[str, ...], object]], frame: pd.DataFrame
) -> None:
    """`(x || a)` is `(1 | a) + (0 + x | a)`, and neither is `(x | a)`."""
    found = made(f"y ~ x + {random}", frame).factors
    assert [(f.name, f.columns, f.blocks) for f in found] == expected


def test_columns_are_what_they_say(frame: pd.DataFrame) -> None:
    found = made("y ~ scale(x) + x:z + offset(2*w) + (1 | a:b)", frame)
    x, z = frame["x"].to_numpy(), frame["z"].to_numpy()
    np.testing.assert_allclose(found.x[:, 1], (x - x.mean()) / x.std(ddof=1))
    np.testing.assert_allclose(found.x[:, 2], x * z)
    np.testing.assert_allclose(found.y, frame["y"] - 2 * frame["w"])
    both = frame["a"] + ":" + frame["b"]
    assert [found.factors[0].levels[i] for i in found.factors[0].code] == list(both)


@pytest.mark.parametrize(("many", "said"), [(8, "n1, n2, n3, n4, n5, n6, n7, n8"), (9, "n8, ...")])
def test_what_there_is_instead_is_named_up_to_eight(many: int, said: str) -> None:
    names = [f"n{k}" for k in range(1, many + 1)]
    assert _instead("q", names).startswith("there are n1, ")
    assert _instead("q", names).endswith(said)
    assert "n9" not in _instead("q", names)
    assert _instead("n44", ["n4", "m"]) == "did you mean 'n4'?"


@pytest.mark.parametrize("engine", ["reml", "exact"])
def test_a_random_intercept_is_fitted_as_ever(engine: str, frame: pd.DataFrame) -> None:
    formula = sf.fit("y ~ x + c + (1 | a)", frame, engine=engine)
    written = sf.fit(sf.ModelSpec("y", ("x", "c"), group="a", missing="drop"), frame, engine=engine)
    assert formula.spec == written.spec
    assert formula.spec.digest == written.spec.digest
    pd.testing.assert_frame_equal(formula.estimates, written.estimates, check_exact=True)
    assert not isinstance(formula, MixedResult)


def test_an_intercept_s_result_has_lme4_s_methods(frame: pd.DataFrame) -> None:
    result = sf.fit("y ~ x + c + (1 | a)", frame, engine="reml")
    table = result.varcorr()
    assert list(table["factor"]) == ["a", "Residual"]
    share = table["vcov"][0] / table["vcov"].sum()
    assert share == pytest.approx(result.icc()["estimate"])
    assert "95% Wald" in result.summary()
    pd.testing.assert_frame_equal(result.ranef("a"), result.ranef())
    assert result.icc("a") == result.icc()
    for asked in (result.ranef, result.icc):
        with pytest.raises(UsageError, match="factor: must be one of a "):
            asked("b")
    assert "half-t(3" in sf.fit("y ~ x + c + (1 | a)", frame).summary()


def test_any_frame(frame: pd.DataFrame) -> None:
    import pyarrow as pa

    formula = "y ~ x * c + (1 | a) + (1 | b)"
    theirs = sf.fit(formula, pa.Table.from_pandas(frame), engine="reml")
    ours = sf.fit(formula, frame.sample(frac=1, random_state=3), engine="reml")
    assert theirs.provenance.data == ours.provenance.data
    columns = ["estimate", "sd"]
    np.testing.assert_allclose(theirs.estimates[columns], ours.estimates[columns], rtol=1e-6)


@pytest.mark.parametrize(
    ("formula", "place", "said"),
    [
        ("", "formula", "must be text"),
        ("y + x", "formula", "one ~"),
        ("y ~ x ~ (1 | a)", "character 7", "one ~"),
        ("~ x + (1 | a)", "character 1", "the response before it"),
        ("y ~", "character 3", "terms after it"),
        ("y ~ x +", "character 7", "a term after it"),
        ("y ~ x + z -", "character 11", "a term after it"),
        ("y ~ x + + z", "character 9", "a term before it"),
        ("y ~ x + (1 | a", "character 9", "be closed; add )"),
        ("y ~ x + (1 | a))", "character 16", "close something"),
        ("y ~ ((x + z", "character 6", "be closed; add )"),
        ("y ~ (c[low + z)", "character 15", "close something"),
        ("y ~ (c[low + z", "character 7", "be closed; add ]"),
        ("y ~ x$z", "character 6", "no part of a formula; name the column"),
        ("y ~ x^2 + (1 | a)", "character 6", "write ** for a power"),
        ("y ~ x.z + (1 | a)", "character 5", "in backquotes"),
        ("y ~ __import__('os') + (1 | a)", "character 5", "no part of a formula"),
        ("y ~ os.system('x') + (1 | a)", "character 5", "a known function"),
        ("y ~ eval('x') + (1 | a)", "character 5", "a known function"),
        ("y ~ x", "formula", "a random term"),
        ("y ~ x + 1 | a", "character 11", "parentheses of its own"),
        ("y ~ x * (1 | a)", "character 12", "parentheses of its own"),
        ("y ~ x - (1 | a)", "character 9", "cannot be taken away"),
        ("y ~ x + (1 | a | b)", "character 16", "the one bar"),
        ("y ~ x + (1 | a + b)", "character 16", "(1 | a) + (1 | b)"),
        ("y ~ x + (1 | a * b)", "character 16", "cannot stand between"),
        ("y ~ x + (1 | C(a))", "character 15", "cannot stand between"),
        ("y ~ x + (1 | the group)", "character 18", "put a name with blanks in backquotes"),
        ("y ~ x + (1 | 3)", "character 14", "name a column"),
        ("y ~ x + (1 | None)", "character 14", "a word of Python"),
        ("y ~ True + (1 | a)", "character 5", "a word of Python"),
        ("y ~ Intercept + (1 | a)", "character 5", "the name of the intercept"),
        ("y ~ x * `(Intercept)` + (1 | a)", "character 9", "the name of the intercept"),
        ("y ~ x + ( | a)", "character 11", "terms before it"),
        ("y ~ x + (offset(z) | a)", "character 10", "cannot vary"),
        ("y ~ a + (1 | a)", "model", "different columns"),
        ("y ~ xx + (1 | a)", "character 5", "did you mean 'x'"),
        ("y ~ x + (1 | aa)", "character 14", "did you mean 'a'"),
        ("y ~ x * 2 + (1 | a)", "formula", "I(2 * x)"),
        ("y ~ x * 1 + (1 | a)", "formula", "I(2 * x)"),
        ("y ~ 2 + x + (1 | a)", "formula", "no number but 0 and 1"),
        ("y ~ x + (c || a)", "character 12", "uncorrelated"),
        ("y ~ x + (1 | a) + (x | a)", "character 22", "vary twice"),
        ("y ~ x + (one | a)", "random effects by 'a'", "constant"),
        ("y ~ twice + x + (1 | a:b)", "column 'x'", "no combination"),
        ("y ~ x + one + (1 | a:b)", "column 'one'", "must vary"),
        ("y ~ x + (1 | one)", "group 'one'", "two levels"),
        ("y ~ x + (poly(x, 3) | a:b)", "random effects by 'a:b'", "fewer than rows"),
        ("c ~ x + (1 | a:b)", "formula: response", "a number in every row"),
        ("y ~ log(z) + (1 | a)", "term 'log(z)'", "finite in every row"),
        ("y ~ poly(x) * nn(2) + (1 | a)", "character 15", "a known function"),
        ("y ~ bs(x, 2, 2, 9, 9, 9, 9) + (1 | a)", "formula", "computable"),
        ("zero ~ x:z + (1 | a)", "response 'zero'", "must vary"),
        ("y - x ~ 1 + (1 | a)", "character 3", "cannot stand in a response"),
        ("y ** 2 ~ x + (1 | a)", "character 3", "cannot stand in a response"),
        ("-y ~ x + (1 | a)", "character 1", "cannot stand in a response"),
        ("log(y) / x ~ z + (1 | a)", "character 8", "cannot stand in a response"),
        ("y ~ x ** 2 + (1 | a)", "character 7", "I(x ** 2) of one variable"),
        ("y ~ scale(x) ** 2 + (1 | a)", "character 14", "a sum of terms"),
        ("y ~ (x:z) ** 2 + (1 | a)", "character 11", "a sum of terms"),
        ("y ~ z + (x ** 3 | a)", "character 12", "a sum of terms"),
        ("y ~ x %in% z + (1 | a)", "character 7", "cannot stand between terms"),
        ("y ~ x > 1 + (1 | a)", "character 7", "write {...} around arithmetic"),
    ],
)
def test_faults_have_one_message_and_a_place(
    formula: str, place: str, said: str, frame: pd.DataFrame
) -> None:
    with pytest.raises(BayesSFError) as caught:
        sf.fit(formula, frame, engine="reml")
    assert place in caught.value.where
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("formula", "outcome", "predictors"),
    [
        ("I(y - x) ~ z + (1 | a)", lambda d: d["y"] - d["x"], lambda d: [d["z"]]),
        ("{y ** 2} ~ I(x ** 2) + (1 | a)", lambda d: d["y"] ** 2, lambda d: [d["x"] ** 2]),
        ("y ~ (x + z) ** 2 + (1 | a)", lambda d: d["y"],
         lambda d: [d["x"], d["z"], d["x"] * d["z"]]),
    ],
)  # fmt: skip
def test_arithmetic_is_computed(
    formula: str, outcome: Any, predictors: Any, frame: pd.DataFrame
) -> None:
    """The same as with columns that are computed first."""
    columns = {f"v{i}": column for i, column in enumerate(predictors(frame))}
    made = frame.assign(w=outcome(frame), **columns)
    known = sf.fit(f"w ~ {' + '.join(columns)} + (1 | a)", made, engine="reml").fixef()
    found = sf.fit(formula, frame, engine="reml").fixef()
    np.testing.assert_allclose(found["estimate"], known["estimate"], rtol=1e-8)


@pytest.mark.parametrize("name", ["icc", "sd_resid", "sd_group", "icc|a", "sd_(Intercept)|b"])
def test_a_predictor_is_never_taken_for_a_quantity_of_the_result(
    name: str, frame: pd.DataFrame
) -> None:
    with pytest.raises(BayesSFError, match="the name of a quantity of the result"):
        sf.fit(
            f"y ~ `{name}` + (1 | a) + (1 | b)", frame.assign(**{name: frame["x"]}), engine="reml"
        )


def test_more_columns_than_rows(frame: pd.DataFrame) -> None:
    with pytest.raises(BayesSFError, match="more rows than fixed columns"):
        made("y ~ poly(x, 6) + (1 | a)", frame.head(6))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"weights": "minus"}, "positive in every row"),
        ({"weights": "zero"}, "all zero"),
        ({"weights": "nowhere"}, "not in the data"),
        ({"weights": "x"}, "column of its own"),
        ({"frequencies": "minus"}, "whole numbers from 0 up"),
        ({"frequencies": "zero"}, "all zero"),
        ({"frequencies": "w"}, "fractions"),
        ({"weights": "w", "frequencies": "n"}, "either precisions"),
    ],
)
def test_weights_that_cannot_be(options: dict[str, str], said: str, frame: pd.DataFrame) -> None:
    with pytest.raises(BayesSFError, match=said):
        sf.fit("y ~ x + (1 | a)", frame, engine="reml", **options)


def test_what_goes_with_a_formula_only(frame: pd.DataFrame) -> None:
    with pytest.raises(UsageError, match="weights"):
        sf.fit(sf.ModelSpec("y", ("x",), group="a"), frame, weights="w")
    with pytest.raises(SpecError, match="from_formula"):
        sf.ModelSpec("y", ("x",), group="a", weights="w")
    with pytest.raises(SpecError, match="formula's"):
        sf.ModelSpec("y", ("z",), group="a", formula="y ~ x:z + (1 | a)")


def test_analyses_of_one_intercept_refuse_others(frame: pd.DataFrame) -> None:
    result = sf.fit("y ~ x * c + (1 | a) + (1 | b)", frame, engine="reml")
    with pytest.raises(UsageError, match=r"posterior|random"):
        sf.plot(result, "forest")
    with pytest.raises(UsageError, match=r"engine|random"):
        sf.sensitivity(result.spec, frame)


def test_files_of_a_study_carry_random_intercepts() -> None:
    """What would be told of microdata has no rule of disclosure yet: it is refused."""
    spec = sf.ModelSpec.from_formula("absence_mean ~ q13 + (q13 || industry)")
    sample = AnalysisSample.__new__(AnalysisSample)
    for engine in ("reml", "ml"):
        with pytest.raises(UsageError, match="data frame"):
            sf.fit(spec, sample, engine=engine)
    with pytest.raises(UsageError, match="data frames"):
        sf.fit(sf.ModelSpec("absence_mean", ("q13",)), sample, engine="ml")


def test_an_analysis_file_may_have_a_formula(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"

    def specs(formula: str, more: str = "") -> tuple[sf.ModelSpec, ...]:
        text = f'schema = 1\nquestion = "?"\nformula = "{formula}"\n{more}'
        path.write_text(text, encoding="utf-8")
        return sf.load_analysis(path).specs

    (spec,) = specs("absence_mean ~ q13 + (1 | industry)", 'priors.slope.family = "flat"')
    assert spec == sf.ModelSpec(
        "absence_mean",
        ("q13",),
        priors=sf.Priors(slope=sf.Prior("flat")),
        unit="pp",
        missing="drop",
    )
    for formula, more, said in (
        ("absence_mean ~ q13x + (1 | industry)", "", "character 16"),
        ("absence ~ q13 + (1 | industry)", "", "absence_mean"),
        ("absence_mean ~ q13", "", "random term"),
        ("absence_mean ~ q13 + (1 | industry)", 'group = "industry"', "said by the formula"),
        (
            "absence_mean ~ q13 + (1 | industry)",
            'group = "industry"\nstandardize = ["q13"]',
            "group: is said by the formula .got 'industry'.; leave it out",
        ),
    ):
        with pytest.raises(SpecError, match=said):
            specs(formula, more)


PAGE = (Path(__file__).parents[2] / "docs" / "coming_from.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (.*?) \| (`.*?) \| `((?:sf|az)\.\w+\([^`]+)` \|$", PAGE, re.MULTILINE)
TASKS = [ours for _, _, ours in ROWS]
#: What fits a model: the other calls are counted.
FITTING = {"lmer", "glmer", "brm", "lm", "Model", "clmm", "mix", "fit", "brm_multiple"}
#: Tasks that take a call more here, as the page says.
LONGER = {"prior and posterior", "the same by ArviZ"}


#: Those that compile: by default they are built, and not sampled.
COMPILED = [task for task in TASKS if "family=" in task and 'engine="ml"' not in task]
SLOW = [*COMPILED, *(task for task in TASKS if "draws=" in task)]
LONG = [task for task in TASKS if 'missing="model"' in task or "sf.page" in task]


@pytest.mark.parametrize(
    "task",
    [
        pytest.param(
            t, marks=[pytest.mark.slow] * (t in SLOW + LONG) + [pytest.mark.nuts] * (t in SLOW)
        )
        for t in TASKS
    ],
)
def test_what_the_page_for_others_shows_runs(
    task: str, frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import arviz as az
    from matplotlib.figure import Figure

    monkeypatch.chdir(tmp_path)
    found = eval(task.replace("\\|", "|"), {"az": az, "sf": sf, "df": frame})
    parts = {
        sf.Result: "estimates", sf.ModelTable: "frame", az.ELPDData: "elpd_i", Figure: "axes",
        Loo: "pointwise", Pooling: "terms", Path: "parts",
    }  # fmt: skip
    shown = next((getattr(found, part) for kind, part in parts.items() if isinstance(found, kind)),
                 getattr(found, "viz", found))  # fmt: skip
    assert len(shown)


@pytest.mark.parametrize("task", COMPILED)
def test_what_the_page_for_others_samples_is_built(
    task: str, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(model: Any, **_: Any) -> None:
        raise RuntimeError(f"{len(model.free_RVs)} variables")

    monkeypatch.setattr("bayes_sf.engines.outcomes.sampled.compile_model", stop)
    with pytest.raises(RuntimeError, match="variables"):
        eval(task.replace("\\|", "|"), {"sf": sf, "df": frame})


def test_the_page_for_others_has_its_tasks() -> None:
    assert (len(TASKS), len(COMPILED)) == (70, 8)


def test_no_task_is_longer_here() -> None:
    """One expression each, with no more calls beside the fit than theirs has."""
    longer = set()
    for task, theirs, ours in ROWS:
        tree = ast.parse(ours.replace("\\|", "|"), mode="eval")
        calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        names = [getattr(call, "attr", getattr(call, "id", "")) for call in calls]
        mine = [name for name in names if name not in FITTING | {"assign", "mask"}]
        code = re.sub(r'"[^"]*"', "", re.findall(r"`([^`]+)`", theirs)[0])
        other = [name for name in re.findall(r"(\w+)\(", code) if name not in FITTING]
        longer |= {task} if len(mine) > len(other) else set()
    assert longer <= LONGER, longer
