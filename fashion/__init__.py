"""Fashion recommendation: similar clothes by photo, colour and category.

=================  ====================================================================================
`open`             open a catalogue with a report: ``shop = fashion.open("sample")``
`Study`            what `open` gives: items, photos, vectors, map, and ``shop.recommend("42161895WWF")``
`recommend`        one query to a catalogue, without opening it first
`embed`            photos (paths, bytes or arrays) to vectors, by a frozen ImageNet network
`tsne`             vectors to places on a map
`build_report`     run the notebooks of a catalogue: ``fashion.build_report(fashion.Settings("sample"))``
`Settings`         a report's settings: catalogue, data, number of items, network, seed
`load_catalogue`   read the description of a catalogue: where its table and photos are, its terms
`FashionError`     base of every error that the package raises on purpose
=================  ====================================================================================

Each is loaded when it is first used, so that ``import fashion`` takes milliseconds and loads no TensorFlow.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import lazy_loader

# OpenVINO reports each import and conversion to Google Analytics unless the user has forbidden it; without this package
# of its own it reports nothing.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

if TYPE_CHECKING:
    from fashion.catalogue.definition import load_catalogue
    from fashion.core.errors import FashionError
    from fashion.embedding.photo_vectors import embed
    from fashion.projection.tsne import tsne
    from fashion.report.build import build_report
    from fashion.report.steps import Settings
    from fashion.study import Study, open, recommend

    __all__ = [
        "FashionError",
        "Settings",
        "Study",
        "build_report",
        "embed",
        "load_catalogue",
        "open",
        "recommend",
        "tsne",
    ]
else:
    _load, __dir__, __all__ = lazy_loader.attach(
        __name__,
        submod_attrs={
            "catalogue.definition": ["load_catalogue"],
            "core.errors": ["FashionError"],
            "embedding.photo_vectors": ["embed"],
            "projection.tsne": ["tsne"],
            "report.build": ["build_report"],
            "report.steps": ["Settings"],
            "study": ["Study", "open", "recommend"],
        },
    )

    def __getattr__(name: str) -> Any:
        try:
            return _load(name)
        except AttributeError as error:
            if name.startswith("__") or name in __all__:
                raise
            from fashion.core.errors import did_you_mean

            raise AttributeError(
                f"module 'fashion' has no attribute {name!r}.{did_you_mean(name, __all__)} It has {', '.join(__all__)}."
            ) from error


__version__ = "0.1.0"
