"""Tests of the harness itself: micro-benchmarks (`make microbench`), large runs, simulations, and other tools."""
