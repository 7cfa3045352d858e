"""The page pool under any order of what contexts do to it."""

import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from csm_engine.csm.config import config_from
from csm_engine.csm.fields import Fields
from csm_engine.csm.page_pool import OutOfPagesError, PagePool
from csm_engine.csm.paged_kv import PagedKV, Sequence
from csm_engine.csm.synthetic import TINY

pytestmark = pytest.mark.engine

PAGES, PAGE_SIZE = 12, 4


class Contexts(RuleBasedStateMachine):
    """Every token is written with a number of its own; each sequence must read its own back."""

    def __init__(self) -> None:
        super().__init__()
        config = config_from(Fields(TINY, "tiny")).backbone
        self.kv = PagedKV(config, pages=PAGES, page_size=PAGE_SIZE)
        self.contexts: list[tuple[Sequence, list[float]]] = []
        self.last = 0.0

    @rule()
    def begin(self) -> None:
        self.contexts.append((Sequence(), []))

    @precondition(lambda self: self.contexts)
    @rule(data=st.data(), tokens=st.integers(0, 11))
    def append(self, data: st.DataObject, tokens: int) -> None:
        sequence, numbers = data.draw(st.sampled_from(self.contexts))
        before = sequence.length, list(sequence.pages), self.kv.pool.free
        try:
            self.kv.extend(sequence, tokens)
        except OutOfPagesError:
            assert before == (sequence.length, sequence.pages, self.kv.pool.free)
            return
        for place in range(len(numbers), sequence.length):
            self.last += 1
            page = sequence.pages[place // PAGE_SIZE]
            assert self.kv.pool.holders(page) == 1, "a page that is written is one's own"
            self.kv.keys[:, page, place % PAGE_SIZE] = self.last
            self.kv.values[:, page, place % PAGE_SIZE] = -self.last
            numbers.append(self.last)

    @precondition(lambda self: self.contexts)
    @rule(data=st.data())
    def fork(self, data: st.DataObject) -> None:
        sequence, numbers = data.draw(st.sampled_from(self.contexts))
        self.contexts.append((self.kv.fork(sequence), list(numbers)))

    @precondition(lambda self: self.contexts)
    @rule(data=st.data())
    def truncate(self, data: st.DataObject) -> None:
        sequence, numbers = data.draw(st.sampled_from(self.contexts))
        length = data.draw(st.integers(0, len(numbers)))
        self.kv.truncate(sequence, length)
        del numbers[length:]

    @precondition(lambda self: self.contexts)
    @rule(data=st.data())
    def free(self, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(self.contexts) - 1))
        self.kv.free(self.contexts.pop(place)[0])

    @invariant()
    def each_reads_its_own(self) -> None:
        for sequence, numbers in self.contexts:
            assert sequence.length == len(numbers)
            read = self.kv.keys[-1, sequence.pages, :, 0, 0].flatten()
            assert read[: sequence.length].tolist() == numbers
            values = self.kv.values[0, sequence.pages, :, -1, -1].flatten()
            assert values[: sequence.length].tolist() == [-number for number in numbers]

    @invariant()
    def every_page_is_free_or_held_by_those_who_name_it(self) -> None:
        named = [page for sequence, _ in self.contexts for page in sequence.pages]
        assert 0 not in named
        for page in range(1, PAGES + 1):
            assert self.kv.pool.holders(page) == named.count(page)
        assert self.kv.pool.free == PAGES - len(set(named))
        for sequence, _ in self.contexts:
            assert len(sequence.pages) == -(-sequence.length // PAGE_SIZE)


Contexts.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestContexts = Contexts.TestCase


def test_a_page_begins_blank() -> None:
    config = config_from(Fields(TINY, "tiny")).backbone
    kv = PagedKV(config, pages=1, page_size=4)
    kv.keys[:] = torch.nan
    kv.values[:] = torch.nan
    sequence = Sequence()
    kv.extend(sequence, 1)
    assert not kv.keys[:, sequence.pages].any()
    assert not kv.values[:, sequence.pages].any()


def test_a_pool_keeps_its_books() -> None:
    pool = PagePool(2)
    pages = pool.take(2)
    with pytest.raises(OutOfPagesError, match="1 pages wanted, 0 of 2 are free"):
        pool.take(1)
    pool.release(pages)
    with pytest.raises(ValueError, match="free already"):
        pool.release([pages[0]])
    with pytest.raises(ValueError, match="cannot be shared"):
        pool.share([pages[0]])
    with pytest.raises(ValueError, match="at least one page"):
        PagePool(0)


def test_no_more_is_cut_than_there_is() -> None:
    kv = PagedKV(config_from(Fields(TINY, "tiny")).backbone, pages=2, page_size=4)
    sequence = Sequence()
    kv.extend(sequence, 3)
    for length in (-1, 4):
        with pytest.raises(ValueError, match="3 tokens cannot be cut"):
            kv.truncate(sequence, length)
