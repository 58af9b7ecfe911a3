"""A notebook's run is opened by places as seen from the project, wherever the notebook lies."""

import pytest
from conftest import TOML

from fashion.catalogue.run import Run
from fashion.core.errors import CatalogueError


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
