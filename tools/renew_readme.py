"""README's results table and figures, from the sample's report: `make readme`. No number is written by hand."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from fashion.core.checksums import sha256_file
from fashion.core.errors import FashionError, ReportError
from fashion.core.files import write_json, write_whole
from fashion.core.numerals import number_word
from fashion.core.paths import project_root
from fashion.core.workspace import Workspace
from fashion.evaluation.summary import FROZEN, LEARNED, SHOWN

BEGIN, END = "<!-- results: begin, written by `make readme` -->", "<!-- results: end -->"

#: Figures of the sample's report that README and docs show, kept in Images/.
IMAGES = (
    "01-contact-sheet",
    "01-colour-by-department",
    "04-recommendations",
    "05-map-photos",
    "06-precision",
)

#: The numbers behind README's table and the checksums of its figures, committed: a test compares them with README.
NUMBERS = "docs/sample-results.json"
KEPT = (
    "k",
    "source_line",
    "protocol",
    "unseen_gallery_items",
    "precision_at_k",
    "precision_at_k_unseen_gallery",
    "measures",
    "untaught",
    "coverage",
)

#: Embedding, as the coverage names it -> the method of the same lists.
EMBEDDINGS = {"frozen": FROZEN, "learned": LEARNED, "described": SHOWN}


def measures_of(k: int) -> dict[tuple[str, str], str]:
    """Columns of README's second kind of table: (measure, label) in the report's long table -> words."""
    return {
        ("Success@1", "category and colour"): "first one right (Success@1)",
        (f"Success@{k}", "category and colour"): f"at least one of {number_word(k)} right (Success@{k})",
        ("MAP@R", "category and colour"): "mean average precision at R (MAP@R)",
        (f"nDCG@{k}", "description"): f"near words count in part (graded nDCG@{k})",
        ("rank correlation", "description"): "rank correlation with the description",
    }


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
    "Beyond the words: the share of the catalogue that is in no other item's list, and agreement in what no network "
    "was taught (*grey picture*: correlation of the photos without their colours). *Described* is what the shop shows:"
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
    columns = ["department", "category", "colour", "category and colour"]
    lines = [
        f"| share of the {number_word(k)} that agree in | {' | '.join(columns)} |",
        f"|---|{'---|' * len(columns)}",
    ]
    for row in rows:
        cells = [f"{row[c]['mean']:.3f} [{row[c]['low']:.3f}, {row[c]['high']:.3f}]" for c in columns]
        lines.append(f"| {row['method']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _measures_table(rows: list[dict[str, Any]], k: int) -> str:
    """One line a method, one column an entry of `measures_of`, means alone: intervals stand in notebook 06."""
    shown = measures_of(k)
    lines = [f"| | {' | '.join(shown.values())} |", f"|---|{'---|' * len(shown)}"]
    mean_of = {(r["method"], r["measure"], r["column"]): r["mean"] for r in rows if r["gallery"] == "whole"}
    for method in dict.fromkeys(row["method"] for row in rows):
        means = [mean_of.get((method, *measure)) for measure in shown]
        lines.append(f"| {method} | {' | '.join('-' if m is None else f'{m:.3f}' for m in means)} |")
    return "\n".join(lines)


def _beyond_table(coverage: list[dict[str, Any]], untaught: list[dict[str, Any]]) -> str:
    """One line an embedding: the share never shown, and agreement in what was never taught."""
    measures = list(dict.fromkeys(row["column"] for row in untaught))
    mean_of = {(row["method"], row["column"]): row for row in untaught if row["gallery"] == "whole"}
    lines = [f"| | never shown | {' | '.join(measures)} |", f"|---|{'---|' * (1 + len(measures))}"]
    for row in coverage:
        if row["gallery"] == "whole":
            agreed = [mean_of[EMBEDDINGS[row["method"]], measure] for measure in measures]
            cells = [f"{row['never_shown']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"]
            cells += [f"{one['mean']:.3f} [{one['low']:.3f}, {one['high']:.3f}]" for one in agreed]
            lines.append(f"| {row['method']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def with_table(text: str, table: str) -> str:
    """README's text with the part between the two marks replaced.

    Raises
    ------
    ReportError
        When the marks are not there.
    """
    if BEGIN not in text or END not in text:
        raise ReportError(f"expected the marks {BEGIN!r} and {END!r} in README.md; put them where the table goes")
    pattern = re.escape(BEGIN) + ".*?" + re.escape(END)
    return re.sub(pattern, lambda _: f"{BEGIN}\n{table}\n{END}", text, flags=re.DOTALL)


def renew_readme(workspace: Workspace, root: Path | None = None) -> None:
    """Renew README's table, the figures of `IMAGES` and `NUMBERS`, which says what both were made from.

    Parameters
    ----------
    workspace : Workspace
        Of the sample's report.
    root : Path, optional
        The project's folder, or another one with a README.md.
    """
    root = root or project_root()
    readme, numbers = root / "README.md", workspace.results("06")
    text = with_table(readme.read_text(encoding="utf-8"), results_table(numbers))
    write_whole(readme, lambda aside: aside.write_text(text, encoding="utf-8"))
    (root / "Images").mkdir(exist_ok=True)
    for name in IMAGES:
        image = (workspace.report / "figures" / f"{name}.png").read_bytes()
        write_whole(root / "Images" / f"{name}.png", lambda aside, image=image: aside.write_bytes(image))  # type: ignore[misc]
    kept = {key: numbers[key] for key in KEPT if key in numbers}
    images = {name: sha256_file(root / "Images" / f"{name}.png") for name in IMAGES}
    write_json(root / NUMBERS, {"results": kept, "images": images})


def main() -> int:
    """Renew from the sample's report; returns 1 where there is none."""
    try:
        renew_readme(Workspace("sample"))
    except FashionError as error:
        print(f"renew_readme: {error}", file=sys.stderr)
        return 1
    print("README.md, Images/ and docs/sample-results.json are renewed from reports/sample")
    return 0


if __name__ == "__main__":
    sys.exit(main())
