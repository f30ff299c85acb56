"""CloudFormation: what MiniStack's engine does otherwise than AWS, as far as a deployment of ours meets it.

* YAML: the short forms of rule functions (`!Contains`).
* Change sets: resources under a false condition are not listed; a second CREATE change set keeps the stack and its ID;
  they are validated (`validation`); property changes that replace a resource are known for more types.
* Stacks: stack policies are enforced; an explicit name that is taken is refused; a replaced resource whose
  UpdateReplacePolicy is Snapshot leaves a snapshot; a rollback says which resources failed; DescribeEvents tells all.
* Names that CloudFormation makes differ between Regions: roles of the same stack in two of them are two roles.
"""

from __future__ import annotations

import contextvars
import hashlib
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from hipaa_pipeline.local import names, stack_policy, validation
from hipaa_pipeline.local.additions import Additions
from hipaa_pipeline.local.quotas import Quotas
from hipaa_pipeline.local.wire import ApiError

# Properties whose change replaces the resource, of the types that MiniStack knows nothing about.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/ ("Update requires: Replacement")
REPLACED_BY = {
    "AWS::CloudWatch::Alarm": ("AlarmName",),
    "AWS::EC2::RouteTable": ("VpcId",),
    "AWS::EC2::SecurityGroup": ("GroupDescription", "GroupName", "VpcId"),
    "AWS::EC2::Subnet": ("AvailabilityZone", "AvailabilityZoneId", "CidrBlock", "VpcId"),
    "AWS::EC2::SubnetRouteTableAssociation": ("SubnetId",),
    "AWS::EC2::VPC": ("CidrBlock",),
    "AWS::EC2::VPCEndpoint": ("ServiceName", "VpcEndpointType", "VpcId"),
    "AWS::KMS::Alias": ("AliasName",),
    "AWS::KMS::Key": (),
    "AWS::Kinesis::Stream": ("Name",),
    "AWS::Logs::LogGroup": ("LogGroupName",),
    "AWS::Logs::MetricFilter": ("FilterName", "LogGroupName"),
    "AWS::SNS::Subscription": ("Endpoint", "Protocol", "TopicArn"),
    "AWS::SNS::TopicPolicy": (),
    "AWS::Backup::BackupPlan": (),
}
RULE_FUNCTIONS = ("Contains", "EachMemberEquals", "EachMemberIn", "RefAll", "ValueOf", "ValueOfAll")


def additions(quotas: Quotas) -> Additions:
    """What this module adds to the account."""
    return Additions(
        operations={"cloudformation.DescribeEvents": describe_events},
        follow_ups={
            "cloudformation.CreateChangeSet": lambda: validation.validate_new_change_sets(quotas),
        },
        wrappers={
            "services.cloudformation.provisioners._physical_name": _of_its_region,
            "services.cloudformation.changesets._resolve_props_for_diff": _without_false_conditions,
            "services.cloudformation.stacks._resource_policy": _remember_policy,
            "services.cloudformation.stacks._delete_resource": _snapshot_replaced,
            "services.cloudformation.stacks._update_resource": _obey_stack_policy,
            "services.cloudformation.stacks._revert_update": _without_stack_policy,
            "services.cloudformation.stacks._add_event": _explain_rollback,
            "services.cloudformation.changesets._deploy_stack_async": _refuse_denied_deletions,
            "services.cloudformation.handlers._deploy_stack_async": _refuse_denied_deletions,
        },
        creation_checks=(_check_name, _check_retention),
    )


def extend_tables() -> None:
    """Tables of MiniStack's that only lack entries."""
    from ministack.services.cloudformation import engine, handlers, provisioners

    for name in RULE_FUNCTIONS:
        engine.CfnLoader.add_constructor(f"!{name}", engine._construct_cfn_tag(f"Fn::{name}"))
    for resource_type, properties in REPLACED_BY.items():
        provisioners._REPLACING_PROPERTIES.setdefault(resource_type, properties)
    own = handlers._ACTION_HANDLERS["CreateChangeSet"]
    handlers._ACTION_HANDLERS["CreateChangeSet"] = lambda parameters: _keep_reviewed_stack(own, parameters)


def _of_its_region(own: Callable[..., str]) -> Callable[..., str]:
    """The name made for a resource, with the Region in what its random end is made of."""

    def physical_name(stack_name: str, logical_id: str, **options: Any) -> str:
        from ministack.core.responses import get_region

        stem, dash, end = own(stack_name, logical_id, **options).rpartition("-")
        digest = hashlib.sha256(f"{get_region()}:{end.upper()}".encode()).hexdigest()[: len(end)]
        return stem + dash + (digest if options.get("lowercase") else digest.upper())

    return physical_name


# Change sets


def _without_false_conditions(own: Callable[..., Any]) -> Callable[..., Any]:
    """A resource under a false condition is no part of the stack: so it is none of the change set either."""

    def resolve(template: Any, parameters: Any, stack_name: str, stack_id: str) -> Any:
        from ministack.services.cloudformation import engine

        resolved = own(template, parameters, stack_name, stack_id)
        if not resolved:
            return resolved
        conditions = engine._evaluate_conditions(template, parameters)
        return {
            "Resources": {
                name: resource
                for name, resource in resolved["Resources"].items()
                if conditions.get(resource.get("Condition"), True)
            }
        }

    return resolve


def _keep_reviewed_stack(own: Callable[[Any], Any], parameters: Any) -> Any:
    """A CREATE change set for a stack in REVIEW_IN_PROGRESS joins it in AWS; MiniStack makes another stack."""
    from ministack.services.cloudformation import _change_sets, _stack_events, _stacks

    name = (parameters.get("StackName") or [""])[0]
    reviewed = _stacks.get(name)
    if reviewed is None or reviewed["StackStatus"] != "REVIEW_IN_PROGRESS":
        return own(parameters)
    events = _stack_events.get(reviewed["StackId"])
    status, headers, body = own(parameters)
    replaced = _stacks.get(name)
    if replaced is None:  # The change set was refused, and MiniStack dropped the stack with it.
        _stacks[name], _stack_events[reviewed["StackId"]] = reviewed, events
        return status, headers, body
    new_id = replaced["StackId"]
    if new_id != reviewed["StackId"]:
        _stack_events.pop(new_id, None)
        replaced["StackId"] = reviewed["StackId"]
        _stack_events[reviewed["StackId"]] = events
        for change_set in _change_sets.values():
            if change_set["StackId"] == new_id:
                change_set["StackId"] = reviewed["StackId"]
    return status, headers, body.replace(new_id.encode(), reviewed["StackId"].encode())


# Creation


def _check_name(resource_type: str, properties: Any) -> None:
    names.refuse_taken(resource_type, properties)


def _check_retention(resource_type: str, properties: Any) -> None:
    if resource_type == "AWS::Logs::LogGroup" and validation.wrong_retention(properties.get("RetentionInDays")):
        raise ApiError(
            "InvalidRequest", f"#/RetentionInDays: #: {properties['RetentionInDays']} is not a valid enum value"
        )


# Stack policies

_reverting: contextvars.ContextVar[bool] = contextvars.ContextVar("reverting", default=False)


def _policy_of(stack_name: str) -> str:
    from ministack.services.cloudformation import _stacks

    return str((_stacks.get(stack_name) or {}).get("_stack_policy") or "")


def _obey_stack_policy(own: Callable[..., Any]) -> Callable[..., Any]:
    def update(resource_type: str, physical_id: str, old: Any, new: Any, stack_name: str, *rest: Any) -> Any:
        from ministack.services.cloudformation import provisioners

        logical_id = str(rest[0]) if rest and rest[0] else physical_id
        if old != new and not _reverting.get():
            replaces = provisioners._replacing_change(resource_type, old, new)
            action = "Update:Replace" if replaces else "Update:Modify"
            denied = stack_policy.refusal(_policy_of(stack_name), action, logical_id, resource_type)
            if denied:
                raise ValueError(denied)
        return own(resource_type, physical_id, old, new, stack_name, *rest)

    return update


def _without_stack_policy(own: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """A rollback restores what was: no policy forbids that."""

    async def revert(*arguments: Any) -> Any:
        token = _reverting.set(True)
        try:
            return await own(*arguments)
        finally:
            _reverting.reset(token)

    return revert


def _refuse_denied_deletions(own: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """An update that would delete a resource against the stack policy fails before it changes anything."""

    async def deploy(stack_name: str, stack_id: str, template: Any, *rest: Any, **options: Any) -> None:
        from ministack.services.cloudformation import _stacks

        previous = options.get("previous_stack") or {}
        denied = _denied_deletion(stack_name, template, previous)
        if denied:
            _roll_back_untouched(_stacks[stack_name], previous, *denied)
        else:
            await own(stack_name, stack_id, template, *rest, **options)

    return deploy


def _denied_deletion(
    stack_name: str, template: Mapping[str, Any], previous: Mapping[str, Any]
) -> tuple[str, Mapping[str, Any], str] | None:
    for logical_id, record in previous.get("_resources", {}).items():
        if logical_id not in template.get("Resources", {}):
            kind = record["ResourceType"]
            denied = stack_policy.refusal(_policy_of(stack_name), "Update:Delete", logical_id, kind)
            if denied:
                return logical_id, record, denied
    return None


def _roll_back_untouched(
    stack: dict[str, Any], previous: Mapping[str, Any], logical_id: str, record: Mapping[str, Any], reason: str
) -> None:
    from ministack.services.cloudformation import stacks

    name, stack_id = stack["StackName"], stack["StackId"]
    event = stacks._add_event
    event(stack_id, name, logical_id, record["ResourceType"], "UPDATE_FAILED", reason, record["PhysicalResourceId"])
    for status in ("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"):
        failed = f"The following resource(s) failed to update: [{logical_id}]. "
        event(stack_id, name, name, "AWS::CloudFormation::Stack", status, failed, stack_id)
        stack["StackStatus"] = status
    stack.update(previous)


# Snapshots of replaced resources

_policy: contextvars.ContextVar[str] = contextvars.ContextVar("policy", default="")


def _remember_policy(own: Callable[..., str]) -> Callable[..., str]:
    """The engine asks for a resource's policy just before it deletes it: keep the answer for `_snapshot_replaced`."""

    def resource_policy(definition: Any, attribute: str, *rest: Any) -> str:
        found = own(definition, attribute, *rest)
        _policy.set(found if attribute == "UpdateReplacePolicy" else "")
        return found

    return resource_policy


def _snapshot_replaced(own: Callable[..., None]) -> Callable[..., None]:
    def delete(resource_type: str, physical_id: str, properties: Any, *rest: Any) -> None:
        from ministack.services.cloudformation import provisioners

        if _policy.get() == "Snapshot":
            provisioners._snapshot_resource(resource_type, physical_id, properties)
        _policy.set("")
        own(resource_type, physical_id, properties, *rest)

    return delete


# Events


def _explain_rollback(own: Callable[..., None]) -> Callable[..., None]:
    """AWS names the failed resources where a creation starts to roll back, and gives the stack that reason too."""

    def add_event(stack_id: str, name: str, logical_id: str, kind: str, status: str, reason: str = "", *rest: Any,
                  **options: Any) -> None:  # fmt: skip
        from ministack.services.cloudformation import _stack_events, _stacks

        if status == "ROLLBACK_IN_PROGRESS" and logical_id == name:
            failed = [
                event["LogicalResourceId"]
                for event in _stack_events.get(stack_id, ())
                if event["ResourceStatus"] == "CREATE_FAILED" and event["LogicalResourceId"] != name
            ]
            if failed:
                reason = (
                    f"The following resource(s) failed to create: [{', '.join(failed)}]. Rollback requested by user."
                )
                (_stacks.get(name) or {})["StackStatusReason"] = reason
        own(stack_id, name, logical_id, kind, status, reason, *rest, **options)

    return add_event


_STARTS = {
    "CREATE_IN_PROGRESS": "CREATE_STACK",
    "UPDATE_IN_PROGRESS": "UPDATE_STACK",
    "DELETE_IN_PROGRESS": "DELETE_STACK",
    "ROLLBACK_IN_PROGRESS": "ROLLBACK",
    "UPDATE_ROLLBACK_IN_PROGRESS": "ROLLBACK",
}


def describe_events(request: dict[str, Any]) -> dict[str, Any]:
    """DescribeEvents: a change set's validation findings, or a stack's events by operation, newest first, in pages.

    Raises ApiError for a stack or change set that does not exist.
    """
    events = _change_set_events(request) if "ChangeSetName" in request else _stack_operation_events(request)
    if request.get("OperationId"):
        events = [event for event in events if event["OperationId"] == request["OperationId"]]
    if (request.get("Filters") or {}).get("FailedEvents"):
        events = [event for event in events if event["EventType"] != "STACK_EVENT"]
    start = int(request.get("NextToken") or 0)
    page = events[start : start + 100]
    return {"OperationEvents": page, **({"NextToken": str(start + 100)} if start + 100 < len(events) else {})}


def _change_set_events(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    from ministack.services.cloudformation import changesets

    _, change_set = changesets._find_change_set(request["ChangeSetName"], request.get("StackName", ""))
    if change_set is None:
        raise ApiError("ChangeSetNotFound", f"ChangeSet [{request['ChangeSetName']}] does not exist", 404)
    return list(change_set.get("_events", ()))


def _stack_operation_events(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    from ministack.services.cloudformation import _stack_events, _stacks, handlers

    if "StackName" in request:
        stack = handlers._resolve_stack(request["StackName"])
        if stack is None:
            raise ApiError("ValidationError", f"Stack [{request['StackName']}] does not exist")
        wanted = [stack]
    else:
        wanted = list(_stacks.values())
    events = [event for stack in wanted for event in _by_operation(_stack_events.get(stack["StackId"], ()))]
    validated = [event for stack in wanted for event in stack.get("_operation_events") or ()]
    return [*reversed(events), *validated]


def _by_operation(events: Any) -> list[dict[str, Any]]:
    """A stack's events with the operation each belongs to: a new one starts where the stack itself starts something."""
    told: list[dict[str, Any]] = []
    operation = {"OperationId": str(uuid.UUID(int=0)), "OperationType": "CREATE_CHANGESET"}
    for event in events:
        status = event["ResourceStatus"]
        if event["LogicalResourceId"] == event["StackName"] and status in _STARTS:
            seed = f"{event['StackId']}{event['EventId']}"
            operation = {"OperationId": str(uuid.uuid5(uuid.NAMESPACE_URL, seed)), "OperationType": _STARTS[status]}
        kind = "PROVISIONING_ERROR" if status.endswith("_FAILED") else "STACK_EVENT"
        told.append({**event, **operation, "EventType": kind})
    return told
