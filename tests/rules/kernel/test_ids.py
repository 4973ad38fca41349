"""Ids are UUIDv7 and rise (RFC 9562)."""

from concurrent.futures import ThreadPoolExecutor

from orrery.kernel.types.ids import demo_id, new_id


def test_an_id_is_a_uuid_of_version_7() -> None:
    """RFC 9562, section 5.7: version 7, variant 10."""
    id = new_id()
    assert (id.version, id.variant) == (7, "specified in RFC 4122")


def test_ids_made_one_after_the_other_rise_even_within_a_millisecond() -> None:
    """RFC 9562, section 6.2: rows of one set keep their order when listed by id."""
    ids = [new_id() for _ in range(20_000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)


def test_ids_of_several_threads_are_never_equal() -> None:
    """The counter is guarded."""
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda _: [new_id() for _ in range(2_000)], range(8)))
    assert len({id for part in parts for id in part}) == 16_000


def test_a_demo_id_is_the_same_everywhere() -> None:
    """Seeds of different services name the same record."""
    assert demo_id("people", "employee-1") == demo_id("people", "employee-1")
    assert demo_id("people", "employee-1") != demo_id("people", "employee-2")
