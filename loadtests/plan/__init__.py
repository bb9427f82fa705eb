"""The plan of a run: from a scenario in TOML to trials in randomised blocks, and their limits."""
