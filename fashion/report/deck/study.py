"""The slides that tell of the study: its finding, the problem, results, limits."""

from __future__ import annotations

from typing import Any

from fashion.evaluation.protocol import CEILING, RANDOM
from fashion.plots.style import PALETTE
from fashion.report.deck.findings import KNOWN, LEARNED, USUAL, Findings, said
from fashion.report.deck.slides import bar_chart, new_slide, write
from fashion.report.deck.template import LEAD, MAIN

#: Departments in the chart, the largest.
DEPARTMENTS = 8

GREY = "#a8a29a"

#: Of shares in charts: small ones with a decimal.
FORM = "[<0.0095]0.0%;0%"


def percent(share: float) -> str:
    """A share in words; below one in a hundred with one decimal."""
    return f"{share:.0%}" if share >= 0.0095 or share == 0 else f"{share:.1%}"


def _listed(names: list[str], values: list[float]) -> str:
    return "; ".join(f"{name} {percent(value)}" for name, value in zip(names, values, strict=True))


def opening(deck: Any, found: Findings) -> Any:
    """What it is about, with the one number that matters."""
    known, usual = found.share(KNOWN), found.share(USUAL)
    slide = new_slide(
        deck,
        "Opening",
        f"Suggestions that match in {found.match}",
        f"Beside every article a shop shows {found.count} that are similar. Today's way gets {percent(usual)} of them "
        f"right in {found.match}; this study's gets {percent(known)} where the catalogue's words are known, as they "
        "are in a shop. Every figure comes from the study's own report, and what is assumed is marked so. In the next "
        "ten minutes: the problem, the approach, the results, what it could be worth, what it does not show, and what "
        "to do next.",
        found.results["06"]["source_line"],
    )
    write(slide, [f"The business case, on {found.place['title']}"], LEAD)
    write(slide, [percent(known)], MAIN)
    write(
        slide,
        [
            f"of the {found.count} suggestions beside an article have its very {found.match},",
            f"against {percent(usual)} by the usual network that is used as it is.",
        ],
    )
    return slide


def problem(deck: Any, found: Findings) -> None:
    """What the usual network sees."""
    columns = ["department", "category"] if found.measured else ["department", "category", "colour", found.key]
    values = [found.share(USUAL, column) for column in columns]
    shares = "share the kind" if found.measured else "share the kind, and only {} kind and colour"
    slide = new_slide(
        deck,
        "Chart and text",
        f"Today: {percent(found.share(USUAL, 'category'))} of suggestions "
        + shares.format(percent(found.share(USUAL, found.key))),
        "The usual network was trained on ImageNet to tell things apart and is used as it is. It sees shapes, but it "
        "was never asked what colour a thing is, nor which words this shop uses. Here it stands for ready-made "
        f"visual similarity. Measured here: {_listed(columns, values)}; by chance {percent(found.share(RANDOM))} "
        f"would be right in {found.match}.",
        f"{found.source}; {found.count} suggestions for each of {found.results['06']['queries']:,} articles",
    )
    names = ["kind" if column == "category" else column.replace("category", "kind") for column in columns]
    bar_chart(
        slide,
        names,
        [(said(USUAL), values)],
        f"Bar chart. Of {found.count} suggestions by the usual network agree with the article in "
        f"{_listed(names, values)}.",
        shades=[GREY],
        floor=0,
        form=FORM,
    )
    colour = "the right shape in the wrong colour" if not found.measured else "another kind of garment"
    write(
        slide,
        [
            f"Who looks at a red dress and is shown {colour} has to start the search again.",
            "The usual network, trained on ImageNet and used as it is, sees shapes. It knows none of the shop's words.",
            "Rules on words alone need clean words for every item, and cannot answer a customer's photo.",
        ],
    )


def results(deck: Any, found: Findings) -> None:
    """All methods side by side."""
    shown = [name for name in found.whole if name != CEILING]
    best, usual, known = found.whole[LEARNED][found.key], found.share(USUAL), found.share(KNOWN)
    names, values = [said(name) for name in shown], [found.share(name) for name in shown]
    times = f", {best['mean'] / usual:.1f} times as often" if usual > 0 and best["mean"] > 1.05 * usual else ""
    slide = new_slide(
        deck,
        "Chart",
        f"Right in {found.match}: {percent(best['mean'])} by a photo alone against {percent(usual)}{times}",
        f"{found.results['06']['protocol']} Blue are this study's methods, grey the others. By a photo alone "
        f"{best['mean']:.1%}, 95 % interval {best['low']:.1%} to {best['high']:.1%}; where the catalogue's words are "
        f"known {known:.1%}. The gallery itself allows {found.share(CEILING):.1%}: not every article has "
        f"{found.count} true matches. Double-click the chart to edit its numbers.",
        found.results["06"]["protocol"],
    )
    bar_chart(
        slide,
        names,
        [(f"right in {found.match}", values)],
        f"Bar chart, share of {found.count} suggestions right in {found.match}: {_listed(names, values)}.",
        marked=[place for place, name in enumerate(shown) if name.startswith(LEARNED)],
        floor=0,
        form=FORM,
    )


def new_stock(deck: Any, found: Findings) -> None:
    """The stricter question: among items that training did not see."""
    methods = (USUAL, LEARNED, KNOWN)
    names = [said(method) for method in methods]
    whole, unseen = ([ask(method) for method in methods] for ask in (found.share, found.new_stock))
    slide = new_slide(
        deck,
        "Chart and text",
        f"New arrivals: {percent(unseen[2])} right in {found.match} with their words, {percent(unseen[0])} by the "
        "usual network",
        "The network learns from the stock, so the stock looks better than it should. This is the stricter question: "
        f"only items that training never saw, {found.results['06']['unseen_gallery_items']:,} of them. Photo alone "
        f"{unseen[1]:.1%} against {whole[1]:.1%} in the whole catalogue; with words known {unseen[2]:.1%}. New "
        "articles join without training; training again takes them into the stock.",
        f"{found.results['06']['unseen_gallery_items']:,} items unseen in training; "
        f"{found.results['06']['queries']:,} queries",
    )
    bar_chart(
        slide,
        names,
        [("whole catalogue", whole), ("new arrivals only", unseen)],
        f"Bar chart, share right in {found.match}. Whole catalogue: {_listed(names, whole)}. New arrivals only: "
        f"{_listed(names, unseen)}.",
        shades=[PALETTE[0], PALETTE[4]],
        floor=0,
        form=FORM,
    )
    write(
        slide,
        [
            "The stock has taught the network: its figures hold for the stock.",
            _helped(*unseen),
            f"A smaller gallery also has fewer true matches to find: at most {percent(found.new_stock(CEILING))} "
            f"here, {percent(found.share(CEILING))} in the whole catalogue.",
        ],
    )


def _helped(usual: float, photo: float, known: float) -> str:
    """What the figures of new arrivals say, for better or worse."""
    if max(photo, known) <= usual:
        return "Here the usual network is ahead: new arrivals wait for the next training."
    if known > photo:
        return f"New arrivals start lower; giving them their words lifts {percent(photo)} to {percent(known)} at once."
    return "New arrivals start lower until the next training; words alone do not lift them here."


def departments(deck: Any, found: Findings) -> bool:
    """The same by department; False, and no slide, where the catalogue has but one or its colours were measured."""
    rows = found.results["06"]["by_department"][:DEPARTMENTS]
    if len(rows) < 2 or found.measured:
        return False
    names = [row["department"] for row in rows]
    frozen, learned = [row["frozen"] for row in rows], [row[LEARNED] for row in rows]
    better = sum(mine > theirs for mine, theirs in zip(learned, frozen, strict=True))
    counted = f"all {len(rows)}" if better == len(rows) else f"{better} of {len(rows)}"
    slide = new_slide(
        deck,
        "Chart",
        f"By a photo alone it does better in {counted} departments shown",
        f"The largest {len(rows)} departments by queries, their number in brackets. The rival is the frozen network "
        "with the features that notebook 2 chose. Intervals are wide where a department has few queries; they stand "
        "in notebook 6.",
        f"{found.source}; share right in {found.match}, whole catalogue",
    )
    bar_chart(
        slide,
        names,
        [(said("frozen"), frozen), (said(LEARNED), learned)],
        f"Bar chart, share right in {found.match}. Frozen network: {_listed(names, frozen)}. This study: "
        f"{_listed(names, learned)}.",
        shades=[GREY, PALETTE[0]],
        floor=0,
        form=FORM,
    )
    return True


def limits(deck: Any, found: Findings) -> None:
    """What it does not show."""
    nothing = found.results["06"]["nothing_agrees"]["share"]
    lines = [
        f"Same {found.match} is not the same as liked or bought: no click was measured.",
        f"By a photo alone new arrivals reach {percent(found.new_stock(LEARNED))}, not "
        f"{percent(found.share(LEARNED))}.",
        f"For {percent(nothing)} of the queries none of the {found.count} shares kind or colour.",
        "Words err: what one buyer calls azure is sky blue to another.",
        "Size, price, cloth, print and occasion are not in the model.",
        "One catalogue and its photos; another shop's figures will differ.",
    ]
    if found.measured:
        lines[3] = "This catalogue has no colour words: its colours were measured, so colour is no finding."
    if found.catalogue.maker:
        lines[5] = "This catalogue was made for the study, its colours dyed: a real shop's are harder."
    slide = new_slide(
        deck,
        "Text",
        "Not shown yet: whether customers click, and how it does elsewhere",
        "Agreement of words is not taste, and no customer has been asked: that is the A/B test's question. The "
        "labels themselves err, so nobody reaches 100 %. No word right at all: "
        f"{found.results['06']['nothing_agrees']['queries']:,} of {found.results['06']['queries']:,} queries. The "
        "model card lists what it should not be used for.",
        f"results/06.json of the report; {found.source}",
    )
    write(slide, lines)
