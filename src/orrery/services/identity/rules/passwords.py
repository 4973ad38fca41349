"""Which passwords are taken: long enough, not what everybody uses, not one's own name."""

import unicodedata

from orrery.kernel.types.refusal import Refusal

LENGTH_LEAST = 10
# Argon2 reads the whole password; a limit keeps anybody from sending it a novel.
LENGTH_MOST = 256
# A name of two letters would forbid half of the dictionary.
NAME_LENGTH_LEAST = 3
DIFFERENT_LETTERS_LEAST = 5

# Written for this project: what people type when they are asked for a password. Compared after
# digits and signs at both ends are taken off and look-alikes are read as letters, so each word
# stands for its whole family ("password" also forbids "P@ssw0rd2026!").
COMMON = frozenset(
    """
    password passwort motdepasse contrasena wachtwoord parola senha passphrase passcode
    mypassword thepassword newpassword oldpassword yourpassword passwordpassword passpass
    changeme changeit changethis changemenow letmein letmeinnow letmeinplease opensesame
    welcome welcomehome welcometo willkommen bienvenue bienvenido hello helloworld hellohello
    secret topsecret supersecret mysecret secretsecret confidential private default temporary
    admin administrator adminadmin superadmin superuser root rootroot sysadmin manager
    user username useruser guest guestguest tester testing testtest testuser testaccount demo
    orrery orreryadmin orreryorrery company accounting accountant finance invoice invoices
    employee employees assets humanresources office business enterprise
    iloveyou iloveyouso loveyou lovelove loveme ilovemyself sweetheart darling princess
    sunshine starlight moonlight rainbow flower flowers butterfly chocolate cookie banana
    football baseball basketball soccer hockey fussball champion superman batman spiderman
    starwars pokemon dragon monkey tiger eagle phoenix shadow master ninja warrior hunter
    whatever trustno trustnoone nothing something anything everything freedom forever
    computer internet website google facebook windows microsoft android iphone samsung
    qwerty qwertz azerty qwertyuiop qwertzuiop azertyuiop qwertyqwerty asdfgh asdfghjkl
    asdfasdf zxcvbn zxcvbnm yxcvbnm qazwsx qazwsxedc wsxedc asdzxc qweasd qweasdzxc
    abcdef abcdefg abcdefgh abcdefghij abcabc abcdabcd alphabet
    monday tuesday wednesday thursday friday saturday sunday
    january february march april june july august september october november december
    spring summer autumn winter frühling sommer herbst
    london paris berlin madrid newyork america germany england france
    michael jennifer jessica charlie jordan thomas daniel andrea alexander
    """.split()
)
ROWS = (
    "0123456789" * 4,
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
)
LOOK_ALIKES = str.maketrans("013457@$!|", "oieastasil")


class WeakPassword(Refusal):
    """The password is too easy to guess; the fact ``reason`` says why."""

    code = "identity.weak_password"


class WrongPassword(Refusal):
    """The present password, asked for to make sure who is changing it, is not this."""

    code = "identity.wrong_password"


def normal(password: str) -> str:
    """The password as it is hashed: the same letters typed on another keyboard are the same."""
    return unicodedata.normalize("NFKC", password)


def check(password: str, *, email: str) -> None:
    """Let only passwords through that are hard to guess. Refuses: WeakPassword."""
    password = normal(password)
    folded = password.casefold()
    name = email.split("@")[0].casefold()
    if len(password) < LENGTH_LEAST:
        raise WeakPassword(reason="too_short", least=LENGTH_LEAST)
    if len(password) > LENGTH_MOST:
        raise WeakPassword(reason="too_long", most=LENGTH_MOST)
    if is_common(folded):
        raise WeakPassword(reason="too_common")
    if len(name) >= NAME_LENGTH_LEAST and name in folded:
        raise WeakPassword(reason="contains_name")


def is_common(folded: str) -> bool:
    """Whether a password in lower case is one that guessing starts with."""
    if len(set(folded)) < DIFFERENT_LETTERS_LEAST or is_row(folded):
        return True
    return any(core in COMMON for core in cores(folded))


def is_row(folded: str) -> bool:
    """Whether a password runs along the digits, the alphabet or the keyboard, either way."""
    return any(folded in row or folded[::-1] in row for row in ROWS)


def cores(folded: str) -> set[str]:
    """The words a password may be made of: without what people add at either end when they are
    asked for digits and signs, and with the look-alikes read as letters (``$ecret``, ``p@ss``)."""
    first = next((i for i, sign in enumerate(folded) if sign.isalpha()), len(folded))
    last = next((i for i, sign in enumerate(reversed(folded)) if sign.isalpha()), len(folded))
    end = len(folded) - last
    bare = folded[first:end]
    return {bare} | {part.translate(LOOK_ALIKES) for part in (bare, folded[:end], folded[first:])}
