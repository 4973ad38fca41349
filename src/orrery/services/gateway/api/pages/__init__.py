"""The door's few HTML pages: rendered here, without scripts and without anything from elsewhere."""

import asyncio
import base64
import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from jinja2 import Environment, PackageLoader

from orrery.services.gateway.api.answers import Answers
from orrery.services.gateway.api.exchange import Exchange
from orrery.services.gateway.rules import headers as rules
from orrery.services.gateway.rules.reading import Reading, read

HTML = b"text/html; charset=utf-8"
QUERY_LENGTH_MAX = 200


class Pages:
    """Renders the welcome page and the documentation."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        loader = PackageLoader("orrery.services.gateway.api", "pages")
        self._environment = Environment(
            loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True
        )
        style = self._environment.get_template("style.css").render()
        self._style = style
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        # Only this very style may be used: nothing that slipped into a page can bring its own.
        self._policy = (b"content-security-policy", rules.page_policy([digest]))
        self._alone = (b"cross-origin-opener-policy", b"same-origin")
        self._welcome = self._render("welcome.html")
        self._docs: bytes | None = None

    async def welcome(self, exchange: Exchange) -> None:
        """Where to begin."""
        await self._give(exchange, self._welcome)

    async def docs(self, exchange: Exchange, document: Mapping[str, Any]) -> None:
        """The document for readers; ``?q=`` looks for words."""
        query = parse_qs(exchange.scope["query_string"].decode("latin-1"))
        words = (query.get("q") or [""])[0][:QUERY_LENGTH_MAX].strip()
        if words:
            page = await asyncio.to_thread(self._render_docs, document, words)
        elif self._docs is None:
            page = self._docs = await asyncio.to_thread(self._render_docs, document, "")
        else:
            page = self._docs
        await self._give(exchange, page)

    def _render_docs(self, document: Mapping[str, Any], words: str) -> bytes:
        reading: Reading = read(document, words)
        return self._render("docs.html", reading=reading, words=words)

    def _render(self, name: str, **values: Any) -> bytes:
        return self._environment.get_template(name).render(style=self._style, **values).encode()

    async def _give(self, exchange: Exchange, page: bytes) -> None:
        await self._answers.give(exchange, page, HTML, self._policy, self._alone)
