"""Headers of photo files: size, transparency, colour profile and the picture's end, before a pixel is unpacked.

A truncated file, or one that unpacks to more memory than a photo may take, is refused unopened; bytes behind the
picture (the film of a motion photo, a second picture, padding) are ignored.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from dataclasses import dataclass
from functools import cache

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

#: Brands by which a file of the ISO base media format (ISO/IEC 14496-12) says that it holds AVIF, or HEVC's pictures.
_AVIF_BRANDS, _HEIC_BRANDS = (
    (b"avif", b"avis"),
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"),
)

#: Bytes that OpenCV needs for a pixel of BGR.
_BGR = 3

#: Bytes that libheif holds for each pixel beside the decoded ones: the planes of brightness and colour.
_HEIC_PLANES = 6

#: Bytes of a colour profile at most; a larger one is ignored. Those of printers have up to 2 MB.
MOST_PROFILE = 2**22

#: What a colour profile begins with in a JPEG's segment: name, its number from 1, how many there are.
_ICC = b"ICC_PROFILE\0"


@dataclass(frozen=True)
class Header:
    """The header of a photo's file.

    Attributes
    ----------
    kind : str
        "JPEG", "PNG", "WEBP", "GIF", "BMP", "HEIC", or a name of `OTHERS`.
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
    icc : bytes
        The embedded colour profile; empty where there is none, or it is incomplete.
    channels : int
        Channels of colour: 1 (grey), 3 (RGB) or 4 (CMYK).
    key : int or None
        The grey value that is transparent in a PNG, as deep as the decoded pixels.
    part : tuple of int or None
        Left, top, width and height of an animation's first frame, where it leaves some of the canvas uncovered.
    """

    kind: str
    height: int
    width: int
    end: int
    alpha: bool = False
    pixel_bytes: int = _BGR
    held_bytes: float = 0
    exif: bytes = b""
    icc: bytes = b""
    channels: int = 3
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
        When the bytes are no image of a known kind, are cut short, or are HEIC and `heic_readable` is False.
    """
    for signature, read in _READERS.items():
        if data.startswith(signature) and (signature != b"RIFF" or data[8:12] == b"WEBP"):
            try:
                header = read(data)
            except (IndexError, struct.error):  # the file ends within its header
                header = None
            if header is None:
                kind = read.__name__.removeprefix("_").upper()
                short = f"ends after {len(data)} bytes, before its picture does"
                raise PhotoError(
                    f"expected a whole photo; found the {kind} {name!r}, which {short}. Copy or download it again.",
                    PhotoError.TRUNCATED,
                    f"the {kind} {name!r} {short}",
                )
            return header
    return _other(data, name)


def _jpeg(data: bytes) -> Header | None:
    """From marker to marker of a JPEG (ITU-T T.81, annex B) to the first picture's end; thumbnails lie in segments."""
    at, height, width, frame, progressive = 2, 0, 0, 0, False
    held: float | None = None
    profile: dict[tuple[int, int], bytes] = {}
    while marker := _MARKER.search(data, at):
        code, at = data[marker.end() - 1], marker.end()
        if code == 0xD9:
            channels = data[frame] if frame else _BGR
            pixel_bytes = max(channels, _BGR)
            return Header(
                "JPEG", height, width, at, False, pixel_bytes, held or 0, icc=_joined(profile), channels=channels
            )
        if code == 0xD8:
            continue
        if code in _FRAMES and not height:
            height, width = struct.unpack_from(">HH", data, at + 3)
            frame, progressive = at + 7, code in _PROGRESSIVE
        if code == 0xDA and frame and held is None:  # the first scan; with fewer components it is one of several
            held = _waves(data, frame) if progressive or data[at + 2] < data[frame] else 0.0
        if code == 0xE2 and data.startswith(_ICC, at + 2):
            begin = at + 2 + len(_ICC)
            stop = at + int.from_bytes(data[at : at + 2], "big")
            profile[data[begin], data[begin + 1]] = data[begin + 2 : stop]
        at += int.from_bytes(data[at : at + 2], "big")
    return None


def _joined(profile: dict[tuple[int, int], bytes]) -> bytes:
    """A colour profile from its segments, (number, count) -> content; empty where one is missing."""
    whole = [(number, len(profile)) for number in range(1, len(profile) + 1)]
    return b"".join(profile[place] for place in whole) if sorted(profile) == whole else b""


def _waves(data: bytes, at: int) -> float:
    """Bytes per pixel of a JPEG's coefficients, two for each sample, by the sampling factors in its frame header."""
    factors = [data[place + 1] for place in range(at + 1, at + 1 + 3 * data[at], 3)]
    across, down = max((f >> 4 for f in factors), default=1), max((f & 15 for f in factors), default=1)
    return 2 * sum((f >> 4) * (f & 15) for f in factors) / max(across * down, 1)


def _png(data: bytes) -> Header | None:
    """Read a PNG from chunk to chunk to the last one."""
    width, height, depth, colour = struct.unpack_from(">IIBB", data, 16)
    at, clear, exif, icc = 8, b"", b"", b""
    while True:
        length, kind = struct.unpack_from(">I4s", data, at)
        stop = at + 12 + length
        if stop > len(data):
            return None
        if kind == b"tRNS":
            clear = data[at + 8 : stop - 4]
        if kind == b"eXIf":
            exif = data[at + 8 : stop - 4]
        if kind == b"iCCP":
            icc = _inflated(data[at + 8 : stop - 4].partition(b"\0")[2][1:])
        if kind == b"IEND":
            break
        at = stop
    alpha = bool(clear) or colour in (4, 6)
    channels = 4 if alpha else _BGR  # as OpenCV holds it, whatever the file does
    key = None
    if colour == 0 and len(clear) == 2:
        key = int.from_bytes(clear, "big") * {1: 255, 2: 85, 4: 17}.get(depth, 1)
    pixel_bytes = channels * (2 if depth == 16 else 1)
    colours = 1 if colour in (0, 4) else 3
    return Header("PNG", height, width, stop, alpha, pixel_bytes, exif=exif, icc=icc, channels=colours, key=key)


def _inflated(packed: bytes) -> bytes:
    """A PNG's colour profile; empty where it is damaged, or larger than `MOST_PROFILE`."""
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(packed, MOST_PROFILE)
    except zlib.error:
        return b""
    return profile if unpacker.eof else b""


def _webp(data: bytes) -> Header | None:
    (size,) = struct.unpack_from("<I", data, 4)
    end = 8 + size
    if end > len(data):
        return None
    kind, alpha, exif, icc, part = data[12:16], False, b"", b"", None
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        at = 30
        while at + 8 <= end:
            name, length = struct.unpack_from("<4sI", data, at)
            alpha |= name in (b"ALPH", b"VP8L", b"ANMF")  # the last two may have some
            if name == b"EXIF":
                exif = data[at + 8 : at + 8 + length]
            if name == b"ANMF" and part is None:  # of an animation the first frame alone is looked at
                left, top, across, down = (
                    int.from_bytes(data[place : place + 3], "little") for place in range(at + 8, at + 20, 3)
                )
                part = (2 * left, 2 * top, across + 1, down + 1)
            if name == b"ICCP":
                icc = data[at + 8 : at + 8 + length]
            at += 8 + length + length % 2
    elif kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        width, height, alpha = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    else:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    part = None if part == (0, 0, width, height) else part
    return Header("WEBP", height, width, end, alpha, 4 if alpha else _BGR, exif=exif, icc=icc, part=part)


def _gif(data: bytes) -> Header | None:
    """Read a GIF to the end of its first frame, the only one that counts of an animation."""
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
    """The position after a GIF's chain of blocks, each of which begins with its length."""
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


@cache
def heic_readable() -> bool:
    """Whether HEIC photos can be read: pillow-heif is installed, and Pillow knows of it from now on."""
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def is_heic(data: bytes) -> bool:
    """Whether a file says of itself that it is HEIC, as phones save photos; AVIF has the same container.

    Examples
    --------
    >>> is_heic(b"\\0\\0\\0\\x18ftypheic\\0\\0\\0\\0mif1heic"), is_heic(b"\\0\\0\\0\\x18ftypmif1\\0\\0\\0\\0mif1avif")
    (True, False)
    """
    if data[4:8] != b"ftyp":
        return False
    stop = int.from_bytes(data[:4], "big")
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, min(stop, len(data), 256), 4))}
    return not brands.isdisjoint(_HEIC_BRANDS) and brands.isdisjoint(_AVIF_BRANDS)


def _other(data: bytes, name: str) -> Header:
    """The header by Pillow, of kinds that are too rare for a reader here."""
    from PIL import Image

    heic = is_heic(data)
    if heic and not heic_readable():
        raise PhotoError(
            f"expected a photo of a kind that can be read here; found {name!r}, which is HEIC. Install "
            "pillow-heif (pip install pillow-heif) and run the same command again, or save the photo as JPEG.",
            PhotoError.HEIC,
        )
    try:
        with Image.open(io.BytesIO(data), formats=("HEIF",) if heic else OTHERS) as photo:
            width, height = photo.size
            deep = max(photo.tag_v2.get(258, (8,))) > 8 if photo.format == "TIFF" else photo.format == "JPEG2000"  # type: ignore[attr-defined]
            alpha = photo.mode in ("LA", "PA", "RGBA", "RGBa", "La")
            planes = heic or photo.format == "AVIF"  # which their decoders hold beside the pixels
            return Header(
                "HEIC" if heic else str(photo.format), height, width, len(data), alpha,
                (4 if alpha else _BGR) * (2 if deep else 1), _HEIC_PLANES if planes else 0,
                icc=photo.info.get("icc_profile") or b"",
                channels=_BGR if photo.mode in ("P", "PA") else len(photo.getbands()) - alpha,
            )  # fmt: skip
    except Image.DecompressionBombError as error:
        raise PhotoError(
            f"expected a photo that fits into memory; found {name!r}, which is too large ({error}). Save it smaller.",
            PhotoError.TOO_LARGE,
            f"{name!r} ({error})",
        ) from error
    except Exception as error:  # Pillow raises many kinds on a damaged file
        if not heic:
            raise not_an_image(name, f"starts with the bytes {data[:8]!r}") from error
        raise PhotoError(
            f"expected a whole photo; found {name!r}, which is HEIC that cannot be read ({error}). Copy or download it "
            "again, or save it as JPEG.",
            PhotoError.DAMAGED,
            f"{name!r} is HEIC that cannot be read ({error})",
        ) from error


def not_an_image(name: str, seen: str) -> PhotoError:
    """The error of a file that is no photo, or one that cannot be decoded.

    Parameters
    ----------
    name : str
        Of the file.
    seen : str
        How that shows, to be read after the name.
    """
    kind, problem = PhotoError.NOT_AN_IMAGE, f"{name!r} {seen}"
    return PhotoError(
        f"expected a photo; found a file that is {kind}: {problem}. Save it as JPEG or PNG.", kind, problem
    )


_READERS = {b"\xff\xd8": _jpeg, b"\x89PNG": _png, b"RIFF": _webp, b"GIF8": _gif, b"BM": _bmp}
