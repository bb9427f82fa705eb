"""A browser for the pages that the analysis writes."""

from __future__ import annotations

from tests.browser import browser

__all__ = ["browser"]
