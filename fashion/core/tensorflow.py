"""The one place where TensorFlow is imported, without its chatter."""

import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


def import_keras() -> ModuleType:
    """Import Keras, on TensorFlow, quietly -> the module ``keras``.

    TensorFlow's C++ side reports on missing graphics processors at import and at its first operation, and in
    a notebook these lines would become output. Unless the user has set ``TF_CPP_MIN_LOG_LEVEL``, it is set to
    3 (fatal only; whatever fails is raised in Python as well). The import itself ignores that level, so its
    standard error is held back, and shown only if the import fails. Its Python side logs warnings alone.

    The import makes 400,000 objects that stay, and Python's garbage collector, which would go through them again and
    again, waits meanwhile, which saves an eighth of the time. Code of this package imports TensorFlow and Keras after a
    call of this function, never before.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "tensorflow" not in sys.modules:
        with _hold_standard_error(), _collector_waits():
            import keras
            import tensorflow as tf

            tf.get_logger().setLevel("WARNING")
    import keras

    return keras


@contextmanager
def _collector_waits() -> Iterator[None]:
    """Pause automatic garbage collection within the block."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


@contextmanager
def _hold_standard_error() -> Iterator[None]:
    """Keep what is written to file descriptor 2, by C++ too; show it only if the block fails."""
    sys.stderr.flush()
    before = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(before, held.read())
            raise
        finally:
            os.dup2(before, 2)
            os.close(before)
