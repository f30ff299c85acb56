"""AWS's wire protocols, driven by botocore's own service models: a request to plain parameters, an answer to bytes.

MiniStack writes each answer by hand, so a member it does not know is lost. Here an answer is a plain dict and the model
decides what is written and how; a member the model does not have is not written. The protocols are those of the
services this account adds to: `query`, `ec2`, `json` and `rest-json`.
"""

from __future__ import annotations

import base64
import datetime
import functools
import json
import re
import urllib.parse
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape

Answer = tuple[int, dict[str, str], bytes]

# boto3's service names where they differ from the name in a signature.
_SERVICE_OF_SIGNATURE = {
    "servicequotas": "service-quotas",
    "monitoring": "cloudwatch",
    "tagging": "resourcegroupstaggingapi",
}
_SIGNATURE = re.compile(r"Credential=[^/]+/[^/]+/([^/]+)/([^/]+)/")


class ApiError(Exception):
    """An error as AWS answers it: its code, message and HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def service_of(headers: Mapping[str, str]) -> str:
    """boto3's name of the service a request was signed for; empty for an unsigned request."""
    found = _SIGNATURE.search(headers.get("authorization", ""))
    return _SERVICE_OF_SIGNATURE.get(found.group(2), found.group(2)) if found else ""


@functools.cache
def model(service: str) -> Any:
    """botocore's model of a service. Raises botocore's UnknownServiceError."""
    import botocore.loaders
    import botocore.model

    description = botocore.loaders.Loader().load_service_model(service, "service-2")
    return botocore.model.ServiceModel(description, service)


def operation_of(service: str, method: str, path: str, headers: Mapping[str, str], body: bytes) -> str:
    """The API name of the operation (`DescribeVpcs`) a request calls; empty when it cannot be told."""
    if target := headers.get("x-amz-target"):
        return target.rpartition(".")[2]
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return _form(body).get("Action", "")
    return _rest_operation(service, method, path) if service else ""


def _form(body: bytes) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True))


def _rest_operation(service: str, method: str, path: str) -> str:
    from botocore.exceptions import UnknownServiceError

    try:
        routes = _routes(service)
    except UnknownServiceError:
        return ""
    return next((name for verb, pattern, name in routes if verb == method and pattern.fullmatch(path)), "")


@functools.cache
def _routes(service: str) -> list[tuple[str, re.Pattern[str], str]]:
    """The REST operations of a service: HTTP method, path pattern with named groups, operation; longest path first."""
    operations = (model(service).operation_model(name) for name in model(service).operation_names)
    routes = [
        (each.http["method"], each.http["requestUri"].partition("?")[0].rstrip("/"), each.name) for each in operations
    ]
    routes.sort(key=lambda route: (route[1].count("{"), -len(route[1])))
    return [(verb, re.compile(_path_pattern(uri) + "/?"), name) for verb, uri, name in routes]


def _path_pattern(uri: str) -> str:
    parts = re.split(r"\{(\w+)(\+?)\}", uri)
    pattern = ""
    for position in range(0, len(parts), 3):
        pattern += re.escape(parts[position])
        if position + 1 < len(parts):
            pattern += f"(?P<{parts[position + 1]}>{'.+' if parts[position + 2] else '[^/]+'})"
    return pattern


def parse(service: str, operation: str, path: str, query: str, body: bytes) -> dict[str, Any]:
    """The parameters of a request, as boto3's caller gave them."""
    description = model(service)
    shape = description.operation_model(operation).input_shape
    if shape is None:
        return {}
    protocol = description.protocol
    if protocol in {"query", "ec2"}:
        form = _form(body)
        return dict(_structure_from_form(shape, form, "", _NAMING[protocol]))
    document = json.loads(body) if body else {}
    if protocol == "rest-json":
        document = {**document, **_uri_members(service, operation, shape, path, query)}
        return {name: document[key] for name, key in _located(shape) if key in document}
    return dict(document)


def _located(shape: Any) -> Iterator[tuple[str, str]]:
    for name, member in shape.members.items():
        yield name, member.serialization.get("name", name)


def _uri_members(service: str, operation: str, shape: Any, path: str, query: str) -> dict[str, Any]:
    pattern = next(pattern for _, pattern, name in _routes(service) if name == operation)
    found = pattern.fullmatch(path)
    values = {key: urllib.parse.unquote(text) for key, text in (found.groupdict() if found else {}).items()}
    wanted = {member.serialization.get("name", name) for name, member in shape.members.items()}
    given = dict(urllib.parse.parse_qsl(query))
    return values | {key: text for key, text in given.items() if key in wanted}


def _ec2_name(member: Any, name: str) -> str:
    if "queryName" in member.serialization:
        return str(member.serialization["queryName"])
    located = str(member.serialization.get("name", name))
    return located[0].upper() + located[1:]


def _query_name(member: Any, name: str) -> str:
    return str(member.serialization.get("name", name))


_Naming = Callable[[Any, str], str]
_NAMING: dict[str, _Naming] = {"ec2": _ec2_name, "query": _query_name}


def _structure_from_form(
    shape: Any, form: Mapping[str, str], prefix: str, naming: _Naming
) -> Iterator[tuple[str, Any]]:
    for name, member in shape.members.items():
        key = f"{prefix}{naming(member, name)}"
        value = _value_from_form(member, form, key, naming)
        if value is not None:
            yield name, value


def _value_from_form(shape: Any, form: Mapping[str, str], key: str, naming: _Naming) -> Any:
    """The value of `shape` under `key`, None where the request has none."""
    match shape.type_name:
        case "structure":
            return dict(_structure_from_form(shape, form, f"{key}.", naming)) or None
        case "list":
            return _list_from_form(shape, form, key, naming)
        case "map":
            return _map_from_form(shape, form, key, naming)
        case "boolean":
            return form[key].lower() == "true" if key in form else None
        case "integer" | "long":
            return int(form[key]) if key in form else None
        case "float" | "double":
            return float(form[key]) if key in form else None
        case _:
            return form.get(key)


def _list_from_form(shape: Any, form: Mapping[str, str], key: str, naming: _Naming) -> list[Any] | None:
    item = shape.member
    if naming is _query_name and shape.serialization.get("flattened"):
        key = ".".join([*key.split(".")[:-1], item.serialization["name"]]) if "name" in item.serialization else key
    elif naming is _query_name:
        key = f"{key}.{item.serialization.get('name', 'member')}"
    values: list[Any] = []
    while (value := _value_from_form(item, form, f"{key}.{len(values) + 1}", naming)) is not None:
        values.append(value)
    return values or None


def _map_from_form(shape: Any, form: Mapping[str, str], key: str, naming: _Naming) -> dict[str, Any] | None:
    entry = key if shape.serialization.get("flattened") else f"{key}.entry"
    key_name, value_name = shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")
    values: dict[str, Any] = {}
    while (name := form.get(f"{entry}.{len(values) + 1}.{key_name}")) is not None:
        values[name] = _value_from_form(shape.value, form, f"{entry}.{len(values) + 1}.{value_name}", naming)
    return values or None


def serialize(service: str, operation: str, answer: Mapping[str, Any]) -> Answer:
    """The HTTP answer of a successful call."""
    description = model(service)
    called = description.operation_model(operation)
    shape = called.output_shape
    if description.protocol in {"json", "rest-json"}:
        document = _to_json(shape, answer) if shape is not None else {}
        content_type = "application/json" if description.protocol == "rest-json" else "application/x-amz-json-1.1"
        return 200, {"content-type": content_type}, json.dumps(document).encode()
    inner = "".join(_members_xml(shape, answer)) if shape is not None else ""
    namespace = description.metadata.get("xmlNamespace", "")
    if description.protocol == "ec2":
        inner = f"<requestId>{uuid.uuid4()}</requestId>{inner}"
    else:
        wrapper = shape.serialization.get("resultWrapper") if shape is not None else None
        inner = f"<{wrapper}>{inner}</{wrapper}>" if wrapper else inner
        inner += f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
    document = f'<{operation}Response xmlns="{namespace}">{inner}</{operation}Response>'
    return 200, {"content-type": "text/xml"}, document.encode()


def _to_json(shape: Any, value: Any) -> Any:
    match shape.type_name:
        case "structure":
            return {
                member.serialization.get("name", name): _to_json(member, value[name])
                for name, member in shape.members.items()
                if value.get(name) is not None
            }
        case "list":
            return [_to_json(shape.member, item) for item in value]
        case "map":
            return {key: _to_json(shape.value, item) for key, item in value.items()}
        case "timestamp":
            return moment(value).timestamp()
        case _:
            return value


def _members_xml(shape: Any, value: Mapping[str, Any]) -> Iterator[str]:
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _xml(member, member.serialization.get("name", name), value[name])


def _xml(shape: Any, tag: str, value: Any) -> Iterator[str]:
    match shape.type_name:
        case "structure":
            yield f"<{tag}>{''.join(_members_xml(shape, value))}</{tag}>"
        case "list":
            flattened = shape.serialization.get("flattened")
            item_tag = shape.member.serialization.get("name", tag if flattened else "member")
            items = "".join(part for item in value for part in _xml(shape.member, item_tag, item))
            yield items if flattened else f"<{tag}>{items}</{tag}>"
        case "map":
            yield f"<{tag}>{''.join(_entries_xml(shape, value))}</{tag}>"
        case _:
            yield f"<{tag}>{escape(_scalar_text(shape, value))}</{tag}>"


def _entries_xml(shape: Any, value: Mapping[str, Any]) -> Iterator[str]:
    key_tag = shape.key.serialization.get("name", "key")
    value_tag = shape.value.serialization.get("name", "value")
    for key, item in value.items():
        yield f"<entry><{key_tag}>{escape(key)}</{key_tag}>{''.join(_xml(shape.value, value_tag, item))}</entry>"


def _scalar_text(shape: Any, value: Any) -> str:
    match shape.type_name:
        case "boolean":
            return "true" if value in (True, "true", "True") else "false"
        case "timestamp":
            return moment(value).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        case "blob":
            return base64.b64encode(value).decode()
        case _:
            return str(value)


def moment(value: Any) -> datetime.datetime:
    """A point in time, from any of the forms MiniStack keeps one in: a datetime, seconds since 1970, ISO 8601 text."""
    if isinstance(value, datetime.datetime):
        return value
    if isinstance(value, str):
        return datetime.datetime.fromisoformat(value)
    return datetime.datetime.fromtimestamp(value, datetime.UTC)


def error_answer(service: str, headers: Mapping[str, str], error: ApiError) -> Answer:
    """The HTTP answer of a failed call, in the form the caller's protocol has for errors."""
    content_type = headers.get("content-type", "")
    if service == "ec2":
        inner = _error_xml(error)
        text = f"<Response><Errors>{inner}</Errors><RequestID>{uuid.uuid4()}</RequestID></Response>"
        return error.status, {"content-type": "text/xml"}, text.encode()
    if content_type.startswith("application/x-www-form-urlencoded"):
        text = f"<ErrorResponse>{_error_xml(error)}<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
        return error.status, {"content-type": "text/xml"}, text.encode()
    if service == "s3":
        return error.status, {"content-type": "application/xml"}, _error_xml(error).encode()
    fields = {
        "content-type": "application/x-amz-json-1.1",
        "x-amzn-errortype": error.code,
        "x-amzn-query-error": f"{error.code};Sender",
    }
    return error.status, fields, json.dumps({"__type": error.code, "message": error.message}).encode()


def _error_xml(error: ApiError) -> str:
    return (
        f"<Error><Type>Sender</Type><Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message></Error>"
    )
