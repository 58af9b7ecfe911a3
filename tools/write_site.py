"""The sample's report as a static site, for a forge's Pages. `make site`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from fashion.core.errors import FashionError
from fashion.core.paths import project_root
from fashion.core.workspace import Workspace


def write_site(workspace: Workspace, folder: Path) -> Path:
    """Copy a report's pages, figures, map, slides and numbers to `folder`, which is replaced; returns its index.html.

    Raises
    ------
    ArtefactError
        When there is no report.
    """
    workspace.results("06")  # a report that is whole
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(workspace.report, folder, ignore=shutil.ignore_patterns(".*", "*.failed.ipynb", "*.pdf"))
    (folder / ".nojekyll").touch()  # no forge shall leave files out
    return folder / "index.html"


def main() -> int:
    """Write site/ from the sample's report; returns 1 where there is none."""
    try:
        print(write_site(Workspace("sample"), project_root() / "site"))
    except FashionError as error:
        print(f"write_site: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
