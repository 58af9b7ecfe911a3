"""Shards are named by what determines them, written whole, checked when gathered, and harmless when done twice."""

import hashlib
from dataclasses import replace

import fsspec
import numpy as np
import pandas as pd
import pytest
from conftest import write_small_catalogue
from plain import descriptors_of, photo_metadata, vectors_of

from fashion.core.errors import ArtefactError
from fashion.embedding import distributed
from fashion.embedding.distributed import Job, cut, do, finished, gather, get, made_by, open_home, put, tools
from fashion.embedding.extraction import open_descriptors


@pytest.fixture(scope="module")
def job(tmp_path_factory, networks):
    folder = write_small_catalogue(tmp_path_factory.mktemp("parts") / "clothes", each=2)
    (folder / "images/broken.jpg").write_bytes(b"no photo")
    return Job("imagelab", str(folder), "", "efficientnet-lite0", size=96, kept=str(networks))


@pytest.fixture(scope="module")
def opened(job):
    """Source, backbone and runtime of the job, opened once: the network is compiled for it."""
    tools.cache_clear()
    return tools(replace(job, shared="same"))


@pytest.fixture(params=["folder", "memory"])
def here(job, opened, request, tmp_path, monkeypatch):
    """The job with shared storage of its own: a folder, and a store of objects."""
    address = str(tmp_path / "shared") if request.param == "folder" else f"memory://{tmp_path.name}"
    monkeypatch.setattr(distributed, "tools", lambda _: opened)
    return replace(job, shared=address)


def names(job):
    return [f"images/{p}" for p in sorted(open_names(job))]


def open_names(job):
    from pathlib import Path

    return [path.name for path in (Path(job.data) / "images").iterdir()]


def test_shards_cover_all_photos_once_and_their_names_follow_their_content():
    photos = [str(n) for n in range(10)]
    found = cut(photos, ["network"], 4)
    assert [len(shard.photos) for shard in found] == [4, 4, 2] and sum((p.photos for p in found), ()) == tuple(photos)
    assert cut(photos, ["network"], 4) == found and len({shard.name for shard in found}) == 3
    assert not {p.name for p in cut(photos, ["other"], 4)} & {p.name for p in found}
    assert cut([], ["network"], 4) == []


def test_what_comes_home_is_what_one_machine_makes(here, tmp_path):
    photos = names(here)
    work = cut(photos, made_by(here, "data"), 10)
    counts = [do(here, shard) for shard in work]
    assert sum(count["read"] for count in counts) == 25 and sum(count["embedded"] for count in counts) == 24
    store = open_home(here, tmp_path / "home")
    metadata = pd.concat([gather(here, shard, store) for shard in work], ignore_index=True)
    source, backbone, runtime = distributed.tools(here)
    missing = {"phash": "", "thumbnail": b"", "tile": b""}  # None in one table is NaN in the other
    pd.testing.assert_frame_equal(metadata.fillna(missing), photo_metadata(source, photos).fillna(missing))
    good = metadata[metadata["problem"] == ""]
    alone = vectors_of(source, good["photo"], backbone, runtime)
    home = store.gather(good["sha256"].tolist())
    assert all(np.array_equal(home[name], alone[name]) for name in alone)
    described = open_descriptors(tmp_path / "home")
    for shard in work:
        gather(here, shard, store, described)
    grid = descriptors_of(source, good["photo"].tolist())["colour_grid"]
    assert np.array_equal(described.gather(good["sha256"].tolist())["colour_grid"], grid)


def test_doing_a_part_twice_gives_the_same_bytes_and_no_work(here):
    shard = cut(names(here)[:5], made_by(here, "data"))[0]
    assert do(here, shard)["read"] == 5 and do(here, shard) == {"read": 0, "embedded": 0}
    before = {kind: get(here.shared, f"{shard.name}.{kind}") for kind in ("parquet", "npz", "json")}
    put(here.shared, f"{shard.name}.json", b"")  # as if another machine had not seen it finished
    assert not finished(here, shard) and do(here, shard)["read"] == 5
    assert before == {kind: get(here.shared, f"{shard.name}.{kind}") for kind in before}


@pytest.mark.parametrize("kind", ["npz", "parquet"])
def test_a_damaged_part_is_found_and_done_again(here, kind, tmp_path):
    shard = cut(names(here)[:3], made_by(here, kind))[0]
    do(here, shard)
    data = get(here.shared, f"{shard.name}.{kind}")
    put(here.shared, f"{shard.name}.{kind}", data[:-1] + bytes([data[-1] ^ 1]))
    store = open_home(here, tmp_path / "home")
    with pytest.raises(ArtefactError, match="found it missing or damaged"):
        gather(here, shard, store)
    assert len(store) == 0 and do(here, shard)["read"] == 3
    assert len(gather(here, shard, store)) == 3


def test_a_killed_write_leaves_nothing_that_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(
        distributed.Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    with pytest.raises(ArtefactError, match=r"found that it fails.*No space left"):
        put(str(tmp_path / "shared"), "a.json", b"{}")
    assert list((tmp_path / "shared").iterdir()) == [] and get(str(tmp_path / "shared"), "a.json") is None


def test_photos_of_equal_bytes_are_embedded_once(here, tmp_path):
    from pathlib import Path

    photos = names(here)[1:3]
    (Path(here.data) / "copy.jpg").write_bytes((Path(here.data) / photos[0]).read_bytes())
    shard = cut([*photos, "copy.jpg"], made_by(here, "copy"))[0]
    assert do(here, shard) == {"read": 3, "embedded": 2}
    digest = hashlib.sha256((Path(here.data) / "copy.jpg").read_bytes()).hexdigest()
    store = open_home(here, tmp_path / "home")
    gather(here, shard, store)
    assert digest in store and len(store) == 2
    fsspec.filesystem("memory").store.clear()
