"""Qdrant, as its client's own local mode, answers as exact search does: items, similarities, filters, words, ties."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import SIX_ITEMS

from fashion.attributes.layout import Layout, blend_words
from fashion.cli.main import main
from fashion.neighbours.exact import normalise
from fashion.recommendation import qdrant
from fashion.recommendation.qdrant import (
    EngineError,
    QdrantSearch,
    collection_key,
    collection_name,
    earlier_collections,
    remove_collection,
    upload,
)
from fashion.recommendation.recommender import Recommender
from fashion.recommendation.search_engine import ExactSearch

pytestmark = [
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant"),
    pytest.mark.filterwarnings("ignore:Local mode performs exact"),
]

RUN, OTHER_RUN = Path("runs/one"), Path("runs/two")

CATEGORIES, COLOURS = ("boots", "sandals", "short dress"), ("red", "blue", "green")
TITLES = ["Floral summer boots", "Plain sandals", "Plain dress", "Striped floral thing"]


def made(seed: int = 0) -> Recommender:
    """48 items, every one of the second half a copy of one of the first: ties everywhere."""
    random = np.random.default_rng(seed)
    items = pd.concat([SIX_ITEMS] * 8, ignore_index=True).assign(
        item=[f"it'em {n}" for n in range(48)], title=[TITLES[n % 4] for n in range(48)]
    )
    layout = Layout(CATEGORIES, COLOURS, np.eye(3, dtype=np.float32), looks=5)
    seen = {column: np.tile(random.dirichlet(np.ones(3), 24), (2, 1)).astype(np.float32) for column in layout.words}
    told = {column: blend_words(seen[column], items[column], words, 0.6) for column, words in layout.words.items()}
    looks, hubs = random.normal(size=(24, 5)), random.normal(0, 0.1, 24)
    rows = layout.with_hubs(layout.compose(told, np.tile(looks, (2, 1))), np.tile(hubs, 2))
    return Recommender(items, normalise(rows), layout, np.arange(48) % 24)


@pytest.fixture(scope="module", autouse=True)
def client_module():
    """Imported here: it takes a second, which only the worker with these tests needs."""
    return pytest.importorskip("qdrant_client", reason="qdrant-client is not installed")


@pytest.fixture(scope="module")
def client(client_module):
    return client_module.QdrantClient(":memory:")


@pytest.fixture(scope="module")
def pair(client):
    """The same catalogue, searched exactly and by the engine."""
    ours = made()
    upload(client, ours, "shop", "described", RUN, progress=False)
    return ours, replace(ours, searched_by=QdrantSearch.of_report(client, ours, "shop", "described"))


def both_answer(pair, make, **how):
    ours, theirs = (one.answer(make(one), **how) for one in pair)
    assert theirs["item"].tolist() == ours["item"].tolist() and theirs["reasons"].tolist() == ours["reasons"].tolist()
    assert theirs["similarity"].to_numpy() == pytest.approx(ours["similarity"].to_numpy(), abs=1e-6)
    return ours


def test_the_engine_itself_ranks_as_we_do(pair, client, client_module):
    """By its own scores, without ours: what another program that asks it gets."""
    ours = pair[0]
    name = collection_name("shop", "described", collection_key(ours))
    models = client_module.models
    for weight in (0.1, 0.5, 0.9):
        for where in (None, {"colour": ("red",), "category": ("boots", "sandals")}):
            query = ours.item_query("it'em 3")
            must = [models.FieldCondition(key=c, match=models.MatchAny(any=list(v))) for c, v in (where or {}).items()]
            head = ours._scaled(query.vectors, ours._weights(weight, 0.3))[0]
            barred = models.Filter(must=must, must_not=[models.HasIdCondition(has_id=[3])])
            hits = client.query_points(name, query=head.tolist(), query_filter=barred, limit=7).points
            expected = ours.answer(query, 7, where, colour_weight=weight, looks_weight=0.3)
            assert np.minimum([hit.score for hit in hits], 1) == pytest.approx(
                expected["similarity"].to_numpy(), abs=1e-5
            )
            rows = [ours.names.row(item) for item in expected["item"]]
            assert {hit.id % 24 for hit in hits} == {row % 24 for row in rows}  # of two copies, either


@pytest.mark.parametrize("how", [
    {}, {"k": 1}, {"k": 60}, {"where": {"colour": ("red",)}}, {"where": {"colour": ("red",), "category": ("boots",)}},
    {"colour_weight": 0.9, "looks_weight": 0.0}, {"hide_duplicates": True, "k": 20}, {"diversity": 0.5, "k": 5},
    {"where": {"colour": ("none",)}}, {"among": np.arange(48) % 5 > 0, "k": 12},
])  # fmt: skip
def test_same_answers_to_an_item(pair, how, monkeypatch):
    ours = both_answer(pair, lambda one: one.item_query("it'em 3"), **how)
    assert (ours["item"] != "it'em 3").all()
    monkeypatch.setattr(qdrant, "MOST_NAMED", 0)  # the engine filters by its payload, and the rest is left out here
    monkeypatch.setattr(qdrant, "SPARE", 1)
    both_answer(pair, lambda one: one.item_query("it'em 3"), **how)


@pytest.mark.parametrize("words", [
    "red boots", "blue footwear", "green", "floral boots", "floral", "striped red dress", "boots, not red",
])  # fmt: skip
@pytest.mark.parametrize("how", [{}, {"k": 30, "hide_duplicates": True}, {"looks_weight": 0.0, "k": 48}])
def test_same_answers_to_words(pair, words, how):
    ours = both_answer(pair, lambda one: one.words_query(words), **how)
    assert len(ours)


def test_same_answers_to_likes_and_changes(pair):
    both_answer(pair, lambda one: one.refined(None, ["it'em 1", "it'em 9"], ["it'em 4"]), k=9)
    both_answer(pair, lambda one: one.words_query("blue", one.item_query("it'em 3")), k=9)


def test_filters_go_to_the_engine(pair, client, monkeypatch):
    """Filters that the payload holds are the engine's own work, so that few rows travel."""
    monkeypatch.setattr(qdrant, "MOST_NAMED", 0)
    asked = []
    real = client.query_batch_points
    monkeypatch.setattr(client, "query_batch_points", lambda *a, **k: asked.extend(k["requests"]) or real(*a, **k))
    pair[1].answer(pair[1].item_query("it'em 0"), 4, {"colour": ("blue",)})
    assert [c.key for c in asked[0].filter.must] == ["colour"] and asked[0].filter.must[0].match.any == ["blue"]
    assert all(np.float32(asked[0].query).shape == (pair[0].vectors.shape[1],) for _ in asked)


def test_both_are_engines_to_the_recommender(pair):
    assert isinstance(pair[0].engine, ExactSearch) and isinstance(pair[1].engine, QdrantSearch)


def test_a_stopped_upload_is_refused_and_goes_on(monkeypatch, client_module):
    client, ours = client_module.QdrantClient(":memory:"), made(1)
    monkeypatch.setattr(qdrant, "POINTS", 10)
    real, sent = client.upsert, []

    def stops(*args, **more):
        if len(sent) == 2:
            raise ConnectionError("the line broke off")
        sent.append(len(more["points"]))
        return real(*args, **more)

    monkeypatch.setattr(client, "upsert", stops)
    with pytest.raises(EngineError, match=r"expected an answer from Qdrant .*broke off"):
        upload(client, ours, "shop", "described", RUN, progress=False)
    with pytest.raises(EngineError, match=r"expected 48 items .* found 20.*fashion export --catalogue shop"):
        QdrantSearch.of_report(client, ours, "shop", "described")
    monkeypatch.setattr(client, "upsert", lambda *a, **k: sent.append(len(k["points"])) or real(*a, **k))
    name = upload(client, ours, "shop", "described", RUN, progress=False)
    assert sent == [10, 10, 10, 10, 8]
    upload(client, ours, "shop", "described", RUN, progress=False)
    assert sent == [10, 10, 10, 10, 8] and client.count(name).count == 48
    assert client.retrieve(name, ids=[4])[0].payload["title"] == TITLES[0]


def test_another_report_is_refused(pair, client):
    other = made(2)
    with pytest.raises(EngineError, match=r"found those of other reports \(shop-described-.*fashion export"):
        QdrantSearch.of_report(client, other, "shop", "described")
    reworded = replace(pair[0], items=pair[0].items.assign(colour="mauve"))
    with pytest.raises(EngineError, match="found those of other reports"):
        QdrantSearch.of_report(client, reworded, "shop", "described")
    with pytest.raises(EngineError, match=r"found none of this catalogue.*--embedding learned"):
        QdrantSearch.of_report(client, other, "another", "learned")
    name = pair[1].engine.collection
    assert earlier_collections(client, "shop", "described", "shop-new") == [name]
    assert earlier_collections(client, "shop", "described", name) == []


def test_a_run_removes_its_own_collections_alone(client_module):
    client, (first, second, third) = client_module.QdrantClient(":memory:"), (made(seed) for seed in (4, 5, 6))

    def send(one, run):
        return upload(client, one, "shop", "described", run, progress=False)

    own, others, shared = send(first, RUN), send(second, OTHER_RUN), send(third, RUN)
    assert send(third, OTHER_RUN) == shared
    present = send(made(7), RUN)
    assert earlier_collections(client, "shop", "described", present, RUN) == sorted([own, shared])
    assert [remove_collection(client, name, RUN) for name in (own, shared)] == [True, False]
    assert earlier_collections(client, "shop", "described", present, RUN) == []
    assert QdrantSearch.of_report(client, third, "shop", "described").collection == shared
    assert earlier_collections(client, "shop", "described", others, OTHER_RUN) == [shared]
    assert remove_collection(client, shared, OTHER_RUN)
    assert sorted(one.name for one in client.get_collections().collections) == sorted([others, present])


def test_a_collection_of_another_width_or_maker_is_refused(client_module):
    client, ours = client_module.QdrantClient(":memory:"), made()
    name, width = collection_name("shop", "described", collection_key(ours)), ours.vectors.shape[1]
    models = client_module.models
    client.create_collection(name, vectors_config=models.VectorParams(size=3, distance=models.Distance.DOT))
    for call in (upload, QdrantSearch.of_report):
        with pytest.raises(EngineError, match=f"expected vectors of {width} dimensions in .* found 3"):
            call(client, ours, "shop", "described", *([RUN] if call is upload else []))
    client.delete_collection(name)
    client.create_collection(name, vectors_config=models.VectorParams(size=width, distance=models.Distance.DOT))
    with pytest.raises(EngineError, match="or of another project"):
        QdrantSearch.of_report(client, ours, "shop", "described")


def test_missing_words_and_strange_columns(client):
    items = made().items.assign(colour=[None] * 48, **{"a.b[0]": "x", "size": 3})
    ours = replace(made(), items=items)
    name = upload(client, ours, "gaps", "described", RUN, progress=False)
    told = client.retrieve(name, ids=[0])[0].payload
    assert told["colour"] is None and "a.b[0]" not in told and "size" not in told
    theirs = replace(ours, searched_by=QdrantSearch.of_report(client, ours, "gaps", "described"))
    for where in ({"a.b[0]": ("x",)}, {"size": ("3",)}, {"size": ("4",)}):
        answers = [one.ranked(one.item_query("it'em 3"), 5, where)[0].tolist() for one in (ours, theirs)]
        assert answers[0] == answers[1]


def test_no_server_and_no_package(monkeypatch, capsys):
    with pytest.raises(EngineError, match=r"expected an answer from Qdrant \(http://127.0.0.1:9\).*docker run"):
        qdrant.connect("http://127.0.0.1:9")
    monkeypatch.setitem(__import__("sys").modules, "qdrant_client", None)
    with pytest.raises(EngineError, match="pip install qdrant-client"):
        qdrant.connect("http://127.0.0.1:9")
    assert main(["export", "--to", "nonsense"]) == 1
    assert "expected --to parquet" in capsys.readouterr().err


@pytest.mark.skipif("QDRANT_URL" not in os.environ, reason="QDRANT_URL names no Qdrant server to test against")
def test_a_server_answers_as_we_do():
    client, ours = qdrant.connect(os.environ["QDRANT_URL"]), made(3)
    name = upload(client, ours, "fashion-test", "described", RUN, progress=False)
    try:
        theirs = replace(ours, searched_by=QdrantSearch.of_report(client, ours, "fashion-test", "described"))
        for how in ({}, {"where": {"colour": ("red",)}}, {"hide_duplicates": True, "colour_weight": 0.8}):
            both_answer((ours, theirs), lambda one: one.item_query("it'em 3"), **how)
        both_answer((ours, theirs), lambda one: one.words_query("floral red boots"), k=20)
    finally:
        client.delete_collection(name)
