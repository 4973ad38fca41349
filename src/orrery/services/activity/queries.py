"""The feed as it is looked up."""

from orrery.kernel.resources import Resource
from orrery.services.activity import models as m
from orrery.services.activity import permissions as p
from orrery.services.activity import schemas as s

ENTRIES = Resource(
    name="entry",
    path="/entries",
    table=m.Entry,
    view=s.EntryView,
    may_read=p.ENTRY_READ,
    columns={"user_name": "n.name"},
    joins="left join person n on n.id = t.user_id",
    filters=["subject", "user_id", "name", "service", "request_id", "at"],
    sorts=["at"],
    search=["summary", "subject", "user_name"],
    own="t.user_id = %(caller_user)s",
    newest_first=True,
)
