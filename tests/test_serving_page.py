"""The page in a real browser: typed into, a table given to it, and nothing executed that a text or file brings."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import TOKEN, Server, running_server

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
from playwright.sync_api import Browser, Dialog, Page, expect, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path (Debian: apt-get install chromium)")
HARM = "<img src=x onerror=alert(1)><script>alert(1)</script>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Without its sandbox, which root cannot have.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(exported_once: Path) -> Iterator[Server]:
    with running_server(exported_once / "data/model") as server:
        yield server


@pytest.fixture(params=["desktop", "phone"])
def page(browser: Browser, server: Server, request: pytest.FixtureRequest) -> Iterator[Page]:
    size = {"width": 390, "height": 844} if request.param == "phone" else {"width": 1200, "height": 900}
    scheme = "dark" if request.param == "phone" else "light"
    context = browser.new_context(viewport=size, color_scheme=scheme, accept_downloads=True)  # type: ignore[arg-type]
    page = context.new_page()
    faults: list[str] = []

    def refuse(dialog: Dialog) -> None:
        faults.append(dialog.message)
        dialog.dismiss()

    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", refuse)
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("request", lambda asked: faults.append(asked.url) if foreign(asked.url, server) else None)
    page.goto(server.address)
    yield page
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")  # nothing to scroll sideways
    context.close()
    assert faults == []


def foreign(url: str, server: Server) -> bool:
    return not url.startswith((server.address, "data:", "blob:"))


def test_answer_follows_the_typing_and_words_are_coloured(page: Page) -> None:
    page.keyboard.press("Tab")  # the link that skips to the field
    page.keyboard.press("Enter")
    page.keyboard.type("I loved it, zorblax")
    page.wait_for_selector("#words .unknown")
    assert page.inner_text("#words") == "I loved it, zorblax"
    assert page.inner_text("#words .unknown") == "zorblax"
    assert page.inner_text("#verdict").split(":")[0] in ("positive", "negative")
    assert page.is_visible("#short")
    page.keyboard.type(" " + "a good film and a bad one " * 5)
    page.wait_for_selector("#short", state="hidden")
    page.fill("#text", "Фильм")
    expect(page.locator("#verdict")).to_contain_text("unknown")
    page.fill("#text", "")
    page.wait_for_selector("#answer", state="hidden")


def test_text_with_markup_is_shown_and_not_run(page: Page) -> None:
    page.fill("#text", f"A good film. {HARM.replace('<', '&lt;')} {HARM} the end")
    expect(page.locator("#words")).to_contain_text("the end")
    assert page.locator("#words img, #words script").count() == 0


def test_table_comes_back_with_preview_and_distribution(page: Page, tmp_path: Path) -> None:
    rows = "".join(f'{number},"A good film, number {number}. {HARM}"\n' for number in range(600))
    (tmp_path / "t.csv").write_text(f"{HARM},review\n{rows}601,\n")
    page.set_input_files("#file", tmp_path / "t.csv")
    page.wait_for_selector("#table-result", timeout=60_000)
    assert page.inner_text("#table-status") == "t.csv: 601 rows are done."
    assert page.locator("#preview-rows tr").count() == 10
    assert HARM in page.locator("#preview-rows td").first.inner_text()
    assert page.locator("#bars rect").count() == 10
    assert page.inner_text("#bad-summary").startswith("1 rows without a review")
    with page.expect_download() as download:
        page.click("#table-result")
    assert download.value.suggested_filename == "t_labelled.csv"
    lines = Path(download.value.path()).read_text().splitlines()
    assert len(lines) == 602
    assert lines[0] == f"{HARM},review,predicted_label,probability"


def test_table_that_fails_says_why(page: Page, tmp_path: Path) -> None:
    (tmp_path / f"{'<b>' * 3}.csv").write_text("a,b\nx,y\n")
    page.set_input_files("#file", tmp_path / f"{'<b>' * 3}.csv")
    page.wait_for_selector("#table-problem")
    assert "<b><b><b>.csv: found" in page.inner_text("#table-problem")


def test_page_of_the_api_lists_its_operations(page: Page) -> None:
    page.click("text=The API")
    page.wait_for_selector("text=POST /v1/predict")


def test_page_asks_for_the_token(browser: Browser, exported_once: Path) -> None:
    with running_server(exported_once / "data/model", IMDB_SENTIMENT_TOKEN=TOKEN) as server:
        page = browser.new_page()
        page.goto(server.address)
        page.fill("#token", TOKEN)
        page.click("text=Use it")
        page.wait_for_selector("#token-form", state="hidden")
        page.fill("#text", "A good film.")
        page.wait_for_selector("#words")
        page.close()
