"""Colour profiles (ICC) embedded in photos: their colours turned to sRGB.

Vectors, measures and swatches take a pixel's numbers for sRGB. A photo in Adobe RGB or Display P3 says the same colours
by smaller numbers, so that without its profile every garment in it is paler than it is.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fashion.photos.headers import MOST_PROFILE

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageCms import ImageCmsTransform


#: Channels of colour -> Pillow's mode, and the colour space that a fitting profile names in its header.
_SPACES = {1: ("L", b"GRAY"), 3: ("RGB", b"RGB "), 4: ("CMYK", b"CMYK")}

#: Levels (of 255) by which a profile may differ from sRGB and count as sRGB: makers round its curve in several ways.
SAME = 3

#: Levels of each channel at which a profile is compared with sRGB.
_LEVELS = 17

#: Pixels that are turned at a time, so that this takes little memory beside the photo's own.
_BLOCK = 2**20


@lru_cache(maxsize=8)  # a few: visitors may send profiles of megabytes
def transform_to_srgb(profile: bytes, channels: int = 3) -> ImageCmsTransform | None:
    """The transform that turns the colours of a photo with this profile to sRGB.

    Relative colorimetric, with black point compensation: a colour that sRGB has stays exactly this colour, white is
    white and black is black. The perceptual intent would shift all colours to make room for the few that sRGB lacks.

    Parameters
    ----------
    profile : bytes
        The ICC profile; empty for none.
    channels : int
        Of the photo: 1 (grey), 3 (RGB) or 4 (CMYK).

    Returns
    -------
    ImageCmsTransform or None
        None where colours stay as they are: the profile is sRGB, within `SAME` levels, is damaged, or is of another
        colour space than the photo.
    """
    from PIL import Image, ImageCms

    mode, space = _SPACES.get(channels, ("", b""))
    if not space or len(profile) > MOST_PROFILE or profile[16:20] != space:
        return None
    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), mode, "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )  # fmt: skip
    except (ImageCms.PyCMSError, OSError):
        return None
    if channels == 4:
        return transform
    steps = np.linspace(0, 255, 256 if channels == 1 else _LEVELS).round().astype(np.uint8)
    colours = np.stack(np.meshgrid(*[steps] * channels, indexing="ij"), axis=-1).reshape(1, -1, channels)
    turned = np.asarray(transform.apply(Image.fromarray(colours.squeeze(2) if channels == 1 else colours)))
    return transform if np.abs(turned.astype(int) - colours).max() > SAME else None


def to_srgb(rgb: NDArray[np.uint8], profile: bytes, channels: int = 3) -> None:
    """Turn a photo's colours to sRGB by its profile, in place.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (height, width, 3)
        Grey photos have three equal channels.
    profile : bytes
        The ICC profile; empty for none.
    channels : int
        Of the photo's file: 1 (grey) or 3 (RGB).
    """
    if not profile or channels == 4 or (transform := transform_to_srgb(profile, channels)) is None:
        return
    from PIL import Image

    rows = max(1, _BLOCK // max(1, rgb.shape[1]))
    for top in range(0, len(rgb), rows):
        block = rgb[top : top + rows]
        rgb[top : top + rows] = np.asarray(transform.apply(Image.fromarray(block[..., 0] if channels == 1 else block)))


def as_srgb(photo: Image, profile: bytes) -> Image:
    """A photo of Pillow's in sRGB by its profile, mode RGB.

    Parameters
    ----------
    photo : PIL.Image.Image
        Without transparency: grey, RGB or CMYK.
    profile : bytes
        The ICC profile; empty for none.
    """
    channels = {mode: count for count, (mode, _) in _SPACES.items()}.get(photo.mode)
    transform = transform_to_srgb(profile, channels) if profile and channels else None
    return photo.convert("RGB") if transform is None else transform.apply(photo)
