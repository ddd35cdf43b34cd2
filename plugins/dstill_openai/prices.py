"""List prices of models, from the library genai-prices (Pydantic, MIT), which comes with the extra `openai`.

    listed_price("https://api.openai.com/v1", "gpt-5-mini")                # Price(prompt=0.25, completion=2.0)
    listed_price("https://gateway.example/v1", "x", "openai:gpt-5-mini")   # the same
    listed_price("http://127.0.0.1:8000/v1", "gpt-oss-20b")                # None: nobody lists your own server

The provider is found by the address, or named together with the model. No request is sent: the prices are those of the
installed release of the library. They hold for standard requests with short prompts: discounts for cached prompts and
batches are left out, and so are the higher prices of some models for prompts above 200,000 tokens.
"""

from __future__ import annotations

from importlib.metadata import version
from urllib.parse import urlsplit

from dstill.api.records import Price
from dstill.errors import ConfigError, did_you_mean
from dstill.io.urls import is_local

__all__ = ["listed_price"]


def listed_price(url: str, model: str, price_of: str = "") -> Price | None:
    """The list price; None: it is not known.

    `price_of`: the setting ``teacher.openai.price_of``, as PROVIDER:MODEL. Raises ConfigError if it is not listed.
    """
    if not price_of and is_local(urlsplit(url).hostname or ""):
        return None
    from genai_prices import Usage, calc_price  # imported late: 1.6 MB of prices

    provider, _, listed = price_of.partition(":")
    usage = Usage(input_tokens=1, output_tokens=1)
    try:
        if price_of:
            price = calc_price(usage, listed, provider_id=provider)
        else:
            price = calc_price(usage, model, provider_api_url=url)
    except LookupError as error:
        if not price_of:
            return None
        raise _not_listed(price_of) from error
    return Price(prompt=float(price.input_price * 10**6), completion=float(price.output_price * 10**6))


def _not_listed(price_of: str) -> ConfigError:
    from genai_prices.data import providers

    provider, _, model = price_of.partition(":")
    models = next(([m.id for m in p.models] for p in providers if p.id == provider), None)
    known = [p.id for p in providers] if models is None else models
    what = f"provider '{provider}'" if models is None else f"model '{model}' of {provider}"
    return ConfigError(
        f"the price list has no {what}.{did_you_mean(provider if models is None else model, known)}",
        where="teacher.openai.price_of",
        hint="write it as PROVIDER:MODEL, for example openai:gpt-5-mini, or set teacher.openai.prices; "
        f"the list is that of genai-prices {version('genai-prices')}",
    )
