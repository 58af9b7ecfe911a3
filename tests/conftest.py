"""Small real catalogues for the tests: a table in ImageLab's layout and drawn JPEG photos."""

from __future__ import annotations

import gc
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import psutil
import pytest
from filelock import FileLock
from flask import Flask
from forked_kernel import Kernels
from hypothesis import settings as properties
from jinja2 import BytecodeCache
from random_resnet50 import write_random_weights
from shop_window import chromium

from fashion.catalogue.definition import Catalogue, load_catalogue
from fashion.catalogue.identity import OWNER
from fashion.core.checksums import sha256_file
from fashion.core.colour import hex_to_lab
from fashion.core.paths import project_root
from fashion.core.workspace import Workspace
from fashion.embedding.extraction import networks_folder
from fashion.report.build import build_report
from fashion.report.notebook_format import import_nbformat
from fashion.report.steps import Settings

# Timings of this machine vary: a slow example is no failure.
properties.register_profile("fashion", deadline=None)
properties.load_profile("fashion")

import_nbformat()  # before tests do, which need its grammar as little


class Templates(BytecodeCache):
    """The shop's templates, compiled once for all of a worker's applications: compiling takes as long as ten pages."""

    def __init__(self):
        self.compiled = {}

    def load_bytecode(self, bucket):
        if bucket.key in self.compiled:
            bucket.bytecode_from_string(self.compiled[bucket.key])

    def dump_bytecode(self, bucket):
        self.compiled[bucket.key] = bucket.bytecode_to_string()


Flask.jinja_options = Flask.jinja_options | {"bytecode_cache": Templates()}


def pytest_configure(config):
    """Fork the session's kernels from one process, where the system can."""
    if not hasattr(config, "workerinput") and hasattr(os, "pidfd_open"):
        with suppress(OSError):
            kernels, patch = Kernels(), pytest.MonkeyPatch()
            config.add_cleanup(kernels.stop)
            config.add_cleanup(patch.undo)
            for name, value in kernels.environment.items():
                patch.setenv(name, value)  # before the workers start, which inherit it


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """One worker more than cores, as now and then one waits for a browser or a kernel, where each could have 3 GB."""
    if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
        return None
    from xdist.plugin import pytest_xdist_auto_num_workers as plain

    cores = plain(config)
    return cores + (psutil.virtual_memory().total >= 3_000_000_000 * (cores + 1))


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """The garbage collector waits while modules are loaded; what they made, garbage too, is then kept for good."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture
def fresh_kernels(monkeypatch):
    """Kernels begin as they do for users, each in an interpreter of its own."""
    monkeypatch.delenv("JUPYTER_PATH", raising=False)


HEADER = "filename\tcolor\tmicro_category\tmacro_category\tmacro_category(english)\t\t\t"
COLOURS = {"ROSSO": (200, 30, 30), "BLU": (30, 60, 160), "VERDE": (40, 130, 60), "NERO": (25, 25, 28)}
KINDS = {"BALLERINA": "CALZATURE", "VESTITO": "VESTITI", "PANTALONI": "PANTALONI"}


def draw(kind: str, colour: tuple[int, int, int], seed: int) -> np.ndarray:
    """A garment-like shape on a light ground, a little different for each seed."""
    random = np.random.default_rng(seed)
    rgb = np.full((128, 128, 3), 242, np.uint8)
    wobble = [int(v) for v in random.integers(-6, 7, 4)]
    if kind == "BALLERINA":
        cv2.ellipse(rgb, (64 + wobble[0], 80 + wobble[1]), (42, 14), wobble[2], 0, 360, colour, -1)
    elif kind == "VESTITO":
        corners = [[52 + wobble[0], 18], [76 + wobble[1], 18], [100 + wobble[2], 112], [28 + wobble[3], 112]]
        cv2.fillPoly(rgb, [np.array(corners, np.int32)], colour)
    else:
        cv2.rectangle(rgb, (42 + wobble[0], 18), (60 + wobble[1], 112), colour, -1)
        cv2.rectangle(rgb, (68 + wobble[2], 18), (86 + wobble[3], 112), colour, -1)
        cv2.rectangle(rgb, (42, 18), (86, 40), colour, -1)
    noise = random.normal(0, 3, rgb.shape)
    return np.clip(rgb + noise, 0, 255).astype(np.uint8)


def jpeg(rgb: np.ndarray, quality: int = 92) -> bytes:
    """The photo as a JPEG file's bytes."""
    return cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def write_small_catalogue(folder: Path, each: int = 4) -> Path:
    """`each` photos of every kind and colour with their table, in ImageLab's layout."""
    (folder / "images").mkdir(parents=True)
    lines = [HEADER]
    number = 0
    for kind, department in KINDS.items():
        for colour, rgb in COLOURS.items():
            for _ in range(each):
                name = f"{10_000_000 + number}AAF.jpg"
                (folder / "images" / name).write_bytes(jpeg(draw(kind, rgb, number)))
                lines.append(f"{name}\t{colour}\t{kind}\t{department}\t\t\t\t")
                number += 1
    (folder / "annotation.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def ninety_items() -> pd.DataFrame:
    """90 items; a category belongs to one department."""
    rng = np.random.default_rng(4)
    category = rng.integers(0, 8, 90)
    return pd.DataFrame({
        "department": [f"department {c % 3}" for c in category],
        "category": [f"category {c}" for c in category],
        "colour": rng.choice(["red", "blue", "grey", "white"], 90, p=[0.5, 0.3, 0.1, 0.1]),
    })  # fmt: skip


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 items: 3 categories in 3 departments, 4 colours, 4 of each; read-only by agreement."""
    return write_small_catalogue(tmp_path_factory.mktemp("small") / "catalogue")


@pytest.fixture
def imagelab() -> Catalogue:
    """The catalogue whose layout the small ones have."""
    return load_catalogue("imagelab")


SIX_ITEMS = pd.DataFrame(
    [
        ("a1", "red", "boots", "footwear"),
        ("a2", "red", "sandals", "footwear"),
        ("a3", "blue", "boots", "footwear"),
        ("a4", "red", "boots", "footwear"),
        ("a5", "blue", "short dress", "dresses"),
        ("a6", "green", "short dress", "dresses"),
    ],
    columns=["item", "colour", "category", "department"],
).assign(photo=lambda t: "images/" + t["item"] + ".jpg")

WORDS = {"red": "#c81e1e", "navy": "#1b2a52", "white": "#f4f4f4", "black": "#151515"}


@pytest.fixture
def items():
    """200 sound items whose photos show what their word says."""
    rng = np.random.default_rng(3)
    colour = rng.choice(list(WORDS), 200)
    table = pd.DataFrame({
        "item": [f"i{n:03d}" for n in range(200)],
        "photo": [f"i{n:03d}.jpg" for n in range(200)],
        "colour": colour,
        "category": rng.choice(["boots", "sandals", "belts", "hats"], 200),
        "department": rng.choice(["footwear", "accessories"], 200),
        "width": 128,
        "height": 128,
        "bytes": rng.integers(1000, 9000, 200),
        "sha256": [f"{n:064x}" for n in range(200)],
        "phash": [f"{value:016x}" for value in rng.integers(0, 2**64, 200, dtype=np.uint64)],
    })  # fmt: skip
    table[["garment_l", "garment_a", "garment_b"]] = hex_to_lab([WORDS[word] for word in colour])
    return table.assign(edge_width=2.4, darkest=20.0, lightest=95.0, uneven_border=0.05)


@pytest.fixture
def planted():
    """600 items of 5 categories and 4 colours; features 0-9 know the category, 10-14 the colour, 15-39 nothing."""
    random = np.random.default_rng(0)
    category, colour = random.integers(0, 5, 600), random.integers(0, 4, 600)
    vectors = random.normal(0, 1, (600, 40))
    vectors[:, :10] += random.normal(0, 2, (5, 10))[category]
    vectors[:, 10:15] += random.normal(0, 2, (4, 5))[colour]
    vectors[:, 39] = 0.5
    items = pd.DataFrame({"category": [f"k{c}" for c in category], "colour": [f"c{c}" for c in colour]})
    return items, vectors.astype(np.float32)


TOML = """
name = "tiny"
title = "Tiny <b>shop</b>"
language = "it"
terms = "Drawn for a test."
citation = "Nobody."
[source]
data = "clothes"
table = "annotation.txt"
photos = "images/{filename}"
[table]
delimiter = "\\t"
[columns]
item = "filename"
colour = "color"
category = "micro_category"
department = "macro_category"
"""

BAD_ROWS = [
    ("none.jpg", "ROSSO", "VESTITO", "VESTITI"),
    ("cut.jpg", "ROSSO", "VESTITO", "VESTITI"),
    ("text.jpg", "ROSSO", "VESTITO", "VESTITI"),
    ("twin.jpg", "ROSSO", "VESTITO ", "VESTITI"),
    ("null.jpg", "", "VESTITO", "VESTITI"),
    ("lamp.jpg", "ROSSO", "Lampade da tavolo", "ILLUMINAZIONE"),
    ("10000000AAF.jpg", "ROSSO", "BALLERINA", "CALZATURE"),
]


def write_tiny_catalogue(root: Path) -> None:
    """A folder with a TOML, 180 good items and the bad ones."""
    folder = write_small_catalogue(root / "clothes", each=15)
    images = folder / "images"
    good = (images / "10000070AAF.jpg").read_bytes()
    (images / "cut.jpg").write_bytes(good[: len(good) // 2])
    (images / "text.jpg").write_text("I am no photo")
    (images / "twin.jpg").write_bytes(good)
    shutil.copy(images / "10000071AAF.jpg", images / "lamp.jpg")
    with (folder / "annotation.txt").open("a", encoding="utf-8") as stream:
        stream.writelines("\t".join(row) + "\t\t\t\t\n" for row in BAD_ROWS)
        stream.write("x.jpg\tROSSO\tVESTITO\tVESTITI\t\t\t\t\ttoo many\n")
    assert (folder / "annotation.txt").read_text().startswith(HEADER)
    (root / "tiny.toml").write_text(TOML)


def tiny_settings(root: Path) -> Settings:
    """The small report's settings."""
    return Settings(catalogue=str(root / "tiny.toml"), backbone="efficientnet-lite0", size=96)


def noise(count: int) -> np.ndarray:
    """Photos as a network at 96 pixels takes them, of seeded noise."""
    return np.random.default_rng(count).integers(0, 256, (count, 96, 96, 3), np.uint8)


@pytest.fixture(scope="session")
def networks(tmp_path_factory):
    """Folder of efficientnet-lite0 at 96 pixels as OpenVINO takes it, converted once for all workers.

    Beside it an .npy: the vectors of `noise(3)` as the network gave them when it was just converted.
    """
    from fashion.embedding.backbones import load_backbone
    from fashion.embedding.runtimes import choose_runtime

    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "networks"
    with FileLock(folder.with_suffix(".lock")):
        if not folder.exists():
            fresh = choose_runtime(load_backbone("efficientnet-lite0", size=96), kept=folder)
            np.save(folder.with_suffix(".npy"), next(fresh.stream([noise(3)]))["multilayer"])
    return folder


def lend(networks: Path, processed: Path) -> Path:
    """`processed` as if a run had converted the network before: to convert it takes most of a small run."""
    shutil.copytree(networks, networks_folder(processed))
    return processed


@pytest.fixture(scope="session")
def original(tmp_path_factory):
    """Where the small catalogue and its report are made, once for all workers; (folder, its lock)."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "original"
    folder.mkdir(exist_ok=True)
    lock = FileLock(folder.with_suffix(".lock"))
    with lock:
        if not (folder / "tiny.toml").exists():
            write_tiny_catalogue(folder)
    return folder, lock


@pytest.fixture(scope="session")
def tiny(original, tmp_path_factory):
    """This worker's own small catalogue: a copy, with the times of its files, which a report looks at."""
    root = tmp_path_factory.mktemp("tiny")
    shutil.copytree(original[0] / "clothes", root / "clothes")
    shutil.copy2(original[0] / "tiny.toml", root)
    return root


@pytest.fixture(scope="session")
def settings(tiny):
    return tiny_settings(tiny)


@pytest.fixture(scope="session")
def built(tiny, original, networks):
    """The small report, made once under a lock and copied by each worker: its page, and what was said meanwhile."""
    folder, lock = original
    said, remembered = [], folder / "said.json"
    with lock:
        if not remembered.exists():
            processed = lend(networks, folder / "processed")
            with pytest.MonkeyPatch.context() as patch:
                patch.delenv("JUPYTER_PATH", raising=False)  # its kernels are fresh ones
                patch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)  # they set it themselves
                patch.delenv("PYTEST_CURRENT_TEST", raising=False)  # with it, they don't look at what C++ code writes
                build_report(tiny_settings(folder), processed=processed, reports=folder / "reports", say=said.append)
            remembered.write_text(json.dumps(said), encoding="utf-8")
    for name in ("processed", "reports"):
        shutil.copytree(folder / name, tiny / name)
    for name in (f"processed/tiny/{OWNER}", f"reports/tiny/{OWNER}", "processed/tiny/source.json",
                 "reports/tiny/provenance.json"):  # fmt: skip
        file = tiny / name  # the copy is this worker's own catalogue's
        file.write_text(file.read_text(encoding="utf-8").replace(str(folder), str(tiny)), encoding="utf-8")
    said = [line.replace(str(folder), str(tiny)) for line in json.loads(remembered.read_text(encoding="utf-8"))]
    return tiny / "reports/tiny/index.html", said


@pytest.fixture(scope="session")
def work(tiny, built):
    return Workspace("tiny", tiny / "processed", tiny / "reports")


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


def hostile_weights(toml: Path) -> Path:
    """The weights file of the hostile report's network."""
    return toml.with_name("mine.weights.h5")


def hostile_settings(toml: Path) -> Settings:
    """Those of the hostile report: ResNet-50, small for speed; neither the usual list length nor colour weight."""
    return Settings(catalogue=str(toml), weights=str(hostile_weights(toml)), size=64, k=4, colour_weight=0.8)


def tracked_files() -> dict[str, str]:
    """Checksums of README and its pictures, which no report may change."""
    root = project_root()
    return {path.name: sha256_file(path) for path in (root / "README.md", *(root / "Images").iterdir())}


@pytest.fixture(scope="session")
def hostile(tmp_path_factory):
    """The report on tests/hostile.py, by ResNet-50, with four recommendations and more weight on colour; its slides.

    Made once for all workers; read-only by agreement.
    """
    from hostile import write_hostile_catalogue  # which draws with this file's functions

    from fashion.report.deck.build import build_deck

    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "hostile"
    folder.mkdir(exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not (folder / "said.json").exists():
            toml, said = write_hostile_catalogue(folder), []
            (folder / "tracked.json").write_text(json.dumps(tracked_files()), encoding="utf-8")
            write_random_weights(hostile_weights(toml), folder / "sample")
            build_report(
                hostile_settings(toml), processed=folder / "processed", reports=folder / "reports",
                companion=build_deck, say=said.append,
            )  # fmt: skip
            (folder / "said.json").write_text(json.dumps(said), encoding="utf-8")
    return Workspace("hostile", folder / "processed", folder / "reports")


def pytest_collection_modifyitems(items):
    """One file for each of the reports comes first, others that need them last: they are made while the rest goes on.

    Of these the browser's come before others, as they are the longest: at the end no worker waits long for another.
    Workers take files in this order; a file's tests keep theirs.
    """
    places: dict[Path, int] = {}
    for report in ("built", "hostile"):
        needy = list(dict.fromkeys(item.path for item in items if report in item.fixturenames))
        for place, path in enumerate(needy):
            places.setdefault(path, 0 if place == 0 else 3)
    for path in {item.path for item in items if item.get_closest_marker("browser")}:
        if places.get(path) == 3:
            places[path] = 2
    items.sort(key=lambda item: places.get(item.path, 1))
