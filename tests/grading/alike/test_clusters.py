from __future__ import annotations

import random

import numpy as np
import pytest

from modelcheck.grading.alike import near as near_module
from modelcheck.grading.alike.prints import Cluster, Fingerprint
from modelcheck.grading.alike.sketch import MAX_KEYS, packed, unpacked

from .comparing import compared

DRAW = np.random.default_rng(0)


def keys(count: int) -> np.ndarray:
    return DRAW.integers(0, 2**64, count, dtype=np.uint64)


def source(*sets: np.ndarray) -> Fingerprint:
    return Fingerprint(source=packed(np.concatenate(sets)))


def graph(name: str, operators: int = 20) -> Fingerprint:
    return Fingerprint(graph=name, operators=operators)


def numbered(*prints: Fingerprint) -> dict[str, Fingerprint]:
    return {f"s{index:04}": one for index, one in enumerate(prints)}


def ids(found: tuple[Cluster, ...]) -> list[tuple[str, ...]]:
    return [one.ids for one in found]


class TestGraph:
    def test_a_rare_one_is_told(self) -> None:
        course = numbered(graph("a"), graph("b"), graph("a"), *(graph(f"own {index}") for index in range(9)))
        assert compared(course) == (Cluster(likeness="graph", ids=("s0000", "s0002"), share=1.0, of=12),)

    @pytest.mark.parametrize(
        ("alike", "of", "told"), [(2, 2, True), (3, 3, True), (3, 9, True), (4, 12, False), (4, 13, True)]
    )
    def test_what_a_third_of_the_course_hands_in_is_not(self, alike: int, of: int, told: bool) -> None:
        course = numbered(*[graph("a")] * alike, *(graph(f"own {index}") for index in range(of - alike)))
        assert ids(compared(course)) == ([tuple(sorted(course)[:alike])] if told else [])

    def test_a_template_is_not(self) -> None:
        course = numbered(graph("a"), graph("a"), graph("b"), graph("b"))
        assert ids(compared(course, [graph("a")])) == [("s0002", "s0003")]

    def test_next_to_nothing_and_nothing_are_not(self) -> None:
        assert compared(numbered(graph("a", 4), graph("a", 4), Fingerprint(), Fingerprint())) == ()


class TestSource:
    def test_near_ones_are_told_with_what_they_share(self) -> None:
        both = keys(90)
        course = numbered(source(both, keys(10)), source(keys(100)), source(both, keys(310)))
        assert compared(course) == (Cluster(likeness="source", ids=("s0000", "s0002"), share=0.9, of=3),)

    @pytest.mark.parametrize(("shared", "told"), [(74, False), (76, True)])
    def test_three_quarters_are_near(self, shared: int, told: bool) -> None:
        both = keys(shared)
        assert len(compared(numbered(source(both, keys(100 - shared)), source(both, keys(100 - shared))))) == told

    def test_templates_are_subtracted(self) -> None:
        given = keys(500)
        course = numbered(*(source(given, keys(60)) for _ in range(3)))
        assert ids(compared(course)) == [("s0000", "s0001", "s0002")]
        assert compared(course, [source(given[:250]), source(given[250:])]) == ()

    def test_so_is_what_most_of_the_course_shares(self) -> None:
        common, own = keys(500), keys(40)
        course = numbered(*(source(common, keys(60)) for _ in range(6)), *(source(keys(60)) for _ in range(4)))
        assert compared(course) == ()
        course |= {"x": source(common, own, keys(5)), "y": source(common, own, keys(5))}
        assert ids(compared(course)) == [("x", "y")]

    def test_a_few_lines_are_anybodys(self) -> None:
        few = source(keys(23))
        assert compared(numbered(few, few)) == ()

    def test_a_long_source_is_compared_by_a_sample(self) -> None:
        long, short = keys(4 * MAX_KEYS), keys(600)
        course = numbered(source(long, short), source(short), source(keys(4 * MAX_KEYS)), source(long))
        assert max(len(unpacked(one.source)) for one in course.values()) == MAX_KEYS
        (found,) = compared(course)
        assert found.ids == ("s0000", "s0001", "s0003")

    def test_a_chain_is_one_cluster(self) -> None:
        whole = keys(300)
        course = numbered(*(source(whole[start : start + 100]) for start in (0, 20, 40)))
        assert compared(course) == (Cluster(likeness="source", ids=tuple(course), share=0.8, of=3),)


class TestWeights:
    def test_a_shared_body_is_told(self) -> None:
        one = Fingerprint(tensors={"a" * 16: 9000, "b" * 16: 500, "c" * 16: 400})
        other = Fingerprint(tensors={"c" * 16: 400, "a" * 16: 9000, "d" * 16: 600})
        assert compared(numbered(one, other)) == (
            Cluster(likeness="weights", ids=("s0000", "s0001"), share=9400 / 9900, of=2),
        )
        third = Fingerprint(tensors={"b" * 16: 500, "e" * 16: 9400})
        assert ids(compared(numbered(one, other, third))) == [("s0000", "s0001")]

    def test_weights_that_the_course_gave_out_are_not(self) -> None:
        given = {"a" * 16: 9000}
        course = numbered(Fingerprint(tensors={**given, "b" * 16: 500}), Fingerprint(tensors={**given, "c" * 16: 500}))
        assert len(compared(course)) == 1
        assert compared(course, [Fingerprint(tensors=given)]) == ()


def course_of(size: int) -> tuple[dict[str, Fingerprint], list[tuple[str, ...]]]:
    """A course that shares a part, with groups of five in it, and the groups."""
    rng = random.Random(1)
    common, often = keys(100), keys(200)
    names = [f"{rng.random():.12f}" for _ in range(size)]
    course, groups = {}, []
    for start in range(0, size, 20):
        group, whole = tuple(sorted(names[start : start + 5])), keys(250)
        groups.append(group)
        for name in names[start : start + 20]:
            own = np.where(DRAW.random(250) < 0.93, whole, keys(250)) if name in group else keys(250)
            course[name] = source(common, DRAW.choice(often, 30), own)
    return course, sorted(groups)


def test_a_large_course_is_grouped_and_order_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    course, groups = course_of(600)
    found = compared(course)
    assert ids(found) == groups
    names = list(course)
    random.Random(2).shuffle(names)
    assert compared({name: course[name] for name in names}) == found
    monkeypatch.setattr(near_module, "MAX_INDEXED", 50_000)  # of 220,000: only a part is in memory at once
    assert compared(course) == found


def test_what_the_compared_pairs_are_grows_with_the_course_and_not_its_square(monkeypatch: pytest.MonkeyPatch) -> None:
    compare = near_module._compared
    seen = []
    monkeypatch.setattr(near_module, "_compared", lambda sets, *pair: seen.append(pair) or compare(sets, *pair))
    copied = source(keys(2000))
    course = numbered(*[copied] * 150, *(source(keys(300)) for _ in range(250)))
    assert [len(one.ids) for one in compared(course)] == [150]
    assert len(seen) <= 4 * len(course)


def test_kinds_and_sizes_are_in_order() -> None:
    both = keys(100)
    course = {
        "d": source(both),
        "e": source(both),
        **{name: graph("g") for name in "xyz"},
        **{name: graph("h") for name in "ab"},
        **{name: graph("i") for name in "cf"},
        **{name: graph(name) for name in "klmnopq"},
    }
    assert ids(compared(course)) == [("x", "y", "z"), ("a", "b"), ("c", "f"), ("d", "e")]


def test_nobody_and_one_are_like_nobody() -> None:
    assert compared({}) == compared(numbered(source(keys(100)))) == ()
