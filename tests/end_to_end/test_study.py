"""A study is opened once and answers many times; what it says of wrong questions; the README's session runs."""

import json
import re
import shutil
import subprocess
import sys

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from documents import readme_block

import fashion
from fashion.catalogue.run import Run
from fashion.catalogue.source import open_source
from fashion.cli.main import main
from fashion.core.errors import ArtefactError, CatalogueError, PhotoError
from fashion.core.paths import project_root
from fashion.photos.images import decode
from fashion.recommendation.filters import QueryError
from fashion.recommendation.recommender import Recommender
from fashion.report import integrity
from fashion.study import Study

matplotlib.use("agg")


@pytest.fixture(scope="module")
def folders(tiny):
    return {"processed": tiny / "processed", "reports": tiny / "reports"}


@pytest.fixture(scope="module")
def shop(tiny, work, folders):
    return fashion.open(tiny / "tiny.toml", **folders)


@pytest.fixture(scope="module")
def item(work):
    return str(work.items()["item"].iloc[0])


@pytest.fixture
def root(work, tmp_path, monkeypatch):
    """A project of its own in which the small catalogue is called the sample."""
    project = tmp_path / "project"
    (project / "data").mkdir(parents=True)
    (project / "data/glossary").symlink_to(project_root() / "data/glossary")
    shutil.copytree(work.processed, project / "data/processed/sample")
    shutil.copytree(work.report, project / "reports/sample")
    monkeypatch.setenv("FASHION_ROOT", str(project))
    return project


def test_the_readmes_session(root, item, tiny, tmp_path, monkeypatch):
    """Line by line, as in an interpreter, the item's name alone replaced."""
    photos = sorted((tiny / "clothes/images").glob("1000007*.jpg"))
    for name, photo in zip(("my.jpg", "a.jpg", "b.jpg"), photos, strict=False):
        shutil.copy(photo, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FASHION_RESNET50_URL", "http://127.0.0.1:9/w.h5")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    block = readme_block()
    assert "42161895WWF" in block
    names = {}
    exec(compile(block.replace("42161895WWF", item), "README.md", "exec"), names)
    assert len(names["picks"]) == 6 and names["X"].shape == (2, 1280) and names["xy"].shape == (2, 2)
    assert names["shop"].name == "sample"


def test_what_is_there(shop, work):
    assert len(shop.items) == len(work.items()) and "added" not in shop.items
    name = shop.items["item"].iloc[5]
    assert decode(shop.photos[name]).shape == (128, 128, 3) and name in shop.photos
    assert len(shop.photos) == len(shop.items) and list(shop.photos) == shop.items["item"].tolist()
    for kind in ("described", "learned", "frozen", "hog", "max_pooled"):
        assert np.array_equal(shop.vectors(kind), work.vectors(kind))
    places = shop.map()
    assert places["item"].tolist() == shop.items["item"].tolist() and {"x", "y", "colour"} <= set(places)
    line = f"Tiny <b>shop</b>: {len(shop.items)} items · efficientnet-lite0-57934424, 96 px"
    assert repr(shop).splitlines()[0] == f"Study of {line}" and shop.source_line == line
    assert str(work.processed) in repr(shop) and str(work.report) in repr(shop)
    assert repr(shop.photos) == f"Photos of {len(shop.items)} items in {shop.source.path}"


def test_answers_are_the_recommenders(shop, work, item):
    known = Recommender.from_workspace(work)
    picks = shop.recommend(item, k=4, where={"colour": "red"}, colour_weight=0.3)
    expected = known.answer(known.item_query(item), 4, {"colour": ("red",)}, colour_weight=0.3)
    pd.testing.assert_frame_equal(picks.table, expected)
    assert shop.items["item"].iloc[picks.rows].tolist() == picks.table["item"].tolist() and len(picks) == 4
    frozen = shop.recommend(item, embedding="frozen")
    assert frozen.embedding == "frozen" and len(frozen) == 6


def test_files_are_checked_and_opened_once(tiny, work, folders, item, monkeypatch):
    read = []
    whole = integrity.sha256_output
    monkeypatch.setattr(integrity, "sha256_output", lambda path: (read.append(path.name), whole(path))[1])
    study = Study(tiny / "tiny.toml", **folders)
    assert read == [], "nothing is read before it is asked for"
    first = study.recommend(item)
    assert sorted(set(read)) == sorted(read) and "described.npy" in read and "hog.npy" not in read
    assert "learned.npy" not in read, "only what is read is checked"
    read.clear()
    assert study.recommend(item).to_dict() == first.to_dict() and study.recommend(words="red").table is not None
    assert study.items is study.items and read == []


def test_the_commands_json_and_text(shop, tiny, folders, item, capsys):
    options = ["-c", str(tiny / "tiny.toml"), "--processed", str(folders["processed"]), "--reports",
               str(folders["reports"])]  # fmt: skip
    picks = shop.recommend(item, words="blu", k=3, where=["department=dresses"], diversity=0.2)
    asked = ["recommend", item, "--words", "blu", "-k", "3", "--where", "department=dresses", "--diversity", "0.2"]
    assert main([*asked, *options, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == json.loads(picks.to_json()) | {"catalogue": str(tiny / "tiny.toml")}
    assert list(said) == [
        "catalogue",
        "embedding",
        "query",
        "description",
        "where",
        "understood",
        "resembles_nothing",
        "recommendations",
    ]
    assert main([*asked, *options]) == 0
    assert capsys.readouterr().out == f"{picks!r}\n"


def test_american_spellings_in_the_command(tiny, folders, item, capsys, tmp_path):
    options = ["-c", str(tiny / "tiny.toml"), "--processed", str(folders["processed"]), "--reports",
               str(folders["reports"]), "--json"]  # fmt: skip
    said = []
    for colour, weight in (("color=red", "--color-weight"), ("colour=red", "--colour-weight")):
        assert main(["recommend", item, "--where", colour, weight, "0.2", *options]) == 0
        said.append(json.loads(capsys.readouterr().out))
    assert said[0] == said[1] and said[0]["where"] == {"colour": ["red"]}


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_the_command_saves_the_figure(tiny, folders, item, tmp_path, capsys, ending):
    options = ["-c", str(tiny / "tiny.toml"), "--processed", str(folders["processed"]), "--reports",
               str(folders["reports"])]  # fmt: skip
    target = tmp_path / f"picks.{ending}"
    assert main(["recommend", item, "--save", str(target), "--json", *options]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["recommendations"] and target.stat().st_size > 10_000
    assert said.err.endswith(f"saved as {target}\n")
    if ending == "png":
        assert decode(target.read_bytes()).std() > 10  # there are photos
        assert main(["recommend", item, "--save", str(tmp_path / "picks.ps"), *options]) == 1
        said = capsys.readouterr()
        assert "--save with a file that ends in .png, .svg or .pdf; found" in said.err and not said.out
        assert main(["recommend", item, "color=red", *options]) == 1
        assert "found 'color=red'. Write a filter as --where color=red." in capsys.readouterr().err
        assert main(["recommend", item, "--save", str(tmp_path / "no/picks.png"), *options]) == 1
        assert "No such file" in capsys.readouterr().err


def test_figures_show_photos_words_and_reasons(shop, item):
    red = shop.recommend(item, where="colour=red")
    for picks in (shop.recommend(item), shop.recommend(words="red dress", k=15), red):
        before, there = dict(matplotlib.rcParams), plt.get_fignums()
        figure = picks.show()
        assert dict(matplotlib.rcParams) == before, "a figure leaves the user's style alone"
        texts = "\n".join(text.get_text() for axes in figure.axes for text in axes.texts)
        assert "kind" in texts and picks.table["colour"][0] in texts
        assert sum(len(axes.images) for axes in figure.axes) == min(len(picks), 12) + (picks.query.row is not None)
        assert plt.get_fignums() == there, "a notebook would show an open figure twice"


def test_nothing_left_is_said_in_each_form(shop, work, item):
    only = work.items().groupby(["colour", "category"])["item"].first()
    picks = shop.recommend(item, where={"item": item})
    assert len(picks) == 0 and len(only)
    assert "no other item matches the filter" in repr(picks) and "no other item" in picks._repr_html_()
    assert picks.to_dict()["recommendations"] == [] and picks.show().axes


def test_html_is_escaped_and_holds_small_pictures(shop, item):
    html = shop.recommend(item)._repr_html_()
    assert html.count("data:image/jpeg;base64,") == 7 and len(html) < 200_000
    assert "Tiny &lt;b&gt;shop&lt;/b&gt;" in html and "<b>shop" not in html
    sly = shop.recommend(photo=shop.photos[item])
    object.__setattr__(sly.query, "title", '"><script>alert(1)</script>')
    sly.table["item"] = sly.table["reasons"] = "<img src=x onerror=alert(1)>"
    assert "<script" not in sly._repr_html_() and "<img src=x" not in sly._repr_html_()


def test_html_without_photos_keeps_the_words(tiny, work, folders, item, tmp_path):
    empty = tmp_path / "moved"
    empty.mkdir()
    shutil.copy(tiny / "clothes/annotation.txt", empty)
    study = Study(tiny / "tiny.toml", data=empty, **folders)
    picks = study.recommend(item)
    assert "<img" not in picks._repr_html_() and picks.table["item"][0] in picks._repr_html_()
    with pytest.raises(PhotoError, match=r"expected the file .* found none of that name.* Correct the name"):
        picks.show()


def test_a_photo_asks_by_path_bytes_and_array(shop, item, tiny, tmp_path):
    data = shop.photos[item]
    (tmp_path / "my.png").write_bytes(data)
    by = [shop.recommend(photo=photo, words="blue", k=3) for photo in (tmp_path / "my.png", data, decode(data))]
    assert len({tuple(picks.table["item"]) for picks in by}) == 1 and set(by[0].table["colour"]) == {"blue"}
    assert repr(by[0]).startswith("my.png, blue, seen as: blue") or "seen as blue" in repr(by[0])
    assert by[0].photo == data and by[0].show() and by[0]._repr_html_().count("data:image/jpeg") == 4
    for wrong, complaint in [("no.jpg", "No such file"), (b"none", "not an image"), (3.5, "found float")]:
        with pytest.raises(PhotoError, match=complaint):
            shop.recommend(photo=wrong)


def test_wrong_questions_say_what_would_be_right(shop, item):
    for call, complaint in [
        (lambda: shop.recommend(item + "X"), f"near: {item}"),
        (
            lambda: shop.recommend(item, where={"colour": "reed"}),
            "expected a colour of the catalogue; found 'reed'; near: red",
        ),
        (lambda: shop.recommend(item, where={"colur": "red"}), "found 'colur'; near: colour"),
        (lambda: shop.recommend(item, where={"colour": []}), "expected a filter like"),
        (lambda: shop.recommend(item, embedding="lerned"), "Did you mean learned"),
        (lambda: shop.recommend(item, embedding="frozen", colour_weight=0.5), "has no such parts"),
        (lambda: shop.recommend(item, colour_weight=1.5), "from 0 "),
        *[
            (lambda k=k: shop.recommend(item, k=k), f"expected k as a whole number at least 1; found {k!r}")
            for k in (0, "six", 2.5, True)
        ],
        *[
            (lambda options={name: value}: shop.recommend(item, **options), f"from 0 .* to 1.*; found {value!r}")
            for name in ("colour_weight", "looks_weight", "diversity")
            for value in ("x", True, 1.5)
        ],
        (lambda: shop.recommend(item, where=3), "expected filters like .*; found 3"),
        (lambda: shop.recommend(item, embedding=["learned"]), "Did you mean learned"),
        *[
            (lambda words=words: shop.recommend(words=words), "expected words as one string")
            for words in (3, ["red", "dress"])
        ],
        (lambda: shop.recommend(item, like=3), "expected like as a list of items; found 3"),
        (lambda: shop.recommend([item, item]), "expected an item of the catalogue; found"),
        (lambda: shop.recommend(unlike=item), "expected at least one liked item"),
        (lambda: shop.recommend(), "expected an item or a photo, words"),
        (lambda: shop.recommend(item, photo="no.jpg"), "expected an item or a photo"),
        (lambda: shop.recommend(words="qqqq zzzz"), "found 'qqqq'"),
        (lambda: shop.vectors("learnt"), "Did you mean learned"),
        (lambda: shop.photos[item + "X"], f"near: {item}"),
    ]:
        with pytest.raises(QueryError, match=complaint):
            call()
    for ask in (shop.recommend, fashion.recommend):
        with pytest.raises(TypeError, match=r"'color_weight'. Did you mean colour_weight\?"):
            ask(item, color_weight=0.5)
    for ask in (fashion.open, fashion.recommend):  # the latter has an argument more than the study's
        with pytest.raises(TypeError, match=r"catalogue, .*; found 'catalog'. Did you mean catalogue\?"):
            ask(catalog="sample")


def test_one_liked_item_may_be_a_string_and_liked_items_alone_are_a_query(shop, item):
    other = shop.items["item"][5]
    assert shop.recommend(item, like=other).to_dict() == shop.recommend(item, like=[other]).to_dict()
    assert shop.recommend(item, unlike=other).to_dict() == shop.recommend(item, unlike=[other]).to_dict()
    for like in ([item, other], pd.Series([item, other])):
        assert shop.recommend(like=like).to_dict() == shop.recommend(item, like=[other]).to_dict()
    assert item not in set(shop.recommend(like=item).table["item"])


def test_parts_of_a_study_say_what_they_are_in_a_line(shop):
    for part, said in [
        (shop.workspace, r"Workspace\('tiny': .*tiny, report in .*tiny\)"),
        (shop.source, r"FolderSource\('.*clothes'\)"),
        (shop.recommender(), rf"Recommender\({len(shop.items)} items, \d+ dimensions\)"),
        (shop.reader(), r"PhotoReader\(Backbone\(efficientnet-lite0.*\), Recommender\(.*\)\)"),
    ]:
        assert re.fullmatch(said, repr(part))


def test_filters_in_all_their_forms(shop, item):
    forms = [{"color": "red"}, {"colour": ["red"]}, "colour=red", ["colour=ROSSO"], {"Colour": "rosso"}, "color = Red"]
    assert len({tuple(shop.recommend(item, where=where).table["item"]) for where in forms}) == 1
    two = shop.recommend(item, k=30, where={"colour": ("red", "blue"), "category": "dress"})
    assert set(two.table["colour"]) == {"red", "blue"} and set(two.table["category"]) == {"dress"}


# -- opening ------------------------------------------------------------------------------------------------


def test_one_question_to_a_catalogue_by_its_name(root, item):
    picks = fashion.recommend(item, catalogue="sample", k=2)
    assert len(picks) == 2 and picks.catalogue == "sample"
    for wrong, near in [("smaple", "sample"), ("SMAPLE", "sample"), ("data/catalogues/smaple.toml", "sample.toml")]:
        with pytest.raises(CatalogueError, match=rf"found '{wrong}'. Did you mean {near}\?"):
            fashion.recommend(item, catalogue=wrong)


def test_a_catalogue_of_ones_own_is_found_by_its_name_and_told_near(folders, work, item):
    assert fashion.open("tiny", **folders).recommend(item, k=1).catalogue == "tiny"
    with pytest.raises(CatalogueError, match=r"found 'tyny'. Did you mean tiny\?"):
        fashion.open("tyny", **folders)
    for strange in ("../tiny", "", "tiny/", "no.toml"):
        with pytest.raises(CatalogueError, match="expected a catalogue"):
            fashion.open(strange, **folders)


def test_unreported_catalogues_have_their_command(tmp_path, tiny):
    for asked, command in (("imagelab", "imagelab"), (tiny / "tiny.toml", str(tiny / "tiny.toml"))):
        with pytest.raises(ArtefactError, match=f"fashion report --catalogue {command} --processed "):
            fashion.open(asked, processed=tmp_path, reports=tmp_path)


def test_a_run_under_way_answers_what_is_finished(work, tiny, folders, tmp_path, item):
    """As in notebook 02: the table is there, nothing after it."""
    part = tmp_path / "processed/tiny"
    part.mkdir(parents=True)
    for name in ("source.json", "items.parquet"):
        shutil.copy(work.path(name), part)
    now = {"processed": tmp_path / "processed", "reports": tmp_path / "reports"}
    run, study = Run(tiny / "tiny.toml", **now), fashion.open(tiny / "tiny.toml", **now)
    for opened in (run, study):
        assert len(opened.items) == len(work.items()) and opened.source.read(opened.items["photo"][0])
    with pytest.raises(ArtefactError, match="02-embedding"):
        _ = run.network
    with pytest.raises(ArtefactError, match=r"fashion report --catalogue "):
        study.recommend(item)
    assert "not finished" in repr(study)
    whole = Run("tiny", **folders)
    assert whole.source_line == f"{whole.title}: {len(whole.items)} items · efficientnet-lite0-57934424, 96 px"


def test_a_damaged_report_is_refused_as_by_the_command(work, tiny, item, tmp_path):
    shutil.copytree(tiny / "processed/tiny", tmp_path / "processed/tiny")
    shutil.copytree(work.report, tmp_path / "reports/tiny")
    study = fashion.open(tiny / "tiny.toml", processed=tmp_path / "processed", reports=tmp_path / "reports")
    for name, call in [
        ("described.npy", lambda study: study.recommend(item)),
        ("learned.npy", lambda study: study.vectors("learned")),
        ("map.parquet", Study.map),
        ("items.parquet", lambda study: study.items),
    ]:
        path = study.workspace.path(name)
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        with pytest.raises(ArtefactError, match=rf"(?s){name}.*fashion report --catalogue \S*tiny"):
            call(study)
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        study = fashion.open(tiny / "tiny.toml", processed=tmp_path / "processed", reports=tmp_path / "reports")
    assert len(study.recommend(item)) == 6


def test_parts_of_two_reports_are_never_mixed(work, tiny, item, tmp_path):
    shutil.copytree(tiny / "processed/tiny", tmp_path / "processed/tiny")
    study = fashion.open(tiny / "tiny.toml", processed=tmp_path / "processed", reports=tmp_path / "reports")
    before = study.recommend(item).to_dict()
    path = study.workspace.path("attributes.npz")
    path.write_bytes(path.read_bytes())  # as a report that makes it again
    assert study.recommend(item).to_dict() == before, "what is open answers as it did"
    for call in (lambda: study.recommend(item, embedding="learned"), lambda: study.recommend(photo=study.photos[item])):
        with pytest.raises(ArtefactError, match=r"found changed: attributes\.npz. Open it again"):
            call()


def test_moved_photos_are_read_where_they_lie_now(work, tiny, folders, item, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.copytree(tiny / "clothes", moved)
    study = fashion.open("tiny", data=moved, **folders)
    assert study.source.path == moved and study.photos[item]
    own = open_source(tiny / "clothes", "annotation.txt")
    assert study.photos[item] == own.read(study.items["photo"][study.names.row(item)])


def test_a_question_loads_only_what_it_needs(tiny, work, folders, item):
    """The command's speed is that of its imports."""
    command = ["recommend", item, "-c", str(tiny / "tiny.toml")]
    command += ["--processed", str(folders["processed"]), "--reports", str(folders["reports"])]
    code = (
        f"import sys; from fashion.cli.main import main; main({command!r}); "
        "print([m for m in ('sklearn', 'scipy', 'nbformat', 'jsonschema', 'cv2', 'matplotlib', 'tensorflow', "
        "'usearch', 'skimage') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "[]" and out.startswith(item)


@pytest.mark.filterwarnings("ignore:Payload indexes", "ignore:Local mode")
def test_a_search_engine_answers_in_command_and_shop_as_memory_does(tiny, work, item, monkeypatch, capsys):
    """Qdrant as its client's own local mode, by the same commands as a server."""
    qdrant_client = pytest.importorskip("qdrant_client", reason="qdrant-client is not installed")
    from fashion.recommendation import qdrant
    from fashion.web.app import create_app
    from fashion.web.reload import Window

    client, address = qdrant_client.QdrantClient(":memory:"), "http://127.0.0.1:6333"
    monkeypatch.setattr(qdrant, "connect", {address: client}.__getitem__)
    where = ["-c", str(tiny / "tiny.toml"), "--processed", str(tiny / "processed"), "--reports", str(tiny / "reports")]
    assert main(["recommend", item, "--engine", address, *where]) == 1
    said = capsys.readouterr().err
    assert "found none of this catalogue" in said and "fashion export --catalogue tiny" in said
    assert main(["export", "--to", address, *where]) == 0
    assert "fashion serve" in capsys.readouterr().out

    asked = []
    real = client.query_batch_points
    monkeypatch.setattr(client, "query_batch_points", lambda *a, **k: asked.append(a) or real(*a, **k))
    calls = [
        [item, "-k", "9"], [item, "--where", "colour=red", "--colour-weight", "0.9"], [item, "--hide-duplicates"],
        ["--words", "red dress"], [item, "--words", "blue", "--diversity", "0.4"],
    ]  # fmt: skip
    for words in calls:
        answers = []
        for more in ([], ["--engine", address]):
            asked.clear()
            assert main(["recommend", *words, "--json", *where, *more]) == 0
            answers.append(json.loads(capsys.readouterr().out))
            assert bool(asked) == bool(more)
        assert answers[0] == answers[1] and answers[0]["recommendations"]

    pages = [create_app(Window(work, warm=False, engine=e)).test_client() for e in (None, address)]
    for path in (f"/api/v1/similar?id={item}&colour=red&hide=1", "/api/v1/items?q=red+dress", f"/item?id={item}"):
        ours, theirs = (page.get(path).data for page in pages)
        assert ours == theirs, path

    def refused(*_, **__):
        raise ConnectionError("refused")

    monkeypatch.setattr(client, "query_batch_points", refused)
    assert pages[1].get(f"/api/v1/similar?id={item}").status_code == 503


def test_exported_to_parquet_with_photos(tiny, work, tmp_path, capsys):
    where = ["-c", str(tiny / "tiny.toml"), "--processed", str(tiny / "processed"), "--reports", str(tiny / "reports")]
    assert main(["export", "--to", str(tmp_path / "tiny.parquet"), "--photos", *where]) == 0
    assert "embedding-atlas" in capsys.readouterr().out
    table = pd.read_parquet(tmp_path / "tiny.parquet")
    assert len(table) == len(work.items()) and table["x"].notna().all()
    with open(table["filepath"][3], "rb") as file:
        assert table["image"][3]["bytes"] == file.read()
