"""A shop in this process, as `fashion serve` has it, and the browser that looks at it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from fashion.core.workspace import Workspace

#: Debian's Chromium, best first: without the window that nobody sees, the same engine takes half the time.
PROGRAMS = (Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium"))

CHROMIUM = next((program for program in PROGRAMS if program.exists()), PROGRAMS[0])

#: Marks of a test that needs the browser.
IN_BROWSER = [
    pytest.mark.browser, pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"needs Debian's {CHROMIUM.name}"),
]  # fmt: skip

#: axe's rules that the colours decide; the others find in a dark page what they find in the light one.
COLOUR_RULES = ("color-contrast", "link-in-text-block")


def without_violation(page, rules: tuple[str, ...] = ()) -> None:
    """Assert that axe finds nothing in a page, by all its rules or by some of them."""
    from axe_playwright_python.sync_playwright import Axe

    only = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else {}
    found = Axe().run(page, options={"resultTypes": ["violations"], **only})  # not each node that passes
    assert found.violations_count == 0, f"{page.url}: {found.generate_report()}"


@contextmanager
def served(
    work: Workspace, weights: Path | None = None, *, photos: bool = True, prefix: str = "", **options
) -> Iterator[str]:
    """The address of a report's shop, with its prefix; `weights` as the report was given them.

    Without `photos` its networks are loaded when one is sent; `options` are those of `create_app`.
    """
    from fashion.web.app import create_app
    from fashion.web.reload import Window
    from fashion.web.security import Buckets
    from fashion.web.server import make_server

    window = Window(work, weights and str(weights), warm=False)
    if photos:
        window.shop().reader()  # the networks, which would else be loaded under the first visitor
    server = make_server(create_app(window, Buckets(size=1000), **options), threads=4, prefix=prefix)

    def answer():
        with suppress(OSError):  # closed while it waits
            server.run()

    threading.Thread(target=answer, daemon=True).start()
    yield f"http://127.0.0.1:{server.effective_port}{prefix}"
    server.close()


@contextmanager
def chromium() -> Iterator:
    """Debian's Chromium, driven by Playwright."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing: apt-get install {CHROMIUM.name}")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: it drives Chromium")
    with playwright.sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()
