"""The lesson: two WebSocket programs, run and traced while a page follows them."""
