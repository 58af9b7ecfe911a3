"""Figures of the evaluation show their data, in one colour a method."""

import matplotlib
import matplotlib.pyplot as plt
import pandas as pd
import pytest

from fashion.evaluation.protocol import CEILING, RANDOM
from fashion.plots import evaluation, style
from fashion.plots.evaluation import COLOURS

matplotlib.use("Agg")
METHODS = [RANDOM, "frozen", "learned", "learned, catalogue's words known", CEILING]


@pytest.fixture(autouse=True)
def closed():
    style.use_style()
    yield
    plt.close("all")


def curve(along, points):
    return pd.DataFrame([
        {"method": method, along: point, "column": column, "mean": m / 10, "low": m / 10 - 0.01, "high": m / 10 + 0.01}
        for m, method in enumerate(METHODS) for point in points for column in ("category", "category and colour")
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("draw", "along", "points"),
    [
        (evaluation.precision_by_gallery_size, "size", [1000, 2000, 59_591]),
        (evaluation.precision_by_embedding_size, "length", [8, 128, 256]),
    ],
)
def test_curves(draw, along, points):
    figure = draw(curve(along, points), "the source", k=6)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["category", "category and colour"]
    for axes in figure.axes:
        assert axes.get_xlabel() and "%" in axes.get_ylabel() and axes.get_ylim()[0] == 0
        assert [text.get_text() for text in axes.get_xticklabels()] == [f"{point:,}" for point in points]
        lines = {line.get_label(): line for line in axes.get_lines()}
        assert lines["learned"].get_xdata().tolist() == points
        assert lines["learned"].get_ydata() == pytest.approx([20, 20, 20])
        assert {method: line.get_color() for method, line in lines.items()} == {m: COLOURS[m] for m in METHODS}
        assert len(axes.collections) == len(METHODS)  # one band each
    assert "the source" in [text.get_text() for text in figure.texts]


def test_bars_and_curves_share_colours_and_the_ceiling_is_an_outline():
    table = pd.DataFrame(
        [
            {"method": m, "column": "category", "mean": 0.4, "low": 0.3, "high": 0.5, "k": 1, "success": 0.5}
            for m in METHODS
        ]
    )
    axes = evaluation.precision_by_method(table, "x", k=6).axes[0]
    colours = [matplotlib.colors.to_hex(bar.get_facecolor()) for bar in axes.patches]
    assert colours == [*(COLOURS[m] for m in METHODS[:-1]), style.LINE]
    lines = evaluation.success_curve(table, METHODS[:3], "x").axes[0].get_lines()
    assert [line.get_color() for line in lines] == [COLOURS[m] for m in METHODS[:3]]
    assert len({line.get_marker() for line in lines}) == 3  # told apart without colour too


def test_methods_of_one_figure_differ_in_colour():
    together = [
        "learned, catalogue's words known",
        "learned",
        "frozen",
        "colour histogram",
        "raw pixels",
        RANDOM,
        CEILING,
    ]
    assert len({COLOURS[method] for method in together}) == len(together)


def test_labels_of_sizes_near_each_other_leave_room():
    sizes = curve("size", [1000, 20_000, 50_000, 59_524])
    figure = evaluation.precision_by_gallery_size(sizes, "the source", k=6)
    for axes in figure.axes:
        assert [label.get_text() for label in axes.get_xticklabels()] == ["1,000", "20,000", "59,524"]
