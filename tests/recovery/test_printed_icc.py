"""The posterior behind a printed ICC: returns the print, closed forms, raw data, the report."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

import bayes_sf as sf
from bayes_sf.engines.gaussian.ols_reml import fit_reml
from bayes_sf.errors import DataError, UsageError
from bayes_sf.recovery.printed_icc import PrintedNull
from bayes_sf.recovery.reread.versions import NullPrint, draw_sizes, draw_versions

SIZES = np.array([3.0, 40, 17, 5, 90, 12, 33])


def drawn(share: float, *, ml: bool = False, zero: Any = "drawn", seed: int = 1) -> Any:
    sizes = tuple(float(size) for size in SIZES)
    printed = NullPrint(int(SIZES.sum()), len(SIZES), icc=(share, share), sizes=sizes)
    return draw_versions(printed, seed=seed, ml=ml, zero=zero).moments


@pytest.mark.parametrize("share", [0.01, 0.21, 0.8])
def test_reml_returns_what_is_printed(share: float) -> None:
    for moments in drawn(share)[:5]:
        fitted = fit_reml(moments)
        tau2, sigma2 = fitted.sd_group**2, fitted.sd_resid**2
        assert tau2 / (tau2 + sigma2) == pytest.approx(share, abs=1e-7)
        assert sigma2 == pytest.approx(1 - share, rel=1e-7)


@pytest.mark.parametrize("share", [0.05, 0.4])
def test_maximum_likelihood_returns_what_is_printed(share: float) -> None:
    """The likelihood of the moments, written out and maximised."""
    for moments in drawn(share, ml=True)[:3]:
        n, mean, within = moments.sizes, moments.means[:, 0], float(moments.within[0, 0])

        def deviance(at: np.ndarray, n: Any = n, mean: Any = mean, within: float = within) -> float:
            tau2, sigma2 = np.exp(at)
            var = sigma2 + n * tau2
            middle = (n / var * mean).sum() / (n / var).sum()
            logs = (n.sum() - len(n)) * np.log(sigma2) + np.log(var).sum()
            return float(logs + within / sigma2 + (n * (mean - middle) ** 2 / var).sum())

        options = {"xatol": 1e-10, "fatol": 1e-12, "maxiter": 4000}
        best = minimize(deviance, [-1.0, -1.0], method="Nelder-Mead", options=options)
        tau2, sigma2 = np.exp(best.x)
        assert tau2 / (tau2 + sigma2) == pytest.approx(share, abs=1e-4)


def test_equal_groups_have_one_posterior() -> None:
    """Between and within sums of squares follow from the print: no draw can differ."""
    found = sf.icc_posterior(icc="0.30000000", n=240, groups=8, balanced=True, estimator="REML")
    tau2, sigma2, size = 0.3, 0.7, 30.0
    rng = np.random.default_rng(5)
    gaps = rng.normal(size=8)
    gaps -= gaps.mean()
    gaps *= np.sqrt(7 * (sigma2 + size * tau2) / (size * (gaps**2).sum()))
    moments = sf.Moments(
        "y", (), tuple("abcdefgh"), np.full(8, size), gaps[:, None],
        np.array([[(240 - 8) * sigma2]]), "group",
    )  # fmt: skip
    wanted = sf.fit(sf.ModelSpec("y", group="group"), moments).icc()
    for name in ("lower", "median", "upper", "mean", "prior_median"):
        assert getattr(found, name) == pytest.approx(wanted[name], abs=2e-4)  # nodes per draw
    assert found.ends == {}
    assert found.assumed == ()


def test_the_report_s_own_icc() -> None:
    """The whole recovery gives 0.349 [0.146, 0.713]: sizes of 61 to 118 are nearly equal."""
    found = sf.icc_posterior(icc="0.299", n=582, groups=6, balanced=True, estimator="REML")
    near = 0.03 * (0.713 - 0.146)  # of the interval's width, as the notes on re-reading have it
    assert [found.lower, found.median, found.upper] == pytest.approx(
        [0.146, 0.349, 0.713], abs=near
    )


@pytest.mark.parametrize("icc", [0.15, 0.4])
def test_raw_data_behind_a_print(icc: float) -> None:
    """Sizes known: within 0.15 of the raw interval's width, as 90 % of designs in the notes."""
    rng = np.random.default_rng(11)
    sizes = rng.integers(4, 30, size=15)
    group = np.repeat(np.arange(15), sizes)
    y = rng.normal(size=15)[group] * np.sqrt(icc) + rng.normal(size=len(group)) * np.sqrt(1 - icc)
    frame = pd.DataFrame({"y": 50 + 7 * y, "g": group.astype(str)})
    spec = sf.ModelSpec("y", group="g")
    printed = f"{sf.fit(spec, frame, engine='reml').icc()['estimate']:.3f}"
    raw = sf.fit(spec, frame).icc()
    counts = frame["g"].value_counts().to_numpy()
    found = sf.icc_posterior(icc=printed, n=len(frame), groups=15, sizes=counts, estimator="REML")
    width = raw["upper"] - raw["lower"]
    for name in ("lower", "median", "upper"):
        assert getattr(found, name) == pytest.approx(raw[name], abs=0.15 * width)


def test_a_printed_zero_is_bounded() -> None:
    for zero in ("drawn", "none", "largest"):
        for ml in (False, True):
            for moments in drawn(0.0, zero=zero, ml=ml)[:4]:
                bound = SIZES.sum() - (0 if ml else (SIZES**2).sum() / SIZES.sum())
                squares = (SIZES**2 * moments.means[:, 0] ** 2).sum()
                assert squares <= bound * (1 + 1e-9)
                assert (squares == pytest.approx(bound)) == (zero == "largest")
                if not ml:
                    assert fit_reml(moments).sd_group == pytest.approx(0, abs=2e-4)
    found = sf.icc_posterior(icc="0.00", n=300, groups=10, balanced=True, estimator="REML")
    low, high = found.ends["no difference"], found.ends["largest that is called zero"]
    assert low.median < found.median < high.median
    assert list(found.ends) == [
        "no difference", "largest that is called zero", "largest that is printed so",
    ]  # fmt: skip
    coarse = sf.icc_posterior(icc="0.0", n=300, groups=10, balanced=True, estimator="REML")
    rounded = sf.icc_posterior(icc="0.0500", n=300, groups=10, balanced=True, estimator="REML")
    alike = coarse.ends["largest that is printed so"]
    assert alike.median == pytest.approx(rounded.median, rel=0.02)  # 0.0500 is 0.04995 to 0.05005
    assert "an ICC of up to 0.05 is printed alike" in coarse.assumed[0]


def test_what_is_not_printed_is_said_and_has_its_ends() -> None:
    found = sf.icc_posterior(icc="0.21", n=1840, groups=44)
    assert [line.split()[0] for line in found.assumed] == ["sizes", "REML,"]
    equal, unequal = found.ends["sizes equal"], found.ends["sizes very unequal"]
    assert unequal.upper - unequal.lower > equal.upper - equal.lower
    # of equal groups ML's tau^2 is (J - 1)/J of the one that REML has, nearly: so behind the same
    # print there is more
    assert found.ends["ML"].median > found.ends["REML"].median


def test_a_seed_gives_the_same_again() -> None:
    def found(seed: int) -> float:
        return sf.icc_posterior(icc="0.2", n=60, groups=6, estimator="ML", seed=seed).median

    assert found(1) == found(1) != found(2)


def test_drawn_sizes_are_whole_and_add_up() -> None:
    rng = np.random.default_rng(3)
    cv = np.repeat([0.0, 0.5, 1.5], 20)
    sizes = draw_sizes(rng, 500, 40, cv)
    assert (sizes.sum(axis=1) == 500).all()
    assert sizes.min() >= 1
    assert (sizes == np.floor(sizes)).all()
    assert set(sizes[0]) == {12.0, 13.0}
    spread = (sizes.std(axis=1) / sizes.mean(axis=1)).reshape(3, 20).mean(axis=1)
    assert spread == pytest.approx([0.04, 0.5, 1.4], abs=0.12)
    held = draw_sizes(rng, 500, 40, cv, low=6, high=20)
    assert (held.sum(axis=1) == 500).all()
    assert held.min() >= 6
    assert held.max() <= 20


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"icc": 0.21}, "icc: must be text as printed"),
        ({"icc": "21"}, "icc: must lie between 0 and 1 .*write 0.21 for 21 %"),
        ({"icc": "-0.1"}, "icc: must lie between 0 and 1"),
        ({"icc": "1.00"}, "icc: of 1 leaves no variance"),
        ({"icc": "about 0.2"}, "must be digits and one decimal mark"),
        ({"n": 5}, "n: must be more than groups"),
        ({"n": 100.0}, "n: must be a whole number"),
        ({"groups": 1}, "groups: must be a whole number of at least 2"),
        ({"sizes": [50, 50]}, "sizes: must be 5 whole numbers above zero whose sum is 100"),
        ({"sizes": [20.0] * 5}, "sizes: must be 5 whole numbers"),
        ({"sizes": [20] * 5, "balanced": True}, "balanced: goes without sizes"),
        ({"estimator": "reml"}, "estimator: must be one of REML, ML, unknown"),
        ({"level": 1.5}, "prob: must lie between 0 and 1"),
        ({"seed": -1}, "seed: must be a whole number"),
    ],
)
def test_figures_that_cannot_be_meant(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        sf.icc_posterior(**{"icc": "0.21", "n": 100, "groups": 5, **options})


def test_what_no_data_can_print_is_refused() -> None:
    """Means whose spread alone is larger than the printed variance within groups."""
    printed = NullPrint(8, 4, icc=(0.2, 0.2), sizes=(2.0,) * 4, means=(-9.0, 9.0, -9.0, 9.0))
    with pytest.raises(DataError, match="must be possible with these rows and groups"):
        draw_versions(printed, seed=1)


def test_of_very_many_groups_the_print_is_enough() -> None:
    found = sf.icc_posterior(icc="0.05", n=40_000, groups=4000, estimator="REML", balanced=True)
    assert found.lower < 0.05 < found.upper
    assert found.upper - found.lower < 0.02
    with pytest.raises(DataError, match="groups: must be at most"):
        sf.icc_posterior(icc="0.05", n=10**9, groups=10**8)


def test_priors_in_a_unit_have_nothing_to_refer_to() -> None:
    priors = sf.Priors(sd_group=sf.Prior("half-normal", scale=2.0, autoscale=False))
    with pytest.raises(UsageError, match="priors: must be in units of sd"):
        sf.icc_posterior(icc="0.2", n=60, groups=6, priors=priors)


def test_nothing_else_is_printed() -> None:
    study = PrintedNull(drawn(0.2))
    with pytest.raises(UsageError, match="must be the null model"):
        sf.fit(sf.ModelSpec("y", ("x",), "group"), study)


# The command -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lang", "words"), [("en", "by maximum likelihood"), ("nb", "som trykt")])
def test_reread_prints_the_posterior_and_its_ends(command: Any, lang: str, words: str) -> None:
    code, out, err = command(
        "reread", "--icc", "0.299", "--n", "582", "--groups", "6", "--lang", lang
    )
    assert (code, err) == (0, "")
    assert words in out
    assert "0.349" in out.replace(",", ".")
    assert {"en": "Assumed: REML", "nb": "Antatt: REML"}[lang] in out
    assert "bransjer" not in out, "the groups are another study's"


def test_reread_as_json(command: Any) -> None:
    code, out, _ = command("reread", "--icc", "0.2", "--n", "60", "--groups", "3", "--sizes",
                           "20,30,10", "--estimator", "ML", "--json")  # fmt: skip
    assert code == 0
    found = json.loads(out)
    (line,) = found["icc"]
    direct = sf.icc_posterior(icc="0.2", n=60, groups=3, sizes=[20, 30, 10], estimator="ML")
    assert line["median"] == direct.median
    assert found["provenance"]["printed"] == "0.2"
    assert found["files"] == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--icc", "21", "--n", "60", "--groups", "3"), "icc: must lie between 0 and 1"),
        (("--icc", "0.2", "--n", "60", "--groups", "3", "--sizes", "a"), "--sizes: must be whole"),
        (("--icc", "0.2", "--n", "60", "--groups", "3", "--estimator", "x"), "estimator: must be"),
        (("--icc", "0.2", "--n", "60"), "--groups: must be given"),
    ],
)
def test_reread_refuses(command: Any, options: tuple[str, ...], message: str) -> None:
    code, out, err = command("reread", *options)
    assert (code, out) == (2, "")
    assert message in err
