"""Will somebody confirm the subscription to the alarms, so that they reach a person?"""

from __future__ import annotations

from hipaa_pipeline.addresses import is_reserved
from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.preflight.facts import Facts
from hipaa_pipeline.preflight.subject import Subject, literals, parameter_of, warning
from hipaa_pipeline.stack import Stack, protected

CONTROL = "alarm_email"

_ENDPOINTS = {("AWS::SNS::Subscription", "Endpoint"): "endpoint"}
_BY_MAIL = ("email", "email-json")


def alarm_email(subject: Subject, _facts: Facts) -> list[Finding]:
    """No e-mail address subscribed to the alarms is a mere example, and a protected environment has subscribers."""
    stack = subject.stack
    found = [
        _judge(resource.logical_id, address, parameter_of(stack, address))
        for resource, address, _ in literals(stack, _ENDPOINTS)
        if resource.get("Protocol") in _BY_MAIL
    ]
    return found or [_nobody(stack)]


def _judge(resource: str, address: str, parameter: str) -> Finding:
    if not is_reserved(address):
        return Finding(control=CONTROL, status=Status.PASS, resource=resource, property=parameter)
    return warning(
        CONTROL,
        "an address reserved for examples (RFC 2606): nobody will confirm it, and alarms will reach nobody",
        resource=resource,
        property=parameter,
        remedy=f"set {parameter or 'Endpoint'} to an address that somebody reads",
    )


def _nobody(stack: Stack) -> Finding:
    if protected(stack.parameters) and stack.of_type("AWS::SNS::Topic") and not stack.of_type("AWS::SNS::Subscription"):
        return warning(
            CONTROL,
            "nobody is subscribed to the alarm topic, so that verify will fail until somebody is",
            property="AlarmEmail",
            remedy="set AlarmEmail, or subscribe a queue or a chat after the deployment",
        )
    return Finding(control=CONTROL, status=Status.NOT_APPLICABLE, reason="no e-mail address is subscribed")
