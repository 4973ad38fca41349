"""Users and employees belong together by equal e-mail addresses."""

from uuid import UUID

import pytest

from orrery.services.identity.rules.links import Account, BadEmail, link_changes, normal_email

MIA, BEN = UUID(int=1), UUID(int=2)
EMPLOYEE, OTHER = UUID(int=11), UUID(int=12)


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("  Mia@Acme.Example ", "mia@acme.example"),
        ("a@b.c", "a@b.c"),
        ("x" * 64 + "@acme.example", "x" * 64 + "@acme.example"),
        ("o'hara+erp@sub.acme.example", "o'hara+erp@sub.acme.example"),
    ],
)
def test_users_are_known_by_their_lower_cased_address(text: str, email: str) -> None:
    assert normal_email(text) == email


@pytest.mark.parametrize(
    "text",
    ["", "mia", "mia@", "@acme.example", "mia@acme", "mia@@acme.example", "mi a@acme.example",
     "mia@acme..example", "mia@.example", "x" * 65 + "@acme.example", "m@" + "x" * 250 + ".ee"],
)  # fmt: skip
def test_what_cannot_be_an_address_is_refused(text: str) -> None:
    with pytest.raises(BadEmail):
        normal_email(text)


@pytest.mark.parametrize(
    ("email", "accounts", "changes"),
    [
        ("mia@x.ee", [Account(MIA, "mia@x.ee", None)], {MIA: EMPLOYEE}),
        (" Mia@X.ee", [Account(MIA, "mia@x.ee", None)], {MIA: EMPLOYEE}),
        # Told twice: nothing changes.
        ("mia@x.ee", [Account(MIA, "mia@x.ee", EMPLOYEE)], {}),
        # The new address belongs to another user, who takes the link over.
        (
            "ben@x.ee",
            [Account(MIA, "mia@x.ee", EMPLOYEE), Account(BEN, "ben@x.ee", None)],
            {MIA: None, BEN: EMPLOYEE},
        ),
        # Nobody has the new address: the user keeps the link although his address is the old one.
        ("new@x.ee", [Account(MIA, "mia@x.ee", EMPLOYEE)], {}),
        # A user who is another employee is left alone.
        ("mia@x.ee", [Account(MIA, "mia@x.ee", OTHER)], {}),
        (None, [Account(MIA, "mia@x.ee", EMPLOYEE)], {}),
        ("mia@x.ee", [], {}),
    ],
)
def test_the_employee_is_his_addresses_user(
    email: str | None, accounts: list[Account], changes: dict[UUID, UUID | None]
) -> None:
    """The brief: "EmployeeHired/EmployeeChanged link by e-mail"."""
    assert link_changes(EMPLOYEE, email, accounts) == changes
