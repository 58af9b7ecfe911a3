"""Drop what cannot be studied, and say how much and why: nothing goes silently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from fashion.errors import CatalogueError

REJECTED_COLUMNS = ["row", "item", "photo", "reason", "detail"]

#: Reasons in the order in which they are applied, with what each means.
REASONS = {
    "malformed row": "the row does not fit the header, or a quotation mark is not closed",
    "null row": "item, category, colour or department is empty",
    "duplicate row": "every value equals an earlier row's",
    "duplicate item": "the item's name stands in an earlier row with other values",
    "not a garment": "its department holds no clothes",
    "missing photo": "the table names a photo that is not there",
    "unreadable photo": "the photo is no image, is cut short, or unpacks to more than 1 GB",
    "identical photo": "its photo has the same bytes as an earlier item's",
}


@dataclass
class Cleaning:
    """Rows that remain, and those that were dropped, with the reason for each.

    Attributes
    ----------
    rows : DataFrame
        What remains, with a fresh index.
    rejected : DataFrame
        `row`, `item`, `photo`, `reason` (a key of `REASONS`), `detail`.
    """

    rows: pd.DataFrame
    rejected: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=REJECTED_COLUMNS))

    def drop(self, bad: pd.Series, reason: str, detail: pd.Series | str = "") -> Cleaning:
        """Move the rows where `bad` is true to the rejected ones."""
        if reason not in REASONS:
            raise ValueError(f"expected a reason of {list(REASONS)}; found {reason!r}")
        return self.move(bad, reason, detail)

    def move(self, bad: pd.Series, reason: str, detail: pd.Series | str = "") -> Cleaning:
        """`drop` for any reason, such as those that only additions to a catalogue have.

        `detail` needs to hold the bad rows only, by the index of `rows`.
        """
        if not bad.any():
            return self
        gone = self.rows.loc[bad, ["row", "item", "photo"]].copy()
        gone["reason"] = reason
        gone["detail"] = detail.loc[gone.index] if isinstance(detail, pd.Series) else detail
        parts = [part for part in (self.rejected, gone) if len(part)]
        return Cleaning(self.rows[~bad].reset_index(drop=True), pd.concat(parts, ignore_index=True))

    def summary(self) -> pd.DataFrame:
        """One line a reason, in the order of `REASONS`: `reason`, `rows`, `meaning`."""
        counts = self.rejected["reason"].value_counts()
        return pd.DataFrame(
            [
                {"reason": reason, "rows": int(counts.get(reason, 0)), "meaning": meaning}
                for reason, meaning in REASONS.items()
            ]
        )


def start(rows: pd.DataFrame, malformed: pd.DataFrame) -> Cleaning:
    """Begin with what `catalogue.read_table` returned."""
    rejected = malformed.assign(detail=malformed["reason"], reason="malformed row")[REJECTED_COLUMNS]
    return Cleaning(rows.reset_index(drop=True), rejected.reset_index(drop=True))


def drop_null_rows(cleaning: Cleaning, columns: Sequence[str]) -> Cleaning:
    """Drop rows in which any of `columns` is empty."""
    rows = cleaning.rows
    empty = pd.DataFrame({column: rows[column].isin(["", None]) | rows[column].isna() for column in columns})
    bad = empty.any(axis=1)
    # Words for the rows that go alone: a million rows hold few of them.
    detail = pd.Series("", index=rows.index[bad], dtype=object)
    for column in columns:
        here = empty.loc[bad, column]
        detail[here] = detail[here].where(detail[here] == "", detail[here] + ", ") + column
    return cleaning.drop(bad, "null row", "empty: " + detail)


def drop_duplicate_rows(cleaning: Cleaning) -> Cleaning:
    """Keep the first of rows that are equal in every column, and of rows that name one item twice."""
    columns = [column for column in cleaning.rows.columns if column != "row"]
    bad, first = _repeated(cleaning.rows, columns)
    cleaning = cleaning.drop(bad, "duplicate row", "same as row " + first)
    bad, first = _repeated(cleaning.rows, ["item"])
    return cleaning.drop(bad, "duplicate item", "same item as row " + first)


def _repeated(rows: pd.DataFrame, columns: list[str]) -> tuple[pd.Series, pd.Series]:
    """Which rows repeat an earlier one in `columns`; and, for all that are in such a group, its first row as text."""
    group = rows[rows.duplicated(subset=columns, keep=False)]
    if group.empty:
        return pd.Series(False, index=rows.index), pd.Series(dtype=object)
    first = group.groupby(columns, dropna=False)["row"].transform("min").astype(str)
    return rows.duplicated(subset=columns), first


def drop_departments(cleaning: Cleaning, departments: Sequence[str]) -> Cleaning:
    """Drop the departments (English) that hold no garments."""
    if "department" not in cleaning.rows:
        return cleaning
    rows = cleaning.rows
    return cleaning.drop(rows["department"].isin(departments), "not a garment", rows["department"])


def drop_photos(cleaning: Cleaning, problems: pd.Series, sha256: pd.Series) -> Cleaning:
    """Drop items whose photo is missing, unreadable, or byte-identical to an earlier item's.

    Parameters
    ----------
    problems : Series of str
        Aligned with the rows: empty, or what is wrong; "missing..." tells a missing photo from a bad one.
    sha256 : Series of str
        Of the photo's bytes, empty where there are none.
    """
    missing = problems.str.startswith("missing")
    both = cleaning.rows.assign(_sha256=sha256.to_numpy(), _problem=problems.to_numpy())
    step = Cleaning(both, cleaning.rejected).drop(missing, "missing photo", problems)
    bad = step.rows["_problem"] != ""
    step = step.drop(bad, "unreadable photo", step.rows["_problem"])
    detail = "same photo as " + step.rows.groupby("_sha256")["item"].transform("first")
    step = step.drop(step.rows.duplicated(subset="_sha256"), "identical photo", detail)
    return Cleaning(step.rows.drop(columns=["_sha256", "_problem"]), step.rejected)


#: Items below which splits, neighbours and intervals say nothing.
LEAST_ITEMS = 60


def require_items(cleaning: Cleaning, place: str, least: int = LEAST_ITEMS) -> None:
    """Stop with the reasons when too little remains to study.

    Raises
    ------
    CatalogueError
        Says how many rows were dropped for which reason, with the first of each.
    """
    if len(cleaning.rows) >= least:
        return
    lines = [
        f"  {len(group)} × {reason}, first: row {first.row}, {first.photo} ({first.detail})"
        for reason, group in cleaning.rejected.groupby("reason", sort=False)
        for first in group.head(1).itertuples()
    ]
    raise CatalogueError(
        f"expected at least {least} items to study in {place}; found {len(cleaning.rows)}. Dropped were:\n"
        + ("\n".join(lines) or "  nothing")
        + "\nWhere photos are missing, correct `photos` in the catalogue's TOML; a small LIMIT or FIRST, raise."
    )
