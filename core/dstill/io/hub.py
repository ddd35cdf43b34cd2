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
from typing import TYPE_CHECKING

from dstill.errors import AuthError, DataError, DstillError, ServiceError, needs
from dstill.io.inert import visible
from dstill.io.secrets import Secret, redact
from dstill.io.urls import checked_url

if TYPE_CHECKING:
    from huggingface_hub import HfApi

__all__ = ["connected", "endpoint", "hub_errors"]

LOGIN = "log in with `hf auth login`, or set HF_TOKEN to a token that may do this"
MOST_SHOWN = 300  # characters of a message of the hub


def endpoint() -> str:
    """The address of the hub, as the environment has it now."""
    from huggingface_hub import constants

    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or constants.ENDPOINT


def connected(purpose: str, *, login: bool = False) -> HfApi:
    """The hub's API. Sends nothing yet. Raises MissingExtra, ConfigError, and AuthError if there is no token.

    `login`: whether a token is needed, as for uploads.
    """
    with needs(purpose, "hub"):
        from huggingface_hub import HfApi, constants, get_token
        from huggingface_hub.utils import disable_progress_bars
    token = None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN and not login else get_token()
    if login and not token:
        raise AuthError(f"{purpose} needs a token of the Hugging Face hub", where="HF_TOKEN", hint=LOGIN)
    if not sys.stderr.isatty():
        disable_progress_bars()
    if token:
        Secret(token)  # from now on, no message shows it
    return HfApi(endpoint=checked_url(endpoint(), where="HF_ENDPOINT", key=bool(token)), token=token or False)


@contextmanager
def hub_errors(what: str) -> Iterator[None]:
    """Raise errors of huggingface_hub as dstill's. `what`: the repository, for people."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    where = f"{endpoint()}/{what}"
    try:
        yield
    except DstillError:
        raise
    except OfflineModeIsEnabled:
        raise ServiceError(
            f"the hub is not asked about {what}: HF_HUB_OFFLINE is set", where=where, hint="unset HF_HUB_OFFLINE"
        ) from None
    except GatedRepoError as error:
        hint = "ask for access on its page, then log in with `hf auth login`"
        raise AuthError(f"the hub shows {what} only to people with access", where=where, hint=hint) from error
    except RepositoryNotFoundError as error:
        hint = f"check the name; if it is private, {LOGIN}"
        raise DataError(f"the hub has no {what}, or does not show it to you", where=where, hint=hint) from error
    except RevisionNotFoundError as error:
        hint = "name a branch, a tag or a commit of it"
        raise DataError(f"{what} has no such revision", where=where, hint=hint) from error
    except LocalEntryNotFoundError as error:
        raise ServiceError(f"the hub did not send a file of {what}", where=where, hint=_AGAIN) from error
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        said = visible(redact(error.server_message or str(error)), one_line=True)[:MOST_SHOWN]
        if status in (401, 403):
            raise AuthError(f"the hub refused the request ({status}): {said}", where=where, hint=LOGIN) from error
        raise ServiceError(f"the hub refused the request ({status}): {said}", where=where, hint=_AGAIN) from error
    except (OSError, RuntimeError, ValueError) as error:
        raise ServiceError(f"{what}: {_reason(error)}", where=where, hint=_AGAIN) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("httpx", "httpx2"):  # as the release of the library has it
            raise
        raise ServiceError(f"the hub cannot be reached: {_reason(error)}", where=where, hint=_AGAIN) from error


_AGAIN = "run the same command again"


def _reason(error: BaseException) -> str:
    first = error.__cause__ if isinstance(error, RuntimeError) and error.__cause__ else error
    return visible(redact(str(first) or type(first).__name__), one_line=True)[:MOST_SHOWN]
