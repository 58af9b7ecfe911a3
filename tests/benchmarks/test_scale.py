"""The tables of docs/scale.md follow from its unit costs, and the arithmetic is right."""

import pytest

from benchmarks.scale import BEGIN, COSTS, plan, renew, size, tables, units_of
from fashion.core.errors import FashionError
from fashion.core.paths import project_root

UNITS = {
    "measured": {
        "photos_per_core_second": 100.0, "descriptor_bytes": 24_000, "feature_dimensions": 4128,
        "embedding_dimensions": 256, "index_bytes_per_item": 660, "bytes_per_second": 10e9,
    },
    "assumed": {
        "photo_bytes": 40_000, "machine_cores": 16, "machine_memory_gib": 64, "share_of_memory": 0.5,
        "machine_hour_price": 2.0, "wanted_hours": 24,
    },
}  # fmt: skip


def test_a_billion_by_hand():
    found = plan(10**9, UNITS)
    assert found["core_hours"] == pytest.approx(10**7 / 3600)
    assert found["machines"] == 8 and found["price"] == pytest.approx(1e7 / 3600 / 16 * 2)  # 7.23 machines
    assert found["descriptor_bytes"] == 2.4e13
    assert found["embedding_bytes"] == 1.024e12 and found["index_bytes"] == 6.6e11
    assert found["index_bytes_8_bit"] == 660e9 - 256e9
    assert found["index_machines"] == 20 and found["index_machines_8_bit"] == 12  # of 32 GiB of room each
    assert found["exact_seconds"] == pytest.approx(102.4)


def test_sizes_in_words():
    assert [size(n) for n in (12, 1_500, 61.4e6, 1.024e12, 4e16)] == ["12 B", "1.5 KB", "61.4 MB", "1.0 TB", "40.0 PB"]


def test_the_document_is_in_step_with_its_unit_costs():
    text = (project_root() / "docs/scale.md").read_text(encoding="utf-8")
    assert renew(text, units_of()) == text, "run `python -m benchmarks.scale`"
    assert BEGIN in text and tables(units_of()) in text


def test_every_unit_cost_is_documented_and_no_other_is_taken(tmp_path):
    text = (project_root() / "docs/scale.md").read_text(encoding="utf-8")
    for kind, costs in COSTS.items():
        for name, what in costs.items():
            assert f"| `{name}` |" in text and f"| {kind} | {what} |" in text, name
    source = (project_root() / "docs/unit-costs.toml").read_text(encoding="utf-8")
    for old, new, message in (
        ("feature_dimensions = 4128", "features = 4128", "measured.feature_dimensions, measured.features"),
        ("wanted_hours = 24", "wanted_hours = 0", "assumed.wanted_hours"),
        ("[assumed]", "[guessed]", "guessed.photo_bytes"),
    ):
        assert old in source
        (tmp_path / "costs.toml").write_text(source.replace(old, new, 1))
        with pytest.raises(FashionError, match=message):
            units_of(tmp_path / "costs.toml")
