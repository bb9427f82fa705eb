"""Micro-benchmarks of the hot paths (`make microbench`), large runs and simulations that test the harness itself."""
