"""One line of what `fashion doctor` says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One line of the page.

    Attributes
    ----------
    section, name : str
        Where it stands and what it is about.
    state : str
        "ok"; "note", of what no report needs; or "missing", without which no report can run.
    said : str
        What was found.
    advice : str
        What to do; empty where nothing is.
    """

    section: str
    name: str
    state: str
    said: str
    advice: str = ""
