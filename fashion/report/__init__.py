"""The report: runs the notebooks, writes the pages and the slides."""

import sys

# jsonschema, which nbformat loads, compiles a grammar of internationalised addresses from this package, for a check that
# notebooks do not need: it takes more time than all else of nbformat, papermill and nbconvert together.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
