"""What happened in a customer's life, said once."""
