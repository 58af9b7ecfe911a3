"""Backbones in OpenVINO's own form, kept once their vectors were found to be TensorFlow's, which need not load again.

Two files of numbers and one of JSON, written last, with their checksums: no pickle, no code. What they are named after
holds all that could make the comparison another one: network, weights, code, versions, and the processor.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from fashion.backbones import Backbone
from fashion.provenance import closure_of, code_of, machine, sha256_file, sha256_json, versions
from fashion.workspace import write_json

#: OpenVINO's two files: the graph, and its weights.
FILES = (".xml", ".bin")
#: How a folder is called in which they are written, before they are renamed.
ASIDE = ".writing-"


def place(folder: Path, backbone: Backbone) -> Path:
    """Where a backbone's files lie, without their endings."""
    code = code_of(closure_of(Backbone, "fashion.runtimes"))
    made_by = [backbone.name, backbone.size, backbone.weights_checksum, code, machine()["processor"]]
    made_by.append(versions(["openvino", "tensorflow", "keras", "numpy"]))
    return folder / f"{backbone.name}-{backbone.size}-{sha256_json(made_by)[:16]}"


def write(folder: Path, backbone: Backbone, network: Any, parity: float) -> None:
    """Keep a network whose vectors were compared with TensorFlow's.

    Parameters
    ----------
    folder : Path
    backbone : Backbone
    network : openvino.Model
    parity : float
        The largest 1 - cosine that was found.

    Raises
    ------
    OSError
        When the disk takes no more; no half file is left.
    """
    import openvino

    stem = place(folder, backbone)
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{ASIDE}*"):  # by a run that was killed while it wrote
        if time.time() - left.stat().st_mtime > 3600:
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=ASIDE) as aside:
        graph = Path(aside) / "network.xml"
        try:
            openvino.save_model(network, graph, compress_to_fp16=False)
        except RuntimeError:  # its stream does not say what the system said: as large a write of our own does
            numbers = sum(op.get_byte_size() for op in network.get_ops() if op.get_type_name() == "Constant")
            (Path(aside) / "probe").write_bytes(bytes(numbers))
            raise
        sums = {}
        for ending in FILES:
            sums[ending] = sha256_file(graph.with_suffix(ending))
            os.replace(graph.with_suffix(ending), f"{stem}{ending}")
    write_json(Path(f"{stem}.json"), {"parity": parity, "files": sums})


def read(folder: Path, backbone: Backbone) -> Any | None:
    """The network that was kept for a backbone; None where there is none, or its files are not what was kept."""
    stem = place(folder, backbone)
    try:
        sums = json.loads(Path(f"{stem}.json").read_text(encoding="utf-8"))["files"]
        if any(sha256_file(Path(f"{stem}{ending}")) != sums[ending] for ending in FILES):
            return None
        import openvino
    except (OSError, ValueError, KeyError, TypeError, ImportError):
        return None
    return openvino.Core().read_model(f"{stem}.xml", f"{stem}.bin")
