"""Precision and success: worked by hand, trec_eval's to the bit, clear about a wrong cutoff."""

import platform
import sys

import numpy as np
import pytest

from fashion.evaluation.metrics import precision_and_success


def test_worked_by_hand():
    found = precision_and_success([[0, 1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]], (1, 2, 4))
    assert {name: values.tolist() for name, values in found.items()} == {
        "Precision@4": [0.5, 0, 1],
        "Success@1": [0, 0, 1],
        "Success@2": [1, 0, 1],
        "Success@4": [1, 0, 1],
    }


@pytest.mark.skipif(
    sys.platform == "linux" and platform.machine() != "x86_64", reason="trec_eval has no wheel for Linux on ARM"
)
@pytest.mark.parametrize("k", [1, 3, 6, 7, 13])
def test_trec_eval_counts_the_same_to_the_bit(k):
    import ir_measures as ir

    hits = np.random.default_rng(k).random((500, k)) < 0.3
    names = {ir.P @ k: f"Precision@{k}"} | {ir.Success @ cutoff: f"Success@{cutoff}" for cutoff in (1, k)}
    theirs = {name: np.zeros(len(hits)) for name in names.values()}
    run = {str(query): {str(rank): float(-rank) for rank in range(k)} for query in range(len(hits))}
    judged = {str(query): {str(rank): int(hit) for rank, hit in enumerate(line)} for query, line in enumerate(hits)}
    for one in ir.iter_calc(list(names), judged, run):
        theirs[names[one.measure]][int(one.query_id)] = one.value
    ours = precision_and_success(hits, (1, k))
    assert list(ours) == list(theirs) and all(ours[name].tobytes() == theirs[name].tobytes() for name in ours)


@pytest.mark.parametrize("cutoff", [0, 5])
def test_a_cutoff_outside_the_list_is_told(cutoff):
    with pytest.raises(ValueError, match=rf"expected cutoffs from 1 to 4.*found \[{cutoff}\]"):
        precision_and_success(np.ones((3, 4)), [cutoff])
