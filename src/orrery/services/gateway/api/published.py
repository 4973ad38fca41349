"""What the services publish: their routes for the door, their documents for the readers.

Both come from the manifests, which every process has: they are the same bytes wherever a service
runs, and complete while one is down (GW-4).
"""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from fastapi.routing import APIRoute, iter_route_contexts

from orrery.kernel.http import Public, current_caller
from orrery.kernel.service import Service, create_app, openapi_of
from orrery.services.gateway.rules import routes as rules
from orrery.services.gateway.rules.routes import Auth, Declared

_ANYONE = get_args(Public)[1].dependency
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def routes_of(services: Mapping[str, Service]) -> Iterator[Declared]:
    """Every published route of every service, with what it declares (GW-1)."""
    for name in sorted(services):
        service = services[name]
        for router in service.routers:
            for context in iter_route_contexts(router.routes):
                if isinstance(context.original_route, APIRoute):
                    yield from _declared(name, context)


def _declared(service: str, context: Any) -> Iterator[Declared]:
    auth, permission = _auth(context.dependant)
    if auth is None:
        # Default deny: a route that does not say who may call it is not reachable (GW-1).
        return
    template = f"/api/v1/{service}{context.path}"
    for method in sorted(context.methods):
        names = {parameter.alias for parameter in _headers(context.dependant)}
        yield Declared(
            service=service,
            method=method,
            template=template,
            auth=auth,
            permission=permission,
            pace=rules.pace_of(method, template),
            meter=rules.meter_of(method, template, auth),
            is_idempotent=method not in _WRITES
            or method in ("PUT", "DELETE")
            or "Idempotency-Key" in names,
        )


def _auth(dependant: Any) -> tuple[Auth | None, str | None]:
    """Who may call, from the signature: May[...], SignedIn or Public."""
    calls = list(_calls(dependant))
    for call in calls:
        permission = getattr(call, "permission", None)
        if permission is not None:
            return "permission", permission.code
    if current_caller in calls:
        return "signed_in", None
    return ("public", None) if _ANYONE in calls else (None, None)


def _calls(dependant: Any) -> Iterator[Any]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _calls(dependency)


def _headers(dependant: Any) -> Iterator[Any]:
    yield from dependant.header_params
    for dependency in dependant.dependencies:
        yield from _headers(dependency)


def documents_of(services: Mapping[str, Service]) -> dict[str, dict[str, Any]]:
    """Every service's own OpenAPI document."""
    return {
        name: openapi_of(service, create_app(service, None))
        for name, service in services.items()
        if service.app is None
    }
