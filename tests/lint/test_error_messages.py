"""One format for every error of the package's own kinds: `expected ...; found ... . What to do.`"""

import ast
import re

import pytest

from fashion.core.paths import project_root

ROOT = project_root()
TREES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for folder in ("fashion", "benchmarks", "tools")
    for path in sorted((ROOT / folder).rglob("*.py"))
}

#: Its texts are for a shop's visitors, who are to wait: nothing is wrong with what they sent.
FOR_VISITORS = {"NotNow"}

#: Messages that are put together elsewhere, by module and argument, and where. Those in the last line of a function are
#: checked there.
MADE_ELSEWHERE = {
    ("fashion/catalogue/proposal.py", "troubles[0]"): "the message of an error that was caught",
    ("fashion/catalogue/proposal.py", "'\\n'.join(troubles)"): "the messages of errors that were caught, a line each",
    ("fashion/catalogue/toml_keys.py", "'\\n'.join(lines)"): "_advice, a line for each key",
    ("fashion/catalogue/raw_table.py", "_absence(absent, file, f'{source.path}: {name}', toml)"): "_absence",
    ("fashion/core/libraries.py", "said"): "in_words",
    ("fashion/report/runner.py", "in_words(error, path.name)"): "in_words",
    ("fashion/web/shop.py", "str(error)"): "the message of an error that was caught",
}

#: Functions that put messages together; each text that they return, but for an empty one, is one.
MAKERS = {
    ("fashion/catalogue/raw_table.py", "_absence"),
    ("fashion/catalogue/toml_keys.py", "_advice"),
    ("fashion/core/disk.py", "in_words"),
    ("fashion/core/libraries.py", "in_words"),
}

#: What is left of a placeholder in a message.
HOLE = "\0"


def errors_of(trees):
    """Names of FashionError and of all that derive from it."""
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    names = {"FashionError"}
    while more := {c.name for c in classes if names & {ast.unparse(base) for base in c.bases}} - names:
        names |= more
    return names


def text_of(node):
    """A message as far as it stands in the source, each placeholder as `HOLE`; None where it is computed."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(text_of(value) for value in values)
        case ast.FormattedValue(value=ast.BoolOp(op=ast.Or(), values=[*_, ast.Constant(value=str(last))])):
            return last  # `near or " Name one of them."`: one of the two stands there
        case ast.FormattedValue():
            return HOLE
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            parts = [text_of(left), text_of(right)]
            return None if parts == [None, None] else "".join(HOLE if part is None else part for part in parts)
        case ast.IfExp(body=body, orelse=orelse):
            return min(text_of(body) or HOLE, text_of(orelse) or HOLE, key=len)
        case ast.Call(func=ast.Attribute(value=inner, attr="rstrip" | "strip")):
            return text_of(inner)
    return None


def fault_of(text):
    """What a message lacks; empty where it is in the format.

    Examples: "expected a; found b. Do c." is; "expected a; found b." is not, nor is "expected a; there is none. Do c.".
    """
    if not text.startswith("expected "):
        return "does not begin with 'expected'"
    _, found, rest = text.partition("; found")
    if not found:
        return "has no '; found'"
    if re.search(r"\. Correct (it|them)\.$", text):
        return "does not say how to correct it"
    told = re.search(rf"\.{HOLE}? \S", rest) or re.search(r"\n\S[^\n]*$", rest)  # behind a list, on the last line
    return "" if told else "ends without advice"


def messages():
    """Each module with the line and the argument of each error that is made there with a message of its own."""
    names = {*errors_of(TREES.values()), "error_of"} - FOR_VISITORS
    return {
        module: [
            (node.lineno, node.args[0])
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and node.args
            and getattr(node.func, "id", getattr(node.func, "attr", "")) in names
        ]
        for module, tree in TREES.items()
    }


MESSAGES = {module: found for module, found in messages().items() if found}


@pytest.mark.parametrize("module", MESSAGES)
def test_errors_say_what_was_expected_what_was_found_and_what_to_do(module):
    faults = []
    for line, argument in MESSAGES[module]:
        text = text_of(argument)
        if text is None:
            known = (module, ast.unparse(argument)) in MADE_ELSEWHERE
            faults += [] if known else [f"{line}: {ast.unparse(argument)} is computed"]
        elif fault := fault_of(text):
            faults.append(f"{line}: {fault}: {text.replace(HOLE, '{}')}")
    assert not faults, "\n".join([module, *faults])


def test_messages_made_elsewhere_are_in_the_format_too():
    computed = {
        (module, ast.unparse(argument))
        for module, found in MESSAGES.items()
        for _, argument in found
        if text_of(argument) is None
    }
    assert computed == set(MADE_ELSEWHERE), "each of them is still there"
    for module, name in MAKERS:
        (function,) = (n for n in ast.walk(TREES[module]) if isinstance(n, ast.FunctionDef) and n.name == name)
        returned = [text_of(n.value) for n in ast.walk(function) if isinstance(n, ast.Return)]
        assert [fault for text in returned if text != "" and (fault := fault_of(text))] == [], (module, name, returned)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("expected a; found b. Do c.", ""),
        ("expected a; found\n  b\nDo c.", ""),
        ("expected a; found b.\0 Do c.", ""),
        ("no a: b. Do c.", "does not begin with 'expected'"),
        ("expected a; there is no such file. Do c.", "has no '; found'"),
        ("expected a; found b.", "ends without advice"),
        ("expected a; found b.\0", "ends without advice"),
        ("expected a; found \0", "ends without advice"),
    ],
)
def test_the_format_is_told_from_others(text, fault):
    assert fault_of(text) == fault
