"""The only door to a language model, imported only where one is asked: a question with a schema, a time and a size.

It talks to the model's own address and to nothing else: no redirects, no retries, no other account's key.
"""

import asyncio
from typing import Annotated

import httpx2
from openai import AsyncOpenAI
from pydantic import Field, create_model
from pydantic_ai import Agent, ModelRetry
from pydantic_ai.exceptions import ModelConnectionError, ModelHTTPError
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

MAX_REPAIRS = 2
MAX_TOKENS = 4000  # three ads take about 900; the rest is for models that think aloud
MAX_BYTES = 256 * 1024
STATUSES = {
    401: "its service refused the key",
    403: "its service refused the key",
    404: "its service does not know the model",
    429: "its service is busy or the account is used up",
}


class ModelError(Exception):
    """No usable answer came; the message says why in plain words and quotes nothing of the answer."""


def ask(model, instructions, question, schema, examine, seconds):
    """The model's answer as {part: {name: [line, ...]}}. Raises Unanswered.

    `schema`: {part: {name: (most lines, most characters, what it is for)}}; `examine(answer)` gives what is to be
    improved as text, or nothing; the model is told at most twice.
    """
    try:
        return asyncio.run(_ask(model, instructions, question, _answer_type(schema), examine, seconds))
    except TimeoutError:
        raise ModelError(f"it took longer than {seconds:g} seconds") from None
    except ModelHTTPError as error:
        said = STATUSES.get(error.status_code, f"its service answered with status {error.status_code}")
        raise ModelError(said) from None
    except ModelConnectionError:
        raise ModelError("its service could not be reached or broke off") from None
    except Exception:  # whatever a stranger's answer sets off here, the journey goes on without it
        raise ModelError("its answer could not be used") from None


async def _ask(model, instructions, question, answer_type, examine, seconds):
    async with _http() as http:
        # A model on one's own machine needs no key, but the client wants one.
        client = AsyncOpenAI(
            base_url=model.base_url, api_key=model.api_key or "none", max_retries=0, http_client=http, organization=""
        )
        # OpenAI's newer models refuse the old name of the limit, other services do not know the new one.
        profile = OpenAIModelProfile(openai_chat_supports_max_completion_tokens="api.openai.com" in model.base_url)
        provider = OpenAICompatibleProvider("llm", openai_client=client, profile=profile)
        agent = Agent(
            OpenAIChatModel(model.name, provider=provider),
            output_type=answer_type,
            instructions=instructions,
            model_settings={"max_tokens": MAX_TOKENS},
            retries={"output": MAX_REPAIRS},
        )

        @agent.output_validator
        def improve(context, answer):
            wishes = None if context.last_attempt else examine(answer.model_dump())
            if wishes:
                raise ModelRetry(wishes)
            return answer

        result = await agent.run(question, timeout=seconds)
        return result.output.model_dump()


def _http():
    return httpx2.AsyncClient(
        transport=BoundedTransport(), timeout=None, follow_redirects=False, headers={"Accept-Encoding": "identity"}
    )


class BoundedTransport(httpx2.AsyncHTTPTransport):
    """Reads an answer up to MAX_BYTES, packed or not, so that a flood never fills the memory."""

    async def handle_async_request(self, request):
        response = await super().handle_async_request(request)
        body = bytearray()
        async for part in response.stream:
            body += part
            if len(body) > MAX_BYTES or response.headers.get("content-encoding", "identity") != "identity":
                await response.aclose()
                raise httpx2.ReadError("too much, or packed", request=request)
        await response.aclose()
        return httpx2.Response(response.status_code, headers=response.headers, content=bytes(body))


def _answer_type(schema):
    """A pydantic model of the schema. A line that is too long is left to the lint, so that it costs only itself."""

    def lines(most, longest, purpose):
        line = Annotated[str, Field(json_schema_extra={"maxLength": longest})]
        return list[line], Field(
            max_length=2 * most, description=f"{most} lines of at most {longest} characters: {purpose}"
        )

    parts = {}
    for part, names in schema.items():
        parts[part] = (create_model(part, **{name: lines(*asked) for name, asked in names.items()}), ...)
    return create_model("Ads", **parts)
