"""A plan as flags of vLLM and settings of both engines and the worker. Pure."""

import math
from collections.abc import Mapping

from parley.plan import mind, voice
from parley.plan.budget import Plan
from parley.plan.limits import CONTEXT

TRIED = {"vllm": "0.32.0", "livekit-server": "1.13.5", "livekit-sip": "1.8.0"}
"""vLLM's flags were read in that version, which has not run; LiveKit's programs carry the tests'
calls."""

FINER = 1000
"""Parts of `--gpu-memory-utilization`."""


def utilization(plan: Plan) -> float:
    """Of vLLM, on the fullest of its GPUs."""
    given = plan.asked.mind
    if given is None:
        return 0.0
    needed = sum(part.size for part in mind.memory(given, plan.calls)) + CONTEXT
    least = min(gpu.memory for gpu in plan.asked.gpus[: given.gpus])
    return math.ceil(FINER * needed / least) / FINER


def vllm(plan: Plan) -> Mapping[str, str]:
    """By flag, "" for a switch; empty without a language model here. What any telephone wants,
    `deploy/vllm/start.py` adds."""
    given = plan.asked.mind
    if given is None:
        return {}
    flags = {
        "--gpu-memory-utilization": f"{utilization(plan):.3f}",
        "--max-num-seqs": str(mind.sequences(plan.calls)),
        "--max-model-len": str(given.context),
        "--max-num-batched-tokens": str(mind.BATCHED),
        "--kv-cache-dtype": given.kv_type,
        "--tensor-parallel-size": str(given.gpus),
        "--enable-prefix-caching": "",
        "--enable-chunked-prefill": "",
    }
    if given.quantize:
        flags["--quantization"] = given.quantize
    return flags


def engines(plan: Plan) -> Mapping[str, str]:
    """Settings of the engines and of the worker."""
    asked, calls = plan.asked, plan.calls
    settings = {"AGENT_MAX_CALLS": str(calls)}
    if asked.ears:
        settings |= {
            "WHISPER_MODEL": asked.ears.name,
            "WHISPER_DEVICE": "cuda",
            "WHISPER_COMPUTE_TYPE": "float16",
            "WHISPER_LISTEN__MAX_SESSIONS": str(calls),
        }
    if asked.speaks:
        settings |= {
            "CSM_DEVICE": "cuda",
            "CSM_STREAMS": str(voice.streams(calls)),
            "CSM_DEPTH_BITS": str(asked.depth_bits),
            "CSM_LISTEN__MAX_SESSIONS": str(calls),
        }
    if asked.mind:
        settings["AGENT_LLM__MODEL"] = asked.mind.model.name
    return settings
