"""The package is seen at one glance: few entries at its top, each in the guide, and tests in the same folders."""

import re

from fashion.core.paths import project_root

ROOT = project_root()

#: More than this is not seen at one glance.
MOST_ENTRIES = 15

#: Folders of tests that mirror no folder of the package.
OTHER_TESTS = {"benchmarks", "docs", "end_to_end", "faults", "lint", "tools"}


def entries(folder):
    return {path.name for path in (ROOT / folder).iterdir() if path.name[0] != "." and path.name != "__pycache__"}


def test_the_package_has_few_entries_at_its_top_and_the_guide_names_each():
    own = entries("fashion")
    assert len(own) <= MOST_ENTRIES, sorted(own)
    guide = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `fashion/([\w.]+)/?`", guide, re.MULTILINE))
    assert own - {"__init__.py"} == named, sorted((own - {"__init__.py"}) ^ named)


def test_tests_lie_in_folders_as_the_packages():
    folders = {name for name in entries("tests") if (ROOT / "tests" / name).is_dir()}
    assert folders <= entries("fashion") | OTHER_TESTS, sorted(folders - entries("fashion") - OTHER_TESTS)
