"""`fashion init` prints why, writes a TOML that the next command takes, and never overwrites one."""

import pytest
from shop_files import photos, rows, write_export, write_table

from fashion.catalogue.definition import load_catalogue
from fashion.cli.main import main


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_init_prints_reasons_and_ten_rows_and_the_next_command(here, capsys):
    data = write_export(here / "in", "italian zip")
    assert main(["init", str(data)]) == 0
    out = capsys.readouterr().out
    for part in (
        "table dati/articoli.csv: text delimited by semicolons, in Windows-1252; 24 rows",
        "item Codice its name says so, 24 different values in 24 rows looked at (A-000, A-001, A-002)",
        "photo foto/{Nome file} 100% of the rows name a file that is there, such as negozio/foto/A-000.jpg",
        "colour Colore its name says so, 100% of its cells are words of colours (ROSSO, BLU, VERDE)",
        "rows 24 read",
        "next make report CATALOGUE=negozio.toml (or: fashion report --catalogue negozio.toml)",
    ):
        assert part in " ".join(out.split())
    assert sum("foto/A-0" in line and "qualità" in line for line in out.splitlines()) == 10
    catalogue = load_catalogue(here / "negozio.toml")
    assert (catalogue.name, catalogue.data) == ("negozio", data)
    assert main(["data", "-c", "negozio.toml"]) == 0
    assert "24 to study" in capsys.readouterr().out


def test_an_existing_toml_is_overwritten_only_by_force(here, capsys):
    data = write_export(here / "in", "photos alone")
    path = here / "mine.toml"
    path.write_text("mine")
    assert main(["init", str(data), "--to", "mine.toml"]) == 1
    assert "expected no file at" in capsys.readouterr().err and path.read_text() == "mine"
    assert main(["init", str(data), "--to", "mine.toml", "--force"]) == 0
    assert load_catalogue(path).table == "(photos)"
    said = capsys.readouterr().out
    assert "No column of categories: recommendations will follow looks and colour alone." in said
    assert main(["init", str(data), "--to", "mine.txt"]) == 1


def test_a_name_that_is_taken_is_changed(here, capsys):
    (here / "sample").mkdir()
    for n, photo in enumerate(photos(rows(10))):
        (here / f"sample/{n}.jpg").write_bytes(photo)
    assert main(["init", "sample"]) == 0
    assert load_catalogue("my-sample.toml").name == "my-sample"
    assert main(["init", "sample", "--name", "Ünfit"]) == 1
    assert "lower-case letters, digits and hyphens" in capsys.readouterr().err


def test_too_few_photos_and_unknown_columns_are_errors(here, capsys):
    (here / "few").mkdir()
    for n, photo in enumerate(photos(rows(3))):
        (here / f"few/{n}.jpg").write_bytes(photo)
    assert main(["init", "few"]) == 1
    assert "expected at least 10 items to study" in capsys.readouterr().err
    write_table(here / "bare.csv", [{"id": n, "kind": "hat"} for n in range(20)])
    assert main(["init", "bare.csv"]) == 1
    said = capsys.readouterr().err
    assert "expected a column of bare.csv that names photos" in said and "found the columns id, kind" in said
    assert not list(here.glob("*.toml"))


def test_rows_that_bring_an_item_further_photos_are_counted(here, capsys):
    assert main(["init", str(write_export(here / "in", "shopify"))]) == 0
    assert "rows     48 read; 24 joined to an item as further photos\n" in capsys.readouterr().out
