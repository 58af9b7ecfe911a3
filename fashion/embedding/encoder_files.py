"""Encoders from disk: what a folder of an exported model holds, and how a photo has to be prepared for it.

Known layouts are those of transformers.js, immich, fastembed, optimum, OpenVINO and Keras. Nothing is unpickled, and
nothing of the folder is run but the network itself: ONNX, OpenVINO IR and SavedModels are read by OpenVINO or ONNX
Runtime, which know fixed operators only, and a `.keras` file may hold Keras's own layers alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fashion.core.checksums import named, sha256_file, sha256_json
from fashion.core.errors import WeightsError
from fashion.core.paths import at_home, in_project
from fashion.core.texts import file_name
from fashion.photos.framing import FILTERS, Framing

#: Layout -> its image tower and the JSON that says how photos are prepared, as paths in the folder; the first that is
#: there counts.
LAYOUTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "transformers.js": (("onnx/vision_model.onnx", "onnx/model.onnx"), ("preprocessor_config.json",)),
    "immich": (("visual/model.onnx",), ("visual/preprocess_cfg.json", "preprocess_cfg.json")),
    "OpenVINO": (
        ("openvino_vision_model.xml", "openvino_model.xml"), ("preprocessor_config.json", "preprocess_cfg.json")
    ),
    "optimum or fastembed": (
        ("vision_model.onnx", "model.onnx"), ("preprocessor_config.json", "preprocess_cfg.json")
    ),
}  # fmt: skip

#: Model files, by how they end; a SavedModel is a folder with `saved_model.pb`.
GRAPHS, KERAS, SAVED_MODEL = (".onnx", ".xml"), ".keras", "saved_model.pb"

#: Checkpoints that are read by running Python, or that hold weights without their network.
CHECKPOINTS = (".pt", ".pth", ".bin", ".ckpt", ".safetensors", ".pkl")

#: Pillow's numbers of its filters, as transformers writes them.
RESAMPLE = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}

#: What a JSON beside a bare model says at least.
SAY = (
    '{"size": 224, "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bicubic", "resize_mode": '
    '"squash"}'
)

Three = tuple[float, float, float]


@dataclass(frozen=True)
class Preparation:
    """The preprocessing of a decoded photo for a network.

    Attributes
    ----------
    framing : Framing
    scale : float
        Factor of the values 0..255, before `mean` and `std`.
    mean, std : tuple of three floats
        Of red, green and blue: (value * scale - mean) / std.
    output : str
        The model's output that is the vector; empty: the only one, or one of a known name.
    """

    framing: Framing
    scale: float = 1 / 255
    mean: Three = (0.0, 0.0, 0.0)
    std: Three = (1.0, 1.0, 1.0)
    output: str = ""

    def __str__(self) -> str:
        numbers = ["(" + ", ".join(f"{value:.4g}" for value in three) + ")" for three in (self.mean, self.std)]
        scaled = "" if self.scale == 1 else f" × {self.scale:.4g}"
        return f"{self.framing}; RGB{scaled}, mean {numbers[0]}, std {numbers[1]}"


@dataclass(frozen=True)
class EncoderFiles:
    """The files of an image encoder.

    Attributes
    ----------
    place : Path
        What the user named: a folder, or a model file.
    layout : str
        Such as "transformers.js".
    model : Path
        The image tower; of a SavedModel its folder.
    preparation : Preparation
    checksum : str
        SHA-256 of the model's files and of the preparation.
    """

    place: Path
    layout: str
    model: Path
    preparation: Preparation
    checksum: str

    @property
    def name(self) -> str:
        """The place's name and the checksum's first letters: for captions, tables and stores."""
        stem = self.place.stem if self.place.is_file() else self.place.name
        return named(file_name(stem, "encoder"), self.checksum)

    @property
    def keras(self) -> bool:
        """Whether the model is a `.keras` file."""
        return self.model.suffix == KERAS


#: Networks that are given by name.
NAMED = "auto|resnet50|efficientnet-lite[0-9]"


def is_place(name: str) -> bool:
    """Whether a backbone is given as a path, not by a name.

    Examples
    --------
    >>> is_place("auto"), is_place("models/clip"), is_place("clip.onnx")
    (False, True, True)
    """
    if re.fullmatch(NAMED, name):  # also where a folder is called so
        return False
    return bool(re.search(r"[/\\~]", name)) or Path(name).suffix.lower() in ALL_ENDINGS or Path(name).is_dir()


def several(names: str) -> list[str]:
    """Backbones between commas; a path that holds a comma is one.

    Examples
    --------
    >>> several("efficientnet-lite0, models/clip"), several("")
    (['efficientnet-lite0', 'models/clip'], [])
    """
    if "," in names and resolve(names).exists():
        return [names]
    return [name.strip() for name in names.split(",") if name.strip()]


#: How a path of an encoder, or of vectors, may end.
ALL_ENDINGS = (*GRAPHS, KERAS, *CHECKPOINTS, ".npy", ".parquet", ".h5")


def resolve(name: str | Path) -> Path:
    """The place that a path names: as seen from here, or from the project, where notebooks see it."""
    place = at_home(name)
    return place.resolve() if place.exists() else (in_project(name) or place)


def read_encoder_files(place: str | Path, size: int | None = None) -> EncoderFiles:
    """Read what an encoder's folder or model file holds.

    Parameters
    ----------
    place : str or Path
    size : int, optional
        Input resolution in pixels, for networks that take several, or whose JSON has none.

    Raises
    ------
    WeightsError
        When it holds no model, several, or a checkpoint of PyTorch; or when its JSON is missing or incomplete.
    """
    place = resolve(place)
    if not place.exists():
        raise WeightsError(
            f"expected an encoder's folder or model file at {place}; found nothing. Correct BACKBONE, or name auto."
        )
    if place.is_file():
        _refuse_checkpoints(place, [place] if place.suffix.lower() in CHECKPOINTS else [])
        if place.suffix.lower() not in (*GRAPHS, KERAS):
            raise WeightsError(
                f"expected a model as .onnx, .xml (OpenVINO) or .keras, or a folder; found {place}. Export the "
                "model to one of these."
            )
        layout, model, told = "model file", place, [place.with_suffix(".json")]
        told += [place.with_name(name) for name in ("preprocessor_config.json", "preprocess_cfg.json")]
    else:
        layout, model, told = _in_folder(place)
    said = next((path for path in told if path.is_file()), None)
    if said is None:
        raise WeightsError(
            f"expected the preprocessing of {model} in {' or '.join(map(str, told))}; found no such file. "
            f"Take it from where the model came from, or write one, for example: {SAY}"
        )
    preparation = read_preparation(said, size)
    sums = {path.name: sha256_file(path) for path in model_files(model)}
    return EncoderFiles(place, layout, model, preparation, sha256_json([sums, repr(preparation)]))


def model_files(model: Path) -> list[Path]:
    """The files of one model, weights that lie beside the graph included."""
    if model.is_dir():
        return sorted(path for path in model.rglob("*") if path.is_file() and path.suffix != ".json")
    beside = [model.with_suffix(".bin")] if model.suffix == ".xml" else []
    beside += [path for path in model.parent.iterdir() if path.name.startswith((f"{model.name}_", f"{model.name}."))]
    beside += [path for path in model.parent.iterdir() if path.suffix in (".data", ".onnx_data", ".weight")]
    return [model, *sorted({path for path in beside if path.is_file()} - {model})]


def places_checksum(place: str | Path) -> str:
    """SHA-256 of all files of an encoder's place, for a step's key; "absent" where there is none."""
    root = resolve(place)
    if root.is_dir():
        files = sorted(path for path in root.rglob("*") if path.is_file())
        return sha256_json({path.relative_to(root).as_posix(): sha256_file(path) for path in files})
    if root.suffix.lower() == ".npy" and root.is_file():
        return sha256_json([sha256_file(path) for path in (root, root.with_suffix(".txt")) if path.is_file()])
    beside = sorted(path for path in root.parent.glob("*.json")) if root.suffix in (*GRAPHS, KERAS) else []
    return (
        sha256_json({path.name: sha256_file(path) for path in [*model_files(root), *beside]})
        if root.is_file()
        else "absent"
    )


def _in_folder(folder: Path) -> tuple[str, Path, list[Path]]:
    """Layout, image tower, and where its JSON may be."""
    candidates: dict[Path, tuple[str, list[Path]]] = {}
    for layout, (models, told) in LAYOUTS.items():
        model = next((folder / name for name in models if (folder / name).is_file()), None)
        if model is not None:
            candidates[model] = (layout, [folder / name for name in told] + [model.with_suffix(".json")])
    jsons = [folder / name for name in ("preprocessor_config.json", "preprocess_cfg.json")]
    if (folder / SAVED_MODEL).is_file():
        candidates[folder] = ("SavedModel", [*jsons, folder / "model.json"])
    if not candidates:
        here = (*folder.iterdir(), *(folder / "onnx").glob("vision_model*"))
        for model in sorted(path for path in here if path.suffix in (*GRAPHS, KERAS)):
            if not model.name.startswith("text"):
                candidates[model] = ("model file", [model.with_suffix(".json"), *jsons])
    if len(candidates) > 1:
        names = ", ".join(str(path.relative_to(folder)) for path in candidates)
        raise WeightsError(
            f"expected one image encoder in {folder}; found {len(candidates)}: {names}. Name the model's file itself: "
            f"BACKBONE={next(iter(candidates))}"
        )
    if not candidates:
        _refuse_checkpoints(folder, sorted(path for path in folder.rglob("*") if path.suffix in CHECKPOINTS))
        raise WeightsError(
            f"expected an image encoder in {folder}: one of "
            f"{', '.join(name for models, _ in LAYOUTS.values() for name in models)}, {SAVED_MODEL} or a .keras file; "
            "found none. Export the model (docs/encoders.md)."
        )
    ((model, (layout, places)),) = candidates.items()
    return layout, model, places


def _refuse_checkpoints(place: Path, checkpoints: Iterable[Path]) -> None:
    """Raise WeightsError for a checkpoint of PyTorch: to read one is to run what it holds, or it holds no network."""
    first = next(iter(checkpoints), None)
    if first is not None:
        folder = place if place.is_dir() else place.parent
        raise WeightsError(
            f"expected an exported model (ONNX, OpenVINO, Keras); found {first}, a PyTorch checkpoint, which is not "
            "opened: a pickle can run any code, and weights alone hold no network. Export it where PyTorch is, and "
            "name that folder: "
            f"optimum-cli export onnx --model {folder} --task feature-extraction {folder}-onnx"
        )


# ---- What the JSON says ----


def read_preparation(path: Path, size: int | None = None) -> Preparation:
    """The preparation in `preprocessor_config.json` (transformers) or `preprocess_cfg.json` (open_clip).

    Parameters
    ----------
    path : Path
    size : int, optional
        Replaces the file's input resolution.

    Raises
    ------
    WeightsError
        When the file is no such JSON, or lacks what is needed; the message names the key.
    """
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"expected JSON in {path}; found that it cannot be read: {error}. Fetch it again."
        ) from error
    if not isinstance(said, dict):
        raise WeightsError(f"expected an object in {path}; found {type(said).__name__}. Fetch it again.")
    transformers = any(key in said for key in ("image_mean", "do_normalize", "do_resize", "image_processor_type"))
    framing = _framing_of_transformers(said, path, size) if transformers else _framing_of_open_clip(said, path, size)
    output = said.get("output", "")
    if transformers:
        scale = float(said.get("rescale_factor", 1 / 255)) if said.get("do_rescale", True) else 1.0
        if not said.get("do_normalize", True):
            return Preparation(framing, scale, output=output)
        mean, std = _three(said, "image_mean", path), _three(said, "image_std", path)
        return Preparation(framing, scale, mean, std, output)
    mean, std = _three(said, "mean", path), _three(said, "std", path)
    return Preparation(framing, float(said.get("scale", 1 / 255)), mean, std, output)


def _framing_of_transformers(said: Mapping[str, Any], path: Path, size: int | None) -> Framing:
    if not said.get("do_resize", True):
        raise WeightsError(f"expected do_resize in {path}, as photos have many sizes; found false. Set it to true.")
    chosen = RESAMPLE.get(said.get("resample", 2))
    if chosen is None:
        raise WeightsError(f"expected resample from 0 to 5 in {path}; found {said['resample']!r}. Use one of these.")
    wanted, crop = said.get("size"), said.get("crop_size")
    cropped = said.get("do_center_crop", False)
    if isinstance(wanted, dict) and "shortest_edge" in wanted:
        short = _pixels(wanted["shortest_edge"], "size.shortest_edge", path)
        if "crop_pct" in said and not cropped:  # ConvNeXt's way of saying it
            edge, cropped = short, True
            short = int(short / float(said["crop_pct"]))
        else:
            edge = _square(crop, "crop_size", path) if cropped else short
    elif isinstance(wanted, dict):
        short, edge, cropped = 0, _square(wanted, "size", path), False
    else:  # older files: a number is the shorter side where a square is cut out, else the square
        short = _pixels(wanted, "size", path)
        edge = _square(crop, "crop_size", path) if cropped and crop is not None else short
    if isinstance(wanted, dict) and "shortest_edge" in wanted and not cropped:
        cropped = True  # without it each photo would have its own shape
    return _framing(edge, "crop" if cropped else "stretch", chosen, short, size, path)


def _framing_of_open_clip(said: Mapping[str, Any], path: Path, size: int | None) -> Framing:
    wanted = said.get("size", size)
    if isinstance(wanted, list) and len(wanted) == 2 and wanted[0] == wanted[1]:
        wanted = wanted[0]
    edge = _pixels(wanted, "size", path)
    chosen = str(said.get("interpolation", "bicubic")).lower()
    rules = {"shortest": "crop", "squash": "stretch", "longest": "pad"}
    mode = said.get("resize_mode", "shortest")
    if chosen not in FILTERS or mode not in rules:
        raise WeightsError(
            f"expected interpolation as one of {', '.join(FILTERS)} and resize_mode as one of {', '.join(rules)} in "
            f"{path}; found {chosen!r} and {mode!r}. Use one of each."
        )
    fill = said.get("fill_color", 0)
    three = tuple(int(value) for value in fill) if isinstance(fill, list) else (int(fill or 0),) * 3
    return _framing(edge, rules[mode], chosen, 0, size, path, three)


def _framing(
    edge: int, rule: str, chosen: str, short: int, size: int | None, path: Path, fill: tuple[int, ...] = (0, 0, 0)
) -> Framing:
    if short and short < edge:
        raise WeightsError(
            f"expected a shorter side of at least the {edge} pixels that are cut out, in {path}; found {short}. "
            "Correct size or crop_size."
        )
    if size is not None:  # in the file's proportion
        short, edge = round(short * size / edge), size
    return Framing(edge, rule, chosen, short if rule == "crop" and short != edge else 0, tuple(fill))  # type: ignore[arg-type]


def _pixels(value: object, key: str, path: Path) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 8 <= value <= 4096:
        raise WeightsError(
            f"expected {key} in pixels, from 8 to 4096, in {path}; found {value!r}. Set it to what the model takes."
        )
    return int(value)


def _square(value: object, key: str, path: Path) -> int:
    if isinstance(value, dict):
        if value.get("height") != value.get("width"):
            raise WeightsError(f"expected a square {key} in {path}; found {value!r}. Export a square model.")
        value = value.get("height")
    return _pixels(value, key, path)


def _three(said: Mapping[str, Any], key: str, path: Path) -> Three:
    value = said.get(key)
    numbers = value if isinstance(value, list) else [value] * 3
    given = [float(n) for n in numbers if isinstance(n, (int, float)) and not isinstance(n, bool)]
    if len(numbers) != 3 or len(given) != 3 or (key.endswith("std") and min(given) <= 0):
        raise WeightsError(f"expected three numbers as {key} in {path}; found {value!r}. Set them, as in {SAY}")
    return given[0], given[1], given[2]
