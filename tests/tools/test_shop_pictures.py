"""README's film of the shop: frames of one size, each shown as long as it is said; README's pictures are there, and are
those of the committed results and pages.
"""

import io
import json
import shutil

from PIL import Image

from fashion.core.checksums import sha256_file
from fashion.core.paths import project_root
from tools import shop_pictures
from tools.renew_readme import NUMBERS
from tools.shop_pictures import FOLDER, MADE_FROM, PAGES, made_from

ROOT = project_root()


def test_a_film_holds_its_frames_and_their_times():
    frames = [(Image.new("RGB", (1280, 800), colour), stay) for colour, stay in (("red", 1600), ("blue", 140))]
    film = Image.open(io.BytesIO(shop_pictures.as_gif(frames)))
    assert film.n_frames == 2 and film.size == (800, 500) and film.info["duration"] == 1600
    film.seek(1)
    assert film.info["duration"] == 140 and film.convert("RGB").getpixel((5, 5)) == (0, 0, 255)


def test_the_committed_pictures_are_small_and_of_these_shapes():
    folder = ROOT / FOLDER
    assert {path.name for path in folder.iterdir()} == {"shop.jpg", "shop.gif", MADE_FROM}, "run `make readme`"
    still, film = Image.open(folder / "shop.jpg"), Image.open(folder / "shop.gif")
    assert still.width == shop_pictures.WIDE and still.width > 2 * still.height
    assert film.width == shop_pictures.FILM and film.n_frames > 5
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1_500_000


def test_the_committed_pictures_show_the_committed_results_and_pages():
    kept = json.loads((ROOT / FOLDER / MADE_FROM).read_text(encoding="utf-8"))
    numbers = json.loads((ROOT / NUMBERS).read_text(encoding="utf-8"))["results"]
    now = made_from(numbers, {name: sha256_file(ROOT / FOLDER / name) for name in ("shop.jpg", "shop.gif")}, ROOT)
    changed = {name for name in kept.keys() | now.keys() if kept.get(name) != now.get(name)}
    assert not changed, "README's pictures of the shop were made before these changed: run `make readme`"


def test_numbers_pages_and_pictures_count_and_findings_do_not(tmp_path):
    for place in PAGES:
        target = tmp_path / place
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / place).is_dir() else shutil.copy)(ROOT / place, target)
    first = made_from({"k": 6}, {"shop.jpg": "a"}, tmp_path)
    assert {"fashion/web/templates/item.html", "fashion/web/static/shop.css"} < first.keys()
    assert {"fashion/projection/static/map-canvas.js", "fashion/projection/templates/explorer.html"} < first.keys()
    (tmp_path / "fashion/web/templates/item.html").write_text("another page", encoding="utf-8")
    (tmp_path / "fashion/web/static/new.js").write_text("", encoding="utf-8")
    second = made_from({"k": 7}, {"shop.jpg": "b"}, tmp_path)
    changed = {name for name, value in second.items() if first.get(name) != value}
    assert changed == {
        f"{NUMBERS}, results", "fashion/web/templates/item.html", "fashion/web/static/new.js", "shop.jpg"
    }  # fmt: skip
