"""Independent eyes: checkov on the resolved template, parliament on all policies; `make audit`.

Run by the project's own Python; both tools live in `.venv-audit`, because checkov pins another boto3. Nothing here
reaches the network. Of the protected environment nothing is left out; docs/audit.md says what the tools cannot see.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import deployer

from hipaa_pipeline import console
from hipaa_pipeline.aws.live.identifiers import Identifiers, Identity
from hipaa_pipeline.configuration import DEFAULT_REGION, TEMPLATE_PATH, environments, load_environment
from hipaa_pipeline.flatten import as_template
from hipaa_pipeline.resolve import compile_template
from hipaa_pipeline.source import load_template
from hipaa_pipeline.stack import Stack

AUDIT_BIN = Path(".venv-audit/bin")
PROTECTED = "prod"

# What an ephemeral environment does without on purpose; each is waived in parameters/waivers.toml.
EPHEMERAL = {"CKV_AWS_157": "rds_multi_az"}
# parliament's community auditors: (policy, issue) -> why it is right as it is.
EXPLAINED = {
    ("DatabaseLoginPolicy", "CREDENTIALS_EXPOSURE"): "rds-db:connect is the log-in: this policy exists to grant it,"
    " to one database user of one instance",
    ("DatabaseLoginPolicy", "PERMISSIONS_MANAGEMENT_ACTIONS"): "rds-db:connect is filed under permissions management,"
    " but changes no permission",
}

_EXAMPLE_ARNS = {
    "AWS::Kinesis::Stream": {"Arn": "arn:{partition}:kinesis:{region}:{account}:stream/healthcare-stream"},
    "AWS::KMS::Key": {"Arn": "arn:{partition}:kms:{region}:{account}:key/00000000-0000-4000-8000-000000000000"},
    "AWS::Logs::LogGroup": {"Arn": "arn:{partition}:logs:{region}:{account}:log-group:/healthcare/{name}:*"},
    "AWS::RDS::DBInstance": {"DbiResourceId": "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    "AWS::SNS::Topic": {"TopicArn": "arn:{partition}:sns:{region}:{account}:healthcare-{name}"},
}


def main() -> int:
    """Audit every environment; 0 when no tool finds anything that is not explained here."""
    if not (AUDIT_BIN / "checkov").exists():
        console.note(f"{AUDIT_BIN} is missing: make audit installs it")
        return 2
    resolver = compile_template(load_template(TEMPLATE_PATH))
    failures = deployer_policies()
    for environment in environments():
        configuration = load_environment(environment)
        stack = resolver.resolve(configuration.parameters, region=DEFAULT_REGION, stack_name=configuration.stack_name)
        failures += checkov(stack, environment)
        failures += parliament(stack, environment)
    return 1 if failures else 0


def deployer_policies() -> int:
    """How much the deployer's policies lack by AWS's reference of actions, which parliament carries."""
    (reference,) = AUDIT_BIN.parent.glob("lib/python3*/site-packages/parliament/iam_definition.json")
    found = list(deployer.problems(reference))
    for line in found:
        console.result(f"  {line}")
    unjudged = len(deployer.unknown(reference))
    console.result(
        f"the deployer's policies: {len(found)} gaps by parliament's reference, {unjudged} actions not in it"
    )
    return len(found)


def checkov(stack: Stack, environment: str) -> int:
    """How many checkov checks fail that are not explained; prints one line for each and a summary."""
    explained_ids = set() if environment == PROTECTED else EPHEMERAL.keys()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / f"{environment}.json"
        path.write_text(json.dumps(as_template(stack), indent=1), encoding="utf-8")
        command = [AUDIT_BIN / "checkov", "-f", path, "--framework", "cloudformation", "-o", "json", "--compact"]
        report = _json(command, expected_codes={0, 1})
    results = report["results"]
    if results["parsing_errors"]:
        raise RuntimeError(f"checkov could not parse the {environment} template")
    failed = [check for check in results["failed_checks"] if check["check_id"] not in explained_ids]
    for check in failed:
        console.result(f"  {check['check_id']} {check['resource']}: {check['check_name']}")
    explained = len(results["failed_checks"]) - len(failed)
    console.result(
        f"checkov {report['summary']['checkov_version']} {environment}: {len(results['passed_checks'])} passed, "
        f"{len(failed)} failed, {explained} explained"
    )
    return len(failed)


def parliament(stack: Stack, environment: str) -> int:
    """How many findings parliament has on the identity policies that are not explained; prints as `checkov` does."""
    identifiers = Identifiers({name: _identity(name, stack) for name in stack.resources})
    policies = dict(identity_policies(stack))
    found = [
        (name, issue)
        for name, policy in policies.items()
        for issue in parliament_issues(json.dumps(identifiers.physical(policy)))
    ]
    unexplained = [(name, issue) for name, issue in found if (name, issue) not in EXPLAINED]
    for name, issue in unexplained:
        console.result(f"  {name}: {issue}")
    console.result(
        f"parliament {environment}: {len(policies)} policies, {len(unexplained)} findings, "
        f"{len(found) - len(unexplained)} explained"
    )
    return len(unexplained)


def parliament_issues(policy: str) -> list[str]:
    """The issues of one policy document, by parliament's own and its community's auditors."""
    command = [AUDIT_BIN / "parliament", "--include-community-auditors", "--json", "--string", policy]
    return [str(json.loads(line)["issue"]) for line in _lines(command)]


def identity_policies(stack: Stack) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The policies that give identities rights, by logical ID; trust and resource policies are not parliament's."""
    for resource in stack.of_type("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
        yield resource.logical_id, resource.properties["PolicyDocument"]
    for resource in stack.of_type("AWS::IAM::Role"):
        for policy in resource.properties.get("Policies", ()):
            yield f"{resource.logical_id}.{policy['PolicyName']}", policy["PolicyDocument"]


def _identity(name: str, stack: Stack) -> Identity:
    """Example identifiers of a resource, of the right shape: parliament compares them with AWS's ARN formats."""
    resource = stack.resources[name]
    facts = {"partition": stack.partition, "region": stack.region, "account": stack.account_id, "name": name.lower()}
    attributes = {key: text.format(**facts) for key, text in _EXAMPLE_ARNS.get(resource.type, {}).items()}
    return Identity(name, resource.type, attributes.get("TopicArn", name.lower()), attributes)


def _json(command: list[Any], expected_codes: set[int]) -> Any:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    if done.returncode not in expected_codes:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def _lines(command: list[Any]) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    if done.returncode not in {0, 1, 2} or done.stderr.strip():
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return [line for line in done.stdout.splitlines() if line.strip()]


if __name__ == "__main__":
    sys.exit(main())
