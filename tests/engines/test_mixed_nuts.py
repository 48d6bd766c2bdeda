"""NUTS of any random terms: its density and gradient, and the exact posterior."""

import numpy as np
import pytest

import bayes_sf as sf
from bayes_sf.engines.mixed.nodes import Surface
from bayes_sf.engines.mixed.prior import mixed_priors
from bayes_sf.engines.mixed.products import build_products
from bayes_sf.engines.mixed.result import MixedResult
from bayes_sf.engines.mixed.sampled import Target
from bayes_sf.errors import BayesSFError
from bayes_sf.spec.terms.formula import read_formula
from bayes_sf.spec.terms.matrices import Matrices
from tests.engines.lme4_references import data

POINT = np.array([0.1, -0.5, 0.3, -0.2])


def target(name: str, formula: str) -> Target:
    made = Matrices.from_frame(data(name), read_formula(formula))
    products = build_products(made)
    return Target(Surface(products, mixed_priors(products, sf.Priors())))


@pytest.mark.parametrize(
    ("name", "formula"),
    [("slopes", "y ~ x + (1 + x | g)"), ("crossed", "y ~ x + (1 | a) + (1 | b) + (1 | a:b)")],
)
def test_gradients_are_those_of_the_density(name: str, formula: str) -> None:
    what, step = target(name, formula), 1e-5
    _, gradient = what(POINT)
    for slope, own in zip(gradient, step * np.eye(4), strict=True):
        rise = (what(POINT + own)[0] - what(POINT - own)[0]) / (2 * step)
        assert slope == pytest.approx(rise, rel=1e-6, abs=1e-6)


def test_the_density_is_the_quadrature_s() -> None:
    """The same of sds, correlation and sigma, but for the map from one's coordinates to other's."""
    what = target("slopes", "y ~ x + (1 + x | g)")
    surface = what.surface
    ours, theirs = [], []
    for shift in (0.0, 0.2, -0.3):
        point = POINT + shift
        sds, z, t = np.exp(point[:2]), point[2], point[3]
        ratios = sds / np.exp(t)
        at = np.array([
            *(float(surface.place(k, ratios[k])) for k in (0, 1)), np.arcsin(np.tanh(z)),
        ])  # fmt: skip
        ours.append(what(point)[0])
        found = surface.log_density(np.array([t]), at[None], surface.given(at[None]))
        # d log tau/dz = s cosh(z^2) 2z/ratio, d fisher/d angle = 1/cos(angle), t is the same
        unit = surface.unit[:2] * np.cosh(at[:2] ** 2) * 2 * at[:2] / ratios
        theirs.append(float(found[0, 0]) - np.log(unit).sum() + np.log(np.cos(at[2])))
    np.testing.assert_allclose(np.diff(ours), np.diff(theirs), atol=1e-8)


def test_what_it_is_not_for() -> None:
    with pytest.raises(BayesSFError, match="two correlated columns"):
        sf.fit("y ~ x + (c | a)", data("crossed"), engine="nuts")


@pytest.mark.nuts
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "formula"),
    [("nested", "y ~ x + (1 | g/h)"), ("slopes", "y ~ x + (x || g)"),
     ("crossed", "y ~ x * c + (1 | a) + (1 | b)")],
)  # fmt: skip
def test_it_is_exact_but_for_its_error(name: str, formula: str) -> None:
    exact = sf.fit(formula, data(name))
    sampled = sf.fit(formula, data(name), engine="nuts")
    assert isinstance(sampled, MixedResult)
    assert sampled.converged
    table = sampled.diagnostics()
    for one, other in zip(exact.rows, sampled.rows, strict=True):
        assert (one.term, one.group) == (other.term, other.group)
        if one.term in table.index:
            error = table.loc[one.term]
            assert abs(one.estimate - other.estimate) < 4 * error["mcse_mean"], one.term
            assert abs(one.sd - other.sd) < 4 * error["mcse_sd"], one.term
        else:  # mixtures over the draws, whose error is a small part of theirs
            assert abs(one.estimate - other.estimate) < 0.05 * one.sd, one.term
            assert abs(one.sd - other.sd) < 0.05 * one.sd, one.term
    drawn = set(sampled.draws()["posterior"].data_vars)
    assert drawn > set(table.index)


def test_settings_of_the_sampler() -> None:
    """They are taken as they are, and not tried again; only engines that sample have them."""
    frame, formula = data("crossed"), "y ~ x + (1 | a) + (1 | b)"
    found = sf.fit(formula, frame, engine="nuts", draws=120, tune=150, chains=2, target_accept=0.7)
    sizes = found.draws(rows=False)["posterior"].sizes
    assert (sizes["chain"], sizes["draw"]) == (2, 120)
    assert found.fitted.settings == {"draws": 120, "tune": 150, "chains": 2, "target_accept": 0.7}
    for engine in ("reml", "ml", "exact"):
        with pytest.raises(BayesSFError, match="does not sample"):
            sf.fit(formula, frame, engine=engine, chains=4)
    for key, value in {"draws": 10, "tune": 200.5, "chains": True, "target_accept": 1.0}.items():
        with pytest.raises(BayesSFError, match=key):
            sf.fit(formula, frame, engine="nuts", **{key: value})


def test_priors_of_a_result() -> None:
    """In the outcome's unit, and none where there are none."""
    result = sf.fit("y ~ x + (1 | g) + (1 | g:h)", data("nested"), engine="exact")
    assert result.priors is not None
    assert result.priors.sd_group.scale == pytest.approx(
        float(data("nested")["y"].std(ddof=0)), rel=0.02
    )
    assert sf.fit("y ~ x + (1 | g) + (1 | g:h)", data("nested"), engine="reml").priors is None
