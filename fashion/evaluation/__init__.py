"""Evaluation: splits, metrics, baselines, statistics (notebook 06)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "curves": ["COLOUR_WEIGHTS", "by_colour_weight", "by_embedding_length", "by_gallery_size"],
        "coverage": ["coverage_table", "lists_of_all", "never_shown_by", "times_shown"],
        "judgements": ["by_people"],
        "protocol": ["CEILING", "Protocol", "RANDOM", "same_words", "side_by_side"],
        "relevance": ["word_lab"],
        "splits": ["split"],
        "summary": [
            "ALL_FEATURES",
            "BY_GALLERY_SIZE",
            "Curves",
            "DESCRIBED",
            "Evaluation",
            "FROZEN",
            "FROZEN_AND_HISTOGRAM",
            "HISTOGRAM",
            "HOG",
            "IN_CURVES",
            "LEARNED",
            "LOGISTIC",
            "NEAR_COLOURS",
            "PIXELS",
            "SAME_WORDS",
            "SHOWN",
            "SplitAudit",
            "lengths_that_keep",
        ],
        "untaught": ["Untaught", "untaught_columns", "untaught_table"],
    },
)
