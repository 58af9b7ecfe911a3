"""Reasons are true, and said in one way."""

from fashion.recommendation.reasons import describe, reasons

RED_BOOTS = {"colour": "red", "category": "boots", "department": "footwear"}


def test_what_is_shared_is_said_and_nothing_else():
    assert reasons(RED_BOOTS, RED_BOOTS, {"looks": 0.98765}) == "same colour and category; looks 0.99"
    other = RED_BOOTS | {"colour": "blue"}
    assert reasons(RED_BOOTS, other, {"looks": 0.5, "colour": 0.1}) == "same category; looks 0.50; colour 0.10"
    assert reasons(RED_BOOTS, RED_BOOTS | {"category": "sandals"}, {}) == "same colour and department"
    dress = {"colour": "green", "category": "dress", "department": "dresses"}
    assert reasons(RED_BOOTS, dress, {}) == "another colour and category"


def test_only_what_was_asked_for_is_missed():
    assert reasons({"colour": "red"}, {"colour": "blue", "category": "boots"}, {}) == "another colour"
    assert reasons({}, RED_BOOTS, {"looks": 0.5}) == "looks 0.50"
    assert reasons({}, RED_BOOTS, {"looks": -0.012, "colour": -0.001}) == "looks 0.00; colour 0.00"


def test_any_of_several_words_will_do():
    asked = {"colour": "red", "category": ("boots", "sandals")}
    assert reasons(asked, RED_BOOTS, {}) == "same colour and category"
    assert reasons(asked, RED_BOOTS | {"category": "hat"}, {}) == "same colour"
    assert describe(asked) == "red · boots or sandals"


def test_describe_leaves_out_what_is_missing():
    assert describe({"colour": "blue", "category": "short dress"}) == "blue · short dress"
    assert describe({"category": "short dress"}) == "short dress" and describe({}) == ""
