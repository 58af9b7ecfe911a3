"""Which score finds wrong category words? Words are swapped on purpose, and each score has to find them.

    .venv/bin/python docs/trials/label_doubts.py --catalogue imagelab

reads what notebooks 01-03 of a report left, and prints a table in Markdown (it stands in docs/decisions.md). In each
round a share of the items gets the word of another item, from anywhere or from its own department; the package's
out-of-fold regression then judges all. Words that are wrong in the table already count against every score alike.

* confident learning: items off the diagonal of the confident joint, by normalised margin or by self-confidence;
* odds: items whose most probable word is another, by odds in units of the usual odds (the package's list).
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from fashion.attributes.baseline import out_of_fold
from fashion.attributes.network import join_features, load_network
from fashion.attributes.to_check import FOLDS, ODDS
from fashion.core.workspace import Workspace
from fashion.evaluation.label_doubts import label_doubts
from fashion.evaluation.splits import leading_words


def swapped(words: NDArray, homes: NDArray, rows: NDArray, random: np.random.Generator) -> NDArray:
    """The words, those of `rows` replaced by a different one of an item with the same home."""
    planted = words.copy()
    for row in rows:
        others = np.flatnonzero((homes == homes[row]) & (words != words[row]))
        if len(others):
            planted[row] = words[random.choice(others)]
    return planted


def scores(given: NDArray, probability: NDArray) -> dict[str, NDArray]:
    """Score -> its value for each item, shape (n,); minus infinity where the item is not listed."""
    doubts = label_doubts(given, probability)
    rows, confident = doubts["row"].to_numpy(), doubts["confident"].to_numpy()
    own, other, odds = (doubts[name].to_numpy() for name in ("own", "other", "odds"))
    values = {
        "confident learning, by margin": np.where(confident, other - own, -np.inf),
        "confident learning, by self-confidence": np.where(confident, 1 - own, -np.inf),
        "confident learning, by odds": np.where(confident, odds, -np.inf),
        "most probable word, by margin": other - own,
        "most probable word, by self-confidence": 1 - own,
        f"odds above {10**ODDS:.0f} times the usual": np.where(np.log10(odds) > ODDS, odds, -np.inf),
    }
    table = {name: np.full(len(given), -np.inf) for name in values}
    for name, value in values.items():
        table[name][rows] = value
    return table


def main() -> None:
    """Plant, judge and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--catalogue", default="sample")
    parser.add_argument("--processed", type=Path)
    parser.add_argument("--share", type=float, default=0.03)
    parser.add_argument("--rounds", type=int, default=4)
    asked = parser.parse_args()
    work = Workspace(asked.catalogue, asked.processed)
    items, groups = work.items(), work.table("split")["group"].to_numpy()
    network = load_network(work.arrays("attributes"), work.json("attributes"))
    looks = network.looks(join_features(work.vectors("multilayer"), work.vectors("max_pooled")))
    words = items["category"].astype(str).to_numpy()
    large = leading_words(words, groups).value_counts()
    rows = np.flatnonzero(np.isin(words, large.index[large >= 2 * FOLDS].to_numpy(str)))  # also after the swaps
    looks, words, groups = looks[rows], words[rows], pd.factorize(groups[rows])[0]
    department = pd.factorize(items["department"].iloc[rows])[0]
    found = defaultdict(list)
    for number in range(asked.rounds):
        for homes in (np.zeros(len(rows)), department):
            random = np.random.default_rng(number)
            planted = swapped(words, homes, random.permutation(len(rows))[: round(asked.share * len(rows))], random)
            wrong = planted != words
            known, probability = out_of_fold(looks, planted, groups, FOLDS, number)
            for name, score in scores(np.searchsorted(known, planted), probability).items():
                listed, order = np.isfinite(score), np.argsort(-score, kind="stable")
                best = average_precision_score(wrong, np.where(listed, score, score[listed].min() - 1))
                found[name].append(
                    [listed.mean(), wrong[listed].sum() / wrong.sum(), wrong[order[: wrong.sum()]].mean(), best]
                )
    print(f"{len(rows):,} items, {len(set(words))} words, {asked.share:.0%} swapped, {asked.rounds} rounds;", end=" ")
    print("from anywhere / from the same department")
    print("\n| score | listed | swapped ones listed | right among as many as were swapped | average precision |")
    print("|---|---|---|---|---|")
    for name, lines in found.items():
        both = [np.mean(lines[first::2], axis=0) for first in (0, 1)]
        print(f"| {name} | " + " | ".join(f"{a:.3f} / {b:.3f}" for a, b in zip(*both, strict=True)) + " |")


if __name__ == "__main__":
    main()
