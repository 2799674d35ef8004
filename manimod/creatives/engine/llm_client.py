"""The client of the language model, imported only where one is asked: one question with a schema, a time and a size.

It talks to the model's own address and to nothing else: no redirects, no retries, no other account's key.
"""

import json

import httpx2
from openai import APIConnectionError, APIStatusError, APITimeoutError, OpenAI

from manimod.creatives.engine.brief import LanguageModel

MAX_TOKENS = 4000  # three ads take about 900; the rest is for models that think aloud
MAX_BYTES = 256 * 1024
MAX_LINES = 12  # of a kind that are looked at
STATUSES = {
    401: "its service refused the key",
    403: "its service refused the key",
    404: "its service does not know the model",
    429: "its service is busy or the account is used up",
}


class ModelError(Exception):
    """No usable answer came; the message says why in plain words and quotes nothing of the answer."""


def ask(
    model: LanguageModel, instructions: str, question: str, schema: dict[str, dict[str, str]], seconds: float
) -> dict[str, dict[str, list[str]]]:
    """The answer as {part: {name: [line, ...]}}; `schema` says {part: {name: what is wanted}}. Raises ModelError."""
    try:
        answer = json.loads(_complete(model, instructions, question, _json_schema(schema), seconds))
        return {part: {name: _lines(answer[part][name]) for name in names} for part, names in schema.items()}
    except APITimeoutError:
        raise ModelError(f"it took longer than {seconds:g} seconds") from None
    except APIStatusError as error:
        said = STATUSES.get(error.status_code, f"its service answered with status {error.status_code}")
        raise ModelError(said) from None
    except APIConnectionError:
        raise ModelError("its service could not be reached or broke off") from None
    except Exception:  # whatever a stranger's answer sets off here, the ads are written without it
        raise ModelError("its answer could not be used") from None


def _complete(model: LanguageModel, instructions: str, question: str, json_schema: dict, seconds: float) -> str:
    http = httpx2.Client(transport=BoundedTransport(), headers={"Accept-Encoding": "identity"})
    # A model on one's own machine needs no key, but the client wants one.
    key = model.api_key or "none"
    wanted = {"name": "ads", "strict": True, "schema": json_schema}
    # OpenAI's newer models refuse the old name of the limit, other services do not know the new one.
    limit = "max_completion_tokens" if "api.openai.com" in model.base_url else "max_tokens"
    with OpenAI(
        base_url=model.base_url, api_key=key, organization="", project="", max_retries=0, http_client=http
    ) as client:
        completion = client.chat.completions.create(
            model=model.name,
            messages=[{"role": "system", "content": instructions}, {"role": "user", "content": question}],
            response_format={"type": "json_schema", "json_schema": wanted},
            timeout=seconds,
            **{limit: MAX_TOKENS},
        )
    return completion.choices[0].message.content


def _json_schema(schema: dict[str, dict[str, str]]) -> dict:
    def table(properties: dict[str, dict]) -> dict:
        names = list(properties)
        return {"type": "object", "properties": properties, "required": names, "additionalProperties": False}

    parts = {}
    for part, names in schema.items():
        line = {"type": "array", "items": {"type": "string"}}
        parts[part] = table({name: line | {"description": wanted} for name, wanted in names.items()})
    return table(parts)


def _lines(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
        raise TypeError("not a list of lines")
    return value[:MAX_LINES]


class BoundedTransport(httpx2.HTTPTransport):
    """Reads an answer up to MAX_BYTES and never unpacks it, so that a flood does not fill the memory."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = super().handle_request(request)
        body = bytearray()
        for part in response.stream:
            body += part
            if len(body) > MAX_BYTES or response.headers.get("content-encoding", "identity") != "identity":
                response.close()
                raise httpx2.ReadError("too much, or packed", request=request)
        response.close()
        return httpx2.Response(response.status_code, headers=response.headers, content=bytes(body))
