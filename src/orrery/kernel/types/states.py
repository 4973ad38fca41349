"""States as a table: which verb leads from which state to which."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orrery.kernel.types.refusal import Refusal


class WrongState(Refusal):
    """The verb is not possible in the record's present state."""

    code = "kernel.wrong_state"


@dataclass(frozen=True)
class Machine:
    """The state table of a document; actions move by it and the screen asks it for buttons."""

    name: str
    start: str
    moves: Mapping[tuple[str, str], str]
    states: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        sources = {source for source, _ in self.moves}
        object.__setattr__(self, "states", frozenset({self.start, *sources, *self.moves.values()}))

    def after(self, state: str, verb: str) -> str:
        """Return the state that ``verb`` leads to. Refuses: WrongState."""
        target = self.moves.get((state, verb))
        if target is None:
            raise WrongState(document=self.name, state=state, verb=verb, possible=self.verbs(state))
        return target

    def verbs(self, state: str) -> list[str]:
        """The verbs possible in a state, in alphabetical order."""
        return sorted(verb for source, verb in self.moves if source == state)

    def unreachable(self) -> set[str]:
        """States that no sequence of verbs reaches from the start; empty in a sound table."""
        reached, frontier = {self.start}, {self.start}
        while frontier:
            frontier = {
                target for (source, _), target in self.moves.items() if source in frontier
            } - reached
            reached |= frontier
        return set(self.states) - reached
