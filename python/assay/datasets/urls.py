"""URLs of tables: what they may hold, and how they are shown.

    https://host/trips.parquet
    s3://bucket/trips/year=*/*.parquet?region=eu-central-1&endpoint_override=localhost:9000&scheme=http
    gs://bucket/trips    abfss://container@account.dfs.core.windows.net/trips    hdfs://host:8020/trips
    file:///data/trips.parquet

Options follow the question mark, as Arrow's filesystems name them. A URL ends up in results, reports
and commands to rerun, so one that holds a password or a signature is refused: credentials come from
the environment, as the store's own tools read them.
Source: RFC 3986; Apache Arrow, "Filesystem Interface".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from assay.errors import UsageError

__all__ = ["ARROW_SCHEMES", "Url", "is_url", "local_path", "parse_url", "shown_url"]

ARROW_SCHEMES = ("s3", "gs", "gcs", "abfs", "abfss", "hdfs", "viewfs")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://", re.ASCII)
_SECRET = re.compile(
    r".*(secret|token|signature|passw|credentials?$|(access|account|api)[_-]?key|authori).*|"
    r"sig|pwd|sas|key|auth|code|x-(amz|goog|ms)-.*",
    re.IGNORECASE,
)
_ENVIRONMENTS = {
    "s3": "AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "gcs": "GOOGLE_APPLICATION_CREDENTIALS",
    "abfs": "AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET",
    "abfss": "AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET",
}


@dataclass(frozen=True)
class Url:
    """A URL in its parts; it holds no secret."""

    scheme: str  # in lower case
    authority: str  # bucket, host and port, container@account; "anonymous@bucket" where that is asked for
    path: str  # as written, with its slash
    options: str  # what follows the question mark, without "anonymous"

    @property
    def store(self) -> str:
        """Without the path: what a filesystem is made from."""
        return f"{self.scheme}://{self.authority}" + (f"?{self.options}" if self.options else "")

    @property
    def shown(self) -> str:
        """As messages show it: without options."""
        return f"{self.scheme}://{self.authority.removeprefix('anonymous@')}{self.path}"


def is_url(text: str) -> bool:
    """Whether `text` begins like a URL."""
    return _URL.match(text.lstrip()) is not None


def shown_url(text: str) -> str:
    """`text` without anything that may be secret, however broken it is."""
    scheme, mark, rest = text.strip().partition("://")
    authority, slash, path = re.split(r"[?#]", rest, maxsplit=1)[0].partition("/")
    return f"{scheme}{mark}{authority.rpartition('@')[2]}{slash}{path}"


def parse_url(text: str) -> Url:
    """The parts of `text`.

    Raises:
        UsageError: it is no whole URL, or holds credentials.
    """
    try:
        parts = urlsplit(text.strip())
        options = parse_qsl(parts.query, keep_blank_values=True)
        _ = parts.port  # raises where it is no number
    except ValueError as error:
        raise UsageError(f"{shown_url(text)} is no URL: {error}; expected scheme://host/path") from None
    scheme = parts.scheme.lower()
    user, at, _ = parts.netloc.rpartition("@")
    container = scheme in ("abfs", "abfss") and ":" not in user  # container@account is no secret
    anonymous = user == "anonymous" and scheme in ("s3", "gs", "gcs")
    secret = [name for name, _ in options if _SECRET.fullmatch(name)]
    if secret or (at and not container and not anonymous):
        what = f"the option {secret[0]!r}" if secret else "a user name or password"
        environment = _ENVIRONMENTS.get(scheme)
        way_out = f"set {environment} in the environment" if environment else "download the file first"
        raise UsageError(
            f"{shown_url(text)} holds {what}, which would be written into results and reports; {way_out} instead"
        )
    if not parts.netloc and scheme not in ("file", "hdfs", "viewfs"):
        raise UsageError(f"{shown_url(text)} names no host or bucket; expected scheme://host/path")
    if parts.fragment:
        raise UsageError(f"{shown_url(text)} holds a '#'; write %23 if it is part of a name")
    authority, query = parts.netloc, parts.query
    if scheme in ("s3", "gs", "gcs"):
        wanted = [value.lower() for name, value in options if name == "anonymous"]
        if any(value not in ("true", "false") for value in wanted):
            raise UsageError(f"{shown_url(text)}: anonymous is {wanted[0]!r}; expected true or false")
        query = "&".join(piece for piece in query.split("&") if not piece.startswith("anonymous="))
        if "true" in wanted and not anonymous:
            authority = f"anonymous@{authority}"
    return Url(scheme, authority, parts.path, query)


def local_path(url: Url) -> str:
    """The path of a `file` URL.

    Raises:
        UsageError: it names another machine.
    """
    if url.authority not in ("", "localhost"):
        raise UsageError(f"{url.shown} names the machine {url.authority}; expected file:///path")
    return unquote(url.path)
