"""Faults of the machine: a full disk, a folder that cannot be written to, two runs at once, the clock, odd names.

Each ends in a clear error or as if nothing had happened, with nothing lost. What takes minutes is in kills.py.
"""

import errno
import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import TOML, draw, jpeg, lend
from plain import photo_metadata
from small_notebooks import notebook

from fashion.attributes import checkpoint
from fashion.catalogue import cleaning, table, translation
from fashion.catalogue.definition import load_catalogue, open_catalogue
from fashion.cli.main import main
from fashion.core.checksums import fingerprint, sha256_file
from fashion.core.disk import in_words
from fashion.core.errors import ReportError
from fashion.core.files import write_whole
from fashion.core.locking import only_one
from fashion.core.workspace import Workspace
from fashion.embedding import runtimes
from fashion.embedding.extraction import EmbeddingStore
from fashion.plots import catalogue as plots_catalogue
from fashion.plots import style
from fashion.report.build import build_report
from fashion.report.runner import run_notebook
from fashion.report.steps import STEPS, Settings, read_state, stale_because

pytestmark = pytest.mark.usefixtures("fresh_kernels")


def mount(*arguments):
    """Mount, or skip: only root may, and not in every container."""
    if os.geteuid():
        pytest.skip("needs root, to mount a small disk")
    ended = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True)
    if ended.returncode:
        pytest.skip(f"this machine does not let root mount: {ended.stderr.strip()}")


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", folder)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def read_only(folder):
    """The folder as a file system that takes no writes, which holds for root too."""
    mount("--bind", folder, folder)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


# -- a full disk -----------------------------------------------------------------------------------------
BIG = np.random.default_rng(0).random((400, 1000))  # 3.2 MB, which nothing packs to less than the disk


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("frozen.npy", lambda w, a: w.write_vectors("frozen", a)),
        ("items.parquet", lambda w, a: w.write_table("items", pd.DataFrame(a, columns=[f"c{i}" for i in range(1000)]))),
        ("selection.npz", lambda w, a: w.write_arrays("selection", {"a": a})),
        ("metrics.json", lambda w, a: w.write_json("metrics", {"a": a})),
    ],
    ids=["npy", "parquet", "npz", "json"],
)
def test_a_full_disk_leaves_the_old_file_and_no_half(small_disk, name, write):
    work = Workspace("mine", small_disk / "p", small_disk / "r")
    write(work, BIG[:2])
    before = sha256_file(work.path(name))
    with pytest.raises(OSError) as error:
        write(work, BIG)
    assert "disk is full" in in_words(error.value)
    assert sha256_file(work.path(name)) == before and [path.name for path in work.processed.iterdir()] == [name]


def test_a_full_disk_under_a_converted_network_is_said_and_leaves_nothing(small_disk):
    openvino = pytest.importorskip("openvino")
    from openvino import opset13 as operations

    asked = operations.parameter([1, 400], np.float32)
    network = openvino.Model(
        [operations.matmul(asked, operations.constant(BIG.astype(np.float32)), False, False)], [asked]
    )
    backbone = SimpleNamespace(name="small", size=96, weights_checksum="0" * 64)
    with pytest.raises(OSError, match="No space left") as caught:
        runtimes.write_converted(small_disk, backbone, network)
    assert "The disk is full" in in_words(caught.value) and list(small_disk.iterdir()) == []


def test_a_full_disk_costs_the_store_no_finished_part(small_disk):
    keys = [f"{number:064x}" for number in range(400)]
    blocks = {"embedding": BIG.astype(np.float32)}
    store = EmbeddingStore(small_disk, "key", {"embedding": 1000})
    store.add(keys[:10], {"embedding": blocks["embedding"][:10]})
    with pytest.raises(OSError):
        store.add(keys[10:], {"embedding": blocks["embedding"][10:]})
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)  # room was made
    again = EmbeddingStore(small_disk, "key", {"embedding": 1000})
    assert len(again) == 10
    again.add(keys[10:], {"embedding": blocks["embedding"][10:]})
    assert np.array_equal(again.gather(keys)["embedding"], blocks["embedding"])


def test_a_notebook_on_a_full_disk_says_so_and_goes_on_when_there_is_room(small_disk, tmp_path):
    code = (
        "import numpy as np\nfrom fashion.core.workspace import Workspace\n"
        f"Workspace('mine', {str(small_disk / 'p')!r}).write_vectors('frozen', np.ones((400, 1000)))"
    )
    path, output = notebook(tmp_path / "a.ipynb", code), tmp_path / "out/a.ipynb"
    with pytest.raises(ReportError, match=r"The disk is full: make room first\..*\n.*same command again"):
        run_notebook(path, output, {})
    assert not output.exists()
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    run_notebook(path, output, {})
    assert output.exists() and (small_disk / "p/mine/frozen.npy").stat().st_size > 1_600_000


def test_a_full_disk_under_the_report_itself(small_disk, capsys, tiny):
    (small_disk / "filler").write_bytes(bytes(1024 * 1024))
    folders = ["--processed", str(small_disk / "p"), "--reports", str(small_disk / "r")]
    assert main(["report", "-c", str(tiny / "tiny.toml"), *folders]) == 1
    assert "No space left on device" in (said := capsys.readouterr().err) and "make room" in said


# -- a folder that cannot be written to ------------------------------------------------------------------
@pytest.mark.slow
def test_a_read_only_folder_is_an_error_to_write_and_none_to_read(work, tiny, tmp_path, capsys):
    shutil.copytree(work.processed, tmp_path / "f/p/tiny")
    shutil.copytree(work.report, tmp_path / "f/r/tiny")
    folders = ["-c", str(tiny / "tiny.toml"), "--processed", str(tmp_path / "f/p"), "--reports", str(tmp_path / "f/r")]
    item = work.items()["item"].iloc[0]
    with read_only(tmp_path / "f"):
        assert main(["report", *folders, "--backbone", "efficientnet-lite0"]) == 1
        said = capsys.readouterr().err
        assert "read-only" in said and "--processed" in said and str(tmp_path / "f/p/tiny/.lock") in said
        assert main(["recommend", item, *folders]) == 0
        assert main(["deck", *folders]) == 1
        said = capsys.readouterr().err
        assert "read-only" in said and "deck" in said
        assert main(["doctor", *folders]) == 1
        assert "not writable" in " ".join(capsys.readouterr().out.split())  # long lines are folded


def test_rights_that_a_user_lacks_are_told_alike(tmp_path, monkeypatch, capsys):
    def refused(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path))

    monkeypatch.setattr("pathlib.Path.mkdir", refused)
    assert main(["report", "--processed", str(tmp_path / "p"), "--reports", str(tmp_path / "r")]) == 1
    assert "owner or permissions" in capsys.readouterr().err


# -- two at once, and the clock --------------------------------------------------------------------------
def everything(*roots):
    return {path: sha256_file(path) for root in roots for path in root.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("shared", ["processed", "reports"])
def test_the_second_report_on_a_folder_is_an_error_and_harms_nothing(work, tiny, tmp_path, capsys, shared):
    before = everything(work.processed, work.report)
    place = {"processed": tmp_path / "p", "reports": tmp_path / "r"} | {shared: tiny / shared}
    folders = [text for name in place for text in (f"--{name}", str(place[name]))]
    with only_one(work):
        assert main(["report", "-c", str(tiny / "tiny.toml"), "--seed", "5", *folders]) == 1
    assert "another report on" in (said := capsys.readouterr().err) and "Wait for it to finish" in said
    assert everything(work.processed, work.report) == before


@pytest.mark.slow
def test_times_of_files_say_nothing(work, tiny, settings, monkeypatch):
    """Files from the future and from long ago, and a clock that stands at its beginning: nothing is done again."""
    files = [path for root in (work.processed, work.report) for path in root.rglob("*") if path.is_file()]
    times = {path: path.stat() for path in files}
    for number, path in enumerate(files):
        when = time.time() + (-1) ** number * 4e8
        os.utime(path, (when, when))
    monkeypatch.setattr(time, "time", lambda: 0.0)
    said = []
    build_report(settings, processed=tiny / "processed", reports=tiny / "reports", say=said.append)
    assert sum("unchanged" in line for line in said) == len(STEPS)
    for path, stat in times.items():
        if path.exists():
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_a_clock_that_goes_back_writes_and_resumes_as_ever(tmp_path, monkeypatch):
    ticks = iter(range(10**6, 0, -1))
    monkeypatch.setattr(time, "time", lambda: float(next(ticks)))
    work = Workspace("mine", tmp_path / "p", tmp_path / "r")
    for value in (1, 2):
        work.write_json("metrics", {"a": value})
    assert work.json("metrics") == {"a": 2}
    checkpoint.forget(tmp_path / "none")


@pytest.mark.slow
def test_photos_that_vanish_or_change_are_noticed(work, tiny, settings, tmp_path):
    """Notebook 01 is then stale, and counts what is missing (test_notebooks); 02 names it (test_embedding)."""
    shutil.copytree(tiny / "clothes", tmp_path / "clothes")
    before = fingerprint(tmp_path / "clothes")
    photo = tmp_path / "clothes/images/10000003AAF.jpg"
    data = photo.read_bytes()
    photo.unlink()
    assert fingerprint(tmp_path / "clothes") != before
    photo.write_bytes(data)
    gone = fingerprint(tmp_path / "clothes")
    assert gone != before, "put back at another time: looked at again, to be sure"
    assert stale_because(work, STEPS[0], read_state(work, STEPS[0]).key) == ""
    assert "changed" in stale_because(work, STEPS[0], gone)


# -- names -----------------------------------------------------------------------------------------------
NAMES = ["a b.jpg", "it's.jpg", '"quoted".jpg', "👗 été.jpg", "$(touch x).jpg", "-rf.jpg", "50% {off}.jpg", "#1?&=.jpg",
         "ends.with.dot..jpg", "x" * 200 + ".jpg"]  # fmt: skip
WRONG = ["../secret.jpg", "..\\secret.jpg", "/etc/passwd", "a/../../secret.jpg", "none\0.jpg", "y" * 300 + ".jpg"]


@pytest.fixture
def oddly(tmp_path):
    """A catalogue whose folder, photos, items and words have names that trip up the careless; its TOML."""
    root = tmp_path / "my “shop” it's $HOME 👗; {x}"
    (root / "clothes/images").mkdir(parents=True)
    (root / "secret.jpg").write_bytes(jpeg(draw("VESTITO", (9, 9, 9), 999)))
    lines = ["filename\tcolor\tmicro_category\tmacro_category"]
    for number, name in enumerate([*NAMES, *(f"plain {n}.jpg" for n in range(60)), *WRONG]):
        if name not in WRONG:
            data = jpeg(draw(("VESTITO", "BALLERINA")[number % 2], (200, number, 30), number))
            (root / "clothes/images" / name).write_bytes(data)
        colour = ('it\'s "red"', "blue & $1 {a $", "👗 rosso", "../green")[number % 4]
        kind = ("a<b>", "50% $x_{ $y", "'; drop")[number % 3]
        lines.append(f"{name}\t{colour}\t{kind}\t../dep “{number % 2}”")
    (root / "clothes/annotation.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    toml = root / "my tiny.toml"
    toml.write_text(TOML.replace('language = "it"', 'language = "en"'), encoding="utf-8")
    return toml


def test_odd_names_are_read_and_none_leads_out(oddly):
    catalogue = load_catalogue(oddly)
    source = open_catalogue(catalogue)
    rows, malformed = table.read_table(catalogue, source)
    assert malformed.empty and rows["item"].tolist()[0] == "a b"
    metadata = photo_metadata(source, rows["photo"])
    bad = dict(zip(metadata["photo"], metadata["problem"], strict=True))
    assert [name for name, problem in bad.items() if problem] == list(
        dict.fromkeys(f"images/{name}".replace("\0", "").replace("\\", "/") for name in WRONG)
    )
    for name in WRONG[:2] + WRONG[3:4]:
        assert "leads out" in bad[f"images/{name}".replace("\\", "/")]
    step = cleaning.drop_photos(cleaning.start(rows, malformed), metadata)
    assert len(step.rows) == len(NAMES) + 60


def test_odd_words_are_drawn(oddly):
    """Two dollar signs in a word are no formula."""
    catalogue = load_catalogue(oddly)
    rows, _ = table.read_table(catalogue, open_catalogue(catalogue))
    items = translation.translate(rows, language="en").assign(width=1, height=1, bytes=1)
    assert {"50% $x_{ $y", "a<b>", "'; drop"} == set(items["category"])
    style.use_style()
    figure = plots_catalogue.counts_by_category(items, "$5 and {$6}")
    write_whole(oddly.parent / "figure.png", figure.savefig)
    assert (oddly.parent / "figure.png").stat().st_size > 1000


@pytest.mark.slow
def test_a_notebook_runs_in_oddly_named_folders(oddly, networks):
    root = oddly.parent
    said = []
    settings = Settings(catalogue=str(oddly), backbone="efficientnet-lite0", size=96)
    build_report(
        settings, processed=lend(networks, root / "p 'q'"), reports=root / 'r "s"', until="01", say=said.append
    )
    items = Workspace("tiny", root / "p 'q'", root / 'r "s"').items()
    assert set(items["item"]) >= {"a b", "it's", '"quoted"', "👗 été", "-rf"} and len(items) == len(NAMES) + 60
    assert not (root / "x").exists()


# -- a long table ----------------------------------------------------------------------------------------
def test_a_long_table_takes_time_in_proportion(tmp_path, imagelab):
    """30,000 rows; a million is measured in docs/trust.md. Seconds of this process, not of the wall."""
    words = {column: translation.load_glossary(column)["word"].tolist() for column in translation.GLOSSARIES}
    lines = ["filename\tcolor\tmicro_category\tmacro_category"]
    for n in range(30_000):
        row = [words[c][n * 7 % len(words[c])] for c in ("colour", "category", "department")]
        lines.append("\t".join([f"{n - (n % 500 == 2)}.jpg", "" if n % 100 == 0 else row[0], *row[1:]]))
    (tmp_path / "annotation.txt").write_text("\n".join(lines), encoding="utf-8")
    source = open_catalogue(imagelab, tmp_path)
    translation.translate(pd.DataFrame({"colour": ["ROSSO"]}))  # swifter is loaded by now
    begin = time.process_time()
    step = cleaning.start(*table.read_table(imagelab, source))
    step = cleaning.drop_duplicate_rows(cleaning.drop_null_rows(step, ["item", "colour", "category", "department"]))
    step.rows = translation.translate(step.rows)
    assert time.process_time() - begin < 6
    counts = step.rejected["reason"].value_counts().to_dict()
    assert counts == {"null row": 300, "duplicate item": 60} and len(step.rows) == 29_640
