"""Personal and secret texts made unreadable in what is shown and kept: both travel further than an account."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

MASK = "****"
"""What stands in place of a text that nobody is to read; CloudFormation's own sign for a NoEcho value."""

NAME_ENDS = (
    "password|passwd|passphrase|pwd|secretstring|secretkey|secretaccesskey|clientsecret|apikey|apitoken|authtoken"
    "|accesstoken|privatekey"
)
"""How names of secrets end, as a pattern, in lower case without separators."""

SECRET_FORMS = re.compile(
    r"""(?<![A-Z0-9])(AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])     # AWS access key ID
    | -----BEGIN\ (\w+\ )*PRIVATE\ KEY-----[^-]*(-----END\ [\w\ ]*-----)?    # PEM
    | gh[pousr]_[A-Za-z0-9]{36,}                             # GitHub token
    | xox[abprs]-[A-Za-z0-9-]{10,}                           # Slack token
    | eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}               # JSON web token
    | [a-z][a-z0-9+.-]*://[^/\s:@${}]+:[^/\s@${}]+@          # URL with a password
    """,
    re.VERBOSE,
)
"""What a secret looks like, whatever it is called. Issuers document these forms."""

NO_SECRET = re.compile(r"^(|\*+|true|false|arn:.*|\{\{resolve:.*\}\}|\$\{.*\})$", re.DOTALL | re.IGNORECASE)
"""What may stand under the name of a secret: a reference to it, or nothing of value."""

_EMAIL = re.compile(r"\b[A-Za-z0-9._%+-]+@([A-Za-z0-9.-]+\.[A-Za-z]{2,})\b")
# Hiding too much does less harm than too little: any secret and any token, where a control would cry wolf.
_HIDDEN_NAME = re.compile(rf"({NAME_ENDS}|secret|token)$")
# Pairs of a name and its value: tags, parameters, the targets of a change set.
_NAMES = ("Key", "Name", "ParameterKey", "ParameterName", "Path")
_VALUES = ("Value", "ParameterValue", "BeforeValue", "AfterValue")


def plain(name: str) -> str:
    """A name in lower case without separators, as the patterns of names want it."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def hides(name: str, text: str) -> bool:
    """Whether a text under this name (the last step of a path counts) is to be masked whole."""
    last = re.split(r"[./]", name)[-1]
    return bool(_HIDDEN_NAME.search(plain(last))) and not NO_SECRET.match(text)


def masked(value: Any, name: str = "") -> Any:
    """The value with e-mail addresses, secrets and the values of secret-looking names masked, at any depth.

    `name` is what the value itself stands under. An address keeps its domain, so that a reader can tell whose it is.
    A boolean (`ManageMasterUserPassword`) and a reference to a secret stay as they are.
    """
    if isinstance(value, str):
        return MASK if hides(name, value) else _text(value)
    if isinstance(value, Mapping):
        return {key: masked(item, _name_in(value, key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item, name) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool) and hides(name, str(value)):
        return MASK
    return value


def _name_in(pair: Mapping[str, Any], key: str) -> str:
    """What an item of a mapping stands under: its key, or what the other half of a pair says."""
    return next((str(pair[name]) for name in _NAMES if name in pair), key) if key in _VALUES else str(key)


def _text(text: str) -> str:
    """A text with what looks secret or personal masked; JSON in a text (a change's context) by its names too."""
    if text.startswith("{"):
        try:
            document = json.loads(text)
        except ValueError:
            pass
        else:
            hidden = masked(document)
            return text if hidden == document else json.dumps(hidden)
    return _EMAIL.sub(rf"{MASK}@\1", SECRET_FORMS.sub(MASK, text))
