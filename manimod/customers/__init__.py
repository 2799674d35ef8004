"""What is known of a Stripe account's customers: the replica of its lists, tiers, value segments and counts."""
