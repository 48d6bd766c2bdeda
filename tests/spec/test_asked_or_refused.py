"""What is asked for is done or refused: options without a use, and noise that looks like data."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayes_sf as sf
from bayes_sf.errors import BayesSFError, DataError, SpecError, UsageError
from bayes_sf.spec.analysis import analysis_names


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    table = pd.DataFrame(rng.normal(size=(24, 2)), columns=["y", "x"])
    return table.assign(
        g=[f"g{i % 4}" for i in range(24)], level=[0.1 * (i % 4) for i in range(24)]
    )


def test_priors_of_what_a_model_does_not_have_are_refused(frame: pd.DataFrame) -> None:
    given = sf.Priors(sd_slope=sf.Prior("half-normal"))
    with pytest.raises(SpecError, match="sd_slope"):
        sf.fit(sf.ModelSpec("y", ("x",), group="g", priors=given), frame)
    for name in analysis_names():
        for spec in sf.load_analysis(name).specs:
            spec.check_priors()


@pytest.mark.parametrize(
    ("family", "part"), [("half-normal", {"df": 9.0}), ("half-t", {"location": 1.0}),
                         ("flat", {"scale": 2.0}), ("normal", {"shape": 3.0})],
)  # fmt: skip
def test_a_prior_has_only_what_its_family_has(family: str, part: dict[str, float]) -> None:
    with pytest.raises(SpecError, match=next(iter(part))):
        sf.Prior(family, **part)  # type: ignore[arg-type]


def test_rounding_errors_are_no_within_part(frame: pd.DataFrame) -> None:
    spec = sf.ModelSpec("y", ("level",), group="g", within_between=("level",))
    with pytest.raises(DataError, match="vary within groups"):
        sf.fit(spec, frame, engine="reml")


def test_columns_called_source_and_seed_are_not_provenance(frame: pd.DataFrame) -> None:
    data = frame.assign(source="mine", seed=9)
    found = sf.fit(sf.ModelSpec("y", ("x",), group="g"), data, engine="reml").provenance
    assert (found.source, found.seed) == ("frame", None)


def test_an_exact_fit_leaves_ols_nothing(frame: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="residual variance"):
        sf.fit(sf.ModelSpec("y", ("x",), group="g"), frame.assign(y=frame["x"] * 2), engine="ols")


@pytest.mark.parametrize(
    "stated", [{"amounts": [1.0]}, {"cost_per_day": 5.0}, {"step_at_most": 1.0}, {"sampled": True},
               {"contrast": "step"}, {"contrast": "other"}],
)  # fmt: skip
def test_what_no_part_uses_is_refused(frame: pd.DataFrame, stated: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(stated))):
        sf.sensitivity(sf.ModelSpec("y", ("x",), group="g"), frame, parts=["bayes"], **stated)


@pytest.mark.parametrize(
    ("name", "options"), [("published", {"survey": "a"}), ("replica", {"seed": 2})]
)
def test_samples_have_options_of_their_own(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="no option"):
        sf.load_sample(name, **options)


def test_gaps_are_modelled_by_industry_only() -> None:
    with pytest.raises(SpecError, match="industry"):
        sf.ModelSpec("absence_mean", group="size", missing="model")


@pytest.mark.parametrize("prob", [1e-9, 1 - 1e-9])
def test_probabilities_beyond_quadrature(frame: pd.DataFrame, prob: float) -> None:
    with pytest.raises(BayesSFError, match="away from 0 and 1"):
        sf.fit(sf.ModelSpec("y", group="g"), frame, prob=prob)


@pytest.mark.parametrize("what", [3, None, ["y ~ x"], object])
def test_what_is_no_model_is_told_what_one_is(what: Any) -> None:
    said = rf"takes a formula, a ModelSpec or an Analysis .got '{type(what).__name__}'.; write 'y ~"
    with pytest.raises(UsageError, match=said):
        sf.fit(what, {"y": [1.0, 2.0]})
