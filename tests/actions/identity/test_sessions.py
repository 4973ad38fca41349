"""Sessions in the database: one indexed read to follow a cookie, and cleaning up."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orrery.kernel import clock
from orrery.kernel.db import Tx
from orrery.kernel.testing import House
from orrery.services.identity import jobs
from orrery.services.identity import models as m
from orrery.services.identity.actions import attempts, sessions, users
from orrery.services.identity.actions.sessions import Origin
from orrery.services.identity.queries import principals
from orrery.services.identity.rules import credentials

START = datetime(2031, 6, 2, 8, tzinfo=UTC)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


class Counting(Tx):
    """A transaction that counts its statements."""

    statements = 0

    async def _run(self, statement: str, values: Any, factory: Any) -> Any:
        self.statements += 1
        return await super()._run(statement, values, factory)


async def make_user(tx: Tx) -> m.User:
    return await users.add_user(
        tx, tx.caller, email="una@acme.example", full_name="Una", language="en"
    )


async def begin(tx: Tx, user: m.User, *, for_programs: bool = False) -> sessions.Begun:
    origin = Origin("203.0.113.9", "curl/8.5.0")
    return await sessions.begin_session(tx, tx.caller, user.id, origin, for_programs=for_programs)


async def test_following_a_cookie_is_one_statement_within_a_minute(house: House) -> None:
    """The brief: "extends last_seen at most once a minute so that it stays one indexed read"."""
    async with house.tx("identity") as tx:
        clock.set(START)
        begun = await begin(tx, await make_user(tx))
        counting = Counting(tx._connection, tx.caller, tx.host)
        digest = credentials.digest(begun.secret)
        clock.set(START + 59 * SECOND)
        await sessions.follow_session(counting, tx.caller, digest, None)
        assert counting.statements == 1
        clock.set(START + 60 * SECOND)
        await sessions.follow_session(counting, tx.caller, digest, None)
        assert counting.statements == 3


@pytest.mark.parametrize("statement", ["BY_SESSION", "BY_API_TOKEN"])
async def test_following_a_credential_reads_by_indexes_only(house: House, statement: str) -> None:
    async with house.tx("identity") as tx:
        await tx.run("set local enable_seqscan = off")
        rows = await tx.rows("explain " + getattr(principals, statement), digest="x")
    plan = "\n".join(row[0] for row in rows)
    assert "Seq Scan" not in plan
    assert f"uq_{'session' if statement == 'BY_SESSION' else 'api_token'}_digest" in plan


async def test_what_ran_out_is_ended_and_what_ended_long_ago_is_forgotten(house: House) -> None:
    async with house.tx("identity") as tx:
        user = await make_user(tx)
        clock.set(START)
        browser, program = await begin(tx, user), await begin(tx, user, for_programs=True)
        clock.set(START + timedelta(hours=12) - SECOND)
        await jobs.forget_sessions(tx, tx.caller)
        assert (await tx.one(m.Session, browser.id)).ended_at is None
        clock.set(START + timedelta(hours=12))
        await jobs.forget_sessions(tx, tx.caller)
        ended = await tx.one(m.Session, browser.id)
        assert (ended.ended_at, ended.ended_because) == (START + timedelta(hours=12), "ran_out")
        assert (await tx.one(m.Session, program.id)).ended_at is None
        clock.set(START + 14 * DAY)
        await jobs.forget_sessions(tx, tx.caller)
        assert (await tx.one(m.Session, program.id)).ended_because == "ran_out"
        clock.set(START + timedelta(hours=12) + 30 * DAY - SECOND)
        await jobs.forget_sessions(tx, tx.caller)
        assert {s.id for s in await tx.all(m.Session, user_id=user.id)} == {browser.id, program.id}
        clock.set(START + 44 * DAY)
        await jobs.forget_sessions(tx, tx.caller)
        assert await tx.all(m.Session, user_id=user.id) == []
        assert await tx.all(m.RefreshToken, session_id=program.id) == []


async def test_wrong_passwords_of_yesterday_are_forgotten(house: House) -> None:
    async with house.tx("identity") as tx:
        digest = credentials.digest("una@acme.example")
        clock.set(START)
        await attempts.count_attempt(tx, tx.caller, "una@acme.example")
        clock.set(START + DAY - SECOND)
        await jobs.forget_sessions(tx, tx.caller)
        tally = await tx.find(m.SignInTally, digest=digest)
        assert tally is not None
        assert tally.failures == 1
        clock.set(START + DAY)
        await jobs.forget_sessions(tx, tx.caller)
        assert await tx.find(m.SignInTally, digest=digest) is None


async def test_the_log_of_sign_ins_takes_no_change(house: House) -> None:
    """``sign_in`` is a ledger: nobody wipes his traces."""
    for statement in ("update sign_in set outcome = 'x'", "delete from sign_in"):
        with pytest.raises(Exception, match="permission denied"):
            async with house.tx("identity") as tx:
                await tx.run(statement)
