"""How Stripe's events and lists come in: webhook, poll and sync."""
