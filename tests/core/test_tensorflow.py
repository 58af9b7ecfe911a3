"""TensorFlow comes late and without chatter."""

import gc
import os
import subprocess
import sys
from contextlib import suppress

import pytest

from fashion.core.tensorflow import _collector_waits, _hold_standard_error


def test_tensorflow_is_imported_late_and_quietly():
    code = (
        "import sys, fashion.embedding.backbones; assert not {'tensorflow', 'keras'} & set(sys.modules); "
        "from fashion.core.tensorflow import import_keras; import gc; runs = []; "
        "gc.callbacks.append(lambda *_: runs.append(1)); keras = import_keras(); "
        "print(len(runs) < 20, gc.isenabled()); print(keras.ops.ones(3).numpy().sum()); "
        "import tensorflow; tensorflow.get_logger().info('news')"
    )
    env = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, "True True\n3.0\n", "")


def test_the_collector_waits_and_is_as_it_was():
    def ends(fails=False):
        with suppress(ImportError), _collector_waits():
            assert not gc.isenabled()
            if fails:
                raise ImportError
        return gc.isenabled()

    assert ends() and ends(fails=True)
    gc.disable()
    try:
        assert not ends()
    finally:
        gc.enable()


def test_held_words_are_shown_only_if_the_block_fails(capfd):
    with _hold_standard_error():
        os.write(2, b"chatter\n")
    assert capfd.readouterr().err == ""
    with pytest.raises(ImportError), _hold_standard_error():
        os.write(2, b"libexample.so is missing\n")
        raise ImportError
    assert "libexample" in capfd.readouterr().err
