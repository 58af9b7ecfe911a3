"""docs/results.md names every key of a report's results, with its kind; and no key that no report has."""

import importlib
import inspect
import json
import math
import numbers

import pytest
from documents import ROOT, codes, table_with, text_of

from fashion import attributes, catalogue, embedding, evaluation, projection, recommendation
from fashion.report.steps import STEPS

#: The chapter of each notebook's numbers.
CHAPTERS = {
    "01": catalogue,
    "02": embedding,
    "03": attributes,
    "04": recommendation,
    "05": projection,
    "06": evaluation,
}

#: What else writes numbers of a notebook than its chapter's `summary` and what that imports of the package.
ALSO = {
    "01": ("fashion.embedding.extraction",),
    "03": ("fashion.attributes.customer_photos", "fashion.attributes.to_check"),
    "06": ("fashion.evaluation.judgements", "fashion.recommendation.known_item"),
}

PAGE = text_of(ROOT / "docs/results.md")
EVERYWHERE = "In every file"


def whole(value):
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def real(value, low=-math.inf, high=math.inf):
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and low <= value <= high


#: Rounding lets a mean of ones end a little above 1.
EDGE = 1e-6
KINDS = {
    "text": lambda value: isinstance(value, str),
    "flag": lambda value: isinstance(value, bool),
    "count": lambda value: whole(value) and value >= 0,
    "share": lambda value: real(value, -EDGE, 1 + EDGE),
    "difference": lambda value: real(value, -1 - EDGE, 1 + EDGE),
    "number": real,
    "seconds": lambda value: real(value, 0),
    "rate": lambda value: real(value, 0),
    "any": lambda value: True,
}


def parts(key):
    """`a[].b.*` -> (a, [], b, *)."""
    return tuple(key.replace("[]", ".[]").split("."))


def patterns(title):
    """Pattern -> kind, of the section with this title."""
    section = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    return {parts(codes(row[0])[0]): row[1] for row in table_with(section, "key", "kind", "what")}


def leaves(value, path=()):
    """Every value that is no object or list, with its path; an empty one counts as a value."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list) and value:
        for inner in value:
            yield from leaves(inner, (*path, "[]"))
    else:
        yield path, value


def fits(pattern, path):
    pairs = zip(pattern, path, strict=False)
    return len(pattern) == len(path) and all(p == q or (p == "*" and q != "[]") for p, q in pairs)


def begins(pattern, path):
    return len(pattern) > len(path) and fits(pattern[: len(path)], path)


def compare(said, found):
    """What is in a report and not described, is described and in no report, and is of another kind than said.

    Parameters
    ----------
    said : dict of tuple to str
        Pattern -> kind.
    found : object
        The report's JSON.
    """
    unsaid, wrong, used, empty = {}, {}, set(), set()
    for path, value in leaves(found):
        name = ".".join(path).replace(".[]", "[]")
        if value in ({}, []):
            inside = {pattern for pattern in said if begins(pattern, path)}
            empty |= inside
            if not inside:
                unsaid[name] = value
            continue
        hits = sorted((pattern for pattern in said if fits(pattern, path)), key=lambda pattern: pattern.count("*"))
        if not hits:
            unsaid[name] = value
            continue
        used.add(hits[0])
        kind, _, null = said[hits[0]].partition(" or ")
        if not (value is None and null == "null") and not KINDS[kind](value):
            wrong[name] = f"{value!r} is no {said[hits[0]]}"
    return unsaid, [pattern for pattern in said if pattern not in used | empty], wrong, empty - used


def test_the_comparison_finds_each_kind_of_difference():
    said = {("a", "*"): "share", ("b", "[]", "c"): "count", ("a", "name"): "text", ("e", "[]", "f"): "text"}
    assert compare(said, {"a": {"x.y": 0.5, "name": "n"}, "b": [{"c": 1}], "e": []}) == ({}, [], {}, {("e", "[]", "f")})
    unsaid, absent, wrong, _ = compare(said, {"a": {"x": 2, "name": 1}, "d": 1, "b": [{"c": True, "d": None}]})
    assert set(unsaid) == {"d", "b[].d"} and absent == [("e", "[]", "f")]
    assert set(wrong) == {"a.x", "a.name", "b[].c"}
    assert compare({("a",): "number or null"}, {"a": None})[2] == {}
    assert compare({("a",): "number"}, {"a": None})[2] != {}


def test_every_kind_that_is_used_is_explained_and_checked():
    explained = {word for row in table_with(PAGE, "kind", "what") for word in row[0].split(", ")} | {"any"}
    assert explained == set(KINDS)
    for title in [EVERYWHERE, *(f"{step.number}.json" for step in STEPS), "provenance.json"]:
        for pattern, kind in patterns(title).items():
            first, _, rest = kind.partition(" or ")
            assert first in KINDS and rest in ("", "null"), (
                f"docs/results.md, {title}, {pattern}: unknown kind {kind!r}"
            )


def judge(title, said, found, source):
    unsaid, absent, wrong, unsure = compare(said, found)
    assert not unsaid, f"add a line for each to docs/results.md, section {title}: {unsaid}"
    assert not wrong, f"docs/results.md, section {title}, says another kind than the report has: {wrong}"
    lost = [".".join(pattern) for pattern in absent]
    assert not lost, f"no report has these any more; take them out of docs/results.md, section {title}: {lost}"
    for pattern in unsure - set(patterns(EVERYWHERE)):  # within what is empty in the small report
        name = next((part for part in reversed(pattern) if part not in ("*", "[]")), "")
        assert f'"{name}"' in source, f"docs/results.md, section {title}: nothing writes {'.'.join(pattern)}"


def writing(number):
    """The code that writes a notebook's numbers: its chapter's `summary`, and the modules that this imports from."""
    summary = importlib.import_module(f"{CHAPTERS[number].__name__}.summary")
    taken = {getattr(value, "__module__", "") for value in vars(summary).values()}
    names = {name for name in taken if name.startswith("fashion.")} | set(ALSO.get(number, ()))
    return "\n".join(inspect.getsource(importlib.import_module(name)) for name in sorted({summary.__name__} | names))


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.number)
def test_the_code_that_writes_has_the_documented_names(step):
    """Also without a report: every first key of a section that is a name stands in the chapter's code."""
    source, told = writing(step.number), step.path.read_text(encoding="utf-8")
    firsts = {pattern[0] for pattern in patterns(f"{step.number}.json")}
    lost = [name for name in firsts if f'"{name}"' not in source and f'\\"{name}\\"' not in told]
    assert not lost, f"docs/results.md, section {step.number}.json: nothing writes {lost}"


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.number)
def test_results(step, work):
    title = f"{step.number}.json"
    source = writing(step.number)
    judge(title, patterns(EVERYWHERE) | patterns(title), work.results(step.number), source)


@pytest.mark.slow
def test_files_and_provenance(work):
    files = {path.name for path in (work.report / "results").iterdir()}
    described = {title for title in files if f"\n## {title}\n" in PAGE}
    assert files == described, f"docs/results.md lacks a section for {', '.join(sorted(files - described))}"
    found = json.loads((work.report / "provenance.json").read_text(encoding="utf-8"))
    judge("provenance.json", patterns("provenance.json"), found, "")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["to_check.csv", "never_shown.csv", "rejected.csv"])
def test_the_columns_of_a_list(work, name):
    section = PAGE.split(f"\n## {name}\n")[1].split("\n## ")[0]
    said = [column for row in table_with(section, "column", "what") for column in codes(row[0])]
    header = work.path(name).read_text(encoding="utf-8").splitlines()[0].split(",")
    assert sorted(said) == sorted(header), f"docs/results.md, section {name}"
