"""A real browser without network, whose console is listened to."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
DESKTOP, PHONE = (1280, 900), (390, 844)


@contextmanager
def started() -> Iterator[Browser]:
    """Chromium; skips the test where there is none."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no Chromium: bash tests/install-chromium.sh")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Looked:
    """A page that was opened, what its console said, and what it asked for."""

    page: Page
    said: list[str]
    asked: list[str]

    def violations(self) -> list[str]:
        """What axe finds wrong for people with a disability."""
        found = Axe().run(self.page).response["violations"]
        return [f"{v['id']}: {node['target']}" for v in found for node in v["nodes"]]


@contextmanager
def looked(browser: Browser, file: Path, size: tuple[int, int] = DESKTOP, **context) -> Iterator[Looked]:
    """Open a file, with the network cut."""
    opened = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, offline=True, timezone_id="America/Chicago", **context
    )
    page = opened.new_page()
    looked_at = Looked(page, [], [])
    page.on("console", lambda message: looked_at.said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: looked_at.said.append(f"error: {error}"))
    page.on("request", lambda request: looked_at.asked.append(request.url))
    page.goto(file.as_uri())
    yield looked_at
    opened.close()
