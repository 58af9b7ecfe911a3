"""Readings of notebook 05."""

import pytest

from fashion.plots.readings import map as readings


def alike(department, colour):
    return {"department": dict(zip(("neighbours", "chance"), department, strict=True)),
            "colour": dict(zip(("neighbours", "chance"), colour, strict=True))}  # fmt: skip


def test_by_what_the_map_is_arranged():
    shape = alike((0.8, 0.2), (0.09, 0.085))
    assert "80% of an item's ten nearest on the map are of its department, 20% by chance" in readings.departments(shape)
    assert readings.departments(alike((0.3, 0.2), (0.5, 0.1))) == ""
    assert readings.colours(shape).startswith("Colours are mixed: 9%")
    assert "Colours form regions: 18% of an item's ten nearest share its colour, 9% by chance" in readings.colours(
        alike((0.8, 0.1), (0.18, 0.09))
    )
    assert "catalogue by department, not by colour:**" in readings.findings(0.5, 0.99, shape)[0]
    assert "catalogue by department and colour:**" in readings.findings(0.5, 0.99, alike((0.8, 0.2), (0.5, 0.1)))[0]
    assert "catalogue by colour, not by department:**" in readings.findings(0.5, 1, alike((0.3, 0.2), (0.5, 0.1)))[0]
    neither = readings.findings(0.5, 0.99, alike((0.2, 0.2), (0.1, 0.1)))[0]
    assert "do not arrange the catalogue by department or colour:**" in neither


@pytest.mark.parametrize("share", [(1.0, 1.0), (0.95, 0.9), (0.0, 0.0)], ids=["one", "one frequent", "each its own"])
def test_a_word_that_neighbours_cannot_show_is_not_said_to_arrange(share):
    same = alike(share, share)
    assert readings.colours(same) == readings.departments(same) == ""
    assert readings.findings(0.5, 0.99, same)[0].startswith("**Neighbours on the map of the frozen vectors:** of")


def test_how_far_places_can_be_read():
    assert "can stand for the lists" in readings.photos(0.9, 0.01)
    assert "use an item's list" in readings.photos(0.495, 0.003) and readings.photos(0.495, 0.003).startswith("50%")
    assert "do not read neighbourhoods" in readings.photos(0.02, 0.01)
    assert "not a measure" in readings.findings(0.5, 0.988, alike((1, 0.1), (1, 0.1)))[1]
    assert "not a measure" not in readings.findings(0.9, 0.988, alike((1, 0.1), (1, 0.1)))[1]
