"""What is known to be true of a plan: facts read from short lines of text, and the plans that carry them."""
