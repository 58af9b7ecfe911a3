"""The text tower: tokens as the tokenizers library's, vectors as NumPy's, and words from prompts."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
from onnx_towers import CLIP_JSON, TEXT_WORDS, WIDTH, image_tower, text_tower, write_json

from fashion.cli.main import build_parser
from fashion.cli.recommend import _print_text
from fashion.core.errors import WeightsError
from fashion.core.workspace import Workspace
from fashion.embedding.backbones import facts, load_backbone
from fashion.embedding.text import Prompts, find_text_encoder, load_text_encoder, read_prompts, words_by_prompts
from fashion.recommendation.filters import QueryError
from fashion.recommendation.fusion import reciprocal_rank_fusion
from fashion.recommendation.text_search import TextSearch
from fashion.study import Study

pytest.importorskip("tokenizers", reason="the extra `text` is not installed")
from onnx_towers import write_tokenizer

#: Layout -> text tower, folder of its tokenizer, tokens that a text is padded to (0: none), whether it has a mask.
PAIRS = {
    "transformers.js": ("onnx/text_model.onnx", ".", 0, True),
    "immich": ("textual/model.onnx", "textual", 8, True),
    "siglip": ("onnx/text_model.onnx", ".", 0, False),
}


def number(word):
    return 4 + TEXT_WORDS.index(word)


def pair(folder, layout):
    """Image and text tower of one layout; the text tower's table."""
    model, tokens, length, mask = PAIRS[layout]
    immich = layout == "immich"
    image_tower(folder / ("visual/model.onnx" if immich else "onnx/vision_model.onnx"))
    write_json(folder / ("visual/preprocess_cfg.json" if immich else "preprocessor_config.json"), CLIP_JSON)
    write_tokenizer(folder / tokens)
    if layout == "siglip":
        write_json(folder / "config.json", {"model_type": "siglip"})
    return text_tower(folder / model, length=length or "tokens", mask=mask)


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
@pytest.mark.parametrize("layout", PAIRS)
def test_a_texts_vector_is_that_of_its_tokens(tmp_path, monkeypatch, layout, runtime):
    from tokenizers import Tokenizer

    table = pair(tmp_path, layout)
    if runtime == "onnxruntime":
        monkeypatch.setitem(sys.modules, "openvino", None)
    encoder = load_text_encoder(tmp_path, WIDTH)
    text = "Red dress, unheard"
    ids = Tokenizer.from_file(str(encoder.tokenizer)).encode(text).ids
    assert ids == [1, number("red"), number("dress"), 3, 3, 2]
    if layout == "siglip":  # padded to its full length, as it was trained; it has no mask
        ids = [*ids, 0, 0]
    expected = table[ids].sum(axis=0)
    found = encoder([text, "blue"])
    np.testing.assert_allclose(found[0], expected / np.linalg.norm(expected), atol=1e-6)
    assert found.shape == (2, WIDTH) and np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-6)
    long = encoder(["red " * 30])[0]
    cut = table[[1, *[number("red")] * 6, 2]].sum(axis=0)  # eight tokens, both ends kept
    np.testing.assert_allclose(long, cut / np.linalg.norm(cut), atol=1e-6)


def test_a_folder_without_a_text_tower_or_with_half_of_one_is_refused_in_words(tmp_path):
    image_tower(tmp_path / "onnx/vision_model.onnx")
    assert find_text_encoder(tmp_path) is None and find_text_encoder(tmp_path / "none.onnx") is None
    with pytest.raises(WeightsError, match=r"expected a text tower in .*onnx/text_model.onnx"):
        load_text_encoder(tmp_path, WIDTH)
    text_tower(tmp_path / "onnx/text_model.onnx")
    with pytest.raises(
        WeightsError, match=r"expected tokenizer.json beside the text tower .*text_model.onnx; found none"
    ):
        find_text_encoder(tmp_path)
    write_tokenizer(tmp_path)
    with pytest.raises(WeightsError, match=rf"expected vectors of 99 dimensions.*found {WIDTH}"):
        load_text_encoder(tmp_path, 99)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(WeightsError, match=r"expected a model that tokenizers can read .*tokenizer.json"):
        load_text_encoder(tmp_path, WIDTH)


def test_without_tokenizers_the_package_is_named(tmp_path, monkeypatch):
    pair(tmp_path, "transformers.js")
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(WeightsError, match=r"expected the package tokenizers.*pip install tokenizers"):
        load_text_encoder(tmp_path, WIDTH)


# --- search ---


@pytest.fixture
def searched(tmp_path):
    """A report's files by a pair of towers: item n's vector is that of its own words."""
    pair(tmp_path / "clip", "transformers.js")
    network = load_backbone(str(tmp_path / "clip"))
    words = [("red", "dress"), ("blue", "dress"), ("red", "boots"), ("black", "trousers"), ("red", "dress")]
    items = pd.DataFrame(words, columns=["colour", "category"]).assign(item=list("abcde"), department="clothes")
    work = Workspace("any", tmp_path / "p", tmp_path / "r")
    work.write_table("items", items)
    work.write_json("backbone", facts(network))
    own = load_text_encoder(tmp_path / "clip", WIDTH)(
        [f"{colour} {kind}" for colour, kind in words[:4]] + ["green boots"]
    )
    work.write_vectors("max_pooled", own)
    return work


def test_a_text_finds_photos_and_words_together(searched):
    search = TextSearch(searched)
    found = search.search("red dress", 5)
    assert found["item"].tolist()[0] == "a" and found["rank"].tolist() == [1, 2, 3, 4, 5]
    assert found["cosine"].iloc[0] == pytest.approx(1, abs=1e-5)
    # Item e's photo shows green boots, but its words are right: fusion puts it before items of neither.
    cosines = search.cosines("red dress")
    by_photo = np.argsort(-cosines, kind="stable")
    place = np.argsort(by_photo)
    by_words = search.by_words("red dress", place)
    assert set(by_words[:2]) == {0, 4} and 3 not in by_words
    expected = reciprocal_rank_fusion([by_photo, by_words], 5)
    assert found["score"].tolist() == sorted(expected, reverse=True)
    assert search.by_words("striped red drss, not blue", place).tolist() == by_words.tolist(), "read as the shop does"
    only_photos = search.search("unheard", 2)
    assert only_photos["score"].tolist() == [1 / 61, 1 / 62], "words that nobody has are left to the text tower"
    with pytest.raises(QueryError, match="expected a text; found nothing"):
        search.search("  ", 3)


def test_a_report_without_a_text_tower_says_so(searched):
    searched.write_json("backbone", {"name": "efficientnet-lite0", "dimension": 1280})
    with pytest.raises(WeightsError, match=r"found efficientnet-lite0, which sees photos alone"):
        TextSearch(searched)


# --- words by prompts ---


def test_words_by_prompts_are_those_of_the_nearest_text(tmp_path):
    pair(tmp_path, "transformers.js")
    encoder = load_text_encoder(tmp_path, WIDTH)
    prompts = Prompts("a photo of a {colour} {category}", {"colour": ("red", "blue"), "category": ("dress", "boots")})
    photos = encoder(["a photo of a blue boots", "a photo of a red dress"])
    found = words_by_prompts(3 * photos, encoder, prompts)
    assert found[["colour", "category"]].to_numpy().tolist() == [["blue", "boots"], ["red", "dress"]]
    logits = 100 * photos @ encoder(prompts.texts()).T
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares = (shares / shares.sum(axis=1, keepdims=True)).reshape(2, 2, 2)
    np.testing.assert_allclose(found["colour_confidence"], shares.sum(axis=2).max(axis=1), rtol=1e-5)
    np.testing.assert_allclose(found["category_confidence"], shares.sum(axis=1).max(axis=1), rtol=1e-5)


@pytest.mark.parametrize("said", ['colour = ["red"]', 'template = "{colour}"', "template =", 'template = "clothes"'])
def test_prompts_that_do_not_fit_are_refused(tmp_path, said):
    (tmp_path / "p.toml").write_text(said)
    with pytest.raises(WeightsError, match=r"expected (prompts|words).*p.toml"):
        read_prompts(tmp_path / "p.toml")
    (tmp_path / "p.toml").write_text('template = "a {colour} thing"\ncolour = ["red", "blue"]')
    assert read_prompts(tmp_path / "p.toml").texts() == ["a red thing", "a blue thing"]


# --- Python's face and the command ---


def test_study_and_command_search_and_describe(searched, tmp_path, capsys):
    study = Study(searched)
    assert study.search_text("red dress", k=2)["item"].tolist()[0] == "a" and len(study.search_text("blue")) == 5
    (tmp_path / "p.toml").write_text('template = "{colour}"\ncolour = ["red", "blue", "black"]')
    described = study.words_by_prompts(tmp_path / "p.toml")
    assert described["item"].tolist() == list("abcde") and described["colour"].tolist()[1] == "blue"

    arguments = build_parser().parse_args(["recommend", "--text", "red dress", "-k", "1", "-c", "any"])
    _print_text(study, arguments)
    assert capsys.readouterr().out.split()[-1] == f"{2 / 61:.4f}"
    arguments.json = True
    _print_text(study, arguments)
    assert json.loads(capsys.readouterr().out)["items"][0]["item"] == "a"
    arguments.words = "blue"
    with pytest.raises(QueryError, match="expected --text alone"):
        _print_text(study, arguments)
