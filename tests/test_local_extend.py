"""What the account relies on in MiniStack is checked at start, all of it, and by name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import hipaa_pipeline.local
from hipaa_pipeline.local import extend, patches
from hipaa_pipeline.local.wire import ApiError

PACKAGE = Path(hipaa_pipeline.local.__file__).parent


def used(source: str) -> Iterator[tuple[str, str]]:
    """MiniStack's modules and names that a module of ours uses, as `services.ec2`, `_vpcs`."""
    tree = ast.parse(source)
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ministack"):
            inside = (node.module or "").removeprefix("ministack").removeprefix(".")
            for alias in node.names:
                path = f"{inside}.{alias.name}".removeprefix(".")
                if is_module(path):
                    modules[alias.asname or alias.name] = path
                else:
                    yield inside, alias.name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value.func if isinstance(node.value, ast.Call) else node.value
            if isinstance(owner, ast.Name) and owner.id.lstrip("_") in modules and node.attr.startswith("_"):
                yield modules[owner.id.lstrip("_")], node.attr


def is_module(path: str) -> bool:
    import ministack

    place = Path(ministack.__file__).parent.joinpath(*path.split("."))
    return place.with_suffix(".py").exists() or place.joinpath("__init__.py").exists()


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda path: path.stem)
def test_every_name_of_ministacks_that_is_used_is_asserted_at_start(path: Path) -> None:
    relied_on = {(module, name) for module, names in extend.RELIED_ON.items() for name in names}
    assert set(used(path.read_text(encoding="utf-8"))) - relied_on == set()


def test_every_name_asserted_is_used() -> None:
    found = {pair for path in PACKAGE.glob("*.py") for pair in used(path.read_text(encoding="utf-8"))}
    relied_on = {(module, name) for module, names in extend.RELIED_ON.items() for name in names}
    assert relied_on - found == set()


def test_the_installed_ministack_has_all_of_it() -> None:
    extend.check()


def test_a_missing_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from ministack.services import kinesis

    monkeypatch.delattr(kinesis, "_build_shards")
    with pytest.raises(RuntimeError, match=r"MiniStack's services.kinesis has no _build_shards\."):
        extend.check()


@pytest.mark.parametrize(
    ("resource_type", "error", "code", "expected"),
    [
        ("AWS::EC2::VPC", ApiError("X", "No more"), "GeneralServiceException",
         'Resource handler returned message: "No more (Service: Ec2, Status Code: 400, Request ID: '),
        ("AWS::Logs::LogGroup", ApiError("AlreadyExists", "It is there."), "AlreadyExists",
         'Resource handler returned message: "It is there." (RequestToken: '),
    ],
)  # fmt: skip
def test_refusals_are_worded_as_cloudformation_does(
    resource_type: str, error: ApiError, code: str, expected: str
) -> None:
    told = patches.handler_message(resource_type, error, code)
    assert told.startswith(expected)
    assert told.endswith(f"HandlerErrorCode: {code})")
