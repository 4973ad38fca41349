"""What goes wrong, as ``application/problem+json`` (RFC 9457): a code and facts, no traces."""

import re
from collections.abc import Mapping
from typing import Any

import orjson
import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from psycopg import errors as pg
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from orrery.kernel import log
from orrery.kernel.types.refusal import Malformed, NotFound, Refusal, TooLarge, Unavailable

PROBLEM = "application/problem+json"
logger = log.logger("errors")


class Duplicate(Refusal):
    """A value that must be unique is taken."""

    code = "kernel.duplicate"


class ReferenceMissing(Refusal):
    """The record points to one that is not there, or is still pointed to."""

    code = "kernel.reference_missing"


class RuleBroken(Refusal):
    """A rule that the database keeps would be broken."""

    code = "kernel.rule_broken"


class Busy(Refusal):
    """Another transaction was in the way; the same request may be sent again."""

    code = "kernel.busy"
    status = 503


class NotAllowedByDatabase(Refusal):
    """The database forbids it: a ledger takes no update and no delete."""

    code = "kernel.ledger_is_append_only"


class ClientGone(Refusal):
    """The client left before its request was complete; nobody reads this."""

    code = "kernel.client_gone"
    status = 499


class OutOfRange(Refusal):
    """A number, date or text is larger than its column can hold."""

    code = "kernel.out_of_range"
    status = 422


def problem(
    code: str, status: int, facts: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    """An answer of problem+json."""
    from orrery.kernel.log import request_id

    body = {
        "type": "about:blank",
        "title": code.rpartition(".")[2].replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        "facts": dict(facts),
        "request_id": request_id.get(),
    }
    return Response(
        orjson.dumps(body, default=str), status, dict(headers or {}), media_type=PROBLEM
    )


def refusal_response(refusal: Refusal) -> Response:
    """A refusal as an answer; what may be tried again says when."""
    after = refusal.facts.get("retry_after", 1 if refusal.status == 503 else None)
    headers = None if after is None else {"Retry-After": str(after)}
    if refusal.status == 401:
        headers = {"WWW-Authenticate": "Bearer"}
    return problem(refusal.code, refusal.status, refusal.facts, headers)


_DETAIL = re.compile(r"Key \((.+?)\)=\((.*)\)")


def from_database(error: psycopg.Error, constraints: Mapping[str, type[Refusal]]) -> Refusal | None:
    """The refusal that a database error means; None when it is our bug."""
    name = error.diag.constraint_name or ""
    detail = _DETAIL.search(error.diag.message_detail or "")
    facts = {"constraint": name} | (
        {"field": detail[1].replace('"', ""), "value": detail[2][:200]} if detail else {}
    )
    if name in constraints:
        return constraints[name](**facts)
    match error:
        case pg.UniqueViolation() | pg.ExclusionViolation():
            return Duplicate(**facts)
        case pg.ForeignKeyViolation():
            return ReferenceMissing(**facts)
        case pg.CheckViolation() | pg.NotNullViolation() | pg.RaiseException():
            if not name:
                facts["column"] = error.diag.column_name or ""
                facts["reason"] = error.diag.message_primary or ""
            return RuleBroken(**facts)
        case (
            pg.NumericValueOutOfRange()
            | pg.DatetimeFieldOverflow()
            | pg.StringDataRightTruncation()
        ):
            return OutOfRange(reason=error.diag.message_primary)
        case pg.UntranslatableCharacter() | pg.CharacterNotInRepertoire():
            return Malformed(reason=error.diag.message_primary)
        case pg.DeadlockDetected() | pg.SerializationFailure() | pg.LockNotAvailable():
            return Busy(reason=type(error).__name__)
        case pg.QueryCanceled():
            return Unavailable(reason="statement_timeout")
        case pg.InsufficientPrivilege():
            return NotAllowedByDatabase(reason=error.diag.message_primary)
        case pg.AdminShutdown() | pg.CannotConnectNow() | pg.TooManyConnections():
            return Unavailable(reason="database")
    return None


def understood(error: Exception, constraints: Mapping[str, type[Refusal]]) -> Refusal | None:
    """The refusal that an error means, whatever its origin; None when it is our bug."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, PoolTimeout):
        return Unavailable(reason="no_connection_free")
    if isinstance(error, ClientDisconnect):
        return ClientGone()
    if isinstance(error, psycopg.DataError) and "NUL" in str(error):
        return Malformed(reason="nul_character")
    if isinstance(error, psycopg.Error):
        known = from_database(error, constraints)
        if known is None and isinstance(error, psycopg.OperationalError):
            return Unavailable(reason="database")
        return known
    return None


def install(app: FastAPI, service: Any) -> None:
    """Give an app the house's way of saying no."""

    async def on_error(request: Request, error: Exception) -> Response:
        refusal = understood(error, service.constraints)
        if refusal is not None:
            return refusal_response(refusal)
        logger.error("bug", path=request.url.path, exc_info=error)
        return problem("kernel.bug", 500, {})

    async def on_malformed(_: Request, error: RequestValidationError) -> Response:
        found = [
            {
                "field": ".".join(str(part) for part in e["loc"]),
                "reason": e["msg"],
                "kind": e["type"],
            }
            for e in error.errors()
        ]
        return problem("kernel.malformed", 422, {"errors": found[:100]})

    async def on_http(request: Request, error: HTTPException) -> Response:
        known: dict[int, type[Refusal]] = {404: NotFound, 413: TooLarge}
        kind = known.get(error.status_code)
        code = kind.code if kind else f"kernel.http_{error.status_code}"
        return problem(code, error.status_code, {"path": request.url.path}, error.headers)

    handlers: Any = app.add_exception_handler
    for kind in (Refusal, psycopg.Error, PoolTimeout, ClientDisconnect, Exception):
        handlers(kind, on_error)
    handlers(RequestValidationError, on_malformed)
    handlers(HTTPException, on_http)
