"""The pure creative engine: a brief in, a creative set out. The same brief always gives the same set."""
