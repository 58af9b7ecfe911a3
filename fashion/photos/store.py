"""On-disk cache of per-photo arrays, keyed by code version and photo content."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fashion.core.errors import ArtefactError
from fashion.core.files import read_or_set_aside, write_whole

#: Photos of a shard; a kill loses at most one shard's work.
SHARD = 256

#: What a damaged shard costs.
AGAIN = "its photos are read again"


class PhotoStore:
    """Arrays with a row for each photo, keyed by what made them and by the photo's content.

    One folder for each key; in it shards, each an .npz with `sha256` (n, 32) uint8 and one array of n rows for each
    block. A shard is renamed into place when whole and never changed, so a kill at any moment leaves only whole shards.
    Shapes and dtypes are compared when the store is opened, a shard's checksums when one of its photos is first
    needed; a damaged shard is set aside.

    Parameters
    ----------
    root : Path
        Shared by all catalogues: what two of them hold is computed once.
    key : str
        What made the rows.
    empty : dict of str to ndarray
        Block name -> its array for no photo, (0, ...): gives a row's shape and dtype.
    """

    def __init__(self, root: Path, key: str, empty: Mapping[str, NDArray]) -> None:
        self.folder = root / key
        self.empty = dict(empty)
        self._at: dict[str, tuple[Path, int]] = {}
        self._whole: set[Path] = set()
        self._lock = threading.RLock()
        for shard in sorted(self.folder.glob("part-*.npz")):
            self._register(shard)

    def _register(self, shard: Path) -> None:
        keys = read_or_set_aside(shard, self._keys, AGAIN)
        if keys is not None:
            self._at.update({keys[start : start + 64]: (shard, start // 64) for start in range(0, len(keys), 64)})

    def _keys(self, shard: Path) -> str:
        """The joined digests of a shard's photos; raises where a block has another shape or dtype."""
        with np.load(shard, allow_pickle=False) as arrays:
            keys: str = arrays["sha256"].tobytes().hex()
            for name, empty in self.empty.items():
                with arrays.zip.open(f"{name}.npy") as member:  # what it says of itself; its numbers are read later
                    np.lib.format.read_magic(member)
                    shape, _, dtype = np.lib.format.read_array_header_1_0(member)
                expected = (len(keys) // 64, *empty.shape[1:])
                if shape != expected or dtype != empty.dtype:
                    raise ValueError(f"{name} is {dtype}{shape}, not {empty.dtype}{expected}")
        return keys

    def _check(self, shard: Path) -> None:
        """Read a shard once, which tests its checksums; forget the photos of a damaged one."""

        def read(shard: Path) -> bool:
            with np.load(shard, allow_pickle=False) as arrays:
                for name in self.empty:
                    arrays[name]
            return True

        # No seal beside it: an .npz holds a checksum of each array, and millions of photos make many shards.
        if read_or_set_aside(shard, read, AGAIN):
            self._whole.add(shard)
        else:
            self._at = {key: place for key, place in self._at.items() if place[0] != shard}

    def __contains__(self, sha256: object) -> bool:
        with self._lock:  # also called by threads that read photos
            place = self._at.get(str(sha256))
            if place is not None and place[0] not in self._whole:
                self._check(place[0])
                return sha256 in self
            return place is not None

    def __len__(self) -> int:
        return len(self._at)

    def add(self, sha256: Sequence[str], blocks: Mapping[str, NDArray]) -> Path:
        """Write one shard; its name comes from its photos' digests, so writing it twice gives one file."""
        keys = np.frombuffer(bytes.fromhex("".join(sha256)), np.uint8).reshape(len(sha256), 32)
        name = hashlib.sha256(keys.tobytes()).hexdigest()[:16]
        shard = self.folder / f"part-{name}.npz"
        write_whole(shard, lambda aside: np.savez(aside, sha256=keys, **blocks))  # type: ignore[arg-type]
        with self._lock:
            self._whole.discard(shard)
            self._register(shard)
        return shard

    def gather(self, sha256: Sequence[str], blocks: Sequence[str] | None = None) -> dict[str, NDArray]:
        """The blocks of the photos `sha256`, in that order; all of them, or those named.

        Raises
        ------
        ArtefactError
            When a photo is not in the store, or another process has just set its shard aside.
        """
        absent = [key for key in sha256 if key not in self]
        if absent:
            raise ArtefactError(
                f"expected arrays of {len(sha256)} photos in {self.folder}; found that {len(absent)} are missing, the "
                f"first is {absent[0][:12]}. Run `make report` again: it reads the missing photos."
            )
        names = self.empty if blocks is None else blocks
        gathered = {
            name: np.empty((len(sha256), *self.empty[name].shape[1:]), self.empty[name].dtype) for name in names
        }
        rows_of: dict[Path, list[tuple[int, int]]] = {}
        for target, key in enumerate(sha256):
            shard, row = self._at[key]
            rows_of.setdefault(shard, []).append((target, row))
        for shard, pairs in rows_of.items():
            targets, rows = np.array(pairs).T
            try:
                with np.load(shard, allow_pickle=False) as arrays:
                    for name in gathered:
                        gathered[name][targets] = arrays[name][rows]
            except FileNotFoundError as error:
                raise ArtefactError(
                    f"expected {shard}; found that another run has set it aside as damaged. Run `make report` "
                    "again: it reads the shard's photos once more."
                ) from error
        return gathered
