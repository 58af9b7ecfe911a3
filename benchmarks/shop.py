"""The part `shop`: a Shopify export with three photos a product, timed from its file to its report."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.harness import say
from benchmarks.processes import command_of
from benchmarks.run import NETWORK
from fashion.catalogue.addresses import downloads_folder
from fashion.catalogue.definition import load_catalogue
from fashion.catalogue.sample.dyeing import dye, garment_layers
from fashion.catalogue.sample.make import SAMPLE_COLOURS, read_sources
from fashion.catalogue.sample.plan import GARMENTS
from fashion.core.colour import hex_to_lab
from fashion.core.errors import FashionError
from fashion.photos.customer_photos import simulate
from fashion.photos.images import RGB
from fashion.photos.measures import DecodedPhoto
from fashion.report.build import build_report
from fashion.report.steps import STEPS, Settings

#: Number of products, and with `--quick`.
PRODUCTS, QUICK = 10_000, 100

#: Photos of a product: the garment, a mirrored detail, and a photo as a customer might take it.
VIEWS = ("front", "detail", "worn")

#: Pixels of a photo, and the quality of its JPEG: some 25 kB.
WIDTH, HEIGHT, QUALITY = 600, 800, 80

#: Bytes of disk that a product needs during the run: its photos twice, and everything computed from them.
ROOM = 300_000

#: Words of the sample's garments and dyes, as an English shop writes them.
TYPES = ("Top", "Trousers", "Jumper", "Dress", "Coat", "Sandals", "Shirt", "Sneakers", "Bag", "Ankle boots")
COLOURS = (
    "Black", "Grey", "White", "Beige", "Sand", "Brown", "Red", "Burgundy", "Green", "Light blue", "Blue", "Dark blue",
)  # fmt: skip

#: The export's columns that are filled here, under Shopify's names.
HEADER = (
    "Handle", "Title", "Body (HTML)", "Vendor", "Product Category", "Type", "Tags", "Published", "Option1 Name",
    "Option1 Value", "Option2 Name", "Option2 Value", "Variant SKU", "Variant Price", "Image Src", "Image Position",
)  # fmt: skip

#: Added to the TOML: the server is on this machine, and needs no pause between requests.
RULES = "\n[downloads]\nprivate_network = true\npause = 0\n"


# -- the export and its photos -----------------------------------------------------------------------------
def write_photos(folder: Path, products: int, seed: int = 0) -> list[tuple[str, str]]:
    """Write each product's `VIEWS`, of a dyed garment, as `<product>-<view>.jpg`; returns its type and colour."""
    folder.mkdir(parents=True, exist_ok=True)
    greys, labels = read_sources()
    dyes = np.random.default_rng(seed).integers(0, len(COLOURS), products)
    labs = hex_to_lab([f"#{bytes(rgb).hex()}" for rgb in SAMPLE_COLOURS.values()])
    grain = np.random.default_rng(seed).normal(0, 1.5, (2 * HEIGHT, 2 * WIDTH, 1)).astype(np.int16)

    def write(number: int) -> None:
        place = number % len(greys)
        shade, alpha = garment_layers(greys[place], largest_hole=GARMENTS[labels[place]].largest_hole)
        lightness, a, b = labs[dyes[number]].tolist()
        plain = dye(shade, alpha, (lightness, a, b))
        for view, photo in zip(VIEWS, _views(plain, np.random.default_rng([seed, number])), strict=True):
            y, x = number * 31 % HEIGHT, number * 17 % WIDTH
            rgb = np.clip(photo + grain[y : y + HEIGHT, x : x + WIDTH], 0, 255).astype(np.uint8)
            path = str(folder / f"{number}-{view}.jpg")
            cv2.imwrite(path, rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(write, range(products)))
    return [(TYPES[labels[n % len(labels)]], COLOURS[dyes[n]]) for n in range(products)]


def _views(plain: RGB, random: np.random.Generator) -> Iterator[RGB]:
    """A garment's photos at their full size, in the order of `VIEWS`."""
    yield _enlarged(plain)
    edge = len(plain)
    top, left = random.integers(edge // 8, edge // 3, 2)
    yield _enlarged(np.ascontiguousarray(plain[top : top + edge // 2, left : left + edge // 2][:, ::-1]))
    yield np.asarray(cv2.resize(simulate(DecodedPhoto(plain), random), (WIDTH, HEIGHT)), np.uint8)


def _enlarged(square: RGB) -> RGB:
    """A square photo on a sheet of `WIDTH` x `HEIGHT`."""
    large = cv2.resize(square, (WIDTH, WIDTH), interpolation=cv2.INTER_CUBIC)
    above = (HEIGHT - WIDTH) // 2
    return np.asarray(cv2.copyMakeBorder(large, above, HEIGHT - WIDTH - above, 0, 0, cv2.BORDER_REPLICATE), np.uint8)


def write_export(path: Path, words: Sequence[tuple[str, str]], address: str) -> Path:
    """Write the CSV as Shopify does: a row for each photo, the product's words in its first row only."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, HEADER, restval="", lineterminator="\n")
        writer.writeheader()
        for number, (kind, colour) in enumerate(words):
            product = {
                "Title": f"{colour} {kind.lower()} no. {number}", "Vendor": "House", "Type": kind, "Tags": "new, soft",
                "Body (HTML)": f'<p>A "{kind.lower()}" in {colour.lower()},\nsoft and fine.</p>', "Published": "true",
                "Option1 Name": "Size", "Option1 Value": "M", "Option2 Name": "Color", "Option2 Value": colour,
                "Variant SKU": f"SKU{number}", "Variant Price": f"{10 + number % 90}.00",
            }  # fmt: skip
            for position, view in enumerate(VIEWS, 1):
                photo = {"Image Src": f"{address}/{number}-{view}.jpg?v=17", "Image Position": position}
                writer.writerow({"Handle": f"{kind.lower().replace(' ', '-')}-{number}"} | product | photo)
                product = {}
    return path


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder over HTTP in a separate process, whose work is not counted; yields the address."""
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--protocol", "HTTP/1.1"]
    process = subprocess.Popen(
        [*command, "--directory", str(folder)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8"
    )
    try:
        assert process.stdout is not None
        hit = re.search(r"port (\d+)", process.stdout.readline())
        if hit is None:
            raise FashionError(f"expected a web server on {folder}; found that it did not start. Check for a firewall.")
        yield f"http://127.0.0.1:{hit[1]}"
    finally:
        process.terminate()
        process.wait()


# -- the steps ---------------------------------------------------------------------------------------------
def timed(step: str, command: Sequence[str]) -> dict[str, Any]:
    """Run and measure a command: wall and processor seconds, and the peak memory of its largest process.

    Raises
    ------
    FashionError
        When it fails; the message holds its output.
    """
    begin = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)  # with all of its own children
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - begin
        said.seek(0)
        text = said.read().decode(errors="replace")
    if process.returncode:
        raise FashionError(
            f"expected {' '.join(command[:6])} to succeed; found exit status {process.returncode}. See its output:\n"
            f"{text}"
        )
    unit = 1 if sys.platform == "darwin" else 1024
    cost = {"seconds": seconds, "processor": usage.ru_utime + usage.ru_stime, "most_bytes": usage.ru_maxrss * unit}
    say(f"  {step}: {seconds:,.1f} s, {cost['processor']:,.1f} s of processor, {cost['most_bytes'] / 2**20:,.0f} MiB")
    return {"step": step} | cost | {"said": text}


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def described(place: Path, name: str, products: int) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Draw and serve the export, run `fashion init`, download the photos; returns the steps, and bytes on disk.

    Parameters
    ----------
    place : Path
        Gets `products_export.csv` and `<name>.toml`; its folder of served photos is deleted afterwards.
    name : str
        Of the catalogue.
    products : int
    """
    command, toml = [sys.executable, "-m", "fashion.cli.main"], place / f"{name}.toml"
    say(f"drawing {len(VIEWS) * products:,} photos")
    begin = time.perf_counter()
    words = write_photos(place / "served", products)
    say(f"  drawn in {time.perf_counter() - begin:,.0f} s")
    with serving(place / "served") as address:
        table = write_export(place / "products_export.csv", words, address)
        steps = [timed("init", [*command, "init", str(table), "--to", str(toml), "--name", name])]
        with toml.open("a", encoding="utf-8") as stream:
            stream.write(RULES)
        data = [*command, "data", "-c", str(toml), "--download"]
        steps += [timed(step, data) for step in ("download", "download again, all on disk")]
    held = {"table": table.stat().st_size, "photos": size_of(downloads_folder(name))}
    shutil.rmtree(place / "served")  # nothing below downloads
    return steps, held


def reported(place: Path, toml: Path) -> list[dict[str, Any]]:
    """Time the report: each notebook in its own process, then page and slides, then a re-run with nothing changed."""
    folders = {name: str(place / name) for name in ("processed", "reports")}
    (place / "processed").mkdir()  # a file beside the export would be new data, and run notebook 01 again
    steps = []
    for step in STEPS:
        options = {"given": [str(toml), step.number, *folders.values()], "out": str(place / "processed/nothing.json")}
        steps.append(timed(step.notebook, command_of("report-until", options)))
    whole = [sys.executable, "-m", "fashion.cli.main", "report", "-c", str(toml), "--backbone", NETWORK]
    whole += [part for name, folder in folders.items() for part in (f"--{name}", folder)]
    return [*steps, *(timed(step, whole) for step in ("page and slides", "nothing changed"))]


def until(catalogue: str, number: str, processed: str, reports: str) -> dict[str, Any]:
    """Run one notebook of the report, in this process."""
    settings = Settings(catalogue, backbone=NETWORK)
    build_report(settings, processed=Path(processed), reports=Path(reports), until=number, say=say)
    return {}


def run(options: dict[str, Any]) -> dict[str, Any]:
    """The part `shop`: `--sizes` is the number of products."""
    size = str(options.get("sizes") or (QUICK if options["quick"] else PRODUCTS))
    if not size.isdecimal() or not int(size):
        raise FashionError(f"expected a number of products; found {size!r}. Correct --sizes (make: SIZES).")
    products = int(size)
    root = Path(options["reports"]) / "bench"
    root.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(root).free
    if free < products * ROOM:
        raise FashionError(
            f"expected {products * ROOM / 1e9:.1f} GB free on the disk of {root}; found {free / 1e9:.1f}. Make room, "
            "or measure fewer products (--sizes)."
        )
    name, before = f"bench-{os.getpid()}", os.getloadavg()
    try:
        with tempfile.TemporaryDirectory(dir=root, prefix=".working-shop-") as folder:
            place = Path(folder)
            steps, held = described(place, name, products)
            steps += reported(place, place / f"{name}.toml")
            report = place / "reports" / name
            numbers = {n: json.loads((report / f"results/{n}.json").read_text(encoding="utf-8")) for n in ("01", "03")}
            held |= {"artefacts": size_of(place / "processed"), "report": size_of(report)}
            columns = dict(load_catalogue(place / f"{name}.toml").columns)
    finally:
        shutil.rmtree(downloads_folder(name).parent, ignore_errors=True)
    return {
        "products": products, "items": numbers["01"]["items"], "photos": numbers["01"]["photos"],
        "dropped": numbers["01"]["dropped"], "photo": [WIDTH, HEIGHT], "columns": columns,
        "embedding": numbers["01"]["timing"], "training_seconds": numbers["03"]["timing"]["training_seconds"],
        "steps": [{key: value for key, value in step.items() if key != "said"} for step in steps],
        "bytes": held, "load_average": {"before": before, "after": os.getloadavg()},
    }  # fmt: skip
