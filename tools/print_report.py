"""The report as one PDF, for those who mail it: the summary, then every notebook. `make pdf`."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from fashion.catalogue.definition import load_catalogue
from fashion.catalogue.identity import open_workspace
from fashion.core.errors import FashionError, ReportError
from fashion.core.workspace import Workspace
from fashion.report.page import write_page
from fashion.report.steps import STEPS
from tools.renew_readme import small

#: Names of Chromium and its kin, which print pages, best first.
BROWSERS = (
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
    "msedge",
)  # fmt: skip

#: Width of a printed figure, pixels: 200 to the inch on A4.
PRINTED = 1440

#: Seconds that the browser may take.
LIMIT = 300


def browser(instead: str = "") -> str:
    """The path of Chromium or a related browser.

    Parameters
    ----------
    instead : str
        Another way to print, for the error where there is none.

    Raises
    ------
    ReportError
        When none is installed.
    """
    browser = next((path for path in map(shutil.which, BROWSERS) if path), None)
    if not browser:
        raise ReportError(
            f"expected a browser, one of {', '.join(BROWSERS)}; found none. Install Chromium (Debian: apt-get install "
            f"chromium-headless-shell){instead}."
        )
    return browser


def print_report(workspace: Workspace) -> Path:
    """Write reports/<catalogue>/report.pdf.

    Raises
    ------
    ReportError
        When there is no browser, or it prints nothing.
    """
    program = browser(", or print index.html from the browser that you use")
    target = workspace.report / "report.pdf"
    page = workspace.report / ".report.html"  # beside the figures that it shows
    with tempfile.TemporaryDirectory() as profile:
        printed = Path(profile) / "report.pdf"
        try:
            write_page(workspace, page, "", [step.notebook for step in STEPS], whole=True)
            _with_pictures_for_print(workspace, page, Path(profile))
            ended = subprocess.run(
                [program, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}/user",
                 "--no-pdf-header-footer", f"--print-to-pdf={printed}", page.as_uri()],
                capture_output=True, text=True, timeout=LIMIT,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise ReportError(
                f"expected {program} to print within {LIMIT} s; found that it did not. Try again."
            ) from error
        finally:
            page.unlink(missing_ok=True)
        if ended.returncode or not printed.is_file():
            raise ReportError(
                f"expected {program} to print the report; found: {ended.stderr.strip()[-500:]}. Open it in another "
                "browser and print it there."
            )
        shutil.move(printed, target)
    return target


def _with_pictures_for_print(workspace: Workspace, page: Path, folder: Path) -> None:
    """Replace a page's figures by JPEGs, a fifth of the size, and load them all at once: nothing is lazy in print."""
    text = page.read_text(encoding="utf-8").replace(' loading="lazy"', "")
    for path in (workspace.report / "figures").glob("*.png"):
        figure = folder / f"{path.stem}.jpg"
        figure.write_bytes(small(path.read_bytes(), PRINTED))
        text = text.replace(f'src="figures/{path.name}"', f'src="{figure.as_uri()}"')
    page.write_text(text, encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Print a catalogue with a report; returns 1 where that fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--catalogue", default="sample", help="a catalogue with a report (default: sample)")
    catalogue = parser.parse_args(arguments).catalogue
    try:
        print(print_report(open_workspace(load_catalogue(catalogue))))
    except FashionError as error:
        print(f"print_report: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
