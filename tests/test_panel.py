"""The panel's density against one written out densely, and its posterior by brute force."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from bayes_sf.engines.panel_data import PanelData
from bayes_sf.engines.panel_graph import panel_model
from bayes_sf.engines.panel_pilot import Pilot
from bayes_sf.spec.panel import PanelSpec

from tests import panels

PREDICTORS = ("item", "share")


def _written_out(
    data: PanelData, spec: PanelSpec, value: dict[str, Any], coef: dict[str, Any]
) -> float:
    """Log density of everything sampled, the dense way, the Jacobian left to the caller."""
    panel = data.panel
    sd = {name: np.exp(value[f"{name}_log__"]) for name in ("sd_resid", "sd_group")}
    for name in spec.extra_priors:
        sd[name] = np.exp(value[f"{name}_log__"])
    total = 0.0
    for name, s in sd.items():
        scale = 0.5 if name == "sd_period" else 1.0
        total += stats.t.logpdf(s / scale, 3) + np.log(2 / scale) + np.log(s)
    power = value["weight_power"]
    total += stats.norm.logpdf(power, 0.5, 0.5)
    rho = None
    if spec.autocorrelation:
        unit = 1 / (1 + np.exp(-value["autocorrelation_logodds__"]))
        rho = 2 * unit - 1
        total += stats.beta.logpdf(unit, 2, 2) + np.log(unit * (1 - unit))
    start, root = Pilot(data).calendar
    calendar = start + root @ value["z_calendar"]
    total += -0.5 * ((calendar / 2.5) ** 2).sum()
    period = data.calendar[1] @ calendar
    if spec.period == "walk":
        total += stats.norm.logpdf(value["walk"]).sum()
        steps = np.concatenate([[0.0], np.cumsum(value["walk"])])
        period = period + sd["sd_period"] * (steps - steps.mean())
    (a, *b), (a1, *b1), u, u1 = (coef[name] for name in ("level", "change", "u", "u_change"))
    total += -0.5 * (np.array([a, a1, *b, *b1]) ** 2).sum() / 2.5**2
    for effects, name in ((u, "sd_group"), (u1, "sd_group_change")):
        total += stats.norm.logpdf(effects, 0, sd[name]).sum()
    x = (panel.x - np.nanmean(panel.x, axis=0)) / np.nanstd(panel.x, axis=0, ddof=1)
    shares: dict[int, np.ndarray] = {}
    if panel.scales:
        logit = np.log(panel.x[:, 1] / (1 - panel.x[:, 1]))
        middle, spread = np.nanmean(logit), np.nanstd(logit, ddof=1)
        standard = (logit - middle) / spread
        gap = np.isnan(standard)
        standard[gap] = value["missing_share"]
        s = np.exp(value["sd_share_log__"])
        total += stats.halfnorm.logpdf(s) + np.log(s)
        total += stats.norm.logpdf(value["mean_share"], 0, 2).sum()
        density = stats.norm.logpdf(standard, value["mean_share"][panel.code], s)
        total += density.sum() + 0.5 * len(density) * np.log(2 * np.pi)
        back = 1 / (1 + np.exp(-(standard * spread + middle)))
        found = (back - np.nanmean(panel.x[:, 1])) / np.nanstd(panel.x[:, 1], ddof=1)
        x[gap, 1] = found[gap]
        answers = value["answers_item_simplex__"]
        for row, j in zip(answers, np.unique(panel.code[np.isnan(panel.x[:, 0])]), strict=True):
            free = np.append(row, -row.sum())
            p = np.exp(free - free.max())
            p /= p.sum()
            counts = np.bincount(panel.choices[0].answer[(panel.code == j)
                                 & (panel.choices[0].answer >= 0)], minlength=5)  # fmt: skip
            total += stats.dirichlet.logpdf(p, 1 + counts)
            total += np.log(p).sum() + np.log(len(p))  # |d p / d free| of sum-to-zero logits
            shares[int(j)] = p
    lag = np.abs(np.subtract.outer(np.arange(16), np.arange(16)))
    scores = (np.arange(1, 6) - np.nanmean(panel.x[:, 0])) / np.nanstd(panel.x[:, 0], ddof=1)
    for i in range(len(x)):
        seen = panel.observed[i]
        s_t = sd["sd_resid"] * np.exp(-0.5 * power * data.log_days[i])
        cov = np.outer(s_t, s_t) * (np.eye(16) if rho is None else rho**lag)
        cov = cov + sd["sd_workplace"] ** 2
        cov = cov + sd.get("sd_trend", 0.0) ** 2 * np.outer(panels.TIME, panels.TIME)
        j = panel.code[i]
        parts = []
        unknown = np.isnan(x[i, 0])
        for c in range(5 if unknown else 1):
            row = np.array([scores[c], x[i, 1]]) if unknown else x[i]
            mean = a + row @ b + u[j] + period
            mean = mean + (a1 + row @ b1 + u1[j]) * panels.TIME
            y = (panel.y[i] - data.location) / data.scale
            fit = 0.0
            if seen.any():
                fit = stats.multivariate_normal.logpdf(
                    y[seen], mean[seen], cov[np.ix_(seen, seen)]
                ) + 0.5 * seen.sum() * np.log(2 * np.pi)
            parts.append(fit + (np.log(shares[int(j)][c]) if unknown else 0.0))
        total += np.logaddexp.reduce(parts)
    return float(total)


CASES = [("step", True, False, True), ("walk", True, True, False), ("step", False, True, True)]


@pytest.mark.parametrize(("period", "slopes", "autocorrelation", "gaps"), CASES)
def test_density_is_that_of_the_model_written_out(period, slopes, autocorrelation, gaps) -> None:
    """Dense normals, a loop over answers, and the Jacobian of gamma by differences.

    The constant is the same at every point, so differences between points are compared.
    """
    spec = PanelSpec(PREDICTORS, period, slopes, autocorrelation)
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
    np.testing.assert_allclose(found, found[0], atol=1e-6)
