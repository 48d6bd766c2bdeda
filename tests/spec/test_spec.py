"""Specifications: what analysis files expand to, and one bad file per rule.

The first line of every file in `bad_specs/` is the message that it must give.
"""

from pathlib import Path

import pytest

from bayes_sf.errors import SpecError
from bayes_sf.inputs.codebook import load_codebook
from bayes_sf.spec.analysis import analysis_names, load_analysis
from bayes_sf.spec.model import ModelSpec
from bayes_sf.spec.priors import Prior, Priors

BAD = sorted((Path(__file__).parent / "bad_specs").glob("*.toml"))


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_specs_say_what_where_and_what_to_do(path: Path) -> None:
    expected = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# message: ")
    with pytest.raises(SpecError) as caught:
        load_analysis(path)
    assert str(caught.value) == expected
    assert expected.startswith(f"{path.name}: ")
    assert caught.value.exit_code == 2


#: What an analysis file may hold of another kind or size, and what is said of it.
ODD = {
    "family in a list": ('[priors.sd_group]\nfamily = ["normal"]', "family: must be one of"),
    "family in a table": ("[priors.slope]\nfamily = {a = 1}", "family: must be one of"),
    "huge scale": (f'[priors.slope]\nfamily = "normal"\nscale = -{"9" * 400}', "finite number"),
    "huge statement": (
        f"[priors.slope]\nstep_at_most = {'9' * 400}\nprobability = 0.9", "must be a number",
    ),
    "huge probability": (
        f"[priors.sd_group]\nicc_above = 0.5\nprobability = {'9' * 320}", "must be a number",
    ),
    "huge quarters": (f"min_quarters = {'9' * 400}", "whole number from 1 to 1000"),
    "endless number": (f"min_quarters = {'9' * 5000}", "valid TOML"),
    "deep arrays": (f"controls = {'[' * 3000}{']' * 3000}", "nested too deeply"),
    "deep tables": (f"priors = {'{a = ' * 3000}1{'}' * 3000}", "nested too deeply"),
    "deep keys": (f"tables.absence_mean.{'.'.join('a' * 3000)} = 1", "nested too deeply"),
    "deep prior": (f"priors.slope.{'.'.join('a' * 3000)} = 1", "nested too deeply"),
    "a date": ("min_quarters = 2020-01-01", "whole number"),
    "not a number": ('[priors.slope]\nfamily = "normal"\nscale = nan', "finite number"),
    "arrays in arrays": ('controls = [["women_share"]]', "must be a list of columns"),
    "tables in arrays": ("controls = [{a = 1}]", "must be a list of columns"),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_values_of_another_kind_or_size(name: str, tmp_path: Path) -> None:
    line, message = ODD[name]
    path = tmp_path / "odd.toml"
    head = 'schema = 1\nquestion = "?"\noutcomes = ["absence_mean"]\nitems = ["q13"]\n'
    path.write_text(f"{head}{line}\n", encoding="utf-8")
    with pytest.raises(SpecError, match=message) as caught:
        load_analysis(path)
    assert str(caught.value).startswith("odd.toml: ")
    assert len(str(caught.value)) < 1000


def test_misspelt_analysis() -> None:
    with pytest.raises(SpecError, match=r"got 'bivariat'\); did you mean 'bivariate'\?"):
        load_analysis("bivariat")
    with pytest.raises(SpecError, match="no such file"):
        load_analysis("nowhere/x.toml")


@pytest.mark.parametrize("name", analysis_names())
def test_analyses_that_travel_with_the_package(name: str) -> None:
    analysis = load_analysis(name)
    assert analysis.question.endswith("?")
    assert len({spec.key for spec in analysis.specs}) == len(analysis.specs)
    for spec in analysis.specs:
        assert spec.unit == load_codebook().outcomes[spec.outcome]
        for role in ("intercept", "slope", "sd_resid", "sd_group"):
            if role != "slope" or spec.predictors:
                assert getattr(spec.priors, role).reason, f"{name}: {role} has no reason"


def test_bivariate_is_sixty_models_with_their_tables() -> None:
    specs = load_analysis("bivariate").specs
    assert len(specs) == 60
    assert {(spec.outcome, spec.table) for spec in specs} == {
        ("absence_mean", "46"),
        ("absence_change", "47"),
    }
    assert all(spec.predictors == (spec.name,) for spec in specs)


def test_controls_follow_the_item() -> None:
    (spec,) = load_analysis("q17_controls").specs
    assert spec.predictors[:2] == ("q17", "women_share")
    assert set(spec.standardize) < set(spec.predictors)


def test_a_file_of_one_s_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'schema = 1\nquestion = "?"\noutcomes = ["absence_trend"]\n'
        '[priors.sd_group]\nfamily = "gamma"\nscale = 0.5\nshape = 2\n',
        encoding="utf-8",
    )
    (spec,) = load_analysis(path).specs
    assert spec.key == ("null", "absence_trend")
    assert spec.unit == "tau-b"
    assert spec.priors == Priors(sd_group=Prior("gamma", scale=0.5, shape=2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"outcome": ""}, "named by text"),
        ({"outcome": "y", "predictors": ("x", 3)}, "named by text.*3"),
        ({"outcome": "y", "predictors": ("x", "y")}, r"different columns.*\['y'\]"),
        ({"outcome": "y", "predictors": ("g",), "group": "g"}, r"different columns.*\['g'\]"),
        ({"outcome": "y", "predictors": "x"}, "list of columns.*'x'"),
        ({"outcome": "y", "standardize": ("x",)}, "standardize.*predictors of the model"),
        ({"outcome": "y", "min_quarters": 2.5}, "whole number.*2.5"),
    ],
)
def test_impossible_models(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        ModelSpec(**arguments)  # type: ignore[arg-type]


def test_the_digest_is_of_everything_that_is_said() -> None:
    spec = ModelSpec("y", ("x",), "g")
    assert spec.digest == ModelSpec("y", ("x",), "g").digest
    others = [
        ModelSpec("y", ("z",), "g"),
        ModelSpec("y", ("x",), "g", min_quarters=1),
        ModelSpec("y", ("x",), "g", priors=Priors.flat()),
    ]
    assert len({spec.digest, *(other.digest for other in others)}) == 4


def test_a_joint_model_nests_the_items_with_a_filter_question() -> None:
    """Those of figure 5's thirty that not everybody was asked; the others for everybody."""
    for spec in load_analysis("joint_normal").specs:
        assert spec.nested == ("q20r1", "q20r2", "q20r3", "q22")
        assert set(spec.nested) < set(spec.predictors)
