"""The architecture as a picture, drawn from a resolved stack: what is there, what talks to what, what is encrypted.

Pure: a stack in, SVG text out, always the same for the same stack. The colours follow the reader's light or dark
preference; the same picture stands in the report and, as `docs/architecture.svg`, in the documentation.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from hipaa_pipeline.stack import Resource, Stack, as_bool

WIDTH = 1040
_MARGIN, _GAP = 20, 16
_LINE, _PADDING = 16, 10
_TOP = 112
# The columns, left to right, as records flow: x and width of producers, stream, processor, database.
_COLUMNS = ((24, 166), (230, 200), (470, 216), (744, 258))
_VPC_X, _VPC_WIDTH, _VPC_TOP = 730, 286, 70

STYLE = """
.hp-text{font:13px system-ui,sans-serif;fill:#1b2733}.hp-small{font:11.5px system-ui,sans-serif;fill:#44525f}
.hp-title{font-weight:600}.hp-box{fill:#fff;stroke:#5b6b7a}.hp-vpc{fill:#eef6f0;stroke:#2c7a4b}
.hp-subnet{fill:#f8fcf9;stroke:#2c7a4b;stroke-dasharray:5 4}.hp-account{fill:#f6f8fa;stroke:#9aa7b3}
.hp-key{fill:#fff6e0;stroke:#a36a00}.hp-flow{stroke:#0b5cad;stroke-width:1.6;fill:none}.hp-head{fill:#0b5cad}
.hp-log{stroke:#5b6b7a;stroke-width:1.2;fill:none;stroke-dasharray:3 3}
@media (prefers-color-scheme:dark){.hp-text{fill:#e8edf2}.hp-small{fill:#b4c0cb}.hp-box{fill:#1d252d;stroke:#8d9aa7}
.hp-vpc{fill:#14251b;stroke:#58b27c}.hp-subnet{fill:#182b20;stroke:#58b27c}.hp-account{fill:#12181e;stroke:#56636f}
.hp-key{fill:#33270a;stroke:#e0a63a}.hp-flow{stroke:#7cb8f5}.hp-head{fill:#7cb8f5}.hp-log{stroke:#8d9aa7}}
@media print{.hp-text,.hp-small{fill:#000}.hp-box,.hp-subnet,.hp-account,.hp-vpc,.hp-key{fill:#fff;stroke:#444}
.hp-flow{stroke:#000}.hp-head{fill:#000}}
"""


@dataclasses.dataclass(frozen=True)
class Box:
    """A box with a title and lines under it; it grows with its text."""

    x: int
    y: int
    width: int
    title: str
    lines: tuple[str, ...] = ()
    style: str = "hp-box"
    least: int = 0

    @property
    def height(self) -> int:
        """The height its text needs, but at least `least`."""
        return max(self.least, 2 * _PADDING + _LINE * (1 + len(self.lines)))

    @property
    def bottom(self) -> int:
        """Where the next box below may start."""
        return self.y + self.height + _GAP


def architecture_picture(stack: Stack) -> str:
    """The picture of a resolved stack, as a complete SVG document."""
    columns = _columns([_writing(stack), _keeping(stack), _reading(stack), _network(stack)])
    bottom = max(box.bottom for column in columns for box in column.values())
    height = bottom + 52
    body = [
        _rectangle(_MARGIN // 2, 34, WIDTH - _MARGIN, height - 44, "hp-account"),
        _text(_MARGIN, 58, f"Account, {stack.region}", "hp-text hp-title"),
        _rectangle(_VPC_X, _VPC_TOP, _VPC_WIDTH, bottom - _VPC_TOP, "hp-vpc"),
        _text(_VPC_X + _PADDING + 4, _VPC_TOP + 26, _vpc_title(stack), "hp-text hp-title"),
        *(_drawn(box) for column in columns for box in column.values()),
        *_arrows({name: box for column in columns for name, box in column.items()}),
        *_legend(height - 22),
    ]
    return _document(stack, height, "\n".join(body))


def _document(stack: Stack, height: int, body: str) -> str:
    title = f"Architecture of {stack.name or 'the pipeline'}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-labelledby="hp-picture-title hp-picture-text">\n'
        f'<title id="hp-picture-title">{escape(title)}</title>\n'
        f'<desc id="hp-picture-text">{escape(description(stack))}</desc>\n'
        f"<style>{STYLE}</style>\n"
        '<defs><marker id="hp-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        'orient="auto-start-reverse"><path class="hp-head" d="M0 0 8 4 0 8z"/></marker></defs>\n'
        f"{body}\n</svg>\n"
    )


def description(stack: Stack) -> str:
    """The picture in words, for whoever cannot see it."""
    boxes = [*_writing(stack), *_keeping(stack), *_reading(stack), *_network(stack)]
    parts = [
        f"{title}: {', '.join(line.rstrip(':') for line in lines)}" if lines else title for _, title, lines, _ in boxes
    ]
    return (
        f"{_vpc_title(stack)}, without a route to the Internet. " + ". ".join(parts) + ". "
        "Producers write to the stream; the processor reads it and logs in to the database over TLS; logs go to "
        "encrypted log groups and alarms to the topic."
    )


Part = tuple[str, str, tuple[str, ...], str]


def _writing(stack: Stack) -> list[Part]:
    """The first column: who writes, and the roles of services."""
    policies = {one.logical_id for one in stack.of_type("AWS::IAM::ManagedPolicy")}
    producer = ("ProducerPolicy:",) if "ProducerPolicy" in policies else ()
    parts: list[Part] = [("producers", "Producers", (*producer, "write records only"), "hp-box")]
    others = [role.logical_id for role in stack.of_type("AWS::IAM::Role") if role.logical_id != "ProcessorRole"]
    if others:
        parts.append(("roles", "Roles of services", tuple(others), "hp-box"))
    return parts


def _keeping(stack: Stack) -> list[Part]:
    """The second column: the stream, the key that encrypts everything, the backup."""
    parts: list[Part] = []
    for stream in stack.of_type("AWS::Kinesis::Stream"):
        kept = f"kept {_plain(stream.get('RetentionPeriodHours'))} hours"
        encrypted = f"encrypted with {_key(stack, stream.get('StreamEncryption.KeyId'))}"
        parts.append(("stream", f"{stream.logical_id}: Kinesis", (kept, encrypted), "hp-box"))
    for key in stack.of_type("AWS::KMS::Key"):
        rotates = "rotates yearly" if as_bool(key.get("EnableKeyRotation")) else "does not rotate"
        parts.append((key.logical_id, f"{key.logical_id}: AWS KMS", ("customer managed", rotates), "hp-key"))
    for vault in stack.of_type("AWS::Backup::BackupVault"):
        plans = tuple(plan.logical_id for plan in stack.of_type("AWS::Backup::BackupPlan"))
        parts.append(("backup", f"{vault.logical_id}: Backup", plans, "hp-box"))
    return parts


def _reading(stack: Stack) -> list[Part]:
    """The third column: the processor, the logs, the alarms."""
    parts: list[Part] = [
        ("processor", "Processor", (f"{role.logical_id}:", _assumed_by(role)), "hp-box")
        for role in stack.of_type("AWS::IAM::Role")
        if role.logical_id == "ProcessorRole"
    ]
    groups = stack.of_type("AWS::Logs::LogGroup")
    if groups:
        lines = tuple(f"{one.logical_id}, {_plain(one.get('RetentionInDays'))} days" for one in groups)
        parts.append(("logs", "Encrypted log groups", lines, "hp-box"))
    alarms = stack.of_type("AWS::CloudWatch::Alarm")
    topics = tuple(one.logical_id for one in stack.of_type("AWS::SNS::Topic")) or ("an existing topic",)
    if alarms:
        notified = tuple(f"notify {topic}, encrypted" for topic in topics)
        parts.append(("alarms", f"{len(alarms)} alarms", notified, "hp-box"))
    return parts


def _assumed_by(role: Resource) -> str:
    statements = role.get("AssumeRolePolicyDocument.Statement") or [{}]
    principal = statements[0].get("Principal", {}) if isinstance(statements, list) else {}
    return str(principal.get("Service", "")) if isinstance(principal, dict) else ""


def _network(stack: Stack) -> list[Part]:
    """The last column, the VPC: the database, its subnets, the endpoints, the security groups."""
    parts: list[Part] = [
        ("database", f"{one.logical_id}: PostgreSQL", _database(stack, one), "hp-box")
        for one in stack.of_type("AWS::RDS::DBInstance")
    ]
    subnets = [
        f"{subnet.logical_id} {_plain(subnet.get('CidrBlock'))}".strip() for subnet in stack.of_type("AWS::EC2::Subnet")
    ]
    if subnets:
        parts.append(("subnets", "Private subnets", ("local routes only", *subnets), "hp-subnet"))
    for kind in ("Interface", "Gateway"):
        services = _endpoints(stack, kind)
        if services:
            parts.append((kind, f"{kind} endpoints", _wrapped(services, 3), "hp-subnet"))
    groups = tuple(group.logical_id for group in stack.of_type("AWS::EC2::SecurityGroup"))
    if groups:
        parts.append(("groups", "Security groups", groups, "hp-box"))
    return parts


def _endpoints(stack: Stack, kind: str) -> tuple[str, ...]:
    found = [one for one in stack.of_type("AWS::EC2::VPCEndpoint") if one.get("VpcEndpointType") == kind]
    return tuple(_plain(one.get("ServiceName")).rpartition(".")[2] or one.logical_id for one in found)


def _database(stack: Stack, database: Resource) -> tuple[str, ...]:
    zones = "two Availability Zones" if as_bool(database.get("MultiAZ")) else "one Availability Zone"
    facts = [f"{_plain(database.get('EngineVersion'))}, {_plain(database.get('DBInstanceClass'))}", zones]
    if as_bool(database.get("StorageEncrypted")):
        facts.append(f"encrypted with {_key(stack, database.get('KmsKeyId'))}")
    if as_bool(database.get("PubliclyAccessible")) is False:
        facts.append("not public, TLS only, IAM log-in")
    facts.append(f"backups for {_plain(database.get('BackupRetentionPeriod'))} days")
    return tuple(facts)


def _key(stack: Stack, reference: object) -> str:
    target = stack.target(reference)
    return target.logical_id if target else "a key of your own"


def _plain(value: object) -> str:
    return str(value) if isinstance(value, str | int | float) else ""


def _vpc_title(stack: Stack) -> str:
    for vpc in stack.of_type("AWS::EC2::VPC"):
        return f"{vpc.logical_id} {_plain(vpc.get('CidrBlock'))}".strip()
    return f"Existing VPC {_plain(stack.parameters.get('ExistingVpcId'))}".strip()


def _wrapped(words: Sequence[str], per_line: int) -> tuple[str, ...]:
    return tuple(", ".join(words[start : start + per_line]) for start in range(0, len(words), per_line))


def _columns(columns: Sequence[Sequence[Part]]) -> list[dict[str, Box]]:
    """The boxes of each column; the first ones, through which the records flow, are equally high."""
    first = max((2 * _PADDING + _LINE * (1 + len(parts[0][2])) for parts in columns[:-1] if parts), default=0)
    drawn = []
    for (x, width), parts in zip(_COLUMNS, columns, strict=True):
        boxes: dict[str, Box] = {}
        y = _TOP
        for name, title, lines, style in parts:
            boxes[name] = Box(x, y, width, title, lines, style, 0 if boxes else first)
            y = boxes[name].bottom
        drawn.append(boxes)
    return drawn


def _arrows(boxes: Mapping[str, Box]) -> Iterator[str]:
    """Records flow from the producers through the stream to the processor, and from there into the database."""
    level = _TOP + 34
    for source, target in (("producers", "stream"), ("stream", "processor"), ("processor", "database")):
        if source in boxes and target in boxes:
            start = boxes[source].x + boxes[source].width
            yield f'<path class="hp-flow" marker-end="url(#hp-arrow)" d="M{start} {level}H{boxes[target].x}"/>'
    if "database" in boxes and "logs" in boxes:
        database, logs = boxes["database"], boxes["logs"]
        y1, x2, y2 = database.y + database.height - 14, logs.x + logs.width, logs.y + 22
        bend = (database.x - x2) // 2
        path = f"M{database.x} {y1}C{database.x - bend} {y1} {x2 + bend} {y2} {x2} {y2}"
        yield f'<path class="hp-log" marker-end="url(#hp-arrow)" d="{path}"/>'


def _legend(y: int) -> Iterator[str]:
    yield f'<path class="hp-flow" marker-end="url(#hp-arrow)" d="M{_MARGIN} {y - 4}h34"/>'
    yield _text(_MARGIN + 42, y, "records, over TLS", "hp-small")
    yield f'<path class="hp-log" marker-end="url(#hp-arrow)" d="M{_MARGIN + 180} {y - 4}h34"/>'
    yield _text(_MARGIN + 222, y, "logs", "hp-small")


def _drawn(box: Box) -> str:
    x, y = box.x + _PADDING, box.y + _PADDING + 12
    lines = [_text(x, y + _LINE * (number + 1), line, "hp-small") for number, line in enumerate(box.lines)]
    frame = _rectangle(box.x, box.y, box.width, box.height, box.style)
    return "\n".join([frame, _text(x, y, box.title, "hp-text hp-title"), *lines])


def _rectangle(x: int, y: int, width: int, height: int, style: str) -> str:
    return f'<rect class="{style}" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>'


def _text(x: int, y: int, text: str, style: str) -> str:
    return f'<text class="{style}" x="{x}" y="{y}">{escape(text)}</text>'
