from __future__ import annotations

from cost_stacks import REGION, Shape, stack
from hipaa_pipeline.cost import load_lock
from hipaa_pipeline.cost.estimate import estimate
from hipaa_pipeline.documents.cost import cost_document

STACKS = {"dev": stack(Shape(imported_vpc=True)), "prod": stack(Shape(multi_az=True, email=True))}


def test_the_document_shows_every_environment_and_what_is_not_known() -> None:
    text = cost_document(STACKS, load_lock())

    prices = load_lock().in_region(REGION)
    for name, each in STACKS.items():
        result = estimate(each, prices)
        assert f"| [`{name}`](#{name}) | {result.monthly:.2f} | {len(result.unpriced)} | {result.as_of} |" in text
    assert "* AlarmEmailSubscription: e-mails (100 e-mail): the price lock has no sns_email in this Region" in text
    assert "| RecordStream | shards | 730 | shard-hour | 0.0184 | 13.43 |" in text
    assert "| Database | 25.00 | 43.64 | 39.99 | " in text
    for slug, price in prices.items():
        assert f"| `{slug}` | {price.price:f} | {price.unit} | {price.date} | {price.source} |" in text


def test_the_document_is_the_same_every_time() -> None:
    assert cost_document(STACKS, load_lock()) == cost_document(STACKS, load_lock())
