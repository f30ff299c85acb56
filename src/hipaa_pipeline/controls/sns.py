"""SNS topics: what is published is encrypted, on the way and at rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hipaa_pipeline.controls.check import (
    Check,
    Severity,
    Verdict,
    failed,
    listed,
    mapping,
    problems_or_pass,
    undetermined,
    verdict,
)
from hipaa_pipeline.controls.policy import RESOURCE, Statement, statements_of, text_of, undecided
from hipaa_pipeline.controls.relations import referring, uses_customer_key
from hipaa_pipeline.stack import Resource, Stack, is_unknown

TOPIC = "AWS::SNS::Topic"
TOPIC_POLICY = "AWS::SNS::TopicPolicy"
SUBSCRIPTION = "AWS::SNS::Subscription"


def policy_of(topic: Resource, stack: Stack) -> list[Statement]:
    """The statements of the policies that the stack puts on a topic."""
    policies = referring(stack, TOPIC_POLICY, "Topics", topic)
    return [statement for policy in policies for statement in statements_of(policy, RESOURCE)]


def refuses_plain_text(statement: Statement, action: str) -> bool:
    """Whether a statement denies everyone an action without TLS."""
    return (
        not statement.allow
        and statement.about("AWS", "*")
        and statement.acts(action)
        and statement.conditions == (("bool", "aws:securetransport", ("false",)),)
    )


def _tls_only(topic: Resource, stack: Stack) -> Iterator[Verdict]:
    policy = policy_of(topic, stack)
    refuses = any(refuses_plain_text(statement, "sns:Publish") for statement in policy)
    unclear = undecided(policy)
    expected = "a topic policy that denies sns:Publish when aws:SecureTransport is false"
    if unclear is not None and not refuses:
        yield undetermined("", expected, unclear)
    else:
        yield verdict(refuses, "", expected, "it does" if refuses else "no such statement")


def _endpoints(resource: Resource) -> list[tuple[str, Any]]:
    if resource.type == SUBSCRIPTION:
        return [("Protocol", resource.properties.get("Protocol"))]
    inline = listed(resource.properties.get("Subscription"))
    return [(f"Subscription[{index}].Protocol", mapping(item).get("Protocol")) for index, item in enumerate(inline)]


def _no_plain_http(resource: Resource, _stack: Stack) -> Iterator[Verdict]:
    protocols, expected = _endpoints(resource), "not http"
    problems = (
        undetermined(path, expected, value) if is_unknown(value) else failed(path, expected, value)
        for path, value in protocols
        if is_unknown(value) or text_of(value) == "http"
    )
    yield from problems_or_pass(problems, "Protocol", expected, [value for _, value in protocols])


CHECKS = (
    Check(
        slug="sns_topic_encrypted",
        service="SNS",
        severity=Severity.HIGH,
        title="The topic is encrypted with a customer managed key",
        remedy="Set KmsMasterKeyId to a key of yours; alias/aws/sns admits no AWS service as publisher.",
        citations=("164.308(a)(1)(ii)(B)", "164.312(a)(2)(iv)", "164.312(e)(2)(ii)"),
        types=(TOPIC,),
        judge=uses_customer_key("KmsMasterKeyId"),
    ),
    Check(
        slug="sns_topic_tls",
        service="SNS",
        severity=Severity.MEDIUM,
        title="The topic accepts messages over TLS only",
        remedy="Deny sns:Publish to everyone when aws:SecureTransport is false, in an AWS::SNS::TopicPolicy.",
        citations=("164.312(e)(1)",),
        types=(TOPIC,),
        judge=_tls_only,
    ),
    Check(
        slug="sns_subscription_tls",
        service="SNS",
        severity=Severity.MEDIUM,
        title="No subscriber is called over plain HTTP",
        remedy="Set Protocol to https.",
        citations=("164.312(e)(1)", "164.312(e)(2)(ii)"),
        types=(SUBSCRIPTION, TOPIC),
        judge=_no_plain_http,
    ),
)
