"""Permission codes of notifications; the inbox needs none, it holds only the caller's own rows."""

from orrery.kernel.types.permission import Permission

MESSAGE_READ = Permission("notifications.message.read", "See all messages and their delivery")
MESSAGE_RETRY = Permission("notifications.message.retry", "Send failed and dead messages again")
TEMPLATE_READ = Permission("notifications.template.read", "See and preview message templates")
TEMPLATE_WRITE = Permission("notifications.template.write", "Change message templates")
SENDER_READ = Permission("notifications.sender.read", "See the sender of this company's mail")
SENDER_WRITE = Permission("notifications.sender.write", "Change the sender of this company's mail")

ALL = [MESSAGE_READ, MESSAGE_RETRY, TEMPLATE_READ, TEMPLATE_WRITE, SENDER_READ, SENDER_WRITE]
