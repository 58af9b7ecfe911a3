"""Colour profiles made for tests, what they say by the formula, and patches of colour to read back."""

import struct

import numpy as np

#: Each space's primaries in XYZ (D50), one a column, and its curve: a power, or None for that of sRGB.
SPACES = {
    "Adobe RGB": (
        [[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]], 563 / 256,
    ),
    "Display P3": (
        [[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]], None,
    ),
    "sRGB": ([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]], None),
}  # fmt: skip


def icc(space, connection, kind, tags, padding=0):
    """An ICC profile of version 2.4: `tags` are signature -> content."""
    tags = {**tags, b"priv": b"text" + bytes(4 + padding)} if padding else tags
    at, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table += name + struct.pack(">II", at + len(body), len(content))
        body += content
    head = struct.pack(">I4sI4s4s4s", at + len(body), b"test", 0x02400000, kind, space, connection)
    head = head.ljust(36, b"\0") + b"acsp"
    head = head.ljust(68, b"\0") + struct.pack(">3i", *(round(65536 * v) for v in (0.9642, 1, 0.8249)))
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def xyz(values):
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(65536 * v) for v in values))


def curve(power):
    """A tag of a curve: 1,024 points, as makers write sRGB's."""
    steps = np.round(65535 * linear(np.linspace(0, 1, 1024), power)).astype(int)
    return b"curv\0\0\0\0" + struct.pack(f">I{len(steps)}H", len(steps), *steps)


def linear(values, power):
    if power:
        return values**power
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def rgb_profile(name, padding=0):
    matrix, power = SPACES[name]
    tags = {b"wtpt": xyz((0.9642, 1, 0.8249))}
    tags |= {
        letter + b"XYZ": xyz(column) for letter, column in zip((b"r", b"g", b"b"), np.transpose(matrix), strict=True)
    }
    tags |= {letter + b"TRC": curve(power) for letter in (b"r", b"g", b"b")}
    return icc(b"RGB ", b"XYZ ", b"mntr", tags, padding)


def by_formula(rgb, name):
    """An array of a space's levels in sRGB: to light, by the primaries to XYZ, to sRGB's light and levels."""
    matrix, power = SPACES[name]
    light = linear(rgb / 255, power) @ np.transpose(matrix) @ np.transpose(np.linalg.inv(SPACES["sRGB"][0]))
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


#: Patches of 16 x 16 pixels: greys, colours that sRGB has, and one of Adobe RGB's that it lacks.
COLOURS = [(0, 0, 0), (128, 128, 128), (255, 255, 255), (180, 40, 60), (60, 120, 70), (40, 60, 140), (0, 255, 0)]
PATCHES = np.repeat(np.repeat(np.array([COLOURS], np.uint8), 16, axis=0), 16, axis=1)


def centres(rgb):
    return rgb[8, 8::16].astype(float)
