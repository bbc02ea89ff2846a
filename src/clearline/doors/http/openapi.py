"""The OpenAPI document, made from the table of operations and the types that they read and write.

Rules
 * What a request may be is said by the type that decodes it; nothing is described twice.
 * Every status that can come is declared, with its reasons.

Source: OpenAPI 3.1.0, JSON Schema 2020-12.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec

from clearline import __version__
from clearline.doors.http.answers import JSON, Fault
from clearline.doors.http.operation import PATH_TYPES, Operation, Secured
from clearline.doors.http.statuses import reason_codes
from clearline.model.refusal import RefusalReport

__all__ = ["openapi_document"]

_REF: Final = "#/components/schemas/{name}"


def openapi_document(operations: Sequence[Operation]) -> dict[str, Any]:
    """Return the document as plain data."""
    shapes = _Shapes(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, shapes)
    shapes.leave_out({operation.query.__name__ for operation in operations})
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Clearline",
            "version": __version__,
            "description": "A deconfliction line between parties that share a sky. Replies never mean permission.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": shapes.components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
            },
        },
    }


class _Shapes:
    """Types to schemas; named ones go to the components."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        wanted: list[Any] = [RefusalReport, Fault, *PATH_TYPES.values()]
        for operation in operations:
            wanted += [kind for kind in operation.answers.values() if kind is not None]
            wanted += [operation.query, *operation.header_parameters.values()]
            if operation.body is not None:
                wanted.append(operation.body)
        schemas, self.components = msgspec.json.schema_components(wanted, ref_template=_REF)
        self._known = list(zip(wanted, schemas, strict=True))
        for schema in self.components.values():
            _mend_patterns(schema)
        for schema in schemas:
            _mend_patterns(schema)

    def of(self, kind: Any) -> dict[str, Any]:
        """Return the schema of a type that some operation uses."""
        return next(schema for known, schema in self._known if known is kind)

    def leave_out(self, names: set[str]) -> None:
        """Drop components that nothing refers to: queries are described field by field."""
        for name in names:
            del self.components[name]

    def fields(self, kind: type[msgspec.Struct]) -> dict[str, Any]:
        """Return the fields of a query type with their schemas."""
        properties: dict[str, Any] = self.components[kind.__name__].get("properties", {})
        return properties


def _mend_patterns(schema: Any) -> None:
    """Write the end of a text as JSON Schema does (`$`), not as Python does."""
    if isinstance(schema, dict):
        pattern = schema.get("pattern")
        if isinstance(pattern, str):
            schema["pattern"] = pattern.removesuffix("\\Z") + "$" if pattern.endswith("\\Z") else pattern
        for inner in schema.values():
            _mend_patterns(inner)
    elif isinstance(schema, list):
        for inner in schema:
            _mend_patterns(inner)


def _operation(operation: Operation, shapes: _Shapes) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "responses": _responses(operation, shapes),
        "security": [] if operation.secured is Secured.OPEN else [{"token": []}],
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": shapes.of(PATH_TYPES[name])}
        for name in operation.path_names
    ]
    parameters += [
        {"name": name, "in": "query", "required": False, "schema": _without_null(schema)}
        for name, schema in shapes.fields(operation.query).items()
    ]
    parameters += [
        {"name": name, "in": "header", "required": False, "schema": shapes.of(kind)}
        for name, kind in operation.header_parameters.items()
    ]
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": shapes.of(operation.body)}}}
    elif operation.raw_body is not None:
        raw = {"schema": {"type": "string", "format": "binary"}}
        described["requestBody"] = {"required": True, "content": {operation.raw_body: raw}}
    return described


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query field is given or not; it is never null."""
    choices = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name not in {"anyOf", "default"}}
    if len(choices) == 1:
        return {**choices[0], **rest}
    return {**rest, "anyOf": choices} if choices else {**rest, **_default(schema)}


def _default(schema: dict[str, Any]) -> dict[str, Any]:
    return {"default": schema["default"]} if schema.get("default") is not None else {}


def _responses(operation: Operation, shapes: _Shapes) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, kind in operation.answers.items():
        answer: dict[str, Any] = {"description": HTTPStatus(status).phrase}
        if kind is not None:
            answer["content"] = {JSON: {"schema": shapes.of(kind)}}
        elif status == HTTPStatus.OK:
            answer["content"] = {operation.content_type: {"schema": {"type": "string"}}}
        responses[str(status)] = answer
    for status in sorted(_refusal_statuses(operation) - operation.answers.keys()):
        codes = ", ".join(reason_codes(status))
        responses[str(status)] = {
            "description": f"Refused: {codes}",
            "content": {JSON: {"schema": shapes.of(RefusalReport)}},
        }
    responses["500"] = {
        "description": "A bug of Clearline; the reference stands in the node's log.",
        "content": {JSON: {"schema": shapes.of(Fault)}},
    }
    return responses


def _refusal_statuses(operation: Operation) -> set[int]:
    always = {400, 413, 503}  # a bad query, a query too long, a node that starts or stops
    if operation.secured is not Secured.OPEN:
        always.add(401)
    if operation.secured is Secured.CHANGES:
        always.add(403)
    return always | set(operation.refusals)
