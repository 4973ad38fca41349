"""How events move the facts: each subject has a state, and facts move by what its share changed.

The share of a subject is a function of its state alone. So an event that is told twice moves
nothing the second time, subjects may come in any order, and the log rebuilds the same figures.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

# Upserts of one day's tally would wait for each other on one row; eight rows per key, chosen by
# the subject, let as many workers count at once, and a sum over eight rows costs nothing.
SHARDS = 8
ZERO = Decimal(0)


@dataclass(frozen=True)
class Key:
    """What is counted: a fact, of one dimension, in one currency (empty when it has none)."""

    fact: str
    dimension: str = ""
    currency: str = ""


Share = Mapping[Key, Decimal]


@dataclass(frozen=True)
class Move:
    """A fact moved by an amount on a business day."""

    key: Key
    on: date
    amount: Decimal


def moves_between(before: Share, after: Share, on: date) -> list[Move]:
    """What changed from one share to the next, as moves of a day."""
    return [
        Move(key, on, after.get(key, ZERO) - before.get(key, ZERO))
        for key in sorted({*before, *after}, key=lambda k: (k.fact, k.dimension, k.currency))
        if after.get(key, ZERO) != before.get(key, ZERO)
    ]


def shard_of(subject: UUID) -> int:
    """The row of a tally that a subject counts in; always the same for the same subject."""
    return subject.int % SHARDS
