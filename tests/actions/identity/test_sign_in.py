"""Signing in while somebody else changes the account."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from orrery.kernel.db import Tx
from orrery.kernel.testing import House
from orrery.services.identity import models as m
from orrery.services.identity import schemas as s
from orrery.services.identity.actions import passwords, sign_in
from orrery.services.identity.actions.sessions import Origin
from tests.api.identity.visitors import OTHER_PASSWORD, make_user


async def disable(tx: Tx, user: m.User) -> None:
    await tx.change(user, is_active=False)


async def set_password(tx: Tx, user: m.User) -> None:
    await passwords.store_password(tx, tx.caller, user, OTHER_PASSWORD, is_temporary=True)


async def remove_password(tx: Tx, user: m.User) -> None:
    await tx.run("delete from credential where user_id = %(id)s", id=user.id)


@pytest.mark.parametrize("meanwhile", [disable, set_password, remove_password])
async def test_what_changes_while_the_hash_is_computed_counts(house: House, meanwhile: Any) -> None:
    """Between the two transactions of a sign-in an administrator may act; his word is the last."""
    visitor = await make_user(house, "admin")
    opened = 0

    @asynccontextmanager
    async def open_tx(tenant: str | None) -> AsyncIterator[Tx]:
        nonlocal opened
        opened += 1
        if opened == 2:
            async with house.tx("identity", commits=True) as other:
                await meanwhile(other, await other.one(m.User, visitor.id))
        async with house.runtime.hosts["identity"].transaction(tenant) as tx:
            yield tx

    card = s.SignIn.model_validate(visitor.card())
    with pytest.raises(sign_in.WrongCredentials):
        await sign_in.sign_in(open_tx, card, Origin(None, None), for_programs=False)
    assert opened == 2
    async with house.tx("identity") as tx:
        assert await tx.all(m.Session, user_id=visitor.id) == []
