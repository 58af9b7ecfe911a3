"""The OpenAPI document of the shop window's JSON, made from its routes, what they read and the models they answer.

A route's `described` names the parameters that it reads and the model of its answer; its docstring is the summary, its
function's name the operationId.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from apispec import APISpec
from flask import Flask
from pydantic import BaseModel, Field, RootModel
from pydantic.json_schema import models_json_schema

from fashion.web.parameters import LONGEST, LONGEST_LIST
from fashion.web.shop import SORTS

Hex = Field(pattern="^#[0-9a-fA-F]{6}$")


class Card(BaseModel):
    """An item as lists show it."""

    item: str
    title: str = Field(description="the product's name, or else its description")
    description: str
    colour: str
    category: str
    department: str
    brand: str
    price: str = Field(description="as the catalogue writes it")
    link: str = Field(description="the product's page; empty for none")
    hex: str = Hex
    href: str
    photo: str
    large: str
    width: int
    height: int


class Found(Card):
    """A recommended item."""

    rank: int = Field(ge=1)
    similarity: float
    reasons: str


class Item(Card):
    """One item."""

    facts: dict[str, str]
    map: tuple[float, float] | None = Field(description="place on the map, 0 to 1; null for new items or other photos")


class Correction(BaseModel):
    """A misspelt word."""

    written: str
    shown: str


class NearestColours(BaseModel):
    """An unknown colour, and the known ones that stand in."""

    written: str
    shown: list[str]


class Reading(BaseModel):
    """How words were read."""

    words: dict[str, list[str]]
    texts: list[str]
    conditions: list[str]
    item: str | None
    corrected: list[Correction]
    nearest_colours: list[NearestColours]
    passed_over: list[str]
    in_photos: list[str] = Field(description="words that only the text tower knows")
    described: str | None = Field(
        description="what the encoder's text tower looked for in the photos; null where there is none"
    )


class Seen(BaseModel):
    """What the network recognised in a photo; null where it does not know."""

    colour: str | None
    category: str | None


class ItemsPage(BaseModel):
    """A page of items."""

    total: int
    matching: int
    page: int
    per_page: int
    understood: Reading | None
    items: list[Card]


class Similar(BaseModel):
    """The items most similar to an item."""

    id: str
    understood: Reading | None
    items: list[Found]


class SimilarToPhoto(BaseModel):
    """The items most similar to a photo."""

    seen: Seen
    resembles_nothing: bool
    understood: Reading | None
    items: list[Found]


class FilterWord(BaseModel):
    """A filter's word."""

    word: str
    items: int
    hex: str | None = Field(None, description="of a colour; null where it has none")


class Filters(RootModel[dict[str, list[FilterWord]]]):
    """Column -> its words."""


class MapWords(BaseModel):
    """The words of the map's items."""

    department: list[str]
    colour: list[str]
    category: list[str]


class MapFields(BaseModel):
    """The map: `department`, `colour` and `category` are indices into `words`, in the order of `items`."""

    items: list[str]
    words: MapWords
    department: list[int]
    colour: list[int]
    category: list[int]
    departmentColours: list[str]
    swatches: list[str]
    garment: list[str]
    x: list[int]
    y: list[int]
    width: int
    height: int


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str


class Document(RootModel[dict[str, Any]]):
    """An OpenAPI document."""


@dataclass(frozen=True)
class Description:
    """The description of a route: what it reads and answers.

    Attributes
    ----------
    answer : type of BaseModel
    reads : tuple of str
        Names of `PARAMETERS`.
    filters : bool
        Whether the catalogue's filters are read, too.
    errors : tuple of int
        Statuses of its problems.
    photo : bool
        Whether its body is a photo.
    """

    answer: type[BaseModel]
    reads: tuple[str, ...] = ()
    filters: bool = False
    errors: tuple[int, ...] = ()
    photo: bool = False


View = TypeVar("View", bound=Callable[..., Any])


def described(
    answer: type[BaseModel], *reads: str, filters: bool = False, errors: Sequence[int] = (), photo: bool = False
) -> Callable[[View], View]:
    """Decorate a view with its `Description`."""

    def note(view: View) -> View:
        view.description = Description(answer, reads, filters, tuple(errors), photo)  # type: ignore[attr-defined]
        return view

    return note


def _several(what: str) -> dict[str, Any]:
    return {"schema": {"type": "array", "items": {"type": "string"}}, "description": what}


def _number(what: str, low: float, high: float, kind: Literal["number", "integer"] = "number") -> dict[str, Any]:
    return {"schema": {"type": kind, "minimum": low, "maximum": high}, "description": what}


def _choice(what: str, words: Sequence[str]) -> dict[str, Any]:
    return {"schema": {"type": "string", "enum": list(words)}, "description": what}


#: Each parameter that a route may read beside filters.
PARAMETERS: dict[str, dict[str, Any]] = {
    "q": {
        "schema": {"type": "string", "maxLength": LONGEST},
        "description": "words such as 'floral dress under 50, not black', or an item's number; they change an item "
        "or a photo",
    },
    "page": _number("page number, from 1", 1, 1_000_000, "integer"),
    "sort": _choice("order in place of similarity", list(SORTS)),
    "price_from": _number("lowest price", 0, 1e12),
    "price_to": _number("highest price", 0, 1e12),
    "like": _several("items that the results should be like"),
    "unlike": _several("items that they should be less like"),
    "colour_weight": _number("share of colour beside the kind: 0 kind alone, 1 colour alone", 0, 1),
    "looks_weight": _number("share of looks in the similarity: 0 words alone, 1 looks alone", 0, 1),
    "hide": _choice("1 hides near-duplicates", ["0", "1"]),
    "id": {"schema": {"type": "string"}, "description": "item identifier", "required": True},
    "k": _number("number of items", 1, LONGEST_LIST, "integer"),
    "diversity": _number("how diverse the list should be (0 = ignore)", 0, 1),
    "v": {"schema": {"type": "string"}, "description": "cache key: a new value bypasses caches"},
}

ERRORS = {
    400: "A parameter is unknown or invalid.",
    404: "Not found.",
    413: "The body is too large.",
    429: "Too many photos in a short time; see Retry-After.",
    503: "Temporarily unavailable.",
}

PHOTO = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object", "required": ["photo"],
                "properties": {"photo": {"type": "string", "format": "binary"}},
            }
        },
        "application/octet-stream": {
            "schema": {"type": "string", "format": "binary", "description": "the photo's bytes, of any media type"}
        },
    },
}  # fmt: skip

MODELS = "#/components/schemas/{model}"


def document(app: Flask, filters: Mapping[str, Sequence[str]], base: str = "/api/v1") -> dict[str, Any]:
    """The OpenAPI document.

    Parameters
    ----------
    app : Flask
        Its routes of the blueprint "api" that are `described`.
    filters : mapping of str to sequence of str
        Column -> words that it may be filtered by.
    base : str
        Address of the API, with the shop's prefix.
    """
    spec = APISpec(
        "Fashion shop window", "1", "3.1.0", servers=[{"url": base}],
        info={"description": "Browse, search and find similar clothes in one catalogue."},
    )  # fmt: skip
    chosen = [
        {"name": column, "in": "query", "schema": {"type": "array", "items": {"type": "string", "enum": list(words)}},
         "description": f"filter: any of these words of the column {column}"}
        for column, words in filters.items()
    ]  # fmt: skip
    answers: dict[type[BaseModel], None] = {Problem: None}
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        view = app.view_functions[rule.endpoint]
        told: Description | None = getattr(view, "description", None)
        if told is None or not rule.endpoint.startswith("api."):
            continue
        answers[told.answer] = None
        parameters = [{"name": name, "in": "query", **PARAMETERS[name]} for name in told.reads]
        method = "post" if "POST" in (rule.methods or ()) else "get"
        operation = {
            "operationId": view.__name__, "summary": (view.__doc__ or "").split("\n")[0].rstrip("."),
            "parameters": parameters + (chosen if told.filters else []), "responses": _responses(told),
        } | ({"requestBody": PHOTO} if told.photo else {})  # fmt: skip
        spec.path(rule.rule.removeprefix("/api/v1"), operations={method: operation})
    _, schemas = models_json_schema([(model, "serialization") for model in answers], ref_template=MODELS)
    for name, schema in schemas["$defs"].items():
        spec.components.schema(name, schema)
    return spec.to_dict()


def _responses(told: Description) -> dict[str, Any]:
    def one(text: str, media: str, model: type[BaseModel]) -> dict[str, Any]:
        return {"description": text, "content": {media: {"schema": {"$ref": MODELS.format(model=model.__name__)}}}}

    responses = {"200": one("Success.", "application/json", told.answer)}
    return responses | {str(e): one(ERRORS[e], "application/problem+json", Problem) for e in told.errors}
