"""Checks that two runs with one seed give the same numbers and the same figures."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fashion.catalogue.definition import load_catalogue
from fashion.core.checksums import sha256_file
from fashion.core.console import announce
from fashion.core.errors import ReportError
from fashion.core.provenance import without_timing
from fashion.report.build import build_report
from fashion.report.steps import Settings


def differences(one: Path, other: Path) -> list[str]:
    """Lines on what differs between two reports' numbers (timing aside), lists and figures (byte by byte).

    Parameters
    ----------
    one, other : Path
        Folders of two reports on one catalogue.

    Returns
    -------
    list of str
        Empty when they are equal.
    """
    lines = []
    for pattern in ("results/*.json", "results/*.csv", "figures/*.png", "*.html"):
        names = sorted(
            {p.relative_to(root) for root in (one, other) for p in root.glob(pattern)} - {Path("index.html")}
        )
        for name in names:
            if name.stem == "02-cost":  # it shows measured photos a second
                continue
            first, second = one / name, other / name
            if not (first.is_file() and second.is_file()):
                lines.append(f"{name} is in one report only")
            elif name.suffix == ".json":
                a, b = (without_timing(json.loads(p.read_text(encoding="utf-8"))) for p in (first, second))
                lines += [f"{name}: {line}" for line in _json_differences(a, b, "")]
            elif sha256_file(first) != sha256_file(second):
                lines.append(f"{name} differs")
    return lines


def _json_differences(a: Any, b: Any, where: str) -> list[str]:
    if isinstance(a, dict) and isinstance(b, dict):
        return [
            line for key in sorted({*a, *b}) for line in _json_differences(a.get(key), b.get(key), f"{where}/{key}")
        ]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [
            line for i, (x, y) in enumerate(zip(a, b, strict=True)) for line in _json_differences(x, y, f"{where}/{i}")
        ]
    return [] if a == b else [f"{where} is {a!r} and {b!r}"]


def verify(settings: Settings, *, say: Callable[[str], None] = announce) -> int:
    """Run the report twice in fresh folders and compare; returns the number of results and figures compared.

    Raises
    ------
    ReportError
        Lists what differs, and keeps both reports for a look.
    """
    name = load_catalogue(settings.catalogue).name
    root = Path(tempfile.mkdtemp(prefix="fashion-verify-"))
    reports = []
    for run in ("first", "second"):
        say(f"-- {run} run")
        build_report(settings, processed=root / run / "processed", reports=root / run / "reports", say=say)
        reports.append(root / run / "reports" / name)
    lines = differences(*reports)
    if lines:
        raise ReportError(
            f"expected two runs with seed {settings.seed} to agree; found {len(lines)} differences:\n  "
            + "\n  ".join(lines[:40])
            + f"\nCompare the two reports, which are kept in {root}."
        )
    count = sum(len(list(reports[0].glob(pattern))) for pattern in ("results/*.json", "figures/*.png"))
    say(f"equal: {count} results and figures of two runs with seed {settings.seed}")
    shutil.rmtree(root)
    return count
