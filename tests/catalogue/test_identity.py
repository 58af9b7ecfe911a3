"""Two TOMLs of one name never answer for each other; the same TOML moved still does."""

import json
import shutil

import pytest

from benchmarks.__main__ import main as benchmarks
from fashion.catalogue.definition import load_catalogue
from fashion.catalogue.identity import OWNER, open_workspace, take
from fashion.catalogue.toml_keys import OWN_FOLDERS
from fashion.cli.main import main
from fashion.core.checksums import sha256_bytes
from fashion.core.errors import CatalogueError
from fashion.core.files import write_json

TOML = """
name = "mine"
title = "Mine"
[source]
data = "clothes"
table = "t.csv"
photos = "{id}.jpg"
[columns]
item = "id"
category = "kind"
"""


def shop(folder, table="id,kind\n1,top\n", text=TOML):
    (folder / "clothes").mkdir(parents=True)
    (folder / "clothes/t.csv").write_text(table)
    (folder / "mine.toml").write_text(text)
    return folder / "mine.toml"


@pytest.fixture
def opened(tmp_path):
    """Opens a TOML in the same folders as all others; with `made`, as a run that read its table."""

    def open_it(toml, made=False):
        entry = load_catalogue(toml)
        work = open_workspace(entry, tmp_path / "processed", tmp_path / "reports")
        if made:
            take(work, entry)
            table = entry.data / entry.table
            write_json(work.path("source.json"), {"table_sha256": sha256_bytes(table.read_bytes())})
        return work

    return open_it


def test_another_catalogue_of_the_name_is_refused_with_both_paths(tmp_path, opened):
    a, b = shop(tmp_path / "a"), shop(tmp_path / "b", text=TOML.replace("Mine", "Other"))
    opened(a, made=True)
    for _ in range(2):
        with pytest.raises(CatalogueError, match="Give one of them another `name`") as caught:
            opened(b)
        assert str(a) in str(caught.value) and str(b) in str(caught.value)
    opened(a)


def test_only_the_report_folder_is_shared(tmp_path, opened):
    a, b = shop(tmp_path / "a"), shop(tmp_path / "b", text=TOML.replace("Mine", "Other"))
    opened(a, made=True)
    with pytest.raises(CatalogueError, match="another one"):
        open_workspace(b, tmp_path / "elsewhere", tmp_path / "reports")
    open_workspace(b, tmp_path / "elsewhere", tmp_path / "too")


def test_edited_at_its_place_is_the_same(tmp_path, opened):
    a = shop(tmp_path / "a")
    opened(a, made=True)
    a.write_text(TOML.replace("Mine", "Mine, renewed"))
    (tmp_path / "a/clothes/t.csv").write_text("id,kind\n2,skirt\n")
    opened(a)


def test_moved_alone_with_its_data_and_through_a_link(tmp_path, opened):
    a = shop(tmp_path / "a")
    opened(a, made=True)
    (tmp_path / "link").symlink_to(tmp_path / "a", target_is_directory=True)
    opened(tmp_path / "link/mine.toml")
    shutil.move(tmp_path / "a", tmp_path / "moved")
    opened(tmp_path / "moved/mine.toml")
    shutil.move(tmp_path / "moved/mine.toml", tmp_path / "alone.toml")
    opened(tmp_path / "alone.toml")
    (tmp_path / "alone.toml").write_text("# a remark\n" + TOML)
    opened(tmp_path / "alone.toml")


def test_moved_and_edited_is_known_by_its_table(tmp_path, opened):
    a = shop(tmp_path / "a")
    opened(a, made=True)
    shutil.move(tmp_path / "a", tmp_path / "moved")
    toml = tmp_path / "moved/mine.toml"
    toml.write_text(TOML.replace("Mine", "Mine, renewed"))
    opened(toml)
    (tmp_path / "moved/clothes/t.csv").write_text("id,kind\n2,skirt\n")
    with pytest.raises(CatalogueError, match="another one"):
        opened(toml)


def test_a_copy_is_the_same_only_with_the_same_data(tmp_path, opened):
    """`data` is relative to the TOML: one text in two folders may be two shops."""
    a = shop(tmp_path / "a")
    opened(a, made=True)
    shutil.copytree(tmp_path / "a", tmp_path / "copy")
    opened(tmp_path / "copy/mine.toml")
    b = shop(tmp_path / "b", table="id,kind\n2,skirt\n")
    with pytest.raises(CatalogueError, match="another one"):
        opened(b)


@pytest.mark.parametrize("data", ["", 'data = "clothes"\n'])
def test_a_template_in_two_folders_is_two_catalogues(tmp_path, opened, data):
    """Both say the same, and the second one's data is not there yet, or is named on the command line."""
    text = TOML.replace('data = "clothes"\n', data)
    a, b = shop(tmp_path / "a"), shop(tmp_path / "b", text=text)
    opened(a, made=True)
    a.write_text(text)
    (tmp_path / "b/clothes").rename(tmp_path / "b/later")
    with pytest.raises(CatalogueError, match="another one"):
        opened(b)


def test_a_name_that_was_given_up_is_free(tmp_path, opened):
    a = shop(tmp_path / "a")
    work = opened(a)
    take(work, load_catalogue(a))  # a run that was stopped before anything was made
    shutil.rmtree(tmp_path / "a")
    opened(shop(tmp_path / "b", table="id,kind\n2,skirt\n", text=TOML.replace("Mine", "Other")))


def test_folders_from_before_name_their_catalogue_too(tmp_path, opened):
    a, b = shop(tmp_path / "a"), shop(tmp_path / "b", text=TOML.replace("Mine", "Other"))
    work = opened(a)
    write_json(work.path("source.json"), {"catalogue_toml": str(a), "table_sha256": "0"})
    with pytest.raises(CatalogueError, match="another one"):
        opened(b)
    shutil.rmtree(work.processed)
    told = {"settings": {"catalogue": str(a)}, "checksums": {"table": "0"}}
    write_json(work.report / "provenance.json", told)
    with pytest.raises(CatalogueError, match="another one"):
        opened(b)
    opened(a)
    for damaged in ("[]", "{", '{"settings": 3}'):
        (work.report / "provenance.json").write_text(damaged)
        opened(b)


def test_a_run_looks_again_when_it_holds_the_folders(tmp_path, opened):
    a, b = shop(tmp_path / "a"), shop(tmp_path / "b", text=TOML.replace("Mine", "Other"))
    late = opened(b)
    opened(a, made=True)
    with pytest.raises(CatalogueError, match="another one"):
        take(late, load_catalogue(b))
    assert json.loads((late.processed / OWNER).read_text())["toml"] == str(a)


@pytest.fixture
def other(tiny, tmp_path):
    """Another catalogue that is called tiny, with a table and photos of its own."""
    shutil.copytree(tiny / "clothes", tmp_path / "clothes")
    text = (tiny / "tiny.toml").read_text().replace("Tiny <b>shop</b>", "Other shop")
    (tmp_path / "tiny.toml").write_text(text)
    return tmp_path / "tiny.toml"


@pytest.mark.parametrize(
    "command",
    [
        ["report"], ["embed"], ["recommend", "10000001AAF"], ["add", "--data", "DATA"], ["serve", "--port", "0"],
        ["deck"], ["export", "--to", "parquet"], ["distribute", "--shared", "DATA"], ["doctor"],
        ["bench", "--quick", "--only", "curve"],
    ],
    ids=lambda command: command[0],
)  # fmt: skip
def test_every_command_refuses_another_catalogue_of_the_name(command, other, tiny, work, tmp_path, capfd):
    before = {path: path.stat().st_mtime_ns for path in work.processed.rglob("*") if path.is_file()}
    folders = ["--processed", str(work.processed_root), "--reports", str(work.report.parent)]
    folders = folders[:2] if command[0] == "distribute" else folders
    words = [str(tmp_path / "clothes") if word == "DATA" else word for word in command]
    given = [*words, "-c", str(other), *folders]
    assert (benchmarks(given[1:]) if command[0] == "bench" else main(given)) == 1
    said = "".join(" ".join(capfd.readouterr()).split())
    assert str(other) in said and str(tiny / "tiny.toml") in said
    assert before == {path: path.stat().st_mtime_ns for path in work.processed.rglob("*") if path.is_file()}


def test_data_refuses_it_by_the_projects_own_folders(other, tiny, work, monkeypatch, capsys):
    init = type(work).__init__
    monkeypatch.setattr(
        type(work), "__init__",
        lambda self, name, processed=None, reports=None, toml="": init(
            self, name, processed or work.processed_root, reports or work.report.parent, toml
        ),
    )  # fmt: skip
    assert main(["data", "-c", str(other)]) == 1
    said = capsys.readouterr().err
    assert str(other) in said and str(tiny / "tiny.toml") in said
    assert main(["data", "-c", str(tiny / "tiny.toml")]) == 0


def test_the_same_toml_moved_answers_and_makes_slides(tiny, work, tmp_path, capsys):
    (tmp_path / "new").mkdir()
    text = (tiny / "tiny.toml").read_text().replace('data = "clothes"', f'data = "{tiny / "clothes"}"')
    moved = tmp_path / "new/moved.toml"
    shutil.copytree(work.processed, tmp_path / "p/tiny")
    shutil.copytree(work.report, tmp_path / "r/tiny")
    for root in ("p", "r"):
        owner = tmp_path / root / "tiny" / OWNER
        gone = json.loads(owner.read_text()) | {"toml": str(tmp_path / "gone.toml")}
        owner.write_text(json.dumps(gone))
    moved.write_text((tiny / "tiny.toml").read_text())
    folders = ["--processed", str(tmp_path / "p"), "--reports", str(tmp_path / "r")]
    assert main(["recommend", "10000001AAF", "-c", str(moved), *folders]) == 0
    assert main(["deck", "-c", str(moved), *folders]) == 0
    moved.write_text(text)  # edited as well: its table says that it is the same
    assert main(["recommend", "10000001AAF", "-c", str(moved), *folders]) == 0
    assert "10000" in capsys.readouterr().out


def test_every_folder_that_catalogues_share_is_no_catalogues_name(work):
    shared = {path.name for path in work.processed_root.iterdir() if path.is_dir()} - {"tiny"}
    assert shared and shared <= OWN_FOLDERS
    assert {path.name for path in work.report.parent.iterdir()} - {"tiny"} <= OWN_FOLDERS
