"""Why an item is recommended, in the same words wherever it is shown: notebook, command and shop window."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

#: Columns of an item that describe it, where its catalogue has them.
DESCRIPTION = ("colour", "category", "department", "gender", "season")


def describe(item: Mapping[Hashable, object]) -> str:
    """Say a description in words: `red · long-sleeved shirt`; what is missing is left out."""
    return " · ".join(_say(item[column]) for column in ("colour", "category") if item.get(column))


def _say(value: object) -> str:
    return " or ".join(value) if isinstance(value, tuple) else str(value)


def _agree(asked: object, found: object) -> bool:
    return found in asked if isinstance(asked, tuple) else asked == found


def reasons(query: Mapping[Hashable, object], found: Mapping[Hashable, object], parts: Mapping[str, float]) -> str:
    """Why an item is recommended: what the two descriptions share, and how alike they are in each part.

    Parameters
    ----------
    query : mapping
        Description asked for: column -> word, or several of which any will do (a tuple).
    found : mapping
        Description of the item.
    parts : mapping of str to float
        What was compared ("looks", "colour") -> how alike: the expected agreement (`fashion.description`; nine tenths
        of the looks are the kind of garment), or the cosine of frozen vectors. Below 0 it is said as 0.

    Examples
    --------
    >>> reasons({"colour": "red", "category": "boots"}, {"colour": "red", "category": "sandals"}, {"looks": 0.7})
    'same colour; looks 0.70'
    """
    asked = [column for column in DESCRIPTION if query.get(column)]
    shared = [column for column in asked if _agree(query[column], found.get(column))]
    # Who shares the category shares its department: saying both is noise.
    if "category" in shared and "department" in shared:
        shared.remove("department")
    if shared:
        words = f"same {' and '.join(shared)}"
    else:
        missed = [column for column in ("colour", "category") if column in asked]
        words = f"another {' and '.join(missed)}" if missed else ""
    return "; ".join(filter(None, [words, *(f"{name} {max(alike, 0.0):.2f}" for name, alike in parts.items())]))
