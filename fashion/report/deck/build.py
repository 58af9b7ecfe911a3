"""Builds the deck from a report and the value model; the same report gives the same bytes."""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from pathlib import Path

from fashion.core.errors import ArtefactError
from fashion.core.files import write_whole
from fashion.core.workspace import Workspace
from fashion.report.deck import business, pictures, study
from fashion.report.deck.findings import Findings
from fashion.report.deck.slides import finish, plain
from fashion.report.deck.template import new_deck
from fashion.report.deck.value import read_inputs

#: Of every file inside the deck, so that the same content gives the same bytes.
DAY = (1980, 1, 1, 0, 0, 0)


def build_deck(workspace: Workspace, value_model: Path | None = None) -> Path:
    """Write reports/<catalogue>/deck.pptx.

    Raises
    ------
    ArtefactError
        When the report is not whole, or no network was trained.
    ValueModelError
        When an input of the value model is wrong.
    """
    findings, inputs = Findings.of(workspace), read_inputs(value_model)
    if why := findings.results["03"].get("warning", ""):
        raise ArtefactError(
            f"expected a report with a trained network for the slides; found one without. {why} See its page for its "
            f"figures: {workspace.report / 'index.html'}."
        )
    name = str(value_model) if value_model else "data/value-model.toml"
    deck = new_deck()
    pictures.strip(study.opening(deck, findings), findings)
    study.problem(deck, findings)
    pictures.approach(deck, findings)
    study.results(deck, findings)
    study.new_stock(deck, findings)
    study.departments(deck, findings)
    pictures.compared(deck, findings)
    pictures.shown(deck, findings)
    business.assumptions(deck, inputs, name)
    business.value(deck, inputs, name)
    business.sizes(deck, inputs, name)
    business.what_matters(deck, inputs, name)
    study.limits(deck, findings)
    business.next_steps(deck, inputs, name)
    finish(deck)
    core = deck.core_properties
    core.author, core.title, core.last_modified_by = (
        "fashion",
        plain(f"Similar clothes: {findings.place['title']}"),
        "fashion",
    )
    core.subject, core.language = "The business case", "en-GB"
    core.created = core.modified = core.last_printed = datetime.datetime(1980, 1, 1)
    held = io.BytesIO()
    deck.save(held)
    return write_whole(workspace.report / "deck.pptx", lambda aside: aside.write_bytes(_same_bytes(held.getvalue())))


def _same_bytes(data: bytes) -> bytes:
    """The zip with one date for all that is in it, also in the charts' workbooks."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            content = old.read(info)
            if info.filename.endswith(".xlsx"):
                content = _same_bytes(content)
            elif info.filename == "docProps/core.xml":
                content = _undated(content)
            new.writestr(zipfile.ZipInfo(info.filename, DAY), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _undated(content: bytes) -> bytes:
    return re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"1980-01-01T00:00:00Z", content)
