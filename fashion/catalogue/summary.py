"""The numbers of results/01.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fashion.catalogue.checks import Audit
from fashion.catalogue.cleaning import Counts, Joined


def results(counts: Counts, joined: Joined, audit: Audit, timing: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of results/01.json.

    Parameters
    ----------
    counts : Counts
    joined : Joined
    audit : Audit
    timing : mapping
        Of the pass over the photos, from `extraction.read_photos`.
    """
    return counts.as_dict() | joined.as_dict() | audit.as_dict() | {"timing": timing}
