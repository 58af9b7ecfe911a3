"""Figures show their data: bars as long as counts, classes in their own colours, photos in their places."""

import warnings

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from fashion.catalogue.definition import load_catalogue, open_catalogue
from fashion.catalogue.swatches import UNKNOWN
from fashion.catalogue.table import read_table
from fashion.catalogue.translation import colour_hexes, department_colours, translate
from fashion.photos.images import decode, squared
from fashion.plots import attributes, embedding, evaluation, map, recommendation, style
from fashion.plots import catalogue as plots_catalogue
from fashion.recommendation.queries import Query

matplotlib.use("Agg")

SWATCHES = colour_hexes()


@pytest.fixture(scope="module")
def shop(small_folder):
    catalogue = load_catalogue("imagelab")
    source = open_catalogue(catalogue, small_folder)
    items = translate(read_table(catalogue, source)[0])
    items[["width", "height", "bytes"]] = [128, 128, 3000]
    return items, source


@pytest.fixture(autouse=True)
def closed():
    style.use_style()
    yield
    plt.close("all")


def bar_colours(axes):
    labels = [text.get_text() for text in axes.get_yticklabels()]
    return {
        label: matplotlib.colors.to_hex(bar.get_facecolor()) for label, bar in zip(labels, axes.patches, strict=False)
    }


def test_bars_are_the_counts_in_the_classes_own_colours(shop):
    items, _ = shop
    axes = plots_catalogue.counts_by_department(items, "x").axes[0]
    assert sorted(bar.get_width() for bar in axes.patches) == sorted(items["department"].value_counts())
    assert bar_colours(axes) == {d: department_colours()[d] for d in items["department"].unique()}
    axes = plots_catalogue.counts_by_colour(items, SWATCHES | {"blue": "#010203"}, "x").axes[0]
    assert bar_colours(axes) == {c: SWATCHES[c] for c in items["colour"].unique()} | {"blue": "#010203"}
    axes = plots_catalogue.counts_by_colour(items, {}, "x").axes[0]
    assert set(bar_colours(axes).values()) == {UNKNOWN}
    axes = plots_catalogue.counts_by_category(items, "x", most=2).axes[0]
    assert "2 of 3" in axes.get_title(loc="left") and "the other 1 hold 16" in axes.get_title(loc="left")


def test_department_colours_are_the_same_in_every_figure(shop):
    items, _ = shop
    xy = np.random.default_rng(0).normal(size=(len(items), 2))
    legend = map.map_by_department(items, xy, "x").axes[0].get_legend()
    found = {
        text.get_text().split(" (")[0]: handle.get_color()
        for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True)
    }
    assert found == {d: department_colours()[d] for d in items["department"].unique()}
    unknown = style.colours_of_departments(["hats", "footwear", "wigs"])
    assert unknown["footwear"] == department_colours()["footwear"] and unknown["hats"] != unknown["wigs"]


def test_a_departments_colours_are_set_beside_the_catalogues(shop):
    mesh = plots_catalogue.colour_by_department(shop[0], SWATCHES, "x").axes[0].collections[0]
    excess = np.asarray(mesh.get_array()).reshape(3, 4)
    assert excess.sum(axis=1) == pytest.approx([0, 0, 0], abs=1e-9), "what one colour has more, others have less"
    assert mesh.get_clim()[0] == -mesh.get_clim()[1]
    items = pd.DataFrame({"department": ["a", "a", "b", "b"], "colour": ["red", "red", "red", "blue"]})
    axes = plots_catalogue.colour_by_department(items, SWATCHES, "x").axes[0]
    assert sorted(text.get_text() for text in axes.texts) == ["+25", "+25", "-25", "-25"]


def test_one_photo_size_is_no_figure(shop):
    items = shop[0].assign(width=128, height=128)
    assert len(plots_catalogue.photo_sizes(items, "x").axes) == 1
    assert len(plots_catalogue.photo_sizes(items.assign(width=[*[128] * (len(items) - 1), 64]), "x").axes) == 2


def test_the_axis_of_choices_begins_where_the_data_is():
    trials = pd.DataFrame({"choice": "all", "column": ["category", "colour", "category and colour"], "mean": 0.6,
                           "low": 0.58, "high": 0.62, "features": 9})  # fmt: skip
    low, high = embedding.selection_quality(trials, "x", k=6).axes[0].get_xlim()
    assert 0.55 < low < 0.58 and 0.62 < high < 0.65


def test_every_axis_has_a_name_and_every_figure_its_source(shop):
    items, _ = shop
    random = np.random.default_rng(0)
    shares = pd.DataFrame(
        {
            "method": ["random", "learned"] * 2,
            "column": ["category"] * 2 + ["colour"] * 2,
            "mean": 0.4,
            "low": 0.3,
            "high": 0.5,
        }
    )
    history = pd.DataFrame(
        {
            k: random.random(3)
            for p in ("", "val_")
            for k in (p + "loss", p + "category_accuracy", p + "colour_accuracy")
        }
        | {"member": [1, 1, 2], "epoch": [1, 2, 1]}
    )
    words = pd.DataFrame(
        {
            "colour": ["red", "blue"],
            "items": 3,
            "word_hex": "#ff0000",
            "photo_hex": "#aa0000",
            "median_distance": [3.0, 9.0],
        }
    )
    confused = pd.DataFrame({"labelled": ["red"], "predicted": ["pink"], "share": [0.2], "distance": [12.0]})
    trials = pd.DataFrame(
        {
            "choice": ["all"] * 3,
            "column": ["category", "colour", "category and colour"],
            "mean": 0.5,
            "low": 0.4,
            "high": 0.6,
            "features": 9,
        }
    )
    two = np.eye(2, dtype=int)
    statistics = pd.DataFrame(random.random((9, 3)), columns=["variance", "category", "colour"])
    curve = pd.DataFrame({"method": "learned", "k": [1, 2], "success": [0.1, 0.2]})
    figures = [
        plots_catalogue.counts_by_department(items, "the source"),
        plots_catalogue.photo_sizes(items, "the source"),
        plots_catalogue.word_against_photo(words, "the source"),
        embedding.similarity_of_pairs({"random": random.random(50), "same": random.random(50)}, "the source"),
        embedding.pca_spectrum(np.full(10, 0.1), {"50 %": 5}, "the source"),
        embedding.feature_information(statistics, "the source"),
        embedding.selection_quality(trials, "the source", k=6),
        attributes.training_history(history, "the source"),
        attributes.confusion_matrix(two, ["red", "blue"], "the source", what="colour", swatches=SWATCHES),
        attributes.confused_colours(confused, SWATCHES, "the source"),
        attributes.reliability(
            {"colour": pd.DataFrame({"predicted": [0.5], "observed": [0.4], "count": [9]})}, "the source"
        ),
        evaluation.agreement_beyond(shares, "the source"),
        evaluation.precision_by_method(shares, "the source", k=6),
        evaluation.success_curve(curve, ["learned"], "the source"),
        evaluation.precision_by_colour_weight(shares.assign(weight=[0, 1] * 2), "the source", k=6, chosen=0.5),
        evaluation.catalogue_unshown(
            pd.DataFrame({"method": ["frozen"], "gallery": ["whole"], "never_shown": 0.1, "low": 0.05, "high": 0.2}),
            "the source",
        ),
    ]
    for figure in figures:
        figure.canvas.draw()
        assert not [text for text in figure.findobj(Text) if "mathdefault" in text.get_text()], "a formula as it stands"
        assert "the source" in [text.get_text() for text in figure.texts]
        for axes in figure.axes:
            assert axes.get_xlabel() or axes.get_ylabel(), axes.get_title(loc="left")


def test_a_mean_that_rounding_puts_outside_its_interval_is_drawn():
    """Where all queries score alike: 0.1 + 0.2 and 0.3 differ by 5e-17."""
    alike = {"column": ["category", "colour", "category and colour"], "mean": 0.3, "low": 0.1 + 0.2, "high": 0.1 + 0.2}
    assert alike["mean"] < alike["low"]
    evaluation.precision_by_method(pd.DataFrame(alike | {"method": "learned"}), "the source", k=6)
    embedding.selection_quality(pd.DataFrame(alike | {"choice": "all", "features": 9}), "the source", k=6)


def test_confusion_matrix_shows_shares_of_rows():
    matrix = np.array([[3, 1], [0, 0]])
    axes = attributes.confusion_matrix(matrix, ["red", "blue"], "x", what="colour", swatches=SWATCHES).axes[0]
    assert np.asarray(axes.collections[0].get_array()).ravel().tolist() == [75, 25, 0, 0]
    assert [text.get_text() for text in axes.texts if text.get_text()] == ["3", "1"], "numbers of items, no zeros"
    swatches = [matplotlib.colors.to_hex(patch.get_facecolor()) for patch in axes.patches]
    assert swatches == [SWATCHES["red"], SWATCHES["blue"]] * 2


def test_recommendation_frames_say_what_agrees(shop):
    items, source = shop
    query = 0
    same = items.index[(items["colour"] == items["colour"][0]) & (items["category"] == items["category"][0])][1]
    half = items.index[(items["colour"] == items["colour"][0]) & (items["category"] != items["category"][0])][0]
    other = items.index[(items["colour"] != items["colour"][0]) & (items["category"] == items["category"][0])][0]
    none = items.index[(items["colour"] != items["colour"][0]) & (items["category"] != items["category"][0])][0]
    figure = recommendation.recommendations(
        items,
        source,
        [query],
        np.array([[same, half, other, none]]),
        np.array([[0.9, 0.8, 0.75, 0.7]]),
        SWATCHES,
        "x",
        title="t",
    )
    photos = [axes for axes in figure.axes if axes.images]
    spines = [axes.spines["top"] for axes in photos[1:]]
    frames = [(matplotlib.colors.to_hex(spine.get_edgecolor()), spine.get_linestyle()) for spine in spines]
    wanted = [recommendation.FRAMES[agrees] for agrees in ((True, True), (False, True), (True, False), (False, False))]
    assert frames == wanted
    assert len(set(frames)) == 4 and len({colour for colour, _ in frames}) == 4
    words = [text.get_text() for axes in photos for text in axes.texts]
    assert "query" in words and "2 · 0.80" in words and items["colour"][none] in words


def test_no_reason_reaches_into_the_photo_below(shop):
    items, source = shop
    listed = items.head(2).assign(
        rank=[1, 2], similarity=[0.9, 0.8], title="A long tea dress in green", price="49 €",
        reasons="same colour and category; kind 0.74; colour 1.00; looks 0.50",
    )  # fmt: skip
    query = Query("a red dress", np.zeros((1, 2), np.float32), {})
    figure = recommendation.query_results([(None, query, listed)] * 2, source, SWATCHES, "the source", title="t")
    figure.canvas.draw()
    photos = [axes for axes in figure.axes if axes.images]
    lowest = [min(text.get_window_extent().y0 for text in axes.texts) for axes in photos]
    below = photos[2].get_window_extent().y1
    foot = next(text for text in figure.texts if text.get_text() == "the source").get_window_extent().y1
    assert len(photos) == 4 and min(lowest[:2]) > below and min(lowest[2:]) > foot


def test_map_of_photos_draws_one_photo_a_cell(shop):
    items, _ = shop
    random = np.random.default_rng(0)
    xy = random.normal(size=(len(items), 2))
    shades = np.stack([np.arange(len(items)) * 255 // len(items), random.permutation(len(items)), xy[:, 0] > 0], axis=1)
    shades = (shades * [1, 1, 200]).astype(np.uint8)  # each item's own
    tiles = [squared(np.full((48, 48, 3), shade, np.uint8), 48) for shade in shades]
    axes = map.map_of_photos(tiles, xy, "x", cells=4).axes[0]
    corners = [tuple(image.get_extent()[::2]) for image in axes.images]
    assert len(corners) == len(set(corners)) and 4 <= len(corners) <= 25
    place = (xy - xy.min(axis=0)) / (np.ptp(xy, axis=0).max() / 4)  # in cells
    for corner, image in zip(corners, axes.images, strict=True):
        inside = np.flatnonzero((np.floor(place) == corner).all(axis=1))
        nearest = inside[np.linalg.norm(place[inside] - np.array(corner) - 0.5, axis=1).argmin()]
        assert np.array_equal(image.get_array(), decode(tiles[nearest])), corner


def test_garments_are_drawn_in_their_own_colour(shop):
    items, _ = shop
    xy = np.random.default_rng(0).normal(size=(len(items), 2))
    hexes = [f"#{i:02x}0000" for i in range(len(items))]
    dots = map.map_by_colour(items, xy, hexes, "x").axes[0].collections[0].get_facecolors()
    assert [matplotlib.colors.to_hex(dot) for dot in dots] == hexes


def test_items_to_check_are_drawn_with_what_is_in_doubt(shop):
    items, source = shop
    worst = items.head(3).assign(
        doubts=["category; colour", "blurred", "colour"], score=[0.9, 0.5, 0.25], suggested_category=["boots", "", ""],
        suggested_colour=["navy", "", ""],
    )  # fmt: skip
    figure = attributes.items_to_check(worst, source, "the source")
    photos = [axes for axes in figure.axes if axes.images]
    labels = [" ".join(axes.get_xlabel().split()) for axes in photos]
    first, _, last = worst.to_dict("records")
    assert labels == [
        f"{first['category']} → boots {first['colour']} → navy 0.90", "blurred 0.50", f"colour {last['colour']} 0.25"
    ]  # fmt: skip
    shown = decode(source.read(worst["photo"].iloc[1]))
    assert np.abs(np.asarray(photos[1].images[0].get_array()).astype(int) - shown).mean() < 1
    assert "the source" in [text.get_text() for text in figure.texts]


def test_the_furthest_from_their_colour_word_are_framed_in_it(shop):
    items, source = shop
    figure = plots_catalogue.doubtful_labels(items.head(12).assign(distance=40.0), SWATCHES, source, "x")
    frames = [matplotlib.colors.to_hex(axes.spines["top"].get_edgecolor()) for axes in figure.axes if axes.images]
    assert frames == [colour_hexes()[colour] for colour in items["colour"].head(12)]


def test_readable_on():
    assert [style.readable_on(h) for h in ("#ffffff", "#ffee00", "#000000", "#00224e")] == [
        "black",
        "black",
        "white",
        "white",
    ]


def test_labels_break_between_words():
    assert style.wrapped("long-sleeved jumper in wool", 14).splitlines() == ["long-sleeved", "jumper in wool"]


@pytest.mark.parametrize("departments", [1, 2, 5])
def test_colours_of_few_departments_have_room(departments, tmp_path):
    colours = ["red", "blue", "green", "black", "white"] * 40
    items = pd.DataFrame({"colour": colours, "department": [f"department {i % departments}" for i in range(200)]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of axes that collapse
        plots_catalogue.colour_by_department(items, SWATCHES, "x").savefig(tmp_path / "figure.png")
