"""From a scenario in TOML to trials in randomised blocks, and what bounds them."""
