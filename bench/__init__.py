"""Benchmarks: `make bench` runs them all, `make bench ARGS=sync` one of them."""

SIGNING_SECRET = "whsec_" + "t" * 32  # as in tests.factories, which a floor must not import
