"""Output for people and scripts, whatever characters the terminal or the file behind it knows."""

from __future__ import annotations

import json
import sys
from typing import Any


def replace_unknown() -> None:
    """Let standard output show a question mark for a character that it cannot encode, in place of an error.

    Standard error does so anyway. A stream that is no text file of Python's (a test's, a notebook's) is left alone.
    """
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def can_show(text: str, stream: Any) -> bool:
    """Whether a text stream can encode all of `text`."""
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def announce(line: str) -> None:
    """Print a line at once, also to a file; what the stream cannot show becomes a question mark."""
    if not can_show(line, sys.stdout):
        encoding = sys.stdout.encoding
        line = line.encode(encoding, "replace").decode(encoding)
    print(line, flush=True)


def print_json(content: Any) -> None:
    """Print a value as indented JSON; characters that the stream cannot show are escaped, so that nothing is lost."""
    text = json.dumps(content, indent=2, ensure_ascii=False)
    print(text if can_show(text, sys.stdout) else json.dumps(content, indent=2, ensure_ascii=True))
