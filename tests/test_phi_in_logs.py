"""PHI stays out of the database's log: shown on a real PostgreSQL with the template's own settings.

Every provocation carries a mark of its own, where an application would have PHI. With PostgreSQL's defaults many of the
marks are found in the log, so the test can fail; with the template's settings none is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from controls_stacks import FAIL, PASS, about, ask
from hipaa_pipeline.configuration import TEMPLATE_PATH, load_environment
from hipaa_pipeline.resolve import resolve
from hipaa_pipeline.source import load_template
from hipaa_pipeline.verification import postgresql
from real_postgresql import Server, server

TABLES = """
CREATE TABLE patient (ssn text PRIMARY KEY, age integer CHECK (age < 150), name text NOT NULL);
CREATE TABLE visit (ssn text REFERENCES patient);
INSERT INTO patient VALUES ('known', 1, 'known');
"""


def _mark(name: str) -> str:
    return f"MARKED{name.upper()}VALUE"


def _sql(template: str) -> Callable[[Server, str], object]:
    return lambda running, mark: running.psql(template.replace("{mark}", mark))


def _twice(template: str) -> Callable[[Server, str], object]:
    def run(running: Server, mark: str) -> None:
        for _ in range(2):
            running.psql(template.replace("{mark}", mark))

    return run


PROVOCATIONS: dict[str, Callable[[Server, str], object]] = {
    "unique": _twice("INSERT INTO patient VALUES ('{mark}', 1, 'x')"),
    "check": _sql("INSERT INTO patient VALUES ('{mark}', 200, 'x')"),
    "notnull": _sql("INSERT INTO patient VALUES ('{mark}', 1, NULL)"),
    "foreign": _sql("INSERT INTO visit VALUES ('{mark}')"),
    "syntax": _sql("SELECT '{mark}' FROM no_such_table"),
    "input": _sql("SELECT '{mark}'::integer"),
    "raise": _sql("DO $$ BEGIN RAISE EXCEPTION 'patient {mark}'; END $$"),
    "slow": _sql("SELECT pg_sleep(0.3), '{mark}'"),
    "timeout": _sql("SET statement_timeout = 100; SELECT pg_sleep(5), '{mark}'"),
    "prepared": _sql("PREPARE p(text) AS INSERT INTO visit VALUES ($1); EXECUTE p('{mark}')"),
    "copy": _sql("COPY patient FROM PROGRAM 'echo {mark}'"),
    "ddl": _sql("CREATE TABLE copied AS SELECT '{mark}' AS ssn"),
    "password": _sql("CREATE ROLE app LOGIN PASSWORD '{mark}'"),
    "badpassword": lambda running, mark: running.psql("SELECT 1", password=mark),
    "bind": lambda running, mark: running.pgbench("SELECT CAST(:mark AS integer);", {"mark": mark}),
    "bindunique": lambda running, mark: running.pgbench(
        "INSERT INTO patient VALUES (:mark, 1, 'x'), (:mark, 2, 'x');", {"mark": mark}
    ),
}
# What PostgreSQL writes into its log when nobody told it not to.
LEAKING_BY_DEFAULT = {
    "unique", "check", "notnull", "foreign", "syntax", "input", "raise", "timeout", "prepared", "copy", "bind",
    "bindunique",
}  # fmt: skip

RECORDS = {
    "log-in": "connection authorized: user=postgres",
    "refused log-in": 'password authentication failed for user "postgres"',
    "audit": "AUDIT: SESSION,1,1,DDL,CREATE TABLE",
}


def template_settings() -> dict[str, str]:
    """The parameter group of the template, without what exists on RDS only."""
    stack = resolve(load_template(TEMPLATE_PATH), load_environment("prod").parameters, region="ap-southeast-1")
    (group,) = stack.of_type("AWS::RDS::DBParameterGroup")
    parameters = {name: str(value) for name, value in group.properties["Parameters"].items()}
    return {name: value for name, value in parameters.items() if not name.startswith("rds.")}


@pytest.fixture(scope="module")
def hardened() -> Iterator[Server]:
    """A server with the template's settings; `rds.force_ssl` is said in pg_hba.conf, as RDS itself does it."""
    with server(template_settings(), "local all all scram-sha-256\nhostssl all all 127.0.0.1/32 scram-sha-256\n") as it:
        it.psql(TABLES)
        yield it


@pytest.fixture(scope="module")
def default() -> Iterator[Server]:
    """A server with PostgreSQL's own settings."""
    with server({}, "local all all scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\n") as it:
        it.psql(TABLES)
        yield it


def provoke(running: Server) -> set[str]:
    """Do everything; the names of the provocations whose mark is in the log."""
    for name, provocation in PROVOCATIONS.items():
        provocation(running, _mark(name))
    running.psql("DROP TABLE visit", user="postgres")
    return {name for name in PROVOCATIONS if _mark(name) in running.logged()}


def test_the_template_keeps_phi_out_of_the_log(hardened: Server) -> None:
    assert provoke(hardened) == set()


def test_postgresql_by_itself_does_not(default: Server) -> None:
    assert provoke(default) == LEAKING_BY_DEFAULT


@pytest.mark.parametrize(
    "record",
    [
        "connection authorized: user=postgres",
        "disconnection: session time",
        'password authentication failed for user "postgres"',
        "AUDIT: SESSION,1,1,ROLE,CREATE ROLE",
        "AUDIT: SESSION,1,1,ROLE,GRANT",
        "AUDIT: SESSION,1,1,DDL,CREATE TABLE",
        "AUDIT: SESSION,1,1,DDL,DROP TABLE",
    ],
)
def test_what_an_auditor_needs_is_in_the_log(hardened: Server, record: str) -> None:
    hardened.psql("SELECT 1", password="wrong")
    for statement in ("CREATE ROLE clerk", "GRANT pg_monitor TO clerk", "CREATE TABLE kept (a text)"):
        hardened.psql(statement)
    hardened.psql("DROP TABLE kept")
    assert hardened.logged_with(record)


@pytest.mark.parametrize(
    ("settings", "check", "expected", "written"),
    [
        ({"log_min_messages": "fatal"}, "postgresql_records_written", FAIL, {"refused log-in"}),
        ({"log_min_messages": "panic"}, "postgresql_records_written", FAIL, set()),
        ({"pgaudit.log_level": "debug5"}, "postgresql_audit_level", PASS, set(RECORDS)),
        ({"pgaudit.log_level": "warning", "pgaudit.log_client": "on"}, "postgresql_audit_level", FAIL,
         {"log-in", "refused log-in"}),
    ],
)  # fmt: skip
def test_a_level_that_drops_records_fails_its_check(
    settings: dict[str, str], check: str, expected: str, written: set[str]
) -> None:
    weakened = {**template_settings(), **settings}
    group = about("AWS::RDS::DBParameterGroup", Family="postgres17", Parameters=weakened)
    assert ask(check, group).status == expected
    with server(weakened, "local all all scram-sha-256\nhostssl all all 127.0.0.1/32 scram-sha-256\n") as running:
        running.psql("CREATE TABLE kept (a text)")
        running.psql("SELECT 1", password="wrong")
        running.psql("SELECT 1", password="wrong")  # once the second is answered, the first is in the log
        log = running.logged()
    assert {what for what, text in RECORDS.items() if text in log} == written


def test_a_plaintext_session_is_refused(hardened: Server) -> None:
    answer = postgresql.ask("127.0.0.1", hardened.port, "postgres", "postgres")
    assert (answer.tls, answer.plaintext, answer.sqlstate) == (True, "refused", "28000")
    assert "no encryption" in answer.message


def test_a_server_that_lets_plaintext_in_is_found_out(default: Server) -> None:
    answer = postgresql.ask("127.0.0.1", default.port, "postgres", "postgres")
    assert (answer.tls, answer.plaintext) == (True, "accepted")
