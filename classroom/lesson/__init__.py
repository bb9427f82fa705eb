"""The lesson: small programs of each transport, run and traced while a page follows them."""
