"""The report: runs the notebooks, writes the pages and the slides."""
