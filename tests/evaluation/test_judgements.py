"""People's judgements: read from both forms, agreement as published, measures as ir-measures has them."""

import numpy as np
import pandas as pd
import pytest

from fashion.core.errors import CatalogueError
from fashion.core.paths import judgements_of
from fashion.evaluation.judgements import (
    by_people,
    judged_table,
    krippendorff_alpha,
    pooled_pairs,
    read_judgements,
)

ITEMS = pd.DataFrame({"item": [f"i{n}" for n in range(12)]})
PAIRS = [("i0", "i1", 3), ("i0", "i2", 0), ("i0", "i3", 1), ("i4", "i5", 2), ("i4", "i1", 1)]


@pytest.fixture(params=["csv", "qrels"])
def judged(request, tmp_path):
    path = tmp_path / f"judgements.{request.param}"
    if request.param == "csv":
        lines = ["Query,item,grade,rater", *(f"{q},{i},{g},ann" for q, i, g in PAIRS), "i0,gone,3,ann"]
    else:
        lines = [f"{q} 0 {i} {g}" for q, i, g in (*PAIRS, ("i0", "gone", 3))]
    path.write_text("\n".join(lines) + "\n")
    return read_judgements(path, ITEMS)


def test_both_forms_give_rows_of_items(judged):
    assert judged[["query", "item", "grade"]].to_numpy().tolist() == [
        [0, 1, 3],
        [0, 2, 0],
        [0, 3, 1],
        [4, 5, 2],
        [4, 1, 1],
    ]
    assert judged["rater"].nunique() == 1


def test_alpha_is_krippendorffs_own():
    """Four observers and twelve units, from "Computing Krippendorff's Alpha-Reliability" (2011): interval, .849."""
    rows = ["12332141 2...".replace(" ", ""), "123322412" + "5.3", ".33323422" + "51.", "123324412" + "51."]
    lines = [
        (0, unit, float(value), rater)
        for rater, row in enumerate(rows) for unit, value in enumerate(row) if value != "."
    ]  # fmt: skip
    table = pd.DataFrame(lines, columns=["query", "item", "grade", "rater"])
    assert krippendorff_alpha(table) == pytest.approx(0.849, abs=5e-4)
    assert np.isnan(krippendorff_alpha(table[table["rater"] == 1]))


def test_the_measures_are_those_of_trec(judged):
    measures = pytest.importorskip("ir_measures")
    vectors = np.random.default_rng(0).normal(size=(12, 4))
    found = judged_table(judged, {"noise": (vectors, vectors)}, 5, 0).set_index("measure")["mean"]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    run = [measures.ScoredDoc(f"i{q}", f"i{n}", float(unit[q] @ unit[n])) for q in (0, 4) for n in range(12) if n != q]
    qrels = [measures.Qrel(*pair) for pair in PAIRS]
    expected = measures.calc_aggregate([measures.nDCG @ 5, measures.P @ 5], qrels, run)
    assert found["Precision@5"] == pytest.approx(expected[measures.P @ 5], abs=1e-9)
    assert found["nDCG@5"] == pytest.approx(expected[measures.nDCG @ 5], abs=1e-9)
    assert 0 < found["judged"] < 1


def test_several_raters_count_by_their_mean_and_a_second_thought_by_itself(tmp_path):
    path = tmp_path / "j.csv"
    path.write_text("query,item,grade,rater\ni0,i1,0,a\ni0,i1,2,a\ni0,i1,0,b\ni0,i2,1,\n")
    table = read_judgements(path, ITEMS)
    assert len(table) == 3 and table["grade"].tolist() == [2, 0, 1] and table["rater"].tolist() == ["a", "b", "one"]
    vectors = np.eye(12)
    vectors[1] = vectors[2] = vectors[0] + [0, 0.1, *[0] * 10]
    found = judged_table(table, {"m": (vectors, vectors)}, 2, 0).set_index("measure")["mean"]
    assert found["Precision@2"] == 1 and found["judged"] == 1 and found["nDCG@2"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("j.csv", "query,item\ni0,i1\n", "no column grade"),
        ("j.csv", "query,item,grade\ni0,i1,good\n", "grade 'good' in row 1"),
        ("j.csv", "query,item,grade\ni0,i1,-1\n", "grade '-1' in row 1"),
        ("j.csv", "query,item,grade\nx,y,1\n", "found 1 pairs, none between two of these .the first query is x"),
        ("j.qrels", "i0 i1 1\n", "expected judgements in"),
        ("none.csv", None, "No such file"),
    ],
)
def test_what_is_no_judgement_is_refused_in_words(tmp_path, name, content, said):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(CatalogueError, match=said):
        read_judgements(tmp_path / name, ITEMS)


def test_a_catalogues_file_is_found_and_its_table_ends_with_the_raters(tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_ROOT", str(tmp_path))
    vectors = np.random.default_rng(0).normal(size=(12, 4))
    assert judgements_of("shop") is None and by_people(None, ITEMS, {}, 5, 0).empty
    (tmp_path / "data/judgements").mkdir(parents=True)
    path = tmp_path / "data/judgements/shop.csv"
    path.write_text("query,item,grade,rater\ni0,i1,2,a\ni0,i1,2,b\ni0,i2,0,a\ni0,i2,1,b\n")
    assert judgements_of("shop") == path
    table = by_people(path, ITEMS, {"noise": (vectors, vectors)}, 5, 0)
    assert table["measure"].tolist() == ["nDCG@5", "Precision@5", "judged", "Krippendorff's alpha"]
    alpha = 1 - 3 * 2 / (2 * (4 * 9 - 25))  # one pair apart by 1, of four grades 2 2 0 1
    assert table["mean"].iloc[-1] == pytest.approx(alpha) and table["queries"].iloc[-1] == 2


def test_the_pool_is_the_union_of_every_methods_first_ones():
    rng = np.random.default_rng(3)
    methods = {name: (rng.normal(size=(20, 4)), rng.normal(size=(20, 4))) for name in "abc"}
    queries, expected = np.array([7, 2]), []
    for query in queries:
        pool = set()
        for asked, gallery in methods.values():
            unit = gallery / np.linalg.norm(gallery, axis=1, keepdims=True)
            pool.update([row for row in np.argsort(-unit @ asked[query]) if row != query][:3])
        expected += [(query, row) for row in sorted(pool)]
    assert pooled_pairs(methods, queries, 3).tolist() == [list(pair) for pair in expected]
    assert pooled_pairs(methods, queries[:0], 3).shape == (0, 2)
