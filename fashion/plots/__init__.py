"""Figures of the notebooks, one module a notebook; each is offered here by its name; `readings` says what it shows."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "attributes": [
            "accuracy_by_class",
            "confused_colours",
            "confusion_matrix",
            "items_to_check",
            "reliability",
            "simulated_photos",
            "training_history",
        ],
        "catalogue": [
            "colour_by_department",
            "contact_sheet",
            "counts_by_category",
            "counts_by_colour",
            "counts_by_department",
            "doubtful_labels",
            "photo_sizes",
            "word_against_photo",
        ],
        "embedding": [
            "feature_information",
            "pca_spectrum",
            "quality_against_cost",
            "selection_quality",
            "similarity_of_pairs",
        ],
        "evaluation": [
            "agreement_beyond",
            "catalogue_unshown",
            "precision_by_method",
            "precision_by_colour_weight",
            "precision_by_department",
            "precision_by_embedding_size",
            "precision_by_gallery_size",
            "success_curve",
        ],
        "map": ["map_by_colour", "map_by_department", "map_of_photos"],
        "recommendation": ["nearest_items", "query_results", "recommendations"],
        "style": [
            "colours_of_categories",
            "colours_of_departments",
            "letters_without_font",
            "load_photos",
            "table",
            "use_style",
        ],
    },
)
