"""The control API gives a recording, whole or in part, from the bucket as from the folder."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from ledger.bucket import Bucket
from tests.fakes.bucket import bucket_server
from tests.web.rig import now, serving

SOUND = bytes(range(256)) * 600


async def test_sound_comes_from_the_bucket_whole_and_in_part_and_goes_with_its_call(
    tmp_path: Path,
) -> None:
    with bucket_server() as place:
        file = tmp_path / "c1.ogg"
        file.write_bytes(SOUND)
        bucket = Bucket(place)
        url = bucket.put(file, "audio/ogg")
        async with serving(tmp_path, bucket=bucket) as rig:
            rig.call(recording=url, ended_at=now() - timedelta(hours=1), outcome="answered")
            path = "/v1/calls/c1/recording"
            async with rig.http.get(path, headers=rig.headers()) as answer:
                assert answer.status == 200
                assert answer.content_type == "audio/ogg"
                assert await answer.read() == SOUND
            part = rig.headers() | {"Range": "bytes=10-19"}
            async with rig.http.get(path, headers=part) as answer:
                assert answer.status == 206
                assert answer.headers["Content-Range"] == f"bytes 10-19/{len(SOUND)}"
                assert await answer.read() == SOUND[10:20]
            assert (await rig.ask("DELETE", "/v1/calls/c1"))[0] == 204
            rig.call("c2", recording=url, ended_at=now(), outcome="answered")
            assert (await rig.get("/v1/calls/c2/recording"))[0] == 404


async def test_a_bucket_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    with bucket_server() as place:
        away = Bucket(replace(place, endpoint="http://127.0.0.1:9"))
        async with serving(tmp_path, bucket=away) as rig:
            rig.call(recording=away.url("c1.ogg"), ended_at=now(), outcome="answered")
            status, said = await rig.get("/v1/calls/c1/recording")
    assert status == 503
    assert said["error"]["code"] == "bucket_unavailable"
