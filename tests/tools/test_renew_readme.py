"""README's table comes from the report, and README says what is there."""

import json
import re

import pytest

from fashion.core.checksums import sha256_file
from fashion.core.errors import ReportError
from fashion.core.paths import project_root
from fashion.core.workspace import Workspace
from tools.renew_readme import BEGIN, END, IMAGES, measures_of, renew_readme, results_table, with_table
from tools.renew_readme import NUMBERS as COMMITTED

README = (project_root() / "README.md").read_text(encoding="utf-8")


def share(mean):
    return {"mean": mean, "low": mean - 0.01, "high": mean + 0.01}


ROWS = [
    {
        "method": m,
        "department": share(d),
        "category": share(d / 2),
        "colour": share(0.2),
        "category and colour": share(0.1),
    }
    for m, d in [("random", 0.1), ("learned", 0.9)]
]
NUMBERS = {
    "k": 6,
    "precision_at_k": ROWS,
    "precision_at_k_unseen_gallery": ROWS[:1],
    "unseen_gallery_items": 1234,
    "source_line": "Sample: 5 items",
    "protocol": "Two queries.",
}


def test_table():
    text = results_table(NUMBERS)
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
        for place, (measure, column) in enumerate(measures_of(6))
    ]
    text = results_table(NUMBERS | {"measures": rows})
    assert "| learned, catalogue's words known | 0.000 | 0.100 | 0.200 | 0.300 | 0.400 |" in text
    assert "mean average precision at R (MAP@R)" in text and text.endswith("Two queries.")
    lacking = [row for row in rows if row["measure"] != "Success@1"]
    assert "| random | - | 0.100 |" in results_table(NUMBERS | {"measures": lacking})


def test_only_the_marked_part_changes(tmp_path):
    text = f"a\n{BEGIN}\nold\n{END}\nz\n"
    assert with_table(text, "new \\1") == f"a\n{BEGIN}\nnew \\1\n{END}\nz\n"
    with pytest.raises(ReportError, match="expected the marks"):
        with_table("nothing", "new")
    work = Workspace("sample", tmp_path / "p", tmp_path / "r")
    work.write_results("06", NUMBERS)
    (work.report / "figures").mkdir()
    for name in IMAGES:
        (work.report / "figures" / f"{name}.png").write_bytes(name.encode())
    (tmp_path / "README.md").write_text(text)
    (tmp_path / "docs").mkdir()
    renew_readme(work, tmp_path)
    assert "| learned |" in (tmp_path / "README.md").read_text()
    assert sorted(path.stem for path in (tmp_path / "Images").iterdir()) == sorted(IMAGES)


def test_readme_and_images_are_those_of_the_committed_results():
    kept = json.loads((project_root() / COMMITTED).read_text(encoding="utf-8"))
    assert with_table(README, results_table(kept["results"])) == README, "run `make report`, then `make readme`"
    images = {path.stem: sha256_file(path) for path in (project_root() / "Images").glob("*.png")}
    assert images == kept["images"] and set(images) == set(IMAGES)


def test_places_of_the_layout_exist():
    for place in re.findall(r"^\| `([^`<]+)` \|", README, flags=re.MULTILINE):
        assert place.startswith("reports/") or (project_root() / place).exists(), place


def test_readme_holds_a_generated_table():
    table = README.split(BEGIN)[1].split(END)[0]
    assert re.search(r"^\| learned \|( [01]\.\d{3} \[.*\] \|){4}$", table, flags=re.MULTILINE)
