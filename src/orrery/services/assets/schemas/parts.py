"""Field types that several schemas share."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints

# What a form's fields take. Numbers are read as exact decimals, also when JSON has them bare.
SpecInput = bool | int | Decimal | str | None
# A spreadsheet leaves an empty cell where nothing is known; that is no empty string.
BLANK = BeforeValidator(
    lambda value: None if isinstance(value, str) and not value.strip() else value
)

# Far enough for any register, near enough that no arithmetic on dates can leave the calendar.
Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2200, 12, 31))]
Code = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Note = Annotated[str, StringConstraints(max_length=4_000)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^\S+$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Amount = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=6)]
Percent = Annotated[Decimal, Field(ge=0, le=100, max_digits=7, decimal_places=4)]
BookCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,29}$")]
Months = Annotated[int, Field(ge=1, le=1_200)]
Units = Annotated[Decimal, Field(gt=0, max_digits=18, decimal_places=6)]
Specs = dict[str, Any]
