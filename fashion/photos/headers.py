"""Headers of photo files: size, transparency and the picture's end, before a pixel is unpacked.

A truncated file, or one that unpacks to more memory than a photo may take, is refused unopened; bytes behind the
picture (the film of a motion photo, a second picture, padding) are ignored.
"""

from __future__ import annotations

import io
import re
import struct
from dataclasses import dataclass

from fashion.core.errors import PhotoError

#: Markers of a JPEG's frame header, which says its size: all of C0 to CF but tables (C4, CC) and a reserved one (C8).
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

#: Those of progressive JPEGs, whose waves are all held in memory until the last scan has been read, as are those of
#: other JPEGs in several scans.
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})

#: A marker that ends coded data or begins a segment: FF that is not stuffed, repeated to fill up, or a restart.
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")

#: Kinds without a reader here: Pillow reads their headers. What neither knows is no photo.
OTHERS = ("TIFF", "AVIF", "JPEG2000", "PPM", "SUN")

#: Bytes that OpenCV needs for a pixel of BGR.
_BGR = 3


@dataclass(frozen=True)
class Header:
    """The header of a photo's file.

    Attributes
    ----------
    kind : str
        "JPEG", "PNG", "WEBP", "GIF", "BMP", or a name of `OTHERS`.
    height, width : int
        Pixels, before any turn that its EXIF data asks for.
    end : int
        Bytes up to the end of the (first) picture.
    alpha : bool
        Whether pixels may be transparent; False is certain.
    pixel_bytes : int
        Bytes of a decoded pixel: channels times bytes of each, at least 3.
    held_bytes : float
        Bytes for each pixel that the decoder holds beside it, however small it unpacks: the waves of a JPEG in
        several scans.
    exif : bytes
        EXIF data of a PNG or WebP with transparency; what turns other photos is left to the decoder.
    key : int or None
        The grey value that is transparent in a PNG, as deep as the decoded pixels.
    part : tuple of int or None
        Left, top, width and height of a GIF's first frame, where it leaves some of the canvas uncovered.
    """

    kind: str
    height: int
    width: int
    end: int
    alpha: bool = False
    pixel_bytes: int = _BGR
    held_bytes: float = 0
    exif: bytes = b""
    key: int | None = None
    part: tuple[int, int, int, int] | None = None

    def unpacked(self, scale: int = 1) -> int:
        """Bytes that decoding takes at a `scale`-th of both sides."""
        return int(self.height * self.width * (self.pixel_bytes / scale**2 + self.held_bytes))


def read_header(data: bytes, name: str = "photo") -> Header:
    """Read a photo's header, and check that the file holds the whole picture.

    Parameters
    ----------
    data : bytes
        The file's content.
    name : str
        For error messages.

    Raises
    ------
    PhotoError
        When the bytes are no image of a known kind, or are cut short.
    """
    for signature, read in _READERS.items():
        if data.startswith(signature) and (signature != b"RIFF" or data[8:12] == b"WEBP"):
            try:
                header = read(data)
            except (IndexError, struct.error):  # the file ends within its header
                header = None
            if header is None:
                kind = read.__name__.removeprefix("_").upper()
                raise PhotoError(
                    f"truncated: the {kind} {name!r} ends after {len(data)} bytes, before its picture does"
                )
            return header
    return _other(data, name)


def _jpeg(data: bytes) -> Header | None:
    """From marker to marker (ITU-T T.81, annex B) to the first picture's end; a thumbnail lies within a segment."""
    at, height, width, frame, progressive = 2, 0, 0, 0, False
    held: float | None = None
    while marker := _MARKER.search(data, at):
        code, at = data[marker.end() - 1], marker.end()
        if code == 0xD9:
            return Header("JPEG", height, width, at, held_bytes=held or 0)
        if code == 0xD8:
            continue
        if code in _FRAMES and not height:
            height, width = struct.unpack_from(">HH", data, at + 3)
            frame, progressive = at + 7, code in _PROGRESSIVE
        if code == 0xDA and frame and held is None:  # the first scan; with fewer components it is one of several
            held = _waves(data, frame) if progressive or data[at + 2] < data[frame] else 0.0
        at += int.from_bytes(data[at : at + 2], "big")
    return None


def _waves(data: bytes, at: int) -> float:
    """Bytes for each pixel of a JPEG's waves, two for each sample, by the sampling factors in its frame header."""
    factors = [data[place + 1] for place in range(at + 1, at + 1 + 3 * data[at], 3)]
    across, down = max((f >> 4 for f in factors), default=1), max((f & 15 for f in factors), default=1)
    return 2 * sum((f >> 4) * (f & 15) for f in factors) / max(across * down, 1)


def _png(data: bytes) -> Header | None:
    """From chunk to chunk to the last one."""
    width, height, depth, colour = struct.unpack_from(">IIBB", data, 16)
    at, clear, exif = 8, b"", b""
    while True:
        length, kind = struct.unpack_from(">I4s", data, at)
        stop = at + 12 + length
        if stop > len(data):
            return None
        if kind == b"tRNS":
            clear = data[at + 8 : stop - 4]
        if kind == b"eXIf":
            exif = data[at + 8 : stop - 4]
        if kind == b"IEND":
            break
        at = stop
    alpha = bool(clear) or colour in (4, 6)
    channels = 4 if alpha else _BGR  # as OpenCV holds it, whatever the file does
    key = None
    if colour == 0 and len(clear) == 2:
        key = int.from_bytes(clear, "big") * {1: 255, 2: 85, 4: 17}.get(depth, 1)
    return Header("PNG", height, width, stop, alpha, channels * (2 if depth == 16 else 1), exif=exif, key=key)


def _webp(data: bytes) -> Header | None:
    (size,) = struct.unpack_from("<I", data, 4)
    end = 8 + size
    if end > len(data):
        return None
    kind, alpha, exif = data[12:16], False, b""
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        at = 30
        while at + 8 <= end:
            name, length = struct.unpack_from("<4sI", data, at)
            alpha |= name in (b"ALPH", b"VP8L", b"ANMF")  # the last two may have some
            if name == b"EXIF":
                exif = data[at + 8 : at + 8 + length]
            at += 8 + length + length % 2
    elif kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        width, height, alpha = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    else:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    return Header("WEBP", height, width, end, alpha, 4 if alpha else _BGR, exif=exif)


def _gif(data: bytes) -> Header | None:
    """To the end of the first frame: of an animation it alone is looked at."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at, alpha = 13 + (6 << (flags & 7) if flags & 0x80 else 0), False
    while data[at] == 0x21:  # extensions
        alpha |= data[at + 1] == 0xF9 and bool(data[at + 3] & 1)
        at = _past_blocks(data, at + 2)
    if data[at] != 0x2C:
        return Header("GIF", height, width, len(data))  # no frame: the decoder says so
    left, top, across, down, flags = struct.unpack_from("<HHHHB", data, at + 1)
    end = _past_blocks(data, at + 11 + (6 << (flags & 7) if flags & 0x80 else 0))
    part = (left, top, across, down) if left or top or across < width or down < height else None
    height, width = max(height, top + down), max(width, left + across)
    return Header("GIF", height, width, end, alpha or part is not None, 4, part=part)


def _past_blocks(data: bytes, at: int) -> int:
    """Where a GIF's chain of blocks, each with its length before it, has ended."""
    while data[at]:
        at += 1 + data[at]
    return at + 1


def _bmp(data: bytes) -> Header | None:
    offset, size = struct.unpack_from("<II", data, 10)
    if size == 12:
        (width, height, _, bits), packing = struct.unpack_from("<HHHH", data, 18), 0
    else:
        width, height, _, bits, packing = struct.unpack_from("<iiHHI", data, 18)
    width, height = abs(width), abs(height)
    if packing in (0, 3, 6) and offset + (width * bits + 31) // 32 * 4 * height > len(data):
        return None
    alpha = bits == 32 and (packing == 6 or (packing == 3 and size >= 56)) and any(data[66:70])  # the mask says so
    return Header("BMP", height, width, len(data), alpha, 4 if bits == 32 else _BGR)


def _other(data: bytes, name: str) -> Header:
    """The header by Pillow, of kinds that are too rare for a reader here."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=OTHERS) as photo:
            width, height = photo.size
            deep = max(photo.tag_v2.get(258, (8,))) > 8 if photo.format == "TIFF" else photo.format == "JPEG2000"  # type: ignore[attr-defined]
            alpha = photo.mode in ("LA", "PA", "RGBA", "RGBa", "La")
            return Header(
                str(photo.format), height, width, len(data), alpha, (4 if alpha else _BGR) * (2 if deep else 1)
            )
    except Image.DecompressionBombError as error:
        raise PhotoError(f"too large: {name!r} ({error})") from error
    except Exception as error:  # Pillow raises many kinds on a damaged file
        raise PhotoError(f"not an image: {name!r} starts with the bytes {data[:8]!r}") from error


_READERS = {b"\xff\xd8": _jpeg, b"\x89PNG": _png, b"RIFF": _webp, b"GIF8": _gif, b"BM": _bmp}
