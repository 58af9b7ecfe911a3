"""README's finding and table, and docs/sample-report, come from the report; README says what is there and is short."""

import base64
import io
import json
import re
from functools import cache

import nbformat
import numpy as np
import pytest
from documents import tables
from PIL import Image

from fashion.core.errors import ReportError
from fashion.core.numerals import decimal
from fashion.core.paths import project_root
from fashion.core.workspace import Workspace
from tools import renew_readme as renew

ROOT = project_root()
README = (ROOT / "README.md").read_text(encoding="utf-8")
HINT = "run `make report`, then `make readme`"


def share(mean):
    return {"mean": mean, "low": mean - 0.01, "high": mean + 0.01}


ROWS = [
    {
        "method": m,
        "department": share(d),
        "category": share(d / 2),
        "colour": share(0.2),
        "category and colour": share(b),
    }
    for m, d, b in [("random", 0.1, 0.004), ("learned", 0.9, 0.1)]
]
SUCCESS = {"gallery": "whole", "measure": "Success@6", "column": "category and colour"}
NUMBERS = {
    "k": 6,
    "best_untrained": "HOG",
    "precision_at_k": ROWS,
    "precision_at_k_unseen_gallery": ROWS[:1],
    "unseen_gallery_items": 1234,
    "source_line": "Sample: 5 items",
    "protocol": "Two queries.",
    "measures": [SUCCESS | {"method": "learned", "mean": 0.925}],
}
IMAGELAB = {"best_untrained": "frozen", "category and colour": {"random": 0.001, "frozen": 0.116}}


def test_readmes_table_has_six_rows_of_four_numbers():
    ((head, *rows),) = tables(renew.readme_table(NUMBERS, IMAGELAB))
    assert len(head) == 5 and len(rows) == 6 and "at least one of six" in head[3]
    assert rows[0] == ["random", "0.4%", "0.4%", "-", "0.1%"] and rows[4] == [
        "**learned network**",
        "10%",
        "-",
        "93%",
        "-",
    ]
    assert rows[2] == ["best without training (sample: HOG; ImageLab: frozen)", "-", "-", "-", "12%"]


def test_readmes_table_names_imagelabs_length_of_lists_where_it_is_another():
    measures = [SUCCESS | {"measure": "Success@4", "method": "learned", "mean": 0.9}]
    ((head, *_),) = tables(renew.readme_table(NUMBERS | {"k": 4, "measures": measures}, IMAGELAB | {"k": 6}))
    assert head[3:] == ["sample, at least one of four", "ImageLab, whole catalogue, lists of six"]
    assert renew.readme_table(NUMBERS, IMAGELAB | {"k": 6}) == renew.readme_table(NUMBERS, IMAGELAB)


def test_full_tables():
    text = renew.results_table(NUMBERS | {"measures": []})
    lines = [line for line in text.splitlines() if line.startswith("|")]
    learned = "| learned | 0.900 [0.890, 0.910] | 0.450 [0.440, 0.460] | 0.200 [0.190, 0.210] | 0.100 [0.090, 0.110] |"
    assert lines[3] == learned and len(lines) == 4 + 3
    assert len({line.count("|") for line in lines}) == 1
    assert "Sample: 5 items" in text and "1,234 items" in text and text.endswith("Two queries.")


def test_table_of_other_measures_has_every_method_and_names_spelled_out():
    rows = [
        {"method": method, "gallery": gallery, "measure": measure, "column": column, "mean": place / 10}
        for method in ("random", "learned, catalogue's words known")
        for gallery in ("whole", "unseen")
        for place, (measure, column) in enumerate(renew.measures_of(6))
    ]
    text = renew.results_table(NUMBERS | {"measures": rows})
    assert "| learned, catalogue's words known | 0.000 | 0.100 | 0.200 | 0.300 | 0.400 |" in text
    assert "mean average precision at R (MAP@R)" in text and text.endswith("Two queries.")
    lacking = [row for row in rows if row["measure"] != "Success@1"]
    assert "| random | - | 0.100 |" in renew.results_table(NUMBERS | {"measures": lacking})


@cache  # every notebook of every test's report has it, and to pack noise is slow
def png(edge=1200):
    held = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (edge, edge, 4), np.uint8)
    Image.fromarray(noise).save(held, "PNG")
    return held.getvalue()


@pytest.fixture
def report(tmp_path):
    """A report of one figure and link a notebook."""
    work = Workspace("sample", tmp_path / "p", tmp_path / "r")
    for folder in ("figures", "notebooks"):
        (work.report / folder).mkdir(parents=True)
    (work.report / "figures/01-a.png").write_bytes(png())
    for step in renew.STEPS:
        more = NUMBERS if step.number == "06" else {"items": 5}
        found = {"findings": [f"Finding {step.number}.", "More."], "key_figures": ["01-a"] * (step.number == "01")}
        work.write_results(step.number, more | found)
        output = nbformat.v4.new_output("display_data", {"image/png": base64.b64encode(png()).decode()})
        cells = [nbformat.v4.new_markdown_cell(f"# {step.number} · Title\nSee the [map](report:05-map.html)."),
                 nbformat.v4.new_code_cell("1", outputs=[output])]  # fmt: skip
        nbformat.write(nbformat.v4.new_notebook(cells=cells), work.report / "notebooks" / f"{step.notebook}.ipynb")
    root = tmp_path / "root"
    (root / "docs").mkdir(parents=True)
    (root / renew.IMAGELAB).write_text(json.dumps(IMAGELAB))
    parts = "\n".join(f"{a}\nold\n{b}" for a, b in map(renew.marks, ("finding", "results")))
    (root / "README.md").write_text(f"top\n{parts}\nend\n")
    return work, root


def test_all_is_renewed_from_a_report(report):
    work, root = report
    renew.renew_readme(work, root, imagelab=work)  # no report of the whole set: its numbers stay
    text = (root / "README.md").read_text()
    assert "old" not in text and "Finding 06." in text and text.startswith("top\n") and text.endswith("end\n")
    assert json.loads((root / renew.IMAGELAB).read_text()) == IMAGELAB
    folder = root / renew.FOLDER
    assert {path.suffix for path in folder.rglob("*") if path.is_file()} == {".md", ".ipynb", ".jpg"}
    kept = json.loads((root / renew.NUMBERS).read_text())
    assert (folder / "README.md").read_text() == renew.sample_report(kept)
    notebook = nbformat.read(folder / "05-map.ipynb", as_version=4)
    assert "[map](README.md)" in notebook.cells[0].source
    data = notebook.cells[1].outputs[0]["data"]
    assert list(data) == ["image/jpeg"]
    assert max(Image.open(io.BytesIO(base64.b64decode(data["image/jpeg"]))).size) == renew.EDGE


def test_a_folder_that_is_too_large_is_an_error(report, monkeypatch):
    work, root = report
    monkeypatch.setattr(renew, "MOST_BYTES", 1000)
    with pytest.raises(ReportError, match="at most 1,000 bytes, as it is in git; found"):
        renew.renew_readme(work, root)
    assert "old" in (root / "README.md").read_text()


def test_imagelabs_numbers_are_those_of_a_whole_report(report, tmp_path):
    work, _ = report
    assert not renew.renew_imagelab(Workspace("imagelab", tmp_path / "p", tmp_path / "r"), tmp_path / "x.json")
    work.write_results("01", {"items": 59_524})
    work.write_results("06", NUMBERS | {"queries": 2})
    assert renew.renew_imagelab(work, tmp_path / "x.json")
    assert json.loads((tmp_path / "x.json").read_text())["category and colour"]["learned"] == 0.1


def test_only_the_marked_part_changes():
    begin, end = renew.marks("results")
    assert renew.with_part(f"a\n{begin}\nold\n{end}\nz\n", "results", "new \\1") == f"a\n{begin}\nnew \\1\n{end}\nz\n"
    with pytest.raises(ReportError, match="expected the marks"):
        renew.with_part("nothing", "results", "new")


# -- what is committed --------------------------------------------------------------------------------------------


def committed(name):
    return json.loads((ROOT / name).read_text(encoding="utf-8"))


def test_readme_and_the_samples_report_are_those_of_the_committed_results():
    kept = committed(renew.NUMBERS)
    assert renew.renewed(README, kept, committed(renew.IMAGELAB)) == README, HINT
    assert (ROOT / renew.FOLDER / "README.md").read_text(encoding="utf-8") == renew.sample_report(kept), HINT
    files = {path.name for path in (ROOT / renew.FOLDER).glob("*.ipynb")}
    assert files == {f"{step.notebook}.ipynb" for step in renew.STEPS}, HINT
    figures = {f"{figure['name']}.jpg" for chapter in kept["chapters"] for figure in chapter["figures"]}
    assert {path.name for path in (ROOT / renew.FOLDER / "figures").iterdir()} == figures, HINT
    size = sum(path.stat().st_size for path in (ROOT / renew.FOLDER).rglob("*") if path.is_file())
    assert size <= renew.MOST_BYTES


def test_imagelabs_numbers_stand_in_decisions_and_guide_too():
    own = committed(renew.IMAGELAB)["category and colour"]
    text = (ROOT / "docs/decisions.md").read_text(encoding="utf-8")
    places = {
        text.split("### ImageLab whole, with today's embedding")[1]: (4, {"learned": "learned, photo alone"}),
        (ROOT / "docs/guide.md").read_text(encoding="utf-8"): (3, {"learned": "learned, photo alone"}),
    }
    for section, (column, names) in places.items():
        for method in ("frozen + histogram", "logistic regression", "learned", "learned, catalogue's words known"):
            name = names.get(method, method)
            line = next(line for line in section.splitlines() if re.match(rf"\| {re.escape(name)}[,|\s]", line))
            said = line.split("|")[column + 1].strip().split(" ")[0]
            assert said == decimal(own[method]).removeprefix("0"), method


def test_the_samples_report_holds_no_path_of_the_machine_that_made_it():
    for path in (ROOT / renew.FOLDER).glob("*.ipynb"):
        text = path.read_text(encoding="utf-8")
        assert str(ROOT) not in text and "/tmp/" not in text and "report:" not in text, path.name


def test_places_of_the_layout_exist():
    guide = (ROOT / "docs/guide.md").read_text(encoding="utf-8")
    places = re.findall(r"^\| `([^`<]+)` \|", guide, flags=re.MULTILINE)
    assert len(places) > 10
    for place in places:
        assert place.startswith("reports/") or (ROOT / place).exists(), place


def test_readme_is_a_screen_and_a_half_with_its_first_command_on_the_first():
    lines = README.splitlines()
    assert len(lines) < 100
    assert next(place for place, line in enumerate(lines) if line.startswith("make report")) < 30
    table = README.split(renew.marks("results")[0])[1].split(renew.marks("results")[1])[0]
    assert len(tables(table)[0]) == 7
    assert len(re.findall(r"\d[\d,.]*%", README)) < 40
