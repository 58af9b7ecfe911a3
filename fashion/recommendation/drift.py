"""Drift: how far a catalogue has moved since its report, and whether retraining is due.

A domain classifier tells how unlike the old photos the new ones are: logistic regression on frozen vectors,
cross-validated (Lopez-Paz and Oquab 2017, Revisiting classifier two-sample tests; Rabanser, Günnemann and Lipton 2019,
Failing loudly). Where a share s of the new photos shows what no old one does and the others are like them, its AUC is
about (1 + s) / 2. It sees a new camera as it sees new goods.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.core.numerals import decimal, interval, percent
from fashion.core.workspace import Workspace
from fashion.neighbours.duplicates import joined_groups
from fashion.neighbours.exact import normalise
from fashion.recommendation.changes import Present, present, table_columns

#: Columns whose words' shares are compared.
WORDS = ("category", "colour", "department")

#: Words named whose share moved most.
NAMED = 3

#: Share of the items with a word that the network never saw, or of new items, from which retraining is due; the
#: latter only where the new photos are unlike the old ones.
DUE_FROM = 0.05

#: AUC of unlike photos: half of the new ones show what no old one does.
UNLIKE = 0.75

#: Fewest new items that are judged by their photos; most of each kind that are; dimensions that are kept; folds.
LEAST, MOST, DIMENSIONS, FOLDS = 20, 2000, 50, 5


def since_report(workspace: Workspace, now: Present | None = None) -> dict[str, Any]:
    """Drift since the report: items that came, went and changed, shifts in words and photos, and whether to retrain.

    Returns
    -------
    dict
        `items` and `items_of_report`; `came`, `went`, `changed`: items; `words`: column -> `moved`, the share of items
        that would have to take another word, and `most`, the words that moved most with their shares before and now;
        `untaught`: `share` of the items with a category or colour that the network never saw, and these `words`;
        `photos`: `auc` with its 95% interval (`low`, `high`) of a classifier that tells the `new` photos from the old
        ones, or None for fewer than `LEAST`; `training_due`, and `reasons`.
    """
    now = present(workspace) if now is None else now
    taught = workspace.json("attributes")
    untaught = _untaught(now.items, {"category": taught["categories"], "colour": taught["colours"]})
    photos = _photos(workspace, now)
    new = len(now.items) - len(now.own)
    reasons = []
    if untaught["share"] >= DUE_FROM:
        reasons.append(f"{percent(untaught['share'])} of the items have a word that the network never saw")
    if photos and new >= DUE_FROM * len(now.items) and photos["low"] > UNLIKE:
        reasons.append(
            f"{percent(new / len(now.items))} of the items are new, and their photos are unlike the old ones"
        )
    return {
        "items": len(now.items), "items_of_report": len(now.report), **_counts(now),
        "words": {column: _moved(now, column) for column in WORDS if column in now.report},
        "untaught": untaught, "photos": photos, "training_due": bool(reasons), "reasons": reasons,
    }  # fmt: skip


def _counts(now: Present) -> dict[str, int]:
    items, report = now.items, now.report
    columns = [*table_columns(report), "sha256"]
    before = report.set_index("item")[columns]
    met = items[items["item"].isin(before.index)]
    same = (met[columns].to_numpy() == before.loc[met["item"]].to_numpy()).all(axis=1)
    return {"came": len(items) - len(met), "went": len(report) - len(met), "changed": int((~same).sum())}


def _moved(now: Present, column: str) -> dict[str, Any]:
    """The shift in the shares of a column's words: total variation distance, and the words that moved most."""
    shares = pd.DataFrame(
        {
            place: table[column].value_counts(normalize=True)
            for place, table in (("before", now.report), ("now", now.items))
        }
    ).fillna(0.0)
    apart = (shares["now"] - shares["before"]).abs()
    most = apart[apart > 0].sort_values(ascending=False, kind="stable").index[:NAMED]
    named = [{"word": word, **shares.loc[word].round(6).to_dict()} for word in most]
    return {"moved": round(float(apart.sum() / 2), 6), "most": named}


def _untaught(items: pd.DataFrame, taught: dict[str, Sequence[str]]) -> dict[str, Any]:
    outside = {column: ~items[column].isin(list(words)) for column, words in taught.items()}
    words = {column: items.loc[bad, column].value_counts().to_dict() for column, bad in outside.items()}
    return {"share": float(np.logical_or.reduce(list(outside.values())).mean()), "words": words}


def _photos(workspace: Workspace, now: Present) -> dict[str, Any] | None:
    """The domain classifier's AUC on new items' frozen vectors against the report's, with its interval."""
    rows = np.arange(len(now.own), len(now.items))
    if len(rows) < LEAST:
        return None
    names, groups = now.report["item"].tolist(), np.arange(len(now.report))
    if workspace.path("split.parquet").is_file():
        groups = workspace.table("split")["group"].to_numpy(np.int64)
    random = np.random.default_rng(0)
    new = np.sort(random.permutation(rows)[:MOST])
    old = np.sort(random.permutation(len(now.report))[:MOST])
    frozen = workspace.vectors("frozen")
    vectors = np.concatenate([frozen[old], now.array("frozen", frozen, new)])
    all_groups = np.concatenate([groups[old], joined_groups(groups, names, now.own, now.items)[new]])
    auc = domain_auc(vectors, np.repeat([False, True], [len(old), len(new)]), all_groups)
    if math.isnan(auc):
        return None
    error = _standard_error(auc, len(new), len(old))
    low, high = max(0.0, auc - 1.96 * error), min(1.0, auc + 1.96 * error)
    return {"auc": round(auc, 4), "low": round(low, 4), "high": round(high, 4), "new": len(rows)}


def domain_auc(vectors: NDArray, is_new: NDArray[np.bool_], groups: NDArray[np.integer]) -> float:
    """Mean AUC over folds of a logistic regression that tells new vectors from old ones; NaN where it cannot.

    Parameters
    ----------
    vectors : ndarray of float32, shape (n, d)
    is_new : ndarray of bool, shape (n,)
    groups : ndarray of int, shape (n,)
        Near-duplicates, which stay in one fold: a copy of an old photo is no proof that photos are alike.
    """
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedGroupKFold

    if min(len(np.unique(groups[is_new])), len(np.unique(groups[~is_new]))) < FOLDS:
        return float("nan")
    unit = normalise(np.asarray(vectors, np.float32))
    reduced = PCA(min(DIMENSIONS, *unit.shape), svd_solver="randomized", random_state=0).fit_transform(unit)
    reduced /= np.maximum(reduced.std(axis=0), 1e-9)
    scores = []
    for train, test in StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0).split(reduced, is_new, groups):
        if len(set(is_new[train])) == len(set(is_new[test])) == 2:
            model = LogisticRegression(C=0.1, class_weight="balanced", max_iter=500).fit(reduced[train], is_new[train])
            scores.append(roc_auc_score(is_new[test], model.decision_function(reduced[test])))
    return float(np.mean(scores)) if scores else float("nan")


def _standard_error(auc: float, new: int, old: int) -> float:
    """Standard error of an AUC by Hanley and McNeil (1982, The meaning and use of the area under a ROC curve)."""
    above, twice = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (new - 1) * (above - auc**2) + (old - 1) * (twice - auc**2)
    return math.sqrt(max(variance, 0.0) / (new * old))


def in_lines(since: dict[str, Any]) -> list[str]:
    """`since_report` for a console."""
    lines = [
        f"since the report of {since['items_of_report']:,} items: {since['came']:,} added, {since['went']:,} removed, "
        f"{since['changed']:,} changed; {since['items']:,} now"
    ]
    for column, told in since["words"].items():
        most = ", ".join(f"{m['word']} {decimal(m['before'])} -> {decimal(m['now'])}" for m in told["most"])
        lines.append(f"  {column:<10} moved by {decimal(told['moved'])}{': ' + most if most else ''}")
    lines.append(f"  new words  {percent(since['untaught']['share'])} of the items have one that the network never saw")
    photos = since["photos"]
    if photos:
        lines.append(
            f"  new photos AUC {interval(photos['auc'], photos['low'], photos['high'])} against the old ones: 0.5 is "
            f"indistinguishable, {UNLIKE} means that half of them show other goods or photography"
        )
    else:
        lines.append(f"  new photos fewer than {LEAST}: too few to compare with the old ones")
    due = "; ".join(since["reasons"]) or f"not due: unseen words under {percent(DUE_FROM)}; new photos few, or similar"
    lines.append(f"  training   {'due, run `make report` with the new table: ' * since['training_due']}{due}")
    return lines
