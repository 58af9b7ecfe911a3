"""Two or more reports side by side: measures with paired intervals, parameters and provenance that differ, figures."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray

from fashion.core.errors import ReportError, did_you_mean
from fashion.core.escaping import REPORT_POLICY
from fashion.core.files import write_json, write_whole
from fashion.core.numerals import interval, p_value
from fashion.core.workspace import PROVENANCE, Workspace
from fashion.evaluation.protocol import LEAST_P, SIGN_FLIPS
from fashion.evaluation.relevance import BOTH, precision_at_k
from fashion.evaluation.statistics import holm, mean_where_defined, paired_difference
from fashion.evaluation.summary import ALL_FEATURES, FROZEN, LEARNED, SHOWN
from fashion.neighbours.exact import normalise, top_k
from fashion.recommendation.recommender import read_layout
from fashion.report.page import TEMPLATES
from fashion.report.runs import place_of_run
from fashion.report.tables import for_phones

#: Methods that are compared -> their vectors.
METHODS = {ALL_FEATURES: "max_pooled", FROZEN: "frozen", LEARNED: "learned", SHOWN: "described"}

#: Parts of a provenance that differ between any two runs, or that its settings say already.
PASSING = ("seconds", "finished", "parameters", "variables")

#: Figures that are shown beside each other.
FIGURES = ("02-similarity", "06-precision", "06-success", "06-untaught")


@dataclass(frozen=True)
class Compared:
    """One of the reports.

    Attributes
    ----------
    name : str
        As the user named it.
    workspace : Workspace
    """

    name: str
    workspace: Workspace

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """provenance.json.

        Raises
        ------
        ReportError
            When there is no finished report.
        """
        path = self.workspace.report / PROVENANCE
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            depth = len(Path(self.name).parts)  # CATALOGUE, or RUN/CATALOGUE
            root = self.workspace.report.parents[depth - 1]
            there = [each.parent.relative_to(root).as_posix() for each in root.glob("*/" * depth + path.name)]
            raise ReportError(
                f"expected the finished report {self.name} in {self.workspace.report}; found no readable "
                f"{path.name}.{did_you_mean(self.name, there)} Make it first: fashion report."
            ) from error
        return content

    @cached_property
    def items(self) -> pd.DataFrame:
        """The items table."""
        return self.workspace.items()

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """The parameters that notebook 06 was given."""
        given: dict[str, Any] = self.provenance["parameters"]["06-evaluation"]
        return given

    @property
    def k(self) -> int:
        """Recommendations for each query."""
        return int(self.workspace.results("06")["k"])

    @cached_property
    def queries(self) -> NDArray[np.intp]:
        """Rows of the queries of notebook 06: held-out items, the same draw."""
        unseen = np.flatnonzero(self.workspace.split() == "test")
        count = int(self.workspace.results("06")["queries"])
        return np.sort(np.random.default_rng(self.parameters.get("seed", 0)).permutation(unseen)[:count])

    def precision(self, rows: NDArray[np.intp], k: int) -> dict[tuple[str, str], NDArray[np.float64]]:
        """(method, column) -> Precision@k of the queries `rows` in the whole catalogue, as notebook 06 has it."""
        weights = self.workspace.results("06")["weights"]
        layout, columns = read_layout(self.workspace), ["department", "category", "colour"]
        scores: dict[tuple[str, str], NDArray[np.float64]] = {}
        for method, name in METHODS.items():
            gallery = normalise(self.workspace.vectors(name))
            if name in ("learned", "described"):
                queries = normalise(layout.queries(np.asarray(self.workspace.vectors(name)[rows]), weights))
            else:
                queries = gallery[rows]
            nearest = top_k(gallery, k, rows, query_vectors=queries, assume_unit=True)[0]
            precision = precision_at_k(self.items, nearest, rows, columns)
            scores |= {(method, column): precision[column].to_numpy() for column in (*columns, BOTH)}
        return scores


def shared_queries(reports: Sequence[Compared]) -> list[NDArray[np.intp]]:
    """Rows, in each report, of the queries that all of them have, in one order.

    Items are the same where their names and words are.
    """
    sides = []
    for report in reports:
        table = report.items.iloc[report.queries]
        words = table[["item", "category", "colour"]].astype(str).agg("\n".join, axis=1)
        sides.append(pd.Series(report.queries, index=words))
    common = [name for name in sides[0].index if all(name in side.index for side in sides[1:])]
    return [side.loc[common].to_numpy(np.intp) for side in sides]


def compare(reports: Sequence[Compared], seed: int = 0) -> dict[str, Any]:
    """Compare reports with the first of them.

    Parameters
    ----------
    reports : sequence of Compared
        Two or more.
    seed : int
        Of the bootstrap.

    Returns
    -------
    dict
        `reports` (name, line, queries, k), `k`, `shared_queries`, `measures` (each report's Precision@k on the shared
        queries, or on its own where none is shared), `differences` (less the first, paired; empty where no query is
        shared), `provenance` (what differs).

    Raises
    ------
    ReportError
        For fewer than two reports, or one that is not finished.
    """
    if len(reports) < 2:
        raise ReportError(f"expected two or more reports to compare; found {len(reports)}. Name another.")
    provenances = [report.provenance for report in reports]
    k, rows = min(report.k for report in reports), shared_queries(reports)
    paired = bool(len(rows[0]))
    scores = [report.precision(own if paired else report.queries, k) for report, own in zip(reports, rows, strict=True)]
    measures, differences = [], []
    for key in scores[0]:
        about = {"method": key[0], "column": key[1]}
        for report, own in zip(reports, scores, strict=True):
            measures.append(about | {"report": report.name} | mean_where_defined(own[key], seed))
        for report, own in zip(reports[1:], scores[1:], strict=True) if paired else ():
            gain = paired_difference(own[key], scores[0][key], seed, resamples=SIGN_FLIPS)
            differences.append(about | {"report": report.name, "against": reports[0].name} | gain.as_dict())
    for line, p_holm in zip(differences, holm([line["p_value"] for line in differences] or [1.0]), strict=False):
        line["p_holm"] = float(p_holm)
    return {
        "reports": [
            {
                "name": report.name, "line": report.workspace.results("06")["source_line"],
                "queries": len(report.queries), "k": report.k,
            }
            for report in reports
        ],
        "k": k, "shared_queries": len(rows[0]), "measures": measures, "differences": differences,
        "provenance": differing(provenances),
    }  # fmt: skip


def differing(provenances: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The differences between provenances: `key` and its `values`, one a report; None where a report has none.

    Examples
    --------
    >>> differing([{"settings": {"seed": 0, "k": 6}}, {"settings": {"seed": 1, "k": 6}}])
    [{'key': 'settings.seed', 'values': [0, 1]}]
    """
    flat = [dict(_leaves(provenance)) for provenance in provenances]
    keys = list(dict.fromkeys(key for one in flat for key in one))
    rows = [{"key": key, "values": [one.get(key) for one in flat]} for key in keys]
    return [row for row in rows if any(value != row["values"][0] for value in row["values"][1:])]


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if path or key not in PASSING:
                yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


# ---- Pages ----


def reading(result: Mapping[str, Any], column: str = BOTH) -> list[str]:
    """A sentence for each method's difference between the reports, with its interval."""
    if not result["differences"]:
        return ["No query is held out in all of these reports, so differences have no paired intervals."]
    sentences = []
    for line in result["differences"]:
        if line["column"] == column:
            told = interval(line["mean"], line["low"], line["high"], "+")
            verdict = (
                "no significant difference" if line["low"] <= 0 <= line["high"] else "better" if line["mean"] > 0
                else "worse"
            )  # fmt: skip
            sentences.append(f"{line['method']}, {column}: {line['report']} less {line['against']} {told}: {verdict}.")
    return sentences


def _p(p: float, of: Mapping[str, Any]) -> str:
    """A p-value as text for a column whose heading says so; one at the floor of its test is written as below it."""
    return p_value(p, p if of["p_value"] <= LEAST_P else 0.0).removeprefix("p ").removeprefix("= ")


def tables(result: Mapping[str, Any]) -> list[tuple[str, list[str], list[list[str]]]]:
    """The comparison as tables of text: title, header, rows."""
    names = [report["name"] for report in result["reports"]]
    measures = pd.DataFrame(result["measures"])
    rows = []
    for (method, column), group in measures.groupby(["method", "column"], sort=False):
        rows.append([method, column, *map(interval, group["mean"], group["low"], group["high"])])
    title = f"Precision@{result['k']} on the {result['shared_queries']:,} shared queries"
    if not result["shared_queries"]:
        title = f"Precision@{result['k']}, each report on its own queries: none is shared"
    made = [(title, ["method", "label", *names], rows)]
    if result["differences"]:
        lines = [
            [d["method"], d["column"], d["report"], interval(d["mean"], d["low"], d["high"], "+"),
             _p(d["p_value"], d), _p(d["p_holm"], d)]
            for d in result["differences"]
        ]  # fmt: skip
        head = ["method", "label", "report", "difference [95% interval]", "p", "p (Holm)"]
        made.append((f"Less {names[0]}, query by query", head, lines))
    differ = [[row["key"], *("–" if v is None else str(v) for v in row["values"])] for row in result["provenance"]]
    return [*made, ("What differs in parameters and provenance", ["key", *names], differ)]


def as_markdown(result: Mapping[str, Any]) -> str:
    """The comparison as Markdown."""

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(re.sub(r"\s+", " ", cell).replace("|", "\\|") for cell in cells) + " |"

    parts = [f"# {title_of(result)}", "", *(f"- {r['name']}: {r['line']}" for r in result["reports"]), ""]
    parts += [f"- {sentence}" for sentence in reading(result)]
    for title, head, rows in tables(result):
        parts += ["", f"## {title}", "", line(head), line(["---"] * len(head)), *(line(row) for row in rows)]
    return "\n".join(parts) + "\n"


def title_of(result: Mapping[str, Any]) -> str:
    """The comparison's title."""
    return "Compared: " + ", ".join(report["name"] for report in result["reports"])


def write_comparison(reports: Sequence[Compared], folder: Path, seed: int = 0) -> Path:
    """Compare reports, and write index.html, comparison.md and comparison.json.

    Returns
    -------
    Path
        index.html.
    """
    result = compare(reports, seed)
    write_json(folder / "comparison.json", result)
    write_whole(folder / "comparison.md", lambda aside: aside.write_text(as_markdown(result), encoding="utf-8"))
    figures = []
    for name in FIGURES:
        paths = [report.workspace.report / "figures" / f"{name}.png" for report in reports]
        if all(path.is_file() for path in paths):
            captions = [report.workspace.captions()[name] for report in reports]
            linked = [Path(os.path.relpath(path, folder)).as_posix() for path in paths]
            figures.append(list(zip([report.name for report in reports], linked, captions, strict=True)))
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    page = environment.get_template("comparison.html.j2").render(
        title=title_of(result),
        css=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),  # nosec: our own file
        policy=Markup(REPORT_POLICY),  # nosec: our own constant
        reports=result["reports"],
        sentences=reading(result),
        tables=tables(result),
        figures=figures,
    )
    return write_whole(folder / "index.html", lambda aside: aside.write_text(for_phones(page), encoding="utf-8"))


def open_compared(name: str, processed: Path | None = None, reports: Path | None = None) -> Compared:
    """A report by its catalogue's name, or as RUN/CATALOGUE.

    Raises
    ------
    ReportError
        For a name of another form.
    """
    match = re.fullmatch(r"(?:(\w[\w.-]*)/)?(\w[\w.-]*)", name)
    if match is None:
        raise ReportError(
            f"expected a report as CATALOGUE or RUN/CATALOGUE; found {name!r}. Write it like lite1/sample."
        )
    if match[1]:
        processed, reports = place_of_run(match[1], processed, reports)
    return Compared(name, Workspace(match[2], processed, reports))
