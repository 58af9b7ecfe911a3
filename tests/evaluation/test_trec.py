"""Precision and success by trec_eval: worked by hand, plain counting to the bit, clear about a wrong cutoff."""

import platform
import sys

import numpy as np
import pytest

from fashion.evaluation.metrics import counted, precision_and_success

#: There its wheel is missing, and NumPy counts.
no_wheel = pytest.mark.skipif(
    sys.platform == "linux" and platform.machine() != "x86_64", reason="no wheel of trec_eval"
)


def test_worked_by_hand():
    found = precision_and_success([[0, 1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]], (1, 2, 4))
    assert {name: values.tolist() for name, values in found.items()} == {
        "Precision@4": [0.5, 0, 1],
        "Success@1": [0, 0, 1],
        "Success@2": [1, 0, 1],
        "Success@4": [1, 0, 1],
    }


@no_wheel
@pytest.mark.parametrize("k", [1, 3, 6, 7, 13])
def test_trec_eval_and_plain_counting_are_equal_to_the_bit(k, monkeypatch):
    hits = np.random.default_rng(k).random((500, k)) < 0.3
    theirs = precision_and_success(hits, (1, k))
    ours = counted(hits, dict.fromkeys((1, k)))
    assert list(theirs) == list(ours) and all(theirs[name].tobytes() == ours[name].tobytes() for name in ours)
    monkeypatch.setitem(sys.modules, "ir_measures", None)  # as on Linux on ARM
    assert all(values.tobytes() == ours[name].tobytes() for name, values in precision_and_success(hits, (1, k)).items())


@no_wheel
def test_trec_eval_is_asked_where_it_is_there(monkeypatch):
    import ir_measures as ir

    asked = []
    real = ir.iter_calc
    monkeypatch.setattr(
        ir, "iter_calc", lambda measures, *rest: asked.extend(map(str, measures)) or real(measures, *rest)
    )
    precision_and_success(np.ones((2, 6)), (1, 6))
    assert asked == ["P@6", "Success@1", "Success@6"]


@pytest.mark.parametrize("cutoff", [0, 5])
def test_a_cutoff_outside_the_list_is_told(cutoff):
    with pytest.raises(ValueError, match=rf"expected cutoffs from 1 to 4.*found \[{cutoff}\]"):
        precision_and_success(np.ones((3, 4)), [cutoff])
