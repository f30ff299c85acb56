"""Fixtures: a local account of its own for each test process, emptied before each test that asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from hipaa_pipeline.aws.session import Session
from hipaa_pipeline.local.server import LocalAccount, local_account

# A busy machine is no failure: how long an example takes is for `make bench`.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(scope="session")
def local_process() -> Iterator[LocalAccount]:
    """The local account's process, one for all tests of this worker. Ask for `account` instead."""
    with local_account() as account:
        yield account


@pytest.fixture
def account(local_process: LocalAccount) -> LocalAccount:
    """An empty local account with AWS's default quotas and no faults."""
    local_process.reset()
    return local_process


@pytest.fixture(scope="session")
def local_session(local_process: LocalAccount) -> Session:
    """AWS calls to the local account, its clients made once for all tests of this worker."""
    return Session(local_process.connection)


@pytest.fixture
def session(account: LocalAccount, local_session: Session) -> Session:
    """AWS calls to an empty local account."""
    return local_session
