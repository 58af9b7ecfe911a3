"""The shop window under load: requests a second, latencies, memory, and a report that is exchanged meanwhile.

Clients are wrk's on 127.0.0.1: each asks again when it has its answer, so latencies with many clients are mostly time
in the queue. Server and clients share the machine.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np

from benchmarks.harness import say
from benchmarks.photos import write_photos
from benchmarks.served import UNBOUNDED, Served, load, memory_watched, need_wrk, served
from benchmarks.swap import exchange
from fashion.catalogue.identity import open_workspace
from fashion.core.numerals import percent

CLIENTS = (1, 64)

#: Seconds of each measurement, of uploads by many clients (each waits for seconds), and of the mixed load.
SECONDS, UPLOAD_SECONDS, MIXED_SECONDS = 5.0, 20.0, 600.0

#: Items that are asked for.
ITEMS = 2_000

#: Parts of a hundred of the mixed load: what a visitor's browser asks for that has nothing cached yet.
MIXTURE = {"photo": 40, "item page": 25, "filter": 15, "similar (API)": 10, "search": 5, "upload": 5}

LARGE = "upload, 12 megapixels"

#: Growth of memory over the mixed load, from its first tenth to its last, above which `make load` ends with an error.
MOST_GROWTH = 0.10

BOUNDARY = "shop-window-load"

WORDS = ("red dress", "vestito rosso", "black shoes", "scarpe nere", "blue", "borsa", "white shirt", "pantaloni")


def upload_body(photo: bytes) -> bytes:
    """A form with one photo, as a browser sends it."""
    head = 'Content-Disposition: form-data; name="photo"; filename="photo.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    return f"--{BOUNDARY}\r\n{head}".encode() + photo + f"\r\n--{BOUNDARY}--\r\n".encode()


def uploads(folder: Path, count: int = 16) -> tuple[list[str], str]:
    """Requests with photos of 400 x 600, all different, and one with a phone's photo of 12 megapixels."""
    import cv2

    names = write_photos(folder, count)
    lines = []
    for name in names:
        body = folder / f"{name}.body"
        body.write_bytes(upload_body((folder / name).read_bytes()))
        lines.append(_post(body))
    rgb = cv2.resize(cv2.imread(str(folder / names[0])), (3000, 4000), interpolation=cv2.INTER_CUBIC)
    large = folder / "large.body"
    large.write_bytes(upload_body(cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()))
    return lines, _post(large)


def _post(body: Path) -> str:
    return f"POST /api/v1/similar-to-photo {body} multipart/form-data; boundary={BOUNDARY}"


def requests(shop: Served, names: Sequence[str]) -> dict[str, list[str]]:
    """Requests of each kind except uploads."""
    facets = shop.ask("/api/v1/facets")
    column = next(name for name in facets if len(facets[name]) > 1)
    pairs = [
        (first["word"], second["word"]) for first in facets[column][:12] for second in facets.get("colour", [])[:12]
    ]
    shown = shop.ask("/api/v1/items")["items"][0]["photo"]
    version = shown.rsplit("&v=", 1)[-1]
    return {
        "browse": [f"GET /?page={page}" for page in range(1, max(2, min(200, len(names) // 48)))],
        "filter": ["GET /?" + urlencode({column: word, "colour": colour}) for word, colour in pairs]
        or [f"GET /?{urlencode({column: entry['word']})}" for entry in facets[column][:40]],
        "search": [f"GET /?{urlencode({'q': words})}" for words in WORDS if understood(shop, words)],
        "item page": [f"GET /item?{urlencode({'id': name})}" for name in names],
        "similar (API)": [f"GET /api/v1/similar?{urlencode({'id': name})}" for name in names],
        "photo": [f"GET /photo?{urlencode({'id': name, 'size': 'small', 'v': version})}" for name in names],
    }


def understood(shop: Served, words: str) -> bool:
    """Whether items match a search for the words, which depends on the catalogue."""
    return bool(shop.ask("/api/v1/items?" + urlencode({"q": words}))["matching"])


def mixture(kinds: dict[str, list[str]], length: int = 2_000) -> list[str]:
    """A list of requests in the shares of `MIXTURE`, shuffled by a fixed seed."""
    chooser = random.Random(0)
    known = {kind: share for kind, share in MIXTURE.items() if kinds.get(kind)}
    chosen = chooser.choices(list(known), list(known.values()), k=length)
    return [chooser.choice(kinds[kind]) for kind in chosen]


def growth(noted: Sequence[tuple[float, int]]) -> dict[str, Any]:
    """First and last tenth of what was noted of memory: means in bytes, and the growth between them."""
    share = max(1, len(noted) // 10)
    sizes = np.array([size for _, size in noted], float)
    first, last = sizes[:share].mean(), sizes[-share:].mean()
    return {"first": first, "last": last, "most": sizes.max(), "growth": last / first - 1}


def faults(results: dict[str, Any]) -> list[str]:
    """Sentences on the faults of a measurement: errors under load, growing memory, a report served in part.

    Parameters
    ----------
    results : dict
        From `run`.
    """
    ways = [*results["ways"], results["mixed"] | {"way": "mixed load"}]
    said = [
        f"{way['way']}, {way['clients']} clients: {sum(way['errors'].values())} errors of {way['requests']} answers"
        for way in ways
        if sum(way["errors"].values())
    ]
    grown = results["mixed"]["memory"]["growth"]
    if grown > MOST_GROWTH:
        said.append(f"memory grew by {percent(grown)} over the mixed load; {percent(MOST_GROWTH)} is the most")
    wrong = {
        name: results["swap"][name] for name in ("neither", "too_early", "back", "failed") if results["swap"][name]
    }
    return said + ([f"the exchange of a report: {wrong} of {results['swap']['answers']} answers"] if wrong else [])


def steady(shop: Served, kinds: dict[str, list[str]], seconds: float, folder: Path) -> dict[str, Any]:
    """Mixed load for a long time, with the server's memory over it."""
    say(f"  mixed load for {seconds:.0f} s")
    with memory_watched(shop, max(0.2, seconds / 200)) as noted:
        results = load(shop.address, mixture(kinds), 16, seconds, folder)
    memory = growth(noted) | {"noted": [[round(at, 1), size] for at, size in noted]}
    return results | {"memory": memory, "mixture": MIXTURE}


def run(options: dict[str, Any]) -> dict[str, Any]:
    """The part `load`, on a report's catalogue; `minutes` of mixed load."""
    need_wrk()
    quick = options["quick"]
    seconds = 1.0 if quick else SECONDS
    busy = os.getloadavg()[0]
    long = 4.0 if quick else float(options.get("minutes") or MIXED_SECONDS / 60) * 60
    work = open_workspace(options["catalogue"], options.get("processed"), options.get("reports"))
    items = work.items()
    names = items["item"].sample(min(ITEMS, len(items)), random_state=0).tolist()
    ways = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        # Photos in every thread: what is measured is how fast they are answered, not how many are turned away.
        with served(options, "--photos-per-minute", str(UNBOUNDED), "--photos-at-once", "8") as shop:
            small, large = uploads(folder / "photos")
            kinds = requests(shop, names) | {"upload": small, LARGE: [large]}
            say(f"  the first upload, networks loaded for it: {shop.warm(small[0]):.1f} s, not counted")
            for kind, lines in kinds.items():
                load(shop.address, lines, 2, 1.0 if quick else 2.0, folder)  # networks, caches, templates
                for clients in CLIENTS[: 1 if kind == LARGE else None]:
                    many = kind == "upload" and clients > 1 and not quick
                    shop.rest()
                    begin = shop.computed()
                    results = load(shop.address, lines, clients, UPLOAD_SECONDS if many else seconds, folder)
                    shop.rest()
                    # Each client had one more on its way when it was stopped.
                    results["processor"] = (shop.computed() - begin) / (results["requests"] + clients)
                    say(f"  {kind}, {clients} clients: {results['rate']:.1f}/s, p99 {results['p99'] * 1e3:.0f} ms")
                    ways.append({"way": kind} | results)
            shop.rest()
            mixed = steady(shop, kinds, long, folder)
            opened = shop.start_seconds
        say("  a report exchanged under load")
        swap = exchange(options, work, folder / "swap", names[:50], wait=0.5 if quick else 2.0)
    return {
        "catalogue": work.json("source")["title"], "items": len(items), "start_seconds": opened, "ways": ways,
        "mixed": mixed, "swap": swap, "busy_before": busy,
    }  # fmt: skip
