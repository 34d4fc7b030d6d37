"""Errors of remote storage, as its libraries raise them, in one sentence with an action."""

from __future__ import annotations

import errno

import pytest

from greycard.core.errors import GreycardError
from greycard.storage.failures import explained

pyarrow = pytest.importorskip("pyarrow", reason="needs pyarrow (the extra `parquet`)")

GOOGLE = "google::cloud::Status({}, with a last message of {} error_info={{reason=, metadata={{{}}}}})"


@pytest.mark.parametrize(
    ("address", "error", "sentence"),
    [
        (
            "s3://b/x",
            OSError("When listing objects under key 'x/' in bucket 'b': AWS Error ACCESS_DENIED during ListObjectsV2"),
            "s3://b/x cannot be used: access is denied, or there are no credentials\nhint: set AWS_PROFILE",
        ),
        (
            "gs://b/x",
            PermissionError(errno.EACCES, GOOGLE.format("PERMISSION_DENIED", "no permission", "")),
            "gs://b/x cannot be used: access is denied, or there are no credentials\nhint: set GOOGLE_APPL",
        ),
        (
            "gs://b/x",
            OSError(GOOGLE.format("UNAVAILABLE", "Could not create a OAuth2 access token to authenticate", "")),
            "gs://b/x cannot be used: access is denied, or there are no credentials",
        ),
        ("s3://b/x", OSError("AWS Error NO_SUCH_BUCKET during ListObjectsV2"), "the bucket of s3://b/x does not exist"),
        ("s3://b/x", OSError("Bucket 'b' not found"), "the bucket of s3://b/x does not exist"),
        (
            "gs://b/x",
            FileNotFoundError(errno.ENOENT, GOOGLE.format("NOT_FOUND", "none", "function=ListObjects")),
            "the bucket of gs://b/x does not exist\nhint: check its name",
        ),
        ("gs://b/x", OSError("No such file or directory 'b/x'"), "gs://b/x does not exist"),
        (
            "gs://b/x",
            OSError(GOOGLE.format("UNAVAILABLE", "PerformWork() - CURL error [7]=Could not connect to server", "")),
            "gs://b/x cannot be reached: Could not connect to server\nhint: check the network, and STORAGE_EMULATOR",
        ),
        (
            "gs://b/x",
            OSError(GOOGLE.format("UNAVAILABLE", "Received HTTP status code: 429", "")),
            "gs://b/x cannot be reached: Received HTTP status code: 429",
        ),
        (
            "gs://B$/x",
            pyarrow.ArrowInvalid("Invalid bucket name: 'B$'"),
            "cannot be reached: Invalid bucket name: 'B$'",
        ),
    ],
)
def test_an_error_is_one_sentence(address: str, error: Exception, sentence: str) -> None:
    with pytest.raises(GreycardError) as found, explained(address):
        raise error
    assert sentence in str(found.value)
    assert len(str(found.value).splitlines()) == 2


def test_a_missing_object_can_be_left_to_the_caller() -> None:
    with pytest.raises(FileNotFoundError), explained("s3://b/x", missing=False):
        raise FileNotFoundError
