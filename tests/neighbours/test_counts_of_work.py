"""No regression in work: photos read, decoded and embedded, and bytes written, counted on a small catalogue."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import write_small_catalogue

from fashion.catalogue.source import open_source
from fashion.embedding import extraction
from fashion.embedding.backbones import load_backbone
from fashion.embedding.extraction import BATCH, read_photos
from fashion.embedding.runtimes import choose_runtime
from fashion.neighbours import exact
from fashion.neighbours.exact import normalise, top_k
from fashion.photos import images

PHOTOS = 60


@pytest.fixture(scope="module")
def clothes(tmp_path_factory):
    folder = write_small_catalogue(tmp_path_factory.mktemp("work") / "clothes", each=PHOTOS // 12)
    source = open_source(folder, "annotation.txt")
    names = sorted(f"images/{path.name}" for path in (folder / "images").iterdir())
    return source, names


@pytest.fixture(scope="module")
def network(networks):
    backbone = load_backbone("efficientnet-lite0", size=96)
    return backbone, choose_runtime(backbone, kept=networks)


@pytest.fixture
def count(monkeypatch, network, clothes):
    """Files read, photos decoded, and batches and photos that reach the network."""
    done = {"read": 0, "decoded": 0, "batches": 0, "embedded": 0}
    decode, read, runtime = images.decode_with_alpha, type(clothes[0])._read, network[1]

    def decoded(*given, **more):
        done["decoded"] += 1
        return decode(*given, **more)

    def counted_read(source, name, most):
        done["read"] += 1
        return read(source, name, most)

    def stream(batches):
        def counted():
            for batch in batches:
                done["batches"] += 1
                done["embedded"] += len(batch)
                yield batch

        return runtime.stream(counted())

    monkeypatch.setattr(images, "decode_with_alpha", decoded)
    monkeypatch.setattr(type(clothes[0]), "_read", counted_read)
    monkeypatch.setattr(extraction, "choose_runtime", lambda *_: replace(runtime, stream=stream))
    return done


def written(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_photo_is_read_once_decoded_once_and_seen_once_by_the_network_and_then_never_again(
    clothes, network, count, tmp_path
):
    source, names = clothes

    def both_notebooks(names):
        """What notebooks 01 and 02 ask of photos, each in a process of its own."""
        first = read_photos(source, names, tmp_path, network[0], progress=False)
        second = read_photos(source, first.metadata["photo"], tmp_path, network[0], progress=False)
        assert len(second.vectors.blocks["multilayer"]) == len(second.descriptor("pixels")) == len(names)
        return second

    both_notebooks(names[:50])
    assert count == {"read": 50, "decoded": 50, "batches": int(np.ceil(50 / BATCH)), "embedded": 50}
    before, size = dict(count), written(tmp_path)
    both_notebooks(names[:50])
    assert count == before and written(tmp_path) == size, "a second report reads no photo and writes nothing anew"
    both_notebooks(names)
    assert count["read"] == count["decoded"] == count["embedded"] == PHOTOS == 60, "ten more cost ten"
    dimensions = network[0].dimension + network[0].multilayer_dimensions
    a_photo = dimensions * 4 + 32 * 32 * 7 * 2 + 800 * 4 + 1764 * 2 + 3072
    assert PHOTOS * a_photo < written(tmp_path) < 1.06 * PHOTOS * a_photo + 60_000


def test_a_photo_that_two_items_show_is_embedded_once(clothes, network, count, tmp_path):
    done = read_photos(clothes[0], clothes[1][:3] * 2, tmp_path, network[0], progress=False)
    assert count["embedded"] == count["decoded"] == 3 and len(done.vectors.blocks["embedding"]) == 6


def test_neighbours_look_closely_at_few_candidates(monkeypatch):
    vectors = normalise(np.random.default_rng(0).normal(size=(6_000, 32)))
    looked, plain = [], exact.cosines
    monkeypatch.setattr(exact, "cosines", lambda a, g, q, n: looked.append(len(q)) or plain(a, g, q, n))
    top_k(vectors, 6, queries=np.arange(500), assume_unit=True)
    assert 6 * 500 <= sum(looked) < 7 * 500
