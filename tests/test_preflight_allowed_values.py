"""What the `AllowedValues` of an RDS parameter allow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_pipeline.preflight.allowed_values import is_allowed

AUDIT = "ddl,function,misc,read,role,write,none,all,-ddl,-function,-misc,-read,-role,-write"
PROTOCOLS = "TDSv7.0, TDSv7.1, TDSv7.1.1, TDSv7.3A, DEFAULT"


@pytest.mark.parametrize(
    ("allowed", "value", "expected"),
    [
        ("0,1", "1", True),
        ("0,1", "2", False),
        ("0,1", "on", False),
        ("terse,default,verbose", "terse", True),
        ("terse,default,verbose", "brief", False),
        ("terse,default,verbose", "ters", False),
        ("debug5,warning,error", "WARNING", True),
        (PROTOCOLS, "TDSv7.1.1", True),
        (PROTOCOLS, "TDSv7.2", False),
        ("md5+scram,scram", "scram", True),
        ("md5,scram-sha-256", "scram-sha-256", True),
        ("postgresql.log.%Y-%m-%d,postgresql.log.%Y-%m-%d-%H", "postgresql.log.%Y-%m-%d-%H", True),
        ("0-100", "100", True),
        ("0-100", "101", False),
        ("0-100", "-1", False),
        ("0-100", "0.2", True),
        ("0-100", "half", False),
        ("0-100", "64kB", False),
        ("0-100", "", False),
        ("0-100", "NaN", False),
        ("0-100", "Infinity", False),
        ("-1-2147483647", "-1", True),
        ("-1-2147483647", "-2", False),
        ("-10--5", "-7", True),
        ("-10--5", "-4", False),
        ("-9223370000000000000-9223370000000000000", "-9223370000000000000", True),
        ("0-1.79769e+308", "1e300", True),
        ("0-1.79769e+308", "-0.1", False),
        ("0,128-256,1024", "200", True),
        ("0,128-256,1024", "1024", True),
        ("0,128-256,1024", "512", False),
        ("0-10,20-30", "25", True),
        ("0-10,20-30", "15", False),
        ("", "anything", None),
        ("^[a-z]+$", "abc", None),
        ("{A},0-3", "1", None),
        ("16-1073741823", "{DBInstanceClassMemory/32768}", None),
        ("6-8388607", "LEAST({DBInstanceClassMemory/9531392},5000)", None),
    ],
)
def test_single_values(allowed: str, value: str, expected: bool | None) -> None:
    assert is_allowed(allowed, value) is expected


@pytest.mark.parametrize(
    ("value", "as_list", "as_one"),
    [
        ("ddl", True, True),
        ("ddl,role", True, None),
        ("ddl, role", True, None),
        ("ddl,-read", True, None),
        ("ddl,select", False, False),
        ("ddl,", False, False),
    ],
)
def test_several_items(value: str, as_list: bool, as_one: bool | None) -> None:
    assert is_allowed(AUDIT, value, is_list=True) is as_list
    assert is_allowed(AUDIT, value) is as_one


integers = st.integers(-(2**63), 2**63)
words = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)


@given(integers, integers, integers)
def test_a_range_allows_what_is_between_its_ends(one: int, other: int, value: int) -> None:
    low, high = sorted((one, other))
    assert is_allowed(f"{low}-{high}", str(value)) is (low <= value <= high)


@given(st.lists(words, min_size=1), st.lists(words, min_size=1), st.sampled_from([",", ", "]))
def test_a_list_is_allowed_when_each_item_is(allowed: list[str], items: list[str], comma: str) -> None:
    assert is_allowed(comma.join(allowed), comma.join(items), is_list=True) is set(items).issubset(allowed)


@given(st.text(), st.text(), st.booleans())
def test_any_text_has_an_answer(allowed: str, value: str, is_list: bool) -> None:
    assert is_allowed(allowed, value, is_list=is_list) in {True, False, None}
