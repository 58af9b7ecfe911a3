"""Which report is shown: a new one at once, networks or not; a damaged one is not loaded over and over."""

import logging
import threading
from types import SimpleNamespace

import pytest

from fashion.core.errors import ArtefactError, WeightsError
from fashion.recommendation.qdrant import EngineError
from fashion.web import reload
from fashion.web.reload import Window


class Shown:
    """A shop that knows its stamp, and whose networks cannot be had."""

    def __init__(self, stamp):
        self.stamp, self.asked = stamp, 0

    def reader(self):
        self.asked += 1
        raise WeightsError("expected weights; there are none")


@pytest.fixture
def report(monkeypatch):
    """A report that changes as the test says."""
    now = SimpleNamespace(stamp=1, opened=0, damaged=None)

    def open_shop(*_):
        now.opened += 1
        if now.damaged:
            raise now.damaged
        return Shown(now.stamp)

    monkeypatch.setattr(reload, "open_shop", open_shop)
    monkeypatch.setattr(reload, "stamp_of", lambda _: now.stamp)
    monkeypatch.setattr(reload, "is_running", lambda _: False)
    monkeypatch.setattr(reload, "LOOK_AGAIN", -1.0)
    return now


def settle(window):
    """What is shown once the look that a request sets off has come to its end."""
    window.shop()
    for thread in threading.enumerate():
        if thread.name.endswith("(_renew)"):
            thread.join(10)
    return window._shop


def test_a_report_whose_networks_cannot_be_had_is_shown_and_loaded_once(report, caplog):
    window = Window(SimpleNamespace(catalogue="tiny"))
    report.stamp = 2
    with caplog.at_level(logging.INFO, "fashion.web"):
        shown = settle(window)
    assert caplog.messages == ["a new report of tiny is shown: 2"]
    assert shown.stamp == 2 and shown.asked == 1
    assert settle(window) is shown and report.opened == 2


def test_a_damaged_report_is_loaded_once_until_it_changes(report, monkeypatch, caplog):
    window = Window(SimpleNamespace(catalogue="tiny"), warm=False)
    report.stamp, report.damaged = 2, ArtefactError("expected whole files")
    with caplog.at_level(logging.WARNING, "fashion.web"):
        assert [settle(window).stamp for _ in range(4)] == [1] * 4
    assert report.opened == 2 and caplog.text.count("cannot be shown") == 1
    monkeypatch.setattr(reload, "TRY_AGAIN", -1.0)
    settle(window)
    assert report.opened == 3, "what was in its way may be gone"
    monkeypatch.setattr(reload, "TRY_AGAIN", 60.0)
    report.stamp, report.damaged = 3, None
    assert settle(window).stamp == 3


def test_a_report_that_the_engine_does_not_hold_yet_is_shown_as_soon_as_it_does(report, monkeypatch, caplog):
    window = Window(SimpleNamespace(catalogue="tiny"), warm=False)
    report.stamp, report.damaged = 2, EngineError("expected Qdrant's collection")
    with caplog.at_level(logging.WARNING, "fashion.web"):
        assert [settle(window).stamp for _ in range(3)] == [1] * 3 and report.opened == 2, "not at each look"
        monkeypatch.setattr(reload, "ENGINE_AGAIN", -1.0)
        assert [settle(window).stamp for _ in range(3)] == [1] * 3
    assert report.opened == 5 and len(caplog.messages) == 1, "said once"
    report.damaged = None
    assert settle(window).stamp == 2
