"""Who answers questions: a terminal, `--yes`, or nobody."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

import pytest

from hipaa_pipeline.ask import Nobody, Terminal, Yes, asker
from hipaa_pipeline.errors import ExitCode, UserError


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


@pytest.mark.parametrize(("text", "answer"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_a_terminal_confirms_only_what_was_confirmed(monkeypatch: pytest.MonkeyPatch, text: str, answer: bool) -> None:
    typed(monkeypatch, text)
    assert Terminal().confirm("Go on?") is answer


@pytest.mark.parametrize(
    ("text", "answer"), [("my-stack\n", True), ("yes\n", False), ("\n", False), ("my-stac\n", False)]
)
def test_a_name_must_be_typed_exactly(monkeypatch: pytest.MonkeyPatch, text: str, answer: bool) -> None:
    typed(monkeypatch, text)
    assert Terminal().type_name("This deletes it.", "my-stack") is answer


@pytest.mark.parametrize(("text", "answer"), [("now\n", "now"), ("\n", "later"), ("sometime\nnow\n", "now")])
def test_a_choice(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, answer: str) -> None:
    typed(monkeypatch, text)
    assert Terminal().choose("When?", {"later": "not yet", "now": "at once"}, "later") == answer
    printed = capsys.readouterr()
    assert "  now: at once" in printed.err
    assert printed.out == ""


def test_who_ends_the_input_at_a_choice_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "")
    with pytest.raises(KeyboardInterrupt):
        Terminal().choose("When?", {"later": "not yet", "now": "at once"}, "later")


def test_yes_answers_yes_and_leaves_choices_to_whoever_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Yes().confirm("?")
    assert Yes().type_name("?", "x")
    assert Yes().choose("?", {"a": "", "b": ""}, "a") == "a"
    typed(monkeypatch, "b\n")
    assert Yes(Terminal()).choose("?", {"a": "", "b": ""}, "a") == "b"


@pytest.mark.parametrize("question", [Nobody().confirm, lambda text: Nobody().type_name(text, "x")])
def test_nobody_cannot_answer(question: Callable[[str], bool]) -> None:
    with pytest.raises(UserError) as caught:
        question("Go on?")
    assert caught.value.exit_code is ExitCode.USAGE
    assert "--yes" in caught.value.next_command


def test_nobody_takes_the_safe_choice() -> None:
    assert Nobody().choose("?", {"a": "", "b": ""}, "a") == "a"


def test_who_answers() -> None:
    assert isinstance(asker(yes=True), Yes)
    assert isinstance(asker(yes=False), Nobody), "tests have no terminal"
