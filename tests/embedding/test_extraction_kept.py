"""Vectors equal the plain way's, are never made twice, and survive kill -9."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import lend, write_small_catalogue
from plain import read_photo

from fashion.catalogue.source import open_source
from fashion.core.errors import ArtefactError
from fashion.embedding import extraction
from fashion.embedding.backbones import load_backbone
from fashion.embedding.extraction import EmbeddingStore, open_store, read_photos


@pytest.fixture(scope="module")
def network():
    return load_backbone("efficientnet-lite0", size=96)


@pytest.fixture(scope="module")
def photos(small_folder):
    source = open_source(small_folder, "annotation.txt")
    names = sorted(f"images/{path.name}" for path in (small_folder / "images").iterdir())
    return source, names


def embed(source, names, network, root):
    return read_photos(source, names, root, network, progress=False).vectors


@pytest.fixture(scope="module")
def run(photos, network, networks, tmp_path_factory):
    root = lend(networks, tmp_path_factory.mktemp("store"))
    return root, embed(*photos, network, root)


def test_equals_one_photo_at_a_time(run, photos, network):
    source, names = photos
    done = run[1].blocks["embedding"]
    for row in (0, 17, 47):  # in the first, a middle and the last batch
        rgb = read_photo(source, names[row], network.size)[None].astype(np.float32)
        plain = np.asarray(network.plain(network.preprocess(rgb), training=False))[0]
        assert np.abs(done[row] - plain).max() <= 1e-4 * np.abs(plain).max()


def test_counts_and_shapes(run, network):
    done = run[1]
    assert (done.embedded, done.reused) == (48, 0) and done.photos_per_second > 0
    assert done.blocks["embedding"].shape == (48, network.dimension)
    assert done.blocks["multilayer"].shape == (48, network.multilayer_dimensions)


def test_nothing_is_embedded_twice(run, photos, network, monkeypatch):
    monkeypatch.setattr(extraction, "choose_runtime", lambda *_: pytest.fail("the network was called"))
    again = embed(*photos, network, run[0])
    assert (again.embedded, again.reused) == (0, 48) and np.isnan(again.photos_per_second)
    assert np.array_equal(again.blocks["embedding"], run[1].blocks["embedding"])


def test_order_and_repeats_follow_the_request(run, photos, network):
    source, names = photos
    order = [5, 3, 3, 40]
    again = embed(source, [names[i] for i in order], network, run[0])
    assert np.array_equal(again.blocks["multilayer"], run[1].blocks["multilayer"][order])


def test_new_photos_cost_only_themselves(photos, network, networks, tmp_path):
    lend(networks, tmp_path)
    source, names = photos
    embed(source, names[:10], network, tmp_path)
    more = embed(source, names[:14], network, tmp_path)
    assert (more.embedded, more.reused) == (4, 10)


def test_other_size_has_another_store(network, tmp_path):
    bigger = load_backbone("efficientnet-lite0", size=128)
    assert open_store(tmp_path, network).folder != open_store(tmp_path, bigger).folder


def test_flipped_byte_is_found_and_made_again(photos, network, networks, tmp_path):
    lend(networks, tmp_path)
    first = embed(*photos, network, tmp_path)
    part = next(open_store(tmp_path / "embeddings", network).folder.glob("part-*.npz"))
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 0x10
    part.write_bytes(bytes(data))
    with pytest.warns(UserWarning, match="damaged"):
        again = embed(*photos, network, tmp_path)
    assert again.embedded == 48 and np.array_equal(again.blocks["embedding"], first.blocks["embedding"])
    assert part.with_suffix(".damaged").exists()


def test_gather_says_what_is_missing(tmp_path):
    store = EmbeddingStore(tmp_path, "x", {"embedding": 2})
    with pytest.raises(ArtefactError, match="1 are missing"):
        store.gather(["ab" * 32])


RUN = """
import sys
from pathlib import Path
from fashion.embedding import extraction
from fashion.embedding.backbones import load_backbone
from fashion.catalogue.source import open_source
extraction.SHARD = extraction.BATCH = 4
folder, root = Path(sys.argv[1]), Path(sys.argv[2])
source = open_source(folder, "annotation.txt")
names = sorted(f"images/{p.name}" for p in (folder / "images").iterdir())
backbone = load_backbone("efficientnet-lite0", size=96)
extraction.read_photos(source, names, root, backbone, progress=False)
"""


@pytest.mark.slow
def test_kill_9_then_resume_gives_the_same(tmp_path, networks, network, monkeypatch):
    folder = write_small_catalogue(tmp_path / "catalogue", each=10)  # 120 photos, 30 parts
    whole, killed = (lend(networks, tmp_path / root) for root in ("whole", "killed"))
    process = subprocess.Popen([sys.executable, "-c", RUN, str(folder), str(killed)])
    deadline = time.monotonic() + 300
    while len(list((killed / "embeddings").rglob("part-*.npz"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    parts = len(list((killed / "embeddings").rglob("part-*.npz")))
    assert 3 <= parts < 30, "the kill came too late to prove anything"
    for name in ("SHARD", "BATCH"):
        monkeypatch.setattr(extraction, name, 4)
    source = open_source(folder, "annotation.txt")
    names = sorted(f"images/{path.name}" for path in (folder / "images").iterdir())
    undisturbed, resumed = (embed(source, names, network, root) for root in (whole, killed))
    assert (undisturbed.embedded, undisturbed.reused) == (120, 0)
    assert (resumed.embedded, resumed.reused) == (120 - parts * 4, parts * 4)
    assert np.array_equal(resumed.blocks["embedding"], undisturbed.blocks["embedding"])
