"""Samples that keep the groups' shares."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from fashion.catalogue.sampling import take_first, take_stratified


def test_take_first():
    rows = pd.DataFrame({"row": range(1, 9)})
    assert take_first(rows, 3)["row"].tolist() == [1, 2, 3]


@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=8),
    share=st.floats(0.01, 1.0),
    seed=st.integers(0, 5),
)
def test_stratified_sample_keeps_shares(sizes, share, seed):
    departments = np.repeat([f"d{i}" for i in range(len(sizes))], sizes)
    rows = pd.DataFrame({"row": range(len(departments)), "department": departments})
    limit = max(1, int(share * len(rows)))
    taken = take_stratified(rows, limit, seed)
    assert len(taken) == limit and taken["row"].is_monotonic_increasing and taken["row"].is_unique
    counts = taken["department"].value_counts().reindex([f"d{i}" for i in range(len(sizes))], fill_value=0)
    assert (np.abs(counts.to_numpy() - np.array(sizes) * limit / len(rows)) < 1).all()
    assert taken.equals(take_stratified(rows, limit, seed))
