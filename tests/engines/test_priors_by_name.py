"""Priors by name: of a slope whose column is measured in another unit, and of each other quantity.

A coefficient of c x is that of x over c, so that a prior that all slopes share, with x measured in
another unit, is two priors by name with x as it is. That holds for every engine and model.
"""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayes_sf as sf
from bayes_sf.analysis.priors.prior_fan import prior_fan
from bayes_sf.engines.mixed.prior import mixed_priors
from bayes_sf.engines.mixed.products import build_products
from bayes_sf.engines.sampled.log_prior import log_prior
from bayes_sf.engines.sampled.prior_draws import draw_prior
from bayes_sf.errors import BayesSFError, SpecError
from bayes_sf.output.report.page import prior_reasons
from bayes_sf.spec.rows import Rows
from bayes_sf.spec.schema import read_priors
from bayes_sf.spec.terms.matrices import Matrices

UNIT = 4.0
SHARED = sf.Prior("normal", scale=0.3, location=0.5, autoscale=False)
#: What SHARED says of x, where the column is x/4.
OF_X = sf.Prior("normal", scale=0.3 / UNIT, location=0.5 / UNIT, autoscale=False)


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    code = np.repeat(np.arange(9), 6)
    x, z = rng.normal(size=(2, code.size))
    y = 2 + 0.6 * x - 0.2 * z + rng.normal(size=9)[code] + rng.normal(size=code.size)
    return pd.DataFrame({
        "y": y, "x": 3 + x, "z": z, "g": [f"g{c}" for c in code], "h": [*"abc"] * 18,
        "m": rng.integers(1, 5, code.size), "se": rng.uniform(0.8, 1.2, code.size),
    })  # fmt: skip


FRAME = frame()
MODELS: dict[str, Any] = {
    "intercepts": "y ~ x + z + (1 | g)",
    "slopes": "y ~ x + z + (x || g)",
    "two factors": "y ~ x + z + (1 | g) + (1 | h)",
    "repeated": sf.ModelSpec("y", ("x", "z"), group="g", repeats="m"),
}


def fitted(model: Any, df: pd.DataFrame, priors: sf.Priors, **options: Any) -> Any:
    if isinstance(model, str):
        return sf.fit(model, df, priors=priors, **options)
    from dataclasses import replace

    return sf.fit(replace(model, priors=priors), df, **options)


def fixed(result: Any) -> pd.DataFrame:
    table = result.tidy()
    return table[table["effect"] == "fixed"].set_index("term")[["estimate", "std_error"]]


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name == "repeated")) for name in MODELS],
)
def test_a_slope_in_another_unit(name: str) -> None:
    """The prior's mean and sd go with the unit; nothing else moves."""
    by_name = fixed(fitted(MODELS[name], FRAME, sf.Priors(terms={"x": OF_X, "z": SHARED})))
    unit = fixed(fitted(MODELS[name], FRAME.assign(x=FRAME["x"] / UNIT), sf.Priors(slope=SHARED)))
    unit.loc["x"] /= UNIT
    np.testing.assert_allclose(by_name, unit, rtol=1e-5)
    usual = fixed(fitted(MODELS[name], FRAME, sf.Priors()))
    assert by_name.loc["x", "std_error"] < 0.8 * usual.loc["x", "std_error"]


@pytest.mark.slow
@pytest.mark.nuts
def test_sampled_it_is_what_exact_has() -> None:
    """Within 4 Monte Carlo errors."""
    priors = sf.Priors(terms={"x": OF_X})
    exact, nuts = (
        fixed(sf.fit(MODELS["intercepts"], FRAME, priors=priors, engine=engine))
        for engine in ("exact", "nuts")
    )
    error = exact["std_error"] / np.sqrt(400)
    assert (abs(exact["estimate"] - nuts["estimate"]) < 4 * error).all()


def test_sds_and_correlations_by_name_are_those_by_role() -> None:
    tight = {"sd_(Intercept)|g": "half-normal(0, 0.3)", "sd_x|g": "exponential(mean 0.1)",
             "cor_x.(Intercept)|g": "lkj(4)"}  # fmt: skip
    read = {name: sf.Prior.read(text) for name, text in tight.items()}
    by_role = dict(zip(("sd_group", "sd_slope", "correlation"), read.values(), strict=True))
    spec = sf.ModelSpec.from_formula("y ~ x + z + (x | g) + (1 | h)")
    products = build_products(Matrices.from_frame(FRAME, spec.parsed))
    names = mixed_priors(products, sf.Priors(terms=read)).spreads
    roles = mixed_priors(products, sf.Priors(**by_role)).spreads
    assert names[:3] == roles[:3]
    assert names[3] != roles[3]  # of h, which none of the names is about


def test_of_one_intercept_results_name_sds_without_the_group() -> None:
    read = {"sd_group": "half-normal(0, 0.3)", "(Intercept)": "normal(9, 0.1)"}
    roles = (sf.Prior.read(text) for text in read.values())
    by_role = sf.Priors(**dict(zip(("sd_group", "intercept"), roles, strict=True)))
    found = [sf.fit("y ~ x + (1 | g)", FRAME, priors=priors).tidy() for priors in (read, by_role)]
    pd.testing.assert_frame_equal(*found)


def test_one_of_several_factors_has_a_prior_of_its_own() -> None:
    priors = {"sd_(Intercept)|h": "half-normal(0, 0.01)"}
    usual, named = (
        sf.fit(MODELS["two factors"], FRAME, **more).tidy().set_index(["group", "term"])["estimate"]
        for more in ({}, {"priors": priors})
    )
    assert named["h", "sd__(Intercept)"] < 0.01 < 0.1 * usual["h", "sd__(Intercept)"]
    assert named["g", "sd__(Intercept)"] == pytest.approx(usual["g", "sd__(Intercept)"], rel=0.1)


def test_draws_from_the_prior_and_its_density_are_scipy_s() -> None:
    spec = sf.ModelSpec("y", ("x", "z"), group="g", priors=sf.Priors(terms={"x": OF_X}))
    rows = Rows.from_frame(FRAME, spec)
    tree = draw_prior(spec, rows, 4000, seed=3)
    beta = tree["posterior"]["beta"].to_numpy().reshape(-1, 3)
    sd_z = 2.5 * FRAME["y"].std() / FRAME["z"].std()
    laws = stats.norm(OF_X.location, OF_X.scale), stats.norm(0, sd_z)
    for values, law in zip(beta.T[1:], laws, strict=True):
        assert stats.kstest(values, law.cdf).pvalue > 1e-3
    slope = log_prior(tree, rows, spec)["slope"].ravel()
    wanted = sum(law.logpdf(values) for values, law in zip(beta.T[1:], laws, strict=True))
    np.testing.assert_allclose(slope - slope[0], wanted - wanted[0], atol=1e-9)


def test_a_file_says_the_same() -> None:
    table = {"terms": {"x": {"family": "normal", "scale": 0.2, "autoscale": False}}}
    found = read_priors(table, "a.toml")
    assert found == sf.Priors(terms={"x": sf.Prior("normal", scale=0.2, autoscale=False)})
    assert found != sf.Priors()
    assert str(found).endswith("; x normal(0, 0.2)")
    digests = {sf.ModelSpec("y", ("x",), group="g", priors=p).digest for p in (found, sf.Priors())}
    assert len(digests) == 2
    for bad, said in {
        "a": (r"priors\.terms\.x\.scale"), "b": r"priors\.terms\.x: must be a table",
        "c": r"priors\.terms: must be a table",
    }.items():  # fmt: skip
        entry: Any = {"a": {"x": {"family": "normal", "scale": -1.0}}, "b": {"x": 3}, "c": 3}[bad]
        with pytest.raises(SpecError, match=said):
            read_priors({"terms": entry}, "a.toml")


REFUSED: dict[str, tuple[Any, str]] = {
    "a name": ({"xx": "normal(0, 1)"}, "must name a coefficient"),
    "a name that is close": ({"(intercept)": "normal(0, 1)"}, r"\(Intercept\)'\?"),
    "a sd's of a slope": ({"x": "half-t(3, 0, 1)"}, "flat, normal"),
    "a slope's of a sd": ({"sd_group": "normal(0, 1)"}, "half-t"),
    "far too wide": ({"x": "normal(0, 1e30)"}, "must have a scale"),
    "no prior": ({"x": 3}, "must be written as"),
    "beside a joint one": (
        lambda: sf.Priors(slope=sf.Prior("horseshoe"), terms={"x": SHARED}), "prior of all slopes",
    ),
    "no prior, typed": (lambda: sf.Priors(terms={"x": 3}), "must be a Prior"),
    "no mapping": (lambda: sf.Priors(terms=3), "must be priors by name"),
    "no pairs": (lambda: sf.Priors(terms=("x",)), "must be priors by name"),
}  # fmt: skip


@pytest.mark.parametrize("formula", ["y ~ x + z + (1 | g)", "y ~ x + z + (x | g)"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str, formula: str) -> None:
    priors, said = REFUSED[name]
    with pytest.raises(BayesSFError, match=said):
        sf.fit(formula, FRAME, priors=priors() if callable(priors) else priors)


def test_routes_without_coefficients_of_their_own_refuse_names() -> None:
    named = sf.Priors(terms={"x": SHARED})
    result = sf.fit(MODELS["intercepts"], FRAME)
    for call in (
        lambda: sf.icc_posterior(icc="0.3", n=900, groups=30, priors=named),
        lambda: prior_fan(result, {"a": named}),
    ):
        with pytest.raises(BayesSFError, match="name"):
            call()


def test_a_page_lists_them_after_the_others() -> None:
    prior = sf.Prior("normal", scale=0.5, autoscale=False, reason="an earlier study")
    result = sf.fit(MODELS["intercepts"], FRAME, priors=sf.Priors(terms={"z": prior}))
    *others, last = prior_reasons(result)
    assert [name for name, *_ in others] == ["intercept", "slope", "sd_resid", "sd_group"]
    assert last == ("z", "normal(0, 0.5)", "an earlier study")
