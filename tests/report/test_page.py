"""What the report's page says of its settings."""

from fashion.report.page import _provenance_rows


def test_settings_of_zero_are_shown_and_those_that_were_not_given_are_not():
    provenance = {
        "machine": {"processor": "p", "cores": 2, "memory_bytes": 2**33}, "seconds": {"01": 3.0}, "commit": "c",
        "settings": {"seed": 0, "colour_weight": 0.0, "k": 6, "limit": None, "keep_unknown": False, "beside": ""},
        "versions": dict.fromkeys(["python", "tensorflow", "numpy", "pandas", "scikit-learn"], "1"),
        "backbone": {"reason": "b"}, "runtime": {"reason": "r"},
        "checksums": {"weights": "w", "table": "t", "photos": "p"},
    }  # fmt: skip
    assert dict(_provenance_rows(provenance))["Settings"] == "seed = 0, colour_weight = 0.0, k = 6"
