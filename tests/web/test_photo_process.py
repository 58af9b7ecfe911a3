"""Photos are read by one process for all: answers and errors come back, of the same report alone."""

import os
import signal
import socket
import time
from types import SimpleNamespace

import numpy as np
import pytest

from fashion.core.errors import ArtefactError, FashionError, PhotoError
from fashion.recommendation.queries import Query
from fashion.web import photo_process
from fashion.web.photo_process import PhotoProcess
from fashion.web.security import NotNow

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked, which Windows cannot")

SHOP = SimpleNamespace(stamp=7)


def query(photo, name):
    if photo is None:
        raise PhotoError("expected a photo; found none")
    if name == "later":
        raise NotNow(503, 5, "Try again in a few seconds.")
    if name == "stuck":
        time.sleep(60)
    return Query(f"{name} {os.getpid()}", np.full((1, 3), photo, np.float32), {"colour": "red"})


def listening(path):
    """Whether somebody accepts at a socket: its file is there a moment earlier."""
    with socket.socket(socket.AF_UNIX) as line:
        return line.connect_ex(str(path)) == 0


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.setattr(photo_process, "WAIT", 0.2)
    photos = PhotoProcess(tmp_path)
    shop = SimpleNamespace(stamp=7, reader=lambda: SimpleNamespace(query=query))
    process = os.fork()
    if not process:
        photos.serve(SimpleNamespace(begin=lambda: None, shop=lambda: shop))
    end = time.monotonic() + 20
    while not listening(tmp_path / "photos"):
        assert time.monotonic() < end
        time.sleep(0.01)
    yield SimpleNamespace(read=photos.read, process=process)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)


def test_a_photo_is_read_there(photos):
    answer = photos.read(SHOP, 0.5, "mine")
    assert answer.title == f"mine {photos.process}" and answer.vectors.tolist() == [[0.5] * 3]
    assert answer.description == {"colour": "red"}


def test_errors_come_back_and_two_reports_do_not_mix(photos):
    with pytest.raises(PhotoError, match="expected a photo; found none"):
        photos.read(SHOP, None, "mine")
    with pytest.raises(ArtefactError, match="a new one being opened"):
        photos.read(SimpleNamespace(stamp=8), 0.5, "mine")
    with pytest.raises(NotNow, match=r"^Try again in a few seconds\.$") as later:
        photos.read(SHOP, 0.5, "later")
    assert (later.value.status, later.value.seconds) == (503, 5)
    assert photos.read(SHOP, 0.5, "mine").title


def test_a_photo_that_takes_too_long_is_given_up(photos, monkeypatch):
    begun = time.monotonic()
    with (
        monkeypatch.context() as patch,
        pytest.raises(FashionError, match="expected an answer of the process that reads photos within 0 s"),
    ):
        patch.setattr(photo_process, "PATIENCE", 0.2)
        photos.read(SHOP, 0.5, "stuck")
    assert time.monotonic() - begun < 20 and photos.read(SHOP, 0.5, "mine").title


@pytest.mark.parametrize("side", [3, 2_000])
def test_a_process_that_hangs_takes_no_worker_with_it(photos, monkeypatch, side):
    os.kill(photos.process, signal.SIGSTOP)  # it accepts nothing, and a large photo does not fit into the line
    begun = time.monotonic()
    with monkeypatch.context() as patch, pytest.raises(FashionError, match="the process that reads photos"):
        patch.setattr(photo_process, "PATIENCE", 0.2)
        photos.read(SHOP, np.zeros((side, side, 3), np.uint8), "mine")
    assert time.monotonic() - begun < 20
    os.kill(photos.process, signal.SIGCONT)
    assert photos.read(SHOP, 0.5, "mine").title, "and what it was sent meanwhile does not disturb it"


def test_without_a_process_it_is_said(tmp_path):
    with pytest.raises(FashionError, match="expected the process that reads photos"):
        PhotoProcess(tmp_path).read(SHOP, 0.5, "mine")
