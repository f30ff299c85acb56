"""Example texts of a pattern: its shortest, its longest, one of each alternative, all of them matching."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_pipeline.evaluation.patterns import examples


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        ("", [""]),
        ("abc", ["abc"]),
        ("^[a-z]{2,4}$", ["ab", "abcd"]),
        ("[a-z]+", ["a", "abcd"]),
        (r"\d{3}", ["012"]),
        (r"[^a-z]", ["0"]),
        (r"\w\s\S", ["a c"]),
        (r"\W", ["!"]),
        (r"\D.", ["ab"]),
        ("^(|vpc-[0-9a-f]{8,10})$", ["", "vpc-abcdef01", "vpc-abcdef0123"]),
        ("^(a|bb|ccc)x?$", ["a", "bb", "ccc", "cccx"]),
        ("(?:aa|bb){2}", ["aaaa"]),
        ("id-[ab](,id-[ab])*", ["id-a", "id-a,id-b,id-a,id-b"]),
        ("(?i)ab", ["ab"]),
        ("a++b", ["ab", "aaaab"]),
        (r"(?=a)ab", []),
        (r"(a)\1", []),
        (r"a\bb", []),
    ],
)
def test_examples(pattern: str, texts: list[str]) -> None:
    assert examples(re.compile(pattern, re.ASCII)) == texts


LITERALS = st.sampled_from(["a", "b", "[a-c]", "[^a]", r"\d", r"\w", ".", "-"])
PATTERNS = st.recursive(
    LITERALS,
    lambda inner: (
        st.tuples(inner, inner).map("".join)
        | st.tuples(inner, inner).map(lambda pair: f"({pair[0]}|{pair[1]})")
        | st.tuples(inner, st.sampled_from(["?", "*", "+", "{2}", "{1,3}"])).map(lambda pair: f"(?:{pair[0]}){pair[1]}")
    ),
    max_leaves=6,
)


@given(PATTERNS)
def test_every_example_matches_and_there_is_one(pattern: str) -> None:
    """Patterns without lookarounds and group references always have examples, and each matches the whole pattern."""
    compiled = re.compile(pattern, re.ASCII)
    texts = examples(compiled)
    assert texts
    assert all(compiled.fullmatch(text) for text in texts)
    assert len(set(texts)) == len(texts)
    assert [len(text) for text in texts] == sorted(len(text) for text in texts)
