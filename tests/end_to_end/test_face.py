"""The package's face: nine names, loaded late, each explained, in an interpreter as in the README."""

import doctest
import importlib
import pydoc
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import COLOURS, draw, jpeg
from documents import readme_block

import fashion
from fashion.core.errors import ArtefactError, PhotoError, SettingsError, WeightsError
from fashion.embedding import photo_vectors
from fashion.embedding.backbones import load_backbone
from fashion.photos.images import decode, resize

NAMES = ["FashionError", "Settings", "Study", "build_report", "embed", "load_catalogue", "open", "recommend", "tsne"]


def in_a_fresh_process(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_import_loads_nothing_heavy_and_each_name_is_what_it_says():
    heavy = ("numpy", "pandas", "cv2", "matplotlib", "sklearn", "scipy", "tensorflow", "keras")
    assert in_a_fresh_process(f"import sys, fashion; print([m for m in {heavy} if m in sys.modules])") == "[]"
    assert in_a_fresh_process("import fashion; print(dir(fashion))") == str(NAMES)
    # Whichever name comes first, whatever else is imported before: a name never turns into a module.
    code = "import fashion.study, fashion.projection.tsne, fashion.embedding.photo_vectors, fashion; "
    kinds = in_a_fresh_process(f"{code} print(*[type(getattr(fashion, name)).__name__ for name in {NAMES}])").split()
    assert kinds == ["type", "type", "type", *["function"] * 6]


def test_import_is_fast():
    code = "import time; begin = time.perf_counter(); import fashion; print(time.perf_counter() - begin)"
    assert min(float(in_a_fresh_process(code)) for _ in range(5)) < 0.05


def test_names_are_listed_explained_and_near_ones_told():
    assert fashion.__all__ == NAMES == dir(fashion)
    text = pydoc.render_doc(fashion, renderer=pydoc.plaintext)
    for name in NAMES:
        assert re.search(rf"^    `{name}` +\S", text, flags=re.MULTILINE), name
        assert (getattr(fashion, name).__doc__ or "").strip(), name
    with pytest.raises(AttributeError, match=r"'recomend'. Did you mean recommend\? It has FashionError, .*tsne"):
        fashion.recomend  # noqa: B018
    assert re.fullmatch(r"\d+\.\d+\.\d+", fashion.__version__) and fashion.__version__ == version("fashion")


def test_public_things_say_what_they_are_in_a_line():
    catalogue = fashion.load_catalogue("sample")
    backbone = load_backbone("efficientnet-lite0", size=96)
    shown = [repr(thing) for thing in (fashion.Settings(limit=300), catalogue, backbone)]
    assert shown[0] == "Settings(catalogue='sample', limit=300)" and eval(shown[0], {"Settings": fashion.Settings})
    assert shown[1].startswith("Catalogue('sample': Sample catalogue, annotation.txt with item, ")
    assert shown[2] == "Backbone(efficientnet-lite0, 96 px, 1280 dimensions)"
    assert all(len(text) < 300 and "\n" not in text for text in shown)


PACKAGE = Path(fashion.__file__).parent
WITH_EXAMPLES = [path for path in sorted(PACKAGE.rglob("*.py")) if "\n    >>> " in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_examples_in_docstrings_run(path):
    module = importlib.import_module(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts))
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.testmod(module, optionflags=flags)
    assert result.attempted and not result.failed


# -- embed and tsne -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for number, colour in enumerate(COLOURS.values()):
        (folder / f"{number}.jpg").write_bytes(jpeg(draw("VESTITO", colour, number)))
    return sorted(folder.iterdir())


def embedded(photos, **options):
    return fashion.embed(photos, backbone="efficientnet-lite0", size=96, **options)


def test_paths_bytes_and_arrays_of_a_photo_have_one_vector(photos, networks, monkeypatch):
    vectors = embedded([str(path) for path in photos])
    assert vectors.shape == (4, 1280) and vectors.dtype == np.float32
    arrays = [decode(path.read_bytes()) for path in photos]
    mixed = [photos[0], photos[1].read_bytes(), bytearray(photos[2].read_bytes()), arrays[3]]
    for same in (photos, mixed, arrays, np.stack(arrays)):
        assert np.allclose(embedded(same), vectors, atol=1e-4)
    with monkeypatch.context() as patched:  # an iterator may be long: here it finds a report's network
        patched.setattr("fashion.embedding.extraction.networks_folder", lambda _: networks)
        photo_vectors._network.cache_clear()  # before, as one may be kept, and after, as this one must not be
        assert np.allclose(embedded(iter(photos)), vectors, atol=1e-4)
        photo_vectors._network.cache_clear()
    for one in (photos[0], str(photos[0]), photos[0].read_bytes(), arrays[0]):
        assert np.allclose(embedded(one), vectors[:1], atol=1e-4)
    assert embedded([]).shape == (0, 1280)
    # By the reference itself, and by a network that is loaded already.
    network = load_backbone("efficientnet-lite0", size=96)
    view = resize(arrays[0], 96)[np.newaxis].astype(np.float32)
    assert np.allclose(network.model(view)["embedding"], vectors[:1], atol=1e-3)
    assert np.allclose(fashion.embed(photos, backbone=network, runtime="tensorflow"), vectors, atol=1e-3)


def test_grey_and_transparent_arrays_are_as_their_files(photos, tmp_path):
    grey = cv2.cvtColor(decode(photos[0].read_bytes()), cv2.COLOR_RGB2GRAY)
    clear = np.dstack([decode(photos[1].read_bytes()), np.full((128, 128), 7, np.uint8)])
    cv2.imwrite(str(tmp_path / "grey.png"), grey)
    cv2.imwrite(str(tmp_path / "clear.png"), clear[..., [2, 1, 0, 3]])
    assert np.allclose(embedded(grey), embedded(tmp_path / "grey.png"), atol=1e-4)
    assert np.allclose(embedded([clear]), embedded(tmp_path / "clear.png"), atol=1e-4)


@pytest.mark.parametrize(
    ("photo", "complaint"),
    [
        ("no.jpg", r"at 'no\.jpg'; found that it cannot be read: No such file"),
        (b"I am no photo", "expected a photo; found a file that is not an image: 'photo 1' .* Save it as JPEG"),
        (b"", "expected a photo; found 'photo 1', which is empty. Copy"),
        (np.zeros((8, 8, 3)), r"expected photo 1 as RGB of uint8 .* found float64 \(8, 8, 3\)"),
        (np.zeros((8, 8, 2), np.uint8), r"found uint8 \(8, 8, 2\)"),
        (np.zeros((0, 8, 3), np.uint8), r"found uint8 \(0, 8, 3\)"),
        (7, "expected photo 1 as a path.*found int"),
    ],
)
def test_what_is_no_photo_is_named(photos, photo, complaint):
    with pytest.raises(PhotoError, match=complaint):
        embedded([photos[0], photo])


def test_unknown_network_is_an_error(photos):
    with pytest.raises(WeightsError, match="efficientnet-lite0"):
        fashion.embed(photos, backbone="efficientnet")


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 30])
def test_a_map_of_any_number_of_items(count):
    vectors = np.random.default_rng(0).normal(size=(count, 5))
    xy = fashion.tsne(vectors)
    assert xy.shape == (count, 2) and xy.dtype == np.float32 and np.isfinite(xy).all()
    if count == 3:  # three points keep their distances
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        for one, other in ((0, 1), (0, 2), (1, 2)):
            apart = np.linalg.norm(unit[one] - unit[other])
            assert np.linalg.norm(xy[one] - xy[other]) == pytest.approx(apart, abs=1e-5)
    assert np.array_equal(xy, fashion.tsne(vectors, seed=0))


X = np.random.default_rng(0).normal(size=(8, 5))


@pytest.mark.parametrize("count", [2, 8])
@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"perplexity": 0}, "expected perplexity as a number above 0; found 0"),
        ({"perplexity": "x"}, "found 'x'"),
        ({"seed": -1}, r"expected seed as a whole number from 0 to 4294967295; found -1\. Give another seed\."),
        ({"seed": "x"}, "found 'x'"),
        ({"initialisation": "umap"}, "expected initialisation as one of pca, random; found 'umap'. Name one"),
        ({"initialisation": "PCA"}, "Did you mean pca"),
    ],
)
def test_arguments_of_a_map_are_checked_for_any_number_of_items(count, options, complaint):
    with pytest.raises(SettingsError, match=complaint):
        fashion.tsne(X[:count], **options)


@pytest.mark.parametrize(
    ("vectors", "found"),
    [
        ([], r"shape \(0,\)\. Pass"),
        (None, r"shape \(\)\. Pass"),
        (X[0], r"shape \(5,\)\. Pass"),
        (np.where(np.arange(8)[:, np.newaxis] == 3, np.nan, X), r"NaN or infinity in row 3 of 8\. Leave such rows out"),
        ([[1, 2], [3]], r"ValueError.*\. Pass"),
        ([["a", "b"]] * 5, r"TypeError.*\. Pass"),
        (X * 1j, r"TypeError.*\. Pass"),
    ],
)
def test_what_is_no_table_of_vectors_is_named(vectors, found):
    with pytest.raises(ArtefactError, match=f"expected .*vectors.*; found {found}"):
        fashion.tsne(vectors)


def test_an_argument_in_american_spelling_has_the_near_one():
    with pytest.raises(TypeError, match=r"^expected arguments among .*; found '.*'\. Did you mean initialisation\?$"):
        fashion.tsne(X, initialization="pca")


def test_a_report_by_a_name_alone_is_told_its_settings():
    with pytest.raises(SettingsError, match=r"found 'sample'\. Write .*fashion\.Settings\(\"sample\"\)"):
        fashion.build_report("sample")


def test_readme_shows_the_face():
    block = readme_block()
    assert [name for name in ("open", "embed", "tsne") if f"fashion.{name}(" not in block] == []
