"""`python -m benchmarks.search`: processor time of a search in words, at 60,000 invented items.

The catalogue has ImageLab's colours and categories with titles, brands and prices; pages are asked for within this
process, from the address to the finished HTML, so that neither network nor photos count.
"""

from __future__ import annotations

import argparse
import time
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlencode

import numpy as np
import pandas as pd

from fashion.attributes.layout import Layout
from fashion.catalogue.translation import colour_hexes, load_glossary
from fashion.neighbours.exact import normalise
from fashion.recommendation.recommender import Recommender
from fashion.study import Study
from fashion.web.app import create_app
from fashion.web.reload import Window
from fashion.web.shop import Shop

ITEMS = 60_000

#: Dimensions of the category part and of the looks, about as ImageLab's report has them.
CATEGORY_WIDTH, LOOKS = 96, 128

SEARCHES = (
    "red dress", "blue jacket", "dress", "vestito rosso", "light blue shirt", "jaket", "red boots under 50 not black",
    "floral dress", "model Kabado", "qwertz blue bag", "black leather bag", "summer trousers",
)  # fmt: skip


def invented(count: int = ITEMS, seed: int = 0) -> Recommender:
    """A catalogue's items and described vectors; words fall off as 1 over their rank."""
    rng = np.random.default_rng(seed)
    categories = tuple(sorted(set(load_glossary("category")["english"])))
    swatches = colour_hexes()
    columns = {}
    for column, words in (("category", categories), ("colour", tuple(swatches))):
        share = 1 / np.arange(1, len(words) + 1)
        columns[column] = rng.choice(len(words), count, p=share / share.sum())
    departments = sorted(set(load_glossary("department")["english"]))
    syllables = np.array([a + b for a in "bdfgklmnprst" for b in "aeiou"])
    models = ["".join(line).capitalize() for line in syllables[rng.integers(0, 60, (count, 3))].tolist()]
    looks = rng.choice(["Floral", "Striped", "Plain"], count)
    items = pd.DataFrame({
        "item": [f"{10_000_000 + n}AAF" for n in range(count)], "photo": [f"{n}.jpg" for n in range(count)],
        "category": np.array(categories, object)[columns["category"]],
        "colour": np.array(list(swatches), object)[columns["colour"]],
        "department": np.array(departments, object)[columns["category"] % len(departments)],
        "season": rng.choice(["summer", "winter"], count).astype(object),
        "title": [f"{look} {model}" for look, model in zip(looks, models, strict=True)],
        "brand": np.array([f"Brand {n}" for n in range(50)], object)[rng.integers(0, 50, count)],
        "price": [f"{price:.2f}" for price in rng.gamma(3, 20, count)],
        "garment_hex": "#888888", "width": 128, "height": 128, "sha256": "0", "added": "", "near_duplicate_of": "",
    })  # fmt: skip
    projection = normalise(rng.normal(size=(len(categories), CATEGORY_WIDTH)))
    layout = Layout(categories, tuple(swatches), projection, {}, LOOKS, "", swatches)
    told = {}
    for column, words in layout.words.items():
        told[column] = np.full((count, len(words)), 0.1 / len(words), np.float32)
        told[column][np.arange(count), columns[column]] += 0.9
    vectors = layout.with_hubs(layout.compose(told, rng.normal(size=(count, LOOKS))), rng.normal(0, 0.01, count))
    return Recommender(items, normalise(vectors), layout)


def measure(rounds: int = 5) -> pd.DataFrame:
    """Processor milliseconds of each search: at its first time, and in the median finding alone and the whole page."""
    recommender = invented()
    study = cast(Study, SimpleNamespace(swatches=colour_hexes(), definition=SimpleNamespace(logo=None)))
    shop = Shop(study, "Invented", recommender, None, 1)
    begin = time.process_time()
    shop.words_reader.prepare()
    print(f"index of the texts: {time.process_time() - begin:.1f} s of processor, once for each report")
    app = create_app(cast(Window, SimpleNamespace(shop=lambda: shop)))
    client: Any = app.test_client()
    client.get("/?q=red")  # what is made once
    lines = []
    for text in SEARCHES:
        seconds, page = [], []
        for _ in range(rounds):
            begin = time.process_time()
            recommender.ranked(recommender.words_query(text), 48)
            seconds.append(time.process_time() - begin)
            begin = time.process_time()
            client.get("/?" + urlencode({"q": text}))
            page.append(time.process_time() - begin)
        lines.append(
            {
                "search": text,
                "first ms": 1e3 * seconds[0],
                "search ms": 1e3 * np.median(seconds),
                "page ms": 1e3 * np.median(page),
            }
        )
    return pd.DataFrame(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="searches of each kind (default: 5)")
    table = measure(parser.parse_args().rounds)
    print(table.round(1).to_string(index=False))
    print(table[["first ms", "search ms", "page ms"]].agg(["mean", "max"]).round(1).to_string())


if __name__ == "__main__":
    main()
