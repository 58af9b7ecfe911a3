"""The package's own errors: each message says what was expected, what was found, where, and what to do next."""


class FashionError(Exception):
    """Base of every error that the package raises on purpose."""


class CatalogueError(FashionError):
    """A catalogue's TOML, table or data source is not what its description says."""


class TranslationError(FashionError):
    """A word has no entry in the glossary."""


class PhotoError(FashionError):
    """A photo is missing, unreadable, truncated or not a photo at all."""


class WeightsError(FashionError):
    """The weights of a network cannot be had, or are not the ones expected."""


class ArtefactError(FashionError):
    """A file that an earlier step should have written is missing, stale or damaged."""


class ReportError(FashionError):
    """A notebook failed, or was given a parameter that it does not have."""


class SettingsError(FashionError):
    """A setting of a report is outside its range."""
