"""The business case as slides, in a report's own figures. A consumer of the package."""
