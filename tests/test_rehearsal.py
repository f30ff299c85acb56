"""The rehearsal tells the truth: four acts as told in a full account, and not as told where the story does not hold."""

from __future__ import annotations

import pytest

from hipaa_pipeline.clock import SystemClock
from hipaa_pipeline.commands.rehearse import act_lines
from hipaa_pipeline.local.server import LocalAccount
from hipaa_pipeline.rehearsal import FULL, Act, Claim, rehearse


def test_all_four_acts_go_as_told(account: LocalAccount) -> None:
    acts = list(rehearse(account, SystemClock()))
    told = "\n".join(line for act in acts for line in act_lines("x", act))
    assert [act.as_told for act in acts] == [True] * 4, told
    assert len(told.splitlines()) < 45  # one screen
    without, blocked, handed_in, increased = acts
    assert "Cannot exceed quota for RolesPerAccount: 1000" in without.details[0] or "VPCs" in without.details[0]
    assert "VPCs per Region: 5 of 5 used, 1 needed" in blocked.details
    assert {detail.split("=")[0] for detail in handed_in.details} == {
        "ExistingVpcId",
        "ExistingPrivateSubnetIds",
        "ExistingMonitoringRoleArn",
        "ExistingFlowLogRoleArn",
        "ExistingBackupRoleArn",
        "ExistingProcessorRoleArn",
    }
    assert increased.details == ("VPCs per Region: 6, IAM roles: 1,003",)
    stacks = account.inventory()["cloudformation.stack"]
    assert stacks == ["hipaa-pipeline-dev CREATE_COMPLETE"]  # the last act's; the third one was removed


def test_where_the_quotas_do_not_bind_the_story_is_not_told(account: LocalAccount) -> None:
    account.set_quotas(dict.fromkeys(FULL, 5000))
    first = next(rehearse(account, SystemClock()))
    assert not first.as_told
    assert "NOT  the deployment fails of a quota" in list(act_lines("a", first))


@pytest.mark.parametrize(("held", "word"), [(True, "ok"), (False, "NOT")])
def test_an_act_is_as_told_when_every_claim_held(held: bool, word: str) -> None:
    act = Act("title", [Claim("first", held=True), Claim("second", held)], ("detail",), 1.25)
    assert act.as_told is held
    assert list(act_lines("a", act)) == ["\n(a) title (1.2 s)", "ok   first", f"{word:<5}second", "       detail"]
    assert act.as_dict()["as_told"] is held
