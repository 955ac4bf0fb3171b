"""The bodies of requests and answers, as the OpenAPI description shows them."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class PredictRequest(_Strict):
    """One text, or several."""

    text: Annotated[str | None, Field(description="A review.")] = None
    texts: Annotated[list[str] | None, Field(description="Reviews, instead of `text`.")] = None


class ExplainRequest(_Strict):
    """The text that is explained."""

    text: Annotated[str, Field(description="A review.")]


class PredictionAnswer(BaseModel):
    """The answer for one text."""

    label: Annotated[str, Field(description="positive, negative, or unknown: no word that the model knows.")]
    probability: Annotated[float | None, Field(description="Of being positive; null for unknown.")]
    certainty: Annotated[str, Field(description="How sure the model is, in words.")]


class PredictResponse(BaseModel):
    """The answers for the texts, in their order."""

    predictions: list[PredictionAnswer]


class WordAnswer(BaseModel):
    """A word of the explained text, in characters (Unicode code points) of the answer's `text`."""

    start: int
    end: int
    contribution: Annotated[
        float | None, Field(description="What it adds to the log-odds of a positive review; null if it was not read.")
    ]
    known: Annotated[bool, Field(description="Whether the model knows the word.")]


class ExplainResponse(PredictionAnswer):
    """The answer for a text, and what each of its words adds to it."""

    text: Annotated[str, Field(description="The text without markup, as the model reads it.")]
    words: list[WordAnswer]
    short: Annotated[bool, Field(description="So few words that the answer is often wrong.")]


class ModelResponse(BaseModel):
    """The model that answers, and the limits of this server."""

    name: str
    version: str
    checksum: Annotated[str, Field(description="SHA-256 of the model's graph.")]
    vocabulary_size: int
    max_length: Annotated[int, Field(description="Words of a text that are read; of longer ones the middle is not.")]
    limits: dict[str, int]


class TableResponse(BaseModel):
    """How far a table is."""

    id: str
    state: Annotated[str, Field(description="waiting, running, done or failed.")]
    name: str
    share: Annotated[float, Field(description="How much of the table has been read, 0 to 1.")]
    rows: int
    labels: Annotated[dict[str, int], Field(description="Rows of each label.")]
    bins: Annotated[list[int], Field(description="Rows by probability, in ten equal steps.")]
    bad_rows: Annotated[int, Field(description="Rows without a review, which have no answer.")]
    messages: Annotated[list[str], Field(description="What is wrong with the first of them.")]
    preview: Annotated[list[dict[str, Any]], Field(description="The first rows: text, label and probability.")]
    detail: Annotated[str | None, Field(description="Why it failed.")] = None
    output: Annotated[str | None, Field(description="The name of the file to fetch.")] = None


class Problem(BaseModel):
    """An error, as RFC 9457 describes it."""

    type: str
    title: str
    status: int
    detail: str
    errors: Annotated[list[dict[str, str]], Field(description="Each field that cannot be used, and why.")] = []
