"""Encoders from disk: each layout is read and prepares photos as its JSON says; a broken one is refused in words."""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx_towers import CLIP_JSON, OPEN_CLIP_JSON, WIDTH, image_tower, pixels_tower, write_json

from fashion.core.errors import SettingsError, WeightsError
from fashion.core.tensorflow import import_keras
from fashion.core.workspace import Workspace
from fashion.embedding import encoder_files, features
from fashion.embedding.backbones import check_size, description_of, load_backbone, reopen_backbone, summary_table
from fashion.embedding.encoder import FileEncoder
from fashion.embedding.encoder_files import places_checksum
from fashion.embedding.extraction import embed_views, store_key
from fashion.embedding.photo_vectors import embed
from fashion.embedding.runtimes import choose_runtime, network_call, query_runtime
from fashion.report.build import notebook_parameters
from fashion.report.steps import STEPS, Settings


def photo(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


# --- preparation, against NumPy alone ---


def cubic(x: np.ndarray) -> np.ndarray:
    """Keys's cubic kernel with a = -0.5."""
    x = np.abs(x)
    near, far = (1.5 * x - 2.5) * x * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def one_axis(rgb: np.ndarray, size: int) -> np.ndarray:
    """Resize the first axis as Pillow does: the kernel widened by the reduction, weights of 22 bits, rounded pixels."""
    length = rgb.shape[0]
    scale = length / size
    wide = max(scale, 1.0)
    out = np.empty((size, *rgb.shape[1:]), np.uint8)
    for place in range(size):
        centre = (place + 0.5) * scale
        low, high = max(int(centre - 2 * wide + 0.5), 0), min(int(centre + 2 * wide + 0.5), length)
        weights = cubic((np.arange(low, high) - centre + 0.5) / wide)
        weights = weights / weights.sum()
        whole = np.trunc(weights * (1 << 22) + np.where(weights < 0, -0.5, 0.5)).astype(np.int64)
        total = (1 << 21) + np.tensordot(whole, rgb[low:high].astype(np.int64), axes=1)
        out[place] = np.clip(total >> 22, 0, 255)
    return out


def bicubic(rgb: np.ndarray, height: int, width: int) -> np.ndarray:
    """Columns first, then rows."""
    across = one_axis(rgb.transpose(1, 0, 2), width).transpose(1, 0, 2) if rgb.shape[1] != width else rgb
    return one_axis(across, height) if height != rgb.shape[0] else across


def reference(rgb: np.ndarray, said: dict) -> np.ndarray:
    """CLIP's or open_clip's preparation, channels first, flat."""
    if "image_mean" in said:
        short, (height, width) = said["size"]["shortest_edge"], rgb.shape[:2]
        tall, wide = (short if side == min(height, width) else int(short * side / min(height, width))
                      for side in (height, width))  # fmt: skip
        small, edge = bicubic(rgb, tall, wide), said["crop_size"]["height"]
        top, left = (tall - edge) // 2, (wide - edge) // 2
        square = small[top : top + edge, left : left + edge]
        mean, std = said["image_mean"], said["image_std"]
    else:
        square, mean, std = bicubic(rgb, *said["size"]), said["mean"], said["std"]
    return ((square / 255 - np.array(mean)) / np.array(std)).transpose(2, 0, 1).ravel()


@pytest.mark.parametrize("shape", [(61, 47), (32, 90), (20, 24), (32, 32)])
@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
@pytest.mark.parametrize("said", [CLIP_JSON | {"size": {"shortest_edge": 36}}, OPEN_CLIP_JSON], ids=["crop", "squash"])
def test_the_preparation_equals_numpys_pixel_by_pixel(tmp_path, said, runtime, shape):
    pixels_tower(tmp_path / "model.onnx")
    write_json(tmp_path / ("preprocessor_config.json" if "image_mean" in said else "preprocess_cfg.json"), said)
    rgb = photo(*shape)
    found = embed(rgb, backbone=tmp_path, runtime=runtime)[0]
    np.testing.assert_allclose(found, reference(rgb, said), atol=2e-6)


def test_a_padded_photo_keeps_its_shape_and_another_resolution_its_proportion(tmp_path):
    told = write_json(tmp_path / "m.json", OPEN_CLIP_JSON | {"resize_mode": "longest", "fill_color": 255})
    framed = encoder_files.read_preparation(told).framing(np.zeros((64, 16, 3), np.uint8))
    assert (framed[:, 12:20] == 0).all() and (framed[:, :12] == 255).all() and (framed[:, 20:] == 255).all()
    told = write_json(tmp_path / "c.json", CLIP_JSON | {"size": {"shortest_edge": 36}})
    framing = encoder_files.read_preparation(told, size=64).framing
    assert (framing.edge, framing.resized, framing.rule) == (64, 72, "crop")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"size": 40, "crop_size": 32, "do_center_crop": 1}, "32 px, shorter side resized, central square cut out to"),
        ({"size": 32}, "32 px, stretched to a square"),
        ({"size": {"height": 32, "width": 32}, "resample": 1}, "32 px, stretched to a square (lanczos)"),
        ({"size": {"shortest_edge": 32}, "crop_pct": 0.875}, "central square cut out to 36 px"),
        ({"size": {"shortest_edge": 32}}, "32 px, shorter side resized, central square cut out (bilinear)"),
    ],
)  # fmt: skip
def test_what_transformers_wrote_over_the_years_is_understood(tmp_path, said, expected):
    told = write_json(tmp_path / "p.json", {"do_resize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3} | said)
    assert expected in str(encoder_files.read_preparation(told))


# --- layouts ---


def transformers_js(folder: Path) -> None:
    image_tower(folder / "onnx/vision_model.onnx", free=True)
    image_tower(folder / "onnx/vision_model_quantized.onnx")  # a variant, not a second candidate
    write_json(folder / "preprocessor_config.json", CLIP_JSON)


def immich(folder: Path) -> None:
    image_tower(folder / "visual/model.onnx", output="embedding")
    write_json(folder / "visual/preprocess_cfg.json", OPEN_CLIP_JSON)


def optimum(folder: Path) -> None:
    image_tower(folder / "model.onnx", output="last_hidden_state", kind="tokens")
    write_json(folder / "preprocessor_config.json", CLIP_JSON)


def external(folder: Path) -> None:
    image_tower(folder / "model.onnx")
    model = onnx.load(folder / "model.onnx")
    onnx.save(model, folder / "model.onnx", save_as_external_data=True, location="model.onnx_data", size_threshold=0)
    write_json(folder / "preprocess_cfg.json", OPEN_CLIP_JSON)


def openvino_ir(folder: Path) -> None:
    import openvino

    image_tower(folder / "made.onnx")
    openvino.save_model(openvino.Core().read_model(folder / "made.onnx"), folder / "openvino_model.xml", False)
    (folder / "made.onnx").unlink()
    write_json(folder / "preprocessor_config.json", CLIP_JSON)


LAYOUTS = {"transformers.js": transformers_js, "immich": immich, "optimum or fastembed": optimum, "external": external,
           "OpenVINO": openvino_ir}  # fmt: skip


@pytest.fixture(scope="module", params=LAYOUTS)
def layout(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoders") / f"my {request.param}"
    folder.mkdir()
    LAYOUTS[request.param](folder)
    return request.param, folder


def test_each_layout_gives_one_vector_a_photo_and_says_what_was_read(layout):
    name, folder = layout
    encoder = load_backbone(str(folder))
    assert isinstance(encoder, FileEncoder)
    assert (encoder.size, encoder.dimension, encoder.multilayer_dimensions) == (32, WIDTH, 0)
    said = "optimum or fastembed" if name == "external" else name
    assert said in encoder.reason and "32 px" in encoder.reason and "12 dimensions" in encoder.reason
    assert "multilayer" in encoder.reason and encoder.name.endswith(encoder.weights_checksum[:8])
    assert list(summary_table(encoder)["read"]) == ["files", "photo", "preprocessing", "output", "checksum"]
    runtime = choose_runtime(encoder)
    assert runtime.name == "openvino"
    views = [encoder.framing(photo(50, 40, seed)) for seed in range(20)]
    blocks = embed_views(iter(views), encoder, runtime)
    assert blocks["embedding"].shape == (20, WIDTH) and blocks["multilayer"].shape == (20, 0)
    alone = next(iter(query_runtime(encoder, folder / "none").stream([np.stack(views[7:8])])))
    np.testing.assert_allclose(alone["embedding"][0], blocks["embedding"][7], atol=1e-6)
    if name != "OpenVINO":
        other = embed_views(iter(views), encoder, choose_runtime(encoder, "onnxruntime"))
        np.testing.assert_allclose(other["embedding"], blocks["embedding"], atol=1e-5)
    with pytest.raises(WeightsError, match=r"expected RUNTIME auto, openvino or onnxruntime .*; found tensorflow"):
        choose_runtime(encoder, "tensorflow")


def test_a_reports_encoder_is_opened_again_wherever_it_lies_but_no_other(layout, tmp_path):
    _, folder = layout
    encoder = load_backbone(str(folder))
    description = json.loads(json.dumps(description_of(encoder)))
    assert reopen_backbone(description).weights_checksum == encoder.weights_checksum
    moved = tmp_path / "elsewhere"
    folder.rename(moved)
    with pytest.raises(WeightsError, match="found nothing"):
        reopen_backbone(description)
    assert reopen_backbone(description, moved).dimension == WIDTH
    other = tmp_path / "other"
    pixels_tower(other / "model.onnx")
    write_json(other / "preprocessor_config.json", CLIP_JSON)
    with pytest.raises(WeightsError, match=r"expected the encoder with which the report.*found another, other"):
        reopen_backbone(description, other)
    moved.rename(folder)


def test_keys_follow_the_content_and_not_the_place(tmp_path):
    for name in ("one", "two"):
        immich(tmp_path / name)
    one, two = (load_backbone(str(tmp_path / name)) for name in ("one", "two"))
    assert one.weights_checksum == two.weights_checksum
    assert places_checksum(tmp_path / "one") == places_checksum(tmp_path / "two")
    write_json(tmp_path / "two/visual/preprocess_cfg.json", OPEN_CLIP_JSON | {"std": [0.4] * 3})
    changed = load_backbone(str(tmp_path / "two"))
    assert store_key(changed).split("-")[-2] != store_key(two).split("-")[-2]
    assert places_checksum(tmp_path / "one") != places_checksum(tmp_path / "two")


def test_without_openvino_onnx_runtime_computes_and_says_so(tmp_path, monkeypatch):
    immich(tmp_path)
    expected = embed(photo(40, 40), backbone=load_backbone(str(tmp_path)))
    monkeypatch.setitem(sys.modules, "openvino", None)
    encoder = load_backbone(str(tmp_path))
    runtime = choose_runtime(encoder)
    assert runtime.name == "onnxruntime" and "not installed" in runtime.reason
    np.testing.assert_allclose(embed(photo(40, 40), backbone=encoder), expected, atol=1e-5)
    with pytest.raises(WeightsError, match="asked for by RUNTIME; found that it is not installed"):
        choose_runtime(encoder, "openvino")


def test_a_bare_file_takes_its_json_from_beside_it_and_its_output_from_there(tmp_path):
    model = pixels_tower(tmp_path / "clip.onnx", batch=1)
    write_json(tmp_path / "clip.json", {"size": 32, "mean": 0.5, "std": 0.5, "output": "image_embeds"})
    assert load_backbone(str(model)).dimension == 3 * 32 * 32
    assert len(embed([photo(9, 9), photo(8, 8)], backbone=model, runtime="onnxruntime")) == 2, "its batch is one"
    with pytest.raises(WeightsError, match=r"expected pictures of 64 px .*found that it takes 32 x 32"):
        load_backbone(str(model), size=64)
    write_json(tmp_path / "clip.json", {"size": 32, "mean": 0.5, "std": 0.5, "output": "pooled"})
    with pytest.raises(WeightsError, match=r"expected the output 'pooled' in .*clip.onnx; found image_embeds f32"):
        load_backbone(str(model))


def test_a_text_tower_in_the_same_file_is_left_out(tmp_path):
    image_tower(tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx")
    text = onnx.helper.make_tensor_value_info("input_ids", onnx.TensorProto.INT64, ["n", "tokens"])
    model.graph.input.append(text)
    model.graph.output.append(
        onnx.helper.make_tensor_value_info("text_embeds", onnx.TensorProto.FLOAT, ["n", "tokens"])
    )
    model.graph.node.append(onnx.helper.make_node("Cast", ["input_ids"], ["text_embeds"], to=onnx.TensorProto.FLOAT))
    onnx.save(model, tmp_path / "model.onnx")
    write_json(tmp_path / "preprocessor_config.json", CLIP_JSON)
    assert load_backbone(str(tmp_path)).dimension == WIDTH


# --- Keras ---


@pytest.fixture(scope="module")
def small_keras():
    keras = import_keras()
    keras.utils.set_random_seed(2)
    layers = [keras.layers.Conv2D(5, 8, strides=8, activation="tanh"), keras.layers.GlobalAveragePooling2D()]
    return keras.Sequential([keras.Input((32, 32, 3)), *layers])


def test_a_keras_file_runs_in_safe_mode(tmp_path, small_keras):
    small_keras.save(tmp_path / "model.keras")
    write_json(tmp_path / "model.json", {"size": 32, "mean": 0.5, "std": 0.25})
    rgb = photo(32, 32)
    found = embed(rgb, backbone=tmp_path, runtime="tensorflow")
    expected = small_keras((rgb[np.newaxis] / 255 - 0.5) / 0.25)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_network_is_traced_once_and_the_same_file_read_again_is_another_network(tmp_path, small_keras):
    small_keras.save(tmp_path / "model.keras")
    write_json(tmp_path / "model.json", {"size": 32, "mean": 0.5, "std": 0.25})
    one, other = (load_backbone(str(tmp_path)) for _ in range(2))
    assert network_call(one) is network_call(one)
    assert network_call(other) is not network_call(one), "its variables are the other model's"


def test_a_keras_file_with_code_of_its_own_is_refused(tmp_path):
    keras = import_keras()
    model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Lambda(lambda x: x[:, 0, 0])])
    model.save(tmp_path / "model.keras")
    write_json(tmp_path / "model.json", {"size": 32, "mean": 0.5, "std": 0.25})
    with pytest.raises(WeightsError, match=r"expected layers of Keras alone in .*model.keras; found .*Lambda"):
        load_backbone(str(tmp_path))


def test_a_savedmodel_is_read_without_tensorflow(tmp_path, small_keras):
    small_keras.export(tmp_path, verbose=False)
    write_json(tmp_path / "model.json", {"size": 32, "mean": 0.0, "std": 1.0})
    rgb = photo(32, 32)
    np.testing.assert_allclose(embed(rgb, backbone=tmp_path), small_keras(rgb[np.newaxis] / 255), atol=1e-5)


# --- broken folders ---


def broken(folder: Path, what: str) -> None:
    kinds = {"maps": "maps", "int8": "int8", "nan": "nan"}
    image_tower(folder / "model.onnx", kind=kinds.get(what, "vector"), output="x" if what == "maps" else "image_embeds")
    if what != "no json":
        write_json(folder / "preprocessor_config.json", CLIP_JSON)
    if what == "two":
        image_tower(folder / "visual/model.onnx")
    if what == "cut":
        (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:300])
    if what == "no mean":
        write_json(folder / "preprocessor_config.json", {k: v for k, v in CLIP_JSON.items() if k != "image_mean"})
    if what == "no size":
        write_json(folder / "preprocessor_config.json", {k: v for k, v in CLIP_JSON.items() if k != "size"})
    if what == "bad json":
        (folder / "preprocessor_config.json").write_text("{")


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("no json", r"expected the preprocessing of .*model.onnx in .*preprocessor_config.json.*found no such file"),
        ("bad json", r"expected JSON in .*preprocessor_config.json; found"),
        ("no mean", r"expected three numbers as image_mean in .*preprocessor_config.json; found None"),
        ("no size", r"expected size in pixels.*preprocessor_config.json; found None"),
        ("maps", r"expected a vector for each photo from .*model.onnx.*found x f32\[\?, 12, 4, 4\], of rank 4"),
        ("int8", r"expected numbers with a scale.*model.onnx; found image_embeds i8\[\?, 12\]: whole"),
        ("nan", r"expected finite numbers from .*model.onnx; found NaN or infinity in 2 of 2 vectors"),
        ("two", r"expected one image encoder in .*; found 2: visual.model.onnx, model.onnx. Name the model's file"),
        ("cut", r"expected a model that OpenVINO can read and compute in .*model.onnx; found"),
    ],
)  # fmt: skip
def test_a_broken_folder_is_refused_with_the_file_and_what_was_expected(tmp_path, what, said):
    broken(tmp_path, what)
    with pytest.raises(WeightsError, match=said):
        load_backbone(str(tmp_path))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors", "clip.pt"])
def test_a_checkpoint_of_pytorch_is_not_opened(tmp_path, name):
    (tmp_path / name).write_bytes(b"cos\nsystem\n(S'touch spoilt'\ntR.")
    for place in (tmp_path, tmp_path / name):
        with pytest.raises(WeightsError, match=f"found .*{name}.*optimum-cli export onnx --model {tmp_path} --task"):
            load_backbone(str(place))


def test_no_such_place_and_no_such_name():
    with pytest.raises(WeightsError, match=r"found nothing. Correct BACKBONE"):
        load_backbone("models/none")
    with pytest.raises(WeightsError, match=r"found 'resnet51'. Did you mean resnet50"):
        check_size("resnet51", None)
    with pytest.raises(SettingsError, match=r"or a path; found 'resnet51'. Did you mean resnet50"):
        Settings(backbone="resnet51")
    assert Settings(backbone="models/clip").backbone == "models/clip"


# --- what comes after ---


def test_features_are_chosen_among_the_vectors_own(planted):
    items, vectors = planted
    statistics = features.feature_statistics(vectors, items, 0)
    choices, candidates = features.selection_trials(vectors, vectors[:, :0], statistics, items, 0, 6)
    assert {selection.block for selection in candidates.values()} == {"embedding"}
    assert "all 40 dimensions of the encoder's vector" in set(choices["choice"])
    assert features.choose(choices)["choice"] in candidates


def test_efficientnet_lite0_through_the_folders_door_gives_its_own_vectors(tmp_path):
    import_keras()
    import tensorflow as tf
    import tf2onnx

    network = load_backbone("efficientnet-lite0", size=96)
    plain = network.plain  # before it is traced
    signature = [tf.TensorSpec((None, 96, 96, 3), tf.float32, name="pixel_values")]

    @tf.function(input_signature=signature)
    def call(pixel_values):
        return {"image_embeds": plain(pixel_values, training=False)}

    path = tmp_path / "model.onnx"
    tf2onnx.convert.from_function(call, signature, inputs_as_nchw=["pixel_values"], opset=17, output_path=str(path))
    own = {"size": 96, "mean": 127 / 255, "std": 128 / 255, "interpolation": "area", "resize_mode": "squash"}
    write_json(tmp_path / "preprocess_cfg.json", own)
    photos = [photo(200, 150), photo(96, 96), photo(40, 130)]
    expected = embed(photos, backbone=network, runtime="tensorflow")
    found = embed(photos, backbone=tmp_path)
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


def test_a_path_is_told_from_a_name_and_reaches_notebooks_as_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("auto", "resnet50", "mine"):
        (tmp_path / name).mkdir()
    assert not encoder_files.is_place("auto") and not encoder_files.is_place("resnet50")
    assert encoder_files.is_place("mine") and not encoder_files.is_place("theirs")
    notebook = STEPS[1].path
    monkeypatch.setenv("FASHION_ROOT", str(tmp_path))
    work = Workspace("sample", tmp_path / "p", tmp_path / "r")
    for given in ("mine", "./mine", str(tmp_path / "mine")):
        told = notebook_parameters(Settings(backbone=given), work, notebook)["backbone"]
        assert encoder_files.is_place(told) and encoder_files.resolve(told) == tmp_path / "mine", told
    assert notebook_parameters(Settings(backbone="auto"), work, notebook)["backbone"] == "auto"
