"""The model card: what the model is for, what it was made from, how good it is, and where it fails.

After Mitchell et al. 2019, "Model Cards for Model Reporting", section 4. Every figure comes from what the stages
measured.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from imdb_sentiment.runtime.params import Params

Report = Mapping[str, Any]

_ARCHITECTURES = {
    "polarity": "LSTM over segments of {segment_length} words, each its vector and its n-gram polarity",
    "baseline": "plain LSTM over word embeddings",
}
_BEHAVIOUR = {
    "film_name_change": "swapping the film's name: mean change of the probability",
    "actor_name_change": "swapping an actor's name: mean change",
    "not_good_below_good": '"not good" below "good": share of pairs',
    "not_bad_over_bad": '"not bad" over "bad": share of pairs',
    "turned_over": '"I expected to hate it, but" and its like turned over: share',
    "neutral_sentence_change": "a neutral sentence appended: mean change",
    "neutral_sentence_other_side": "the same: share of reviews that change sides",
    "typing_errors_change": "typing errors in every twentieth word: mean change",
    "typing_errors_other_side": "the same: share that change sides",
    "capitals_change": "capitals throughout: mean change",
    "capitals_other_side": "the same: share that change sides",
}


def write_model_card(
    path: Path, *, params: Params, data: Report, metrics: Report, baseline: Report, behaviour: Report, export: Report
) -> None:
    """Write the card in Markdown, from the params of the run and what its stages measured."""
    model = params.model
    both = "bidirectional " if model.bidirectional else ""
    what = both + _ARCHITECTURES[model.architecture].format(segment_length=model.segment_length)
    members = f", {params.train.members} of them averaged" if params.train.members > 1 else ""
    known = data["known_as"] or "A corpus in the layout of the Large Movie Review Dataset"
    preprocess = params.preprocess
    text = f"""# Sentiment of English film reviews

A {what}{members}. It gives the probability that a review is positive; at one half or more it is called positive.

```python
from imdb_sentiment import SentimentModel

model = SentimentModel.load("data/model")  # this folder
labels, probabilities = model.predict(["A wonderful film.", "What a waste of time!"])
```

## Meant for

English reviews of films, of a sentence or longer. It was never shown anything else: other texts get a probability, too,
but nothing is known of how good it is.

## Learnt from

{known}: {data["reviews"]:,} reviews, fingerprint `{data["fingerprint"]}`.

{_table(("split", "label", "reviews"), _counts(data["counts"]))}

Split `{preprocess.split}`; the validation part, from which epoch and temperature come, is
{preprocess.validation_size:.0%} of the train part's films. Reviews of the test part that also stand in the
train part: {data["test_reviews_also_in_train"]}; accuracy without them:
{_percent(metrics["accuracy_without_train_duplicates"])}.

## How good it is

On the {metrics["test_reviews"]:,} reviews of the test part, beside a linear model (NB-SVM on 1- to 3-grams):

{_table(("metric", "this model", "linear model"), _measured(metrics, baseline))}

The 95% interval of the accuracy is {_percent(metrics["accuracy_low"])} to {_percent(metrics["accuracy_high"])}; it says
how far other test reviews would move it, not how far another seed would.

## What it cares about

{_table(("what is done to texts", "this model"), [(said, f"{behaviour[key]:.3f}") for key, said in _BEHAVIOUR.items()])}

## Limits

- Of a long review it reads {preprocess.max_length} tokens, {preprocess.head_share:.0%} of them from its beginning and
  the rest from its end.
- Words that the training reviews do not have are one unknown word to it. A text of nothing else, or of another
  language or script, gets a probability that means nothing.
- The reviews were written on one site until 2011, and only clear opinions (1 to 4 and 7 to 10 of 10 stars) are among
  them: a lukewarm review is pressed to one side.
- It goes by words and short phrases: irony may mislead it, and so may a grim subject that is praised.
- It tells what a text says of a film, and nothing of who wrote it.

## Files

`model.onnx` (the layers and the temperature), `vocabulary.json` (the tokens, and how long reviews are cut),
{"`polarity.npz` (the polarity of n-grams), " if model.architecture == "polarity" else ""}`settings.json`
(checksums), this card. Probabilities by ONNX Runtime differ from Keras's by at most {export["largest_difference"]:.1g}
on {export["compared_reviews"]:,} test reviews.

## Params

```yaml
{_yaml(params)}
```

## Citation

Andrew L. Maas, Raymond E. Daly, Peter T. Pham, Dan Huang, Andrew Y. Ng, and Christopher Potts (2011). *Learning Word
Vectors for Sentiment Analysis*. ACL-HLT 2011, pages 142-150.
"""
    path.write_text(text, encoding="utf-8")


def _counts(counts: Mapping[str, Mapping[str, int]]) -> list[tuple[str, str, str]]:
    return [(split, label, f"{count:,}") for split, labels in counts.items() for label, count in labels.items()]


def _measured(metrics: Report, baseline: Report) -> list[tuple[str, str, str]]:
    shares = ("accuracy", "precision", "recall", "f1", "roc_auc")
    numbers = ("loss", "brier", "expected_calibration_error")
    return [(name, _percent(metrics[name]), _percent(baseline[name])) for name in shares] + [
        (name, f"{metrics[name]:.4f}", f"{baseline[name]:.4f}") for name in numbers
    ]


def _percent(share: float | None) -> str:
    return "none are left" if share is None else f"{share:.2%}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _yaml(params: Params) -> str:
    lines = []
    for section, values in params.model_dump().items():
        lines.append(f"{section}:")
        lines += [
            f"  {key}: {str(value).lower() if isinstance(value, bool) else value}" for key, value in values.items()
        ]
    return "\n".join(lines)
