"""The plain way to look at photos, one by one, nothing kept: what the package's one pass has to equal."""

import numpy as np

from fashion.embedding.extraction import embed_views
from fashion.embedding.runtimes import choose_runtime
from fashion.photos.descriptors import describe
from fashion.photos.images import ENOUGH, decode, decode_with_alpha, resize
from fashion.photos.measures import DecodedPhoto, measure, metadata_table, open_photo


def picture(data):
    """A photo as far as it is unpacked to be measured: whole, but for a large JPEG."""
    rgb, alpha = decode_with_alpha(data, edge=ENOUGH)
    return DecodedPhoto(rgb, data, alpha)


def photo_metadata(source, names):
    """A row of `measures.METADATA` for each photo; a bad one is a row with its problem."""
    rows = []
    for name in names:
        metadata, seen = open_photo(source, name)
        rows.append(metadata if seen is None else metadata | measure(picture(source.read(name))))
    return metadata_table(rows)


def descriptors_of(source, names):
    """Name -> array (n, ...) of `descriptors.NONE`, for good photos."""
    rows = [describe(picture(source.read(name))) for name in names]
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def read_photo(source, name, edge):
    """A photo as the network takes it: uint8 RGB, shape (edge, edge, 3)."""
    return resize(decode(source.read(name), name, edge), edge)


def vectors_of(source, names, backbone, runtime=None):
    """Block name -> array (n, width) of the backbone's outputs, for good photos."""
    views = (read_photo(source, name, backbone.size) for name in names)
    return embed_views(views, backbone, runtime or choose_runtime(backbone))
