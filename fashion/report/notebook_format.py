"""nbformat, loaded without a grammar that no notebook needs."""

import sys
from types import ModuleType


def import_nbformat() -> ModuleType:
    """Import nbformat quickly -> the module ``nbformat``.

    It loads jsonschema, which compiles a grammar of international addresses from the package ``rfc3987_syntax`` where
    that is installed. This takes longer than all else of nbformat, papermill and nbconvert together, so the package is
    hidden meanwhile: unless jsonschema was loaded before, it does not check the formats ``iri`` and ``iri-reference``
    in this process. Code of this package imports papermill and nbconvert, which load nbformat, after a call of this
    function, never before.
    """
    hidden = not {"jsonschema", "rfc3987_syntax"} & set(sys.modules)
    if hidden:
        sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    try:
        import nbformat
    finally:
        if hidden:
            del sys.modules["rfc3987_syntax"]
    return nbformat
