"""The text tower: tokens as the tokenizers library's, vectors as NumPy's, and words from prompts."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from onnx_towers import CLIP_JSON, TEXT_WORDS, WIDTH, image_tower, text_tower, write_json

from fashion.attributes.layout import Layout, blend_words
from fashion.core.errors import WeightsError
from fashion.core.workspace import Workspace
from fashion.embedding.backbones import description_of, load_backbone
from fashion.embedding.text import Prompts, find_text_encoder, load_text_encoder, read_prompts, words_by_prompts
from fashion.neighbours.exact import normalise
from fashion.recommendation.known_item import ALL, PHOTOS, known_item_trial
from fashion.recommendation.recommender import Recommender
from fashion.recommendation.text_search import free_text_of
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

SAID = [("red", "dress"), ("blue", "dress"), ("red", "boots"), ("black", "trousers"), ("red", "dress")]
SEEN = ["red dress", "blue dress", "red boots", "black trousers", "green boots"]


@pytest.fixture
def searched(tmp_path):
    """A report's files by a pair of towers: item e's photo shows green boots, though its words are a red dress."""
    pair(tmp_path / "clip", "transformers.js")
    network = load_backbone(str(tmp_path / "clip"))
    items = pd.DataFrame(SAID, columns=["colour", "category"]).assign(item=list("abcde"), department="clothes")
    items["title"] = ["", "", "", "Silk trousers", ""]
    items["photo"] = items["item"] + ".jpg"
    work = Workspace("any", tmp_path / "p", tmp_path / "r")
    work.write_table("items", items)
    work.write_json("backbone", description_of(network))
    work.write_vectors("max_pooled", 3 * load_text_encoder(tmp_path / "clip", WIDTH)(SEEN))
    return work


def shop_of(work):
    """The report's recommender, its items told by their words alone."""
    items = work.items()
    kinds, shades = ("boots", "dress", "trousers"), ("black", "blue", "green", "red")
    layout = Layout(kinds, shades, np.eye(3, dtype=np.float32), {}, 4, "x", {})
    told = {"category": kinds, "colour": shades}
    parts = {
        column: blend_words(np.full((5, len(words)), 1 / len(words), np.float32), items[column], words, 0.9)
        for column, words in told.items()
    }
    vectors = layout.with_hubs(layout.compose(parts, np.random.default_rng(0).normal(size=(5, 4))), np.zeros(5))
    return Recommender(items, normalise(vectors), layout, k=5, free_text=free_text_of(work))


def test_words_texts_and_photos_are_fused_by_rank(searched):
    shop = shop_of(searched)
    query = shop.words_query("silk green boots, not blue")
    assert query.reading.described == "silk green boots" and query.reading.texts == ("silk",)
    tower = load_text_encoder(searched.json("backbone")["place"], WIDTH)
    expected = tower(SEEN) @ tower(["silk green boots"])[0]
    np.testing.assert_allclose(query.photo_scores, expected, atol=1e-6)
    rows, shares = shop.ranked(query)
    assert 1 not in rows, "what is barred stays away"
    allowed = [0, 2, 3, 4]
    by_photo = sorted(allowed, key=lambda row: -expected[row])
    vectors = query.vectors.copy()
    by_words = (shop._scaled(vectors, shop._weights()) @ shop.vectors.T).max(axis=0).round(4)
    by_words = sorted(allowed, key=lambda row: (-by_words[row], by_photo.index(row)))
    score = {row: 1 / (61 + by_photo.index(row)) + 1 / (61 + by_words.index(row)) + (row == 3) / 61 for row in allowed}
    assert rows.tolist() == sorted(allowed, key=lambda row: (-score[row], by_photo.index(row)))
    assert shares == pytest.approx([score[row] * 61 / 3 for row in rows])


def test_what_matches_every_word_comes_first_and_the_photo_tells_their_order(searched):
    shop = shop_of(searched)
    found = shop.answer(shop.words_query("red dress"))
    assert found["item"].tolist()[:2] == ["a", "e"], "item e has the words, but another photo"
    assert found["similarity"].iloc[0] > found["similarity"].iloc[1]
    unheard = shop.words_query("green")  # no item of this report is called green
    assert unheard.exact.sum() == 0 and unheard.reading
    assert shop.ranked(unheard)[0].tolist() == np.argsort(-unheard.photo_scores).tolist(), "the tower alone"
    changed = shop.words_query("unheard boots", shop.item_query("a"))
    assert changed.photo_scores is not None and "a" not in shop.answer(changed)["item"].tolist()
    assert shop.words_query("blue", shop.item_query("a")).photo_scores is None, "the catalogue's words suffice"
    hidden = shop.answer(shop.words_query("dress"), 3, hide_duplicates=True, diversity=0.5)
    assert len(hidden) == 3


def test_the_reading_says_what_was_looked_for_in_photos(searched):
    shop = shop_of(searched)
    reading = shop.words_reader.read("a feathery red dress under 50, size M")
    assert reading.described == "a feathery red dress" == reading.as_dict()["described"]
    assert reading.notes == [
        "Looked for in photos alone: feathery.", "Not understood, and ignored: under 50, size M."
    ]  # fmt: skip
    assert shop.words_reader.read("with the").described == "" and not shop.words_reader.read("with the")


def test_a_tower_that_cannot_be_used_leaves_words_and_says_why(searched, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "tokenizers", None)
        shop = shop_of(searched)
        query = shop.words_query("red dress")
        assert query.photo_scores is None and shop.ranked(query)[0].tolist()[:2] == [0, 4]
        assert "Words alone are searched, not photos: expected the package tokenizers" in query.reading.notes[-1]
    place = Path(searched.json("backbone")["place"])
    write_json(place / "preprocessor_config.json", CLIP_JSON | {"resample": 2})
    reading = shop_of(searched).words_reader.read("red dress")
    assert "expected the encoder with which the report was made" in reading.problem and not reading.described
    searched.write_json("backbone", {"name": "efficientnet-lite0", "dimension": 1280})
    assert free_text_of(searched) is None


def test_titles_and_descriptions_lead_to_their_items(searched):
    shop = shop_of(searched)
    titled = known_item_trial(shop, np.arange(5), 3).set_index(["method", "measure"])["mean"]
    rank = 1 + shop.ranked(shop.words_query("Silk trousers"))[0].tolist().index(3)
    assert titled[ALL, "MRR"] == 1 / rank and (PHOTOS, "Success@3") in titled.index
    bare = known_item_trial(replace(shop, items=shop.items.drop(columns="title")), np.arange(5), 1)
    # Of four descriptions each is nearest to a photo of its words.
    assert bare[["method", "measure", "mean", "searches"]].to_numpy().tolist() == [[PHOTOS, "Precision@1", 1.0, 4]]


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


# --- Python's face ---


def test_a_study_names_what_photos_show(searched, tmp_path):
    (tmp_path / "p.toml").write_text('template = "{colour}"\ncolour = ["red", "blue", "black"]')
    described = Study(searched).words_by_prompts(tmp_path / "p.toml")
    assert described["item"].tolist() == list("abcde") and described["colour"].tolist()[1] == "blue"
    searched.write_json("backbone", {"name": "efficientnet-lite0", "dimension": 1280})
    with pytest.raises(WeightsError, match=r"found efficientnet-lite0, which sees photos alone"):
        Study(searched).words_by_prompts(tmp_path / "p.toml")
