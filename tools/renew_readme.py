"""The public part of the sample's report: README's table and docs/sample-report. `make readme`.

No number is written by hand: docs/sample-results.json keeps what the table, the findings and the tables were made from.
"""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from fashion.core.errors import FashionError, ReportError
from fashion.core.files import write_json, write_whole
from fashion.core.numerals import decimal, interval, number_word, percent
from fashion.core.paths import project_root
from fashion.core.workspace import Workspace
from fashion.evaluation.protocol import CEILING, RANDOM
from fashion.evaluation.relevance import BOTH
from fashion.evaluation.summary import FROZEN, LEARNED, LOGISTIC, SHOWN
from fashion.report.notebook_format import import_nbformat
from fashion.report.page import title_of, without_noise
from fashion.report.runner import strip_metadata
from fashion.report.steps import STEPS

if TYPE_CHECKING:
    import nbformat


def marks(part: str) -> tuple[str, str]:
    """The lines of README between which a part is written by this module: `finding` or `results`."""
    return f"<!-- {part}: begin, written by `make readme` -->", f"<!-- {part}: end -->"


#: The numbers and findings behind README's table and docs/sample-report, committed: tests compare them.
NUMBERS = "docs/sample-results.json"
KEPT = (
    "k",
    "source_line",
    "protocol",
    "unseen_gallery_items",
    "best_untrained",
    "precision_at_k",
    "precision_at_k_unseen_gallery",
    "measures",
    "untaught",
    "coverage",
)

#: Numbers of the whole ImageLab set, which `make readme` renews where its report lies beside the sample's.
IMAGELAB = "docs/imagelab-results.json"

#: Items from which a report of ImageLab counts as one of the whole set.
WHOLE_SET = 50_000

#: The sample's report in a form that a forge shows: summary and executed notebooks with small pictures.
FOLDER = "docs/sample-report"

#: Longest side of its pictures, pixels; quality of their JPEGs; bytes of the whole folder.
EDGE, QUALITY, MOST_BYTES = 900, 80, 8_000_000

#: Embedding, as the coverage names it -> the method of the same lists.
EMBEDDINGS = {"frozen": FROZEN, "learned": LEARNED, "described": SHOWN}


def measures_of(k: int) -> dict[tuple[str, str], str]:
    """Columns of the second kind of table: (measure, label) in the report's long table -> words."""
    return {
        ("Success@1", BOTH): "first one right (Success@1)",
        (f"Success@{k}", BOTH): f"at least one of {number_word(k)} right (Success@{k})",
        ("MAP@R", BOTH): "mean average precision at R (MAP@R)",
        (f"nDCG@{k}", "description"): f"near words count in part (graded nDCG@{k})",
        ("rank correlation", "description"): "rank correlation with the description",
    }


# -- README ---------------------------------------------------------------------------------------------------------


def readme_table(numbers: dict[str, Any], imagelab: dict[str, Any]) -> str:
    """README's table: six rows, and the share of recommendations right in both words in four columns.

    Parameters
    ----------
    numbers : dict
        Content of the sample's results/06.json.
    imagelab : dict
        Content of `IMAGELAB`.
    """
    k, other_k = numbers["k"], imagelab.get("k", numbers["k"])
    best, other_best = numbers["best_untrained"], imagelab["best_untrained"]
    named = best if best == other_best else f"sample: {best}; ImageLab: {other_best}"
    whole, unseen = (
        {row["method"]: row[BOTH]["mean"] for row in numbers[key]}
        for key in ("precision_at_k", "precision_at_k_unseen_gallery")
    )
    success = {
        row["method"]: row["mean"]
        for row in numbers["measures"]
        if (row["gallery"], row["measure"], row["column"]) == ("whole", f"Success@{k}", BOTH)
    }
    own = imagelab[BOTH]
    rows = {
        "random": (RANDOM, RANDOM),
        "frozen network": (FROZEN, FROZEN),
        f"best without training ({named})": (best, other_best),
        "logistic regression": (LOGISTIC, LOGISTIC),
        "**learned network**": (LEARNED, LEARNED),
        "ceiling": (CEILING, CEILING),
    }
    head = ["sample, whole catalogue", "sample, unseen items", f"sample, at least one of {number_word(k)}"]
    head += ["ImageLab, whole catalogue" + (f", lists of {number_word(other_k)}" if other_k != k else "")]
    lines = [
        f"| right in category and colour | {' | '.join(head)} |",
        "|---|---|---|---|---|",
    ]
    for name, (method, other) in rows.items():
        cells = [percent(table[method]) if method in table else "-" for table in (whole, unseen, success)]
        lines.append(f"| {name} | {' | '.join(cells)} | {percent(own[other]) if other in own else '-'} |")
    return "\n".join(lines)


def with_part(text: str, part: str, content: str) -> str:
    """README's text with what stands between a part's two marks replaced.

    Raises
    ------
    ReportError
        When the marks are not there.
    """
    begin, end = marks(part)
    if begin not in text or end not in text:
        raise ReportError(
            f"expected the marks {begin!r} and {end!r} in README.md; found them missing. Put them where the {part} go."
        )
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    return re.sub(pattern, lambda _: f"{begin}\n{content}\n{end}", text, flags=re.DOTALL)


def renewed(text: str, kept: dict[str, Any], imagelab: dict[str, Any]) -> str:
    """README's text with the finding and the table of these numbers.

    Parameters
    ----------
    text : str
    kept, imagelab : dict
        Contents of `NUMBERS` and `IMAGELAB`.
    """
    text = with_part(text, "finding", kept["chapters"][-1]["findings"][0])
    return with_part(text, "results", readme_table(kept["results"], imagelab))


# -- the tables in full ----------------------------------------------------------------------------------------------

OTHER_MEASURES = (
    "Other measures, against the whole catalogue (right: category and colour); MAP@R and the rank correlation need "
    "whole rankings and are means over fewer queries, drawn at random. Notebook 6 has their intervals:"
)

THREE_QUESTIONS = (
    "*HOG*: outlines, as histograms of oriented gradients. *Learned, catalogue's words known*: the query is a photo "
    "alone, while the shop knows the words of its items. *Ceiling*: true words on both sides, the best that the "
    "gallery allows, column by column. *Same words, then frozen* and *described, as the shop shows* know the query's "
    "words, too."
)

BEYOND = (
    "Beyond category and colour: the share of the catalogue that is in no other item's list, and agreement in what no "
    "network was taught (*grey picture*: correlation of the photos without their colours). *Described* is what the "
    "shop shows:"
)


def results_table(numbers: dict[str, Any]) -> str:
    """The evaluation's tables as Markdown, from the content of results/06.json."""
    whole = f"Against the whole catalogue, most of which the network was trained with ({numbers['source_line']}):"
    unseen = f"Against the {numbers['unseen_gallery_items']:,} items that training did not see, queries among them:"
    parts = [
        whole,
        _table(numbers["precision_at_k"], numbers["k"]),
        unseen,
        _table(numbers["precision_at_k_unseen_gallery"], numbers["k"]),
    ]
    if numbers.get("measures"):
        parts += [OTHER_MEASURES, _measures_table(numbers["measures"], numbers["k"]), THREE_QUESTIONS]
    if numbers.get("coverage"):
        parts += [BEYOND, _beyond_table(numbers["coverage"], numbers["untaught"])]
    return "\n\n".join([*parts, numbers["protocol"]])


def _table(rows: list[dict[str, Any]], k: int) -> str:
    columns = ["department", "category", "colour", BOTH]
    lines = [
        f"| share of the {number_word(k)} that match the query in | {' | '.join(columns)} |",
        f"|---|{'---|' * len(columns)}",
    ]
    for row in rows:
        cells = [interval(row[c]["mean"], row[c]["low"], row[c]["high"]) for c in columns]
        lines.append(f"| {row['method']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _measures_table(rows: list[dict[str, Any]], k: int) -> str:
    """One line a method, one column an entry of `measures_of`, means alone: intervals stand in notebook 06."""
    shown = measures_of(k)
    lines = [f"| | {' | '.join(shown.values())} |", f"|---|{'---|' * len(shown)}"]
    mean_of = {(r["method"], r["measure"], r["column"]): r["mean"] for r in rows if r["gallery"] == "whole"}
    for method in dict.fromkeys(row["method"] for row in rows):
        means = [mean_of.get((method, *measure)) for measure in shown]
        lines.append(f"| {method} | {' | '.join('-' if m is None else decimal(m) for m in means)} |")
    return "\n".join(lines)


def _beyond_table(coverage: list[dict[str, Any]], untaught: list[dict[str, Any]]) -> str:
    """One line an embedding: the share never shown, and agreement in what was never taught."""
    measures = list(dict.fromkeys(row["column"] for row in untaught))
    mean_of = {(row["method"], row["column"]): row for row in untaught if row["gallery"] == "whole"}
    lines = [f"| | never shown | {' | '.join(measures)} |", f"|---|{'---|' * (1 + len(measures))}"]
    for row in coverage:
        if row["gallery"] == "whole":
            agreed = [mean_of[EMBEDDINGS[row["method"]], measure] for measure in measures]
            cells = [interval(row["never_shown"], row["low"], row["high"])]
            cells += [interval(one["mean"], one["low"], one["high"]) for one in agreed]
            lines.append(f"| {row['method']} | {' | '.join(cells)} |")
    return "\n".join(lines)


# -- docs/sample-report ----------------------------------------------------------------------------------------------


def sample_report(kept: dict[str, Any]) -> str:
    """The README of `FOLDER`: findings with their figures and links, then the tables.

    Parameters
    ----------
    kept : dict
        Content of `NUMBERS`.
    """
    numbers = kept["results"]
    chapters = kept["chapters"]
    parts = [
        "# The sample's report",
        f"{numbers['source_line']}. Written by `make readme` from the output of `make report`, which also has an "
        "interactive map, slides and lists.",
        chapters[-1]["findings"][0],
    ]
    for chapter in chapters:
        parts.append(f"## [{chapter['title']}]({chapter['name']}.ipynb)")
        parts.append(chapter["findings"][0])
        parts += [f"![{figure['caption']}](figures/{figure['name']}.jpg)" for figure in chapter["figures"]]
        parts.append("\n".join(f"- {finding}" for finding in chapter["findings"][1:]))
    return "\n\n".join(filter(None, [*parts, "## The tables in full", results_table(numbers)])) + "\n"


def small(png: bytes, edge: int = EDGE) -> bytes:
    """A figure as a JPEG on white, at most `edge` wide and twice as high."""
    with Image.open(io.BytesIO(png)) as picture:
        flat = Image.new("RGB", picture.size, "white")
        flat.paste(picture, mask=picture.getchannel("A") if "A" in picture.getbands() else None)
    flat.thumbnail((edge, edge * 2), Image.Resampling.LANCZOS)
    held = io.BytesIO()
    flat.save(held, "JPEG", quality=QUALITY, optimize=True)
    return held.getvalue()


def light_notebook(path: Path) -> nbformat.NotebookNode:
    """An executed notebook whose pictures are small JPEGs, and whose links into the report lead to its summary."""
    notebook = without_noise(strip_metadata(import_nbformat().read(path, as_version=4)))
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"\]\(report:[^)]*\)", "](README.md)", cell.source)
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                data["image/jpeg"] = base64.b64encode(small(base64.b64decode(data.pop("image/png")))).decode("ascii")
                output.get("metadata", {}).pop("image/png", None)
    return notebook


def write_sample_report(workspace: Workspace, folder: Path, kept: dict[str, Any]) -> None:
    """Write the folder again from scratch.

    Raises
    ------
    ReportError
        When it is larger than `MOST_BYTES`.
    """
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "figures").mkdir(parents=True)
    (folder / "README.md").write_text(sample_report(kept), encoding="utf-8")
    for chapter in kept["chapters"]:
        import_nbformat().write(
            light_notebook(workspace.report / "notebooks" / f"{chapter['name']}.ipynb"),
            folder / f"{chapter['name']}.ipynb",
        )
        for figure in chapter["figures"]:
            png = (workspace.report / "figures" / f"{figure['name']}.png").read_bytes()
            (folder / "figures" / f"{figure['name']}.jpg").write_bytes(small(png))
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size > MOST_BYTES:
        raise ReportError(
            f"expected {folder} to hold at most {MOST_BYTES:,} bytes, as it is in git; found {size:,}. Lower EDGE or "
            "QUALITY in tools/renew_readme.py."
        )


def kept_numbers(workspace: Workspace) -> dict[str, Any]:
    """The content of `NUMBERS` for a report."""
    numbers, captions = workspace.results("06"), workspace.captions()
    chapters = []
    for step in STEPS:
        results = workspace.results(step.number)
        figures = [{"name": name, "caption": captions[name]} for name in results["key_figures"] if name in captions]
        title = title_of(workspace, step.notebook)
        chapters.append(
            {"name": step.notebook, "title": title, "findings": results["findings"], "figures": figures}
        )  # fmt: skip
    return {"results": {key: numbers[key] for key in KEPT if key in numbers}, "chapters": chapters}


def renew_imagelab(workspace: Workspace, target: Path) -> bool:
    """Renew the numbers of ImageLab where its whole set has a report; returns whether it has."""
    try:
        items, numbers = workspace.results("01")["items"], workspace.results("06")
    except FashionError:
        return False
    if items < WHOLE_SET:
        return False
    own = {row["method"]: row[BOTH]["mean"] for row in numbers["precision_at_k"]}
    about = {key: numbers[key] for key in ("source_line", "k", "queries", "best_untrained")}
    write_json(target, about | {"measured": workspace.results("06")["protocol"], BOTH: own})
    return True


def renew_readme(workspace: Workspace, root: Path | None = None, imagelab: Workspace | None = None) -> None:
    """Renew README's table, `FOLDER` and `NUMBERS`, which says what both were made from.

    Parameters
    ----------
    workspace : Workspace
        Of the sample's report.
    root : Path, optional
        The project's folder, or another one with a README.md.
    imagelab : Workspace, optional
        Of a report of the whole ImageLab set.
    """
    root = root or project_root()
    if imagelab:
        renew_imagelab(imagelab, root / IMAGELAB)
    readme, kept = root / "README.md", kept_numbers(workspace)
    other = json.loads((root / IMAGELAB).read_text(encoding="utf-8"))
    text = renewed(readme.read_text(encoding="utf-8"), kept, other)
    write_sample_report(workspace, root / FOLDER, kept)
    write_whole(readme, lambda aside: aside.write_text(text, encoding="utf-8"))
    write_json(root / NUMBERS, kept)


def main() -> int:
    """Renew from the sample's report; returns 1 where there is none."""
    try:
        renew_readme(Workspace("sample"), imagelab=Workspace("imagelab"))
    except FashionError as error:
        print(f"renew_readme: {error}", file=sys.stderr)
        return 1
    print(f"README.md, {FOLDER} and {NUMBERS} are renewed from reports/sample")
    return 0


if __name__ == "__main__":
    sys.exit(main())
