"""The preflight's document names every check and every quota, and tells where each number comes from."""

from __future__ import annotations

from hipaa_pipeline.documents.preflight import preflight_document
from hipaa_pipeline.preflight.checks import SLUGS
from hipaa_pipeline.preflight.quotas import BY_SLUG
from hipaa_pipeline.preflight.resource_types import RESOURCE_TYPES


def test_every_check_quota_and_uncounted_type_is_there() -> None:
    text = preflight_document()
    assert [slug for slug in SLUGS if f"| `{slug}` |" not in text] == []
    assert [quota.name for quota in BY_SLUG.values() if f"| {quota.name} | `{quota.key}` |" not in text] == []
    assert [name for name, row in RESOURCE_TYPES.items() if row.no_count_quota and f"| `{name}` |" not in text] == []


def test_sources_are_found_by_asking() -> None:
    lines = preflight_document().splitlines()
    assert "| VPCs per Region | `vpc/L-F678F1CE` | 5 | `ec2:DescribeVpcs` | Service Quotas |" in lines
    assert (
        "| KMS customer keys | `kms/L-C2F1777E` | 100,000 | `kms:ListAliases`, `kms:ListKeys` | Service Quotas |"
        in lines
    )
    assert "| Resources per template | `cloudformation/stack_resources` | 500 | the template | fixed by AWS |" in lines
