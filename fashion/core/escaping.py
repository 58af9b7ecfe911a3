"""Escaping: a catalogue's text is never markup, script or a formula in what people open.

Whoever writes a shop's table writes text that others' browsers and spreadsheets open. Templates (Jinja) escape by
themselves; here is what does not.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from fashion.core.numerals import decimal

#: The report's pages: pictures from beside them, styles of their own, no script at all, and nothing from a network.
#: `file:` is for browsers in which a page opened from disk has no self. Styles have no hashes, as pandas and nbconvert
#: write them into their tags; without a network there is nothing that they could tell anybody.
REPORT_POLICY = (
    "default-src 'none'; img-src 'self' file: data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)

#: Beginnings by which a spreadsheet takes a cell for a formula, full-width forms among them.
_FORMULA = r"[=+\-@\t\r\n＝＋－＠]"

#: A number is none.
_NUMBER = r"[+-]?\d+(?:[.,]\d+)?"


def table(frame: pd.DataFrame, formats: Mapping[Any, str] | None = None) -> Any:
    """A table to be shown in a notebook; every cell and heading is escaped, whatever it holds.

    Numbers are written by `numerals.decimal`, missing ones are blank, booleans are yes or no. The index is the first
    column, under its name, unless it is unnamed integers. Several rows of headings are joined into one; underscores
    become spaces. A table without rows is shown as "none".

    Parameters
    ----------
    frame : DataFrame
    formats : mapping, optional
        Column -> a format string for its values, such as ``"{:,}"``.

    Returns
    -------
    IPython.display.HTML
    """
    from IPython.display import HTML

    if not len(frame):
        return HTML("<p>none</p>")
    named = frame.index.name is not None or frame.index.dtype.kind not in "iu"
    names = [str(name or "") for name in frame.index.names]
    flat = frame.reset_index(names=names, allow_duplicates=True) if named else frame.reset_index(drop=True)
    by_kind: dict[str, Callable[[Any], str]] = {"i": "{:,}".format, "u": "{:,}".format, "b": _yes_or_no}
    kinds = {column: by_kind[kind.kind] for column, kind in flat.dtypes.items() if kind.kind in by_kind}
    formatted = kinds | {column: text.format for column, text in (formats or {}).items()}
    made: dict[Any, Callable[[Any], str]] = {_heading(column): one for column, one in formatted.items()}
    flat.columns = pd.Index(map(_heading, flat.columns))
    # Long text is not cut: an option of pandas does that by itself.
    with pd.option_context("display.max_colwidth", None):
        text = flat.to_html(index=False, escape=True, formatters=made, float_format=decimal, na_rep="", border=0)
    return HTML(text)


def _yes_or_no(value: Any) -> str:
    return "yes" if value else "no"


def _heading(column: Any) -> str:
    words = ", ".join(filter(None, map(str, column))) if isinstance(column, tuple) else str(column)
    return words.replace("_", " ")


#: Letters that Markdown would read as more than letters within a sentence.
_MARKUP = re.compile(r"([\\`*_\[\]|~$])")


def markdown(text: object) -> str:
    """A catalogue's word as Markdown shows it: no emphasis, link or tag, on one line.

    Examples
    --------
    >>> markdown("<b>*red*</b>")
    '&lt;b&gt;\\\\*red\\\\*&lt;/b&gt;'
    """
    return _MARKUP.sub(r"\\\1", html.escape(" ".join(str(text).split())))


def spreadsheet(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with an apostrophe before each text that a spreadsheet would take for a formula; numbers stay.

    For CSV files that people open. Excel and LibreOffice run what begins with ``=``, ``+``, ``-`` or ``@``, also in a
    quoted cell; the apostrophe makes it text.
    """

    def told(text: pd.Series) -> pd.Series:
        words = text.where(text.map(lambda value: isinstance(value, str)), "").astype(str)
        runs = words.str.match(_FORMULA) & ~words.str.fullmatch(_NUMBER)
        return text.where(~runs, "'" + words)

    safe = frame.copy()
    for place in range(frame.shape[1]):
        if frame.iloc[:, place].dtype == object:
            safe.isetitem(place, told(frame.iloc[:, place]).to_numpy())
    safe.columns = pd.Index(told(pd.Series(list(frame.columns), dtype=object)), dtype=object)
    return safe


def source_hash(text: str) -> str:
    """The expression by which a content security policy allows this very script or style."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}"
