"""The report in print: every figure is on paper, nothing is left behind, and a missing browser is said."""

import io

import pytest
from PIL import Image
from shop_window import IN_BROWSER

from fashion.core.errors import ReportError
from fashion.core.workspace import Workspace
from tools import print_report, write_site


@pytest.fixture
def report(tmp_path, monkeypatch):
    """A report of one figure, whose page is written without notebooks."""
    work = Workspace("sample", tmp_path / "p", tmp_path / "r")
    (work.report / "figures").mkdir(parents=True)
    work.write_results("06", {})
    held = io.BytesIO()
    Image.effect_noise((600, 400), 90).save(held, "PNG")
    (work.report / "figures/01-a.png").write_bytes(held.getvalue())

    def page(workspace, path, prefix, names, *, whole):
        assert whole and len(names) == 6
        path.write_text('<h1>Finding</h1><div style="height:3000px"></div><img src="figures/01-a.png" loading="lazy">')

    monkeypatch.setattr(print_report, "write_page", page)
    return work


def test_without_a_browser_the_error_says_what_to_install(report, monkeypatch):
    monkeypatch.setattr(print_report.shutil, "which", lambda name: None)
    with pytest.raises(ReportError, match=r"found none\. Install Chromium"):
        print_report.print_report(report)


def test_a_browser_that_prints_nothing_is_an_error_and_leaves_no_page(report, monkeypatch):
    monkeypatch.setattr(print_report, "browser", lambda *_: "/bin/false")
    with pytest.raises(ReportError, match="expected /bin/false to print"):
        print_report.print_report(report)
    assert [path.name for path in report.report.iterdir() if path.is_file()] == []


def marked(test):
    for mark in IN_BROWSER:
        test = mark(test)
    return test


@marked
def test_a_figure_far_down_is_printed_as_a_photo(report):
    pdf = print_report.print_report(report).read_bytes()
    assert pdf.startswith(b"%PDF") and b"/DCTDecode" in pdf, "a JPEG is in it"
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") >= 2
    assert not list(report.report.glob(".*"))


def test_a_site_is_the_report_without_what_nobody_links(report, tmp_path):
    (report.report / "index.html").write_text("page")
    for name in (".lock", "report.pdf", "06.failed.ipynb"):
        (report.report / name).write_text("x")
    (tmp_path / "site").mkdir()
    (tmp_path / "site/old.html").write_text("old")
    assert write_site.write_site(report, tmp_path / "site").read_text() == "page"
    names = {path.name for path in (tmp_path / "site").iterdir()}
    assert names == {"index.html", "figures", "results", ".nojekyll"}
