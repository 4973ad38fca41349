"""Permission codes this service owns."""

from orrery.kernel.types.permission import Permission

# Every signed-in user holds these two for himself; no role has to name them (rules.grants).
ACCOUNT_READ = Permission("identity.account.read", "See one's own account, sessions and tokens")
ACCOUNT_USE = Permission(
    "identity.account.use", "Change one's own password, sessions, tokens and language"
)

USER_READ = Permission("identity.user.read", "See users, their sessions and why they may do what")
USER_WRITE = Permission("identity.user.write", "Create, change, disable and enable users")
USER_ASSIGN = Permission("identity.user.assign", "Give roles to users and take them away")
ROLE_READ = Permission("identity.role.read", "See roles and the list of all permissions")
ROLE_WRITE = Permission("identity.role.write", "Create, change and archive roles")
SESSION_END = Permission("identity.session.end", "End other users' sessions")
SIGN_IN_READ = Permission("identity.sign_in.read", "See who signed in or tried to, when and where")

ALL = [
    ACCOUNT_READ,
    ACCOUNT_USE,
    USER_READ,
    USER_WRITE,
    USER_ASSIGN,
    ROLE_READ,
    ROLE_WRITE,
    SESSION_END,
    SIGN_IN_READ,
]
