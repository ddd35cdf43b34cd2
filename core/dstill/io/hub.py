"""The connection to the Hugging Face hub, with dstill's errors and its rules for keys.

    api = connected("reading the data set 'acme/logs'")     # huggingface_hub.HfApi
    with hub_errors("datasets/acme/logs"):
        api.dataset_info("acme/logs").sha

The address is ``HF_ENDPOINT``, by default https://huggingface.co. The token is the user's own: of ``HF_TOKEN``, or of
the file that `hf auth login` wrote (`huggingface_hub.get_token`). It is sent unencrypted only to this machine or a
private network, and does not appear in any message. Needs the extra ``hub``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from dstill.errors import AuthError, DataError, DstillError, ServiceError, needs
from dstill.io.inert import visible
from dstill.io.secrets import Secret, redact
from dstill.io.urls import checked_url

__all__ = ["connected", "endpoint", "hub_errors"]

LOGIN = "log in with `hf auth login`, or set HF_TOKEN to a token that may do this"
_GATED = "ask for access on its page, then log in with `hf auth login`"
_NAME = f"check the name; if it is private, {LOGIN}"
_RETRY = "run the same command again"
MOST_SHOWN = 300  # characters of a message of the hub


def endpoint() -> str:
    """The address of the hub, as the environment has it now."""
    from huggingface_hub import constants

    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or constants.ENDPOINT


def connected(purpose: str, *, login: bool = False) -> Any:
    """The hub's API (`huggingface_hub.HfApi`). Sends nothing yet.

    Raises MissingExtra, ConfigError for the address, and AuthError if there is no token.

    `login`: whether a token is needed, as for uploads.
    """
    with needs(purpose, "hub"):
        from huggingface_hub import HfApi, constants, get_token, utils
    token = None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN and not login else get_token()
    if login and not token:
        raise AuthError(f"{purpose} needs a token of the Hugging Face hub", where="HF_TOKEN", hint=LOGIN)
    if not sys.stderr.isatty():
        cast(Any, utils).disable_progress_bars()
    if token:
        Secret(token)  # from now on, no message shows it
    return HfApi(endpoint=checked_url(endpoint(), where="HF_ENDPOINT", key=bool(token)), token=token or False)


@contextmanager
def hub_errors(what: str) -> Iterator[None]:
    """Raise errors of huggingface_hub as dstill's. `what`: the repository, for people."""
    try:
        yield
    except DstillError:
        raise
    except Exception as error:
        if (problem := _problem(error, what)) is None:
            raise
        problem.where = f"{endpoint()}/{what}"
        raise problem from error


def _problem(error: Exception, what: str) -> DstillError | None:
    """The error in dstill's words; None: it is not one of the hub or the network."""
    from huggingface_hub import errors

    known: list[tuple[type[Exception], DstillError]] = [  # bases after what derives from them
        (errors.OfflineModeIsEnabled, ServiceError(f"{what} is not asked for: HF_HUB_OFFLINE is set", hint="unset it")),
        (errors.GatedRepoError, AuthError(f"the hub shows {what} only to people with access", hint=_GATED)),
        (errors.RepositoryNotFoundError, DataError(f"the hub has no {what}, or does not show it to you", hint=_NAME)),
        (errors.RevisionNotFoundError, DataError(f"{what} has no such revision", hint="name a branch, tag or commit")),
        (errors.LocalEntryNotFoundError, ServiceError(f"the hub did not send a file of {what}", hint=_RETRY)),
    ]
    if mapped := next((problem for kind, problem in known if isinstance(error, kind)), None):
        return mapped
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code if error.response is not None else 0
        text = f"the hub refused the request ({status}): {_text(error.server_message or str(error))}"
        return AuthError(text, hint=LOGIN) if status in (401, 403) else ServiceError(text, hint=_RETRY)
    if type(error).__module__.partition(".")[0] in ("httpx", "httpx2"):  # as the release of the library has it
        return ServiceError(f"the hub cannot be reached: {_text(str(error))}", hint=_RETRY)
    if isinstance(error, (OSError, RuntimeError, ValueError)):
        return ServiceError(f"{what}: {_text(str(error.__cause__ or error))}", hint=_RETRY)
    return None


def _text(text: str) -> str:
    return visible(redact(text), one_line=True)[:MOST_SHOWN]
