"""Paths that nobody honest sends."""

import re

# Servers on the way disagree about what these mean, so nothing with them is passed on.
STRANGE = re.compile(r"[\x00-\x1f\x7f\\]|//|/\.{1,2}(?:/|$)")


def is_strange(path: str) -> bool:
    """Whether a decoded path holds dot segments, empty ones, backslashes or control characters."""
    return STRANGE.search(path) is not None
