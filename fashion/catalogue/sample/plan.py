"""Plan of the sample catalogue: its words, its dyes and its known defects, all drawn from one seed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from fashion.catalogue.sample import dyeing
from fashion.core.errors import CatalogueError

QUALITY = 90  # of the JPEGs

#: ImageLab's word for a colour -> the sRGB of its dye.
SAMPLE_COLOURS: dict[str, tuple[int, int, int]] = {
    "NERO": (30, 29, 31),
    "GRIGIO": (128, 129, 132),
    "BIANCO": (248, 248, 246),
    "BEIGE": (220, 202, 174),
    "SABBIA": (198, 172, 130),
    "MARRONE": (98, 64, 40),
    "ROSSO": (186, 28, 38),
    "BORDEAUX": (116, 24, 44),
    "VERDE": (44, 122, 66),
    "AZZURRO": (112, 170, 220),
    "BLU": (24, 70, 134),
    "BLU SCURO": (26, 38, 70),
}


@dataclass(frozen=True)
class Garment:
    """One class of Fashion-MNIST in words that are true of all its members; `likely` multiplies some colours' odds.

    A "Shirt" has sleeves of any length or none, a "Bag" is of any size and cloth: narrower words would be untrue.
    """

    micro: str
    macro: str
    english: str
    likely: dict[str, float]
    largest_hole: float = 1.0  # see dyeing.fill_holes


OPEN = 0.03  # straps and handles: one sees through between them

#: In the order of Fashion-MNIST's labels 0-9. Words that data/glossary lacks are in data/sample/categories.csv.
GARMENTS = (
    Garment("TOP", "TOPWEAR", "top wear", {"BIANCO": 1.6, "MARRONE": 0.6}),
    Garment("PANTALONI", "PANTALONI", "pants", {"BLU": 1.6, "BLU SCURO": 2.0, "ROSSO": 0.5}),
    Garment("MAGLIONE", "MAGLIERIA", "knitwear", {"GRIGIO": 1.6, "BEIGE": 1.4}),
    Garment("VESTITO", "VESTITI", "dresses", {"ROSSO": 1.6, "NERO": 1.5, "MARRONE": 0.5}),
    Garment("CAPPOTTO", "CAPISPALLA", "coats", {"NERO": 1.8, "SABBIA": 1.4, "BIANCO": 0.4, "AZZURRO": 0.5}),
    Garment("SANDALI", "CALZATURE", "footwear", {"SABBIA": 1.6, "MARRONE": 1.6}, OPEN),
    Garment("CAMICIA", "CAMICIE", "shirts", {"BIANCO": 2.0, "AZZURRO": 2.0, "MARRONE": 0.5}),
    Garment("SNEAKERS", "CALZATURE", "footwear", {"BIANCO": 1.8, "BORDEAUX": 0.6}),
    Garment("BORSA", "BORSE", "bags", {"NERO": 1.8, "MARRONE": 1.8, "AZZURRO": 0.6}, OPEN),
    Garment("STIVALETTI", "CALZATURE", "footwear", {"NERO": 2.2, "MARRONE": 2.0, "BIANCO": 0.3, "AZZURRO": 0.3}),
)

GIFTS = ("Gadget", "IDEE REGALO")

GIFT_DEPARTMENT = ("IDEE REGALO & OGGETTISTICA", "gift ideas")

NO_PHOTO = b"<html><head><title>404 Not Found</title></head><body>No such photo.</body></html>\n"


@dataclass(frozen=True)
class SampleCounts:
    """The counts of a sample of `garments` photos and of its defects; no garment has two defects."""

    garments: int  # source photos used
    null_colours: int  # rows without a colour
    null_categories: int  # rows without a category
    duplicate_rows: int  # rows that stand a second time, whole
    repeated_photos: int  # photos that stand a second time, byte for byte, under another name and row
    missing_photos: int  # rows whose photo is not there
    truncated_photos: int  # the first half of a JPEG
    text_photos: int  # a web server's error page under a photo's name
    gifts: int  # rows of a department that is no garment, with a photo
    trailing_spaces: int  # rows with a space after the colour or the category

    @property
    def rows(self) -> int:
        """Rows of the table, its header apart."""
        return self.garments + self.duplicate_rows + self.repeated_photos + self.gifts

    @property
    def photos(self) -> int:
        """Files in images/."""
        return self.garments + self.repeated_photos + self.gifts - self.missing_photos

    @property
    def clean(self) -> int:
        """Items that are left when every defect is dropped."""
        broken = self.missing_photos + self.truncated_photos + self.text_photos
        return self.garments - self.null_colours - self.null_categories - broken


def sample_counts(count: int = 10_000) -> SampleCounts:
    """The numbers of everything in a sample of `count` garments (50 to 10,000).

    Raises
    ------
    CatalogueError
        When `count` is out of range.
    """
    if not 50 <= count <= 10_000:
        raise CatalogueError(
            f"expected a sample of 50 to 10,000 garments; found count={count}. Choose a count in that range."
        )
    few, some = max(1, count // 1000), max(1, count // 500)
    return SampleCounts(count, some, few, some, few, 1, 1, 1, max(2, few), max(2, count // 100))


@dataclass(frozen=True)
class Photo:
    """The plan of one photo of the sample."""

    name: str
    source: int | None  # index among Fashion-MNIST's test photos; None for a gift box
    largest_hole: float  # see dyeing.fill_holes
    lab: tuple[float, float, float]  # CIELAB of the dye
    fate: str = "whole"  # or "missing", "truncated", "text"


def plan_sample(labels: NDArray[np.uint8], seed: int, count: int) -> tuple[list[tuple[str, ...]], list[Photo]]:
    """Draw the whole sample from one seeded generator; making the photos needs no further chance.

    Parameters
    ----------
    labels : (n,) uint8, n >= count
        Fashion-MNIST's classes, 0-9.
    seed, count : int
        Of the generator; source photos used.

    Returns
    -------
    rows : list of 5-tuples of str
        The table, sorted by department, category and name.
    photos : list of Photo
        One for each file, and the missing one.

    Raises
    ------
    CatalogueError
        When `count` is out of range.
    """
    counts = sample_counts(count)
    random = np.random.default_rng(seed)
    chosen = random.permutation(len(labels))[:count]
    colours = _draw_colours(labels[chosen], random)
    colours += [str(word) for word in random.choice(list(SAMPLE_COLOURS), size=counts.gifts)]
    lab = [(x[0], x[1], x[2]) for x in _draw_dyes(colours, random).tolist()]
    names = _draw_names(count + counts.repeated_photos + counts.gifts, random)
    rows: list[list[str]] = []
    photos: list[Photo] = []
    for i, source in enumerate(chosen.tolist()):
        garment = GARMENTS[labels[source]]
        rows.append([names[i], colours[i], garment.micro, garment.macro, garment.english])
        photos.append(Photo(names[i], source, garment.largest_hole, lab[i]))
    _spoil(rows, photos, counts, names[count:], random)
    for k in range(counts.gifts):
        name = names[count + counts.repeated_photos + k]
        rows.append([name, colours[count + k], GIFTS[k % len(GIFTS)], *GIFT_DEPARTMENT])
        photos.append(Photo(name, None, 1.0, lab[count + k]))
    return sorted((tuple(row) for row in rows), key=lambda row: (row[3], row[2], row[0])), photos


def _spoil(
    rows: list[list[str]],
    photos: list[Photo],
    counts: SampleCounts,
    spare: list[str],
    random: np.random.Generator,
) -> None:
    """Give garments their defects, in place; `spare` names the repeated photos. No garment is drawn for two."""
    order = iter(random.permutation(counts.garments).tolist())

    def draw(number: int) -> list[int]:
        return [next(order) for _ in range(number)]

    for i in draw(counts.null_colours):
        rows[i][1] = ""
    for i in draw(counts.null_categories):
        rows[i][2] = ""
    for k, i in enumerate(draw(counts.trailing_spaces)):
        rows[i][1 + k % 2] += " "
    fates = ["missing"] * counts.missing_photos + ["truncated"] * counts.truncated_photos
    fates += ["text"] * counts.text_photos
    for fate, i in zip(fates, draw(len(fates)), strict=True):
        photos[i] = replace(photos[i], fate=fate)
    rows += [list(rows[i]) for i in draw(counts.duplicate_rows)]
    for name, i in zip(spare, draw(counts.repeated_photos), strict=False):
        rows.append([name, *rows[i][1:]])
        photos.append(replace(photos[i], name=name))


def _draw_colours(labels: NDArray[np.uint8], random: np.random.Generator) -> list[str]:
    """A colour's word for each garment, by its class's odds."""
    words = list(SAMPLE_COLOURS)
    odds = np.array([[garment.likely.get(word, 1.0) for word in words] for garment in GARMENTS])
    below = np.cumsum(odds, axis=1)[labels] / odds.sum(axis=1)[labels, None]
    drawn = (random.random((len(labels), 1)) >= below[:, :-1]).sum(axis=1)
    return [words[k] for k in drawn]


def _draw_dyes(colours: list[str], random: np.random.Generator) -> NDArray[np.float64]:
    """CIELAB (n, 3) of each item's own dye; words that are neighbours overlap, as in life."""
    rgb = np.array([SAMPLE_COLOURS[colour] for colour in colours], np.float32)[None] / 255
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)[0].astype(np.float64)
    # Pure dyes differ more in hue and purity than greys do: a grey with a tint has another name.
    spread = 1.2 + 0.06 * np.hypot(lab[:, 1], lab[:, 2])
    lab += random.normal(size=lab.shape) * np.stack([np.full(len(lab), 6.5), spread, spread], axis=1)
    lab[:, 0] = np.clip(lab[:, 0], 5, 97)
    return lab


def _draw_names(number: int, random: np.random.Generator) -> list[str]:
    """Unique file names like ImageLab's: eight digits, three letters of which the last is F."""
    digits = random.choice(np.arange(34_000_000, 58_000_000, 7), size=number, replace=False)
    letters = random.integers(65, 91, size=(number, 2))
    return [f"{n}{chr(a)}{chr(b)}F.jpg" for n, (a, b) in zip(digits, letters, strict=True)]


def photo_bytes(photo: Photo, greys: NDArray[np.uint8]) -> bytes | None:
    """The file of one photo, None for a missing one; `greys` is (n, 28, 28) uint8."""
    if photo.fate in ("missing", "text"):
        return NO_PHOTO if photo.fate == "text" else None
    if photo.source is None:
        rgb = dyeing.gift_box(photo.lab)
    else:
        shade, alpha = dyeing.garment_layers(greys[photo.source], largest_hole=photo.largest_hole)
        rgb = dyeing.dye(shade, alpha, photo.lab)
    jpeg = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
    return jpeg[: len(jpeg) // 2] if photo.fate == "truncated" else jpeg
