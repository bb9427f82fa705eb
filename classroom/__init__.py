"""The classroom: a live page that shows one event stream arriving over every transport, and the server behind it."""
