"""States are a table."""

import pytest

from orrery.kernel.types.states import Machine, WrongState

LAMP = Machine("lamp", "off", {("off", "press"): "on", ("on", "press"): "off"})


def test_a_verb_moves_or_refuses_and_says_what_is_possible() -> None:
    """``STATES.after(state, verb)`` moves or refuses."""
    assert LAMP.after("off", "press") == "on"
    with pytest.raises(WrongState) as refusal:
        LAMP.after("on", "smash")
    assert refusal.value.facts["possible"] == ["press"]


def test_a_state_that_no_verb_leads_to_is_found() -> None:
    """The conformance suite asks for it."""
    assert LAMP.unreachable() == set()
    assert Machine("x", "a", {("b", "go"): "c"}).unreachable() == {"b", "c"}
