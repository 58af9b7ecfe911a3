"""Photos by address: downloaded once, kept by content, and read from disk from then on.

In `data/raw/<catalogue>/photos` each file is named by the SHA-256 of its bytes; `index.jsonl` says which content an
address gave, and `dead.jsonl` which addresses gave none, and why. Both grow by a line at a time, so that a run that is
stopped or killed loses only the photos that were under way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from fashion.core.checksums import sha256_bytes, sha256_json
from fashion.core.errors import CatalogueError, PhotoError
from fashion.core.files import write_whole
from fashion.core.paths import project_root
from fashion.core.progress import note, progress_bar

if TYPE_CHECKING:
    from fashion.catalogue.fetching import Answer

_ADDRESS = re.compile(r"https?://", re.IGNORECASE)


def is_address(name: str) -> bool:
    """Whether a photo's name is a web address."""
    return _ADDRESS.match(name) is not None


def downloads_folder(catalogue: str) -> Path:
    """The folder of a catalogue's downloaded photos, by the catalogue's name."""
    return (project_root() / "data/raw" / catalogue / "photos").resolve()


@dataclass(frozen=True)
class DownloadRules:
    """Rules for downloading photos: [downloads] of a catalogue's TOML.

    Attributes
    ----------
    private_network : bool
        Allow addresses on this machine and on private networks.
    pause : float
        Seconds between two requests to one host.
    at_once : int
        Requests at a time.
    photo_megabytes, gigabytes : float
        Size of a photo at most, and of all photos of the catalogue.
    """

    private_network: bool = False
    pause: float = 0.05
    at_once: int = 8
    photo_megabytes: float = 20
    gigabytes: float = 20


class Downloads:
    """The downloaded photos of one catalogue.

    Parameters
    ----------
    folder : Path
        From `downloads_folder`; made by the first download.
    rules : DownloadRules, optional
    """

    def __init__(self, folder: Path, rules: DownloadRules | None = None) -> None:
        self.folder, self.rules = folder, rules or DownloadRules()

    @cached_property
    def _kept(self) -> dict[str, tuple[str, int]]:
        """Address -> SHA-256 and bytes of its photo."""
        lines = _lines(self.folder / "index.jsonl")
        return {line["address"]: (line["sha256"], line["bytes"]) for line in lines if {"sha256", "bytes"} <= {*line}}

    @cached_property
    def _dead(self) -> dict[str, dict[str, Any]]:
        """Address -> `problem`, and whether it is `lasting`."""
        dead = {line.pop("address"): line for line in _lines(self.folder / "dead.jsonl")}
        return {address: line for address, line in dead.items() if address not in self._kept}

    def _path(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256

    def _is_whole(self, sha256: str, size: int) -> bool:
        try:
            return self._path(sha256).stat().st_size == size
        except OSError:
            return False

    # -- reading --------------------------------------------------------------------------------------------
    def signature(self, address: str) -> str:
        """The SHA-256 of an address's photo; empty where it is not on the disk."""
        sha256, size = self._kept.get(address, ("", 0))
        return sha256 if sha256 and self._is_whole(sha256, size) else ""

    def size(self, address: str) -> int:
        """Bytes of an address's photo; 0 where there is none."""
        return self._kept.get(address, ("", 0))[1]

    def file(self, address: str) -> Path | None:
        """The file of an address's photo; None where there is none."""
        return self._path(self._kept[address][0]) if self.signature(address) else None

    def problem(self, address: str) -> str:
        """The reason why an address gave no photo; empty where it gave one, or has not been asked yet."""
        return "" if address in self._kept else str(self._dead.get(address, {}).get("problem", ""))

    def read(self, address: str) -> bytes:
        """The photo of an address, from the disk.

        Raises
        ------
        PhotoError
            When it was not or could not be downloaded, or its file is no longer what was downloaded.
        """
        if address not in self._kept:
            if problem := self.problem(address):
                advice = "Correct the address, or ask again with `fashion data --download`."
                short = problem
            else:
                problem, advice = "it was not downloaded yet", "Run `make report`, which downloads it."
                short = f"{problem}; `make report` does that"
            raise PhotoError(
                f"expected the photo of {address} on this machine; found none: {problem}. {advice}",
                PhotoError.DEAD,
                f"{address}: {short}",
            )
        path = self._path(self._kept[address][0])
        try:
            data = path.read_bytes()
        except OSError as error:
            raise PhotoError(
                f"expected the photo of {address} in {path}; found that it cannot be read: {error}. Run `make report`, "
                "which downloads it again.",
                PhotoError.UNREADABLE,
                f"the file of {address}: {error}. `make report` downloads it again.",
            ) from error
        if sha256_bytes(data) != path.name:
            path.unlink(missing_ok=True)
            raise PhotoError(
                f"expected the photo of {address} as it was downloaded; found {path} damaged, and removed it. Run "
                "`make report`, which downloads it again.",
                PhotoError.UNREADABLE,
                f"{path}, downloaded from {address}, was damaged and is removed. `make report` downloads it again.",
            )
        return data

    def state(self) -> str:
        """A checksum of what is known of all addresses, by content; empty where nothing was ever downloaded."""
        whole = sorted((address, kept[0]) for address, kept in self._kept.items() if self._is_whole(*kept))
        return sha256_json([whole, sorted(self._dead)]) if whole or self._dead else ""

    # -- downloading ----------------------------------------------------------------------------------------
    def fetch(self, addresses: Iterable[str], *, again: bool = False, progress: bool = True) -> None:
        """Download the photos that are not on the disk; those that failed for good are not asked again.

        Parameters
        ----------
        addresses : iterable of str
        again : bool
            Ask also those that failed for good.
        progress : bool
            Show a progress bar.

        Raises
        ------
        CatalogueError
            When all photos together exceed their bound; what was downloaded stays.
        """
        wanted = list(dict.fromkeys(addresses))
        if not self._lacking(wanted, again):
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            note(f"another run is downloading to {self.folder}; waiting for it to finish")
            lock.acquire()
        try:
            for known in ("_kept", "_dead"):  # by another run meanwhile
                self.__dict__.pop(known, None)
            if todo := self._lacking(wanted, again):
                self._fetch(wanted, todo, progress)
        finally:
            lock.release()

    def _lacking(self, addresses: Iterable[str], again: bool) -> list[str]:
        """The addresses that are still to be downloaded."""
        return [
            address
            for address in addresses
            if not self.signature(address) and (again or not self._dead.get(address, {}).get("lasting"))
        ]

    def _fetch(self, wanted: list[str], todo: list[str], progress: bool) -> None:
        from fashion.catalogue.fetching import fetch  # which loads the network's libraries

        sizes = dict(self._kept.values())  # by content: one photo may have several addresses
        total, done = sum(sizes.values()), len(wanted) - len(todo)
        most = int(self.rules.gigabytes * 1e9)
        with (
            (self.folder / "index.jsonl").open("a", encoding="utf-8", newline="\n") as index,
            (self.folder / "dead.jsonl").open("a", encoding="utf-8", newline="\n") as dead,
            progress_bar(len(wanted), "photos downloaded", show=progress, done=done) as bar,
        ):
            for stream in (index, dead):
                stream.write("\n")  # ends a line that a kill cut short

            def settle(address: str, answer: Answer) -> None:
                nonlocal total, done
                if answer.problem:
                    line: dict[str, Any] = {"problem": answer.problem, "lasting": answer.lasting}
                    self._dead[address] = line
                    _write_line(dead, {"address": address} | line)
                else:
                    sha256 = sha256_bytes(answer.data)
                    total += 0 if sha256 in sizes else len(answer.data)
                    sizes[sha256] = len(answer.data)
                    if total > most:
                        raise CatalogueError(
                            f"expected photos of at most {self.rules.gigabytes:g} GB in all; found more, after "
                            f"{done:,} of {len(wanted):,} addresses. Raise `gigabytes` under [downloads] in the "
                            "catalogue's TOML, or take fewer items (LIMIT=n); what was downloaded is kept."
                        )
                    self._keep(address, sha256, answer.data)
                    _write_line(index, {"address": address, "sha256": sha256, "bytes": len(answer.data)})
                    self._dead.pop(address, None)
                done += 1
                bar.update()

            fetch(todo, self.rules, settle)
        self._tidy()

    def _keep(self, address: str, sha256: str, data: bytes) -> None:
        if not self._is_whole(sha256, len(data)):
            write_whole(self._path(sha256), lambda aside: aside.write_bytes(data))
        self._kept[address] = sha256, len(data)

    def _tidy(self) -> None:
        """Write both lists with a line for each address."""
        kept = [{"address": a, "sha256": sha256, "bytes": size} for a, (sha256, size) in sorted(self._kept.items())]
        dead = [{"address": address} | line for address, line in sorted(self._dead.items())]
        for name, lines in (("index", kept), ("dead", dead)):
            text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
            write_whole(self.folder / f"{name}.jsonl", partial(Path.write_bytes, data=text))


def _write_line(stream: Any, line: dict[str, Any]) -> None:
    stream.write(json.dumps(line, ensure_ascii=False) + "\n")
    stream.flush()


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a list; those that a kill cut short are left out."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for line in text.split("\n"):
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict) and isinstance(value.get("address"), str):
            yield value
