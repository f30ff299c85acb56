"""The only module that imports boto3: a session, and one funnel through which every AWS call goes.

The funnel gives each call the same retries and time-outs, turns botocore's many exceptions into one `AwsError` with
a kind, and counts calls. A read-only session refuses anything but describe, get, list and simulate calls before it
leaves the process.
"""

from __future__ import annotations

import collections
import concurrent.futures
import dataclasses
import enum
import functools
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from botocore.client import BaseClient

T = TypeVar("T")

READ_PREFIXES = ("describe_", "get_", "list_", "simulate_", "lookup_", "search_", "validate_", "estimate_")
MAX_WORKERS = 24
MAX_ATTEMPTS = 5
CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 60

# How the pages of operations hang together for which botocore knows no paginator, in the words of its own models.
_BY_NEXT_TOKEN = {"input_token": "NextToken", "output_token": "NextToken"}
_PAGED_OTHERWISE = {
    ("kinesis", "list_tags_for_stream"): {
        "input_token": "ExclusiveStartTagKey", "output_token": "Tags[-1].Key", "more_results": "HasMoreTags",
    },
}  # fmt: skip

# Where IAM's name of a service or an operation is not the one that boto3's gives away.
_IAM_PREFIXES = {"service-quotas": "servicequotas", "resourcegroupstaggingapi": "tag"}
_ACRONYMS = {"db": "DB", "aws": "AWS", "mfa": "MFA"}


_NOTHING = ("not exist", "Cannot find")


class ErrorKind(enum.StrEnum):
    """Why a call gave no answer."""

    DENIED = "denied"
    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    CREDENTIALS = "credentials"
    NOT_FOUND = "not-found"
    INVALID = "invalid"
    OTHER = "other"


class AwsError(Exception):
    """An AWS call that gave no answer: which call, AWS's own code and message, and the kind."""

    def __init__(self, kind: ErrorKind, service: str, operation: str, code: str, message: str) -> None:
        super().__init__(f"{service}:{operation} failed: {message or code}")
        self.kind = kind
        self.service = service
        self.operation = operation
        self.code = code
        self.message = message

    @property
    def action(self) -> str:
        """The IAM action of the call (`ec2:DescribeVpcs`): what to allow when it was denied."""
        words = (_ACRONYMS.get(part, part.capitalize()) for part in self.operation.split("_"))
        return f"{_IAM_PREFIXES.get(self.service, self.service)}:{''.join(words)}"

    @property
    def reason(self) -> str:
        """Which action gave no answer and why, in a word: what makes a value unknown."""
        return f"{self.action}: {self.code or self.kind}"

    @property
    def told(self) -> str:
        """The same in AWS's words."""
        return f"{self.action}: {self.message or self.code or self.kind}"

    @property
    def names_nothing(self) -> bool:
        """Whether what was asked for does not exist; some services say so by a validation error."""
        if self.kind is ErrorKind.NOT_FOUND:
            return True
        return self.kind is ErrorKind.INVALID and any(text in self.message for text in _NOTHING)


class ReadOnlyError(Exception):
    """A programming error: a call that may change something was tried on a read-only session."""


@dataclasses.dataclass(frozen=True)
class Connection:
    """Where and as whom to call: the standard AWS environment variables apply where a field is None.

    All sessions over one connection share its boto3 clients, since making them is most of a short command's work.
    """

    region: str
    profile: str | None = None
    endpoint_url: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = dataclasses.field(default=None, repr=False)
    session_token: str | None = dataclasses.field(default=None, repr=False)

    @functools.cached_property
    def clients(self) -> Clients:
        """The boto3 clients that call there."""
        return Clients(self)


class Clients:
    """The boto3 clients of a connection, each made once. They are thread-safe, but making one is not.

    Making one takes up to a tenth of a second (ec2): calls through clients that exist do not wait for it.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._made: dict[tuple[str, str, int], BaseClient] = {}

    def get(self, service: str, region: str, max_attempts: int) -> BaseClient:
        """The client of a service in a Region that tries each call so often. Raises AwsError."""
        key = (service, region, max_attempts)
        if key not in self._made:
            with self._lock:
                if key not in self._made:
                    self._made[key] = self._make(service, region, max_attempts)
        return self._made[key]

    def endpoint_urls(self) -> list[str]:
        """The endpoints of all clients made so far, whatever they were configured by (see `endpoints.foreign`)."""
        with self._lock:
            return [str(client.meta.endpoint_url) for client in self._made.values()]

    @functools.cached_property
    def _boto3_session(self) -> Any:
        import boto3

        from hipaa_pipeline.aws.expiry import credentials_expire_at

        connection = self._connection
        credentials_expire_at(connection, os.environ)  # botocore takes a malformed time for a bad endpoint
        return boto3.Session(
            profile_name=connection.profile,
            region_name=connection.region,
            aws_access_key_id=connection.access_key_id,
            aws_secret_access_key=connection.secret_access_key,
            aws_session_token=connection.session_token,
        )

    def _make(self, service: str, region: str, max_attempts: int) -> BaseClient:
        from botocore.config import Config

        config = Config(
            retries={"mode": "standard", "total_max_attempts": max_attempts},
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=READ_TIMEOUT_SECONDS,
            max_pool_connections=MAX_WORKERS,
        )
        url = self._connection.endpoint_url

        def make() -> BaseClient:  # reads the configuration files, and asks the credentials' provider
            client: BaseClient = self._boto3_session.client(
                service, region_name=region, endpoint_url=url, config=config
            )
            return client

        try:
            return translated(service, "client", make)
        except ValueError as error:  # botocore's "Invalid endpoint"; its "invalid Region" is a ValueError too
            raise AwsError(ErrorKind.UNREACHABLE, service, "client", "InvalidEndpoint", str(error)) from error


class Session:
    """AWS calls by service and operation name, as boto3 names them: `session.call("ec2", "describe_vpcs")`."""

    def __init__(self, connection: Connection, *, read_only: bool = False, max_attempts: int = MAX_ATTEMPTS) -> None:
        self.connection = connection
        self.region = connection.region
        self.read_only = read_only
        self.max_attempts = max_attempts
        self.calls = 0
        self.retried: collections.Counter[str] = collections.Counter()
        self._lock = threading.Lock()

    def call(
        self, service: str, operation: str, /, *, in_region: str | None = None, **arguments: Any
    ) -> dict[str, Any]:
        """One call's answer, without ResponseMetadata. Raises AwsError, or ReadOnlyError before anything is sent."""
        self._refuse_writes(service, operation)
        self._count_call()
        client = self.client(service, in_region or self.region)
        answer: dict[str, Any] = translated(
            service, operation, functools.partial(getattr(client, operation), **arguments)
        )
        self._note_retries(service, operation, answer.pop("ResponseMetadata", {}))
        return answer

    def _refuse_writes(self, service: str, operation: str) -> None:
        if self.read_only and not operation.startswith(READ_PREFIXES):
            raise ReadOnlyError(f"{service}.{operation} on a read-only session")

    def _count_call(self) -> None:
        with self._lock:
            self.calls += 1

    def _note_retries(self, service: str, operation: str, metadata: Mapping[str, Any]) -> None:
        """Remember in `retried` which call had to be made again (throttled, connection lost), and how often."""
        attempts = metadata.get("RetryAttempts", 0)
        if attempts:
            with self._lock:
                self.retried[f"{service}:{operation}"] += attempts

    def pages(
        self, service: str, operation: str, key: str, /, *, in_region: str | None = None, **arguments: Any
    ) -> list[Any]:
        """All items under `key`, a dotted path, over all pages of a call, with or without a paginator of botocore's.

        Of a mapping, its items are pairs.
        """
        self._refuse_writes(service, operation)
        paginator = _paginator(self.client(service, in_region or self.region), service, operation, key)

        def collect() -> list[Any]:
            items: list[Any] = []
            self._count_call()
            for number, page in enumerate(paginator.paginate(**arguments)):
                if number:
                    self._count_call()
                self._note_retries(service, operation, page.get("ResponseMetadata", {}))
                items.extend(_items(page, key))
            return items

        return translated(service, operation, collect)

    def client(self, service: str, region: str) -> BaseClient:
        """The connection's boto3 client of a service in a Region, trying each call as often as this session does."""
        return self.connection.clients.get(service, region, self.max_attempts)


def _items(answer: Mapping[str, Any], key: str) -> list[Any]:
    """What is at a dotted path of an answer, as a list; empty where AWS leaves it out."""
    *outer, last = key.split(".")
    for step in outer:
        answer = answer.get(step, {})
    found = answer.get(last, ())
    return list(found.items() if isinstance(found, Mapping) else found)


def _paginator(client: Any, service: str, operation: str, key: str) -> Any:
    if client.can_paginate(operation):
        return client.get_paginator(operation)
    from botocore.paginate import Paginator

    tokens = _PAGED_OTHERWISE.get((service, operation), _BY_NEXT_TOKEN)
    model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
    return Paginator(getattr(client, operation), {**tokens, "result_key": key}, model)


def configured_region(profile: str | None = None) -> str | None:
    """The Region of AWS_REGION, of AWS_DEFAULT_REGION or of the profile, as the AWS tools find it; None without one.

    Raises AwsError when the profile is needed for it and cannot be read.
    """
    from botocore.session import Session as BotocoreSession

    def configured() -> Any:
        return os.environ.get("AWS_REGION") or BotocoreSession(profile=profile).get_config_variable("region")

    region = translated("configure", "region", configured)
    return str(region) if region else None


@functools.cache
def known_regions() -> frozenset[str]:
    """Every Region that CloudFormation is in, of every partition, as this release of botocore knows them."""
    from botocore.session import Session as BotocoreSession

    session = BotocoreSession()
    partitions = session.get_available_partitions()
    return frozenset(
        region for partition in partitions for region in session.get_available_regions("cloudformation", partition)
    )


def translated(service: str, operation: str, call: Callable[[], T]) -> T:
    """The call's result, with botocore's exceptions turned into AwsError."""
    from botocore import exceptions
    from botocore.parsers import ResponseParserError

    def error(kind: ErrorKind, code: str, message: str) -> AwsError:
        return AwsError(kind, service, operation, code, message)

    try:
        return call()
    except exceptions.ClientError as caught:
        body: Mapping[str, Any] = caught.response.get("Error", {})
        code, message = str(body.get("Code", "")), str(body.get("Message", ""))
        raise error(_kind_of(code, message), code, message) from caught
    except (
        exceptions.NoCredentialsError,
        exceptions.PartialCredentialsError,
        exceptions.CredentialRetrievalError,
        exceptions.UnknownCredentialError,
        exceptions.TokenRetrievalError,
        exceptions.SSOError,
        exceptions.LoginError,
        exceptions.ProfileNotFound,
        exceptions.ConfigParseError,
        exceptions.ConfigNotFound,
        exceptions.InvalidConfigError,
    ) as caught:
        raise error(ErrorKind.CREDENTIALS, type(caught).__name__, str(caught)) from caught
    except RuntimeError as caught:  # how botocore says that AWS_CREDENTIAL_EXPIRATION has passed
        if "credentials" not in str(caught):
            raise
        raise error(ErrorKind.CREDENTIALS, "ExpiredToken", str(caught)) from caught
    except exceptions.ParamValidationError as caught:
        raise error(ErrorKind.INVALID, type(caught).__name__, str(caught)) from caught
    except (exceptions.HTTPClientError, exceptions.ConnectionError) as caught:
        raise error(ErrorKind.UNREACHABLE, type(caught).__name__, str(caught)) from caught
    except ResponseParserError as caught:  # its further lines are the whole answer, as of a proxy in between
        raise error(ErrorKind.OTHER, type(caught).__name__, str(caught).splitlines()[0]) from caught
    except exceptions.BotoCoreError as caught:
        raise error(ErrorKind.OTHER, type(caught).__name__, str(caught)) from caught


_DENIED = frozenset(
    {
        "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "NotAuthorized",
        "DependencyAccessDeniedException",
    }
)  # fmt: skip
_THROTTLED = frozenset(
    {
        "Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded", "TooManyRequestsException",
        "RequestThrottled", "RequestThrottledException", "SlowDown",
    }
)  # fmt: skip
_CREDENTIALS = frozenset(
    {
        "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException",
        "AuthFailure", "SignatureDoesNotMatch", "RequestExpired",
    }
)  # fmt: skip


def _kind_of(code: str, message: str) -> ErrorKind:
    if code in _DENIED:
        return ErrorKind.DENIED
    if code in _THROTTLED or (code == "LimitExceededException" and "Rate exceeded" in message):  # Kinesis, KMS
        return ErrorKind.THROTTLED
    if code in _CREDENTIALS:
        return ErrorKind.CREDENTIALS
    if "NotFound" in code or code in {"NoSuchEntity", "NoSuchResourceException"}:
        return ErrorKind.NOT_FOUND
    return ErrorKind.INVALID if code.startswith(("Validation", "Invalid")) else ErrorKind.OTHER


def gather(tasks: Iterable[Callable[[], T]], max_workers: int = MAX_WORKERS) -> Sequence[T]:
    """The results of all tasks in their order, run concurrently; the first error is raised after all have ended."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=max_workers) as pool:
        futures = [pool.submit(task) for task in tasks]
    return [future.result() for future in futures]
