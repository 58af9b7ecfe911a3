"""No regression in work: photos decoded, photos embedded and bytes written, counted on a small catalogue."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from conftest import write_small_catalogue

from fashion import descriptors, embedding, exact, photos
from fashion.backbones import load_backbone
from fashion.descriptors import describe_photos
from fashion.embedding import BATCH, embed
from fashion.facts_store import facts_of, write_facts
from fashion.neighbours import normalise, top_k
from fashion.photos import photo_facts
from fashion.runtimes import choose_runtime
from fashion.source import open_source

PHOTOS = 60


@pytest.fixture(scope="module")
def clothes(tmp_path_factory):
    folder = write_small_catalogue(tmp_path_factory.mktemp("work") / "clothes", each=PHOTOS // 12)
    source = open_source(folder, "annotation.txt")
    names = sorted(f"images/{path.name}" for path in (folder / "images").iterdir())
    return source, names, [hashlib.sha256(source.read(name)).hexdigest() for name in names]


@pytest.fixture(scope="module")
def network():
    backbone = load_backbone("efficientnet-lite0", size=96)
    return backbone, choose_runtime(backbone)


@pytest.fixture
def count(monkeypatch, network):
    """Photos decoded, and batches and photos that reach the network."""
    done = {"decoded": 0, "batches": 0, "embedded": 0}
    decode, runtime = photos.decode, network[1]

    def decoded(*given):
        done["decoded"] += 1
        return decode(*given)

    def stream(batches):
        def counted():
            for batch in batches:
                done["batches"] += 1
                done["embedded"] += len(batch)
                yield batch

        return runtime.stream(counted())

    for module in (photos, embedding, descriptors):
        monkeypatch.setattr(module, "decode", decoded)
    monkeypatch.setattr(embedding, "choose_runtime", lambda *_: replace(runtime, stream=stream))
    return done


def written(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_each_step_decodes_a_photo_once_and_the_network_sees_it_once(clothes, network, count, tmp_path):
    source, names, sums = clothes
    facts = photo_facts(source, names, progress=False)
    assert count == {"decoded": PHOTOS, "batches": 0, "embedded": 0}
    done = embed(source, names, sums, network[0], tmp_path, progress=False)
    batches = int(np.ceil(PHOTOS / BATCH))
    assert count == {"decoded": 2 * PHOTOS, "batches": batches, "embedded": PHOTOS}
    vectors = PHOTOS * (network[0].dimension + network[0].depths_width) * 4
    assert vectors < written(tmp_path) < 1.02 * vectors + 10_000 and len(done.blocks) == 2
    describe_photos(source, names, progress=False)
    assert count["decoded"] == 3 * PHOTOS
    write_facts(tmp_path, source, facts)
    facts_of(source, names, tmp_path, progress=False)
    assert count["decoded"] == 3 * PHOTOS, "kept facts are not measured again"


def test_what_is_embedded_is_neither_decoded_nor_written_again(clothes, network, count, tmp_path):
    source, names, sums = clothes
    embed(source, names[:50], sums[:50], network[0], tmp_path, progress=False)
    before, size = dict(count), written(tmp_path)
    embed(source, names[:50], sums[:50], network[0], tmp_path, progress=False)
    assert count == before and written(tmp_path) == size
    embed(source, names, sums, network[0], tmp_path, progress=False)
    assert count["embedded"] - before["embedded"] == count["decoded"] - before["decoded"] == PHOTOS - 50


def test_a_photo_that_two_items_show_is_embedded_once(clothes, network, count, tmp_path):
    source, names, sums = clothes
    done = embed(source, names[:3] * 2, sums[:3] * 2, network[0], tmp_path, progress=False)
    assert count["embedded"] == count["decoded"] == 3 and len(done.blocks["embedding"]) == 6


def test_neighbours_look_closely_at_few_candidates(monkeypatch):
    vectors = normalise(np.random.default_rng(0).normal(size=(6_000, 32)))
    looked, plain = [], exact.cosines
    monkeypatch.setattr(exact, "cosines", lambda a, g, q, n: looked.append(len(q)) or plain(a, g, q, n))
    top_k(vectors, 6, queries=np.arange(500), assume_unit=True)
    assert 6 * 500 <= sum(looked) < 7 * 500
