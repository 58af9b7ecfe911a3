"""The report: runs the notebooks, writes the pages and the slides."""

import sys

# jsonschema, which nbformat loads, would compile this package's grammar of international addresses, for a check that
# no notebook needs: that takes longer than all else of nbformat, papermill and nbconvert together.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
