"""Conversations under any order of what calls do: each keeps its own tokens, and no page is lost."""

from dataclasses import dataclass, field, replace

import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from csm_engine.context.budget import Budget
from csm_engine.context.context import Context
from csm_engine.csm.page_pool import OutOfPagesError
from csm_engine.csm.paged_kv import PagedKV, Sequence
from csm_engine.csm.prompt import Segment
from tests.csm_tts.csm_contexts import CONFIG, PROMPTER, Said, length, numbers, sound

pytestmark = pytest.mark.engine

PAGE_SIZE, PAGES = 8, 60  # too few for two contexts of full length
VOICE = Segment(0, "Hello.", sound(7, seed=9))
TEXTS = ("Yes.", "one two three four five six", "a b c d e f g h i j k l m n o p q")
BUDGET = Budget(history=70, reserve=100, segment=32)  # a few turns are too many
FRAMES = (0, 2, 14, 25, 40)
NONSENSE = -1.0
"""What a step writes of a frame that does not count."""


replies = st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3)
endings = st.tuples(st.integers(0, 3), st.integers(0, 2), st.booleans())


@dataclass(eq=False)
class Party:
    """A conversation and what it should remember; `last` is the end of a sentence's prompt."""

    context: Context
    history: list[Said] = field(default_factory=list)
    speaking: tuple[str, str] | None = None
    last: list[float] = field(default_factory=list)
    later: list[Said] = field(default_factory=list)
    cuts: dict[str, float] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    forgotten: bool = False

    def drop_to(self, tokens: int) -> None:
        while self.history and length(self.history) > tokens:
            said = self.history.pop(0)
            if said.utterance:
                self.dropped[said.utterance] = self.dropped.get(said.utterance, 0) + said.sent

    def mend(self) -> None:
        heard = [said if said.complete else said.heard(said.sent) for said in self.history]
        self.history = [said for said in heard if said]

    def forget(self) -> None:
        self.history, self.dropped = [], {}

    def cut(self, utterance: str, heard: float) -> None:
        left: list[Said] = []
        heard = max(0.0, heard - self.dropped.get(utterance, 0))
        for said in self.history:
            if said.utterance != utterance:
                left.append(said)
            else:
                left += [rest] if (rest := said.heard(heard)) else []
                heard = max(0, heard - said.sent)
        self.history = left


class Calls(RuleBasedStateMachine):
    """What is read into the cache is written there as numbers, which must be the history's."""

    def __init__(self) -> None:
        super().__init__()
        self.kv = PagedKV(CONFIG.backbone, pages=PAGES, page_size=PAGE_SIZE)
        self.prefix = Sequence()
        self.write(self.prefix, numbers(PROMPTER.prompt([VOICE])))
        self.room = self.kv.max_length - self.prefix.length - BUDGET.reserve
        self.parties: list[Party] = []

    def write(self, sequence: Sequence, tokens: list[float]) -> None:
        self.kv.extend(sequence, len(tokens))
        for place, number in enumerate(tokens, sequence.length - len(tokens)):
            self.kv.keys[:, sequence.pages[place // PAGE_SIZE], place % PAGE_SIZE] = number

    def one_of(self, data: st.DataObject, *, speaking: bool) -> Party | None:
        fitting = [party for party in self.parties if bool(party.speaking) == speaking]
        return data.draw(st.sampled_from(fitting)) if fitting else None

    @initialize()
    def begin_two(self) -> None:
        self.begin()
        self.begin()

    @precondition(lambda self: len(self.parties) < 3)
    @rule()
    def begin(self) -> None:
        context = Context(self.kv, PROMPTER, self.prefix, BUDGET, remembers="sounds")
        self.parties.append(Party(context))

    @rule(data=st.data(), texts=replies, utterance=st.sampled_from("uv"), ends=st.booleans())
    def reply(self, data: st.DataObject, texts: list[str], utterance: str, ends: bool) -> None:
        """Sentences one after the other; the last one may go on."""
        if (party := self.one_of(data, speaking=False)) is None:
            return
        for number, text in enumerate(texts, 1):
            self.ask(party, utterance, text, data.draw(st.sampled_from([1.0, 1.0, 1.0, 0.5])))
            if party.speaking and (ends or number < len(texts)):
                self.speak(data, party)

    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        if party := self.one_of(data, speaking=True):
            self.speak(data, party)

    def ask(self, party: Party, utterance: str, text: str, share: float) -> None:
        """Read that share of the prompt; a part is as good as nothing."""
        party.mend()
        room = self.room - len(PROMPTER.text(0, text))
        if length(party.history) > room:
            party.drop_to(min(room, BUDGET.history // 2))
        prompt = numbers(party.context.ask(utterance, text))
        party.speaking, party.last = (utterance, text), prompt[-1:]
        read = int((len(prompt) - 1) * share)
        try:
            self.write(party.context.sequence, prompt[:read])
        except OutOfPagesError:
            self.over(party, sound(0), 0, complete=False)
            return
        party.context.read(read)
        if share < 1:
            self.over(party, sound(0), 0, complete=False)

    def speak(self, data: st.DataObject, party: Party) -> None:
        lead, ahead, complete = data.draw(endings)
        frames = sound(data.draw(st.sampled_from(FRAMES)), seed=data.draw(st.integers(0, 99)))
        inputs = [*party.last, *numbers(PROMPTER.audio(frames))[:-1], NONSENSE]
        steps = 0
        try:
            for number in inputs[: len(frames) + ahead]:
                self.write(party.context.sequence, [number])
                steps += 1
        except OutOfPagesError:
            complete = False
        made = frames[:steps]
        self.over(party, made, min(lead, len(made)), complete=complete)

    def over(self, party: Party, frames: torch.Tensor, lead: int, *, complete: bool) -> None:
        assert party.speaking is not None
        utterance, text = party.speaking
        party.context.done(frames, lead, complete=complete)
        if len(frames):
            sent = len(frames) - lead
            said = Said(Segment(0, text, frames), utterance, lead, sent, complete)
            short = said if len(frames) <= BUDGET.segment else said.heard(BUDGET.segment - lead)
            party.history += [replace(short, sent=sent)] if short else []
        if party.forgotten:
            party.forget()
        for cut, heard in party.cuts.items():
            party.cut(cut, heard)
        party.history += party.later
        party.speaking, party.later, party.cuts, party.forgotten = None, [], {}, False

    @rule(
        data=st.data(),
        speaking=st.booleans(),
        speaker=st.integers(0, 1),
        frames=st.sampled_from(FRAMES),
    )
    def append(self, data: st.DataObject, speaking: bool, speaker: int, frames: int) -> None:
        if (party := self.one_of(data, speaking=speaking)) is None:
            return
        codes = sound(frames) if frames else None
        party.context.append(speaker, "Hm.", codes)
        kept = None if codes is None else codes[-BUDGET.segment :]
        said = Said(Segment(speaker, "Hm.", kept))
        if speaking:
            party.later.append(said)
            while length(party.later) > BUDGET.history and len(party.later) > 1:
                party.later.pop(0)
            return
        party.history.append(said)
        if length(party.history) > self.room:
            party.drop_to(BUDGET.history // 2)

    @rule(
        data=st.data(),
        speaking=st.booleans(),
        utterance=st.sampled_from("uvw"),
        frames=st.integers(0, 80),
    )
    def cut(self, data: st.DataObject, speaking: bool, utterance: str, frames: int) -> None:
        if (party := self.one_of(data, speaking=speaking)) is None:
            return
        heard = frames / 2
        party.context.cut(utterance, heard * 0.08)
        if speaking:
            party.cuts[utterance] = min(heard, party.cuts.get(utterance, heard))
        else:
            party.cut(utterance, heard)

    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        """In the middle of a sentence."""
        if party := self.one_of(data, speaking=True):
            party.context.reset()
            party.forgotten, party.later, party.cuts = True, [], {}

    @rule(data=st.data(), way=st.sampled_from(["trim", "trim", "evict", "reset"]))
    def give_up(self, data: st.DataObject, way: str) -> None:
        if (party := self.one_of(data, speaking=False)) is None:
            return
        free = self.kv.pool.free
        if way == "evict":
            assert party.context.evict() == self.kv.pool.free - free
            assert party.context.sequence.pages == self.prefix.pages
        elif way == "reset":
            party.context.reset()
            party.forget()
        else:
            before = length(party.history)
            party.mend()
            over = length(party.history) > BUDGET.history
            party.drop_to(BUDGET.history // 2 if over else BUDGET.history)
            assert party.context.trim() == (length(party.history) < before)

    @rule(data=st.data())
    def idle(self, data: st.DataObject) -> None:
        if (party := self.one_of(data, speaking=False)) is None:
            return
        unread = numbers(party.context.unread)
        chunk = unread[: data.draw(st.integers(0, len(unread)))]
        try:
            self.write(party.context.sequence, chunk)
        except OutOfPagesError:
            return
        party.context.read(len(chunk))

    @precondition(lambda self: len(self.parties) == 3)
    @rule(data=st.data(), speaking=st.booleans())
    def close(self, data: st.DataObject, speaking: bool) -> None:
        if party := self.one_of(data, speaking=speaking):
            party.context.close()
            self.parties.remove(party)

    @invariant()
    def each_has_its_own_history(self) -> None:
        for party in self.parties:
            if party.speaking is None:
                cached = self.cached(party.context.sequence)
                segments = [VOICE, *(said.segment for said in party.history)]
                expected = numbers(PROMPTER.prompt(segments))
                assert cached + numbers(party.context.unread) == expected

    def cached(self, sequence: Sequence) -> list[float]:
        tokens: list[float] = self.kv.keys[-1, sequence.pages, :, 0, 0].flatten().tolist()
        return tokens[: sequence.length]

    @invariant()
    def every_page_is_free_or_held_by_those_who_name_it(self) -> None:
        sequences = [self.prefix, *(party.context.sequence for party in self.parties)]
        named = [page for sequence in sequences for page in sequence.pages]
        assert self.kv.pool.free == PAGES - len(set(named))
        assert all(self.kv.pool.holders(page) == named.count(page) for page in named)
        assert self.cached(self.prefix) == numbers(PROMPTER.prompt([VOICE]))


Calls.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestCalls = Calls.TestCase
