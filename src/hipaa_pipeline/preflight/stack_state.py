"""Can the stack be created or updated as it stands? And is the template within CloudFormation's limits?"""

from __future__ import annotations

from hipaa_pipeline.deployment.states import Standing, foreign
from hipaa_pipeline.findings import Finding, Status
from hipaa_pipeline.preflight.existing import existing_stack, replaced
from hipaa_pipeline.preflight.facts import Facts
from hipaa_pipeline.preflight.subject import Subject, passed_or_failed

STATE = "stack_state"
SIZE = "template_size"
REPLACEMENTS = "replacements_known"

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
MAX_TEMPLATE_BYTES = 51_200
MAX_PARAMETERS = 200
MAX_OUTPUTS = 200

_DEPLOYABLE = frozenset({Standing.ABSENT, Standing.READY, Standing.IN_REVIEW})
_WAYS_OUT = {
    Standing.BUSY: "wait until it has ended: aws cloudformation describe-stacks --stack-name {name} --region {region}",
    Standing.ROLLED_BACK: "aws cloudformation delete-stack --stack-name {name} --region {region}",
    Standing.DELETE_STUCK: "aws cloudformation delete-stack --stack-name {name} --region {region}",
    Standing.UPDATE_FAILED: "aws cloudformation rollback-stack --stack-name {name} --region {region}",
    Standing.ROLLBACK_STUCK: "aws cloudformation continue-update-rollback --stack-name {name} --region {region}",
}


def stack_state(subject: Subject, facts: Facts) -> list[Finding]:
    """CloudFormation would accept a change set for the stack, and an update replaces only what can be replaced."""
    existing = existing_stack(subject.stack, facts)
    name, region = subject.stack.name, subject.stack.region
    if existing.foreign and not subject.deployer:  # StackSets itself says which stacks are a fleet's own
        return [_foreign(name)]
    state = Finding(
        control=STATE,
        status=passed_or_failed(existing.standing in _DEPLOYABLE),
        resource=name,
        expected="no stack, or one that can be updated",
        actual=": ".join(part for part in (existing.status, existing.standing.value) if part),
        remedy=_WAYS_OUT.get(existing.standing, "").format(name=name, region=region),
    )
    if not existing.before_unknown:
        return [state, *_named_replacements(subject, facts)]
    reason = f"{existing.before_unknown}: which resources this update replaces is not known"
    return [state, Finding(control=STATE, rule=REPLACEMENTS, status=Status.UNKNOWN, resource=name, reason=reason)]


def _foreign(name: str) -> Finding:
    """`deploy` says the same, in these words; what could be done to the stack is its owner's to decide."""
    return Finding(
        control=STATE,
        status=Status.FAIL,
        resource=name,
        expected="no stack, or one that this tool made",
        actual=foreign(name),
        remedy=f"aws cloudformation describe-stacks --stack-name {name}",
    )


def _named_replacements(subject: Subject, facts: Facts) -> list[Finding]:
    """A resource with an explicit name cannot be replaced: the new one would need the name of the old one.

    CloudFormation says so only during the update: "cannot update a stack when a custom-named resource requires
    replacing".
    """
    from hipaa_pipeline.preflight.names import explicit_name

    existing = existing_stack(subject.stack, facts)
    stuck = []
    for logical_id in sorted(replaced(subject.stack, existing)):
        old, new = existing.old(logical_id), subject.stack.resources[logical_id]
        if old and explicit_name(new) and explicit_name(new) == explicit_name(old):
            stuck.append((new, explicit_name(new)))
    return [
        Finding(
            control=STATE,
            rule="replaces_named_resource",
            status=Status.FAIL,
            resource=resource.logical_id,
            expected="a change that keeps the resource, or a new name for it",
            actual=f"replaces {resource.type} while keeping its name {name}",
            remedy="undo the change of this resource, or deploy a new environment beside this one",
        )
        for resource, name in stuck
    ]


def template_size(subject: Subject, _: Facts) -> list[Finding]:
    """The template fits into one request and into CloudFormation's fixed limits; resources have their ledger row."""
    stack = subject.stack
    counts = (
        ("template_bytes", subject.template_bytes, MAX_TEMPLATE_BYTES, "bytes in a request (more needs a bucket)"),
        ("parameters", len(stack.parameters), MAX_PARAMETERS, "parameters"),
        ("outputs", len(stack.outputs), MAX_OUTPUTS, "outputs"),
    )
    return [
        Finding(
            control=SIZE,
            rule=rule,
            status=passed_or_failed(count <= most),
            resource=stack.name,
            expected=f"at most {most:,} {unit}",
            actual=f"{count:,}",
            remedy="shorten descriptions and metadata" if count > most else "",
        )
        for rule, count, most, unit in counts
    ]
