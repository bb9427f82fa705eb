"""The four lanes: each transport's own server behind a relay, with an account of every client."""
