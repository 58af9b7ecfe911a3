"""A sweep: one run for each combination of backbones, sizes and seeds, compared at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from fashion.core.errors import SettingsError
from fashion.core.texts import file_name
from fashion.embedding.backbones import check_size
from fashion.embedding.encoder_files import ALL_ENDINGS, is_place, resolve
from fashion.report.steps import Settings

#: Settings that may have several values.
SWEPT = ("backbone", "size", "seed")


def runs_of(settings: Settings, values: Mapping[str, Sequence[Any]]) -> dict[str, Settings]:
    """Name of each run -> its settings; the first is what the others are compared with.

    Parameters
    ----------
    settings : Settings
        What all runs share.
    values : mapping of str to sequence
        Setting of `SWEPT` -> its values; those of one value name no run.

    Raises
    ------
    SettingsError
        When no setting has several values, or one is named twice.
    WeightsError
        When a backbone does not take a size.

    Examples
    --------
    >>> list(runs_of(Settings(), {"backbone": ["efficientnet-lite0", "efficientnet-lite1"], "size": [160, 224]}))
    ['efficientnet-lite0-160px', 'efficientnet-lite0-224px', 'efficientnet-lite1-160px', 'efficientnet-lite1-224px']
    """
    said = {name: list(values[name]) for name in SWEPT if values.get(name)}
    twice = [f"{name} {one}" for name, many in said.items() for one in dict.fromkeys(many) if many.count(one) > 1]
    if twice or all(len(many) < 2 for many in said.values()):
        given = f"{', '.join(twice)} twice" if twice else "one of each"
        raise SettingsError(
            f"expected several different values of backbone, size or seed; found {given}. Separate them by commas: "
            "BACKBONE=a,b SIZE=160,224."
        )
    runs: dict[str, Settings] = {}
    for combination in product(*said.values()):
        chosen = dict(zip(said, combination, strict=True))
        one = replace(settings, **chosen)
        check_size(one.backbone, one.size, one.weights)
        name = "-".join(_part(key, value) for key, value in chosen.items() if len(said[key]) > 1)
        if name in runs:  # two folders of one name
            name = f"{name}-{len(runs) + 1}"
        runs[name] = one
    return runs


def _part(name: str, value: Any) -> str:
    """A value's part of a run's name."""
    if name != "backbone":
        return f"{value}px" if name == "size" else f"seed{value}"
    text = str(value)
    if is_place(text):
        place = resolve(text)
        text = place.stem if place.suffix.lower() in ALL_ENDINGS else place.name
    return file_name(text, "encoder")
