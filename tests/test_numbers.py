"""Printed numbers: half away from zero, a true minus, and never a zero that is none."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayes_sf.output.numbers import fixed, interval, limit, percent, probability

FINITE = st.floats(-1e6, 1e6)
DECIMALS = st.integers(0, 6)


def number(text: str) -> Fraction:
    return Fraction(text.replace("−", "-"))


@given(FINITE, DECIMALS)
def test_fixed_is_the_nearest_number_with_its_decimals(value: float, decimals: int) -> None:
    text = fixed(value, decimals)
    half = Fraction(1, 2 * 10**decimals)
    # What is rounded is the number as Python prints it: 2.675 is a tie, although its binary is not.
    assert abs(number(text) - Fraction(repr(value))) <= half
    assert len(text.partition(".")[2]) == decimals


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0.5, 0, "1"), (1.5, 0, "2"), (2.5, 0, "3"), (-2.5, 0, "−3"), (2.675, 2, "2.68"),
        (0.125, 2, "0.13"), (1e-9, 3, "0.000"), (-1e-9, 3, "0.000"), (-0.0, 1, "0.0"),
        (1e30, 1, f"1{30 * '0'}.0"), (math.nan, 2, ""),
    ],
)  # fmt: skip
def test_ties_and_zeros(value: float, decimals: int, text: str) -> None:
    assert fixed(value, decimals) == text


@given(FINITE, DECIMALS)
def test_minus_is_a_minus(value: float, decimals: int) -> None:
    assert "-" not in fixed(value, decimals)
    assert fixed(value, decimals).startswith("−") == (number(fixed(value, decimals)) < 0)


@given(FINITE.filter(bool), DECIMALS)
def test_a_limit_that_is_not_zero_does_not_print_as_zero(value: float, decimals: int) -> None:
    text = limit(value, decimals)
    assert text != fixed(0.0, decimals)
    if text[0] in "<>":
        assert (text[0] == "<") == (value > 0)
        assert abs(value) < 10.0**-decimals


def test_a_limit_of_zero_is_zero() -> None:
    assert (limit(0.0, 2), limit(math.nan, 2)) == ("0.00", "")


def test_both_limits_of_an_interval_have_the_same_decimals() -> None:
    assert interval(-0.234, 1.0, 2) == "−0.23 to 1.00"
    assert interval(1e-7, 0.0994, 3) == "<0.001 to 0.099"


def test_percent_has_no_sign() -> None:
    assert percent(0.2985) == "29.9"
    assert percent(0.5, 0) == "50"
    assert percent(math.nan) == ""


@given(st.floats(0, 1), st.integers(1, 5))
def test_a_probability_is_zero_or_one_only_when_it_is(value: float, decimals: int) -> None:
    text = probability(value, decimals)
    if text == fixed(0.0, decimals):
        assert value == 0
    if text == fixed(1.0, decimals):
        assert value == 1


def test_probabilities_at_the_edge() -> None:
    assert [probability(p) for p in (0.0, 1e-9, 0.0005, 0.9995, 1 - 1e-9, 1.0)] == [
        "0.000", "<0.001", "0.001", ">0.999", ">0.999", "1.000",
    ]  # fmt: skip
