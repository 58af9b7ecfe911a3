"""What was computed of photos, kept on disk by what made it and by the photo's content."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fashion.core.errors import ArtefactError
from fashion.core.files import read_or_set_aside, write_whole

#: Photos a finished part holds; a kill loses at most one part's work.
PART = 256

#: What a damaged part comes to.
AGAIN = "its photos are read again"


class PhotoStore:
    """Arrays with a row for each photo, keyed by what made them and by the photo's content.

    One folder for each key; in it finished parts, each an .npz with `sha256` (n, 32) uint8 and one array of n rows for
    each block. A part is renamed into place when whole and never changed, so a kill at any moment leaves only whole
    parts. Shapes and kinds are compared when the store is opened, a part's checksums when one of its photos is first
    asked for; a damaged part is set aside.

    Parameters
    ----------
    root : Path
        Shared by all catalogues: what two of them hold is computed once.
    key : str
        What made the rows.
    empty : dict of str to ndarray
        Block name -> its array for no photo, (0, ...): says a row's shape and kind of number.
    """

    def __init__(self, root: Path, key: str, empty: Mapping[str, NDArray]) -> None:
        self.folder = root / key
        self.empty = dict(empty)
        self._at: dict[str, tuple[Path, int]] = {}
        self._whole: set[Path] = set()
        self._lock = threading.RLock()
        for part in sorted(self.folder.glob("part-*.npz")):
            self._register(part)

    def _register(self, part: Path) -> None:
        keys = read_or_set_aside(part, self._keys, AGAIN)
        if keys is not None:
            self._at.update({keys[start : start + 64]: (part, start // 64) for start in range(0, len(keys), 64)})

    def _keys(self, part: Path) -> str:
        """The digests of a part's photos, one after the other, once its blocks' shapes and kinds are compared."""
        with np.load(part, allow_pickle=False) as arrays:
            keys: str = arrays["sha256"].tobytes().hex()
            for name, empty in self.empty.items():
                with arrays.zip.open(f"{name}.npy") as member:  # what it says of itself; its numbers are read later
                    np.lib.format.read_magic(member)
                    shape, _, dtype = np.lib.format.read_array_header_1_0(member)
                expected = (len(keys) // 64, *empty.shape[1:])
                if shape != expected or dtype != empty.dtype:
                    raise ValueError(f"{name} is {dtype}{shape}, not {empty.dtype}{expected}")
        return keys

    def _check(self, part: Path) -> None:
        """Read a part once, which tests its checksums; forget its photos where they do not fit."""

        def read(part: Path) -> bool:
            with np.load(part, allow_pickle=False) as arrays:
                for name in self.empty:
                    arrays[name]
            return True

        # No seal beside it: an .npz holds a checksum of each array, and millions of photos make many parts.
        if read_or_set_aside(part, read, AGAIN):
            self._whole.add(part)
        else:
            self._at = {key: place for key, place in self._at.items() if place[0] != part}

    def __contains__(self, sha256: object) -> bool:
        with self._lock:  # threads that read photos ask as well
            place = self._at.get(str(sha256))
            if place is not None and place[0] not in self._whole:
                self._check(place[0])
                return sha256 in self
            return place is not None

    def __len__(self) -> int:
        return len(self._at)

    def add(self, sha256: Sequence[str], blocks: Mapping[str, NDArray]) -> Path:
        """Write one part; its name comes from its content's keys, so doing it twice gives one file."""
        keys = np.frombuffer(bytes.fromhex("".join(sha256)), np.uint8).reshape(len(sha256), 32)
        name = hashlib.sha256(keys.tobytes()).hexdigest()[:16]
        part = self.folder / f"part-{name}.npz"
        write_whole(part, lambda aside: np.savez(aside, sha256=keys, **blocks))  # type: ignore[arg-type]
        with self._lock:
            self._whole.discard(part)
            self._register(part)
        return part

    def gather(self, sha256: Sequence[str], blocks: Sequence[str] | None = None) -> dict[str, NDArray]:
        """The blocks of the photos `sha256`, in that order; all of them, or those named.

        Raises
        ------
        ArtefactError
            When a photo is not in the store, or another process has just set its part aside.
        """
        absent = [key for key in sha256 if key not in self]
        if absent:
            raise ArtefactError(
                f"expected what is known of {len(sha256)} photos in {self.folder}; {len(absent)} are missing, the "
                f"first is {absent[0][:12]}. Run `make report` again: it looks at the missing photos."
            )
        names = self.empty if blocks is None else blocks
        found = {name: np.empty((len(sha256), *self.empty[name].shape[1:]), self.empty[name].dtype) for name in names}
        rows_of: dict[Path, list[tuple[int, int]]] = {}
        for target, key in enumerate(sha256):
            part, row = self._at[key]
            rows_of.setdefault(part, []).append((target, row))
        for part, pairs in rows_of.items():
            targets, rows = np.array(pairs).T
            try:
                with np.load(part, allow_pickle=False) as arrays:
                    for name in found:
                        found[name][targets] = arrays[name][rows]
            except FileNotFoundError as error:
                raise ArtefactError(
                    f"expected {part}; another run has set it aside as damaged. Run `make report` again: it looks at "
                    "its photos anew."
                ) from error
        return found
