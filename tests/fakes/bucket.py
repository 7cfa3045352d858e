"""A server that speaks S3 on a socket of its own (moto's), with one empty bucket."""

from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from moto.server import ThreadedMotoServer
from pydantic import SecretStr

from ledger.bucket import BucketPlace

NAME = "sounds"


@contextmanager
def bucket_server() -> Iterator[BucketPlace]:
    """Whoever has the place's keys may do all there."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        place = BucketPlace(
            NAME,
            prefix="calls/",
            endpoint=f"http://{host}:{port}",
            access_key="tester",
            secret_key=SecretStr("not-a-secret"),
        )
        make(place)
        yield place
    finally:
        server.stop()


def make(place: BucketPlace) -> None:
    """The bucket, at its server."""
    assert place.secret_key
    client = boto3.client(
        "s3",
        endpoint_url=place.endpoint,
        region_name="us-east-1",
        aws_access_key_id=place.access_key,
        aws_secret_access_key=place.secret_key.get_secret_value(),
    )
    client.create_bucket(Bucket=place.name)
