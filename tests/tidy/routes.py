"""Every route says who may call it, what it does and what it answers."""

import inspect
from collections.abc import Iterator, Sequence
from typing import Any, get_args

from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.routing import BaseRoute

from orrery.kernel.http import Public, ServiceOnly, SignedIn
from tests.tidy.source import Check, Offence

GUARDS = {get_args(kind)[1].dependency for kind in (Public, SignedIn)}
SERVICE_GUARD = get_args(ServiceOnly)[1].dependency


def bare_routes(routes: Sequence[BaseRoute]) -> Iterator[Offence]:
    """Routes without a guard in their signature, without a sentence or without an answer type."""
    for route in iter_route_contexts(routes):
        if isinstance(route.original_route, APIRoute):
            verbs = " ".join(sorted(route.methods or ()))
            for what in _lacks(route):
                yield Offence(f"{verbs} {route.path}", 1, what)


def _lacks(route: RouteContext) -> Iterator[str]:
    calls = [dependency.call for dependency in route.dependant.dependencies]
    if str(route.path).startswith("/internal/"):
        if SERVICE_GUARD not in calls:
            yield "internal, but open to anybody"
    elif not any(_is_guard(call) for call in calls):
        yield "neither May(...) nor Public nor SignedIn in its signature"
    if not inspect.getdoc(route.endpoint) and not route.description:
        yield "no docstring"
    if not _answers(route):
        yield "no answer type"


def _is_guard(call: Any) -> bool:
    """Whether a dependency decides who may call; May(...) carries its permission."""
    return call in GUARDS or "permission" in getattr(call, "__dict__", {})


def _answers(route: RouteContext) -> bool:
    if route.response_model is not None:
        return route.response_model is not Any
    endpoint: Any = route.endpoint
    answer = inspect.signature(endpoint).return_annotation
    return answer is not inspect.Signature.empty and answer is not Any


# Found on the running apps, not in the text: the ``find`` of the source checks has no part in it.
ROUTES = Check("bare_routes", "say who may, what it does and what it answers", lambda _: [])
