"""Write the report page and the model card."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import console_progress


def report(
    *,
    params: Annotated[Path, typer.Option(help="Params: all sections are shown.")] = Path("params.yaml"),
    reviews: Annotated[Path, typer.Option(help="In: the Parquet table of reviews.")] = Path("data/reviews.parquet"),
    predictions: Annotated[Path, typer.Option(help="In: the LSTM's predictions.")] = Path("data/predictions.csv"),
    baseline_predictions: Annotated[Path, typer.Option(help="In: the baseline's predictions.")] = Path(
        "data/baseline.csv"
    ),
    model: Annotated[Path, typer.Option(help="In: the exported model.")] = Path("data/model"),
    evaluation: Annotated[Path, typer.Option(help="In: the LSTM's metrics.")] = Path("metrics/evaluation.json"),
    baseline_metrics: Annotated[Path, typer.Option(help="In: the baseline's metrics.")] = Path("metrics/baseline.json"),
    data_summary: Annotated[Path, typer.Option(help="In: what is in the data.")] = Path("metrics/data.json"),
    behaviour: Annotated[Path, typer.Option(help="In: the LSTM's behaviour rates.")] = Path("metrics/behaviour.json"),
    behaviour_details: Annotated[Path, typer.Option(help="In: the LSTM's behaviour by kind of text.")] = Path(
        "metrics/behaviour_details.json"
    ),
    baseline_behaviour_details: Annotated[Path, typer.Option(help="In: the baseline's.")] = Path(
        "metrics/baseline_behaviour_details.json"
    ),
    export_check: Annotated[Path, typer.Option(help="In: ONNX beside Keras.")] = Path("metrics/export.json"),
    curves: Annotated[Path, typer.Option(help="In: the training curves.")] = Path("metrics/training"),
    training_metrics: Annotated[Path, typer.Option(help="In: what training kept.")] = Path("metrics/training.json"),
    page: Annotated[Path, typer.Option(help="Out: the HTML page.")] = Path("data/report.html"),
    card: Annotated[Path, typer.Option(help="Out: the model card.")] = Path("data/model/README.md"),
) -> None:
    """Write a page with the measurements and the most confident mistakes explained, and a model card."""
    from imdb_sentiment.prediction.predictor import SentimentModel
    from imdb_sentiment.report.edited_reviews import explain_pairs
    from imdb_sentiment.report.gather import Report, explain_mistakes, read_test_reviews, read_training
    from imdb_sentiment.report.page import render_model_card, render_report
    from imdb_sentiment.runtime.files import read_json, written_together
    from imdb_sentiment.runtime.params import load_params

    with written_together(page, card) as (partial_page, partial_card):
        test_reviews = read_test_reviews(reviews, predictions, baseline_predictions)
        exported = SentimentModel.load(model)
        gathered = Report(
            params=load_params(params),
            metrics=read_json(evaluation),
            baseline=read_json(baseline_metrics),
            data=read_json(data_summary),
            behaviour=read_json(behaviour),
            behaviour_details={
                "lstm": read_json(behaviour_details),
                "linear": read_json(baseline_behaviour_details),
            },
            export_check=read_json(export_check),
            training=read_training(curves, training_metrics),
            reviews=test_reviews,
            mistakes=explain_mistakes(exported, test_reviews, console_progress),
            pairs=explain_pairs(exported),
        )
        partial_page.write_text(render_report(gathered), encoding="utf-8")
        partial_card.write_text(render_model_card(gathered), encoding="utf-8")


app = command_app(report)

if __name__ == "__main__":
    app()
