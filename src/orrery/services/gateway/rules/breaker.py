"""A circuit breaker per service (GW-3): it opens after failures, then lets one request try."""

from orrery.kernel.types.refusal import Unavailable


class Breaker:
    """What is known of a service that is called over the network; time in nanoseconds."""

    def __init__(self, service: str, *, failures: int, pause: int) -> None:
        self._service = service
        self._failures = failures
        self._pause = pause
        self._failed = 0
        self._opened_at: int | None = None
        self._is_trying = False

    @property
    def state(self) -> str:
        """closed, open, or half_open while one request tries."""
        if self._opened_at is None:
            return "closed"
        return "half_open" if self._is_trying else "open"

    def enter(self, now: int) -> None:
        """Before a request. Refuses: Unavailable, which names the service."""
        if self._opened_at is None:
            return
        wait = self._opened_at + self._pause - now
        if wait > 0 or self._is_trying:
            raise Unavailable(service=self._service, reason="breaker_open")
        self._is_trying = True

    def succeeded(self) -> None:
        """The service answered."""
        self._failed, self._opened_at, self._is_trying = 0, None, False

    def failed(self, now: int) -> None:
        """The service did not answer."""
        self._failed += 1
        if self._is_trying or self._failed >= self._failures:
            self._opened_at, self._is_trying = now, False

    def abandoned(self) -> None:
        """The client left before the service answered: that says nothing about the service."""
        self._is_trying = False
