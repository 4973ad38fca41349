"""Words that several schemas of people share."""

from typing import Annotated, TypeVar

from pydantic import BeforeValidator, Field, StringConstraints

from orrery.kernel.schemas import Draft

D = TypeVar("D", bound=Draft)
# Good enough to catch a slip of the keyboard; whether an address exists only a mail can tell.
Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, to_lower=True, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$"
    ),
]
Code = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Weekday = Annotated[int, Field(ge=1, le=7)]
# A spreadsheet leaves an empty cell where nothing is known; that is no empty string.
Blank = BeforeValidator(lambda value: None if value == "" else value)


def refuse_nulls(draft: D, *names: str) -> D:
    """A change may leave a field out, but not empty one that a record cannot be without."""
    for name in names:
        if name in draft.model_fields_set and getattr(draft, name) is None:
            raise ValueError(f"{name} may not be null")
    return draft
