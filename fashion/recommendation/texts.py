"""Full text of a catalogue: titles and all other text columns, searched by BM25.

BM25 (Robertson and Zaragoza 2009, The Probabilistic Relevance Framework: BM25 and Beyond) by bm25s (Lù 2024), over
words without their endings (snowballstemmer, in the catalogue's language).
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.catalogue.translation import BRITISH
from fashion.recommendation.filters import NO_WORDS
from fashion.recommendation.words import tokens_of

#: A language's code -> the name of its stemmer; others are searched by whole words.
STEMMERS = {
    "ar": "arabic", "ca": "catalan", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish",
    "et": "estonian", "eu": "basque", "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian",
    "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian", "nb": "norwegian", "ne": "nepali",
    "nl": "dutch", "nn": "norwegian", "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip


def text_columns(items: pd.DataFrame) -> list[str]:
    """Columns whose words a search looks at."""
    return [str(column) for column in items if items[column].dtype == object and column not in NO_WORDS]


class Texts:
    """Each item's words, as an inverted index.

    Parameters
    ----------
    items : DataFrame
        The items table, n rows.
    language : str
        The catalogue's, as a code; a longer one such as "pt-BR" counts by its beginning.

    Examples
    --------
    >>> texts = Texts(pd.DataFrame({"title": ["Floral dresses", "Striped shirt", "Plain dress"]}))
    >>> "dress" in texts, "jacket" in texts
    (True, False)
    >>> texts.rows("dressed").tolist()
    [0, 2]
    >>> [round(float(score), 2) for score in texts.scores(["floral", "dress"])]
    [1.0, 0.0, 0.32]
    """

    def __init__(self, items: pd.DataFrame, language: str = "en") -> None:
        import snowballstemmer

        self._language = STEMMERS.get(language.casefold().split("-")[0])
        self._stemmer = snowballstemmer.stemmer(self._language) if self._language else None
        self._stems: dict[str, str] = {}
        self._columns = [items[column].fillna("").astype(str).tolist() for column in text_columns(items)]
        self._count = len(items)

    def stem(self, token: str) -> str:
        """A word in small letters, without accents, British, and without its ending."""
        if token not in self._stems:
            small = token.casefold()
            small = BRITISH.get(small, small)
            root = self._stemmer.stemWord(small) if self._stemmer else small
            plain = unicodedata.normalize("NFKD", root)
            self._stems[token] = "".join(sign for sign in plain if not unicodedata.combining(sign))
        return self._stems[token]

    @cached_property
    def _index(self) -> tuple[dict[str, int], Counter[str], NDArray, NDArray, NDArray]:
        """Stem -> its number; words in small letters with their counts; the index as sparse columns."""
        import bm25s

        places: dict[str, int] = {}
        words: Counter[str] = Counter()
        rows: list[list[int]] = []
        for cells in zip(*self._columns, strict=True):
            tokens = tokens_of(" ".join(dict.fromkeys(cells)))
            words.update(token.casefold() for token in tokens)
            rows.append([places.setdefault(self.stem(token), len(places)) for token in tokens])
        if not places:
            return {}, words, np.empty(0, np.float32), np.empty(0, np.int32), np.zeros(1, np.int64)
        index = bm25s.BM25()
        index.index((rows, places), show_progress=False, create_empty_token=False)
        scores = index.scores
        return places, words, scores["data"], scores["indices"], scores["indptr"]

    def __contains__(self, word: str) -> bool:
        return self.stem(word) in self._index[0]

    @property
    def words(self) -> Counter[str]:
        """All words as they are written, in small letters, with their counts."""
        return self._index[1]

    def rows(self, word: str) -> NDArray[np.integer]:
        """Rows of the items whose texts have the word, rising."""
        return np.sort(self._column(word)[0])

    def _column(self, word: str) -> tuple[NDArray[np.integer], NDArray[np.float32]]:
        """Rows that have the word, and its BM25 score in each."""
        places, _, data, indices, starts = self._index
        number = places.get(self.stem(word))
        if number is None:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        part = slice(int(starts[number]), int(starts[number + 1]))
        return indices[part], data[part]

    def scores(self, words: Sequence[str]) -> NDArray[np.float32]:
        """Each item's BM25 score for some words, as a share of the best item's: float32, shape (n,), 0 to 1."""
        scores = np.zeros(self._count, np.float32)
        for word in words:
            rows, score = self._column(word)
            scores[rows] += score  # each row once
        best = scores.max(initial=0)
        return scores / best if best > 0 else scores

    def having(self, words: Sequence[str]) -> NDArray[np.bool_]:
        """Whether each item's texts have all of the words, shape (n,)."""
        counts = np.zeros(self._count, np.int64)
        for word in words:
            counts[self._column(word)[0]] += 1
        return counts == len(words)
