"""A page that collects people's judgements of pairs, for notebook 06; only where the operator names a file for them.

No cookie: a rater's name stands in the address. Grades are only ever added to the file, and of two of one rater for a
pair the last one counts; so nothing is lost by several raters, a reload or a stop.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from filelock import FileLock
from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from fashion.core.checksums import sha256_json
from fashion.core.errors import CatalogueError
from fashion.core.files import write_whole
from fashion.web.pages import card, shop_now
from fashion.web.parameters import Ask
from fashion.web.security import Buckets, NotNow
from fashion.web.shop import Shop

judging = Blueprint("judging", __name__)

#: Grades by their keys, 1 to 4; the file has them from 0.
GRADES = ("not similar", "somewhat similar", "similar", "could take its place")

#: Queries of the pool, drawn from the test items by this seed.
QUERIES, SEED = 50, 0

COLUMNS = ("query", "item", "grade", "rater")

#: A rater's name: no formula for a spreadsheet, and no line break.
NAME = re.compile(r"\w[\w .-]{0,39}")

#: Judgements from one address: the largest burst, and how many a second after it; several raters may share an address.
BURST, PER_SECOND = 60, 2.0

#: Rows of the file at most: whoever fills it is no rater.
MOST_ROWS = 100_000

Pair = tuple[str, str]


def make_pool(shop: Shop) -> list[Pair]:
    """Pairs of items to judge, pooled over the methods of notebook 06 except the one that it trains itself."""
    from fashion.attributes.methods import all_methods  # here: a shop without judgements evaluates nothing
    from fashion.evaluation.judgements import pooled_pairs

    work, recommender = shop.study.workspace, shop.recommender
    items, layout = work.items(), recommender.layout
    assert layout is not None  # a shop shows the described embedding
    weights = layout.weights(recommender.colour_weight, recommender.looks_weight)
    methods = all_methods(work, items, np.empty(0, np.intp), layout, weights, SEED)
    test = np.flatnonzero(work.split() == "test")
    queries = np.random.default_rng(SEED).permutation(test if len(test) else len(items))[:QUERIES]
    names, k = items["item"].tolist(), min(recommender.k, len(items) - 1)
    return [(names[query], names[item]) for query, item in pooled_pairs(methods, np.sort(queries), k)]


@dataclass(frozen=True)
class Judgements:
    """A file of judgements and the pairs that it asks for.

    Attributes
    ----------
    path : Path
        `judgements.csv`: query, item, grade, rater.
    pairs : list of (query, item)
        Names; kept beside the file, so that they stay the same when the report is made again.
    """

    path: Path
    pairs: list[Pair]

    @classmethod
    def of_file(cls, path: Path, shop: Shop) -> Judgements:
        """Open a file, or begin it.

        Raises
        ------
        CatalogueError
            When the file has other columns.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = path.with_suffix(".pairs.csv")
        with _alone(path):
            if not path.exists() or not path.stat().st_size:
                path.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
            with path.open(encoding="utf-8", newline="") as stream:
                header = [name.strip().lower() for name in next(csv.reader(stream), [])]
            if sorted(header) != sorted(COLUMNS):
                raise CatalogueError(
                    f"expected the columns {', '.join(COLUMNS)} in {path}; found {', '.join(header)}. "
                    "Name another file."
                )
            _end_last_line(path)
            if not kept.exists():
                lines = _csv([("query", "item"), *make_pool(shop)])
                write_whole(kept, lambda aside: aside.write_text(lines, encoding="utf-8"))
        with kept.open(encoding="utf-8", newline="") as stream:
            return cls(path, [(query, item) for query, item in list(csv.reader(stream))[1:]])

    def rows(self) -> list[dict[str, str]]:
        """All rows of the file, by column."""
        with self.path.open(encoding="utf-8", newline="") as stream:
            return [{str(k).strip().lower(): str(v) for k, v in row.items()} for row in csv.DictReader(stream)]

    def of(self, rater: str) -> dict[Pair, int]:
        """A rater's grades, the latest last."""
        grades: dict[Pair, int] = {}
        for row in self.rows():
            if row["rater"] == rater:
                grades.pop((row["query"], row["item"]), None)
                grades[row["query"], row["item"]] = int(row["grade"])
        return grades

    def order(self, rater: str) -> list[Pair]:
        """The pairs in a rater's own order: queries shuffled, and the items of each, by a seed made of the name."""
        rng = np.random.default_rng(int(sha256_json([rater, SEED])[:12], 16))
        by_query: dict[str, list[Pair]] = {}
        for pair in self.pairs:
            by_query.setdefault(pair[0], []).append(pair)
        groups = list(by_query.values())
        return [groups[at][one] for at in rng.permutation(len(groups)) for one in rng.permutation(len(groups[at]))]

    def add(self, pair: Pair, grade: int, rater: str) -> None:
        """Add a row: whole, on the disk, and one at a time, whoever else writes.

        Raises
        ------
        CatalogueError
            When the file is full.
        """
        with _alone(self.path), self.path.open("r+b") as stream:
            _end_last_line(self.path)  # a table's editor may have saved it since
            text = stream.read()
            if text.count(b"\n") > MOST_ROWS:
                raise CatalogueError(
                    f"expected at most {MOST_ROWS:,} judgements in {self.path}; found more. Start another file."
                )
            stream.seek(text.rfind(b"\n") + 1)  # a row that a stop cut short was never confirmed
            stream.truncate()
            columns = [name.strip().lower() for name in text[: text.find(b"\n")].decode("utf-8-sig").split(",")]
            row = dict(zip(COLUMNS, (*pair, str(grade), rater), strict=True))
            stream.write(_csv([[row[column] for column in columns]]).encode())
            stream.flush()
            os.fsync(stream.fileno())


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a file against other threads and processes."""
    with FileLock(path.with_suffix(".lock")):
        yield


def _end_last_line(path: Path) -> None:
    """Add the line break that an editor left out after a whole last line, which would otherwise seem cut short."""
    header, *rows = path.read_bytes().decode("utf-8-sig", "replace").split("\n")
    if rows:
        columns = [name.strip().lower() for name in next(csv.reader([header]))]
        cells = next(csv.reader([rows[-1]]), [])
        if len(cells) != len(columns) or not cells[columns.index("grade")].strip().isdecimal():
            return
    with path.open("ab") as stream:
        stream.write(b"\n")


def _csv(rows: list) -> str:
    held = io.StringIO()
    csv.writer(held, lineterminator="\n").writerows(rows)
    return held.getvalue()


def _rater(given: str) -> str:
    name = " ".join(given.split())
    if name and not NAME.fullmatch(name):
        abort(400, "Expected a name of at most 40 letters, digits, spaces, dots, hyphens, underscores; found another.")
    return name


@judging.get("/judge")
def judge() -> str:
    """The next pair that a rater has not judged, or the one that is asked for; without a name, the question for it."""
    shop, rater = shop_now(), _rater(request.args.get("rater", ""))
    context: dict[str, object] = {"shop": shop, "ask": Ask(), "rater": rater, "grades": GRADES}
    if not rater:
        return render_template("judge.html", **context)
    judgements: Judgements = current_app.extensions["judgements"]
    order = [pair for pair in judgements.order(rater) if pair[0] in shop.rows and pair[1] in shop.rows]
    place = {pair: at for at, pair in enumerate(order)}
    grades = {pair: grade for pair, grade in judgements.of(rater).items() if pair in place}
    number = request.args.get("pair", "")
    at = int(number) if number.isdecimal() and int(number) < len(order) else None
    if at is None:
        at = next((at for at, pair in enumerate(order) if pair not in grades), None)
    before = [place[pair] for pair in grades if place[pair] != at]
    context |= {"done": len(grades), "total": len(order), "before": before[-1] if before else None}
    if at is not None:
        query, item = order[at]
        context |= {
            "query": card(shop, shop.rows[query]), "item": card(shop, shop.rows[item]),
            "given": grades.get((query, item)),
        }  # fmt: skip
    return render_template("judge.html", **context)


@judging.post("/judge")
def judged() -> Response:
    """Take a grade; only from a page of this shop."""
    origin, fetched = request.headers.get("Origin", ""), request.headers.get("Sec-Fetch-Site", "same-origin")
    if urlsplit(origin).netloc != request.host or fetched != "same-origin":
        abort(403, "Expected a judgement from this shop's own page; found another site's.")
    buckets: Buckets = current_app.extensions["judgement_buckets"]
    if wait := int(np.ceil(buckets.take(request.remote_addr or ""))):
        raise NotNow(429, wait, f"Too many judgements in a short time. Try again in {wait} seconds.")
    rater = _rater(request.form.get("rater", ""))
    pair, grade = (request.form.get("query", ""), request.form.get("item", "")), request.form.get("grade", "")
    judgements: Judgements = current_app.extensions["judgements"]
    if not rater or grade not in map(str, range(len(GRADES))) or pair not in judgements.pairs:
        abort(400, f"Expected a name, a pair to judge and a grade from 0 to {len(GRADES) - 1}; found something else.")
    judgements.add(pair, int(grade), rater)
    return redirect(url_for("judging.judge", rater=rater), 303)


@judging.errorhandler(NotNow)
def later(error: NotNow) -> tuple[str, int, dict[str, str]]:
    """A judgement that is refused for now."""
    page = render_template("lost.html", shop=shop_now(), ask=Ask(), message=str(error))
    return page, error.status, {"Retry-After": str(error.seconds)}
