"""Micro-benchmarks of the hot paths (`make microbench`) and the large runs that the analysis is tried on."""
