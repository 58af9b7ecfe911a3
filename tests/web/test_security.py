"""Turns: some photos at once, the rest turned away at once and told when to come back."""

import threading
import time

import pytest

from fashion.web.security import Buckets, NotNow, Turns


def test_a_crowds_photos_leave_threads_for_browsing():
    turns = Turns(Buckets(size=100), at_once=2, patience=0.05)
    with turns.turn("a"), turns.turn("b"):
        with pytest.raises(NotNow) as refused, turns.turn("c"):
            pytest.fail("a third one was let in")
        assert refused.value.status == 503 and refused.value.seconds >= 1
    with pytest.raises(ZeroDivisionError), turns.turn("a"):
        raise ZeroDivisionError  # a failure gives its place back
    with turns.turn("a"), turns.turn("a"):
        pass


def test_who_is_turned_away_by_the_crowd_pays_nothing_and_a_visitors_burst_takes_no_place():
    turns = Turns(Buckets(size=1, per_second=0.1, clock=lambda: 0.0), at_once=1)
    with turns.turn("a"), pytest.raises(NotNow, match="being processed"), turns.turn("b"):
        pass
    with turns.turn("b"):
        pass
    for _ in range(3):
        with pytest.raises(NotNow, match="Too many photos") as refused, turns.turn("a"):
            pass
        assert (refused.value.status, refused.value.seconds) == (429, 11)


def test_a_few_wait_for_a_moment_and_the_others_do_not():
    turns = Turns(Buckets(size=100), at_once=2, patience=60)
    served = []

    def come(visitor):
        with turns.turn(visitor):
            served.append(visitor)

    with turns.turn("b"):
        with turns.turn("a"):
            patient = threading.Thread(target=come, args=("c",))
            patient.start()
            while turns._waiting._value:  # until it waits
                time.sleep(0.001)
            begun = time.monotonic()
            with pytest.raises(NotNow, match="being processed"), turns.turn("d"):
                pass
            assert time.monotonic() - begun < 20 and not served, "one waits; another one is turned away at once"
        patient.join(60)
        assert served == ["c"], "its turn came when the first one ended"
    assert Turns(Buckets(), at_once=1)._waiting._value == 0, "a small server keeps its threads for browsing"
