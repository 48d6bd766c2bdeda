"""Sufficient statistics against brute force, and the errors that bad frames give."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bayes_sf as sf
from bayes_sf.engines.gaussian.likelihood import check_groups, standardise
from bayes_sf.engines.gaussian.ols_reml import fit_ols, fit_reml
from bayes_sf.errors import DataError
from bayes_sf.spec.moments import Moments

# Two orders of summation of the same 100 or so numbers of order 1 differ by rounding only.
ROUNDING = 1e-11


def frame(seed: int = 0, n: int = 60, groups: str = "abcd") -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g = np.concatenate([list(groups), rng.choice(list(groups), n - len(groups))])
    x = rng.normal(2, 1, n)
    return pd.DataFrame({"y": x + rng.normal(size=n), "x": x, "w": rng.normal(size=n), "g": g})


def moments(df: pd.DataFrame, **kwargs: object) -> Moments:
    return Moments.from_frame(
        df, **{"outcome": "y", "predictors": ["x", "w"], "group": "g"} | kwargs
    )


def assert_same(a: Moments, b: Moments) -> None:
    assert (a.outcome, a.predictors, a.groups, a.group) == (
        b.outcome,
        b.predictors,
        b.groups,
        b.group,
    )
    np.testing.assert_array_equal(a.sizes, b.sizes)
    np.testing.assert_allclose(a.means, b.means, rtol=ROUNDING, atol=ROUNDING)
    np.testing.assert_allclose(a.within, b.within, rtol=ROUNDING, atol=ROUNDING)


def test_from_frame_is_brute_force() -> None:
    df = frame()
    found = moments(df)
    columns = df[["x", "w", "y"]].to_numpy()
    within = np.zeros((3, 3))
    for j, group in enumerate("abcd"):
        rows = columns[df["g"] == group]
        assert found.sizes[j] == len(rows)
        np.testing.assert_allclose(found.means[j], rows.mean(axis=0), rtol=ROUNDING)
        for row in rows:
            within += np.outer(row - rows.mean(axis=0), row - rows.mean(axis=0))
    np.testing.assert_allclose(found.within, within, rtol=ROUNDING)
    np.testing.assert_allclose(found.spread, columns.std(axis=0, ddof=1), rtol=ROUNDING)
    np.testing.assert_allclose(found.grand_mean, columns.mean(axis=0), rtol=ROUNDING)
    assert found.n_obs == len(df)


def test_merge_is_the_whole_whatever_the_order() -> None:
    df = frame(groups="abcdef")
    a, b, c = (moments(part) for part in (df[:20], df[20:33], df[33:]))
    assert_same(a.merge(b).merge(c), moments(df))
    assert_same(a.merge(b.merge(c)), moments(df))
    assert_same(c.merge(a).merge(b), moments(df))


@pytest.mark.parametrize(("mine", "theirs"), [(False, True), (True, False), (True, True)])
def test_merged_rows_are_counted_where_either_is_weighted(mine: bool, theirs: bool) -> None:
    """Weights make sizes that are no numbers of rows; without any, sizes are."""
    df = frame()
    table, code = df[["x", "w", "y"]].to_numpy(), df["g"].map("abcd".index).to_numpy()
    named = {"outcome": "y", "predictors": ("x", "w"), "groups": tuple("abcd"), "group": "g"}
    halves = [
        Moments.from_arrays(
            table[rows], code[rows], weights=np.full(len(code[rows]), 2.0) if weighed else None,
            **named,
        )
        for rows, weighed in ((slice(25), mine), (slice(25, None), theirs))
    ]  # fmt: skip
    both = halves[0].merge(halves[1])
    assert (both.n_rows, both.sizes.sum()) == (60, 60 + 25 * mine + 35 * theirs)
    assert moments(df[:25]).merge(moments(df[25:])).n_rows is None


def test_merge_of_different_groups() -> None:
    df = frame()
    parts = [moments(part) for _, part in df.groupby("g")]
    assert_same(parts[2].merge(parts[0]).merge(parts[3]).merge(parts[1]), moments(df))


def test_merge_refuses_other_columns() -> None:
    with pytest.raises(DataError, match="to be merged"):
        moments(frame()).merge(moments(frame(), predictors=["x"]))


def test_no_digits_lost_far_from_zero() -> None:
    near = frame()
    far = near.assign(x=near["x"] + 1e6)
    # Adding 1e6 itself rounds x to 1e-10, so slopes can agree to about that and no better.
    a, b = fit_reml(moments(near)), fit_reml(moments(far))
    np.testing.assert_allclose(b.coef[1:], a.coef[1:], rtol=1e-8)
    np.testing.assert_allclose(b.std_error[1:], a.std_error[1:], rtol=1e-8)
    np.testing.assert_allclose(b.sd_resid, a.sd_resid, rtol=1e-8)


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(60)), names=st.permutations("abcd"))
def test_row_order_and_group_names_change_nothing(order: list[int], names: list[str]) -> None:
    df = frame()
    renamed = df.assign(g=df["g"].map(dict(zip("abcd", names, strict=True)))).iloc[order]
    a, b = moments(df), moments(renamed)
    place = [b.groups.index(name) for name in names]
    np.testing.assert_array_equal(b.sizes[place], a.sizes)
    np.testing.assert_allclose(b.means[place], a.means, rtol=ROUNDING)
    np.testing.assert_allclose(b.within, a.within, rtol=ROUNDING, atol=ROUNDING)


def test_categories_become_dummies_with_the_first_as_reference() -> None:
    df = frame().assign(q=pd.Categorical(["no", "yes", "unsure"] * 20, ["yes", "no", "unsure"]))
    found = moments(df, predictors=["q"])
    assert found.terms == ("(Intercept)", "q[no]", "q[unsure]")
    np.testing.assert_allclose(found.grand_mean[:2], [1 / 3, 1 / 3], rtol=ROUNDING)
    text = moments(df.assign(q=df["q"].astype(str)), predictors=["q"])
    assert text.terms == ("(Intercept)", "q[unsure]", "q[yes]")  # text is sorted


def test_any_frame_that_narwhals_reads() -> None:
    df = frame()
    assert_same(moments(pa.Table.from_pandas(df)), moments(df))  # type: ignore[arg-type]


def test_digest_is_of_the_data_alone() -> None:
    assert moments(frame()).digest == moments(frame()).digest
    assert moments(frame()).digest != moments(frame(seed=1)).digest


BAD_FRAMES = {
    "nan": (lambda df: df.assign(x=df["x"].where(df.index != 7)), "'x', row 7.*finite number"),
    "inf": (lambda df: df.assign(y=df["y"].where(df.index != 3, np.inf)), "'y', row 3.*inf"),
    "no column": (lambda df: df.drop(columns="w"), "'w'.*not in the data"),
    "text": (lambda df: df.assign(y=df["y"].astype(str)), "'y'.*must hold numbers"),
    "no rows": (lambda df: df[:0], "must have rows"),
    "no group": (lambda df: df.assign(g=df["g"].where(df.index > 1)), "'g'.*2 missing"),
    "one category": (lambda df: df.assign(x="a"), "'x'.*two categories"),
    "no category": (
        lambda df: df.assign(x=df["g"].where(df.index > 0)),
        "'x'.*must hold a category in every row.*1 missing",
    ),
    "no frame": (lambda _: [1, 2, 3], "must be a data frame.*list"),
}


@pytest.mark.parametrize("name", BAD_FRAMES)
def test_bad_frames(name: str) -> None:
    spoil, message = BAD_FRAMES[name]
    with pytest.raises(DataError, match=message) as caught:
        moments(spoil(frame()))
    assert caught.value.exit_code == 3


BAD_MODELS = {
    "constant predictor": (lambda df: df.assign(x=1e6 + 0.1), "'x'.*must vary"),
    "constant outcome": (lambda df: df.assign(y=3.0), "'y'.*must vary"),
    "collinear": (lambda df: df.assign(w=2 * df["x"] - 7), "'w'.*combination of x"),
    "too few rows": (lambda df: df[:3], "more rows than coefficients.*3 rows, 3 coef"),
    "one group": (lambda df: df.assign(g="a"), "at least two levels"),
    "groups of one": (lambda df: df.assign(g=range(len(df))), "residual variance.*60 rows in 60"),
    "constant within": (
        lambda df: df.assign(y=df["g"].map(dict(zip("abcd", (0.5, 1.7, 2.2, 3.1), strict=True)))),
        "residual variance.*fitted exactly",
    ),
}


@pytest.mark.parametrize("name", BAD_MODELS)
def test_models_that_cannot_be_fitted(name: str) -> None:
    spoil, message = BAD_MODELS[name]
    with pytest.raises(DataError, match=message):
        check_groups(standardise(moments(spoil(frame()))))


def test_typed_moments_are_arrays() -> None:
    sizes, within = [5.0, 5.0], np.array([[9.0]])
    typed = Moments("y", (), ("a", "b"), sizes, np.array([[1.0], [2.0]]), within)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"sizes: must be an array \(got 'list'\)"):
        typed.check()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sizes": [5.0, 5.0]}, r"sizes: must have the shape \(3,\)"),
        ({"means": [[0.0, 1.0], [1.0, 2.0]]}, r"means: must have the shape \(3, 2\)"),
        ({"within": [[4.0]]}, r"within: must have the shape \(2, 2\)"),
        ({"sizes": [5.0, 0.0, 5.0]}, "sizes: must be above zero"),
        ({"sizes": [5.0, 4.5, 5.0]}, "sizes: must be whole numbers"),
        ({"means": [[0.0, 1.0], [1.0, np.inf], [2.0, 3.0]]}, "means: must be finite"),
        ({"within": [[4.0, 9.0], [9.0, 5.0]]}, "within: must be sums of products"),
        ({"within": [[4.0, 1.0], [-1.0, 5.0]]}, "within: must be sums of products"),
        ({"within": [[-4.0, 0.0], [0.0, 5.0]]}, "within: must be sums of products"),
    ],
)
def test_typed_moments_that_no_rows_have(changes: dict[str, object], message: str) -> None:
    given = {
        "sizes": [5.0, 5.0, 5.0], "means": [[0.0, 1.0], [1.0, 2.0], [2.0, 3.5]],
        "within": [[4.0, 1.0], [1.0, 5.0]], **changes,
    }  # fmt: skip
    sizes, means, within = (np.array(given[name]) for name in ("sizes", "means", "within"))
    typed = Moments("y", ("x",), ("a", "b", "c"), sizes, means, within)
    with pytest.raises(DataError, match=message):
        sf.fit(sf.ModelSpec("y", ("x",), group="group"), typed, engine="reml")


def test_one_group_is_enough_for_least_squares() -> None:
    assert fit_ols(moments(frame().assign(g="a"))).boundary
