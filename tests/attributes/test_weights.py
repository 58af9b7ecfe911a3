"""The choice of weights follows its rule, and a correction is the same for an item of the report and an added one."""

import numpy as np
import pandas as pd
import pytest

from fashion.attributes import weights
from fashion.attributes.layout import Layout
from fashion.attributes.weights import (
    FURTHER_WEIGHTS,
    LOOKS_WEIGHTS,
    PHOTO_ALONE,
    STRENGTHS,
    UNSHOWN,
    UNSHOWN_BY_PHOTOS,
    HubCorrection,
    choose_weights,
    further_trials,
    measure_coverage,
    weight_trials,
)
from fashion.core.defaults import COLOUR_WEIGHT
from fashion.embedding.features import some_rows
from fashion.evaluation.relevance import BOTH
from fashion.neighbours.hubs import nearest_query_similarity

LAYOUT = Layout(("a", "b", "c"), ("red", "blue"), np.eye(3, dtype=np.float32), {"gender": ("m", "w")}, 6)


@pytest.fixture(scope="module")
def shop():
    """240 items whose looks know the gender and a style, and whose words are nearly right."""
    random = np.random.default_rng(0)
    n = 240
    codes = {
        "category": random.integers(0, 3, n),
        "colour": random.integers(0, 2, n),
        "gender": random.integers(0, 2, n),
    }
    seen = {c: 0.9 * np.eye(len(LAYOUT.words[c]))[codes[c]] + 0.1 / len(LAYOUT.words[c]) for c in codes}
    looks = random.normal(size=(n, 6))
    looks[:, 0] += 4 * codes["gender"]
    items = pd.DataFrame({c: np.array(LAYOUT.words[c])[codes[c]] for c in codes}).assign(department="d")
    return LAYOUT.compose(seen, looks), items, np.arange(n) % 3 == 0


def both(vectors):
    return {"described": vectors, "learned": vectors}


def test_trials_show_what_looks_and_the_correction_do(shop):
    vectors, items, validation = shop
    trials = weight_trials(both(vectors), LAYOUT, items, validation, 0)
    assert len(trials) == len(LOOKS_WEIGHTS) * len(STRENGTHS)
    by_words = trials[(trials["looks_weight"] == 0) & (trials["hub_strength"] == 0)].iloc[0]
    looks, strength, why = choose_weights(trials)
    chosen = trials[(trials["looks_weight"] == looks) & (trials["hub_strength"] == strength)].iloc[0]
    assert looks > 0 and chosen["never_shown"] < by_words["never_shown"] / 2
    assert chosen[BOTH] >= trials[BOTH].max() - 0.005 and f"{chosen['never_shown']:.3f}" in why
    assert trials[UNSHOWN].equals(trials[UNSHOWN_BY_PHOTOS]), "here the two embeddings are one"


def test_lists_have_the_reports_length_and_weight_of_colour(shop):
    vectors, items, validation = shop
    trials = weight_trials(both(vectors), LAYOUT, items, validation, 0, k=2, colour_weight=0.9)
    for _, trial in trials[trials["hub_strength"] == 0].iterrows():
        alike = LAYOUT.queries(vectors, LAYOUT.weights(0.9, trial["looks_weight"])) @ vectors.T
        np.fill_diagonal(alike, -np.inf)
        third, second = np.sort(alike, axis=1)[:, [-3, -2]].T[..., None]
        # Words alone leave ties, of which rounding shows one or another: at least these, at most those.
        least, most = ((alike > bound).any(axis=0).mean() for bound in (third + 1e-6, second - 1e-6))
        assert 1 - most - 1e-9 <= trial[UNSHOWN] <= 1 - least + 1e-9


def test_the_chosen_trials_coverage_is_that_of_the_whole_catalogue(shop, monkeypatch):
    vectors, items, validation = shop
    whole = weight_trials(both(vectors), LAYOUT, items, validation, 0)
    monkeypatch.setattr(weights, "MOST_ITEMS", 60)
    drawn = weight_trials(both(vectors), LAYOUT, items, validation, 0)
    assert (drawn["shown_among"] == 60).all() and drawn[UNSHOWN].mean() < whole[UNSHOWN].mean(), "few items hide hubs"
    found = measure_coverage(drawn, both(vectors), LAYOUT, 0)
    measured = found["shown_among"] == len(items)
    looks, strength, _ = choose_weights(found)
    chosen = (found["looks_weight"] == looks) & (found["hub_strength"] == strength)
    assert measured[chosen].all() and measured.iloc[0] and not measured.all(), (
        "the first and those that were chosen, no others"
    )
    for measure in (UNSHOWN, UNSHOWN_BY_PHOTOS):
        assert found[measure][measured].tolist() == whole[measure][measured].tolist()
        assert found[measure][~measured].tolist() == drawn[measure][~measured].tolist()
    monkeypatch.undo()
    assert measure_coverage(whole, both(vectors), LAYOUT, 0) is whole, "trials on all items are not measured again"


def test_a_choice_that_the_whole_catalogue_refutes_is_made_again(shop, monkeypatch):
    vectors, items, _ = shop
    other = vectors.copy()
    other[:, LAYOUT.parts["looks"]] = other[::-1, LAYOUT.parts["looks"]]
    tables = {"described": vectors, "learned": other}
    weighed = list(LOOKS_WEIGHTS)
    # As if of fewer items all were shown but by the first, which hides most: the most precise by photos comes first.
    trials = pd.DataFrame({
        "looks_weight": weighed, "hub_strength": 0.0, BOTH: 0.9, PHOTO_ALONE: [0.5 - weight / 20 for weight in weighed],
        UNSHOWN: [0.9, *[0.0] * 6], UNSHOWN_BY_PHOTOS: [0.9, *[0.0] * 6], "shown_among": 10,
    })  # fmt: skip
    monkeypatch.setattr(weights, "MOST_ITEMS", 60)
    monkeypatch.setattr(weights, "MOST_SHOWN", 120)
    monkeypatch.setattr(weights, "MOST_UNSHOWN", {UNSHOWN: 0.005, UNSHOWN_BY_PHOTOS: 0.005})
    found = measure_coverage(trials, tables, LAYOUT, 0)
    assert (choose_weights(trials)[0], choose_weights(found)[0]) == (0.1, 0.3), "the first choices do not hold"
    assert found["shown_among"].tolist() == [120] * 6 + [10], "what need not be asked is not measured"
    drawn = some_rows(len(items), 120, 0)
    for place in np.flatnonzero(found["shown_among"] == 120):
        asked = LAYOUT.weights(COLOUR_WEIGHT, weighed[place])
        for measure, name in ((UNSHOWN, "described"), (UNSHOWN_BY_PHOTOS, "learned")):
            gallery = tables[name][drawn]
            alike = LAYOUT.queries(gallery, asked) @ gallery.T
            np.fill_diagonal(alike, -np.inf)
            seventh, sixth = np.sort(alike, axis=1)[:, [-7, -6]].T[..., None]
            # Words alone leave ties, of which rounding shows one or another: at least these, at most those.
            least, most = ((alike > bound).any(axis=0).sum() for bound in (seventh + 1e-6, sixth - 1e-6))
            assert 120 - most - 1e-9 <= 120 * found.at[place, measure] <= 120 - least + 1e-9
            assert place == 0 or least == most
    assert (found[UNSHOWN] != found[UNSHOWN_BY_PHOTOS]).any(), "each embedding has its own"


def test_the_rule_gives_up_no_more_than_it_says():
    trials = pd.DataFrame({
        "looks_weight": [0.0, 0.1, 0.2, 0.3], "hub_strength": 0.0, BOTH: [0.900, 0.899, 0.896, 0.880],
        PHOTO_ALONE: [0.5, 0.49, 0.48, 0.2], UNSHOWN: [0.4, 0.3, 0.1, 0.0], UNSHOWN_BY_PHOTOS: [0.4, 0.3, 0.1, 0.0],
    })  # fmt: skip
    assert choose_weights(trials)[:2] == (0.2, 0.0)
    assert choose_weights(trials.assign(**{PHOTO_ALONE: [0.5, 0.49, 0.4, 0.4]}))[:2] == (0.1, 0.0), "photos count, too"
    assert choose_weights(trials.assign(**{PHOTO_ALONE: [0.1, 0.1, 0.1, 0.5]}))[:2] == (0.2, 0.0), "words come first"
    nothing = trials.assign(**{BOTH: np.nan, PHOTO_ALONE: np.nan})
    assert choose_weights(nothing)[:2] == (0.3, 0.0), "nothing to measure: coverage alone"
    shown = trials.assign(**{BOTH: 0.9, PHOTO_ALONE: [0.5, 0.49, 0.48, 0.47], UNSHOWN: [0.05, 0.03, 0.02, 0.01]})
    assert choose_weights(shown.assign(**{UNSHOWN_BY_PHOTOS: 0.06}))[:2] == (0.1, 0.0), (
        "enough is shown: then precision"
    )
    by_photos = shown.assign(**{UNSHOWN_BY_PHOTOS: [0.2, 0.08, 0.05, 0.01]})
    assert choose_weights(by_photos)[:2] == (0.2, 0.0), "enough both as described and by photos"


def test_further_columns_weigh_as_much_as_both_words_allow(shop):
    vectors, items, validation = shop
    trials = weight_trials(both(vectors), LAYOUT, items, validation, 0)
    chosen = choose_weights(trials)[:2]
    shares, table = further_trials(both(vectors), LAYOUT, items, validation, 0, trials, chosen)
    assert table["weight"].tolist() == list(FURTHER_WEIGHTS) and set(table["column"]) == {"gender"}
    own = table.set_index("weight")
    allowed = own[own[BOTH] >= trials[BOTH].max() - 0.003]
    assert allowed["gender"].max() == allowed["gender"].loc[shares["gender"]], "the most agreement that is allowed"
    heavier = own["gender"].to_numpy()
    assert heavier[-1] > heavier[0], "a heavier column is kept more often"
    assert further_trials(both(vectors), LAYOUT, items.assign(gender="m"), validation & False, 0, trials, chosen)[
        0
    ] == {"gender": 0.1}, "nothing measured: the usual weight"


def test_an_added_copy_of_an_item_gets_nearly_its_correction(shop):
    vectors, *_ = shop
    corrected, hubs = HubCorrection(0.5, 0.5, 0.3, 0).report(vectors, LAYOUT)
    hub = LAYOUT.parts["hub"].start
    assert abs(corrected[:, hub].mean()) < 1e-6 and corrected[:, hub].std() > 0
    queries = LAYOUT.queries(vectors, LAYOUT.weights(0.5, 0.3))
    near = nearest_query_similarity(queries, vectors, np.arange(len(vectors))) + (queries * vectors).sum(axis=1) / 2
    assert np.allclose(corrected[:, hub], -0.5 * (near - near.mean()), atol=1e-6)
    added = HubCorrection(**hubs.as_dict()).added(vectors[:5], corrected, LAYOUT)
    assert hubs.most_queries == weights.QUERIES
    # A copy has its original among the queries, and is a little nearer to them.
    assert (added[:, hub] <= corrected[:5, hub] + 1e-6).all() and (corrected[:5, hub] - added[:, hub] < 0.1).all()
    assert np.array_equal(added[:, :hub], vectors[:5, :hub])


def test_added_items_are_asked_by_as_many_queries_as_the_report(shop, monkeypatch):
    vectors, *_ = shop
    monkeypatch.setattr(weights, "QUERIES", 30)
    corrected, hubs = HubCorrection(0.5, 0.5, 0.3, 0).report(vectors, LAYOUT)
    monkeypatch.undo()
    added = hubs.added(vectors[:5], corrected, LAYOUT)
    drawn = some_rows(len(vectors), 30, 0)
    queries = LAYOUT.queries(vectors, LAYOUT.weights(0.5, 0.3))
    near = nearest_query_similarity(queries[drawn], vectors[:5]) + (queries * vectors).sum(axis=1)[:5] / 2
    assert np.allclose(added[:, LAYOUT.parts["hub"].start], -0.5 * (near - hubs.mean), atol=1e-6)
    assert HubCorrection(0.5, 0.5, 0.3, 0).most_queries == 4096, "as reports that do not say"
