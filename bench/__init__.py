"""Benchmarks: `make bench` runs them all, `make bench ARGS=sync` one of them."""
