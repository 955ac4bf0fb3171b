"""Explanations: right for a model whose answer is known, faithful, and shown safely."""

import io
import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from imdb_sentiment import SentimentModel
from imdb_sentiment.prediction import explanation
from imdb_sentiment.prediction.explanation import Explanation, Word, explain, measure_faithfulness
from imdb_sentiment.prediction.explanation_page import render_page, render_text
from imdb_sentiment.text.encoder import TextEncoder

# What each token adds to the log-odds, by token id: padding, unknown, "good", "bad", "film".
ADDED = np.array([0.0, 0.5, 3.0, -2.0, 0.25])


class AddingSession:
    """Stands in for ONNX Runtime: a model whose log-odds are the sum of ADDED over the tokens."""

    def run(self, _: None, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        return [1 / (1 + np.exp(-ADDED[inputs["token_ids"]].sum(axis=1, keepdims=True)))]


@pytest.fixture
def adding() -> SentimentModel:
    encoder = TextEncoder(("<pad>", "<unknown>", "good", "bad", "film"), max_length=6, head_share=0.5)
    return SentimentModel(encoder, None, True, AddingSession())


def test_contribution_is_what_the_word_adds(adding: SentimentModel) -> None:
    explained = explain(adding, "A  GOOD film,<br />BAD film")
    assert explained.text == "A GOOD film, BAD film"
    words = {explained.text[word.start : word.end]: word.contribution for word in explained.words}
    assert words == pytest.approx({"A": 0.5, "GOOD": 3.0, "film": 0.25, ",": 0.5, "BAD": -2.0}, abs=1e-6)
    assert explained.probability == pytest.approx(1 / (1 + np.exp(-2.5)))
    assert dict(explained.strongest(2)) == pytest.approx({"GOOD": 3.0, "BAD": -2.0})
    assert [word for word, _ in explained.strongest(2)] == ["GOOD", "BAD"]


def test_middle_of_a_long_review_has_no_contribution(adding: SentimentModel) -> None:
    explained = explain(adding, "good film film bad bad bad film film good")
    assert [word.contribution is None for word in explained.words] == [False] * 3 + [True] * 3 + [False] * 3


@pytest.mark.parametrize(("text", "added"), [("good", 2.5), ("bad", -2.5)])
def test_review_without_its_only_word_is_one_unknown_word(adding: SentimentModel, text: str, added: float) -> None:
    assert [word.contribution for word in explain(adding, text).words] == [pytest.approx(added)]
    assert explain(adding, "").words == []


def test_words_of_a_very_long_review_are_removed_together(
    adding: SentimentModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explanation, "MOST_READ", 18)  # 5 tokens in three removals
    words = explain(adding, "good film bad bad film").words
    # By twos, which share what they add, and one alone.
    assert [word.contribution for word in words] == pytest.approx([1.625, 1.625, -2.0, -2.0, 0.25], abs=1e-6)
    reads: list[int] = []
    run = AddingSession.run

    def count(session: AddingSession, names: None, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        reads.append(len(inputs["token_ids"]))
        return run(session, names, inputs)

    monkeypatch.setattr(AddingSession, "run", count)
    explain(adding, "good film bad bad film good")
    assert sum(reads) == 1 + 1 + 3


def test_faithfulness_equals_hand_computation(adding: SentimentModel) -> None:
    found = measure_faithfulness(adding, ["good bad film film", "bad bad bad"], share=0.25)
    sigmoid = 1 / (1 + np.exp(-np.array([3 - 2 + 0.5, -2 + 0.5, -6, -4])))
    top = [sigmoid[0] - sigmoid[1], sigmoid[3] - sigmoid[2]]
    assert found["drop_by_top_words"] == pytest.approx(np.mean(top))
    assert (found["reviews"], found["share_of_words"]) == (2, 0.25)
    # All words of the second review are equal, so removing a random one has the same effect as the top one.
    assert found["drop_by_random_words"] <= found["drop_by_top_words"]
    assert found["top_words_drop_more"] in {0.0, 0.5}


def test_top_words_of_a_trained_model_matter_more_than_random_ones(exported_once: Path) -> None:
    model = SentimentModel.load(exported_once / "data/model")
    texts = pq.read_table(exported_once / "data/reviews.parquet")["text"].to_pylist()
    found = measure_faithfulness(model, texts[:16])
    assert found["drop_by_top_words"] > 1.5 * abs(found["drop_by_random_words"])
    assert found["top_words_drop_more"] > 0.6


EXPLAINED = Explanation(
    "<script>alert(1)</script> so good & [red]bad",
    0.7,
    [Word(0, 8, 0.0), Word(26, 28, None), Word(29, 33, 2.0), Word(36, 44, -2.0)],
)


def test_page_escapes_the_review_and_needs_no_other_file() -> None:
    page = render_page(EXPLAINED)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; " in page
    assert '<mark class="positive4">good</mark> &amp; <mark class="negative4">[red]bad</mark>' in page
    assert '<span class="unread">so</span>' in page
    assert "positive (probability of being positive: 0.700)" in page
    assert '<th scope="row">good</th><td>positive</td>\n<td class="number">+2.00</td>' in page
    assert "default-src 'none'; style-src 'unsafe-inline'" in page
    assert not re.search(r"https?:|src=|href=|url\(|@import", page.replace("default-src=", ""))
    assert page == render_page(EXPLAINED)


def test_terminal_shows_the_whole_review_with_coloured_words() -> None:
    text = render_text(EXPLAINED)
    assert text.plain == EXPLAINED.text
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, color_system="truecolor", width=200)
    console.print(text)
    printed = file.getvalue()
    assert "\x1b[30;48;2;75;155;245mgood\x1b[0m" in printed
    assert "\x1b[30;48;2;251;147;38m[red]bad\x1b[0m" in printed
    assert "\x1b[2mso\x1b[0m" in printed
