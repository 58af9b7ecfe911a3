"""README's pictures of the shop, from the sample's shop as it runs: a still of an item and the map, and a short film.

`make pictures`, and the end of `make readme`. It needs Chromium, as the browser tests do.
"""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from PIL import Image

from fashion.core.checksums import sha256_bytes, sha256_json
from fashion.core.errors import FashionError
from fashion.core.files import write_json, write_whole
from fashion.core.paths import project_root
from fashion.core.workspace import Workspace
from tools.print_report import browser
from tools.renew_readme import NUMBERS, kept_numbers

#: Where the pictures lie, and what they were made from: tests compare it with what is committed.
FOLDER, MADE_FROM = "Images", "made-from.json"

#: What the shop's pages are made from, beside the report's numbers. A changed page needs new pictures.
PAGES = (
    "fashion/web/templates", "fashion/web/static", "fashion/projection/static",
    "fashion/projection/templates/explorer.html",
)  # fmt: skip

#: The window of the film, pixels; that of the still, whose list is whole; width of the still in README.
WINDOW: Any = {"width": 1280, "height": 800}
TALL: Any = {"width": 1280, "height": 1040}
WIDE = 1600

#: How often the map is zoomed in at most, until so many photos have taken the place of dots.
CLOSER, PHOTOS = 8, 12

#: What is typed in the film, and where its slider goes: from kind to colour.
WORDS, SLIDER = "red dress", (0.5, 0.0, 1.0)

#: Width of the film, its colours, and milliseconds that a step stays.
FILM, COLOURS, STAY = 800, 96, 1600


@contextmanager
def served(workspace: Workspace) -> Iterator[str]:
    """The address of a report's shop, in this process."""
    from fashion.web.app import create_app
    from fashion.web.reload import Window
    from fashion.web.server import make_server

    server = make_server(create_app(Window(workspace, None, warm=False)), threads=4)

    def answer() -> None:
        with suppress(OSError):  # closed while it waits
            server.run()

    threading.Thread(target=answer, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.close()


def seen(page: Any) -> Image.Image:
    """A screenshot of the window, once it has finished loading."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(150)
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def still(page: Any, address: str, item: str) -> Image.Image:
    """An item's page with its sliders, and beside it the map, zoomed to photos."""
    page.set_viewport_size(TALL)
    page.goto(f"{address}/item?id={item}")
    left = seen(page)
    page.goto(f"{address}/map?id={item}")
    page.locator("#map[data-ready]").wait_for()
    page.focus("#map")
    for _ in range(CLOSER):
        page.keyboard.press("+")
        page.wait_for_timeout(400)  # the zoom is animated
        if int(page.evaluate("document.querySelector('canvas').dataset.photos || 0")) >= PHOTOS:
            break
    page.wait_for_timeout(1500)  # its photos come one by one
    both = Image.new("RGB", (2 * TALL["width"], TALL["height"]), "white")
    both.paste(left, (0, 0))
    both.paste(seen(page), (TALL["width"], 0))
    return both.resize((WIDE, WIDE * TALL["height"] // (2 * TALL["width"])), Image.Resampling.LANCZOS)


def film(page: Any, address: str) -> list[tuple[Image.Image, int]]:
    """A search, letter by letter, its first item, and the slider between kind and colour: frames and milliseconds."""
    page.set_viewport_size(WINDOW)
    page.goto(address)
    frames = [(seen(page), STAY)]
    for count in range(2, len(WORDS) + 1, 2):
        page.fill("#q", WORDS[:count] if count < len(WORDS) - 1 else WORDS)
        frames.append((seen(page), 140))
    page.press("#q", "Enter")
    page.wait_for_url("**q=**")
    frames.append((seen(page), STAY))
    page.locator("li.card a").first.click()
    page.locator("#colour_weight").wait_for()
    for place in SLIDER:
        page.locator("#colour_weight").fill(str(place))
        page.wait_for_timeout(600)  # the answer comes while it moves
        frames.append((seen(page), STAY))
    return frames


def as_gif(frames: list[tuple[Image.Image, int]]) -> bytes:
    """Frames as one animation that loops."""
    size = (FILM, FILM * WINDOW["height"] // WINDOW["width"])
    small = [
        frame.resize(size, Image.Resampling.LANCZOS).quantize(COLOURS, dither=Image.Dither.NONE) for frame, _ in frames
    ]
    held = io.BytesIO()
    small[0].save(
        held,
        "GIF",
        save_all=True,
        append_images=small[1:],
        duration=[stay for _, stay in frames],
        loop=0,
        optimize=True,
    )
    return held.getvalue()


def made_from(numbers: dict[str, Any], pictures: dict[str, str], root: Path) -> dict[str, str]:
    """SHA-256 of the report's numbers, of each file of the shop's pages, and of the pictures themselves.

    Parameters
    ----------
    numbers : dict
        `results` of `renew_readme.kept_numbers`: without findings, whose words change more often than the shop.
    pictures : dict of str to str
        Name -> SHA-256.
    root : Path
        The project's folder.
    """
    files = [file for place in PAGES for file in sorted((root / place).rglob("*")) or [root / place] if file.is_file()]
    texts = {file: file.read_bytes().replace(b"\r\n", b"\n") for file in files}  # Git on Windows may change line ends
    pages = {file.relative_to(root).as_posix(): sha256_bytes(text) for file, text in texts.items()}
    return {f"{NUMBERS}, results": sha256_json(numbers), **pages, **pictures}


def write_pictures(workspace: Workspace, folder: Path) -> list[Path]:
    """Write shop.jpg, shop.gif and `MADE_FROM` to a folder.

    Raises
    ------
    ReportError
        When there is no browser.
    ArtefactError
        When there is no report.
    """
    from playwright.sync_api import sync_playwright

    program, item = browser(), workspace.results("04")["shown"][3]
    with served(workspace) as address, sync_playwright() as tools:
        chromium = tools.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = chromium.new_page(viewport=WINDOW, color_scheme="light")
        one, frames = still(page, address, item), film(page, address)
        chromium.close()
    held = io.BytesIO()
    one.save(held, "JPEG", quality=86, optimize=True)
    folder.mkdir(exist_ok=True)
    made = {"shop.jpg": held.getvalue(), "shop.gif": as_gif(frames)}
    written = [
        write_whole(folder / name, lambda aside, data=data: aside.write_bytes(data))  # type: ignore[misc]
        for name, data in made.items()
    ]
    sums = {name: sha256_bytes(data) for name, data in made.items()}
    write_json(folder / MADE_FROM, made_from(kept_numbers(workspace)["results"], sums, project_root()))
    return written


def main() -> int:
    """Renew Images/ from the sample's report; returns 1 where there is no report or no browser."""
    try:
        for path in write_pictures(Workspace("sample"), project_root() / FOLDER):
            print(f"{path} · {path.stat().st_size / 1000:.0f} kB")
    except FashionError as error:
        print(f"shop_pictures: the pictures in {FOLDER}/ are NOT renewed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
