"""The verifier's policy in the documentation names exactly the actions that reading needs."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

from hipaa_pipeline.aws import live, stacks
from hipaa_pipeline.aws.session import AwsError, ErrorKind

SOURCES = ("aws/live", "aws/drill.py", "aws/last_deployment.py", "aws/events.py")
DOCUMENT = Path("docs/continuous-compliance.md")
# Calls of modules that verify does not use, though they stand in the same files.
OTHERS = {"cloudformation:DescribeEvents"}
# CloudFormation detects drift resource by resource, on behalf of the call for the stack.
IMPLIED = {"cloudformation:DetectStackResourceDrift"}


def documented() -> set[str]:
    policy = json.loads(re.findall(r"```json\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)[0])
    return set(policy["Statement"][0]["Action"])


def called() -> set[str]:
    """`service:Action` of every call that stands in the sources, as literals."""
    package = Path(live.__file__).parents[2]
    files = [path for source in SOURCES for path in sorted((package / source).rglob("*.py")) or [package / source]]
    text = "\n".join([*(path.read_text(encoding="utf-8") for path in files), inspect.getsource(stacks.resources)])
    calls = re.findall(r"\.(?:call|pages)\(\s*\"([a-z0-9-]+)\",\s*\"([a-z_]+)\"", text)
    batched = r"described\(\s*reader,[^\"]*(?:\"AWS::[^\"]*\",\s*)?\"(describe_[a-z_]+)\""
    calls += [("ec2", operation) for operation in re.findall(batched, text)]
    return {AwsError(ErrorKind.OTHER, service, operation, "", "").action for service, operation in calls}


def test_the_policy_is_what_reading_needs() -> None:
    assert documented() == {action for action in called() if action not in OTHERS} | IMPLIED
