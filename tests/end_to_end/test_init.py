"""A folder of twelve photos without a table: `fashion init`, a whole report, recommendations, the shop.

Later its tables are of other kinds: photos by address, in columns of bytes, several an item.
"""

import json
import shutil
from urllib.parse import quote

import numpy as np
import pytest
from conftest import lend
from loopback import serve_folder
from shop_files import photos, rows, write_table

import fashion
from fashion.catalogue.definition import load_catalogue
from fashion.cli.main import main
from fashion.core.workspace import Workspace
from fashion.recommendation.filters import QueryError
from fashion.recommendation.sync_items import sync
from fashion.study import Study
from fashion.web.app import create_app
from fashion.web.security import Buckets
from fashion.web.shop import open_shop

SENTENCE = "No network is trained: the catalogue has 12 items; training needs at least 60."


@pytest.fixture(scope="module")
def place(tmp_path_factory, networks):
    """The folder of a report that two commands made, and what they printed."""
    root = tmp_path_factory.mktemp("twelve")
    (root / "my photos").mkdir()
    for row, photo in zip(rows(12), photos(rows(12)), strict=True):
        (root / f"my photos/{row['colour']} {row['kind']}.jpg").write_bytes(photo)
    lend(networks, root / "processed")
    return root


@pytest.fixture(scope="module")
def said(place):
    """What the two commands printed."""
    import contextlib
    import io

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["init", str(place / "my photos"), "--to", str(place / "it.toml")]) == 0
        network = ["--backbone", "efficientnet-lite0", "--size", "96"]
        assert main(["report", "-c", str(place / "it.toml"), *network, *folders(place)]) == 0
    return out.getvalue()


def folders(place):
    return ["--processed", str(place / "processed"), "--reports", str(place / "reports")]


@pytest.fixture(scope="module")
def study(place, said):
    return fashion.open(place / "it.toml", processed=place / "processed", reports=place / "reports")


def test_command_page_and_results_say_that_no_network_is_trained(place, said, study):
    assert "No column of categories: recommendations will follow looks and colour alone." in said
    assert f"{SENTENCE} Recommendations follow looks and measured colour; slides are not written." in said
    report = place / "reports/my-photos"
    assert SENTENCE in (report / "index.html").read_text(encoding="utf-8")
    assert not (report / "deck.pptx").exists()
    assert json.loads((report / "results/03.json").read_text())["warning"] == SENTENCE
    assert "All items have one category" in (report / "notebooks/06-evaluation.html").read_text(encoding="utf-8")
    assert study.source_line.endswith("by looks and measured colour, no network trained")
    assert main(["deck", "-c", str(place / "it.toml"), *folders(place)]) == 1


def test_recommendations_share_kind_or_colour_more_often_than_chance(study):
    """Each of 3 kinds in 4 colours once: of eleven others five share a kind or a colour."""

    def shares(name, other):
        return bool(set(name.split()) & set(other.split()))

    first = []
    for item in study.items["item"]:
        table = study.recommend(item, k=3).table
        assert item not in set(table["item"]) and len(table) == 3
        first += [shares(item, other) for other in table["item"]]
    assert np.mean(first) > 0.75 > 5 / 11


def test_a_photo_and_a_colour_are_queries_too(study, place):
    photo = photos(rows(24))[12]  # a red one, of another drawing
    assert "rosso" in study.recommend(photo=photo, k=1).table["item"].iloc[0]
    colour = study.items.loc[study.items["item"] == "blu vestito", "colour"].iloc[0]
    found = study.recommend(words=colour, k=1).table["item"].iloc[0]
    assert "blu" in found
    with pytest.raises(QueryError):
        study.recommend(words="ballerina")


def test_the_shop_says_so_and_shows_an_item(study):
    shop = open_shop(study.workspace)
    client = create_app(type("Still", (), {"shop": lambda self: shop})(), Buckets()).test_client()
    page = client.get("/").get_data(as_text=True)
    assert SENTENCE in page
    assert client.get("/item?id=blu%20vestito").status_code == 200


def test_added_photos_are_found(study, place, said):
    (place / "more").mkdir()
    shutil.copy(place / "my photos/blu vestito.jpg", place / "more/old.jpg")
    (place / "more/new red one.jpg").write_bytes(photos(rows(24))[12])
    assert main(["add", "-c", str(place / "it.toml"), "--data", str(place / "more"), *folders(place)]) == 0
    table = fashion.open(place / "it.toml", processed=place / "processed", reports=place / "reports")
    assert len(table.items) == 13 and "rosso" in table.recommend("new red one", k=1).table["item"].iloc[0]


def test_the_shop_opens_without_a_changes_photos_and_without_places(place, study, tmp_path, caplog):
    """The folder of added items is deleted; then every item of the map has other photos."""
    shutil.copytree(place / "processed", tmp_path / "processed")
    work = Workspace("my-photos", tmp_path / "processed", place / "reports")
    (place / "more").rename(place / "away")
    try:
        with caplog.at_level("WARNING", "fashion.web"):
            shop = open_shop(work)
        assert "the photos of 1 items are not shown" in caplog.text
        client = create_app(type("Still", (), {"shop": lambda self: shop})(), Buckets()).test_client()
        asked = ["/item?id=new%20red%20one", "/photo?id=new%20red%20one", "/photo?id=blu%20vestito", "/api/v1/map"]
        assert [client.get(address).status_code for address in asked] == [200, 404, 200, 200]
    finally:
        (place / "away").rename(place / "more")

    (tmp_path / "anew").mkdir()
    for name, photo in zip(shop.items["item"], photos(rows(60))[24:], strict=False):
        (tmp_path / f"anew/{name}.jpg").write_bytes(photo)
    done = sync(work, load_catalogue(place / "it.toml"), tmp_path / "anew", progress=False)
    assert len(done.changed["photo"]) == 13 and len(Study(work).map()) == 0
    bare = open_shop(work)
    client = create_app(type("Still", (), {"shop": lambda self: bare})(), Buckets()).test_client()
    asked = ["/", "/item?id=blu%20vestito", "/api/v1/item?id=blu%20vestito", "/map", "/api/v1/map"]
    assert bare.xy is None and [client.get(address).status_code for address in asked] == [200, 200, 200, 404, 404]


SOLD = """
name = "my-photos"
title = "My photos"
[source]
data = "{data}"
table = "{table}"
photos = {photos}
[downloads]
private_network = true
pause = 0
[columns]
item = "name"
"""


def brought_to(place, table, columns):
    """What a sync says, and the catalogue then, after its TOML names a new table."""
    named = json.dumps([f"{{{column}}}" for column in columns])
    toml = SOLD.format(data=table.parent.as_posix(), table=table.name, photos=named)
    (place / "it.toml").write_text(toml, encoding="utf-8")
    assert main(["sync", "-c", str(place / "it.toml"), *folders(place)]) == 0
    told = json.loads((place / "processed/my-photos/changes.json").read_text(encoding="utf-8"))
    return told, fashion.open(place / "it.toml", processed=place / "processed", reports=place / "reports")


def test_photos_by_address_and_bytes_and_several_an_item_end_in_recommendations(study, place, said, monkeypatch):
    """The same items from a table of addresses, and then from one of bytes: only what is new is embedded."""
    for module in ("catalogue.definition", "catalogue.run", "recommendation.sync_items", "study"):
        monkeypatch.setattr(f"fashion.{module}.downloads_folder", lambda name: place / "downloads")
    known, drawn = {path.stem: path.read_bytes() for path in (place / "my photos").iterdir()}, photos(rows(60))
    gone, again = "nero pantaloni", "blu vestito"
    fresh = [drawn[n] for n, row in enumerate(rows(60)) if n > 23 and row["colour"] == "verde"]
    green, other, late = fresh[:3]
    shown = {name: data for name, data in known.items() if name != gone} | {"by address": green}
    backs = {again: drawn[40], "by address": other}

    served, asked = place / "served", []
    served.mkdir()
    for kind, blobs in (("front", shown), ("back", backs)):
        for name, data in blobs.items():
            (served / f"{name} {kind}.jpg").write_bytes(data)
    with serve_folder(served, asked) as address:
        items = [
            {"name": name} | {kind: f"{address}/{quote(f'{name} {kind}.jpg')}" for kind in ("front", "back")}
            for name in shown
        ]  # the backs of most are dead addresses
        told, shop = brought_to(place, write_table(place / "sold/items.csv", items), ["front", "back"])
    assert told["last"]["came"] == ["by address"] and told["last"]["changed"] == {"photo": [again]}
    assert set(told["last"]["went"]) == {gone, "new red one"} and told["last"]["photos_embedded"] == 3
    requests = [line for line in asked if line.startswith('"GET')]
    assert len(requests) == len(set(requests)) == 2 * len(shown) and len(shop.items) == 12
    assert gone not in shop.names and shop.photos["by address"] == green and shop.photos[again] == known[again]
    found = shop.recommend("by address", k=2).table["item"]
    assert "verde" in found.iloc[0] and gone not in set(shop.recommend(photo=known[gone], k=12).table["item"])
    vectors = shop.vectors("max_pooled")
    alone = fashion.embed([green, other, known[again], drawn[40]], backbone="efficientnet-lite0", size=96)
    for name, front, back in (("by address", *alone[:2]), (again, *alone[2:])):
        assert np.allclose(vectors[shop.names.row(name)], 2 / 3 * front + back / 3, atol=1e-4)

    shown["of bytes"] = late
    items = [
        {"name": name, "image": {"bytes": data}, "image_2": {"bytes": backs.get(name)}} for name, data in shown.items()
    ]
    told, shop = brought_to(place, write_table(place / "sold/items.parquet", items), ["image.bytes", "image_2.bytes"])
    assert told["last"]["came"] == ["of bytes"] and told["last"]["photos_embedded"] == 1
    assert told["last"]["changed"] == {} and told["last"]["went"] == [] and told["last"]["rejected"] == {}
    assert shop.photos["of bytes"] == late and shop.photos["by address"] == green
    found = shop.recommend("of bytes", k=3).table["item"].tolist()
    assert any("verde" in name for name in found) and gone not in found
    served_shop = open_shop(shop.workspace)
    client = create_app(type("Still", (), {"shop": lambda self: served_shop})(), Buckets()).test_client()
    assert (
        client.get("/item?id=of%20bytes").status_code == 200
        and client.get(f"/item?id={quote(gone)}").status_code == 404
    )
    assert main(["remove", "-c", str(place / "it.toml"), "of bytes", *folders(place)]) == 0
    shop = fashion.open(place / "it.toml", processed=place / "processed", reports=place / "reports")
    assert "of bytes" not in set(shop.recommend(photo=late, k=12).table["item"])
    assert len(shop.map()) == 10, "neither what is gone nor what has other photos has a place"
