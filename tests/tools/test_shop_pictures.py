"""README's film of the shop: frames of one size, each shown as long as it is said; README's pictures are there."""

import io

from PIL import Image

from fashion.core.paths import project_root
from tools import shop_pictures


def test_a_film_holds_its_frames_and_their_times():
    frames = [(Image.new("RGB", (1280, 800), colour), stay) for colour, stay in (("red", 1600), ("blue", 140))]
    film = Image.open(io.BytesIO(shop_pictures.as_gif(frames)))
    assert film.n_frames == 2 and film.size == (800, 500) and film.info["duration"] == 1600
    film.seek(1)
    assert film.info["duration"] == 140 and film.convert("RGB").getpixel((5, 5)) == (0, 0, 255)


def test_the_committed_pictures_are_small_and_of_these_shapes():
    folder = project_root() / "Images"
    assert {path.name for path in folder.iterdir()} == {"shop.jpg", "shop.gif"}, "run `make pictures`"
    still, film = Image.open(folder / "shop.jpg"), Image.open(folder / "shop.gif")
    assert still.width == shop_pictures.WIDE and still.width > 2 * still.height
    assert film.width == shop_pictures.FILM and film.n_frames > 5
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1_500_000
