"""The panel's density against one written out densely, and its posterior by brute force."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pymc as pm
import pytest
from scipy import special, stats

from bayes_sf.engines.panel import draws as panel_draws
from bayes_sf.engines.panel.data import PanelData
from bayes_sf.engines.panel.graph import _with_imputed, arrays, panel_model
from bayes_sf.engines.panel.pilot import Pilot
from bayes_sf.errors import SpecError
from bayes_sf.spec.panel import PanelSpec
from bayes_sf.spec.priors import Prior, Priors
from tests import panels

PREDICTORS = ("item", "share")


def _written_out(
    data: PanelData, spec: PanelSpec, value: dict[str, Any], coef: dict[str, Any]
) -> float:
    """Log density of everything sampled, the dense way, the Jacobian left to the caller."""
    roles = ("sd_resid", "sd_group", *spec.extra_priors)
    sd = {name: float(np.exp(value[f"{name}_log__"])) for name in roles}
    total = stats.norm.logpdf(value["weight_power"], 0.5, 0.5)
    for name, s in sd.items():
        scale = 0.5 if name == "sd_period" else 1.0
        total += stats.t.logpdf(s / scale, 3) + np.log(2 / scale) + np.log(s)
    correlation = np.eye(16)
    if spec.autocorrelation:
        unit = special.expit(value["autocorrelation_logodds__"])
        total += stats.beta.logpdf(unit, 2, 2) + np.log(unit * (1 - unit))
        lag = np.abs(np.subtract.outer(np.arange(16), np.arange(16)))
        correlation = (2 * unit - 1) ** lag
    start, root = Pilot(data).calendar
    calendar = start + root @ value["z_calendar"]
    total += -0.5 * ((calendar / 2.5) ** 2).sum()
    period = data.calendar[1] @ calendar
    if spec.period == "walk":
        total += stats.norm.logpdf(value["walk"]).sum()
        steps = np.concatenate([[0.0], np.cumsum(value["walk"])])
        period = period + sd["sd_period"] * (steps - steps.mean())
    mean, sds = np.zeros(3), np.full(3, 2.5)
    if spec.priors == OWN:  # of the level they say where it is, of the change how wide it is
        unit = np.array([1.0, *data.x_scale]) / data.scale
        mean = (np.array([5.0, 0.4, 0.4]) - [data.location, 0, 0]) * unit
        sds = np.array([3.0, 0.8, 0.8]) * unit
    total += -0.5 * (((coef["level"] - mean) / sds) ** 2).sum()
    total += -0.5 * ((coef["change"] / sds) ** 2).sum()
    for name, group in (("u", "sd_group"), ("u_change", "sd_group_change")):
        total += stats.norm.logpdf(coef[name], 0, sd[group]).sum()
    more, x, shares = _predictors(data, value)
    total += more
    for i in range(len(x)):
        noise = sd["sd_resid"] * np.exp(-0.5 * value["weight_power"] * data.log_days[i])
        cov = np.outer(noise, noise) * correlation + sd["sd_workplace"] ** 2
        cov = cov + sd.get("sd_trend", 0.0) ** 2 * np.outer(panels.TIME, panels.TIME)
        total += _one_workplace(data, coef, i, (x[i], shares), (period, cov))
    return float(total)


def _predictors(
    data: PanelData, value: dict[str, Any]
) -> tuple[float, np.ndarray, dict[int, np.ndarray]]:
    """Log density of what is imputed, predictors filled in, and shares of answers by industry."""
    panel, total, shares = data.panel, 0.0, {}
    x = (panel.x - np.nanmean(panel.x, axis=0)) / np.nanstd(panel.x, axis=0, ddof=1)
    if not panel.scales:
        return 0.0, x, {}
    logit = special.logit(panel.x[:, 1])
    middle, spread = np.nanmean(logit), np.nanstd(logit, ddof=1)
    standard, gap = (logit - middle) / spread, np.isnan(logit)
    standard[gap] = value["missing_share"]
    s = np.exp(value["sd_share_log__"])
    total += stats.halfnorm.logpdf(s) + np.log(s)
    total += stats.norm.logpdf(value["mean_share"], 0, 2).sum()
    total += stats.norm.logpdf(value["slopes_share"]).sum()
    mean = value["mean_share"][panel.code] + value["slopes_share"][0] * data.x[:, 0]
    density = stats.norm.logpdf(standard, mean, s)
    total += density.sum() + 0.5 * len(density) * np.log(2 * np.pi)
    back = special.expit(standard * spread + middle)
    found = (back - np.nanmean(panel.x[:, 1])) / np.nanstd(panel.x[:, 1], ddof=1)
    x[gap, 1] = found[gap]
    answer = panel.choices[0].answer
    places = np.unique(panel.code[answer < 0])
    for row, j in zip(value["answers_item_simplex__"], places, strict=True):
        p = special.softmax(np.append(row, -row.sum()))
        counts = np.bincount(answer[(panel.code == j) & (answer >= 0)], minlength=5)
        total += stats.dirichlet.logpdf(p, 1 + counts)
        total += np.log(p).sum() + np.log(len(p))  # |d p / d free| of sum-to-zero logits
        shares[int(j)] = p
    return total, x, shares


def _one_workplace(
    data: PanelData, coef: dict[str, Any], i: int, known: tuple[Any, Any],
    normal: tuple[np.ndarray, np.ndarray],
) -> float:  # fmt: skip
    """Log density of one workplace's figures, a loop over its answers where unknown."""
    (row, shares), j, seen = known, int(data.panel.code[i]), data.panel.observed[i]
    values, (period, cov) = data.panel.x[:, 0], normal
    scores = (np.arange(1, 6) - np.nanmean(values)) / np.nanstd(values, ddof=1)
    unknown = np.isnan(row[0])
    y, parts = (data.panel.y[i] - data.location) / data.scale, []
    for c in range(5 if unknown else 1):
        design = np.array([1.0, scores[c] if unknown else row[0], row[1]])
        mean = design @ coef["level"] + coef["u"][j] + period
        mean = mean + (design @ coef["change"] + coef["u_change"][j]) * panels.TIME
        fit = 0.0
        if seen.any():
            fit = stats.multivariate_normal.logpdf(y[seen], mean[seen], cov[np.ix_(seen, seen)])
            fit += 0.5 * seen.sum() * np.log(2 * np.pi)
        parts.append(fit + (np.log(shares[j][c]) if unknown else 0.0))
    return float(np.logaddexp.reduce(parts))


OWN = Priors(
    intercept=Prior("normal", scale=3.0, location=5.0, autoscale=False),
    slope=Prior("normal", scale=0.8, location=0.4, autoscale=False),
)
CASES = [
    ("walk", True, True, False, OWN),
    pytest.param("step", True, False, True, Priors(), marks=pytest.mark.slow),
    pytest.param("step", False, True, True, OWN, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("period", "slopes", "autocorrelation", "gaps", "priors"), CASES)
def test_density_is_that_of_the_model_written_out(
    period: str,
    slopes: bool,
    autocorrelation: bool,
    gaps: bool,
    priors: Priors,
) -> None:
    """Dense normals, a loop over answers, and the Jacobian of gamma by differences.

    The constant is the same at every point, so differences between points are compared.
    """
    spec = PanelSpec(PREDICTORS, period, slopes, autocorrelation, priors=priors)
    panel = panels.make(n=12, gaps=gaps)
    data = PanelData(panel, walk=period == "walk")
    model = panel_model(data, spec)
    log_density = model.compile_logp(mode="FAST_COMPILE", sum=False)
    names = ["level", "change", "u", "u_change"]
    outputs = model.replace_rvs_by_values([model[name] for name in names])
    coef_of = model.compile_fn(outputs, inputs=model.value_vars, mode="FAST_COMPILE",
                               on_unused_input="ignore", point_fn=True)  # fmt: skip
    placed = [
        v.name for v in model.value_vars if v.name.startswith("z_") and v.name != "z_calendar"
    ]
    rng = np.random.default_rng(5)
    shapes = {name: np.shape(value) for name, value in model.initial_point().items()}
    found = []
    for _ in range(3):
        point = {name: 0.4 * rng.normal(size=shape) for name, shape in shapes.items()}
        columns = []
        for name in placed:
            for at in np.ndindex(shapes[name]):
                ends = []
                for step in (1e-5, -1e-5):
                    z = np.array(point[name], dtype=float)
                    z[at] += step
                    ends.append(np.concatenate(coef_of({**point, name: z})))
                columns.append((ends[0] - ends[1]) / 2e-5)
        moving = np.array(columns)
        moving = moving[:, np.abs(moving).sum(axis=0) > 0]  # a walk leaves the change no intercept
        coef = dict(zip(names, coef_of(point), strict=True))
        jacobian = np.linalg.slogdet(moving)[1]
        written = _written_out(data, spec, point, coef) + jacobian
        found.append(sum(float(np.sum(part)) for part in log_density(point)) - written)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, found[0], atol=1e-6)


@pytest.mark.parametrize(
    ("walk", "trend", "autocorrelation"), [(False, 0.8, 0.7), (True, 0.8, None), (False, 0.0, 0.3)]
)
def test_completed_answers_fit_as_dense_normals_have_it(
    walk: bool, trend: float, autocorrelation: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each answer that a workplace may have given: the density of all its quarters."""
    data, rng = PanelData(panels.make(n=12), walk=walk), np.random.default_rng(8)
    draw: dict[str, Any] = {
        "level": rng.normal(size=3), "change": rng.normal(size=3), "u": rng.normal(size=3),
        "u_change": rng.normal(size=3), "calendar": rng.normal(size=data.calendar[1].shape[1]),
        "sd_workplace": 0.7, "sd_resid": 0.9, "weight_power": 0.4, "sd_period": 0.5,
        "walk": rng.normal(size=15), "answers_item": rng.dirichlet(np.ones(5), size=2),
        "missing_share": rng.normal(size=2),
    } | ({"sd_trend": trend} if trend else {})  # fmt: skip
    correlation = np.eye(16)
    if autocorrelation is not None:
        draw["autocorrelation"] = autocorrelation
        lag = np.abs(np.subtract.outer(np.arange(16), np.arange(16)))
        correlation = (2 * autocorrelation - 1) ** lag
    told: list[Any] = []

    def chosen(found: Any, _: Any, x: Any, fits: Any, __: Any) -> Any:
        told.extend((found.owner, x, fits))
        return np.nan_to_num(x)

    monkeypatch.setattr(panel_draws, "_with_answers", chosen)
    x = panel_draws.with_shares(data, draw)
    panel_draws._fill(data, draw, x, rng)
    owner, x, fits = told
    period = data.calendar[1] @ draw["calendar"]
    if walk:
        steps = np.concatenate([[0.0], np.cumsum(draw["walk"])])
        period = period + draw["sd_period"] * (steps - steps.mean())
    shares = dict.fromkeys(range(3), np.ones(5))  # their logarithm is added afterwards
    for i, fit in zip(owner, fits, strict=True):
        noise = draw["sd_resid"] * np.exp(-0.5 * draw["weight_power"] * data.log_days[i])
        cov = np.outer(noise, noise) * correlation + draw["sd_workplace"] ** 2
        cov = cov + trend**2 * np.outer(panels.TIME, panels.TIME)
        each = []
        for answer in range(5):
            row = np.array([data.panel.choices[0].values[answer, 0], 0.0])
            row = (row - data.x_centre) / data.x_scale
            row[1] = x[i, 1]
            each.append(_one_workplace(data, draw, i, (row, shares), (period, cov)))
        np.testing.assert_allclose(fit - fit[0], np.array(each) - each[0], atol=1e-9)


@pytest.mark.parametrize("answer", range(5))
def test_an_answer_that_everybody_gives_is_the_one_that_is_filled_in(answer: int) -> None:
    data, rng = PanelData(panels.make(n=12)), np.random.default_rng(3)
    shares = np.where(np.arange(5) == answer, 1.0, 1e-300)
    draw: dict[str, Any] = {
        "level": np.zeros(3), "change": np.zeros(3), "u": np.zeros(3), "u_change": np.zeros(3),
        "calendar": np.zeros(data.calendar[1].shape[1]), "sd_workplace": 1.0, "sd_resid": 1.0,
        "weight_power": 0.0, "answers_item": np.tile(shares, (2, 1)), "missing_share": np.zeros(2),
    }  # fmt: skip
    fit: Any = SimpleNamespace(data=data, spec=PanelSpec(PREDICTORS))
    _, x = panel_draws._complete_one(fit, draw, rng)
    unknown = np.isnan(data.panel.x)
    np.testing.assert_array_equal(x[unknown[:, 0], 0], answer + 1.0)
    np.testing.assert_array_equal(x[~unknown], data.panel.x[~unknown])
    assert ((x[unknown[:, 1], 1] > 0) & (x[unknown[:, 1], 1] < 1)).all()


@pytest.mark.parametrize("walk", [False, True])
def test_residuals_that_hardly_change_lead_on_a_line_through_gaps(walk: bool) -> None:
    """From quarter to quarter they change by 0.3 % of their sd: a bridge is its two ends."""
    data, rng = PanelData(panels.make(n=12, gaps=False), walk=walk), np.random.default_rng(9)
    draw: dict[str, Any] = {
        "level": rng.normal(size=3), "change": rng.normal(size=3), "u": rng.normal(size=3),
        "u_change": rng.normal(size=3), "calendar": rng.normal(size=data.calendar[1].shape[1]),
        "sd_workplace": 1e-6, "sd_resid": 0.9, "weight_power": 0.0, "sd_period": 0.5,
        "walk": rng.normal(size=15), "autocorrelation": 0.999995,
    }  # fmt: skip
    _, y = panel_draws._fill(data, draw, data.x, rng)
    code, seen = data.panel.code, data.panel.observed
    line = (draw["level"][0] + data.x @ draw["level"][1:] + draw["u"][code])[:, None]
    slope = draw["change"][0] + data.x @ draw["change"][1:] + draw["u_change"][code]
    period = data.calendar[1] @ draw["calendar"]
    if walk:
        steps = np.concatenate([[0.0], np.cumsum(draw["walk"])])
        period = period + draw["sd_period"] * (steps - steps.mean())
    mean = line + slope[:, None] * panels.TIME + period
    left = (y - data.location) / data.scale - mean
    for own, known in zip(left, seen, strict=True):
        if known.any():  # before the first and after the last quarter they stay
            bridge = np.interp(np.arange(16), np.flatnonzero(known), own[known])
            np.testing.assert_allclose(own, bridge, atol=0.03)
    assert np.ptp(left[seen]) > 1, "or there is nothing to lead to"


def test_predictors_with_gaps_are_a_regression_of_each_on_those_before_it() -> None:
    """Log density of two that are imputed, written out; and what is put into the gaps."""
    panel = panels.make(n=12, gaps=False)
    x = panel.x.copy()
    x[[1, 4], 0], x[[4, 7, 9], 1] = np.nan, np.nan
    panel = panels.replaced(panel, x=x, scales={0: "log", 1: "logit"})
    data = PanelData(panel)
    with pm.Model() as model:
        filled = pm.Deterministic("filled", _with_imputed(data.x, data))
    point_of = {"inputs": model.value_vars, "mode": "FAST_COMPILE", "point_fn": True}
    density = model.compile_fn(model.logp(), **point_of)
    filled_of = model.compile_fn(model.replace_rvs_by_values([filled])[0], **point_of,
                                 on_unused_input="ignore")  # fmt: skip
    rng, found = np.random.default_rng(6), []
    shapes = {name: np.shape(value) for name, value in model.initial_point().items()}
    for _ in range(3):
        point = {name: 0.4 * rng.normal(size=shape) for name, shape in shapes.items()}
        total, off, back = stats.norm.logpdf(point["weight_share"]).sum(), 0.0, []
        for column, (name, ahead) in enumerate({"item": np.log, "share": special.logit}.items()):
            known = ahead(x[:, column])
            middle, spread = np.nanmean(known), np.nanstd(known, ddof=1)
            known[np.isnan(known)] = point[f"missing_{name}"] * spread + middle
            s = np.exp(point[f"sd_{name}_log__"])
            total += stats.halfnorm.logpdf(s) + np.log(s)
            total += stats.norm.logpdf(point[f"mean_{name}"], 0, 2).sum()
            gap = (known - middle) / spread - point[f"mean_{name}"][panel.code]
            left = gap - point["weight_share"][0] * off if column else gap
            total += stats.norm.logpdf(left, 0, s).sum()
            off = gap
            raw = special.expit(known) if column else np.exp(known)
            back.append((raw - data.x_centre[column]) / data.x_scale[column])
        np.testing.assert_allclose(filled_of(point), np.column_stack(back), atol=1e-10)
        found.append(density(point) - total)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, found[0], atol=1e-8)


def test_pilot_is_least_squares_within_workplaces_and_then_among_them() -> None:
    """With a dummy for each workplace; then with dense covariances, a dummy for each industry."""
    panel = panels.make(n=40)
    data, ridge = PanelData(panel), 0.1
    pilot, time, n = Pilot(data), panels.TIME, len(panel.code)
    who, when = np.nonzero(panel.observed)
    columns = np.column_stack([data.calendar[1], time])
    design, y = np.column_stack([columns[when], np.eye(n)[who]]), data.y[who, when]
    f = columns.shape[1] - 1
    light = np.diag(np.where(np.arange(design.shape[1]) <= f, ridge, 0.0))
    inverse = np.linalg.pinv(design.T @ design + light)  # the last workplace has no figures
    estimate = inverse @ design.T @ y
    left = y - design @ estimate
    variance = left @ left / (len(y) - (n - 1) - (f + 1))
    start, root = pilot.calendar
    np.testing.assert_allclose(start, estimate[:f], rtol=1e-9)
    np.testing.assert_allclose(root @ root.T, variance * inverse[:f, :f], rtol=1e-9)
    np.testing.assert_array_equal(root, np.tril(root))

    residual = data.y - data.calendar[1] @ estimate[:f]
    own = [(time[seen], r[seen]) for seen, r in zip(panel.observed, residual, strict=True)]
    seen = own[:-1]
    w2 = np.var([r.mean() for _, r in seen]) - np.mean([variance / len(t) for t, _ in seen])
    spans = np.array([len(t) * t.var() for t, _ in seen])
    slopes = np.array([np.polyfit(t, r, 1)[0] for t, r in seen])
    known = spans > np.median(spans) / 2
    v2 = slopes[known].var() - (variance / spans[known]).mean()
    assert min(w2, v2) > 0.01
    for part, power in (("", 0), ("_change", 1)):
        m, b = np.zeros(n), np.zeros(n)
        for i, (t, r) in enumerate(own):
            v = variance * np.eye(len(t)) + w2 + v2 * np.outer(t, t)
            m[i], b[i] = t**power @ np.linalg.solve(v, np.column_stack([t**power, r]))
        both = np.column_stack([data.x, data.dummies])
        inverse = np.linalg.inv(both.T @ (m[:, None] * both) + ridge * np.eye(both.shape[1]))
        found = inverse @ both.T @ b
        place, k = pilot.places[part], data.x.shape[1]
        np.testing.assert_allclose(place.slopes, found[:k], rtol=1e-8)
        np.testing.assert_allclose(place.levels - place.x_means @ place.slopes, found[k:])
        np.testing.assert_allclose(place.root @ place.root.T, inverse[:k, :k], rtol=1e-8)
        np.testing.assert_allclose(place.variances, 1 / (data.dummies.T @ m + ridge))
        fit = data.x @ place.slopes + place.levels[panel.code]
        own = [(t, r - level) for (t, r), level in zip(own, fit, strict=True)]


#: Arrays of the graph with a row per workplace, and with one per industry.
BY_ROW, BY_INDUSTRY = ("y", "mask", "log_days", "x"), ("levels", "x_means", "variances")


def test_other_units_leave_what_is_sampled_as_it_is() -> None:
    """Absence in thousandths, a predictor in hundredths and shifted: the same graph."""
    panel = panels.make(gaps=False)
    data = PanelData(panel)
    x = panel.x * [1.0, 100.0] + [0.0, 7.0]
    other = PanelData(replace(panel, y=10 * panel.y, x=x, days=0.1 * panel.days))
    first, second = (arrays(d, PanelSpec(PREDICTORS)) for d in (data, other))
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_allclose(second[name], value, rtol=1e-9, atol=1e-9)
    assert other.scale == pytest.approx(10 * data.scale)


def test_order_of_rows_and_names_of_industries_only_move_what_is_sampled() -> None:
    panel = panels.make(gaps=False)
    order = np.random.default_rng(1).permutation(len(panel.code))
    names = np.array([2, 0, 1])  # industry j is now called names[j]
    moved = replace(
        panel, code=names[panel.code][order], y=panel.y[order], days=panel.days[order],
        x=panel.x[order], linked=panel.linked[order],
    )  # fmt: skip
    first, second = (arrays(PanelData(p), PanelSpec(PREDICTORS)) for p in (panel, moved))
    for name, value in first.items():
        wanted = value[order] if name in BY_ROW else value
        if name.removesuffix("_change") in BY_INDUSTRY:
            wanted = value[np.argsort(names)]
        if name != "dummies":
            np.testing.assert_allclose(second[name], wanted, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(second["dummies"], first["dummies"][order][:, np.argsort(names)])


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"period": "spline"}, "must be step or walk"),
        ({"likelihood": "poisson"}, "must be gaussian or beta_binomial"),
        ({"priors": Priors(slope=Prior("horseshoe"))}, "must be normal or flat"),
    ],
)
def test_what_a_panel_cannot_be(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        PanelSpec(PREDICTORS, **asked)
