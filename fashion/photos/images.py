"""Bytes to RGB arrays, and arrays to other sizes."""

from __future__ import annotations

import io

import cv2
import numpy as np
from numpy.typing import NDArray

from fashion.core.errors import PhotoError
from fashion.photos.headers import OTHERS, Header, not_an_image, read_header
from fashion.photos.profiles import as_srgb, to_srgb, transform_to_srgb

RGB = NDArray[np.uint8]

#: Opacity of each pixel, shape (height, width): 0 is transparent, 255 opaque.
Alpha = NDArray[np.uint8]

#: What a large JPEG keeps of its shorter side at least where it is unpacked smaller than it is: enough for the inputs
#: of both backbones as they are by default.
ENOUGH = 200

#: What it keeps of its longer side at least: next to `measures.MEASURED`, so that all large photos are measured alike.
LONG_ENOUGH = 300

#: OpenCV's switches for an eighth, a quarter and a half. The JPEG library then leaves out the fine waves of each block
#: of 8 x 8 pixels, and with them most of the work.
REDUCED = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}

#: Bytes that a photo may take as it is decoded: 350 million pixels of RGB, of a JPEG after its reduction. A file of a
#: few kilobytes can unpack to more, and would end the process.
MOST_UNPACKED = 2**30

#: Pixels that are laid on white at a time, so that this takes little memory beside the photo's own.
_BLOCK = 2**20

#: What undoes each of EXIF's turns (orientations 2 to 8): transpose, then flip up-down, then flip left-right.
_TURNS = {2: (0, 0, 1), 3: (0, 1, 1), 4: (0, 1, 0), 5: (1, 0, 0), 6: (1, 0, 1), 7: (1, 1, 1), 8: (1, 1, 0)}


def jpeg_sides(data: bytes) -> tuple[int, int] | None:
    """Height and width in a JPEG's header, before any turn that its EXIF data asks for; None for other files."""
    if not data.startswith(b"\xff\xd8"):
        return None
    try:
        header = read_header(data)
    except PhotoError:
        return None
    return (header.height, header.width) if header.height and header.width else None


def reduction(data: bytes, edge: int) -> int:
    """The factor by which `decode` shrinks a photo as it unpacks it: 8, 4, 2, or 1 for not at all.

    The most at which a JPEG's shorter side keeps `edge` pixels, and `ENOUGH`, and its longer one `LONG_ENOUGH`,
    and at which the two still differ if they did: by that it is known which of them is the height.
    """
    sides = jpeg_sides(data)
    if sides is None:
        return 1
    short, long = sorted(sides)
    for scale in REDUCED:
        differ = short == long or -(-short // scale) != -(-long // scale)  # OpenCV rounds up
        if short >= scale * max(edge, ENOUGH) and long >= scale * LONG_ENOUGH and differ:
            return scale
    return 1


def decode(data: bytes, name: str = "photo", edge: int | None = None) -> RGB:
    """Decode a photo to sRGB: turned as its EXIF data says, transparent pixels laid on white by their alpha.

    Parameters
    ----------
    data : bytes
        The file's content: JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF, JPEG 2000, PPM or Sun raster; HEIC where pillow-heif
        is installed. Of an animation the first frame is taken; bytes behind the picture, such as a motion photo's film,
        are ignored. Colours are turned to sRGB by an embedded profile (`profiles`); a damaged one is ignored.
    name : str
        For error messages.
    edge : int, optional
        Pixels of the shorter side that suffice: a large JPEG is unpacked at a fraction of its size (`reduction`).
        Without it, every photo is unpacked whole.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        RGB, 0-255; grey photos have three equal channels.

    Raises
    ------
    PhotoError
        When the bytes are no image, are cut short (OpenCV would fill the rest with grey), or would take more than
        `MOST_UNPACKED` bytes.
    """
    return decode_with_alpha(data, name, edge)[0]


def decode_with_alpha(data: bytes, name: str = "photo", edge: int | None = None) -> tuple[RGB, Alpha | None]:
    """`decode`, and the opacity of each pixel; None where all are opaque.

    Parameters
    ----------
    data, name, edge
        As for `decode`.

    Returns
    -------
    rgb : ndarray of uint8, shape (height, width, 3)
        On white.
    alpha : ndarray of uint8, shape (height, width), or None

    Raises
    ------
    PhotoError
        As `decode`.
    """
    if not data:
        raise PhotoError(
            f"expected a photo; found {name!r}, which is empty. Copy or download it again.",
            PhotoError.EMPTY,
            f"{name!r} has no bytes",
        )
    header = read_header(data, name)
    scale = 1 if edge is None else reduction(data, edge)
    if header.unpacked(scale) > MOST_UNPACKED:
        raise PhotoError(
            f"expected a photo of at most {MOST_UNPACKED / 1e9:.1f} GB unpacked; found {name!r} with "
            f"{header.width} x {header.height} pixels, {header.unpacked(scale) / 1e9:.1f} GB. Save it smaller.",
            PhotoError.TOO_LARGE,
        )
    # OpenCV turns no AVIF, has darkened a TIFF's colours by alpha, and knows of CMYK no more than a rule of thumb.
    inks = header.channels == 4 and transform_to_srgb(header.icc, 4) is not None
    if inks or header.kind in ("AVIF", "HEIC") or (header.kind == "TIFF" and header.alpha):
        return _by_pillow(data, header, scale, name)
    if header.alpha and (laid := _on_white(data, header, name)) is not None:
        return laid
    bgr = _decoded(_picture(data, header), REDUCED.get(scale, cv2.IMREAD_COLOR), name)
    rgb = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
    to_srgb(rgb, header.icc, header.channels)
    return rgb, None


def _picture(data: bytes, header: Header) -> NDArray[np.uint8]:
    """The bytes of the picture alone: of a GIF its first frame, closed as a file."""
    if header.kind == "GIF":
        return np.frombuffer(data[: header.end] + b";", np.uint8)
    return np.frombuffer(data, np.uint8, header.end)


def _decoded(picture: NDArray[np.uint8], flags: int, name: str) -> NDArray:
    """Decode by OpenCV; raise PhotoError where it cannot."""
    try:
        pixels = cv2.imdecode(picture, flags)
    except cv2.error as error:
        raise not_an_image(name, f"({error.err or 'OpenCV cannot decode it'})") from error
    if pixels is None:
        raise not_an_image(name, f"starts with the bytes {picture[:8].tobytes()!r}")
    return np.asarray(pixels)


def _on_white(data: bytes, header: Header, name: str) -> tuple[RGB, Alpha | None] | None:
    """Decode a photo whose pixels may be transparent, on white; None where the decoder finds that none can be.

    Where all are opaque, the result is that of IMREAD_COLOR, which knows no alpha.
    """
    pixels = _decoded(_picture(data, header), cv2.IMREAD_UNCHANGED, name)  # which turns nothing
    if header.key is not None and pixels.ndim == 2:
        alpha = np.where(pixels == header.key, np.uint8(0), np.uint8(255))
        rgb = np.repeat(_eight_bits(pixels)[..., np.newaxis], 3, axis=2)
    elif pixels.ndim == 3 and pixels.shape[2] == 4:
        pixels = _eight_bits(pixels)
        rgb, alpha = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGB), np.uint8), pixels[..., 3].copy()
    elif header.part is not None:
        colour = _decoded(_picture(data, header), cv2.IMREAD_COLOR, name)
        rgb, alpha = (
            np.asarray(cv2.cvtColor(colour, cv2.COLOR_BGR2RGB), np.uint8),
            np.full(colour.shape[:2], 255, np.uint8),
        )
    else:
        return None
    if header.part is not None:
        left, top, width, height = header.part
        covered = np.zeros(alpha.shape, bool)
        covered[top : top + height, left : left + width] = True
        alpha[~covered] = 0
    to_srgb(rgb, header.icc, header.channels)
    lay_on_white(rgb, alpha)
    del pixels  # before a turn's copy
    return _turned(rgb, header.exif), _where_clear(_turned(alpha, header.exif))


def _by_pillow(data: bytes, header: Header, scale: int, name: str) -> tuple[RGB, Alpha | None]:
    """Decode a photo by Pillow, for formats that OpenCV does not support well enough."""
    from PIL import Image, ImageOps

    formats = ("HEIF",) if header.kind == "HEIC" else (*OTHERS, "JPEG")
    try:
        with Image.open(io.BytesIO(data), formats=formats) as photo:
            photo.draft(photo.mode, (header.width // scale, header.height // scale))  # of a JPEG; else nothing
            upright = ImageOps.exif_transpose(photo)
            if not header.alpha:
                return np.array(as_srgb(upright, header.icc)), None
            rgba = np.array(upright.convert("RGBA"))
    except Exception as error:  # Pillow raises many kinds on a damaged file
        raise not_an_image(name, f"({error})") from error
    rgb, alpha = rgba[..., :3].copy(), rgba[..., 3].copy()
    to_srgb(rgb, header.icc, header.channels)
    lay_on_white(rgb, alpha)
    return rgb, _where_clear(alpha)


def _where_clear(alpha: Alpha) -> Alpha | None:
    """The opacity, or None where nothing is transparent."""
    return None if alpha.min() == 255 else alpha


def _eight_bits(pixels: NDArray) -> NDArray[np.uint8]:
    """The upper byte of 16 bits, as OpenCV's PNG decoder makes 8 of them; `pixels` are shifted in place."""
    if pixels.dtype != np.uint16:
        return pixels
    pixels >>= 8
    return pixels.astype(np.uint8)


def lay_on_white(rgb: RGB, alpha: NDArray[np.uint8]) -> None:
    """Lay pixels on white by their alpha (0 transparent, 255 opaque), in place."""
    rows = max(1, _BLOCK // max(1, rgb.shape[1]))
    for top in range(0, len(rgb), rows):
        opacity = cv2.merge([alpha[top : top + rows]] * 3)
        colour = cv2.multiply(rgb[top : top + rows], opacity, scale=1 / 255)
        rgb[top : top + rows] = cv2.add(colour, cv2.bitwise_not(opacity))


def _turned(pixels: NDArray[np.uint8], exif: bytes) -> NDArray[np.uint8]:
    """Turn a photo, or its opacity, as its EXIF data says."""
    if not exif:
        return pixels
    from PIL import Image

    tags = Image.Exif()
    try:
        tags.load(exif)
    except Exception:  # damaged EXIF data: OpenCV does not turn by it either
        return pixels
    across, down, mirrored = _TURNS.get(tags.get(0x0112, 1), (0, 0, 0))
    pixels = pixels.swapaxes(0, 1) if across else pixels
    pixels = pixels[::-1] if down else pixels
    return np.ascontiguousarray(pixels[:, ::-1] if mirrored else pixels)


def resize(rgb: RGB, edge: int) -> RGB:
    """Resize to a square of `edge` pixels, aspect not kept, as the original study did.

    Area averaging when both sides shrink (no aliasing), bilinear otherwise: the one filter rule used everywhere.
    """
    height, width = rgb.shape[:2]
    if (height, width) == (edge, edge):
        return rgb
    shrink = height >= edge and width >= edge
    size = (edge, edge)
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR), np.uint8)


def shrunk(rgb: NDArray[np.uint8], edge: int) -> NDArray[np.uint8]:
    """Shrink to a longer side of `edge` pixels by area averaging, aspect kept; a smaller photo stays as it is.

    `rgb` may be a photo's opacity as well.
    """
    height, width = rgb.shape[:2]
    scale = edge / max(height, width)
    if scale >= 1:
        return rgb
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def unpack(data: bytes, name: str = "photo") -> tuple[RGB, Alpha | None]:
    """`decode_with_alpha` as far as measures, and networks of up to `ENOUGH` pixels, need a photo."""
    return decode_with_alpha(data, name, ENOUGH)


def bounded(rgb: RGB, edge: int, quality: int = 88) -> bytes:
    """A JPEG whose longer side is at most `edge`; never enlarged.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (height, width, 3)
        From `fashion.photos.images.decode`, which has turned it as its EXIF data says.
    edge : int
        Pixels.
    quality : int
        Of the JPEG, 1-100.
    """
    small = shrunk(rgb, edge)
    return cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def squared(rgb: RGB, edge: int) -> bytes:
    """Make a small square photo, such as the map shows.

    The whole photo is kept, reduced by area averaging; what a square has to spare is filled with the median
    colour of the photo's border, which on a studio photo is the background.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (height, width, 3)
        Photo, sRGB.
    edge : int
        Edge of the square in pixels.

    Returns
    -------
    bytes
        JPEG, quality 90. The same photo gives the same bytes.

    Raises
    ------
    PhotoError
        If `rgb` is not such an array.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or rgb.size == 0:
        raise PhotoError(
            f"expected a photo as uint8 of shape (height, width, 3); found {rgb.dtype} of shape {rgb.shape}. Decode it "
            "with fashion.photos.images.decode first."
        )
    scale = edge / max(rgb.shape[:2])
    height, width = (max(1, round(side * scale)) for side in rgb.shape[:2])
    small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    ground = np.median(np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]]), axis=0)
    square = np.full((edge, edge, 3), ground, np.uint8)
    top, left = (edge - height) // 2, (edge - width) // 2
    square[top : top + height, left : left + width] = small
    bgr = cv2.cvtColor(square, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
