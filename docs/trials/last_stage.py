"""Trial: the backbone's last stages trained on the catalogue's own words, and the attributes network on the result.

    .venv/bin/python docs/trials/last_stage.py --catalogue fashion-product-images

reads what notebooks 01-03 of a report left. It embeds each photo once up to a stage of EfficientNet-Lite and keeps
these feature maps. It trains the later stages on the training items, with a softmax of category and one of colour on
their pooled outputs. Then it pools their features again, trains the package's network on them, and prints a table in
Markdown (docs/decisions.md has it). The queries are validation items, photo alone against all items; test items are
not used.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from network_size import print_means, scores
from numpy.typing import NDArray

from fashion.attributes.network import join_features
from fashion.attributes.training import train_attributes
from fashion.catalogue import Run
from fashion.core.tensorflow import import_keras
from fashion.embedding.backbones import Backbone, reopen_backbone
from fashion.embedding.extraction import ahead, batches
from fashion.photos.measures import open_photo

BATCH = 64

#: Epochs of the softmax layers alone, before the stages are trained with them.
WARM_UP, WARM_UP_RATE = 3, 2e-3

WEIGHT_DECAY = 1e-2


def kept_maps(run: Run, backbone: Backbone, photos: pd.Series, stage: str) -> NDArray[np.float16]:
    """Feature maps of all photos after a stage, shape (n, y, x, channels)."""
    keras = import_keras()
    trunk = backbone.build()
    lower = keras.Model(trunk.input, trunk.get_layer(stage).output)

    def view(name: str) -> NDArray[np.uint8]:
        metadata, photo = open_photo(run.source, name)
        assert photo is not None, metadata["problem"]
        return backbone.framing(photo.rgb)

    maps = []
    for rgb in batches(ahead(view, photos, workers=2)):
        maps.append(lower(backbone.preprocess(rgb.astype(np.float32)), training=False).numpy().astype(np.float16))
    return np.concatenate(maps)


class LastStages:
    """The stages after `stage`, whose pooled outputs replace columns of a report's features."""

    def __init__(self, backbone: Backbone, stage: str, words: Sequence[int]) -> None:
        keras = import_keras()
        layers, trunk = keras.layers, backbone.build()
        names = backbone.layer_names[backbone.layer_names.index(stage) + 1 :]
        outputs = [trunk.get_layer(name).output for name in names]
        means = [layers.GlobalAveragePooling2D()(x) for x in outputs]
        maxima = [layers.GlobalMaxPooling2D()(x) for x in outputs]
        pooled = layers.Concatenate()([*means, *maxima])
        self.pool = keras.Model(trunk.get_layer(stage).output, pooled)
        self.scale = layers.Normalization()
        scaled = self.scale(self.pool.output)
        heads = [layers.Dense(count, activation="softmax")(layers.Dropout(0.2)(scaled)) for count in words]
        self.model = keras.Model(self.pool.input, heads)

    def pooled(self, maps: NDArray[np.float16]) -> NDArray[np.float32]:
        """Means, then maxima, of each stage."""
        blocks = [self.pool(maps[i : i + 256].astype(np.float32)).numpy() for i in range(0, len(maps), 256)]
        return np.concatenate(blocks)

    def train(self, maps: NDArray[np.float16], labels: Sequence[NDArray], rate: float, epochs: int) -> pd.Series:
        """Train the softmax layers, then the stages too; returns the last epoch's losses and accuracies."""
        keras = import_keras()
        self.scale.adapt(self.pooled(maps))
        steps, history = -(-len(maps) // BATCH), {}
        for now, many, all_of_it in ((WARM_UP_RATE, WARM_UP, False), (rate, epochs, True)):
            self.pool.trainable = all_of_it
            for layer in self.pool.layers:
                if isinstance(layer, keras.layers.BatchNormalization):
                    layer.trainable = False  # to keep ImageNet's statistics
            self.model.compile(
                keras.optimizers.AdamW(
                    keras.optimizers.schedules.CosineDecay(now, many * steps), weight_decay=WEIGHT_DECAY
                ),
                ["sparse_categorical_crossentropy"] * 2,
                metrics=[["accuracy"], ["accuracy"]],
            )
            history = self.model.fit(
                maps.astype(np.float32), list(labels), batch_size=BATCH, epochs=many, verbose=0
            ).history  # fmt: skip
        return pd.Series({name: values[-1] for name, values in history.items()})

    def replaced(self, features: NDArray[np.float32], pooled: NDArray[np.float32]) -> NDArray[np.float32]:
        """A copy of a report's features, with the columns of these stages replaced."""
        # Means of every layer, then maxima of every layer; these stages are the last columns of either half.
        means, maxima = np.split(features, 2, axis=1)
        own_means, own_maxima = np.split(pooled, 2, axis=1)
        kept = means.shape[1] - own_means.shape[1]
        return np.concatenate([means[:, :kept], own_means, maxima[:, :kept], own_maxima], axis=1)


def main() -> None:
    """Train in each way and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalogue", default="fashion-product-images")
    parser.add_argument("--processed", type=Path)
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--rates", default="1e-4,1e-3")
    parser.add_argument("--after", default="stage6,stage5")
    parser.add_argument("--epochs", type=int, default=4)
    given = parser.parse_args()
    run = Run.in_project(given.catalogue, processed=str(given.processed or "data/processed"))
    work = run.workspace
    items, part, grid = work.items(), work.table("split")["split"].to_numpy(), np.asarray(work.vectors("colour_grid"))
    frozen = join_features(work.vectors("multilayer"), work.vectors("max_pooled"))
    backbone = reopen_backbone(work.json("backbone"))
    assert isinstance(backbone, Backbone)
    train, queries = np.flatnonzero(part == "train"), np.flatnonzero(part == "validation")
    codes = [pd.Categorical(items[column].iloc[train]) for column in ("category", "colour")]
    lines = []

    def note(way: str, seed: int, features: NDArray, seconds: float) -> None:
        network, _ = train_attributes(features, grid, items, part, seed, progress=False)
        vectors = network.embed(features, grid)
        found = scores(network, vectors[queries], vectors, items, queries)
        lines.append({"variant": way, "seed": seed, "seconds": seconds, **found})
        print(lines[-1], flush=True)

    seeds = [int(text) for text in given.seeds.split(",")]
    for seed in seeds:
        note("as on ImageNet", seed, frozen, 0)
    for stage in given.after.split(","):
        maps = kept_maps(run, backbone, items["photo"], stage)
        for seed in seeds:
            for rate in given.rates.split(","):
                import_keras().utils.set_random_seed(seed)
                own = LastStages(backbone, stage, [len(code.categories) for code in codes])
                again = own.replaced(frozen, own.pooled(maps))
                np.testing.assert_allclose(again, frozen, atol=0.1)  # maps in float16
                begin = time.process_time()
                print(own.train(maps[train], [code.codes for code in codes], float(rate), given.epochs).round(3))
                seconds, pooled = time.process_time() - begin, own.pooled(maps)
                way = f"trained after {stage}, rate {rate}"
                note(way, seed, own.replaced(frozen, pooled), seconds)
                note(f"{way}, beside ImageNet's", seed, np.concatenate([again, pooled], axis=1), seconds)
    print_means(lines)


if __name__ == "__main__":
    main()
