"""The edge of a network's input: what it is unless said otherwise, and what each network takes."""

from __future__ import annotations

from fashion.errors import WeightsError

SIZES = {"resnet50": 197, "efficientnet-lite0": 160}
"""Default edge of the input, pixels."""

#: Network -> what it takes, as words, and as the edges.
TAKEN = {
    "resnet50": ("from 32 to 1024", range(32, 1025)),
    "efficientnet-lite0": ("a multiple of 32 from 96 to 224", range(96, 225, 32)),
}


def check_size(name: str, size: int | None, weights: object = None) -> None:
    """Raise WeightsError when no network that was asked for takes photos of `size` x `size` pixels.

    Parameters
    ----------
    name : {"auto", "resnet50", "efficientnet-lite0"}
        "auto" may become either, and with a weights file ResNet-50.
    size : int or None
        None is each network's default.
    weights : optional
        A weights file, where one was given.
    """
    names = ["resnet50"] if name == "auto" and weights else list(TAKEN) if name == "auto" else [name]
    if size is None or any(size in TAKEN[one][1] for one in names):
        return
    expected = ", or ".join(f"an input edge that {one} takes, {TAKEN[one][0]} pixels" for one in names)
    usual = ", ".join(f"{SIZES[one]} for {one}" for one in names)
    raise WeightsError(
        f"Expected: {expected}. Found: {size}. "
        f"Where: SIZE. What next: leave it out (then {usual}), or give such a number."
    )
