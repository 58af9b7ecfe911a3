"""Turns: some photos at once, the rest turned away at once and told when to come back."""

import pytest

from fashion.web.security import Buckets, NotNow, Turns


def test_a_crowds_photos_leave_threads_for_browsing():
    turns = Turns(Buckets(size=100), at_once=2)
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
