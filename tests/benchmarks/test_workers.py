"""The load on similar items: what is asked for is drawn from all items, and no run asks what another one asked."""

import pytest

from benchmarks.search import ITEMS
from benchmarks.workers import REPEATED, WAYS, asked


@pytest.mark.parametrize("way", WAYS)
def test_no_answer_is_asked_for_twice_but_where_the_way_says_so(way):
    runs = asked(way, 3)
    different = {line for run in runs for line in run}
    if way == "kept answer":
        assert len(different) == REPEATED and runs[0] == runs[1] == runs[2]
    else:
        assert len(different) == sum(map(len, runs)) == ITEMS
        assert all(line.endswith(f"AAF{WAYS[way]}") for line in different)
