"""The delimiter of a text table, found by trying each."""

from __future__ import annotations

from collections.abc import Collection

from fashion.catalogue.records import SEPARATOR, Records
from fashion.core.texts import clean_text

#: What stands between the columns of the tables that programs write, the most usual first.
USUAL = (",", ";", "\t", "|")

#: Letters of a table from which its delimiter is told.
ENOUGH = 100_000


def told_delimiter(text: str) -> str:
    """The delimiter that a first line `sep=;` states, as Excel understands it; empty without such a line."""
    first = next((line for line in text[:ENOUGH].splitlines() if line.strip()), "")
    said = SEPARATOR.fullmatch(first)
    return said[1] if said else ""


def delimiter_of(text: str, wanted: Collection[str] = ()) -> str:
    """The delimiter of a table: what it says itself, else the one that cuts it best.

    That is the one by whose header the wanted columns are there; among several, or none, one that leaves no name with
    a space before or behind it, as a comma in a name does; then the one that cuts most columns in most rows.

    Parameters
    ----------
    text : str
    wanted : collection of str
        Names of columns.

    Examples
    --------
    >>> delimiter_of("id;title\\n1;red, soft\\n2;blue, warm\\n")
    ';'
    """
    if told := told_delimiter(text):
        return told
    head = text[:ENOUGH]
    if len(text) > ENOUGH:  # to the end of a line
        head = head[: max(head.rfind("\n"), head.rfind("\r")) + 1] or head
    head = clean_text(head, keep="\t\r\n")

    def cut(delimiter: str) -> tuple[bool, bool, float, int]:
        records = Records(head, delimiter)
        width, names = len(records.header), [name.strip(" ") for name in records.header]
        widths = [len(record.fields) for record in records if record.fields or record.reason]
        fit = sum(count == width for count in widths) / len(widths) if widths else 1
        score = max(width - 1, 0) * fit
        told = bool(wanted) and set(wanted) <= {clean_text(name).strip() for name in names}
        # At a tie the rarer sign counts, as commas stand in any text.
        return told, names == records.header and score >= 0.5, score, USUAL.index(delimiter) if score else 0

    return max(USUAL, key=cut)
