"""A catalogue whose every word is an attack, through report, map, slides and shop: nothing runs, nothing is fetched."""

import csv
import html
import io
import json
import re
import zipfile
from urllib.parse import quote, urlencode

import numpy as np
import pandas as pd
import pytest
from conftest import draw, hostile_weights, jpeg
from hostile import COLOURS, EVIL, KINDS
from nbconvert.filters import markdown2html
from shop_window import IN_BROWSER, served

from fashion.core.escaping import REPORT_POLICY, markdown, spreadsheet, table
from fashion.core.paths import project_root
from fashion.projection.interactive import write_map
from fashion.report.steps import STEPS


@pytest.fixture(scope="module")
def address(hostile):
    with served(hostile, hostile_weights(hostile.processed_root.parent / "hostile.toml")) as address:
        yield address


@pytest.fixture
def watched(browser):
    """A page, and all that it did which it must not: dialogs, errors, policy violations, requests to elsewhere."""
    page, trouble = browser.new_page(viewport={"width": 1300, "height": 900}), []

    def dialog(box):
        trouble.append(f"dialog: {box.message}")
        box.dismiss()

    def asked(request):
        if not request.url.startswith(("file://", "data:", "blob:", "http://127.0.0.1:")):
            trouble.append(f"request: {request.url}")

    page.on("dialog", dialog)
    page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
    page.on("console", lambda line: trouble.append(f"{line.type}: {line.text}") if line.type != "log" else None)
    page.on("request", asked)
    yield page, trouble
    page.close()


def broken(page):
    """Pictures of the page that cannot be shown, once all are loaded; the shop has a place for the visitor's photo."""
    loaded = "one => { one.loading = 'eager'; return one.decode().catch(() => one); }"
    page.evaluate(f"Promise.all([...document.images].filter(one => one.src).map({loaded}))")
    return page.evaluate(
        "[...document.images].filter(one => one.id !== 'mine' && !one.naturalWidth).map(one => one.outerHTML)"
    )


def marked(test):
    for mark in IN_BROWSER:
        test = mark(test)
    return test


@marked
@pytest.mark.parametrize("file", ["index.html", *(f"notebooks/{step.notebook}.html" for step in STEPS)])
def test_no_word_runs_on_the_reports_pages(hostile, watched, file):
    page, trouble = watched
    path = hostile.report / file
    page.goto(path.as_uri())
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    assert not broken(page) and not trouble
    assert page.locator("svg, iframe, script, link[rel=stylesheet], [onerror], [onload], [onclick]").count() == 0
    assert page.evaluate("getComputedStyle(document.body).maxWidth") and page.locator("main").count()
    policy = page.locator('meta[http-equiv="Content-Security-Policy"]').get_attribute("content")
    assert policy == REPORT_POLICY and "http" not in policy
    if file.endswith(("01-catalogue.html", "04-recommendation.html")):
        shown = page.locator("table").all_inner_texts()
        words = [word.lower() for word in (*COLOURS, *KINDS)]
        assert any(word in text.lower() for text in shown for word in words), "words are shown as they are"


@marked
def test_the_policy_holds_where_escaping_fails(hostile, watched, tmp_path):
    page, trouble = watched
    text = (hostile.report / "index.html").read_text(encoding="utf-8")
    bad = (
        f"<main><img src=x onerror=alert(1)><script>alert(2)</script><img src={EVIL}/a.png><svg onload=alert(3)></svg>"
    )
    (tmp_path / "index.html").write_text(text.replace('<main id="top">', bad, 1), encoding="utf-8")
    page.goto((tmp_path / "index.html").as_uri())
    page.wait_for_timeout(300)
    assert sum("Content Security Policy" in line for line in trouble) >= 3
    assert not [line for line in trouble if line.startswith("dialog")]


@marked
def test_no_word_runs_on_the_map(hostile, watched):
    page, trouble = watched
    page.goto((hostile.report / "05-map.html").as_uri())
    page.locator("#map[data-frame]").wait_for()
    page.locator("#search").fill("<img")
    page.locator("#search").press("Enter")
    page.locator("#panel").wait_for()
    assert "<img src=x onerror=alert(" in page.locator("#panel").inner_text()
    for place in range(100, 1200, 150):
        page.mouse.move(place, 450)
    assert not trouble


@marked
def test_no_word_runs_in_the_shop(hostile, address, watched, tmp_path):
    page, trouble = watched
    names = hostile.items()["item"].tolist()
    ways = ["/", "/look", "/map", f"/map?id={quote(names[0])}", "/?" + urlencode({"q": "svg onload alert"})]
    ways += [f"/item?id={quote(name, safe='')}" for name in names[:3]]
    for column in ("colour", "category", "department", "season"):
        ways += ["/?" + urlencode({column: word}) for word in hostile.items()[column].unique()]
    for way in ways:
        answer = page.goto(address + way)
        if way.startswith("/map"):
            page.wait_for_load_state("networkidle")
        assert answer.status == 200 or "q=" in way, way
        assert not broken(page) and not [line for line in trouble if "400 (BAD REQUEST)" not in line], way
    page.goto(address)
    page.locator(".card a").first.click()
    page.wait_for_url("**/item?id=**")
    for card in page.locator("#found .card a").all()[:1]:
        card.click()
        page.wait_for_load_state("networkidle")
    page.goto(address + "/look")
    page.locator("#photo").set_input_files(
        {"name": "<img src=x onerror=alert(1)>.jpg", "mimeType": "image/jpeg",
         "buffer": jpeg(draw("VESTITO", (200, 30, 30), 7))}
    )  # fmt: skip
    if page.locator("#found").count() == 0:
        page.get_by_role("button", name="Find similar clothes").click()
    page.locator("#found .card").first.wait_for()
    assert not [line for line in trouble if "400 (BAD REQUEST)" not in line]
    api = page.request.get(address + "/api/v1/items")
    assert api.headers["content-type"].startswith("application/json") and json.loads(api.text())["total"] == 96
    assert api.headers["x-content-type-options"] == "nosniff"


@pytest.mark.slow
def test_the_slides_hold_no_formula_and_no_link_out(hostile):
    books = words = 0
    with zipfile.ZipFile(hostile.report / "deck.pptx") as deck:
        for name in deck.namelist():
            if name.endswith(".rels"):
                assert "External" not in deck.read(name).decode(), name
            if not name.endswith(".xlsx"):
                continue
            books += 1
            with zipfile.ZipFile(io.BytesIO(deck.read(name))) as book:
                for part in book.namelist():
                    text = book.read(part).decode("utf-8", "replace")
                    assert "External" not in text and not re.search(r"<f[ >/]|<hyperlinks?[ >]", text), (name, part)
                    words += "=hyperlink(" in text.lower()
    assert books and words, "the hostile departments stand in a chart, as text"


@pytest.mark.slow
def test_tables_for_spreadsheets_hold_no_formula(hostile):
    for name in ("rejected", "to_check", "never_shown"):
        with hostile.path(f"{name}.csv").open(encoding="utf-8", newline="") as stream:
            cells = [cell for row in csv.reader(stream) for cell in row]
        assert not [
            cell for cell in cells if cell[:1] in "=+-@\t\r" and cell and not re.fullmatch(r"[+-]?[\d.]+", cell)
        ]
    assert {"'=cmd|' /C calc'!A0", "'@gone"} <= set(pd.read_csv(hostile.path("rejected.csv"))["item"])


def test_a_table_escapes_cells_and_headings_of_every_kind():
    bad = "<img src=x onerror=alert(1)>&amp;"
    frame = pd.DataFrame({bad: [bad, [bad], None], ("a", bad): [0.123456, 1.0, np.nan], "n": [1, 2, 3]})
    frame.index = [bad, "x", "y"]
    frame.index.name = frame.columns.name = bad
    for text in (table(frame).data, table(frame, {bad: "<b>{}"}).data):
        assert (
            "<img" not in text and "<b>" not in text and text.count("&lt;img src=x onerror=alert(1)&gt;&amp;amp;") >= 4
        )
    assert "<td>0.123</td>" in table(frame).data and "NaN" not in table(frame).data
    assert "<td>1,200</td>" in table(pd.DataFrame({"n": [1200]})).data
    columns = pd.DataFrame([[1, 2]], pd.Index(["x"], name="row"), pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")]))
    assert [head in table(columns).data for head in ("<th>row</th>", "<th>a, b</th>", "<th>a, c</th>")] == [True] * 3
    assert table(columns).data.count("<tr") == 2, "one row of headings"
    drawn = pd.DataFrame({"never_shown": [1200, 7], "a_b": [0.5, 0.25]}, [30, 60])
    for text in (table(drawn).data, table(drawn, {"never_shown": "{:,}"}).data):
        assert text.count("<th>") == 2 and "<th>never shown</th>" in text and "<td>1,200</td>" in text, "no positions"
    assert "<td>30</td>" in table(drawn.rename_axis("row")).data
    told = table(pd.DataFrame({"trainable": [True, False]})).data
    assert "<td>yes</td>" in told and "<td>no</td>" in told and "True" not in told
    long = "word " * 100
    assert long.strip() in table(pd.DataFrame({"a": [long.strip()]})).data, "nothing is cut"


@pytest.mark.parametrize(
    "word", ["<img src=x onerror=alert(1)>", "*b*", "[a](javascript:x)", "a_b_c", "`x`", "a|b", "1\n# h"]
)
def test_a_word_in_markdown_is_shown_as_it_is(word):
    shown = str(markdown2html(f"A {markdown(word)} word.")).strip()
    assert shown == f"<p>A {html.escape(' '.join(word.split()))} word.</p>"


def test_text_that_begins_like_a_formula_is_text_and_numbers_stay():
    formulas = ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "=", "-"]
    plain = ["red", "a=b", "-5", "+3.5", "-0,5", "", "1=1", " =x"]
    frame = pd.DataFrame({"=a": formulas + plain, "n": np.arange(-3.0, 14), "o": [None] * 17})
    safe = spreadsheet(frame)
    assert safe["'=a"].tolist() == ["'" + text for text in formulas] + plain
    assert safe["n"].equals(frame["n"]) and safe["o"].isna().all() and frame.columns[0] == "=a"
    assert spreadsheet(frame.head(0)).columns.tolist() == ["'=a", "n", "o"]


def test_no_notebook_shows_html_that_it_made_itself():
    for path in sorted((project_root() / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        assert not re.search(r"\.style\b|\bHTML\(|to_html|to_markdown|SVG\(|Javascript\(|Latex\(", code), path.name


def test_the_maps_data_ends_no_script(tmp_path):
    word = "</script><!--<script>\u2028\u2029 ' \" \\"
    items = pd.DataFrame({
        "item": ["a", word], "colour": [word, "b"], "category": word, "department": word, "garment_hex": "#112233",
    })  # fmt: skip
    photo = jpeg(draw("VESTITO", (200, 30, 30), 0)[:64, :64])
    path = write_map(
        tmp_path / "m.html", items, np.eye(2), np.array([[1], [0]]), np.ones((2, 1)), [photo, photo], title=word,
        department_colours={}, colour_words={}, source_line=word,
    )  # fmt: skip
    text = path.read_text(encoding="utf-8")
    assert text.count("</script>") == 2 and text.count("<script") == 2
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1]
    assert json.loads(data)["words"]["department"] == [word]
    assert "default-src 'none'" in text and "http:" not in text.split("</head>")[0]


def test_a_table_without_rows_is_a_word():
    assert table(pd.DataFrame({"method": [], "mean": []})).data == "<p>none</p>"
