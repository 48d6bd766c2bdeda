"""Printed numbers: half away from zero, a true minus, and never a zero that is none."""

import math
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bayes_sf.disclosure.rounding import significant_decimals
from bayes_sf.output.numbers import (
    ICC_DECIMALS,
    as_printed,
    digits_of,
    estimate,
    fixed,
    interval,
    level,
    limit,
    percent,
    probability,
    r_hat,
    row_decimals,
    shared_decimals,
    with_percent,
)
from tests.tools import spoken

FINITE = st.floats(-1e6, 1e6)
DECIMALS = st.integers(0, 6)
POSITIVE = st.floats(1e-9, 1e6)


def number(text: str) -> Fraction:
    return Fraction(text.replace("−", "-"))


def looks_zero(text: str) -> bool:
    return not any(digit in text for digit in "123456789")


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


@given(FINITE, FINITE, DECIMALS, st.floats(0, 1))
def test_norwegian_has_the_same_digits_with_a_comma(
    low: float, high: float, decimals: int, share: float
) -> None:
    assert spoken("nb", fixed, low, decimals) == fixed(low, decimals).replace(".", ",")
    assert spoken("nb", limit, low, decimals) == limit(low, decimals).replace(".", ",")
    assert spoken("nb", probability, share, 3) == probability(share, 3).replace(".", ",")
    assert spoken("nb", percent, share, 1) == percent(share, 1).replace(".", ",")
    assert spoken("nb", r_hat, share) == r_hat(share).replace(".", ",")
    english = interval(low, high, decimals)
    assert spoken("nb", interval, low, high, decimals) == english.replace(".", ",").replace(
        "to", "til"
    )


def test_no_line_breaks_before_a_norwegian_percent_sign() -> None:
    assert (spoken("nb", with_percent, "34,9"), with_percent("34.9")) == ("34,9\u00a0%", "34.9 %")
    assert (spoken("nb", level, 0.95), spoken("nb", level, 0.999), level(0.5)) == (
        "95\u00a0%", "99,9\u00a0%", "50 %",
    )  # fmt: skip


@given(FINITE, FINITE, DECIMALS, st.integers(0, 4))
def test_limits_get_as_few_more_decimals_as_show_that_they_are_not_zero(
    low: float, high: float, decimals: int, more: int
) -> None:
    assume(decimals + more <= 6)  # beyond, a power of ten stands for decimals
    shared = shared_decimals(low, high, decimals, more)
    enough = [
        d
        for d in range(decimals, decimals + more + 1)
        if not any(value and looks_zero(fixed(value, d)) for value in (low, high))
    ]
    assert shared == (enough[0] if enough else decimals)
    first, second = interval(low, high, decimals, more=more).split(" to ")
    for value, text in ((low, first), (high, second)):
        assert len(text.partition(".")[2]) == shared
        assert not value or not looks_zero(text)
        if text[0] not in "<>":
            assert abs(number(text) - Fraction(repr(value))) <= Fraction(1, 2 * 10**shared)


def test_digits_of_an_icc() -> None:
    """Three decimals, but no more than disclosure control has left; other rows: two of their sd."""
    assert math.isnan(digits_of("icc", 0.3491, 0.15))
    assert digits_of("icc", 0.35, 0.15) == 0.15  # rounded to the digits of its sd
    assert math.isnan(digits_of("icc", 0.0, 0.15))  # a REML of zero is not rounded
    assert digits_of("q13", 0.3491, 0.15) == 0.15
    assert significant_decimals(float("nan")) == ICC_DECIMALS


def test_an_infinite_number_is_no_number_with_decimals() -> None:
    assert (fixed(math.inf, 2), spoken("nb", fixed, -math.inf, 0), limit(math.inf, 1)) == (
        "∞",
        "−∞",
        "∞",
    )


@given(st.floats(1e-300, 1e300))
def test_an_uncertainty_is_shown_with_two_digits(sd: float) -> None:
    """At every scale: of its own digits, a power of ten aside; whole numbers keep theirs."""
    text = estimate(sd, significant_decimals(sd))
    digits = text.partition("×")[0].replace(".", "").lstrip("0")
    # 0.0996 with two digits is 0.100: the digit that is carried makes a third.
    assert len(digits) == 2 or digits == "100" or (len(digits) <= 7 and "." not in text)


@given(st.floats(allow_nan=False), st.floats(1e-300, 1e300), st.integers(-9, 9))
def test_an_estimate_is_right_to_its_last_digit(value: float, sd: float, more: int) -> None:
    """Against exact fractions: within half a unit of the last digit that is shown."""
    decimals = significant_decimals(sd) + more
    text = estimate(value, decimals)
    if math.isinf(value):
        assert text in {"∞", "−∞"}
        return
    exact, unit = Fraction(repr(value)), Fraction(10) ** -decimals
    shortest = abs(exact) / 10**15  # a float has no more digits
    assert abs(value_of(text) - exact) <= max(unit, shortest) / 2
    assert len(text) <= 30 or abs(value) > 1e-5  # zeros do not fill a line
    assert (text[0] == "−") == (value_of(text) < 0)


@given(st.floats(-1e12, 1e12), st.floats(-1e12, 1e12), st.integers(-12, 14))
def test_limits_share_their_last_digit_and_their_power(a: float, b: float, decimals: int) -> None:
    first, second = (
        end.lstrip("<>") for end in interval(min(a, b), max(a, b), decimals).split(" to ")
    )
    assert first.partition("×")[2] == second.partition("×")[2]
    if max(abs(a), abs(b)) < 1e3:  # a float has 17 digits
        behind = [len(end.partition("×")[0].partition(".")[2]) for end in (first, second)]
        assert behind[0] == behind[1]


RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def value_of(text: str) -> Fraction:
    mantissa, _, power = text.partition("×10")
    return number(mantissa) * Fraction(10) ** int(power.translate(RAISED) or 0)


@pytest.mark.parametrize(
    ("estimated", "sd", "texts"),
    [
        (3.1e-12, 1.2e-12, ("3.1×10⁻¹²", "1.2×10⁻¹²")),
        (-2.5e-4, 1.1e-5, ("−0.000250", "0.000011")),
        (0.0, 4e-9, ("0.0×10⁻⁹", "4.0×10⁻⁹")),
        (2.0, 4e-9, ("2.0000000000", "4.0×10⁻⁹")),
        (54321.0, 1234.0, ("54321", "1234")),
        (3.24e12, 1.2e11, ("3.24×10¹²", "1.2×10¹¹")),
        (7.0, 0.0, ("7.000", "0.000")),
        (7e-9, 0.0, ("7.0×10⁻⁹", "0.0×10⁻⁹")),
        (7e-9, math.nan, ("7.0×10⁻⁹", "")),
        (math.inf, 1.0, ("∞", "1.0")),
    ],
)
def test_digits_follow_the_spread(estimated: float, sd: float, texts: tuple[str, str]) -> None:
    decimals = row_decimals((estimated, sd), sd)
    assert (estimate(estimated, decimals), estimate(sd, decimals)) == texts
    assert spoken("nb", estimate, estimated, decimals) == texts[0].replace(".", ",")


@given(POSITIVE, POSITIVE)
def test_no_digit_is_shown_that_monte_carlo_error_moves(sd: float, mcse: float) -> None:
    decimals, most = significant_decimals(sd, mcse=mcse), significant_decimals(sd)
    unit, noise = Fraction(10) ** -decimals, 2 * Fraction(mcse)
    slack = 1 + Fraction(1, 10**9)  # the logarithm is a float
    assert decimals <= most
    assert unit * slack >= noise or decimals == most
    assert decimals == most or unit / 10 <= noise * slack  # not fewer than it must be


def test_without_monte_carlo_error_all_digits_stay() -> None:
    assert significant_decimals(0.1, mcse=0.0) == significant_decimals(0.1, mcse=math.nan) == 2


@given(st.floats(0.9, 50))
def test_r_hat_has_three_decimals(value: float) -> None:
    text = r_hat(value)
    assert abs(number(text) - Fraction(repr(value))) <= Fraction(1, 2000)
    assert len(text.partition(".")[2]) == 3


@given(st.from_regex(r"-?[0-9]{1,3}(\.[0-9]{1,4})?", fullmatch=True))
def test_a_printed_figure_keeps_its_digits(figure: str) -> None:
    assert number(as_printed(figure)) == Fraction(figure)
    assert spoken("nb", as_printed, figure) == as_printed(figure).replace(".", ",")
    assert len(as_printed(figure)) == len(figure)
