"""The OpenAPI document of the shop window's JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fashion.web.parameters import LONGEST, SORTS

CARD = {
    "type": "object",
    "required": [
        "item", "title", "description", "colour", "category", "department", "brand", "price", "link", "hex", "href",
        "photo", "large", "width", "height",
    ],
    "properties": {
        "item": {"type": "string"}, "title": {"type": "string"}, "colour": {"type": "string"},
        "category": {"type": "string"}, "department": {"type": "string"}, "description": {"type": "string"},
        "brand": {"type": "string"}, "price": {"type": "string", "description": "as the catalogue writes it"},
        "link": {"type": "string", "description": "the product's page; empty for none"},
        "hex": {"type": "string", "pattern": "^#[0-9a-fA-F]{6}$"}, "href": {"type": "string"},
        "photo": {"type": "string"}, "large": {"type": "string"},
        "width": {"type": "integer"}, "height": {"type": "integer"},
    },
}  # fmt: skip

FOUND = {
    "allOf": [
        {"$ref": "#/components/schemas/Card"},
        {
            "type": "object",
            "required": ["rank", "similarity", "reasons"],
            "properties": {
                "rank": {"type": "integer", "minimum": 1}, "similarity": {"type": "number"},
                "reasons": {"type": "string"},
            },
        },
    ]
}  # fmt: skip

ITEM = {
    "allOf": [
        {"$ref": "#/components/schemas/Card"},
        {
            "type": "object",
            "required": ["facts", "map"],
            "properties": {
                "facts": {"type": "object", "additionalProperties": {"type": "string"}},
                "map": {
                    "type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2, "nullable": True,
                    "description": "position on the map, 0 to 1 in both directions; null for added items",
                },
            },
        },
    ]
}  # fmt: skip

READING = {
    "type": "object",
    "nullable": True,
    "description": "how the words were read; null without words",
    "required": [
        "words", "texts", "conditions", "item", "corrected", "nearest_colours", "passed_over", "in_photos", "described",
    ],
    "properties": {
        "words": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
        "texts": {"type": "array", "items": {"type": "string"}},
        "conditions": {"type": "array", "items": {"type": "string"}},
        "item": {"type": "string", "nullable": True},
        "corrected": {"type": "array", "items": {"type": "object"}},
        "nearest_colours": {"type": "array", "items": {"type": "object"}},
        "passed_over": {"type": "array", "items": {"type": "string"}},
        "in_photos": {
            "type": "array", "items": {"type": "string"}, "description": "words that only the text tower knows",
        },
        "described": {
            "type": "string", "nullable": True,
            "description": "what the encoder's text tower looked for in the photos; null where there is none",
        },
    },
}  # fmt: skip

PROBLEM = {
    "type": "object",
    "required": ["title", "status", "detail"],
    "properties": {
        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}  # fmt: skip


def _parameter(name: str, schema: dict[str, Any], what: str, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, "description": what, "required": required}


def _answers(schema: dict[str, Any], *errors: int) -> dict[str, Any]:
    texts = {
        400: "A parameter is unknown or invalid.",
        404: "Not found.",
        413: "The body is too large.",
        429: "Too many photos in a short time; see Retry-After.",
        503: "Temporarily unavailable.",
    }
    answers: dict[str, Any] = {"200": {"description": "Success.", "content": {"application/json": {"schema": schema}}}}
    shape = {"schema": {"$ref": "#/components/schemas/Problem"}}
    for status in errors:
        answers[str(status)] = {"description": texts[status], "content": {"application/problem+json": shape}}
    return answers


def _list(of: str, **more: Any) -> dict[str, Any]:
    rows = {"type": "array", "items": {"$ref": f"#/components/schemas/{of}"}}
    return {"type": "object", "required": ["items", *more], "properties": {"items": rows, **more}}


def _page(**more: Any) -> dict[str, Any]:
    whole = {"type": "integer"}
    return _list("Card", total=whole, matching=whole, page=whole, per_page=whole, **more)


def document(columns: Sequence[str]) -> dict[str, Any]:
    """The OpenAPI document for a catalogue with these filters."""
    page = _parameter("page", {"type": "integer", "minimum": 1, "maximum": 1_000_000}, "page number, from 1")
    said = "words such as 'floral dress under 50, not black', or an item's number; they change an item or a photo"
    words = _parameter("q", {"type": "string", "maxLength": LONGEST}, said)
    several = {"type": "array", "items": {"type": "string"}}
    filters = [_parameter(name, several, "filter: any of these words; see /facets") for name in columns]
    share = {"type": "number", "minimum": 0, "maximum": 1}
    weights = [
        _parameter("colour_weight", share, "share of colour beside the kind: 0 kind alone, 1 colour alone"),
        _parameter("looks_weight", share, "share of looks in the similarity: 0 words alone, 1 looks alone"),
    ]
    price = {"type": "number", "minimum": 0, "maximum": 1e12}
    listed = [
        _parameter("sort", {"type": "string", "enum": list(SORTS)}, "order by price, in place of similarity"),
        _parameter("price_from", price, "lowest price"), _parameter("price_to", price, "highest price"),
    ]  # fmt: skip
    opinions = [
        _parameter("like", several, "items that the results should be like"),
        _parameter("unlike", several, "items that they should be less like"),
    ]
    hide = _parameter("hide", {"type": "string", "enum": ["0", "1"]}, "1 hides near-duplicates")
    name = _parameter("id", {"type": "string"}, "item identifier", required=True)
    k = _parameter("k", {"type": "integer", "minimum": 1, "maximum": 60}, "number of items")
    various = _parameter("diversity", share, "how diverse the list should be (0 = ignore)")
    version = _parameter("v", {"type": "string"}, "cache key: a new value bypasses caches")
    balance = [words, *filters, *weights, hide, *opinions]
    told = {"$ref": "#/components/schemas/Reading"}
    photo = {"type": "object", "required": ["photo"], "properties": {"photo": {"type": "string", "format": "binary"}}}
    lists = {key: {"type": "array"} for key in ("x", "y", "hex", "id", "titles", "title")}
    raw = {"type": "string", "format": "binary", "description": "the photo's bytes, whatever the media type"}
    paths = {
        "/items": ("A page of items, filtered or searched by words", [*balance, *listed, page],
                   _answers(_page(understood=told), 400)),
        "/item": ("One item", [name], _answers({"$ref": "#/components/schemas/Item"}, 400, 404)),
        "/similar": ("The items most similar to an item", [name, k, various, *balance],
                     _answers(_list("Found", id={"type": "string"}, understood=told), 400, 404)),
        "/facets": ("Each filter's words and how many items each matches", [words, *filters],
                    _answers({"type": "object"}, 400)),
        "/map": ("Every item's position on the map", [version],
                 _answers({"type": "object", "required": list(lists), "properties": lists}, 400, 404)),
        "/openapi.json": ("This document", [], _answers({"type": "object"})),
    }  # fmt: skip
    made: dict[str, Any] = {
        path: {"get": {"summary": title, "parameters": parameters, "responses": answers}}
        for path, (title, parameters, answers) in paths.items()
    }
    made["/similar-to-photo"] = {
        "post": {
            "summary": "The items most similar to a photo, which is never stored",
            "parameters": [k, *balance],
            "requestBody": {
                "required": True,
                "content": {"multipart/form-data": {"schema": photo}, "application/octet-stream": {"schema": raw}},
            },
            "responses": _answers(
                _list("Found", seen={"type": "object"}, resembles_nothing={"type": "boolean"}, understood=told),
                400,
                413,
                429,
                503,
            ),
        }
    }
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "Fashion shop window",
            "version": "1",
            "description": "Browse, search and find similar clothes in one catalogue.",
        },
        "servers": [{"url": "/api/v1"}],
        "paths": made,
        "components": {"schemas": {"Card": CARD, "Item": ITEM, "Found": FOUND, "Problem": PROBLEM, "Reading": READING}},
    }
