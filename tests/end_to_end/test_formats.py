"""Every format of table and photos, and every export that `fashion init` knows, ends in recommendations.

Each input is a shop of twelve garments, two of them photographed twice: another crop, darker. What a report computes
of so small a catalogue is computed here by the same functions, without its figures.
"""

import contextlib
import http.server
import io
import re
import shutil

import cv2
import numpy as np
import pytest
from colour_profiles import rgb_profile
from conftest import COLOURS, draw, jpeg, lend
from loopback import serve
from PIL import Image
from shop_files import EXPORTS, rows, write_export, write_shop, write_table

from fashion.attributes.network import join_features
from fashion.attributes.untrained import untrained_network, usual_weights, why_untrained
from fashion.attributes.weights import HubCorrection
from fashion.catalogue.cleaning import all_photos, clean_table, join_photos, require_items
from fashion.catalogue.run import Run
from fashion.catalogue.swatches import catalogue_swatches, listed_colours
from fashion.catalogue.table import read_table
from fashion.catalogue.translation import own_hexes
from fashion.cli.main import main
from fashion.core.colour import delta_e, hex_to_lab
from fashion.core.defaults import COLOUR_WEIGHT, LIST_LENGTH, Preferences
from fashion.embedding import backbones
from fashion.embedding.extraction import blocks_of_items, read_photos
from fashion.neighbours.duplicates import Rule, candidate_pairs, duplicate_groups, near_duplicate_pairs
from fashion.recommendation.recommender import Recommender

#: Rows of the garments that are photographed twice, by the row of their second photo.
TWICE = {12: 0, 13: 1}

ITEMS = rows(12 + len(TWICE))


def taken_again(rgb):
    """The same garment nearer, off the middle, and darker."""
    nearer = cv2.resize(rgb[9:121, 13:125], (128, 128), interpolation=cv2.INTER_CUBIC)
    return np.clip(nearer * 0.9, 0, 255).astype(np.uint8)


def pictures():
    """The photo of each of `ITEMS`, uint8 RGB."""
    once = [draw(row["kind"].upper(), COLOURS[row["colour"].upper()], n) for n, row in enumerate(ITEMS[:12])]
    return once + [taken_again(once[first]) for first in TWICE.values()]


PICTURES = pictures()
FILES = [jpeg(rgb) for rgb in PICTURES]
#: Further photos, where an input has them.
BACKS = [jpeg(np.ascontiguousarray(rgb[20:108, 20:108][:, ::-1])) for rgb in PICTURES]


# -- photos in every form ----------------------------------------------------------------------------------
def cut_out(rgb):
    """The garment on nothing, over green."""
    alpha = np.where(np.abs(rgb.astype(int) - 242).max(axis=2) > 30, 255, 0).astype(np.uint8)
    return np.dstack([np.where(alpha[..., None] > 0, rgb, np.uint8([0, 255, 0])), alpha])


def saved(picture, kind, mode="", **how):
    stream = io.BytesIO()
    image = Image.fromarray(picture)
    (image.convert(mode) if mode else image).save(stream, kind, **how)
    return stream.getvalue()


def turned(rgb):
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(np.rot90(rgb).copy(), "JPEG", exif=exif, quality=92)


def palette(rgb):
    stream = io.BytesIO()
    Image.fromarray(cut_out(rgb)).quantize(64).save(stream, "PNG")
    return stream.getvalue()


#: Ending of the name -> a photo's file; those of the items follow each other in this order.
PHOTOS = [
    (".jpg", jpeg),
    (".png", lambda rgb: saved(cut_out(rgb), "PNG")),
    (".webp", lambda rgb: saved(cut_out(rgb), "WEBP", quality=90)),
    (".gif", lambda rgb: saved(cut_out(rgb), "GIF")),
    (".JPG", turned),
    (".tif", lambda rgb: saved(cut_out(rgb), "TIFF", compression="tiff_lzw")),
    (".jpeg", lambda rgb: saved(rgb, "JPEG", icc_profile=rgb_profile("sRGB"), progressive=True, quality=92)),
    (".avif", lambda rgb: saved(rgb, "AVIF", quality=90)),
    (".bmp", lambda rgb: saved(rgb, "BMP")),
    (".png", lambda rgb: saved(cut_out(rgb), "PNG", "LA")),  # these three are black: grey loses nothing of them
    (".jpg", lambda rgb: saved(rgb, "JPEG", "L", quality=92)),
    (".png", lambda rgb: cv2.imencode(".png", cut_out(rgb)[..., [2, 1, 0, 3]].astype(np.uint16) * 257)[1].tobytes()),
    (".png", palette),
    (".jpg", lambda rgb: saved(rgb, "JPEG", "CMYK", quality=92)),
]


def every_kind_of_photo(root):
    names = [f"{row['id']}{ending}" for row, (ending, _) in zip(ITEMS, PHOTOS, strict=True)]
    write_table(root / "items.csv", [row | {"photo": name} for row, name in zip(ITEMS, names, strict=True)])
    for name, (_, write), rgb in zip(names, PHOTOS, PICTURES, strict=True):
        (root / name).write_bytes(write(rgb))
    return root


# -- tables in every form ----------------------------------------------------------------------------------
def in_table(name, packed="", **options):
    """A writer of a shop whose table has this name; what `fashion init` is given."""

    def write(root):
        write_shop(root, name, packed, stock=(ITEMS, FILES), **options)
        (root / "shop.toml").unlink()  # init writes one
        return root / (packed or "clothes")

    return write


def repeating(root):
    """A row for each photo."""
    twice = [row | {"photo": f"{row['id']}-{view}.jpg"} for row in ITEMS for view in "ab"]
    return _with_backs(root, twice)


def listing(root):
    """A list of photos in a cell."""
    return _with_backs(root, [row | {"photos": f"{row['id']}-a.jpg, {row['id']}-b.jpg"} for row in ITEMS])


def further_columns(root):
    names = [{"image": f"{row['id']}-a.jpg", "image_2": f"{row['id']}-b.jpg"} for row in ITEMS]
    return _with_backs(root, [row | named for row, named in zip(ITEMS, names, strict=True)])


def _with_backs(root, table):
    for row, front, back in zip(ITEMS, FILES, BACKS, strict=True):
        (root / f"{row['id']}-a.jpg").write_bytes(front)
        (root / f"{row['id']}-b.jpg").write_bytes(back)
    write_table(root / "items.csv", table)
    return root


def bytes_in_columns(root):
    items = zip(ITEMS, FILES, BACKS, strict=True)
    return write_table(
        root / "items.parquet", [row | {"image": {"bytes": a}, "image_2": {"bytes": b}} for row, a, b in items]
    )


def export(kind):
    return lambda root: write_export(root, kind, stock=(ITEMS, FILES))


#: Table, what it is packed in, and how its text is written: every format, packing and encoding at least once.
TABLES = [
    ("items.csv", "", {}), ("items.csv", "zip", {"encoding": "utf-8-sig"}), ("items.csv.gz", "", {}),
    ("items.csv", "", {"encoding": "utf-16", "delimiter": ";"}),
    ("items.csv", "", {"encoding": "cp1252", "delimiter": ";"}), ("items.tsv", "", {"encoding": "cp1252"}),
    ("items.tsv.gz", "tar", {}), ("items.txt", "", {"encoding": "utf-16"}),
    ("items.txt.gz", "tar.gz", {"encoding": "utf-8-sig"}), ("items.jsonl", "", {"encoding": "utf-8-sig"}),
    ("items.jsonl.gz", "zip", {}), ("items.xlsx", "", {}), ("items.xlsx", "tar", {}), ("items.ods", "tar.gz", {}),
    ("train-*.parquet", "", {}), ("train-*.parquet", "tar", {}), ("train-*.parquet", "zip", {}),
]  # fmt: skip
INPUTS = {
    " ".join([table, packed, *options.values()]): in_table(table, packed and f"clothes.{packed}", **options)
    for table, packed, options in TABLES
} | {
    "rows that repeat": repeating, "a list in a cell": listing, "further columns": further_columns,
    "bytes in two columns": bytes_in_columns, "every kind of photo": every_kind_of_photo,
} | {kind: export(kind) for kind in EXPORTS}  # fmt: skip

#: Photos of each item, where it is more than one.
SEVERAL = dict.fromkeys(
    ["rows that repeat", "a list in a cell", "further columns", "bytes in two columns", "shopify", "woocommerce"], 2
)
#: Words that an input does not have.
WITHOUT = {"image folder": {"colour"}, "image folder with metadata": {"colour"}, "photos alone": {"colour", "category"}}


# -- the way -----------------------------------------------------------------------------------------------
class Cdn(http.server.BaseHTTPRequestHandler):
    """The shops' photos: the last number of an address is the item's, a word behind it asks for the further one."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        number, further = re.search(r"/(\d+)(-\w+)?(?:\.\w+)?(?:\?.*)?$", self.path).groups()
        data = (BACKS if further else FILES)[int(number)]
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address():
    with serve(Cdn) as served:
        yield served


@pytest.fixture(scope="module")
def processed(tmp_path_factory, networks):
    """One folder of artefacts for all of them: photos of equal bytes are embedded once, as in a user's folder."""
    return lend(networks, tmp_path_factory.mktemp("formats") / "processed")


def proposed(data, folder, address):
    """The TOML that `fashion init` writes, and what it says; photos by address are those of this machine."""
    toml, said = folder / "shop.toml", io.StringIO()
    table = data if data.suffix in (".csv", ".txt") else None
    served = table is not None and b"https://" in table.read_bytes()
    if served:
        table.write_bytes(re.sub(rb"https://(cdn|shop|img)\.example\.com", address.encode(), table.read_bytes()))
    with contextlib.redirect_stdout(said):
        assert main(["init", str(data), "--to", str(toml), "--name", "shop"]) == 0
    if served:
        with toml.open("a", encoding="utf-8") as stream:
            stream.write("\n[downloads]\nprivate_network = true\npause = 0\n")
    return toml, said.getvalue()


@pytest.fixture(scope="module")
def network():
    return backbones.load_backbone("efficientnet-lite0", size=96)


def recommended(toml, processed, reports, network):
    """The run of a catalogue, and what recommends by photos alone: notebooks 01 to 04 without figures."""
    study = Run(toml, processed=processed, reports=reports)
    work, entry, source = study.workspace, study.definition, study.open_data()
    step, _ = clean_table(entry, *read_table(entry, source))
    seen = read_photos(source, all_photos(step.rows), work.stores, network, progress=False)
    joined = join_photos(step, seen.metadata, colour_words=own_hexes(entry.glossary))
    items, photos, rule = joined.items, joined.photos, Rule()
    require_items(joined.cleaning, entry.title)
    assert joined.rejected.empty, joined.rejected
    measured = bool(joined.colour_was_measured.all())
    swatches = catalogue_swatches(items, listed_colours(items["colour"].unique(), entry.language, {}))
    work.write_table("items", items)
    work.write_table("photos", photos)
    study.write_place(source, colour_was_measured=measured, near_duplicates=rule.as_dict(), swatches=swatches)

    blocks = blocks_of_items(seen.vectors.store, network, study.items, work.photos())
    grid = seen.described.gather(items["sha256"].tolist(), ["colour_grid"])["colour_grid"]
    pairs = candidate_pairs(items, joined.thumbnails, rule, photos)
    groups = duplicate_groups(len(items), near_duplicate_pairs(blocks["embedding"], pairs, rule))
    work.write_table("split", items[["item"]].assign(split="test", group=groups))
    assert "training needs at least 60" in why_untrained(items, measured)
    features = join_features(blocks["multilayer"], blocks["embedding"])
    learned = untrained_network(features, grid, items, 0)
    weights = usual_weights(learned)
    hubs = HubCorrection(weights.hub_strength, COLOUR_WEIGHT, weights.looks, 0)
    vectors, _ = hubs.report(learned.compose(features, learned.distributions(features, grid)), learned.layout)
    work.write_vectors("learned", vectors)
    work.write_arrays("attributes", learned.arrays())
    checksum = {"items_checksum": work.items_checksum()}
    work.write_json("attributes", learned.description() | checksum)
    work.write_json("backbone", backbones.description_of(network) | checksum)
    work.write_json("recommendation", Preferences(LIST_LENGTH, COLOUR_WEIGHT, weights.looks).as_dict())
    return study, Recommender.from_workspace(work, "learned", added=False)


@pytest.mark.parametrize("kind", INPUTS)
def test_input_ends_in_recommendations(kind, processed, network, address, tmp_path, monkeypatch):
    for module in ("catalogue.definition", "catalogue.run"):
        monkeypatch.setattr(f"fashion.{module}.downloads_folder", lambda name: tmp_path / "downloads")
    monkeypatch.setattr("fashion.catalogue.unpacked.unpacked_folder", lambda processed=None: tmp_path / "unpacked")
    (tmp_path / "in").mkdir()
    data = INPUTS[kind](tmp_path / "in")
    shutil.rmtree(processed / "shop", ignore_errors=True)  # the input before
    toml, said = proposed(data, tmp_path, address)
    study, recommender = recommended(toml, processed, tmp_path / "reports", network)
    items = study.items

    # Every item is there, once, with its own photos and its own words.
    shown = [study.source.read(photo) for photo in items["photo"]]
    number = [FILES.index(photo) for photo in shown] if kind != "every kind of photo" else list(range(len(items)))
    assert sorted(number) == list(range(len(ITEMS))), said
    assert (study.workspace.photos().groupby("row").size() == SEVERAL.get(kind, 1)).all()
    truth = [ITEMS[n] for n in number]
    for ours, theirs in {"colour": "colour", "category": "kind"}.items():
        words = {(row[theirs], word) for row, word in zip(truth, items[ours], strict=True)}
        if ours not in WITHOUT.get(kind, ()):
            assert len(words) == len({row[theirs] for row in ITEMS}) == items[ours].nunique(), words
    drawn = np.array([COLOURS[row["colour"].upper()] for row in truth])
    seen = hex_to_lab(items["garment_hex"])
    assert (delta_e(seen, hex_to_lab([f"#{bytes(rgb).hex()}" for rgb in drawn.tolist()])) < 20).all()

    # The garment's other photo comes first, although neither its bytes nor its hash tell.
    place = {n: row for row, n in enumerate(number)}
    for again, once in TWICE.items():
        first, second = place[once], place[again]
        assert items["phash"][first] != items["phash"][second]
        for asked, other in ((first, second), (second, first)):
            table = recommender.by_item(items["item"][asked], LIST_LENGTH)
            assert table["item"].iloc[0] == items["item"][other], (kind, table)
            assert len(table) == table["item"].nunique() == LIST_LENGTH
            assert items["item"][asked] not in set(table["item"])
