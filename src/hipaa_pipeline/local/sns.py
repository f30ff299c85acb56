"""SNS: the topic's key and other attributes, and subscriptions that must be confirmed.

MiniStack 1.5.33 loses KmsMasterKeyId and takes an e-mail subscription as confirmed at once. In AWS its owner must
follow the link in a message first; here `/_hipaa/subscriptions/confirm` stands for that click. An address at a domain
reserved for examples is nobody's mailbox: it is confirmed at once, as if its owner had followed the link.
"""

from __future__ import annotations

from typing import Any

from hipaa_pipeline.addresses import is_reserved
from hipaa_pipeline.local.additions import Additions, Properties
from hipaa_pipeline.local.wire import ApiError

_ATTRIBUTES = ("KmsMasterKeyId", "SignatureVersion", "TracingConfig")
_UNASKED = frozenset({"sqs", "lambda", "firehose", "application", "sms"})
_BY_MAIL = frozenset({"email", "email-json"})


def additions() -> Additions:
    """What this module adds to the account."""
    return Additions(
        operations={
            "sns.GetSubscriptionAttributes": get_subscription_attributes,
            "sns.ListSubscriptionsByTopic": list_subscriptions_by_topic,
        },
        completions={"AWS::SNS::Topic": _complete_topic, "AWS::SNS::Subscription": _complete_subscription},
        follow_ups={"sns.Subscribe": _await_confirmations},
    )


def _sns() -> Any:
    from ministack.services import sns

    return sns


def _complete_topic(arn: str, properties: Properties, _attributes: dict[str, Any]) -> None:
    attributes = _sns()._topics[arn]["attributes"]
    for name in _ATTRIBUTES:
        attributes.pop(name, None)
        if properties.get(name):
            attributes[name] = str(properties[name])
    _await_confirmations()


def _complete_subscription(_arn: str, _properties: Properties, _attributes: dict[str, Any]) -> None:
    _await_confirmations()


def _await_confirmations() -> None:
    """A new subscription waits for its owner, unless its protocol needs no consent or its address is an example."""
    for topic in _sns()._topics.values():
        for subscription in topic["subscriptions"]:
            if "_asked" not in subscription:
                subscription["_asked"] = True
                subscription["confirmed"] = _confirms_itself(subscription["protocol"], subscription["endpoint"])


def _confirms_itself(protocol: str, endpoint: str) -> bool:
    return protocol in _UNASKED or (protocol in _BY_MAIL and is_reserved(endpoint))


def confirm_all() -> list[str]:
    """Every owner confirms; the ARNs that were pending."""
    pending = [
        subscription
        for topic in _sns()._topics.values()
        for subscription in topic["subscriptions"]
        if not subscription["confirmed"]
    ]
    for subscription in pending:
        subscription["confirmed"] = True
    return [subscription["arn"] for subscription in pending]


def get_subscription_attributes(request: dict[str, Any]) -> dict[str, Any]:
    """GetSubscriptionAttributes, with the members MiniStack leaves out. Raises ApiError for an unknown one."""
    arn = request["SubscriptionArn"]
    topic_arn = _sns()._sub_arn_to_topic.get(arn)
    subscription = _sns()._find_subscription(topic_arn, arn) if topic_arn else None
    if subscription is None:
        raise ApiError("NotFound", "Subscription does not exist", 404)
    return {
        "Attributes": {
            **{name: value for name, value in subscription["attributes"].items() if value},
            "SubscriptionArn": arn,
            "TopicArn": topic_arn,
            "Protocol": subscription["protocol"],
            "Endpoint": subscription["endpoint"],
            "Owner": subscription["owner"],
            "PendingConfirmation": "false" if subscription["confirmed"] else "true",
            "ConfirmationWasAuthenticated": "false",
        }
    }


def list_subscriptions_by_topic(request: dict[str, Any]) -> dict[str, Any]:
    """ListSubscriptionsByTopic: a pending one has no ARN yet to show."""
    topic = _sns()._topics.get(request["TopicArn"])
    if topic is None:
        raise ApiError("NotFound", "Topic does not exist", 404)
    return {
        "Subscriptions": [
            {
                "SubscriptionArn": each["arn"] if each["confirmed"] else "PendingConfirmation",
                "Owner": each["owner"],
                "Protocol": each["protocol"],
                "Endpoint": each["endpoint"],
                "TopicArn": topic["arn"],
            }
            for each in topic["subscriptions"]
        ]
    }
