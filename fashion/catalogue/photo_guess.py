"""The pattern by which a column's cells name photos, found from the files that are there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from fashion.catalogue.photo_pattern import listed, name_and_spec
from fashion.catalogue.source import is_photo
from fashion.core.texts import fold_text

#: Cells that are looked at, at most.
TRIED = 500

#: Letters of a value that name a folder, at most: `images/010/0108775015.jpg`.
LONGEST_FOLDER = 4


class Pattern(NamedTuple):
    """A pattern of `photos`, the share of the rows whose photo it finds, and one such photo."""

    pattern: str
    share: float
    example: str


class PhotoNames:
    """The photos of a source by their folded names, with and without ending."""

    def __init__(self, files: Sequence[str]) -> None:
        self.by_folded: dict[str, list[str]] = {}
        for name in files:
            if is_photo(name):
                last = fold_text(name.rsplit("/", 1)[-1])
                stem = last.rsplit(".", 1)[0]
                for folded in (last, stem, stem.lstrip("0") or "0"):
                    named = self.by_folded.setdefault(folded, [])
                    if not named or named[-1] != name:
                        named.append(name)


def is_speakable(column: str) -> bool:
    """Whether a pattern can name a column: a name with certain characters would be read as a format."""
    if re.search(r"[{}!]", column):
        return False
    name, _, spec = column.partition(":")
    return ":" not in column or name_and_spec(name, spec) == (column, "")


def guess_pattern(column: str, rows: pd.DataFrame, photos: PhotoNames) -> Pattern | None:
    """The pattern by which most cells of a column name a photo; None where hardly any does.

    Folders before the cell may be fixed, the cell's first letters, or another column's cell; a cell may lack its
    ending, zeros before it, or both. Where a cell lists several photos, the first counts.

    Examples
    --------
    >>> rows = pd.DataFrame({"id": ["108775015", "110065001"], "kind": ["vest", "bra"]})
    >>> guess_pattern("id", rows, PhotoNames(["h/010/0108775015.jpg", "h/011/0110065001.jpg"])).pattern
    'h/0{id:.2}/{id:0>10}.jpg'
    >>> guess_pattern("id", rows, PhotoNames(["a/vest/108775015.png", "a/bra/110065001.png"])).pattern
    'a/{kind}/{id}.png'
    """
    if not photos.by_folded or not is_speakable(column):
        return None
    tried = rows[rows[column] != ""]
    tried = tried.iloc[:: max(1, -(-len(tried) // TRIED))]
    votes: Counter[str] = Counter()
    examples: dict[str, str] = {}
    bare: Counter[str] = Counter()
    for cells in tried.to_numpy().tolist():
        row = dict(zip(map(str, tried), cells, strict=True))
        for pattern, name in _hits(column, row, photos):
            votes[pattern] += 1
            bare[_without_ending(pattern)] += 1
            examples.setdefault(pattern, name)
            examples.setdefault(_without_ending(pattern), name)
    if not votes:
        return None
    best, hits = max(votes.items(), key=lambda vote: (vote[1], -len(vote[0])))
    loose, all_hits = max(bare.items(), key=lambda vote: (vote[1], -len(vote[0])))
    if all_hits > hits:  # several endings, which a name without one finds
        best, hits = loose, all_hits
    share = min(hits / len(tried), 1.0) * float((rows[column] != "").mean())
    return Pattern(best, share, examples[best]) if hits >= 0.02 * len(tried) else None


def _hits(column: str, row: dict[str, str], photos: PhotoNames) -> list[tuple[str, str]]:
    """Patterns by which a row's cell, or the first photo that it lists, names a photo; each with that photo."""
    for value in dict.fromkeys([row[column], *listed(row[column])[:1]]):
        told = row | {column: value}
        hits = [(pattern, name) for name in _files_of(value, photos)[:3] for pattern in _patterns(column, told, name)]
        if hits:
            return hits
    return []


def _without_ending(pattern: str) -> str:
    return re.sub(r"(?<=\})\.\w{3,4}$", "", pattern)


def _inside(value: str) -> str:
    return re.sub(r"^(\./|/)+", "", value.replace("\\", "/"))


def _files_of(value: str, photos: PhotoNames) -> list[str]:
    """The photos that a cell may name."""
    last = fold_text(_inside(value).rsplit("/", 1)[-1])
    return photos.by_folded.get(last) or photos.by_folded.get(last.lstrip("0") or "0", [])


def _patterns(column: str, row: dict[str, str], name: str) -> list[str]:
    """Patterns by which a row's cell names this very photo."""
    value = _inside(row[column])
    folded, whole = fold_text(value), fold_text(name)
    lead = "/" if row[column].startswith(("/", "\\")) else ""
    stem, steps = whole.rpartition(".")[0], name.split("/")
    # Folders are counted, not characters: the two names may encode an accent in different lengths.
    before = "".join(f"{step}/" for step in steps[: -1 - folded.count("/")])
    ending, field = name[name.rfind(".") :] if "." in steps[-1] else "", f"{{{column}}}"
    if whole.endswith(folded) and (len(folded) == len(whole) or whole[-len(folded) - 1] == "/"):
        end = ""
    elif stem.endswith(folded) and (len(folded) == len(stem) or stem[-len(folded) - 1] == "/"):
        end = ending
    elif (
        (last := stem.rsplit("/", 1)[-1]).lstrip("0") == folded.lstrip("0")
        and "/" not in folded
        and len(last) > len(folded)
    ):
        field, end = f"{{{column}:0>{len(last)}}}", ending
    else:
        return []
    if lead and before:
        before = before.removesuffix("/")  # the cell begins with it
    return [f"{folders}{field}{end}" for folders in _folders(before, column, row)]


def _folders(before: str, column: str, row: dict[str, str]) -> list[str]:
    """The folders before a name as texts of a pattern: as they are, and with what varies by row."""
    plain = before.replace("{", "{{").replace("}", "}}")
    parts, varied = before.split("/"), []
    value = row[column]
    for part in parts:
        folded = fold_text(part)
        piece = part.replace("{", "{{").replace("}", "}}")
        if 1 <= len(part) <= LONGEST_FOLDER and value.startswith(part):
            piece = f"{{{column}:.{len(part)}}}"
        elif (
            2 <= len(part) <= LONGEST_FOLDER
            and part[0] == "0"
            and value.startswith(part.lstrip("0"))
            and part.strip("0")
        ):
            kept = part.lstrip("0")
            piece = f"{'0' * (len(part) - len(kept))}{{{column}:.{len(kept)}}}"
        elif part:
            same = [other for other, cell in row.items() if other != column and cell and fold_text(cell) == folded]
            if same and is_speakable(same[0]):
                piece = f"{{{same[0]}}}"
        varied.append(piece)
    changed = "/".join(varied)
    return [plain] if changed == plain else [plain, changed]
