"""The command's pages of help, and what it says when something is wrong."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from conftest import draw, jpeg
from shop_files import photos, rows, write_shop, write_table

import fashion
from fashion.catalogue.sample.make import make_sample, read_sources
from fashion.catalogue.sample.plan import plan_sample
from fashion.catalogue.translation import english_of
from fashion.cli.data import values_in_short
from fashion.cli.main import build_parser, main
from fashion.core.paths import project_root
from fashion.recommendation.reading import Reader
from tools.write_commands_page import subcommands

COMMANDS = list(subcommands(build_parser()))


def help_of(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args([*arguments, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_help_names_every_command(capsys):
    text = help_of(capsys)
    for command in COMMANDS:
        assert re.search(rf"^\s+{command}\s+\S", text, flags=re.MULTILINE), command


@pytest.mark.parametrize("command", COMMANDS)
def test_each_page_has_examples_that_parse(capsys, command):
    text = help_of(capsys, command)
    examples = re.findall(r"^  fashion (.+)$", text.split("examples:")[1], flags=re.MULTILINE)
    assert examples
    for example in examples:
        parsed = build_parser().parse_args(shlex.split(example))
        assert parsed.command == command


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["report", "--limit", "0"], "at least 1; found '0'"),
        (["report", "--limit", "many"], "at least 1; found 'many'"),
        (["report", "--limit", "5", "--first", "5"], "expected limit or first, not both; found 5 and 5"),
        (["report", "--backbone", "vgg"], "or a path; found 'vgg'"),
        (["recommend", "--diversity", "2"], "from 0 to 1; found '2'"),
        (["add"], "error: expected --data; found none. See `fashion add --help`."),
        (["compare"], "error: expected REPORT; found none."),
        (["report", "--seed"], "error: argument --seed: expected one argument; found none."),
        (["recomend", "a1"], "error: argument COMMAND: expected one of init, report, "),
        (["recomend", "a1"], "verify; found 'recomend'. Did you mean recommend?"),
        (["report", "--limt", "5"], "that `fashion report --help` lists; found --limt 5. Did you mean --limit?"),
        (["recommend", "a1", "--colr", "1"], "Did you mean --colour-weight?"),
        (["recommend", "a1", "--embeding", "frozen"], "Did you mean --embedding?"),
        (["report", "--s", "1"], "error: expected one of --size, --seed; found --s."),
        (
            ["recommend", "a1", "--json=1"],
            "error: argument --json: expected no value; found '1'. See `fashion recommend",
        ),
        (["it's"], """verify; found "it's".\n"""),
        (["a\\b"], r"verify; found 'a\\b'."),
        (["deck", "a1", "b 2"], "lists; found a1 'b 2'.\n"),
        (["report", "--", "x"], "lists; found -- x.\n"),
        (["report", "sample.toml"], "lists; found sample.toml. Did you mean --catalogue sample.toml?"),
        (["report", "sample"], "lists; found sample. Did you mean --catalogue sample?"),
        (["data", "smaple"], "lists; found smaple. Did you mean --catalogue sample?"),
        (["report", "--backbone", "resnet"], "Did you mean resnet50?"),
    ],
)
def test_wrong_arguments(capsys, arguments, complaint):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2 and complaint in capsys.readouterr().err


def test_bare_command_lists_the_commands_and_version_is_the_packages(capsys):
    assert main([]) == 0
    text = capsys.readouterr().out
    assert all(re.search(rf"^\s+{command}\b", text, flags=re.MULTILINE) for command in COMMANDS)
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0 and capsys.readouterr().out == f"fashion {fashion.__version__}\n"


def test_examples_name_items_that_the_sample_has():
    """Every name in the pages of help is looked up in the rows of the sample that a report makes."""
    made = make_sample.__kwdefaults__
    planned, _ = plan_sample(read_sources()[1], made["seed"], made["count"])
    text = "".join(parser.format_help() for parser in build_parser().commands.values())
    names = set(re.findall(r"\b\d{8}[A-Z]{3}\b", text))
    assert names and names <= {row[0].removesuffix(".jpg") for row in planned}


def test_examples_in_words_fit_the_sample():
    made = make_sample.__kwdefaults__
    rows = [[word.strip() for word in row] for row in plan_sample(read_sources()[1], made["seed"], made["count"])[0]]
    columns = {"colour": 1, "category": 2, "department": 3}
    items = pd.DataFrame({c: [english_of(row[at], c) or row[at] for row in rows] for c, at in columns.items()})
    reader = Reader(items.assign(item=[row[0] for row in rows]))
    examples = re.findall(r'--words "([^"]+)"', build_parser().commands["recommend"].format_help())
    readings = [reader.read(example) for example in examples]
    assert readings and not [reading.notes for reading in readings if reading.notes or reading.texts]
    assert any(reading.barred for reading in readings)


def test_wrong_catalogue_and_data_are_errors_without_a_traceback(tmp_path, capsys):
    assert main(["data", "-c", "imagelap"]) == 1
    error = capsys.readouterr().err
    assert "expected a catalogue, one of" in error and "Did you mean imagelab?" in error
    assert main(["data", "-c", "imagelab", "--data", str(tmp_path / "no.zip")]) == 1
    error = capsys.readouterr().err
    assert "found nothing" in error and "University of Modena" in error and "Traceback" not in error


@pytest.mark.parametrize("prefix", ["similar", "/similar", "similar/", "//similar/"])
def test_a_prefix_and_an_origin_have_one_form(prefix):
    given = build_parser().parse_args(["serve", "--prefix", prefix, "--allow-origin", "https://shop.example/"])
    assert (given.prefix, given.allow_origin) == ("/similar", ["https://shop.example"])
    assert build_parser().parse_args(["serve", "--prefix", "/"]).prefix == ""


def test_data_counts_what_is_there(small_folder, capsys):
    (missing := small_folder / "images/10000003AAF.jpg").rename(small_folder / "moved.jpg")
    try:
        assert main(["data", "-c", "imagelab", "--data", str(small_folder)]) == 0
    finally:
        (small_folder / "moved.jpg").rename(missing)
    text = capsys.readouterr().out
    assert "48 rows" in text and "47 of 48 found, missing e.g. images/10000003AAF.jpg" in text
    assert "4 colour words, 3 category words, 3 department words" in text


def test_strict_resnet50_without_weights_ends_soon_and_says_how(small_folder, tmp_path):
    """The whole command, in a home without Keras's cache and with an address that refuses."""
    environment = os.environ | {
        "HOME": str(tmp_path), "KERAS_HOME": str(tmp_path / "keras"), "FASHION_RESNET50_URL": "http://127.0.0.1:9/w.h5",
    }  # fmt: skip
    command = [sys.executable, "-m", "fashion.cli.main", "embed", "-c", "imagelab", "--data", str(small_folder)]
    command += ["--backbone", "resnet50", "--processed", str(tmp_path / "p"), "--reports", str(tmp_path / "r")]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=project_root(), timeout=120)
    assert ended.returncode == 1
    assert "WEIGHTS=" in ended.stderr and "Traceback" not in ended.stderr
    assert "runs, as" not in ended.stdout, "it is known before the first step"


def test_weights_that_are_not_there_are_known_before_the_first_step(small_folder, tmp_path, capsys):
    arguments = ["report", "-c", "imagelab", "--data", str(small_folder), "--weights", str(tmp_path / "no.h5")]
    assert main([*arguments, "--processed", str(tmp_path / "p"), "--reports", str(tmp_path / "r")]) == 1
    output = capsys.readouterr()
    assert "no.h5; found nothing" in output.err and "runs" not in output.out


def test_data_without_any_photo_fails(tmp_path, capsys):
    (tmp_path / "annotation.txt").write_text(
        "filename\tcolor\tmicro_category\tmacro_category\na.jpg\tROSSO\tPOLO\tTOPWEAR\n"
    )
    assert main(["data", "-c", "imagelab", "--data", str(tmp_path)]) == 1
    assert "expected photos such as 'images/a.jpg'" in capsys.readouterr().err


SHOP = """
name = "mine"
title = "Mine"
[source]
data = "."
table = "t.csv"
photos = "{id}.jpg"
[columns]
item = "id"
category = "kind"
department = "group"
[cleaning]
drop_departments = ["toys"]
"""


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["1,top"], "expected the columns id, kind, group"),
        (["id,kind,group"], "expected at least one row under the header in .*; found none"),
        (["id,kind,group", "1,top,a,b"], "found none; 1 rows are malformed, the first: row 1, line 2: 4 fields"),
        (["id,kind,group", "1,,a", "2,,a"], "expected at least 1 items.* 2 × null row"),
        (["id,kind,group", "1,car,toys"], "expected at least 1 items.* 1 × not a garment"),
        (["id,kind,group", "9,top,a"], "expected photos such as '9.jpg'.* found none"),
        (
            ["id,kind,group", "1,car,toys", "9,top,a"],
            "expected at least 1 items.* 1 × missing photo, first: row 2, 9.jpg",
        ),
    ],
)
def test_data_ends_with_an_error_when_nothing_is_left(tmp_path, capsys, lines, said):
    (tmp_path / "mine.toml").write_text(SHOP)
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "1.jpg").write_bytes(b"photo")
    assert main(["data", "-c", str(tmp_path / "mine.toml")]) == 1
    assert re.search(said, " ".join(capsys.readouterr().err.split()))


def test_data_names_malformed_rows(tmp_path, capsys):
    (tmp_path / "mine.toml").write_text(SHOP)
    rows = [f"{n},{'top' if n % 2 else 'bag'},a" for n in range(1, 9)]
    rows[3] = '4,"bag,a'
    (tmp_path / "t.csv").write_text("\n".join(["id,kind,group", *rows]) + "\n")
    (tmp_path / "1.jpg").write_bytes(jpeg(draw("VESTITO", (200, 30, 30), 1)))
    assert main(["data", "-c", str(tmp_path / "mine.toml")]) == 0
    said = capsys.readouterr().out
    assert "7 rows, 1 malformed" in said and "row 4: line 5: a quotation mark begins a cell" in said


def test_data_says_what_each_column_was_understood_as(tmp_path, capsys):
    toml = write_shop(tmp_path, count=24, delimiter=";", encoding="cp1252")
    (tmp_path / "clothes/images/1003.jpg").rename(tmp_path / "clothes/images/1003.JPG")
    (tmp_path / "clothes/images/1004.jpg").unlink()
    (tmp_path / "clothes/images/1000.jpg").write_bytes(b"photo")
    assert main(["data", "-c", str(toml)]) == 0
    said = capsys.readouterr().out.splitlines()[1:]
    assert [" ".join(line.split()) for line in said] == [
        "table items.csv: text delimited by semicolons, in Windows-1252; 24 rows, 0 malformed",
        "column item id 24 different: 1000, 1001, 1002, ...",
        "column colour colour 4 words: rosso 6, blu 6, verde 6, nero 6",
        "column category kind 3 words: ballerina 8, vestito 8, pantaloni 8",
        "column department group 3 words: calzature 8, vestiti 8, pantaloni 8",
        "column title title 20 different: Tè «1», 5 €, Tè «2», 5 €, Tè «3», 5 €, ...; 4 missing",
        "unused price",
        "photos 23 of 24 found, 1 by a name that looks equal or has a suffix, missing e.g. images/1004.jpg",
        "rows 24 to study",
        "words 4 colour words, 3 category words, 3 department words: kept as they are",
        "terms",
        "opened 20 of the photos: 19 are whole; the first that is not: not an image: 'images/1000.jpg' starts with the "
        "bytes b'photo'",
    ]


def test_data_on_photos_in_a_column(tmp_path, capsys):
    items = [
        row | {"image": {"bytes": photo if n else None, "path": None}}
        for n, (row, photo) in enumerate(zip(rows(6), photos(rows(6)), strict=True))
    ]
    toml = write_shop(tmp_path, "train-*.parquet", count=6)
    shutil.rmtree(tmp_path / "clothes")
    write_table(tmp_path / "clothes/train-0.parquet", items)
    assert main(["data", "-c", str(toml)]) == 0
    said = capsys.readouterr().out
    assert "train-*.parquet: Parquet; 6 rows" in said and "photos  in the column image.bytes" in said
    assert "6 of the photos: 5 are whole; the first that is not: missing: there is no" in said
    write_table(tmp_path / "clothes/train-0.parquet", [row | {"image": {"bytes": b"no", "path": ""}} for row in items])
    assert main(["data", "-c", str(toml)]) == 1
    assert "expected photos that can be read" in capsys.readouterr().err


def test_values_in_short():
    assert values_in_short(["", ""]) == "nothing; 2 missing"
    assert values_in_short(["a"]) == "1 different: a"
    assert values_in_short(["a", "a"]) == "1 word: a 2"
    assert values_in_short([*"abcdefghij"] * 2).endswith("e 2, ...")
    assert values_in_short(["x" * 99]) == f"1 different: {'x' * 29}…"


def test_make_stops_at_a_failure_with_the_commands_error():
    ended = subprocess.run(
        ["make", "report", "CATALOGUE=no-such-shop"], capture_output=True, text=True, cwd=project_root()
    )
    assert ended.returncode != 0 and "expected a catalogue" in ended.stderr


def test_module_runs_as_a_script():
    assert Path(sys.executable).with_name("fashion").exists()


@pytest.mark.parametrize("command", ["report", "embed", "verify"])
def test_a_size_reaches_the_settings(command):
    from fashion.cli.options import read_settings

    assert read_settings(build_parser().parse_args([command, "--size", "96"])).size == 96
    assert read_settings(build_parser().parse_args([command])).size is None
