"""What a request changes: only the fields that it sent."""

from typing import Any

from pydantic import BaseModel

from orrery.kernel.types.refusal import Malformed


def sent(table: Any, change: BaseModel) -> dict[str, Any]:
    """The fields that were sent. Refuses: Malformed for a null that may not be."""
    values: dict[str, Any] = change.model_dump(exclude_unset=True)
    columns = table.__table__.columns
    wrong = [name for name, value in values.items() if value is None and not columns[name].nullable]
    if wrong:
        raise Malformed(fields=wrong, reason="may not be null")
    return values
