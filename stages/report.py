"""Write what a run measured as a page to look at."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import console_progress


def report(
    metrics: Annotated[Path, typer.Argument(help="The folder of what the stages before measured.")],
    reviews: Annotated[Path, typer.Argument(help="The Parquet table of reviews.")],
    predictions: Annotated[Path, typer.Argument(help="The CSV table of the LSTM's predictions.")],
    baseline: Annotated[Path, typer.Argument(help="The CSV table of the linear peer's predictions.")],
    model: Annotated[Path, typer.Argument(help="The folder of the exported model.")],
    page: Annotated[Path, typer.Argument(help="The HTML page to write.")],
    params: Annotated[Path, typer.Option(help="The file of params that the page shows.")] = Path("params.yaml"),
) -> None:
    """Show METRICS, PREDICTIONS beside BASELINE, and the surest mistakes of MODEL, on PAGE, which quotes REVIEWS."""
    from imdb_sentiment.report.gather import gather_report
    from imdb_sentiment.report.page import render_report
    from imdb_sentiment.runtime.files import written_beside
    from imdb_sentiment.runtime.params import load_params

    gathered = gather_report(
        params=load_params(params),
        metrics=metrics,
        reviews=reviews,
        predictions=predictions,
        baseline=baseline,
        model=model,
        progress=console_progress,
    )
    with written_beside(page) as partial:
        partial.write_text(render_report(gathered), encoding="utf-8")


app = command_app(report)

if __name__ == "__main__":
    app()
