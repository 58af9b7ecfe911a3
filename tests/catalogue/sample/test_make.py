"""The embedded sample: the same bytes from the same seed, ImageLab's layout, the stated defects."""

import csv
import gzip
import hashlib
import itertools
import json
import shutil
import struct
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy import ndimage
from skimage.color import deltaE_ciede2000, rgb2lab

from fashion.catalogue.definition import load_catalogue
from fashion.catalogue.sample import dyeing
from fashion.catalogue.sample.make import (
    HEADER,
    IMAGES,
    LABELS,
    SAMPLE_COLOURS,
    SOURCES,
    STAMP,
    make_sample,
    read_idx,
    read_sources,
    sample_counts,
)
from fashion.catalogue.sample.plan import GARMENTS, photo_bytes, plan_sample
from fashion.core.errors import CatalogueError
from fashion.core.paths import project_root

COUNT = 300
# The header line of ImageLab's annotation.txt, byte for byte: three columns have no name.
IMAGELAB_HEADER = b"filename\tcolor\tmicro_category\tmacro_category\tmacro_category(english)\t\t\t\n"


@pytest.fixture(scope="module")
def sources():
    return read_sources()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_sample(tmp_path_factory.mktemp("raw") / "sample", seed=3, count=COUNT, progress=False)


def table(folder):
    lines = (folder / "annotation.txt").read_text(encoding="utf-8").splitlines()[1:]
    return [line.split("\t") for line in lines]


def content(folder):
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def lab_of(colour):
    return tuple(rgb2lab(np.array(SAMPLE_COLOURS[colour]) / 255.0))


# --- source files -------------------------------------------------------------------------------------------


def test_sources_are_fashion_mnists_test_set(sources):
    greys, labels = sources
    assert greys.shape == (10_000, 28, 28) and greys.dtype == np.uint8
    # 1,000 of each of the ten classes (Xiao et al. 2017, section 2)
    assert np.bincount(labels).tolist() == [1000] * 10


def test_readmes_state_the_checksums_that_the_code_checks():
    for readme in ("data/sample/README.md", "data/README.md"):
        text = (project_root() / readme).read_text(encoding="utf-8")
        for name, checksum in SOURCES.items():
            assert name in text and checksum in text, readme


def idx(values, shape):
    return bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + bytes(values)


def test_read_idx_of_a_known_file(tmp_path):
    path = tmp_path / "small.gz"
    path.write_bytes(gzip.compress(idx(range(6), (2, 3))))
    assert read_idx(path).tolist() == [[0, 1, 2], [3, 4, 5]]


def packed(data):
    """`data` by gzip without the time, as these bytes stand in the tests' names, which all workers must agree on."""
    return gzip.compress(data, mtime=0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "found nothing"),
        (b"", "found nothing"),
        (b"<html>not found</html>", "whole gzip file"),
        (packed(idx(range(6), (2, 3)))[:-9], "whole gzip file"),
        (packed(b""), "found nothing"),
        (packed(b"\0\0\x0d\x01\0\0\0\0"), "found 00 00 0d 01"),
        (packed(b"\0\0\x08\x03\0\0"), "IDX file"),
        (packed(idx(range(5), (2, 3))), "expected 6 values .* found 5"),
        (packed(idx(range(7), (2, 3))), "expected 6 values .* found 7"),
        (packed(idx([], (2**31, 2**31, 2**31))), "values for the shape"),
    ],
)
def test_read_idx_says_what_is_wrong_where_and_what_to_do(tmp_path, data, message):
    path = tmp_path / "broken.gz"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(CatalogueError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value) and "git checkout -- data/sample" in str(caught.value)


def test_one_flipped_bit_in_a_source_is_an_error_and_leaves_nothing(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for name in SOURCES:
        (source / name).write_bytes((project_root() / "data/sample" / name).read_bytes())
    damaged = bytearray((source / LABELS).read_bytes())
    damaged[2500] ^= 1
    (source / LABELS).write_bytes(damaged)
    with pytest.raises(CatalogueError, match=SOURCES[LABELS]):
        make_sample(tmp_path / "sample", count=COUNT, progress=False, source=source)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]
    (source / IMAGES).unlink()
    with pytest.raises(CatalogueError, match="found nothing"):
        make_sample(tmp_path / "sample", count=COUNT, progress=False, source=source)


# --- masks and dyes -----------------------------------------------------------------------------------------


def test_masks_have_no_holes(sources):
    greys, _ = sources
    for grey in greys[:200]:
        mask = dyeing.garment_alpha(grey) > 0.5
        assert np.array_equal(ndimage.binary_fill_holes(mask), mask)


def test_a_white_print_stays_cloth_and_a_bags_loop_stays_open():
    shirt = np.zeros((28, 28), np.uint8)
    shirt[2:26, 5:23] = 220
    shirt[8:16, 9:19] = 0  # 15% of the whole: a print, or the loop of a handle
    closed, opened = dyeing.garment_alpha(shirt), dyeing.garment_alpha(shirt, largest_hole=0.03)
    assert closed[58, 65] == 1 and opened[58, 65] == 0
    shade, alpha = dyeing.garment_layers(shirt)
    rgb = dyeing.dye(shade, alpha, lab_of("VERDE"))
    assert rgb2lab(rgb[58, 65] / 255.0)[0] > 85  # the print is white
    assert deltaE_ciede2000(rgb2lab(rgb[95, 65] / 255.0), lab_of("VERDE")) < 3  # the cloth is green


def test_fill_holes_agrees_with_scipy_and_respects_the_size():
    random = np.random.default_rng(0)
    for _ in range(50):
        mask = random.random((20, 30)) < 0.6
        assert np.array_equal(dyeing.fill_holes(mask, np.inf), ndimage.binary_fill_holes(mask))
    ring = np.ones((10, 10), bool)
    ring[4:6, 4:6] = False  # 4 of 96 pixels
    assert dyeing.fill_holes(ring, 4 / 96).all()
    assert not dyeing.fill_holes(ring, 3.9 / 96).all()
    assert not dyeing.fill_holes(np.zeros((5, 5), bool)).any()


def test_garments_keep_a_margin_of_a_tenth_on_a_near_white_ground(sources):
    greys, _ = sources
    for grey in greys[:200]:
        rgb = dyeing.dye(*dyeing.garment_layers(grey), lab_of("NERO"))
        cloth = np.abs(rgb.astype(int) - dyeing.GROUND).max(axis=2) > 12
        rows, columns = np.nonzero(cloth.any(axis=1))[0], np.nonzero(cloth.any(axis=0))[0]
        assert min(rows[0], columns[0]) >= 8 and max(rows[-1], columns[-1]) <= 119
        assert max(np.ptp(rows), np.ptp(columns)) >= 80
        assert (rgb[:7] == 242).all() and (rgb[:, -7:] == 242).all()


@pytest.fixture(scope="module")
def undyed(sources):
    """Shade and outline of the first forty garments; read-only by agreement."""
    return [dyeing.garment_layers(grey) for grey in sources[0][:40]]


@pytest.mark.parametrize("colour", SAMPLE_COLOURS)
def test_the_garments_colour_is_the_dyes(undyed, colour):
    off_mean, off_median = [], []
    for shade, alpha in undyed:
        lab = rgb2lab(dyeing.dye(shade, alpha, lab_of(colour)))[alpha > 0.9]
        off_mean.append(deltaE_ciede2000(lab.mean(axis=0), lab_of(colour)))
        off_median.append(deltaE_ciede2000(np.median(lab, axis=0), lab_of(colour)))
    # Prints and soles are white, so the mean strays further than the median.
    assert np.median(off_mean) < 7 and np.median(off_median) < 3 and np.max(off_median) < 12


def test_edges_have_no_light_halo():
    square = np.zeros((28, 28), np.uint8)
    square[4:24, 4:24] = 200
    square[4, 4:24] = square[23, 4:24] = 60  # edge pixels mixed with ground
    shade, alpha = dyeing.garment_layers(square)
    assert shade[alpha > 0.02].min() > 190
    lightness = rgb2lab(dyeing.dye(shade, alpha, lab_of("ROSSO")))[..., 0]
    assert lightness[alpha > 0.98].max() < lab_of("ROSSO")[0] + 2


def test_shading_survives_and_white_is_seen(sources):
    greys, labels = sources
    contrast = []
    for grey in greys[labels == 6][:30]:
        shade, alpha = dyeing.garment_layers(grey)
        for colour in ("ROSSO", "NERO", "BIANCO"):
            lightness = rgb2lab(dyeing.dye(shade, alpha, lab_of(colour)))[..., 0]
            contrast.append(np.ptp(np.percentile(lightness[alpha > 0.9], [5, 95])))
        # The outline of white cloth is darker than the ground (L* 95.6).
        outline = (alpha > 0.9) & (cv2.distanceTransform((alpha > 0.5).astype(np.uint8), cv2.DIST_L2, 5) < 4)
        assert np.median(lightness[outline]) < 92
    assert np.median(contrast) > 5 and np.min(contrast) > 2


def test_a_photo_without_a_garment_is_ground():
    shade, alpha = dyeing.garment_layers(np.zeros((28, 28), np.uint8))
    assert (alpha == 0).all()
    assert (dyeing.dye(shade, alpha, lab_of("ROSSO")) == dyeing.GROUND).all()


def test_neighbouring_words_overlap_a_little_and_others_do_not(sources):
    rows, photos = plan_sample(sources[1], 0, 10_000)
    word = {row[0]: row[1].strip() for row in rows}
    known = [photo for photo in photos if word[photo.name]]
    references = np.array([lab_of(colour) for colour in SAMPLE_COLOURS])
    dyes = np.array([photo.lab for photo in known])
    nearest = [list(SAMPLE_COLOURS)[k] for k in deltaE_ciede2000(dyes[:, None], references[None]).argmin(axis=1)]
    agree = np.mean([word[photo.name] == near for photo, near in zip(known, nearest, strict=True)])
    assert 0.93 < agree < 0.99
    confused = Counter(
        frozenset((word[photo.name], near))
        for photo, near in zip(known, nearest, strict=True)
        if word[photo.name] != near
    )
    assert {frozenset(pair) for pair, _ in confused.most_common(3)} == {
        frozenset(("BEIGE", "SABBIA")),
        frozenset(("BLU", "BLU SCURO")),
        frozenset(("ROSSO", "BORDEAUX")),
    }


# --- the catalogue ------------------------------------------------------------------------------------------


def test_layout_is_imagelabs(folder):
    data = (folder / "annotation.txt").read_bytes()
    assert data.startswith(IMAGELAB_HEADER) and HEADER.encode() == IMAGELAB_HEADER
    assert data.endswith(b"\t\t\t\n") and b"\r" not in data
    rows = table(folder)
    assert {len(row) for row in rows} == {8} and {tuple(row[5:]) for row in rows} == {("", "", "")}
    assert [row[3] for row in rows] == sorted(row[3] for row in rows)
    assert all(len(name := row[0]) == 15 and name[:8].isdigit() and name[8:11].isupper() for row in rows)


def test_defects_are_as_many_as_stated(folder):
    counts = sample_counts(COUNT)
    rows = table(folder)
    assert len(rows) == counts.rows
    assert sum(not row[1] for row in rows) == counts.null_colours > 0
    assert sum(not row[2] for row in rows) == counts.null_categories > 0
    assert len(rows) - len(set(map(tuple, rows))) == counts.duplicate_rows > 0
    assert sum(row[4] == "gift ideas" for row in rows) == counts.gifts > 0
    assert sum(row[1] != row[1].strip() or row[2] != row[2].strip() for row in rows) == counts.trailing_spaces
    assert any(row[1].endswith(" ") for row in rows) and any(row[2].endswith(" ") for row in rows)

    files = {path.name: path.read_bytes() for path in (folder / "images").iterdir()}
    names = {row[0] for row in rows}
    assert len(files) == counts.photos and set(files) < names
    assert len(names - set(files)) == counts.missing_photos == 1
    assert len(files) - len(set(files.values())) == counts.repeated_photos > 0
    text = [name for name, data in files.items() if not data.startswith(b"\xff\xd8")]
    assert len(text) == counts.text_photos == 1
    cut = [name for name, data in files.items() if data[:2] == b"\xff\xd8" and data[-2:] != b"\xff\xd9"]
    assert len(cut) == counts.truncated_photos == 1
    for name in set(files) - set(text) - set(cut):
        assert cv2.imdecode(np.frombuffer(files[name], np.uint8), cv2.IMREAD_COLOR).shape == (128, 128, 3)

    # No item has two defects: dropping each kind leaves the stated number of items.
    bad = names - set(files) | set(text) | set(cut)
    kept = {tuple(row) for row in rows if row[1] and row[2] and row[4] != "gift ideas" and row[0] not in bad}
    assert len({files[row[0]] for row in kept}) == counts.clean
    assert json.loads((folder / STAMP).read_text())["holds"]["null_colours"] == counts.null_colours


def test_the_full_sample_has_ten_thousand_garments(sources):
    counts = sample_counts()
    rows, photos = plan_sample(sources[1], 0, 10_000)
    assert counts.garments == 10_000 and len(rows) == counts.rows == 10_040
    assert len(photos) == counts.photos + counts.missing_photos == 10_020
    assert len({photo.name for photo in photos}) == len(photos)
    # each source photo once, twins apart
    used = Counter(photo.source for photo in photos if photo.source is not None)
    assert set(used) == set(range(10_000)) and sum(used.values()) == 10_000 + counts.repeated_photos


def test_colour_depends_on_category_but_little(sources):
    from scipy.stats import chi2_contingency

    rows, _ = plan_sample(sources[1], 0, 10_000)
    pairs = Counter((row[2].strip(), row[1].strip()) for row in rows if row[1] and row[2] and row[4] != "gift ideas")
    categories = [garment.micro for garment in GARMENTS]
    observed = np.array([[pairs[category, colour] for colour in SAMPLE_COLOURS] for category in categories])
    test = chi2_contingency(observed)
    cramer = np.sqrt(test.statistic / observed.sum() / (min(observed.shape) - 1))
    assert test.pvalue < 1e-10 and 0.05 < cramer < 0.2
    assert (observed > 0).all()


def test_every_word_is_in_the_glossary_and_pairs_with_its_department(folder):
    def words(name, folder="glossary"):
        with (project_root() / "data" / folder / name).open(encoding="utf-8", newline="") as stream:
            return {row["italian"].strip() for row in csv.DictReader(stream)}

    own = words("categories.csv", "sample")
    assert own == {garment.micro for garment in GARMENTS} - words("categories.csv"), "no word twice, none unused"
    assert load_catalogue("sample").glossary == {
        "category": project_root() / "data/catalogues/../sample/categories.csv"
    }

    rows = table(folder)
    for name, column in (("colours.csv", 1), ("categories.csv", 2), ("departments.csv", 3)):
        assert {row[column].strip() for row in rows} - {""} <= words(name) | (own if column == 2 else set())
    assert set(SAMPLE_COLOURS) <= words("colours.csv")
    assert len({(row[2].strip(), row[3]) for row in rows if row[2]}) == len({row[2].strip() for row in rows if row[2]})


def test_same_seed_same_bytes_whatever_the_threads(folder, tmp_path, sources):
    again = make_sample(tmp_path / "again", seed=3, count=COUNT, progress=False)
    assert content(again) == content(folder)
    # One after the other, backwards, without threads:
    _, photos = plan_sample(sources[1], 3, COUNT)
    for photo in reversed(photos[:60]):
        path = folder / "images" / photo.name
        assert photo_bytes(photo, sources[0]) == (path.read_bytes() if path.exists() else None)


def test_another_seed_is_another_sample(folder, sources):
    rows, _ = plan_sample(sources[1], 4, COUNT)
    assert not {row[0] for row in rows} & {row[0] for row in table(folder)}


def test_made_once_kept_and_remade_when_damaged_or_different(tmp_path):
    folder = make_sample(tmp_path / "sample", seed=1, count=60, progress=False)
    first = content(folder)
    stamp = folder / "images" / next(iter(sorted(p.name for p in (folder / "images").iterdir())))
    before = stamp.stat().st_mtime_ns
    make_sample(folder, seed=1, count=60, progress=False)
    assert stamp.stat().st_mtime_ns == before
    stamp.unlink()
    make_sample(folder, seed=1, count=60, progress=False)
    assert content(folder) == first
    make_sample(folder, seed=2, count=60, progress=False)
    assert content(folder) != first
    assert [path.name for path in tmp_path.iterdir()] == ["sample"]


def test_someone_elses_folder_is_not_overwritten(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(CatalogueError, match="not overwritten"):
        make_sample(tmp_path, count=60, progress=False)
    file = tmp_path / "mine.txt"
    with pytest.raises(CatalogueError, match="not overwritten"):
        make_sample(file, count=60, progress=False)
    assert file.read_text() == "precious"
    empty = tmp_path / "empty"
    empty.mkdir()
    assert (make_sample(empty, count=60, progress=False) / "annotation.txt").is_file()


def test_an_interrupted_run_leaves_no_half_sample(tmp_path, monkeypatch):
    calls = itertools.count()

    def write_bytes(self, data, real=Path.write_bytes):
        if next(calls) > 20:
            raise KeyboardInterrupt
        return real(self, data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", write_bytes)
        with pytest.raises(KeyboardInterrupt):
            make_sample(tmp_path / "sample", count=60, progress=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("count", [-1, 0, 49, 10_001])
def test_counts_out_of_range_are_refused(tmp_path, count):
    with pytest.raises(CatalogueError, match="50 to 10,000"):
        make_sample(tmp_path / "sample", count=count, progress=False)


def test_gift_boxes_look_like_boxes():
    rgb = dyeing.gift_box(lab_of("ROSSO"))
    assert rgb.shape == (128, 128, 3) and (rgb[0] == dyeing.GROUND).all()
    assert deltaE_ciede2000(rgb2lab(rgb[90, 40] / 255.0), lab_of("ROSSO")) < 8
    assert rgb2lab(rgb[90, 64] / 255.0)[0] > 70  # the ribbon


def test_another_run_that_is_a_moment_quicker_wins(tmp_path, monkeypatch):
    plain, done = Path.rename, []

    def rename(self, target):
        if Path(target) == tmp_path / "sample" and not done:
            done.append(shutil.copytree(self, target))
        return plain(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    made = make_sample(tmp_path / "sample", seed=3, count=COUNT, progress=False)
    assert done == [made] and len(table(made)) > 200 and [p.name for p in tmp_path.iterdir()] == ["sample"]


def test_a_sample_that_cannot_be_moved_to_its_place_is_an_error(tmp_path, monkeypatch):
    plain = Path.rename

    def refused(self, target):
        if Path(target) == tmp_path / "sample":
            raise PermissionError(f"no permission to write {target}")
        return plain(self, target)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(PermissionError, match=r"sample$"):
        make_sample(tmp_path / "sample", seed=3, count=COUNT, progress=False)
    assert not list(tmp_path.iterdir())
