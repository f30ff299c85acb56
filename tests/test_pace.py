"""How long is waited between looks and between attempts, and how little it takes to know."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from hipaa_pipeline.commands import deploy
from hipaa_pipeline.deployment.pace import MOST_ATTEMPTS, backoff


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 30), (2, 60), (3, 120), (4, 240), (5, 480), (9, 7680)])
def test_each_pause_is_twice_as_long(attempt: int, seconds: float) -> None:
    assert backoff(attempt) == seconds


def test_the_option_admits_as_many_attempts_as_there_may_be() -> None:
    (option,) = (each for each in deploy.command.params if each.name == "attempts")
    assert isinstance(option.type, click.IntRange)
    assert (option.type.min, option.type.max) == (1, MOST_ATTEMPTS)


def test_the_options_of_deploy_are_known_without_what_deploying_takes() -> None:
    code = "import sys, hipaa_pipeline.commands.deploy; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert {"botocore", "hipaa_pipeline.deployment.order"}.isdisjoint(told.stdout.split())
