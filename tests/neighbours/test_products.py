"""Queries of several threads share a product, each gets its own rows, and the search over them is exact."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fashion.neighbours.exact import nearest, normalise
from fashion.neighbours.products import MOST_TOGETHER, JoinedProducts

UNIT = normalise(np.random.default_rng(0).normal(size=(500, 12)))


def test_searches_of_many_threads_are_each_exact():
    products = JoinedProducts(np.ascontiguousarray(UNIT.T))
    random = np.random.default_rng(1)
    asked = [(UNIT[rows], random.random(500) < 0.7) for rows in random.integers(0, 500, (60, 3))]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda one: nearest(one[0], UNIT, 7, one[1], assume_unit=True, multiply=products), asked))
    for (queries, mask), (rows, similarity) in zip(asked, found, strict=True):
        expected = nearest(queries, UNIT, 7, mask, assume_unit=True)
        assert np.array_equal(rows, expected[0]) and np.array_equal(similarity, expected[1])


class Slow(np.ndarray):
    """Columns whose products wait until they may go on, and are counted."""

    made: list[int]
    go_on: threading.Event
    begun: threading.Event

    def __rmatmul__(self, queries):
        self.made.append(len(np.atleast_2d(queries)))
        self.begun.set()
        assert self.go_on.wait(20)
        return queries @ np.asarray(self)


def slow():
    columns = np.ascontiguousarray(UNIT.T).view(Slow)
    columns.made, columns.go_on, columns.begun = [], threading.Event(), threading.Event()
    return columns


def test_what_waits_is_multiplied_together_up_to_a_bound():
    columns = slow()
    products = JoinedProducts(columns)
    asked = [UNIT[:1]] + [UNIT[n : n + 20] for n in range(1, 5)]
    with ThreadPoolExecutor(5) as pool:
        jobs = [pool.submit(products, asked[0])]
        assert columns.begun.wait(20)
        jobs += [pool.submit(products, one) for one in asked[1:]]
        while len(products._queue) < 4:
            pass
        columns.go_on.set()
        for queries, job in zip(asked, jobs, strict=True):
            assert job.result(20) == pytest.approx(queries @ UNIT.T, abs=1e-6)
    assert columns.made == [1, 60, 20] and max(columns.made) <= MOST_TOGETHER


def test_an_error_reaches_each_asking_thread_and_the_next_one_is_answered():
    products = JoinedProducts(np.ascontiguousarray(UNIT.T))
    for _ in range(2):
        with pytest.raises(ValueError):
            products(np.ones((1, 5), np.float32))
    assert products(UNIT[:2]).shape == (2, 500)
