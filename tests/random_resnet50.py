"""A weights file for ResNet-50 without ImageNet's: seeded random weights that see something in some photos."""

from pathlib import Path

import numpy as np

#: Edge at which the batch norms are calibrated, pixels.
EDGE = 64


def write_random_weights(path: Path, photos: list[bytes], passes: int = 2, momentum: float = 0.3) -> Path:
    """Write random weights whose batch norms know the statistics of the photos, as training would have made them."""
    import keras

    from fashion.embedding import resnet50
    from fashion.photos.images import decode, resize

    views = np.stack([resize(decode(data, edge=EDGE), EDGE) for data in photos]).astype(np.float32)
    keras.utils.set_random_seed(0)
    network = resnet50.build_resnet50(EDGE)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = momentum
    for _ in range(passes):
        for first in range(0, len(views), 32):
            network(resnet50.preprocess(views[first : first + 32]), training=True)
    network.save_weights(path)
    return path
