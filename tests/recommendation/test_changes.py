"""A catalogue follows its table: only new photos are embedded, everything odd is skipped with its reason."""

import json
import shutil
import warnings
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from conftest import HEADER, draw, jpeg, write_small_catalogue
from PIL import Image
from plain import descriptors_of, photo_metadata, vectors_of
from shop_files import pack, write_table

from fashion.attributes.network import join_features, load_network
from fashion.attributes.training import train_attributes
from fashion.attributes.weights import HubCorrection
from fashion.catalogue.definition import load_catalogue
from fashion.catalogue.source import open_source
from fashion.catalogue.swatches import catalogue_swatches, listed_colours
from fashion.catalogue.table import read_table
from fashion.catalogue.translation import translate
from fashion.cli.main import main
from fashion.core.colour import lab_to_hex
from fashion.core.errors import ArtefactError, CatalogueError, TranslationError, WeightsError
from fashion.core.workspace import Workspace
from fashion.embedding import extraction
from fashion.embedding.backbones import description_of, load_backbone
from fashion.embedding.features import Selection
from fashion.neighbours.duplicates import Rule
from fashion.photos import images as pixels
from fashion.photos.measures import PICTURES
from fashion.recommendation import add_items, changes, photo_encoder, write_change
from fashion.recommendation.add_items import add
from fashion.recommendation.changes import ARRAYS, EMBEDDINGS, Change, Present, load, present, with_changes
from fashion.recommendation.drift import domain_auc, since_report
from fashion.recommendation.filters import QueryError
from fashion.recommendation.recommender import Recommender, read_layout
from fashion.recommendation.sync_items import PHOTO, PLACE, remove, sync
from fashion.study import Study

RED = (200, 30, 30)


@pytest.fixture(scope="module")
def reported(tmp_path_factory, networks):
    """What notebooks 01-03 leave of 60 items, as far as a change needs it: the root of a workspace."""
    root = tmp_path_factory.mktemp("reported")
    folder, catalogue = write_small_catalogue(root / "clothes", each=5), load_catalogue("imagelab")
    source = open_source(folder, catalogue.table)
    items = translate(read_table(catalogue, source)[0])
    measured = photo_metadata(source, items["photo"]).drop(columns=["problem", "problem_kind", *PICTURES])
    items = items.merge(measured, on="photo")
    items["garment_hex"] = lab_to_hex(items[["garment_l", "garment_a", "garment_b"]].to_numpy())
    work = Workspace("imagelab", root / "processed", root / "reports")
    work.write_table("items", items.astype({"width": int, "height": int, "bytes": int}))
    backbone = small_backbone()
    blocks = vectors_of(source, items["photo"], backbone, computed(networks))
    stamp = {"items_checksum": work.items_checksum()}
    told = {"near_duplicates": Rule().as_dict(), "swatches": catalogue_swatches(items, {})}
    place = {"data": str(folder), "table": catalogue.table, "colour_was_measured": False}
    work.write_json("source", place | told)
    work.write_json("backbone", description_of(backbone) | stamp)
    selection = Selection("centred", "embedding", mean=blocks["embedding"].mean(axis=0))
    work.write_arrays("selection", selection.arrays())
    work.write_vectors("frozen", selection.apply(blocks))
    work.write_vectors("max_pooled", blocks["embedding"])
    described = descriptors_of(source, items["photo"])
    work.write_vectors("pixels", described["pixels"])
    work.write_vectors("multilayer", blocks["multilayer"])
    work.write_vectors("colour_grid", described["colour_grid"], np.float16)
    features = join_features(blocks["multilayer"], blocks["embedding"])
    grid = described["colour_grid"]
    part = np.array(["train"] * 60)
    network, _ = train_attributes(features, grid, items, part, 0, epochs=2, progress=False)
    hubs = {}
    for name, words in (("learned", None), ("described", items)):
        rows, correction = HubCorrection(0.25, 0.5, 0.3, 0).report(network.embed(features, grid, words), network.layout)
        work.write_vectors(name, rows)
        hubs[name] = correction.as_dict()
    work.write_arrays("attributes", network.arrays())
    work.write_json("attributes", network.description() | stamp | {"hubs": hubs, "looks_weight": 0.3})
    return root


@pytest.fixture(autouse=True)
def loaded_once(monkeypatch, networks):
    """The backbone is loaded and compiled once for all tests, where it is the one that is asked for."""
    backbone = small_backbone()
    sound = description_of(backbone)
    reopen = photo_encoder.reopen_backbone
    monkeypatch.setattr(
        photo_encoder, "reopen_backbone", lambda f, w: backbone if sound.items() <= f.items() else reopen(f, w)
    )
    monkeypatch.setattr(extraction, "choose_runtime", lambda *_: computed(networks))


@cache
def small_backbone():
    return load_backbone("efficientnet-lite0", size=96)


@cache
def computed(networks, choose=extraction.choose_runtime):
    return choose(small_backbone(), kept=networks)


@pytest.fixture
def work(reported, tmp_path):
    """A workspace of its own for each test."""
    shutil.copytree(reported / "processed", tmp_path / "processed")
    return Workspace("imagelab", tmp_path / "processed", tmp_path / "reports")


NEW = [
    ("new1.jpg", "BLU", "VESTITO", "VESTITI"),
    ("new2.jpg", "ROSSO", "BALLERINA", "CALZATURE"),
    ("new3.jpg", "ROSSO", "GIUBBOTTO", "CAPISPALLA"),
]


def write_arrivals(folder, rows, header=HEADER):
    """A folder of new items in the catalogue's layout; each photo is drawn from its row's number."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for number, row in enumerate(rows):
        kind = row[-2] if row[-2] in ("VESTITO", "BALLERINA") else "PANTALONI"
        tint = {"BLU": (30, 60, 160)}.get(row[1], RED)
        (folder / "images" / row[0]).write_bytes(jpeg(draw(kind, tint, 5000 + number)))
    lines = [header, *("\t".join(row) for row in rows)]
    (folder / "annotation.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def put(work, folder, **settings):
    return add(work, load_catalogue("imagelab"), folder, progress=False, **settings)


def test_new_items_get_the_vectors_that_a_report_would_give_them(work, tmp_path, imagelab, networks):
    folder = write_arrivals(tmp_path / "new", NEW)
    added = put(work, folder)
    assert (added.read, added.embedded, added.reused, len(added.rejected)) == (3, 3, 0, 0)
    items, vectors = with_changes(work, "learned")
    assert items.index.tolist() == list(range(63)) and vectors.shape == (63, work.vectors("learned").shape[1])
    assert (items["added"].iloc[:60] == "").all() and (items["added"].iloc[60:] == added.change.key).all()
    assert items["item"].iloc[60:].tolist() == ["new1", "new2", "new3"]
    assert items["colour"].iloc[60:].tolist() == ["blue", "red", "red"]
    assert items.dtypes.drop(["added", "near_duplicate_of"]).equals(work.items().dtypes)
    assert np.array_equal(vectors[:60], work.vectors("learned"))
    # The photos the plain way, all at once.
    source, new = open_source(folder, imagelab.table), items.iloc[60:]
    backbone = small_backbone()
    blocks = vectors_of(source, new["photo"], backbone, computed(networks))
    network = load_network(work.arrays("attributes"), work.json("attributes"))
    features = join_features(blocks["multilayer"], blocks["embedding"])
    grid = descriptors_of(source, new["photo"])["colour_grid"]
    for name, words in (("learned", None), ("described", new)):
        hubs, own = HubCorrection(**work.json("attributes")["hubs"][name]), work.vectors(name)
        expected = hubs.added(network.embed(features, grid, words), own, network.layout)
        assert np.allclose(with_changes(work, name)[1][60:], expected, atol=1e-5)
        assert expected[:, -2].any() and abs(own[:, -2].mean()) < 1e-6, "corrections for hubs"
    frozen = Selection.from_arrays(work.arrays("selection")).apply(blocks)
    assert np.allclose(with_changes(work, "frozen")[1][60:], frozen, atol=1e-4)


def test_photos_in_packed_shards_are_added_like_a_folder(work, tmp_path, imagelab):
    """Parquet in a tar.gz; the same photos as files are known then, by their bytes."""
    folder = write_arrivals(tmp_path / "new", NEW)
    lines = [dict(zip(HEADER.split("\t")[:4], row, strict=True)) for row in NEW]
    items = [line | {"image": {"bytes": (folder / "images" / line["filename"]).read_bytes()}} for line in lines]
    for shard, item in enumerate(items):
        write_table(tmp_path / f"packed/new-{shard}.parquet", [item])
    packed = pack(tmp_path / "packed", tmp_path / "packed.tar.gz")
    entry = replace(imagelab, table="new-*.parquet", photos="{image.bytes}")
    added = add(work, entry, packed, progress=False)
    assert (added.read, added.embedded, len(added.rejected)) == (3, 3, 0)
    assert added.change.items["photo"].tolist() == [f"new-{n}.parquet/image.bytes/0000001" for n in range(3)]
    source = open_source(packed, "new-*.parquet", work.processed_root / "unpacked")
    assert source.table_checksum() == added.change.record["table_sha256"]
    vectors = {name: np.array(added.change.vectors(name)) for name in EMBEDDINGS}
    shutil.rmtree(added.change.folder)
    plain = put(work, folder)
    assert (plain.embedded, plain.reused) == (0, 3), "the bytes are the same"
    assert all(np.array_equal(plain.change.vectors(name), vectors[name]) for name in EMBEDDINGS)


def test_added_items_are_recommended_and_a_reports_own_notebooks_go_without(work, tmp_path):
    put(work, write_arrivals(tmp_path / "new", NEW))
    work.write_table("split", pd.DataFrame({"item": work.items()["item"], "split": "train", "group": np.arange(60)}))
    for embedding_name in EMBEDDINGS:
        everyone, own = (Recommender.from_workspace(work, embedding_name, added=a) for a in (True, False))
        assert len(everyone.items) == len(everyone.groups) == 63 and len(own.items) == len(own.groups) == 60
        found, similarity = own.nearest_of_all(6)
        one = own.by_item(own.items["item"][7], 6)
        assert own.items["item"].iloc[found[7]].tolist() == one["item"].tolist()
        assert similarity[7] == pytest.approx(one["similarity"].to_numpy(), abs=1e-6)
    asked = everyone.answer(everyone.item_query("new1"), 6)
    assert "new1" not in set(asked["item"])


def test_a_word_that_the_network_was_not_taught_is_kept_and_told(work, tmp_path):
    red_called_green = ("odd.jpg", "VERDE", "VESTITO", "VESTITI")
    added = put(work, write_arrivals(tmp_path / "new", [*NEW, red_called_green]))
    word = added.change.items["category"].iloc[2]
    assert added.untaught == {"category": {word: 1}, "colour": {}} and word not in set(work.items()["category"])
    learned, described = (added.change.vectors(name) for name in ("learned", "described"))
    parts = read_layout(work).parts
    kind, colour = parts["category"], parts["colour"]
    assert np.allclose(learned[2, kind], described[2, kind]), "the category falls back to what the network sees"
    assert not np.allclose(learned[3, colour], described[3, colour], atol=0.1)


def test_twice_changes_nothing_and_embeds_nothing(work, tmp_path, monkeypatch):
    folder = write_arrivals(tmp_path / "new", NEW)
    decoded, decode = [], pixels.decode_with_alpha
    tell = lambda data, name, edge: decoded.append(name) or decode(data, name, edge)  # noqa: E731
    monkeypatch.setattr(pixels, "decode_with_alpha", tell)
    put(work, folder)
    assert sorted(decoded) == [f"images/{row[0]}" for row in NEW], "each new photo once, and no other"
    before = {path: path.read_bytes() for path in changes.changes_folder(work).rglob("*") if path.is_file()}
    monkeypatch.setattr(extraction, "choose_runtime", lambda *_: pytest.fail("the network was called"))
    again = put(work, folder)
    assert again.change is None and again.rejected["reason"].tolist() == ["item already there"] * 3
    assert {p: p.read_bytes() for p in changes.changes_folder(work).rglob("*") if p.is_file()} == before
    assert len(decoded) == len(NEW)


def test_everything_odd_is_skipped_with_its_reason(work, reported, tmp_path):
    odd = [
        ("10000003AAF.jpg", "BLU", "VESTITO", "VESTITI"),
        ("renamed.jpg", "BLU", "VESTITO", "VESTITI"),
        ("null.jpg", "BLU", "", "VESTITI"),
        ("lamp.jpg", "ROSSO", "Lampade da tavolo", "ILLUMINAZIONE"),
        ("cut.jpg", "BLU", "VESTITO", "VESTITI"),
        ("gone.jpg", "BLU", "VESTITO", "VESTITI"),
        ("twin.jpg", "BLU", "VESTITO", "VESTITI"),
    ]
    folder = write_arrivals(tmp_path / "new", [NEW[0], NEW[1], *odd])
    images = folder / "images"
    shutil.copy(reported / "clothes/images/10000007AAF.jpg", images / "renamed.jpg")
    (images / "cut.jpg").write_bytes((images / "cut.jpg").read_bytes()[:300])
    (images / "gone.jpg").unlink()
    shutil.copy(images / "new1.jpg", images / "twin.jpg")
    with (folder / "annotation.txt").open("a") as stream:
        stream.write("\t".join(NEW[0]) + "\nx.jpg\tBLU\tVESTITO\tVESTITI\t\t\t\t\ttoo many\n")
    added = put(work, folder)
    assert added.change.items["item"].tolist() == ["new1", "new2"]
    reasons = [
        "malformed row", "null row", "duplicate row", "item already there", "not a garment", "missing photo",
        "unreadable photo", "identical photo", "photo already there",
    ]  # fmt: skip
    assert added.rejected["reason"].tolist() == reasons and added.read == 2 + len(reasons)
    assert added.rejected["detail"].iloc[-1] == "same photo as 10000007AAF"
    counts = json.loads((added.change.folder / "change.json").read_text())["counts"]
    assert counts == {"read": 11, "added": 2, "near-duplicates": 2, "skipped": dict.fromkeys(reasons, 1)}
    assert len(pd.read_csv(added.change.folder / "rejected.csv")) == 9


@pytest.mark.parametrize("column", [True, False])
def test_missing_colours_are_named_by_the_photo(work, tmp_path, column):
    rows = [("a.jpg", "", "VESTITO", "VESTITI"), ("b.jpg", "BLU" if column else "", "BALLERINA", "CALZATURE")]
    folder = write_arrivals(tmp_path / "new", rows)
    if not column:
        table = pd.read_csv(folder / "annotation.txt", sep="\t", index_col=False).drop(columns="color")
        table.to_csv(folder / "annotation.txt", sep="\t", index=False)
    found = put(work, folder).change.items
    assert found["colour"].iloc[0] == "red", "by a word of the catalogue, not of the whole glossary"
    assert found["colour_source"].iloc[0] == ""
    assert (found["colour"] != "").all() and (found["colour"].iloc[1] == "blue") == column


def test_a_colour_that_only_added_items_have_has_a_listed_swatch(work, tmp_path):
    put(work, write_arrivals(tmp_path / "new", [("a.jpg", "GIALLO", "VESTITO", "VESTITI")]))
    swatches = Study(work).swatches
    assert swatches == work.json("source")["swatches"] | listed_colours(["yellow"])


def test_unknown_word_is_an_error_or_kept(work, tmp_path):
    folder = write_arrivals(tmp_path / "new", [("a.jpg", "ROSSISSIMO", "VESTITO", "VESTITI")])
    with pytest.raises(TranslationError, match="ROSSISSIMO"):
        put(work, folder)
    assert not changes.changes_folder(work).exists()
    assert put(work, folder, keep_unknown=True).untaught["colour"] == {"rossissimo": 1}


def test_changes_of_another_report_are_left_out_with_the_command_and_renewed(work, tmp_path):
    folder = write_arrivals(tmp_path / "new", NEW)
    first = put(work, folder).change
    arrays = work.arrays("attributes")
    work.write_arrays("attributes", arrays | {"looks_mean": arrays["looks_mean"] + 1})
    with pytest.warns(UserWarning, match="left out") as warned:
        items, vectors = with_changes(work, "learned")
    assert len(items) == len(vectors) == 60 and len(warned) == 1
    assert f"fashion add --catalogue imagelab --data {folder.resolve()}" in str(warned[0].message)
    again = put(work, folder)
    assert (again.change.key, again.reused, again.embedded) == (first.key, 3, 0)
    assert len(load(work)) == 1 and len(with_changes(work, "learned")[0]) == 63


def test_a_stale_change_whose_items_are_in_the_report_now_is_removed(work, tmp_path):
    put(work, write_arrivals(tmp_path / "new", NEW[:2]))
    items, _ = with_changes(work, "frozen")
    work.write_table("items", items.drop(columns=["added", "near_duplicate_of"]))
    for name in ("backbone", "attributes"):
        work.write_json(name, work.json(name) | {"items_checksum": work.items_checksum()})
    assert put(work, tmp_path / "new").change is None
    assert load(work) == [] and list(changes.changes_folder(work).iterdir()) == []


def test_damaged_change_is_left_out_with_a_warning_and_renewed(work, tmp_path):
    folder = write_arrivals(tmp_path / "new", NEW)
    where = put(work, folder).change.folder
    (where / "learned.npy").write_bytes(b"nothing")
    with pytest.warns(UserWarning, match="damaged"):
        assert load(work) == []
    assert put(work, folder).change.folder == where and len(load(work)) == 1


def test_stop_while_writing_leaves_nothing_half(work, tmp_path, monkeypatch):
    folder = write_arrivals(tmp_path / "new", NEW)
    with monkeypatch.context() as patch, pytest.raises(OSError, match="full"):
        patch.setattr(write_change, "write_json", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
        put(work, folder)
    assert list(changes.changes_folder(work).iterdir()) == [] and load(work) == []


def test_another_backbone_or_table_is_an_error(work, tmp_path):
    folder = write_arrivals(tmp_path / "new", NEW)
    sound = work.json("backbone")
    work.write_json("backbone", sound | {"weights_checksum": "0" * 64})
    with pytest.raises(WeightsError, match="SHA-256 000000000000"):
        put(work, folder)
    work.write_json("backbone", sound | {"items_checksum": "other"})
    with pytest.raises(ArtefactError, match="made for another table"):
        put(work, folder)


def test_command_says_what_was_done(work, tmp_path, capsys):
    folder = write_arrivals(tmp_path / "new", [*NEW, ("10000003AAF.jpg", "BLU", "VESTITO", "VESTITI")])
    command = ["add", "-c", "imagelab", "--data", str(folder), "--reports", str(work.report.parent)]
    command += ["--processed", str(work.processed_root)]
    assert main(command) == 0
    text = capsys.readouterr().out
    assert "3 of 4 rows added" in text and "3 photos embedded" in text
    assert "1 × item already there, first: row 4, 10000003AAF" in text and "new word   category" in text
    assert main(command) == 0 and "0 of 4 rows added" in capsys.readouterr().out
    assert main([*command[:-1], str(tmp_path / "none")]) == 1
    assert "fashion report" in capsys.readouterr().err and not (tmp_path / "none").exists()


def test_an_added_item_that_repeats_a_photo_is_hidden_with_it(work, tmp_path, reported):
    old = work.items().iloc[0]
    folder = write_arrivals(tmp_path / "new", NEW[:1])
    picture = Image.open(reported / "clothes" / old["photo"])
    for name, quality in (("copy.jpg", 97), ("again.jpg", 98)):  # other bytes, the same picture
        picture.save(folder / "images" / name, quality=quality, subsampling=0)
    lines = (folder / "annotation.txt").read_text(encoding="utf-8")
    row = "{}\tBLU\tVESTITO\tVESTITI\n"
    (folder / "annotation.txt").write_text(lines + row.format("copy.jpg"), encoding="utf-8")
    put(work, folder)
    (folder / "annotation.txt").write_text(lines + row.format("again.jpg"), encoding="utf-8")
    added = put(work, folder)
    assert added.change.record["counts"]["near-duplicates"] == 1
    work.write_table("split", pd.DataFrame({"group": np.arange(60)}))
    recommender = Recommender.from_workspace(work)
    assert recommender.items["near_duplicate_of"].tolist()[-2:] == [old["item"]] * 2
    query = recommender.item_query(old["item"])
    shown = recommender.answer(query, 62)["item"].tolist()
    hidden = recommender.answer(query, 62, hide_duplicates=True)["item"].tolist()
    assert {"copy", "again"} <= set(shown) - set(hidden)


def test_a_photo_in_common_counts_where_one_of_the_two_shows_it():
    there = pd.DataFrame({"row": [0, 0, 1], "sha256": ["a", "chart", "b"]})
    owners = add_items._owners(["old", "older"], there)
    assert owners == {"a": ("old", True), "chart": ("old", False), "b": ("older", True)}
    each = [("c", "chart"), ("d", "a"), ("chart", "e"), ("f", "chart"), ("g", "d")]
    photos = pd.DataFrame([(row, sha256) for row, own in enumerate(each) for sha256 in own], columns=["row", "sha256"])
    repeated = add_items._with_same_photo([""] * 5, ["n0", "n1", "n2", "n3", "n4"], photos, owners)
    assert repeated == ["", "old", "old", "n2", "n1"]


def test_an_item_of_several_photos_is_added_as_one(work, tmp_path, reported, imagelab):
    """Its vectors are its photos' weighted mean; a photo that another item shows makes it a near-duplicate."""
    folder = write_arrivals(tmp_path / "new", NEW)
    images = folder / "images"
    for name, number in (("back-new1.jpg", 7001), ("back-new2.jpg", 7002)):
        (images / name).write_bytes(jpeg(draw("VESTITO", RED, number)))
    shutil.copy(images / "back-new1.jpg", images / "back-new3.jpg")
    several = replace(imagelab, more_photos=("images/back-{filename}",))
    added = add(work, several, folder, progress=False)
    assert (added.read, added.embedded, len(added.change.items), len(added.change.photos())) == (3, 5, 3, 6)
    source = open_source(folder, imagelab.table)
    backbone = small_backbone()
    alone = {
        name: extraction.read_photos(source, [name], work.processed_root, backbone, progress=False).vectors.blocks
        for name in added.change.photos()["photo"]
    }
    pooled = added.change.vectors("max_pooled")
    for row, own in added.change.photos().groupby("row"):
        shown, other = (alone[name]["embedding"][0] for name in own["photo"])
        mean = 2 / 3 * shown + other / 3
        assert len(own) == 2 and np.allclose(pooled[row], mean, atol=1e-5)
    table = added.change.photos()
    assert table["sha256"].iloc[1] == table["sha256"].iloc[5], "new1 and new3 share one"
    names, none = added.change.items["item"].tolist(), [""] * 3
    back = table["sha256"].iloc[3]
    assert add_items._with_same_photo(none, names, table, {back: ("old", True)}) == ["", "old", ""]
    again = add(work, several, folder, progress=False)
    assert again.change is None and set(again.rejected["reason"]) == {"item already there"}


# ---- A new table of all items ----

GONE, REWORDED, ANEW = ["10000003AAF", "10000059AAF"], "10000010AAF", "10000020AAF"


def write_new_table(reported, folder, *, photos=True):
    """The reported table with two rows gone, a word and a photo changed, and three new items at its end."""
    write_arrivals(folder, NEW)
    new = (folder / "annotation.txt").read_text(encoding="utf-8").splitlines()[1:]
    if photos:
        for path in (reported / "clothes/images").iterdir():
            shutil.copy2(path, folder / "images" / path.name)
        (folder / f"images/{ANEW}.jpg").write_bytes(jpeg(draw("VESTITO", (40, 130, 60), 9001)))
    rows = (reported / "clothes/annotation.txt").read_text(encoding="utf-8").splitlines()
    kept = [row for row in rows if row.split(".")[0] not in GONE]
    kept = [row.replace("\tVERDE\t", "\tNERO\t") if row.startswith(REWORDED) else row for row in kept]
    (folder / "annotation.txt").write_text("\n".join([*kept, *new]) + "\n", encoding="utf-8")
    return folder


def follow(work, folder, **settings):
    return sync(work, load_catalogue("imagelab"), folder, progress=False, **settings)


def opened(work):
    """The recommender by the described embedding."""
    if not work.path("split.parquet").exists():
        work.write_table("split", pd.DataFrame({"group": np.arange(60)}))
    return Recommender.from_workspace(work)


def test_a_new_table_adds_removes_and_renews(work, reported, tmp_path, monkeypatch):
    before = work.items().set_index("item")
    assert before.loc[REWORDED, "colour"] == "green"
    folder = write_new_table(reported, tmp_path / "new")
    done = follow(work, folder)
    assert done.came == ["new1", "new2", "new3"] and done.went == GONE
    assert done.changed == {"colour": [REWORDED], PHOTO: [ANEW]} and done.kept == [] and done.not_taken == 0
    assert (done.read, done.embedded, done.reused) == (61, 4, 0)
    now = present(work)
    names = [name for name in before.index if name not in [*GONE, ANEW]]
    new = [ANEW, "new1", "new2", "new3"]
    assert now.items["item"].tolist()[: len(names)] == names and sorted(now.items["item"][len(names) :]) == new
    assert now.items.set_index("item").loc[REWORDED, ["colour", "colour_source"]].tolist() == ["black", "NERO"]
    untouched = now.items[~now.items["item"].isin([*new, REWORDED])].set_index("item")
    assert untouched[before.columns.drop("row")].equals(before.loc[untouched.index].drop(columns="row"))

    # A renewed item is described as a report describes it; its other vectors are the report's own.
    row, place = names.index(REWORDED), before.index.get_loc(REWORDED)
    network = load_network(work.arrays("attributes"), work.json("attributes"))
    features = join_features(work.vectors("multilayer")[[place]], work.vectors("max_pooled")[[place]])
    expected = network.embed(features, np.array(work.vectors("colour_grid")[[place]]), now.items.iloc[[row]])
    for name in ARRAYS:
        array, own = now.array(name, work.vectors(name)), work.vectors(name)
        assert np.array_equal(array[row], own[place]) == (name != "described")
        kept = [before.index.get_loc(other) for other in names if other != REWORDED]
        assert np.array_equal(np.delete(array[: len(names)], row, axis=0), own[kept])
    described = now.array("described", work.vectors("described"))[row]
    assert np.allclose(described[:-2], expected[0, :-2], atol=1e-6)

    # What is gone is in no list, by whichever item it is asked.
    recommender = opened(work)
    rows, _ = recommender.nearest_of_all(len(now.items) - 1)
    assert {*GONE}.isdisjoint(recommender.items["item"].to_numpy()[rows].ravel())
    with pytest.raises(QueryError, match=GONE[0]):
        recommender.item_query(GONE[0])
    study = Study(work)
    assert study.photos["new1"] == (folder / "images/new1.jpg").read_bytes()
    assert study.photos[ANEW] == (folder / f"images/{ANEW}.jpg").read_bytes()
    assert study.photos[names[5]] == (reported / f"clothes/images/{names[5]}.jpg").read_bytes()
    assert study.vectors("multilayer").shape[0] == len(study.items) == 61

    # The new items are those of `add`, and a second run does nothing.
    arrays = {name: np.array(done.change.vectors(name)) for name in ARRAYS}
    monkeypatch.setattr(extraction, "choose_runtime", lambda *_: pytest.fail("the network was called"))
    again = follow(work, folder)
    assert again.change is None and (again.came, again.went, again.changed) == ([], [], {})
    shutil.rmtree(changes.changes_folder(work))
    added = put(work, write_arrivals(tmp_path / "alone", NEW)).change
    order = [done.change.items["item"].tolist().index(name) for name in added.items["item"]]
    assert all(np.allclose(arrays[name][order], added.vectors(name), atol=1e-5) for name in ARRAYS)


def test_words_that_change_and_change_back_leave_the_reports_vectors(work, reported, tmp_path, monkeypatch):
    """From a table without photos, and without a backbone."""
    monkeypatch.setattr(photo_encoder, "reopen_backbone", lambda *_: pytest.fail("the backbone was loaded"))
    table = (reported / "clothes/annotation.txt").read_text(encoding="utf-8")
    for number, text in enumerate([table.replace("10000010AAF.jpg\tVERDE", "10000010AAF.jpg\tROSSO"), table]):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "annotation.txt").write_text(text, encoding="utf-8")
    first = follow(work, tmp_path / "0")
    assert first.changed == {"colour": [REWORDED]} and first.embedded == first.reused == 0
    learned = with_changes(work, "learned")[1]
    assert not np.allclose(with_changes(work, "described")[1][10], work.vectors("described")[10], atol=0.05)
    follow(work, tmp_path / "1")
    items, described = with_changes(work, "described")
    assert items.drop(columns=["added", "near_duplicate_of"]).equals(work.items())
    assert np.allclose(described, work.vectors("described"), atol=1e-5) and np.array_equal(
        learned, work.vectors("learned")
    )
    assert since_report(work)["changed"] == 0 and Study(work).photos[REWORDED]


def test_a_table_that_was_cut_short_is_refused_unless_forced(work, reported, tmp_path):
    rows = (reported / "clothes/annotation.txt").read_text(encoding="utf-8").splitlines()
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut/annotation.txt").write_text("\n".join(rows[:21]) + "\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"cut short.*40 items are really gone, add --force"):
        follow(work, tmp_path / "cut")
    assert not changes.changes_folder(work).exists()
    assert len(follow(work, tmp_path / "cut", force=True).went) == 40 and len(present(work).items) == 20
    (tmp_path / "cut/annotation.txt").write_text("\n".join(rows[:6]) + "\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match="at least 10 must stay"):
        follow(work, tmp_path / "cut", force=True)


def test_an_item_whose_row_is_rejected_stays_as_it_was(work, reported, tmp_path):
    folder = write_new_table(reported, tmp_path / "new")
    (folder / "images/10000030AAF.jpg").write_bytes(b"no photo")
    table = (folder / "annotation.txt").read_text(encoding="utf-8")
    lamp = table.replace(
        "10000040AAF.jpg\tROSSO\tPANTALONI\tPANTALONI", "10000040AAF.jpg\tROSSO\tLampada\tILLUMINAZIONE"
    )
    assert lamp != table
    (folder / "annotation.txt").write_text(
        lamp.replace("10000011AAF.jpg\tVERDE", "10000011AAF.jpg\t"), encoding="utf-8"
    )
    done = follow(work, folder, keep_unknown=True)
    assert done.kept == ["10000011AAF"] and done.went == [GONE[0], "10000040AAF", GONE[1]]
    reasons = done.rejected.set_index("item")["reason"].to_dict()
    assert reasons == {
        "10000011AAF": "null row", "10000030AAF": "unreadable photo", "10000040AAF": "not a garment",
    }  # fmt: skip
    now, before = present(work).items.set_index("item"), work.items().set_index("item")
    for name in ("10000011AAF", "10000030AAF"):
        assert now.loc[name, before.columns].equals(before.loc[name])
    assert follow(work, folder, keep_unknown=True).change is None, "the bad photo is no change each time"


def test_an_item_whose_row_may_be_malformed_stays_unless_forced(work, reported, tmp_path, capsys):
    """Two items are gone, and the row of a third has fields too many: none of the three can be told from another."""
    rows = (reported / "clothes/annotation.txt").read_text(encoding="utf-8").splitlines()
    spoilt = [row + "\tx" * 9 if row.startswith(REWORDED) else row for row in rows]
    (tmp_path / "new").mkdir()
    lines = [row for row in spoilt if row.split(".")[0] not in GONE]
    (tmp_path / "new/annotation.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    where = ["-c", "imagelab", "--processed", str(work.processed_root), "--reports", str(work.report.parent)]
    assert main(["sync", *where, "--data", str(tmp_path / "new")]) == 0
    told = capsys.readouterr().out
    assert (
        "0 removed" in told and f"may be theirs: 3: {GONE[0]}, {REWORDED}, {GONE[1]}" in told and "add --force" in told
    )
    assert len(present(work).items) == 60
    done = follow(work, tmp_path / "new")
    assert done.change is None and done.kept == done.unsure == [GONE[0], REWORDED, GONE[1]]
    done = follow(work, tmp_path / "new", force=True)
    assert done.went == [GONE[0], REWORDED, GONE[1]] and done.kept == []


def test_a_stopped_sync_leaves_nothing_half_and_embeds_nothing_twice(work, reported, tmp_path, monkeypatch):
    folder = write_new_table(reported, tmp_path / "new")
    with monkeypatch.context() as patch, pytest.raises(OSError, match="full"):
        patch.setattr(write_change, "write_json", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
        follow(work, folder)
    assert list(changes.changes_folder(work).iterdir()) == [] and load(work) == []
    monkeypatch.setattr(extraction, "choose_runtime", lambda *_: pytest.fail("the network was called"))
    done = follow(work, folder)
    assert (done.embedded, done.reused, len(done.came)) == (0, 4, 3)


def test_damaged_changes_are_made_good_by_the_next_sync(work, reported, tmp_path):
    folder = write_new_table(reported, tmp_path / "new")
    where = follow(work, folder).change.folder
    (where / "learned.npy").write_bytes(b"nothing")
    done = follow(work, folder)
    assert done.change.folder == where and done.embedded == 0 and done.went == GONE
    assert len(load(work)) == 1 and len(present(work).items) == 61


def test_after_a_new_report_changes_are_named_only_where_it_lacks_them(work, reported, tmp_path):
    folder = write_new_table(reported, tmp_path / "new")
    remove(work, load_catalogue("imagelab"), [GONE[0]])
    follow(work, folder)
    items, old = with_changes(work, "frozen")[0], work.path("items.parquet").read_bytes()
    arrays = work.arrays("attributes")
    work.write_arrays("attributes", arrays | {"looks_mean": arrays["looks_mean"] + 1})  # of the old table again
    with pytest.warns(UserWarning, match="5 items, 2 removed: fashion sync --catalogue imagelab --data") as warned:
        assert len(present(work).items) == 60
    assert "fashion remove" not in str(warned[0].message), "the table has it"
    known = ("10000004AAF.jpg", "BLU", "VESTITO", "VESTITI")
    assert put(work, write_arrivals(tmp_path / "none", [known])).change is None
    with pytest.warns(UserWarning, match="fashion sync"):
        load(work)
    work.write_table("items", items.drop(columns=["added", "near_duplicate_of"]))  # and of the new one
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load(work) == [] and present(work).untouched
    work.path("items.parquet").write_bytes(old)
    done = follow(work, folder)
    assert done.embedded == 0 and [change.key for change in load(work)] == [done.change.key]
    assert len(list(changes.changes_folder(work).iterdir())) == 1, "those of earlier reports are gone"


def test_photos_that_lie_elsewhere_now_are_found_there(reported, tmp_path):
    """The report's data are gone; the new folder has the same photos, one under another name."""
    shutil.copytree(reported, tmp_path / "all")
    work = Workspace("imagelab", tmp_path / "all/processed", tmp_path / "all/reports")
    old, new = tmp_path / "all/clothes", tmp_path / "all/elsewhere"
    work.write_json("source", work.json("source") | {"data": str(old)})
    old.rename(new)
    done = follow(work, new)
    assert list(done.changed) == [PLACE] and len(done.changed[PLACE]) == 60 and done.embedded == 0
    study = Study(work)
    assert study.photos[REWORDED] == (new / f"images/{REWORDED}.jpg").read_bytes()
    (new / "images/10000010AAF.jpg").rename(new / "images/moved.jpg")
    assert follow(work, new).change is None, "a photo that is missing now stays where it was known"
    table = (new / "annotation.txt").read_text(encoding="utf-8").replace("10000010AAF.jpg", "moved.jpg")
    (new / "annotation.txt").write_text(table, encoding="utf-8")
    done = follow(work, new)  # ImageLab's items have their photos' names
    assert (done.came, done.went) == (["moved"], [REWORDED])


def test_items_whose_archive_is_gone_are_listed_until_data_hold_their_photos(work, reported, tmp_path, capsys):
    folder = write_new_table(reported, tmp_path / "new")
    assert follow(work, folder).lost == []
    kept = folder.rename(tmp_path / "kept")
    (tmp_path / "bare").mkdir()
    shutil.copy(kept / "annotation.txt", tmp_path / "bare")
    where = ["-c", "imagelab", "--processed", str(work.processed_root), "--reports", str(work.report.parent)]
    assert main(["sync", *where, "--data", str(tmp_path / "bare")]) == 0
    assert "no photo   4: " in capsys.readouterr().out
    told = json.loads((work.processed / "changes.json").read_text(encoding="utf-8"))["last"]
    assert sorted(told["photos_lost"]) == [ANEW, "new1", "new2", "new3"]
    found = follow(work, kept)
    assert sorted(found.changed[PLACE]) == [*sorted(told["photos_lost"])] and found.lost == []


def test_removed_items_are_gone_until_a_table_brings_them_back(work, reported, tmp_path):
    catalogue = load_catalogue("imagelab")
    with pytest.raises(QueryError, match=r"10000003AAX.*near: 10000003AAF"):
        remove(work, catalogue, ["10000004AAF", "10000003AAX"])
    assert not changes.changes_folder(work).exists(), "all or none"
    assert remove(work, catalogue, [GONE[0], f"{GONE[1]}.jpg", GONE[0]]).went == GONE
    study = Study(work)
    assert GONE[0] not in study.names and len(study.items) == 58 and "added" not in study.items
    assert present(work).gone() == GONE
    recommender = opened(work)
    for name in EMBEDDINGS:
        assert len(Recommender.from_workspace(work, name).vectors) == 58
    for word in recommender.items["colour"].unique():
        assert set(GONE).isdisjoint(recommender.answer(recommender.words_query(word), 58)["item"])
    fast, query = Recommender.from_workspace(work, approximate=True), recommender.item_query("10000004AAF")
    assert fast.answer(query, 6)["item"].tolist() == recommender.answer(query, 6)["item"].tolist()
    with pytest.raises(QueryError, match="at least 10 items to remain; found 4"):
        remove(work, catalogue, study.items["item"][:54].tolist())
    back = follow(work, reported / "clothes")
    assert (back.came, back.went) == (GONE, [])
    assert sorted(present(work).items["item"]) == sorted(work.items()["item"]) and present(work).gone() == []


def test_the_commands_print_and_write_what_changed(work, reported, tmp_path, capsys):
    folder = write_new_table(reported, tmp_path / "new")
    where = ["-c", "imagelab", "--processed", str(work.processed_root), "--reports", str(work.report.parent)]
    assert main(["sync", *where, "--data", str(folder)]) == 0
    text = capsys.readouterr().out
    assert "3 added, 2 removed, 2 changed, of 61 rows" in text
    assert f"removed    2: {', '.join(GONE)}" in text
    assert (
        "new word   category" in text and "since the report of 60 items: 3 added, 2 removed, 2 changed; 61 now" in text
    )
    kept = json.loads((work.processed / "changes.json").read_text(encoding="utf-8"))
    assert kept["last"]["changed"] == {"colour": [REWORDED], PHOTO: [ANEW]} and kept["since_report"]["items"] == 61
    assert (
        kept["since_report"]["untaught"]["share"] == pytest.approx(1 / 61) and not kept["since_report"]["training_due"]
    )
    assert main(["remove", *where, "new1", "10000004AAF"]) == 0
    assert "2 removed: new1, 10000004AAF" in capsys.readouterr().out
    kept = json.loads((work.processed / "changes.json").read_text(encoding="utf-8"))["since_report"]
    assert (kept["came"], kept["went"], kept["changed"], kept["items"]) == (2, 3, 2, 59)
    assert main(["remove", *where, "new7"]) == 1 and "near: new3, new2" in capsys.readouterr().err


def test_changes_in_any_order_are_those_of_a_plain_list():
    """Against a list of names that is edited by hand."""
    random = np.random.default_rng(0)
    for _ in range(200):
        report = pd.DataFrame({"item": [f"r{n}" for n in range(6)], "word": "report"})
        told, plain, words, done = list(report["item"]), report["item"].tolist(), {}, []
        for number in range(int(random.integers(0, 5))):
            removed = [str(name) for name in random.choice([*told, "nobody"], 2)]
            names = list(dict.fromkeys(f"{kind}{n}" for kind, n in zip("rx", random.integers(0, 6, 2), strict=True)))
            items = pd.DataFrame({"item": names, "word": str(number), "added": "", "near_duplicate_of": ""})
            done.append(Change(None, {"removed": removed}, items))
            plain = [name for name in plain if name not in removed]
            words = {name: word for name, word in words.items() if name not in removed}
            plain += [name for name in names if name not in plain]
            words |= dict.fromkeys(names, str(number))
        now = Present.of(report, done)
        assert now.items["item"].tolist() == plain
        assert now.items["word"].tolist() == [words.get(name, "report") for name in plain]
        assert report["item"].iloc[now.own].tolist() == plain[: len(now.own)]
        fewer = now.without({"r0", "x1"})
        assert fewer.items["item"].tolist() == [name for name in plain if name not in ("r0", "x1")]
        assert report["item"].iloc[fewer.own].tolist() == fewer.items["item"].tolist()[: len(fewer.own)]


def test_the_domain_classifier_tells_alike_from_unlike():
    random = np.random.default_rng(0)
    vectors, is_new = random.normal(size=(600, 40)), np.arange(600) >= 450
    assert domain_auc(vectors, is_new, np.arange(600)) == pytest.approx(0.5, abs=0.1)
    half = vectors.copy()
    half[525:, 0] += 30  # half of the new ones
    assert domain_auc(half, is_new, np.arange(600)) == pytest.approx(0.75, abs=0.1)
    half[450:, 0] += 30
    assert domain_auc(half, is_new, np.arange(600)) > 0.99
    assert np.isnan(domain_auc(vectors, is_new, np.zeros(600, int))), "one group is never parted"
