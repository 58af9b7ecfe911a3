"""The load on similar items: requests are drawn from all items, and no two runs share one."""

import pytest

from benchmarks.search import ITEMS
from benchmarks.workers import REPEATED, WAYS, asked


@pytest.mark.parametrize("way", WAYS)
def test_no_request_repeats_except_for_cached_answers(way):
    runs = asked(way, 3)
    different = {line for run in runs for line in run}
    if way == "cached answer":
        assert len(different) == REPEATED and runs[0] == runs[1] == runs[2]
    else:
        assert len(different) == sum(map(len, runs)) == ITEMS
        assert all(line.endswith(f"AAF{WAYS[way]}") for line in different)
