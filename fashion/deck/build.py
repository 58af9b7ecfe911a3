"""Builds the deck from a report and the value model; the same report gives the same bytes."""

from __future__ import annotations

import datetime
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

from fashion.deck import business, study
from fashion.deck.paper import new_deck
from fashion.deck.value import read_inputs
from fashion.errors import ArtefactError
from fashion.workspace import Workspace, write_whole

#: Of every file inside the deck, so that the same content gives the same bytes.
DAY = (1980, 1, 1, 0, 0, 0)


def read_results(workspace: Workspace) -> dict[str, Any]:
    """The report's numbers, by notebook.

    Raises
    ------
    ArtefactError
        When a notebook has not written them yet.
    """
    found = {}
    for number in ("01", "02", "03", "04", "06"):
        path = workspace.report / f"results/{number}.json"
        if not path.is_file():
            raise ArtefactError(
                f"expected {path}, which notebook {number} writes; there is none. Run `make report "
                f"CATALOGUE={workspace.catalogue}` first."
            )
        found[number] = json.loads(path.read_text(encoding="utf-8"))
    return found


def build_deck(workspace: Workspace, value_model: Path | None = None) -> Path:
    """Write reports/<catalogue>/deck.pptx.

    Raises
    ------
    ArtefactError
        When the report is not whole.
    ValueModelError
        When an input of the value model is wrong.
    """
    results, inputs = read_results(workspace), read_inputs(value_model)
    place = workspace.json("source")
    deck = new_deck()
    source = f"{place['title']}, {results['01']['items']:,} items"
    share = {row["method"]: row for row in results["06"]["agreement"]}
    study.title(deck, place["title"], results, share)
    study.problem(deck, source, share)
    study.approach(deck, source, results)
    study.results(deck, source, share, results)
    study.departments(deck, source, results)
    study.examples(deck, source, workspace)
    business.assumptions(deck, inputs)
    business.value(deck, inputs)
    business.what_matters(deck, inputs)
    study.limits(deck, source, results, share)
    business.next_steps(deck, source)
    core = deck.core_properties
    core.author, core.title, core.last_modified_by = "fashion", f"Similar clothes: {place['title']}", "fashion"
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
