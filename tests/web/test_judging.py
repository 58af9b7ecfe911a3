"""The page that collects judgements: rows that notebook 06 reads, several raters at once, and nobody else's pages."""

import itertools
import re
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest

from fashion.core.errors import CatalogueError
from fashion.evaluation.judgements import krippendorff_alpha, read_judgements
from fashion.web.app import create_app
from fashion.web.judging import Judgements, make_pool
from fashion.web.reload import Window
from fashion.web.security import Buckets

pytestmark = pytest.mark.slow  # by the report that it is about

OWN = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def window(work):
    return Window(work, warm=False)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "judged" / "tiny.csv"


@pytest.fixture
def client(window, path):
    return create_app(window, Buckets(), judgements=path).test_client()


def asked(page):
    """Query and item that a page asks for."""
    text = page.get_data(as_text=True)
    return tuple(re.search(f'name="{name}" value="([^"]+)"', text).group(1) for name in ("query", "item"))


def give(client, pair, grade, rater="ann", headers=OWN):
    data = {"query": pair[0], "item": pair[1], "grade": grade, "rater": rater}
    return client.post("/judge", data=data, headers=headers)


def test_without_a_file_there_is_no_such_page(window):
    client = create_app(window, Buckets()).test_client()
    assert client.get("/judge").status_code == client.post("/judge").status_code == 404
    assert "/judge" not in client.get("/").get_data(as_text=True)


def test_notebook_06_reads_what_was_judged(client, path, window):
    given = []
    for rater in ("ann", "Bob P."):
        for grade in (3, 0, 2, 1):
            pair = asked(client.get("/judge", query_string={"rater": rater}))
            answer = give(client, pair, grade, rater)
            assert answer.status_code == 303 and answer.location.startswith("/judge?rater=")
            given.append((*pair, grade, rater))
    items = window.shop().items
    table = read_judgements(path, items)
    names = items["item"].to_numpy()
    read = [(names[q], names[i], int(g), r) for q, i, g, r in table.itertuples(index=False)]
    assert sorted(read) == sorted(given)
    back = asked(client.get("/judge?rater=ann&pair=0"))
    give(client, back, 0, "ann")
    assert len(read_judgements(path, items)) == len(given), "a pair that is judged again counts once"
    assert not krippendorff_alpha(read_judgements(path, items)) > 1


def test_the_pool_holds_every_methods_first_ones_and_tells_none(client, window, path):
    shop, judgements = window.shop(), Judgements.of_file(path, window.shop())
    pairs = set(judgements.pairs)
    assert len(pairs) == len(judgements.pairs) and not any(query == item for query, item in pairs)
    for query in {query for query, _ in pairs}:
        shown = shop.recommender.by_item(query)["item"]
        assert {(query, item) for item in shown} <= pairs, "what the shop shows is judged"
    page = client.get("/judge?rater=ann").get_data(as_text=True)
    assert not re.search("frozen|learned|described|HOG", page)


def test_a_catalogue_of_fewer_items_than_recommendations_is_judged_whole(window):
    shop = window.shop()
    few = SimpleNamespace(study=shop.study, recommender=replace(shop.recommender, k=len(shop.items)))
    pool = make_pool(few)
    assert len(pool) == len({query for query, _ in pool}) * (len(shop.items) - 1)


def test_too_many_judgements_are_429_and_none_is_written(window, path):
    now = [0.0]
    few = Buckets(2, 0.25, clock=lambda: now[0])
    client = create_app(window, Buckets(1), judgements=path, judgement_buckets=few).test_client()
    pair = asked(client.get("/judge?rater=ann"))
    assert [give(client, pair, grade).status_code for grade in (0, 1)] == [303, 303]
    refused = give(client, pair, 2)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "4")
    assert "Try again in 4 seconds" in refused.get_data(as_text=True) and len(path.read_text().splitlines()) == 3
    now[0] = 4.0
    assert give(client, pair, 3).status_code == 303


def test_each_rater_has_an_own_order_and_goes_on_where_it_stopped(client, path, window):
    judgements = Judgements.of_file(path, window.shop())
    ann, bob = judgements.order("ann"), judgements.order("bob")
    assert ann != bob and sorted(ann) == sorted(bob) == sorted(judgements.pairs)
    assert ann == Judgements.of_file(path, window.shop()).order("ann")
    queries = [query for query, _ in ann]
    changes = sum(a != b for a, b in itertools.pairwise(queries))
    assert changes == len(set(queries)) - 1, "a query's items come one after another"
    for pair in ann[:3]:
        assert asked(client.get("/judge?rater=ann")) == pair
        give(client, pair, 1)
    later = create_app(window, Buckets(), judgements=path).test_client()  # the server was started again
    page = later.get("/judge?rater=ann")
    assert asked(page) == ann[3] and f"3 of {len(ann)} judged" in page.get_data(as_text=True)
    assert "pair=2" in page.get_data(as_text=True), "the way back to the last one"
    assert asked(later.get("/judge?rater=bob")) == bob[0]
    with path.open("a") as stream:
        stream.writelines(f"{query},{item},2,ann\n" for query, item in ann[3:-1])
    give(later, asked(later.get("/judge?rater=ann")), 2)
    assert "All judged" in later.get("/judge?rater=ann").get_data(as_text=True)


def test_raters_at_once_and_a_row_cut_short_lose_nothing(client, path, window):
    judgements = Judgements.of_file(path, window.shop())
    with path.open("a") as stream:
        stream.write("10000000,1000")  # a stop in the middle of a row
    raters = [f"rater {number}" for number in range(4)]

    def rate(rater):
        for pair in judgements.order(rater)[:10]:
            Judgements.of_file(path, window.shop()).add(pair, 3, rater)

    threads = [threading.Thread(target=rate, args=(rater,)) for rater in raters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(judgements.of(rater)) for rater in raters] == [10] * 4
    assert len(path.read_text().splitlines()) == 41


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}, OWN | {"Sec-Fetch-Site": "cross-site"},
     {"Origin": "http://localhost:81"}],
)  # fmt: skip
def test_another_sites_form_judges_nothing(client, path, headers):
    pair = asked(client.get("/judge?rater=ann"))
    assert give(client, pair, 1, headers=headers).status_code == 403
    assert path.read_text() == "query,item,grade,rater\n"


@pytest.mark.parametrize(
    ("pair", "grade", "rater"),
    [(("x", "y"), 1, "ann"), (None, 4, "ann"), (None, -1, "ann"), (None, "", "ann"), (None, 1, ""), (None, 1, "=A1"),
     (None, 1, "a\nb,c"), (None, 1, "a" * 41), (None, 1, "<b>")],
)  # fmt: skip
def test_what_is_no_judgement_is_400(client, path, pair, grade, rater):
    answer = give(client, pair or asked(client.get("/judge?rater=ann")), grade, rater)
    assert (answer.status_code, path.read_text()) == (400, "query,item,grade,rater\n")
    assert "<b>" not in answer.get_data(as_text=True)


@pytest.fixture
def paired(path):
    """A file whose pairs are known already: it needs no shop."""
    path.parent.mkdir()
    path.with_suffix(".pairs.csv").write_text("query,item\nq,i\nq,j\n")
    return path


@pytest.mark.parametrize("end", ["", "\r"])
@pytest.mark.parametrize("late", [False, True])
def test_a_file_that_does_not_end_in_a_line_break_loses_nothing(paired, end, late):
    rows = ["rater,grade,query,item", "Ann,1,q,i", "Ann,2,q,j"]
    for count in (1, 2, 3):
        paired.write_bytes((rows[0] + "\n").encode() if late else (f"{end}\n".join(rows[:count]) + end).encode())
        judgements = Judgements.of_file(paired, None)
        if late:  # saved by an editor while the shop runs
            paired.write_bytes((f"{end}\n".join(rows[:count]) + end).encode())
        judgements.add(("q", "j"), 3, "Bob")
        assert paired.read_text().splitlines() == [*rows[:count], "Bob,3,q,j"]


@pytest.mark.parametrize("torn", ["q", "q,j", "q,j,", "q,j,2", "q,j,,Ann", 'q,"j,2,Ann'])
def test_a_row_cut_short_is_no_row_that_lacks_a_line_break(paired, torn):
    paired.write_text(f"query,item,grade,rater\nq,i,1,Ann\n{torn}")
    Judgements.of_file(paired, None).add(("q", "j"), 3, "Bob")
    assert paired.read_text().splitlines()[1:] == ["q,i,1,Ann", "q,j,3,Bob"]


def test_a_file_of_other_columns_is_refused_and_its_order_of_columns_is_kept(path, window):
    path.parent.mkdir()
    path.write_text("a,b\n1,2\n")
    with pytest.raises(CatalogueError, match=r"expected the columns query, item, grade, rater in .*; found a, b"):
        Judgements.of_file(path, window.shop())
    path.write_text("rater,Grade,query,item\n")
    judgements = Judgements.of_file(path, window.shop())
    pair = judgements.pairs[0]
    judgements.add(pair, 2, "ann")
    assert path.read_text().splitlines()[1] == f"ann,2,{pair[0]},{pair[1]}" and judgements.of("ann") == {pair: 2}
