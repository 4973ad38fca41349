"""The exceptions that are known; the list in ratchet.json may only get shorter."""

import json
import subprocess
from collections.abc import Iterable, Mapping

from tests.tidy.source import ROOT, Check, Offence

# Per check the offence's key and the reason why it may stay for now.
Ratchet = Mapping[str, Mapping[str, str]]
FILE = "tests/tidy/ratchet.json"


def read_ratchet() -> Ratchet:
    exceptions: Ratchet = json.loads((ROOT / FILE).read_text(encoding="utf-8"))
    return exceptions


def complaints(check: Check, offences: Iterable[Offence], ratchet: Ratchet) -> list[str]:
    """What is wrong: new offences, and exceptions that nothing needs any more."""
    allowed = ratchet.get(check.name, {})
    found = {offence.key: offence for offence in offences}
    new = [f"{offence} ({check.say})" for key, offence in found.items() if key not in allowed]
    unused = [f"{FILE}: take out {check.name} / {key}" for key in allowed if key not in found]
    return new + unused


def grown(before: Ratchet, after: Ratchet) -> list[str]:
    """Exceptions added to a check that had its list before; a new check brings its first list."""
    return [
        f"{name} / {key}"
        for name, exceptions in after.items()
        if name in before
        for key in exceptions
        if key not in before[name]
    ]


def committed_ratchets() -> list[Ratchet]:
    """The last two committed versions of the ratchet, newest first; empty without a history."""
    log = _git("log", "-2", "--format=%H", "--", FILE)
    texts = [_git("show", f"{commit}:{FILE}") for commit in log.split()]
    return [json.loads(text) for text in texts if text]


def _git(*arguments: str) -> str:
    try:
        run = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:  # a source archive on a machine without git
        return ""
    return run.stdout if run.returncode == 0 else ""
