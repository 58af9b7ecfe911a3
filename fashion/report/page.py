"""The report's pages: index.html says what was found, and one page for each notebook shows how."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from fashion.catalogue.definition import Catalogue, load_catalogue
from fashion.core.checksums import sha256_bytes, sha256_file
from fashion.core.escaping import REPORT_POLICY
from fashion.core.files import write_whole
from fashion.core.workspace import PROVENANCE, Workspace
from fashion.report.notebook_format import import_nbformat
from fashion.report.steps import STEPS, cells_of
from fashion.report.tables import for_phones

if TYPE_CHECKING:
    import nbformat
    from nbconvert import HTMLExporter

TEMPLATES = Path(__file__).parent / "templates"

#: Lists for people -> what the page calls each.
LISTS = {"to_check.csv": "Items to check", "never_shown.csv": "Items never shown", "rejected.csv": "Dropped rows"}


def link_figures(notebook: nbformat.NotebookNode, figures: Path, prefix: str, captions: dict[str, str]) -> None:
    """Turn embedded pictures that lie in `figures` too into links, so that no page carries them twice."""
    nbformat = import_nbformat()
    names = {sha256_file(path): path.stem for path in figures.glob("*.png")}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" not in data:
                continue
            name = names.get(sha256_bytes(base64.b64decode(data["image/png"])))
            if name:
                caption = html.escape(captions.get(name, name))
                file = f"{prefix}figures/{name}.png"
                picture = f'<a href="{file}"><img src="{file}" alt="{caption}" loading="lazy"></a>'
                output["data"] = nbformat.from_dict({"text/html": picture})


def without_noise(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """An executed notebook without libraries' console messages, which are full of paths and not for readers."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


@cache
def _exporter() -> HTMLExporter:
    """Makes HTML of notebooks; kept, as compiling its templates takes longer than most pages."""
    import_nbformat()
    from nbconvert import HTMLExporter

    return HTMLExporter(template_name="notebook", extra_template_basedirs=[str(TEMPLATES)], embed_images=False)


def notebook_body(workspace: Workspace, name: str, prefix: str) -> Markup:
    """An executed notebook as an HTML fragment; links to files of the report start with `prefix`."""
    nbformat = import_nbformat()
    notebook = without_noise(nbformat.read(workspace.report / "notebooks" / f"{name}.ipynb", as_version=4))
    link_figures(notebook, workspace.report / "figures", prefix, workspace.captions())
    body, _ = _exporter().from_notebook_node(notebook)
    return Markup(str(body).replace('href="report:', f'href="{prefix}'))  # nosec: our own notebooks


def sentence(markdown: str) -> Markup:
    """A finding, Markdown in which the catalogue's words are escaped, as HTML without a paragraph of its own."""
    import_nbformat()
    from nbconvert.filters import markdown2html

    return Markup(str(markdown2html(markdown)).strip().removeprefix("<p>").removesuffix("</p>"))  # nosec: see above


def title_of(workspace: Workspace, name: str) -> str:
    """The notebook's own title, its first heading."""
    first = "".join(cells_of(workspace.report / "notebooks" / f"{name}.ipynb")[0]["source"]).splitlines()[0]
    return first.lstrip("# ").strip()


def highlight_css() -> str:
    """Colours of the code cells, light and dark."""
    from pygments.formatters import HtmlFormatter

    light = HtmlFormatter(style="default").get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    plain = ".highlight, .highlight pre { background: var(--code); }"
    return f"{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}\n{plain}"


def linked_files(workspace: Workspace) -> list[tuple[str, str]]:
    """Files of the report that its page links besides the notebooks, and what each is called there."""
    links = [(path.name, "Interactive map") for path in sorted(workspace.report.glob("05-*.html"))]
    links += [("deck.pptx", "Slides (.pptx)")] * (workspace.report / "deck.pptx").is_file()
    lists = [(workspace.path(name), f"{label} (.csv)") for name, label in LISTS.items()]
    return links + [(path.relative_to(workspace.report).as_posix(), label) for path, label in lists if path.is_file()]


def _provenance_rows(provenance: dict[str, Any]) -> list[tuple[str, str]]:
    machine = provenance["machine"]
    seconds = ", ".join(f"{name} {value:.0f} s" for name, value in provenance["seconds"].items())
    # `is`: 0, such as a seed, equals False
    given = {k: v for k, v in provenance["settings"].items() if v is not False and v not in (None, "")}
    settings = ", ".join(f"{k} = {v}" for k, v in given.items())
    versions = ", ".join(
        f"{name} {provenance['versions'][name]}" for name in ("python", "tensorflow", "numpy", "pandas", "scikit-learn")
    )
    memory = machine["memory_bytes"] / 2**30
    return [
        ("Commit", provenance["commit"]),
        ("Settings", settings),
        ("Backbone", provenance["backbone"]["reason"]),
        ("Runtime", provenance["runtime"]["reason"]),
        ("Weights", f"sha256 {provenance['checksums']['weights']}"),
        ("Table", f"sha256 {provenance['checksums']['table']}"),
        ("Photos", f"sha256 {provenance['checksums']['photos']}"),
        ("Versions", versions),
        ("Machine", f"{machine['processor']}, {machine['cores']} cores, {memory:.0f} GiB"),
        ("Steps", seconds),
    ]


def write_pages(workspace: Workspace) -> Path:
    """Write index.html and notebooks/*.html from what the steps left.

    Returns
    -------
    Path
        index.html.
    """
    common = _common(workspace)
    for step in STEPS:
        _write(workspace, common, workspace.report / "notebooks" / f"{step.notebook}.html", "../", [step.notebook])
    index = workspace.report / "index.html"
    _write(workspace, common, index, "", [])
    return index


def write_page(workspace: Workspace, path: Path, prefix: str, names: Sequence[str], *, whole: bool = False) -> None:
    """Write one page: the summary where no notebook is named, or for `whole` before all notebooks; else a notebook.

    Parameters
    ----------
    workspace : Workspace
    path : Path
    prefix : str
        From the page to the report's folder.
    names : sequence of str
        Notebooks to show in full.
    whole : bool
        The summary, then the notebooks: for print.
    """
    _write(workspace, _common(workspace), path, prefix, names, whole=whole)


@cache
def _template() -> Template:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("report.html.j2")


def _common(workspace: Workspace) -> dict[str, Any]:
    """Variables that all pages' templates share, with `titles` of the notebooks."""
    provenance = json.loads((workspace.report / PROVENANCE).read_text(encoding="utf-8"))
    catalogue: Catalogue = load_catalogue(workspace.toml or workspace.json("source")["catalogue_toml"])
    results = [workspace.results(step.number) for step in STEPS]
    captions = workspace.captions()
    titles = {step.notebook: title_of(workspace, step.notebook) for step in STEPS}
    warnings = [numbers["warning"] for numbers in results if numbers.get("warning")]
    chapters = [
        {
            "name": step.notebook,
            "title": titles[step.notebook],
            "findings": [sentence(finding) for finding in numbers.get("findings", [])],
            "figures": [
                {"name": name, "caption": captions[name]} for name in numbers.get("key_figures", []) if name in captions
            ],
        }
        for step, numbers in zip(STEPS, results, strict=True)
    ]
    return {
        "title": f"Fashion recommendation: {catalogue.title}",
        "titles": titles,
        "css": Markup((TEMPLATES / "report.css").read_text(encoding="utf-8") + highlight_css()),
        "policy": Markup(REPORT_POLICY),  # nosec: our own constant
        "source_line": results[-1]["source_line"],
        "warnings": warnings,
        "lead": chapters[-1]["findings"][:1],
        "headline": results[-1].get("headline", []),
        "chapters": chapters,
        "extras": linked_files(workspace),
        "provenance": [row for row in _provenance_rows(provenance) if row[1] not in warnings],  # said once
        "terms": f"{catalogue.terms} {catalogue.citation}".strip(),
    }


def _write(
    workspace: Workspace, common: dict[str, Any], path: Path, prefix: str, names: Sequence[str], *, whole: bool = False
) -> None:
    titles = common["titles"]
    summary = whole or not names
    text = _template().render(
        common
        | {
            "title": common["title"] if summary else titles[names[0]],
            "summary": summary,
            "prefix": prefix,
            "here": names[0] if names and not whole else "",
            "notebooks": [
                {"name": name, "title": titles[name], "body": notebook_body(workspace, name, prefix)} for name in names
            ],
        }
    )
    write_whole(path, lambda aside: aside.write_text(for_phones(text), encoding="utf-8"))
