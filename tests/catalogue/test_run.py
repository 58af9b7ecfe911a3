"""A notebook's run is opened by places as seen from the project, wherever the notebook lies."""

import pytest
from conftest import TOML

from fashion.catalogue.run import Run
from fashion.core.errors import CatalogueError
from fashion.report import steps


def test_what_the_similarity_weighs_reaches_later_notebooks_keys(tmp_path, small_folder):
    """Notebooks 03 and 06 read it from source.json, whose content is in their keys."""
    sums = set()
    for place, table in enumerate(("", "[similarity]\ncolumns = []\n", '[evaluation]\nheld_out = ["title"]\n')):
        text = TOML.replace("[source]", f"{table}[source]").replace("[columns]", '[columns]\ntitle = "color"')
        (tmp_path / "shop.toml").write_text(text, encoding="utf-8")
        run = Run(tmp_path / "shop.toml", processed=tmp_path / f"{place}", reports=tmp_path / "r", data=small_folder)
        run.write_place(run.open_data(), colour_was_measured=False, near_duplicates={}, swatches={"red": "#d33a37"})
        sums.add(steps._input_checksum(run.workspace, "source.json"))
    assert Run(run.workspace).swatches == {"red": "#d33a37"}
    assert len(sums) == 3 and run.workspace.json("source")["held_out"] == ["title"]


def test_a_toml_beside_the_notebook_does_not_stand_for_the_projects(tmp_path, monkeypatch):
    for place, name in ((tmp_path, "mine"), (tmp_path / "checkout", "other")):
        (place / "notebooks").mkdir(parents=True)
        (place / "shop.toml").write_text(TOML.replace('name = "tiny"', f'name = "{name}"'), encoding="utf-8")
    monkeypatch.setenv("FASHION_ROOT", str(tmp_path / "checkout"))
    monkeypatch.chdir(tmp_path / "checkout/notebooks")
    folders = {"processed": tmp_path / "p", "reports": tmp_path / "r"}
    assert Run.in_project("../shop.toml", **folders).name == "mine"
    monkeypatch.chdir(tmp_path)
    assert Run.in_project("shop.toml", **folders).name == "other"
    with pytest.raises(CatalogueError, match=r"found .*none\.toml"):
        Run.in_project("none.toml", **folders)
