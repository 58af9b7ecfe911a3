"""A weights file for ResNet-50 without ImageNet's: seeded random weights that see something in the sample's photos."""

from pathlib import Path

import numpy as np

#: Photos on which the batch norms are calibrated, and their edge, pixels.
PHOTOS, EDGE = 256, 64


def sample_views(folder: Path) -> np.ndarray:
    """Photos of the sample, made in `folder`, but for those that it breaks on purpose: (n, EDGE, EDGE, 3)."""
    from fashion.catalogue.sample.make import make_sample
    from fashion.catalogue.source import open_source
    from fashion.photos.images import resize
    from fashion.photos.measures import open_photo

    make_sample(folder, count=PHOTOS, progress=False)
    source = open_source(folder, "annotation.txt")
    names = sorted(f"images/{path.name}" for path in (folder / "images").iterdir())
    photos = [photo for name in names if (photo := open_photo(source, name)[1]) is not None]
    return np.stack([resize(photo.unpacked, EDGE) for photo in photos[:PHOTOS]]).astype(np.float32)


def write_random_weights(path: Path, folder: Path, momentum: float = 0.3) -> Path:
    """Write random weights whose batch norms know the statistics of the sample, as training would have made them.

    One pass of eight batches leaves momentum ** 8, 7e-5, of the statistics that they start with.
    """
    import keras

    from fashion.embedding import resnet50

    views = sample_views(folder)
    keras.utils.set_random_seed(0)
    network = resnet50.build_resnet50(EDGE)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = momentum
    for first in range(0, len(views), 32):
        network(resnet50.preprocess(views[first : first + 32]), training=True)
    network.save_weights(path)
    return path
