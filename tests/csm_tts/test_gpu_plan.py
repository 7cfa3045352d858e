"""The memory that is foretold is that of the tensors that a model of those dimensions has."""

from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from csm_engine.csm.config import CsmConfig, config_from
from csm_engine.csm.depth import DepthCache
from csm_engine.csm.fields import Fields
from csm_engine.csm.frame_step import Slots
from csm_engine.csm.mimi.decoder import MimiDecoder
from csm_engine.csm.mimi.encoder import MimiEncoder
from csm_engine.csm.model import Csm
from csm_engine.csm.paged_kv import PagedKV
from csm_engine.csm.synthetic import CSM_1B, TINY, random_model
from csm_engine.gpu.plan import GRAPHS, PAGE_SIZE, memory

pytestmark = pytest.mark.engine

GIB = 2**30
STREAMS, CONVERSATIONS, VOICES = 6, 3, 2
BUCKETS = (1, 2, 4)


@pytest.fixture(scope="module")
def model() -> Csm:
    torch.set_num_threads(1)
    return random_model(TINY, seed=1)


@pytest.fixture(scope="module")
def foretold(model: Csm) -> dict[str, int]:
    return dict(
        memory(
            model.config,
            streams=STREAMS,
            conversations=CONVERSATIONS,
            voices=VOICES,
            dtype_bytes=4,
            buckets=BUCKETS,
        )
    )


def tensors(thing: Any, seen: set[int]) -> Iterable[Tensor]:
    """All that it holds, each object once."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    match thing:
        case Tensor():
            yield thing
        case dict():
            for each in thing.values():
                yield from tensors(each, seen)
        case list() | tuple():
            for each in thing:
                yield from tensors(each, seen)
        case Path() | str() | int() | float() | None:
            return
        case _ if is_dataclass(thing):
            for field in fields(thing):
                yield from tensors(getattr(thing, field.name), seen)
        case _:
            yield from tensors(getattr(thing, "__dict__", {}), seen)


def held(*things: Any) -> int:
    """Bytes of the memory behind them, each once whatever views there are of it."""
    storages = {
        tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes()
        for tensor in tensors(list(things), set())
    }
    return sum(storages.values())


def test_the_models_own_parts(model: Csm, foretold: dict[str, int]) -> None:
    weights = model.weights
    assert foretold["backbone"] == held(weights.backbone)
    assert foretold["depth decoder's tables"] == held(weights.depth.embedding)
    assert foretold["depth decoder"] == held(weights.depth) - held(weights.depth.embedding)


def test_the_codec_and_its_streams(model: Csm, foretold: dict[str, int]) -> None:
    config = replace(model.config.codec, num_quantizers=model.config.num_codebooks)
    decoder = MimiDecoder(config, model.weights.codec, slots=STREAMS + VOICES)
    encoder = MimiEncoder(config, model.weights.codec, slots=1)
    streams = decoder.bytes_per_slot * (STREAMS + VOICES + 1)
    of_encoder = 2 * encoder.bytes_per_slot
    assert foretold["callers' streams"] == encoder.bytes_per_slot * (STREAMS + 1)
    assert foretold["codec's streams"] == streams
    assert foretold["codec"] == held(model.weights.codec, decoder, encoder) - streams - of_encoder


def test_pages_and_rows(model: Csm, foretold: dict[str, int]) -> None:
    positions = model.config.backbone.max_position_embeddings
    pages = (CONVERSATIONS + VOICES) * -(-positions // PAGE_SIZE)
    kv = PagedKV(model.config.backbone, pages=pages, page_size=PAGE_SIZE)
    slots = Slots(model, kv, STREAMS)
    of_slots = held(vars(slots)) - held(kv)
    caches = sum(
        held(DepthCache(model.config, rows, dtype=torch.float32, device="cpu"))
        for rows in (*BUCKETS, STREAMS)
    )
    assert foretold["pages"] == held(kv)
    assert foretold["rows"] == of_slots + caches


def test_what_is_chosen_shows(model: Csm) -> None:
    def parts(config: CsmConfig = model.config, **options: Any) -> dict[str, int]:
        sizes = {"streams": 4, "conversations": 4, "voices": 1, **options}
        return dict(memory(config, **sizes))

    plain = parts()
    table = parts(layer0_table=True)
    depth = model.config.depth
    width = (depth.num_attention_heads + 2 * depth.num_key_value_heads) * depth.head_dim
    added = table["depth decoder's tables"] - plain["depth decoder's tables"]
    assert added == 2 * model.config.num_codebooks * model.config.vocab_size * width
    assert parts(depth_bits=8)["depth decoder"] < plain["depth decoder"]
    assert parts(conversations=8)["pages"] > plain["pages"]
    assert parts(streams=8)["rows"] > plain["rows"]
    assert parts(buckets=(1, 2))[GRAPHS] > plain[GRAPHS]


def test_csm_1b_has_the_size_that_its_numbers_say() -> None:
    config = config_from(Fields(CSM_1B, "CSM-1B"))
    parts = memory(config, streams=64, conversations=64, voices=0)
    # 973.1 + 134.4 + 262.7 + 4.2 million numbers, and 111.2 + 2.1 + 65.1, of two bytes.
    assert parts["backbone"] / 2 == pytest.approx(1374.4e6, rel=1e-3)
    assert parts["depth decoder"] / 2 == pytest.approx(178.4e6, rel=1e-3)
    assert parts["pages"] / GIB == pytest.approx(64 * 64 / 1024, rel=1e-2)
