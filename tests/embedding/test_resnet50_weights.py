"""Finding ResNet-50's weights: Keras's cache, a download, and every way in which a network can fail."""

import http.server
import os
import runpy
import socket
import time
from pathlib import Path

import pytest
from loopback import closed_address, serve, serve_folder

from fashion.core.errors import WeightsError
from fashion.embedding import resnet50
from fashion.embedding.backbones import load_backbone


@pytest.fixture(autouse=True)
def no_network(tmp_path, monkeypatch):
    """An empty Keras cache, and an address where nobody listens."""
    monkeypatch.setenv(resnet50.ADDRESS_VARIABLE, closed_address())
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def test_the_address_and_checksum_are_those_of_keras():
    from keras.src.applications import resnet as of_keras

    assert resnet50.WEIGHTS_URL == of_keras.BASE_WEIGHTS_PATH + resnet50.FILE_NAME
    assert of_keras.WEIGHTS_HASHES["resnet50"][1] == resnet50.WEIGHTS_MD5
    assert os.environ[resnet50.ADDRESS_VARIABLE] == resnet50.address()


@pytest.mark.parametrize("chosen", [True, False])
def test_the_cache_is_where_keras_keeps_it(chosen, tmp_path, monkeypatch):
    from keras.src.backend import config

    monkeypatch.setenv("HOME", str(tmp_path))
    if not chosen:
        monkeypatch.delenv("KERAS_HOME")
    keras_home = runpy.run_path(config.__file__)["keras_home"]()  # Keras's own rule, run afresh
    assert keras_home == str(tmp_path / ("keras" if chosen else ".keras"))
    assert resnet50.cached_file() == Path(keras_home, "models", resnet50.FILE_NAME)


def test_the_served_file_must_be_the_right_one(tmp_path, monkeypatch):
    (tmp_path / resnet50.FILE_NAME).write_bytes(b"a login page")
    with serve_folder(tmp_path, []) as url:
        monkeypatch.setenv(resnet50.ADDRESS_VARIABLE, f"{url}/{resnet50.FILE_NAME}")
        with pytest.raises(WeightsError, match="another file, whose MD5 is not 4d47"):
            resnet50.find_weights()
        assert not list(resnet50.cached_file().parent.iterdir())  # nothing half-made is left
        monkeypatch.setenv(resnet50.ADDRESS_VARIABLE, f"{url}/gone.h5")
        with pytest.raises(WeightsError, match=r"not the file .*404"):
            resnet50.find_weights()


def test_strict_resnet50_without_a_network_is_an_error_at_once(monkeypatch):
    monkeypatch.setattr(resnet50, "PROBE_SECONDS", 100)
    start = time.monotonic()
    with pytest.raises(WeightsError) as error:
        load_backbone("resnet50")
    assert time.monotonic() - start < 50  # a refused connection is not tried for minutes
    for words in (
        "expected ResNet-50's",
        "found no connection",
        str(resnet50.cached_file()),
        resnet50.address(),
        "On a machine with internet access",
    ):
        assert words in str(error.value)


def test_a_network_that_swallows_everything_costs_seconds(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts connections, never answers
        monkeypatch.setenv(resnet50.ADDRESS_VARIABLE, f"http://127.0.0.1:{silent.getsockname()[1]}/x.h5")
        start = time.monotonic()
        with pytest.raises(WeightsError, match="does not answer"):
            load_backbone("resnet50")
        assert time.monotonic() - start < 60 and resnet50.PROBE_SECONDS < 10


def test_a_name_server_that_does_not_answer_costs_seconds(monkeypatch):
    monkeypatch.setattr(resnet50, "PROBE_SECONDS", 0.5)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(60))
    start = time.monotonic()
    with pytest.raises(WeightsError, match="no answer within"):
        resnet50.find_weights()
    assert time.monotonic() - start < 30


@pytest.mark.parametrize(("pause", "found"), [(5.0, "does not answer|no connection"), (0.05, "only .* bytes in")])
def test_a_download_that_stalls_or_trickles_is_given_up(monkeypatch, pause, found):
    class Slow(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "94765736")
            self.end_headers()
            try:
                while True:
                    self.wfile.write(bytes(2**14))
                    time.sleep(pause)
            except OSError:
                pass  # the client has hung up

        def log_message(self, form, *details):
            pass

    monkeypatch.setattr(resnet50, "STALL_SECONDS", 1.0)
    monkeypatch.setattr(resnet50, "GRACE_SECONDS", 0.5)
    monkeypatch.setattr(resnet50, "SLOWEST", 2**14 / 0.04 if pause < 1 else 1)
    with serve(Slow) as url:
        monkeypatch.setenv(resnet50.ADDRESS_VARIABLE, f"{url}/x.h5")
        start = time.monotonic()
        with pytest.raises(WeightsError, match=found):
            resnet50.find_weights()
        assert time.monotonic() - start < 30  # the whole would take minutes
    assert not list(resnet50.cached_file().parent.iterdir())
