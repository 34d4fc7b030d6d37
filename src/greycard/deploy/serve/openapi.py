"""The OpenAPI 3.1 description of the API."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from greycard.deploy.serve.limits import Limits
from greycard.deploy.serve.questions import MOST_CLASSES

_PROBABILITY = {"type": "number", "minimum": 0, "maximum": 1}
_HEAT = (
    "a heat map, a PNG as a data URL; the colours run from 1 to 100 points of the class's probability in every"
    " image. null if no region changes it by a point, and for a network without convolutions"
)
_SCHEMAS: dict[str, Any] = {
    "Error": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}},
    "Models": {
        "type": "object",
        "required": ["models"],
        "properties": {"models": {"type": "array", "items": {"$ref": "#/components/schemas/Model"}}},
    },
    "Model": {
        "type": "object",
        "required": ["name", "classes", "architecture", "dataset", "image_size", "val_accuracy", "val_images", "heat"],
        "properties": {
            "name": {"type": "string"},
            "classes": {"type": "array", "items": {"type": "string"}},
            "architecture": {"type": "string"},
            "dataset": {"type": "string"},
            "image_size": {"type": "array", "items": {"type": "integer"}, "description": "height, width"},
            "channels": {"type": "integer"},
            "resize": {"type": "string", "description": "how images get this size: stretch, crop or pad"},
            "val_accuracy": {
                **_PROBABILITY,
                "type": ["number", "null"],
                "description": "null with several labels, and for a number",
            },
            "val_accuracy_interval": {"type": ["array", "null"], "items": _PROBABILITY, "description": "95 %"},
            "val_mean_average_precision": {
                **_PROBABILITY,
                "type": ["number", "null"],
                "description": "of several labels per image; null with one class",
            },
            "number": {"type": ["object", "null"], "description": "errors and range of a regression; null for classes"},
            "val_images": {"type": "integer"},
            "heat": {"type": "boolean", "description": "whether it can draw heat maps"},
            "refuse_share": {
                "type": ["number", "null"],
                "description": "at most this share of the classes' own images is refused; null if no image is",
            },
            "last_hour": {
                "type": "object",
                "description": "images of the last hour, and how many of them were refused",
                "properties": {"images": {"type": "integer"}, "refused": {"type": "integer"}},
            },
        },
    },
    "Predictions": {
        "type": "object",
        "required": ["images"],
        "properties": {
            "images": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["name", "answers"],
                    "properties": {
                        "name": {"type": "string", "description": "the file name that was sent"},
                        "answers": {"type": "array", "items": {"$ref": "#/components/schemas/Answer"}},
                    },
                },
            }
        },
    },
    "Answer": {
        "type": "object",
        "required": ["model"],
        "properties": {
            "model": {"type": "string"},
            "answer": {"type": "string", "description": "the most likely class, or `none of these`"},
            "refused": {"type": "boolean", "description": "whether it is unlike all training images"},
            "strangeness": {
                "type": ["number", "null"],
                "description": "the distance from the training images, 0 to 2; null for a model that refuses no image",
            },
            "class": {"type": "string", "description": "the most likely class"},
            "labels": {
                "type": "array",
                "items": {"type": "string"},
                "description": "the labels that reach their thresholds; only of a model of several labels per image",
            },
            "probability": _PROBABILITY,
            "probabilities": {
                "type": "object",
                "additionalProperties": _PROBABILITY,
                "description": "probabilities of the most likely classes, calibrated on validation images",
            },
            "number": {"type": "number", "description": "the number of a regression, in place of the classes"},
            "interval": {
                "type": ["array", "null"],
                "items": {"type": "number"},
                "description": "has 90 % of true numbers; null if the run had too few validation images",
            },
            "heat": {"type": ["string", "null"], "description": _HEAT},
        },
    },
}


def description(limits: Limits) -> dict[str, Any]:
    """The complete description, with the server's actual limits."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Greycard", "version": version("greycard"), "description": "Image classification."},
        "paths": {
            "/api/models": {"get": _asks_for_the_token("The models", {"200": _json("Models"), **_errors(401, 503)})},
            "/api/predict": {"post": _predict(limits)},
            "/health": {"get": {"summary": "Health check", "responses": {"200": {"description": "The server works."}}}},
            "/metrics": {
                "get": _asks_for_the_token("Metrics for Prometheus", {"200": {"description": "Text."}, **_errors(401)})
            },
        },
        "components": {
            "schemas": _SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _predict(limits: Limits) -> dict[str, Any]:
    image = {"schema": {"type": "string", "format": "binary"}}
    form = {"type": "object", "properties": {"file": {"type": "array", "items": image["schema"]}}}
    answers = {"200": _json("Predictions"), **_errors(400, 401, 403, 404, 408, 413, 415, 422, 503)}
    return {
        **_asks_for_the_token("Predictions for images", answers),
        "description": f"An image as the body, or up to {limits.images} in a form; at most"
        f" {limits.body_bytes / 1e6:.0f} MB and {limits.pixels / 1e6:.0f} million pixels in all.",
        "parameters": [
            _parameter("model", {"type": "array", "items": {"type": "string"}}, "Only these models; all by default."),
            _parameter(
                "top",
                {"type": "integer", "minimum": 1, "maximum": MOST_CLASSES, "default": 5},
                "Number of classes to return.",
            ),
            _parameter("heat", {"type": "boolean", "default": False}, "Whether to draw a heat map."),
        ],
        "requestBody": {
            "required": True,
            "content": {
                "image/*": image,
                "application/octet-stream": image,
                "multipart/form-data": {"schema": form},
            },
        },
    }


def _asks_for_the_token(summary: str, responses: dict[str, Any]) -> dict[str, Any]:
    """An operation that requires the token if the server has one."""
    return {"summary": summary, "security": [{}, {"token": []}], "responses": responses}


def _parameter(name: str, schema: dict[str, Any], text: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, "description": text}


def _json(schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": schema, "content": content}


def _errors(*statuses: int) -> dict[str, Any]:
    return {str(status): _json("Error") for status in statuses}
