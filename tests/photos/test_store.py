"""Parts of any kind of array come back as they were; what is damaged or of another shape is set aside, not used."""

import errno
import warnings

import numpy as np
import pytest

from fashion.core.errors import ArtefactError
from fashion.photos import store as photo_store
from fashion.photos.store import PhotoStore

NONE = {"grid": np.empty((0, 2, 3), np.float16), "pixels": np.empty((0, 4), np.uint8)}
KEYS = [f"{number:064x}" for number in range(7)]


def arrays(n, seed=0):
    random = np.random.default_rng(seed)
    return {"grid": random.random((n, 2, 3)).astype(np.float16), "pixels": random.integers(0, 256, (n, 4), np.uint8)}


def test_rows_come_back_in_the_order_asked_for_and_blocks_by_name(tmp_path):
    store, rows = PhotoStore(tmp_path, "k", NONE), arrays(7)
    store.add(KEYS[:4], {name: block[:4] for name, block in rows.items()})
    store.add(KEYS[4:], {name: block[4:] for name, block in rows.items()})
    found = PhotoStore(tmp_path, "k", NONE).gather([KEYS[i] for i in (6, 0, 0, 3)])
    assert all(np.array_equal(found[name], rows[name][[6, 0, 0, 3]]) for name in NONE)
    assert all(found[name].dtype == NONE[name].dtype for name in NONE)
    assert list(store.gather(KEYS, ["pixels"])) == ["pixels"] and store.gather([])["grid"].shape == (0, 2, 3)
    assert len(store) == 7 and KEYS[5] in store and "f" * 64 not in store
    with pytest.raises(ArtefactError, match="1 are missing"):
        store.gather(["f" * 64])


@pytest.mark.parametrize("change", [{"pixels": np.zeros((2, 5), np.uint8)}, {"grid": np.zeros((2, 2, 3))}])
def test_another_shape_or_kind_is_set_aside_at_once(tmp_path, change):
    PhotoStore(tmp_path, "k", NONE).add(KEYS[:2], arrays(2))
    store = PhotoStore(tmp_path, "k", NONE)
    with pytest.warns(UserWarning, match="damaged"):
        store.add(KEYS[2:4], arrays(2) | change)
    assert len(PhotoStore(tmp_path, "k", NONE)) == 2


def test_a_flipped_byte_is_found_before_its_numbers_are_used(tmp_path):
    part = PhotoStore(tmp_path, "k", NONE).add(KEYS[:4], arrays(4))
    data = bytearray(part.read_bytes())
    data[data.index(arrays(4)["pixels"].tobytes()) + 1] ^= 1
    part.write_bytes(data)
    with pytest.warns(UserWarning, match="damaged"):  # so small a part is read to its end when the store is opened
        store = PhotoStore(tmp_path, "k", NONE)
        store.add(KEYS[4:], arrays(3))
        assert KEYS[0] not in store
    assert len(store) == 3 and KEYS[6] in store and part.with_suffix(".damaged").exists()


def test_a_flipped_bit_anywhere_is_set_aside_or_harmless(tmp_path):
    """Those of the archive's own tables too: version, flags, method, places."""
    part = PhotoStore(tmp_path, "k", NONE).add(KEYS[:4], arrays(4))
    whole, rows, lost = part.read_bytes(), arrays(4), 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for at in range(len(whole)):
            part.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :])
            store = PhotoStore(tmp_path, "k", NONE)
            if all(key in store for key in KEYS[:4]):
                found = store.gather(KEYS[:4])
                assert all(np.array_equal(found[name], rows[name]) for name in rows), at
            else:
                lost += 1
    assert lost > len(whole) / 2


def test_two_runs_may_find_the_same_damage(tmp_path):
    part = PhotoStore(tmp_path, "k", NONE).add(KEYS[:4], arrays(4))
    one, other = PhotoStore(tmp_path, "k", NONE), PhotoStore(tmp_path, "k", NONE)
    data = bytearray(part.read_bytes())
    data[data.index(arrays(4)["pixels"].tobytes()) + 1] ^= 1
    part.write_bytes(data)
    for store in (one, other):
        with pytest.warns(UserWarning, match="Set aside"):
            assert KEYS[0] not in store


def test_what_the_system_refuses_is_no_damage(tmp_path, monkeypatch):
    part = PhotoStore(tmp_path, "k", NONE).add(KEYS[:4], arrays(4))
    store = PhotoStore(tmp_path, "k", NONE)

    def refused(*_, **__):
        raise OSError(errno.EMFILE, "Too many open files", str(part))

    monkeypatch.setattr(photo_store.np, "load", refused)
    with pytest.raises(OSError, match="Too many open files"):
        assert KEYS[0] in store
    monkeypatch.undo()
    assert part.is_file() and KEYS[0] in store
