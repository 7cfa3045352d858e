"""Objects in an S3-compatible bucket. boto3 is the extra `s3`; every call here blocks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

SCHEME = "s3://"
PIECE = 65_536
"""Bytes of a download that are held at once."""

CONNECTING, ANSWERING = 5.0, 30.0
"""Seconds."""

NO_OBJECT = ("404", "NoSuchKey", "InvalidRange")
"""S3's codes."""


class BucketError(Exception):
    """The bucket refuses; the message says what, for the person who runs Parley."""


class BucketAwayError(BucketError):
    """The bucket does not answer: whatever else is asked of it now fails, too."""


class NoObjectError(BucketError):
    """There is no such object, or no such part of it."""


@dataclass(frozen=True)
class BucketPlace:
    """Where it is. Without `endpoint` it is Amazon's; without keys boto3 looks for its own.

    `prefix` begins the name of each object.
    """

    name: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None
    access_key: str | None = None
    secret_key: SecretStr | None = None


@dataclass(frozen=True)
class Download:
    """`size` is that of these pieces, in bytes; `range` is set where they are a part (RFC 9110)."""

    pieces: Iterator[bytes]
    size: int
    range: str | None


class Bucket:
    """Objects are named by URLs, as `s3://bucket/prefix/file`. All raise `BucketError`."""

    def __init__(self, place: BucketPlace) -> None:
        """Asks nobody yet. Raises `BucketError` where boto3 is not installed."""
        self._place = place
        self._client = _client(place)

    def url(self, file_name: str) -> str:
        return f"{SCHEME}{self._place.name}/{self._place.prefix}{file_name}"

    def holds(self, url: str) -> bool:
        """Whether it is of this bucket; nobody is asked if it is there."""
        return url.startswith(f"{SCHEME}{self._place.name}/")

    def put(self, file: Path, kind: str) -> str:
        """The whole file, of this media type, instead of what has its name; returns the URL.

        Raises OSError where the file cannot be read.
        """
        url = self.url(file.name)
        with file.open("rb") as sound, _asking():
            # Managed: in parts, where one request could not take it.
            self._client.upload_fileobj(
                sound, self._place.name, self._key(url), ExtraArgs={"ContentType": kind}
            )
        return url

    def get(self, url: str, wanted: str | None = None) -> Download:
        """All of it, or the `wanted` range of bytes. Raises `NoObjectError`, too."""
        part = {"Range": wanted} if wanted else {}
        with _asking():
            found = self._client.get_object(Bucket=self._place.name, Key=self._key(url), **part)
        return Download(
            found["Body"].iter_chunks(PIECE), found["ContentLength"], found.get("ContentRange")
        )

    def remove(self, url: str) -> None:
        """What is not there is removed."""
        with _asking():
            self._client.delete_object(Bucket=self._place.name, Key=self._key(url))

    def _key(self, url: str) -> str:
        if not self.holds(url):
            raise BucketError(f"{url} lies in another bucket than {self._place.name}")
        return url.removeprefix(f"{SCHEME}{self._place.name}/")


def _client(place: BucketPlace) -> Any:
    try:
        import boto3  # noqa: PLC0415  # an extra
        from botocore.config import Config  # noqa: PLC0415
    except ImportError:
        raise BucketError("a bucket needs boto3: uv sync --extra s3") from None
    config = Config(
        connect_timeout=CONNECTING,
        read_timeout=ANSWERING,
        # Who asks tries again, and knows better when.
        retries={"total_max_attempts": 1},
        # Names of buckets are no host names at most servers that are not Amazon's.
        s3={"addressing_style": "path"} if place.endpoint else None,
        # Checksums that some of them do not know.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    secret = place.secret_key.get_secret_value() if place.secret_key else None
    try:
        return boto3.session.Session().client(
            "s3",
            endpoint_url=place.endpoint,
            region_name=place.region or ("us-east-1" if place.endpoint else None),
            aws_access_key_id=place.access_key,
            aws_secret_access_key=secret,
            config=config,
        )
    except ValueError as error:
        raise BucketError(f"the bucket's endpoint or region is none: {error}") from None


@contextmanager
def _asking() -> Iterator[None]:
    """boto3's errors as ours, without what they quote of the request."""
    from boto3.exceptions import Boto3Error  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        yield
    except ClientError as error:
        raise _refusal(error) from None
    except (BotoCoreError, Boto3Error) as error:
        if isinstance(error.__context__, ClientError):  # an upload that was refused
            raise _refusal(error.__context__) from None
        raise BucketAwayError(f"the bucket does not answer: {type(error).__name__}") from None


def _refusal(error: Any) -> BucketError:
    code = str(error.response.get("Error", {}).get("Code", "unknown"))
    if code in NO_OBJECT:
        return NoObjectError(f"the bucket has no such object ({code})")
    return BucketError(f"the bucket refuses: {code}")
