"""Documents that go with a message, fetched from the service that announced them."""

from collections.abc import Mapping, Sequence

from orrery.kernel.db import Tx
from orrery.kernel.types.refusal import Refusal, Unavailable
from orrery.services.notifications.neighbours.mail import Attachment
from orrery.services.notifications.rules.delivery import Outcome, not_deliverable, not_reached


async def fetch(
    tx: Tx, attachments: Sequence[Mapping[str, str]]
) -> tuple[list[Attachment], Outcome | None]:
    """The documents, or how the try ends because one of them cannot be had."""
    found = []
    for wanted in attachments:
        try:
            content = await tx.neighbour(wanted["service"]).content(wanted["path"])
        except Unavailable as refusal:
            return [], not_reached(f"document {wanted['name']}: {refusal}")
        except Refusal as refusal:
            return [], not_deliverable(f"document {wanted['name']}: {refusal}")
        found.append(Attachment(wanted["name"], content))
    return found, None
