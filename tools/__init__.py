"""Tools for maintainers: generated parts of the documents."""
