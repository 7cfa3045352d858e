"""The faults that are injected with a call up, as data. docs/failure.md shows it."""

from dataclasses import astuple, dataclass


@dataclass(frozen=True)
class Fault:
    """`shown_by` is a test: its file in tests/, and its name."""

    part: str
    fault: str
    hears: str
    lost: str
    recovers: str
    shown_by: str

    def row(self) -> str:
        """Of docs/failure.md."""
        *told, shown_by = astuple(self)
        return f"| {' | '.join((*told, f'`{shown_by}`'))} |"


AGAIN = "`parley up` starts it again"
KILLED = f"killed after `PARLEY_HUNG_AFTER`; {AGAIN}"
APOLOGY = "the apology, then the answer"
DEAD = "nothing more: the line is dead until the telephone gives up"
NOTHING = "nothing"
CALLS = "the calls, with the words since the last turn"

FAULTS = (
    Fault("Whisper engine", "killed", APOLOGY, "nothing: what was said meanwhile is kept and heard", AGAIN, "e2e/test_lost_parts.py::test_ears_that_die_and_come_back"),
    Fault("Whisper engine", "hangs", APOLOGY, NOTHING, KILLED, "faults/test_hung_parts.py::test_an_engine_or_model_that_hangs_comes_back_in_the_call"),
    Fault("Whisper engine", "hangs, and nobody starts it again", "the apology, then goodbye", NOTHING, "the call ends after `AGENT_RECOVERY__PATIENCE`", "e2e/test_lost_parts.py::test_ears_that_hang_end_the_call_politely"),
    Fault("CSM engine", "killed in a sentence", "the sentence breaks off; the apology; the agent goes on when asked", "the rest of the sentence; the model is told what was not heard", AGAIN, "e2e/test_lost_parts.py::test_a_voice_that_dies_in_its_speech_and_comes_back"),
    Fault("CSM engine", "hangs", APOLOGY, NOTHING, KILLED, "faults/test_hung_parts.py::test_an_engine_or_model_that_hangs_comes_back_in_the_call"),
    Fault("language model", "killed", APOLOGY, NOTHING, AGAIN, "e2e/test_lost_parts.py::test_a_mind_that_dies_and_comes_back_answers_what_it_was_asked"),
    Fault("language model", "hangs", APOLOGY, NOTHING, KILLED, "faults/test_hung_parts.py::test_an_engine_or_model_that_hangs_comes_back_in_the_call"),
    Fault("engine or model", "killed, and nobody starts it again", "the apology, then goodbye", NOTHING, "the call ends after `AGENT_RECOVERY__PATIENCE`", "e2e/test_lost_parts.py::test_a_part_that_does_not_come_back_ends_the_call_politely"),
    Fault("worker", "killed, the only one", "silence for up to 4 s, then it is hung up", CALLS, f"{AGAIN}; a caller who comes meanwhile hears it ring, then busy", "e2e/test_reaper.py::test_a_worker_that_is_killed_leaves_no_caller_on_the_line"),
    Fault("worker", "killed, its record", "-", "the turn that was open", "the ledger's keeper closes the call", "ledger/test_killed.py::test_all_turns_but_the_open_one_stand_and_the_reaper_closes_the_call"),
    Fault("worker", "killed, one of two", "silence for up to 4 s, then it is hung up; 28 s where the worker has a machine of its own", CALLS, "the other takes the next call at once", "faults/test_hung_parts.py::test_a_second_worker_takes_the_next_call_when_one_is_killed"),
    Fault("worker", "hangs", "nothing of it: a call is a process of its own", NOTHING, "killed after six times `PARLEY_HUNG_AFTER`, or when it has no call left", "faults/test_hung_parts.py::test_a_worker_that_hangs_ends_no_call_and_takes_the_next_when_it_has_none"),
    Fault("worker", "replaced by a new one", "nothing of it", NOTHING, "the old one ends its calls in peace", "e2e/test_deploy.py::test_the_old_worker_ends_its_calls_in_peace_and_the_new_one_takes_the_next"),
    Fault("livekit-sip", "killed, or hangs", DEAD, "the calls; their records are whole", AGAIN, "faults/test_lost_line.py::test_without_the_bridge_a_line_is_dead_its_record_is_closed_and_new_calls_come"),
    Fault("livekit-server", "killed, or hangs", "silence, then it is hung up", "the calls; their records are whole", AGAIN, "faults/test_lost_line.py::test_without_livekit_a_call_ends_and_new_ones_come"),
    Fault("redis", "killed", "nothing of it", NOTHING, AGAIN, "faults/test_lost_line.py::test_calls_outlive_redis_and_new_ones_come"),
    Fault("redis", "killed, and its data lost", "nothing of it", NOTHING, f"{AGAIN} and makes trunk and rule anew", "faults/test_lost_line.py::test_a_call_that_redis_has_forgotten_goes_on_and_is_hung_up"),
    Fault("redis", "hangs", "nothing of it", NOTHING, KILLED, "faults/test_hung_parts.py::test_calls_outlive_a_redis_that_hangs_and_new_ones_come"),
    Fault("database", "stopped", "nothing of it", NOTHING, "what was kept is written when it is back", "faults/test_lost_database.py::test_a_call_goes_on_without_the_database_and_stands_in_it_after"),
    Fault("disk", "full, of ledger and recordings", "nothing of it", NOTHING, "rows and sound wait, and are written when there is room", "faults/test_full_disk.py::test_a_full_disk_in_a_call_costs_it_nothing"),
    Fault("disk", "full, then a new call", "nothing of it", NOTHING, "it is answered as ever", "faults/test_full_disk.py::test_who_calls_meanwhile_is_answered"),
    Fault("clock", "put on or back by an hour", "nothing of it", NOTHING, "a call keeps a steady clock of its own", "agent/test_steady.py::test_what_is_said_after_it_comes_after_all_else_and_is_answered"),
    Fault("line", "delays by 200 ± 30 ms and loses 2 or 5 in 100", "the answer, later by the line; at 5 in 100 it may not catch a word, and says so", NOTHING, "the bridge puts packets in order", "faults/test_rough_line.py::test_a_caller_is_answered_and_a_goodbye_ends_the_call_with_a_record"),
    Fault("engines' sockets", "delay, overtake and lose as such a line", "whole sentences", NOTHING, "TCP sends again", "faults/test_rough_line.py::test_a_sentence_is_spoken_whole_over_it"),
    Fault("replica of an engine", "drained", "nothing of it", NOTHING, "the old one ends its calls in peace", "ray/test_serve.py::test_a_replica_that_is_drained_ends_no_call"),
    Fault("replica of an engine", "killed", "at most, a sentence that breaks off", "at most, the rest of that sentence", "another takes the call on; Serve starts a new one", "ray/test_serve.py::test_a_replica_that_is_killed_costs_no_more_than_its_sentence"),
)  # fmt: skip
