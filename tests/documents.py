"""What the project's documents say, for the tests: commands, tables, links and names in markdown."""

from __future__ import annotations

import functools
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from fashion.core.paths import project_root

ROOT = project_root()
#: CHANGELOG.md tells history, where a command may stand that is gone by now.
DOCUMENTS = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "data").rglob("*.md")]
    if path.name != "CHANGELOG.md" and not {"raw", "processed"} & set(path.relative_to(ROOT).parts)
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
SHELLS = ("sh", "bash", "console")
ENDS = ("&&", "||", ";", "|")


@dataclass(frozen=True)
class Command:
    """One call, split into words; `inline` if it stands in a sentence and may be a mere mention."""

    words: tuple[str, ...]
    document: str
    inline: bool

    def __str__(self) -> str:
        return f"{shlex.join(self.words)} ({self.document})"

    @property
    def program(self) -> str:
        """The program's name without its folder; `module` for `python -m`."""
        first = self.words[0]
        if first.startswith("python") and self.words[1:2] == ("-m",):
            return "module"
        return first.rsplit("/", 1)[-1]


@functools.cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks(text: str) -> list[tuple[str, str]]:
    """Language and content of each fenced block."""
    return FENCE.findall(text)


def codes(text: str) -> list[str]:
    """Everything between single backticks, outside fenced blocks."""
    return re.findall(r"`([^`\n]+)`", FENCE.sub("", text))


def calls(line: str) -> list[tuple[str, ...]]:
    """The calls of a shell line, without its comment: `make env && make test  # all` is two."""
    found: list[list[str]] = [[]]
    for word in shlex.split(line, comments=True):
        if word in ENDS:
            found.append([])
        else:
            found[-1].append(word)
    return [tuple(words) for words in found if words]


def commands(path: Path) -> list[Command]:
    """The calls in a document's shell blocks, and those of make, fashion and our modules in its sentences."""
    name = str(path.relative_to(ROOT))
    found = []
    for language, content in blocks(text_of(path)):
        if language in SHELLS:
            for line in content.replace("\\\n", " ").splitlines():
                found += [Command(words, name, inline=False) for words in calls(line.removeprefix("$ "))]
    for code in codes(text_of(path)):
        if re.match(r"(make|fashion|\S*/fashion|python -m (fashion|benchmarks|tools)\S*)( |$)", code):
            found += [Command(words, name, inline=True) for words in calls(code)]
    return found


@functools.cache
def every_command() -> list[Command]:
    """Of all documents, each wording once."""
    return list({(*c.words, c.inline): c for path in DOCUMENTS for c in commands(path)}.values())


def commands_of(program: str) -> list[Command]:
    """The calls of one program in all documents."""
    return [command for command in every_command() if command.program == program]


def tables(text: str) -> list[list[list[str]]]:
    """Each table as rows of cells, head first; bars that are escaped belong to their cell."""
    found: list[list[list[str]]] = []
    before = ""
    for line in FENCE.sub("", text).splitlines():
        if line.startswith("|"):
            if not before.startswith("|"):
                found.append([])
            cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
            if not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
                found[-1].append(cells)
        before = line
    return found


def table_with(text: str, *head: str) -> list[list[str]]:
    """The rows of the table whose head begins with these words."""
    for table in tables(text):
        if tuple(table[0][: len(head)]) == head:
            return table[1:]
    raise AssertionError(f"expected a table with the columns {', '.join(head)}; found none")


def links(text: str) -> list[str]:
    """Targets of the links and pictures."""
    return re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    """Names of the headings, as a link says them."""
    heads = re.findall(r"^#+ (.+)$", FENCE.sub("", text), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def readme_block() -> str:
    """The README's session in Python."""
    found = re.search(r"```python\n(import fashion\n.*?)```", text_of(ROOT / "README.md"), flags=re.DOTALL)
    assert found is not None, "README.md has no block of Python that begins with `import fashion`"
    return found[1]
