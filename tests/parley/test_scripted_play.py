"""The shipped script, played without a server."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.yaml_file import BadFileError
from parley.scripted.matching import Matcher, find_option, words_of
from parley.scripted.play import Answer, Player
from parley.scripted.script import FormField, Script, load_scripts
from parley.scripted.wire import Message
from sip.simulate.script import CallScript

FOLDER = Path(__file__).parents[2] / "personas" / "scripts"
SCRIPT = load_scripts(FOLDER)["receptionist"]
PLAYER = Player(SCRIPT)
MATCHER = Matcher(SCRIPT)
PHRASES = [(entry.name, phrase) for entry in SCRIPT.entries for phrase in entry.hears]


def meant(heard: str) -> str | None:
    number = MATCHER.best(heard)
    return None if number is None else SCRIPT.entries[number].name


def talk(*said: str, tools: frozenset[str] = frozenset({"end_call"})) -> list[Answer]:
    """What the model answers to each turn, the history growing as it would in a call."""
    history = [Message(role="system", content="Be kind.")]
    answers = []
    for words in said:
        history.append(Message(role="user", content=words))
        answers.append(PLAYER.answer(history, tools))
        history.append(Message(role="assistant", content=answers[-1].text or "(nothing)"))
    return answers


CALLS = sorted((Path(__file__).parents[1] / "e2e" / "calls").glob("*.yaml"))


@pytest.mark.parametrize("path", CALLS, ids=lambda path: path.stem)
def test_each_call_of_the_tests_gets_the_words_that_it_expects(path: Path) -> None:
    call = CallScript.load(path)
    answers = talk(*(turn.say or "" for turn in call.turns))
    for turn, answer in zip(call.turns, answers, strict=True):
        assert set(words_of(" ".join(turn.contains))) <= set(words_of(answer.text))


@pytest.mark.parametrize(("name", "phrase"), PHRASES, ids=[phrase for _, phrase in PHRASES])
def test_each_phrase_means_its_own_entry(name: str, phrase: str) -> None:
    assert meant(phrase) == name


@given(st.sampled_from([it for it in PHRASES if len(it[1].split()) > 3]), st.data())
def test_a_small_word_lost_does_not_change_what_a_phrase_means(
    it: tuple[str, str], data: st.DataObject
) -> None:
    name, phrase = it
    words = phrase.split()
    small = [at for at, word in enumerate(words) if word in {"a", "the", "to", "is", "are", "do"}]
    if small:
        del words[data.draw(st.sampled_from(small))]
    assert meant(" ".join(words)) == name


@pytest.mark.parametrize(
    ("heard", "name"),
    [
        ("uh what are your opening hour", "opening hours"),
        ("Hello, when do you open?", "opening hours"),
        ("could you tell me when you are open please", "opening hours"),
        ("what's the weather like in Paris today", "weather"),
        ("what is the whether in paris", "weather"),
        ("i'd like to make an appointment please", "booking"),
        ("would you please tell me a story", "story"),
        ("okay thank you goodbye", "goodbye"),
        ("how much does the cleaning cost", "prices"),
    ],
)
def test_bent_words_still_mean_their_entry(heard: str, name: str) -> None:
    assert meant(heard) == name


@pytest.mark.parametrize(
    "heard",
    [
        *SCRIPT.others,
        "what is the time in london",
        "do you like music",
        "my dog is called rex",
        "tell me about the moon landing",
        "",
        "...",
    ],
)
def test_what_no_entry_hears_means_nothing(heard: str) -> None:
    assert meant(heard) is None


def test_a_booking_asks_day_time_and_name_and_says_them_back() -> None:
    answers = talk(
        "i would like to book an appointment",
        "on tuesday please",
        "at half past ten",
        "my name is anna smith",
    )
    assert [answer.text for answer in answers[:3]] == [
        "Of course. Which day would you like to come?",
        "And at what time?",
        "Thank you. What is your name, please?",
    ]
    assert answers[3].text.startswith(
        "Thank you, Anna Smith. Your appointment is booked, Tuesday at half past ten."
    )


def test_a_booking_takes_what_was_said_at_once_and_asks_only_for_the_rest() -> None:
    answers = talk("i need an appointment on friday at eleven", "this is john miller")
    assert answers[0].text == "Thank you. What is your name, please?"
    assert "John Miller" in answers[1].text
    assert "Friday at eleven" in answers[1].text


def test_in_a_booking_a_question_is_answered_and_the_booking_goes_on() -> None:
    answers = talk("can i book an appointment", "where are you", "monday")
    assert "Water Street" in answers[1].text
    assert answers[1].text.endswith("Which day would you like to come?")
    assert answers[2].text == "And at what time?"


def test_in_a_booking_what_was_not_understood_is_asked_again() -> None:
    answers = talk("can i book an appointment", "my dog is called rex")
    assert answers[1].text == "I'm sorry, which day would you like?"


def test_goodbye_leaves_a_booking_and_ends_the_call() -> None:
    answers = talk("can i book an appointment", "no thank you goodbye", "hello")
    assert answers[1].call is not None
    assert answers[1].call.name == "end_call"
    assert answers[2].text.startswith("Hello")


def test_a_booking_that_is_done_is_over() -> None:
    answers = talk("i need an appointment on friday at eleven", "anna smith", "on monday")
    assert answers[2].text == SCRIPT.unknown


def test_the_first_direction_is_greeted_and_a_later_one_is_silence() -> None:
    answers = talk("(the call is connected)", "(the caller says nothing)")
    assert [answer.text for answer in answers] == [SCRIPT.greeting, SCRIPT.silence]


def test_of_turns_left_unanswered_the_last_is_answered() -> None:
    assert talk("please break")[0].status == 500
    answers = talk("please break\nwhat is your address")
    assert "Water Street" in answers[0].text


def test_the_story_takes_over_forty_seconds_to_tell() -> None:
    fastest_words_a_second = 4.0
    story = talk("tell me a story")[0].text
    assert len(story.split()) / fastest_words_a_second > 40


def test_without_the_tool_goodbye_is_only_said() -> None:
    answer = talk("goodbye", tools=frozenset())[0]
    assert "Goodbye" in answer.text
    assert answer.call is None


def test_of_two_options_the_longer_counts_and_of_equals_the_later() -> None:
    field = FormField(name="time", asks="?", again="?", options=["ten", "half past ten", "nine"])
    assert find_option(field, "at half past ten") == "half past ten"
    assert find_option(field, "not ten, nine") == "nine"
    assert find_option(field, "whenever") is None


def test_words_keep_inner_apostrophes_alone() -> None:
    assert words_of("'It's TEN o\u2019clock', she said.") == (
        "it's",
        "ten",
        "o'clock",
        "she",
        "said",
    )


GOOD = """greeting: Hello.
silence: Well?
unknown: No.
entries:
  - name: hours
    hears: [when]
    says: Now.
"""


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (GOOD + "    sayz: x\n", r"s\.yaml:8: entries\.0\.sayz: Extra inputs"),
        (GOOD + "    empty: true\n", r"s\.yaml:5: entries\.0: .*exactly one of says, form"),
        (GOOD.replace("[when]", "[yes]"), r"s\.yaml:6: entries\.0\.hears\.0: .*valid string"),
        (GOOD + "    status: 200\n", r"s\.yaml:8: entries\.0\.status: "),
        (GOOD + GOOD[GOOD.index("  - name") :], r"s\.yaml:4: entries: .*'hours' is named twice"),
        (GOOD.replace("greeting: Hello.\n", ""), r"s\.yaml:1: greeting: Field required"),
        (
            GOOD.replace(
                "says: Now.",
                "form: {done: 'On {dya}.', fields: "
                "[{name: day, asks: a, again: b, options: [monday]}]}",
            ),
            r"s\.yaml:7: entries\.0\.form: .*'dya' is not the name of a field",
        ),
    ],
)
def test_a_bad_script_is_refused_with_file_line_and_key(
    tmp_path: Path, text: str, complaint: str
) -> None:
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(BadFileError, match=complaint):
        load_scripts(tmp_path)


def test_one_word_entries_match_only_their_word() -> None:
    script = Script.model_validate(
        {
            "greeting": "a",
            "silence": "b",
            "unknown": "c",
            "entries": [{"name": "x", "hears": ["yes"], "says": "d"}],
        }
    )
    assert Matcher(script).best("yes") == 0
    assert Matcher(script).best("yesterday evening") is None


@pytest.mark.parametrize(
    ("heard", "label"),
    [
        ("hello", "human"),
        ("yes this is anna smith", "human"),
        ("please leave a message after the tone", "machine-vm"),
        ("this mailbox is full and cannot take messages", "machine-unavailable"),
        ("please state your name and why you call", "machine-ivr"),
    ],
)
def test_who_answered_is_a_person_unless_the_script_knows_the_words(heard: str, label: str) -> None:
    player = Player(load_scripts(FOLDER)["reminder"])
    asked = [Message(role="system", content="Who?"), Message(role="user", content=heard)]
    answer = player.answer(asked, {"save_prediction", "postpone_termination"})
    assert answer.call is not None
    assert (answer.call.name, answer.call.arguments) == ("save_prediction", {"label": label})
    assert player.answer(asked, set()).call is None
