"""``orrery new service NAME``: a service that passes every check, to be filled with life."""

import keyword
import re
from pathlib import Path

from orrery.platform.docs import ROOT

# A schema is called tenant__service, and PostgreSQL keeps 63 letters of a name.
NAME = re.compile(r"[a-z]{3,30}")
# Schemas that are there already.
RESERVED = {"orrery", "public"}

FILES = {
    "__init__.py": '"""{Title}: say in one sentence what this service owns."""\n',
    "README.md": """# {name}

What it is for, its words and what must always hold; the table below is generated.
""",
    "permissions.py": '''"""What a role may allow in {name}."""

from orrery.kernel.types.permission import Permission

{NOUN}_READ = Permission("{name}.{noun}.read", "See {noun}s")
{NOUN}_WRITE = Permission("{name}.{noun}.write", "Create, change and archive {noun}s")
ALL = [{NOUN}_READ, {NOUN}_WRITE]
''',
    "models.py": '''"""The tables of {name}."""

from sqlalchemy.orm import DeclarativeBase

from orrery.kernel.tables import TYPES, Reference, tables


class Base(DeclarativeBase):
    """Tables of a tenant."""

    metadata = tables()
    type_annotation_map = TYPES


class {Noun}(Reference, Base):
    """The first list of {name}."""

    __tablename__ = "{noun}"
''',
    "schemas.py": '''"""JSON in and out of {name}."""

from uuid import UUID

from orrery.kernel.schemas import Draft, View


class {Noun}View(View):
    """A {noun} as the API shows it."""

    id: UUID
    code: str
    name: str
    is_archived: bool
    external_id: str | None
    version: int


class {Noun}Draft(Draft):
    """A {noun} to create."""

    code: str
    name: str
    external_id: str | None = None
''',
    "reference.py": '''"""Lists of {name} that need no code."""

from orrery.kernel.reference import ReferenceTable, reference_routes
from orrery.services.{name} import models as m
from orrery.services.{name} import permissions as p
from orrery.services.{name} import schemas as s

{NOUN}S = ReferenceTable(
    name="{noun}",
    path="/{noun}s",
    table=m.{Noun},
    view=s.{Noun}View,
    draft=s.{Noun}Draft,
    may_read=p.{NOUN}_READ,
    may_write=p.{NOUN}_WRITE,
)
routes = [reference_routes({NOUN}S)]
''',
    "service.py": '''"""The manifest of {name}."""

from orrery.kernel.service import Service
from orrery.services.{name} import models, permissions, reference

SERVICE = Service(
    name="{name}",
    title="{Title}",
    routers=[*reference.routes],
    permissions=permissions.ALL,
    tables=models.Base.metadata,
)
''',
}
TEST = '''"""{Title} through its API."""

from orrery.kernel.testing import House


async def test_a_{noun}_is_created_and_listed(house: House) -> None:
    """The first list of {name} works end to end."""
    async with house.client({{"{name}.*": "all"}}) as client:
        made = await client.post("/api/v1/{name}/{noun}s", json={{"code": "A1", "name": "First"}})
        assert made.status_code == 201
        page = (await client.get("/api/v1/{name}/{noun}s?code=A1")).json()
        assert [item["name"] for item in page["items"]] == ["First"]
'''


def service(name: str, *, root: Path = ROOT) -> list[Path]:
    """Write the files of a new service; refuses a name that is taken or no plain word."""
    folder = root / "src" / "orrery" / "services" / name
    if not NAME.fullmatch(name) or keyword.iskeyword(name) or name in RESERVED:
        raise RuntimeError("A service's name is one free word of 3 to 30 lower-case letters.")
    if folder.exists():
        raise RuntimeError(f"There is a service called {name} already.")
    words = {
        "name": name,
        "Title": name.capitalize(),
        "noun": "kind",
        "Noun": "Kind",
        "NOUN": "KIND",
    }
    written = []
    for file, text in FILES.items():
        written.append(_write(folder / file, text.format(**words)))
    tests = root / "tests" / "api" / name
    written.append(_write(tests / "__init__.py", f'"""The API of {name}."""\n'))
    written.append(_write(tests / f"test_{name}.py", TEST.format(**words)))
    return written


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
