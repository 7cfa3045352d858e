from whisper_engine.cli.ab.streamed import Kept, kept


def test_stable_words_that_the_final_says_otherwise_are_counted() -> None:
    first = [("what is the weather", "what is the weather in Paris"), ("and", "and then")]
    second = [("the whether in", "the weather in"), ("", "never")]
    assert kept([first, second, []]) == Kept(words=8, changed=2)


def test_a_final_that_is_shorter_took_words_back() -> None:
    assert kept([[("one two three", "one")]]) == Kept(words=3, changed=2)
    assert kept([]).rate == 0.0
