"""A browser for the tests of pages: each module makes its `page`."""

import chromium
import pytest
from page_looks import opened


@pytest.fixture(scope="module")
def window():
    with chromium.Browser(size=(1366, 768)) as browser:
        yield browser


@pytest.fixture
def browser(window, page):
    """The page, just loaded."""
    window.load(page)
    return window


@pytest.fixture
def viewer(browser):
    """The page with the first chip open."""
    browser.press("n")
    opened(browser, 0)
    return browser
