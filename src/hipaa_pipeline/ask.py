"""Questions to a person, as an argument: answered at a terminal, by `--yes`, or by nobody."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Protocol

from hipaa_pipeline.errors import UserError


class Asker(Protocol):
    """Who answers."""

    def confirm(self, question: str) -> bool:
        """Yes or no; the safe answer is no."""
        ...

    def type_name(self, question: str, name: str) -> bool:
        """Whether the person typed exactly this name: for what cannot be undone."""
        ...

    def choose(self, question: str, options: Mapping[str, str], default: str) -> str:
        """One of the options, by its key; `default` where nobody can be asked.

        Raises KeyboardInterrupt when the person leaves instead of answering.
        """
        ...


class Terminal:
    """A person at a terminal; questions go to standard error, so that results can be piped."""

    def confirm(self, question: str) -> bool:
        """Yes or no, no being the default."""
        import click

        return click.confirm(question, default=False, err=True)

    def type_name(self, question: str, name: str) -> bool:
        """Whether the person typed exactly this name."""
        import click

        typed: str = click.prompt(f"{question} Type {name} to go on", default="", show_default=False, err=True)
        return typed.strip() == name

    def choose(self, question: str, options: Mapping[str, str], default: str) -> str:
        """One of the options, by its key."""
        import click

        for key, meaning in options.items():
            click.echo(f"  {key}: {meaning}", err=True)
        try:
            answer: str = click.prompt(question, type=click.Choice(list(options)), default=default, err=True)
        except click.Abort:
            click.echo(err=True)  # the terminal has written ^C
            raise KeyboardInterrupt from None
        return answer


class Nobody:
    """No terminal and no `--yes`: a question cannot be answered, and that is a usage error, never a no or a yes."""

    def confirm(self, question: str) -> bool:
        """Raises UserError."""
        raise _unanswered(question)

    def type_name(self, question: str, name: str) -> bool:
        """Raises UserError."""
        raise _unanswered(question)

    def choose(self, question: str, options: Mapping[str, str], default: str) -> str:
        """The default: what is safe when nobody is there."""
        return default


class Yes:
    """`--yes`: every question is answered with yes. A choice has no yes: whoever is there makes it."""

    def __init__(self, present: Asker | None = None) -> None:
        self._present = present or Nobody()

    def confirm(self, question: str) -> bool:
        """Yes."""
        return True

    def type_name(self, question: str, name: str) -> bool:
        """Yes."""
        return True

    def choose(self, question: str, options: Mapping[str, str], default: str) -> str:
        """What the person at the terminal chooses; the default without one."""
        return self._present.choose(question, options, default)


def asker(*, yes: bool) -> Asker:
    """Who answers in this process."""
    present = Terminal() if sys.stdin.isatty() and sys.stderr.isatty() else Nobody()
    return Yes(present) if yes else present


def _unanswered(question: str) -> UserError:
    message = f'"{question}" has to be answered, and there is no terminal to ask at.'
    return UserError(message, "Run the same command with --yes.")
