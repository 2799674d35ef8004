"""The client of the language model, imported only where one is asked: one question with a schema, a time and a size.
It talks to the model's own address and to nothing else: no redirects, no retries, no other account's key."""

import httpx2
from openai import APIConnectionError, APIStatusError, APITimeoutError, OpenAI
from pydantic import Field, create_model

from manimod.creatives.engine.brief import LanguageModel, ModelSkipped

MAX_TOKENS = 4000  # three ads take about 900; the rest is for models that think aloud
MAX_BYTES = 256 * 1024


def ask(
    model: LanguageModel, instructions: str, question: str, parts: list[str], kinds: dict[str, dict], seconds: float
) -> dict[str, dict[str, list[str]]]:
    """The answer as {part: {kind: [line, ...]}}. Raises ModelSkipped, which quotes nothing of the answer."""
    lines = create_model("Lines", **{id: (list[str], Field(description=kind["wanted"])) for id, kind in kinds.items()})
    ads = create_model("ads", **{part: (lines, Field(description=f"the lines of {part}")) for part in parts})
    http = httpx2.Client(transport=BoundedTransport(), headers={"Accept-Encoding": "identity"})
    # OpenAI's newer models refuse the old name of the limit, other services do not know the new one.
    limit = "max_completion_tokens" if "api.openai.com" in model.base_url else "max_tokens"
    own = {"base_url": model.base_url, "api_key": model.api_key or "none", "organization": "", "project": ""}
    try:
        with OpenAI(**own, max_retries=0, timeout=seconds, http_client=http) as client:
            completion = client.chat.completions.parse(
                model=model.name,
                messages=[{"role": "system", "content": instructions}, {"role": "user", "content": question}],
                response_format=ads,
                **{limit: MAX_TOKENS},
            )
        return completion.choices[0].message.parsed.model_dump()
    except APITimeoutError:
        raise ModelSkipped(f"it took longer than {seconds:g} seconds") from None
    except APIStatusError as error:
        raise ModelSkipped(f"its service answered {error.status_code} {error.response.reason_phrase}") from None
    except APIConnectionError:
        raise ModelSkipped("its service could not be reached or broke off") from None
    except Exception:  # whatever a stranger's answer sets off here, the ads are written without it
        raise ModelSkipped("its answer could not be used") from None


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
