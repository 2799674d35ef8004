"""What is made of moments: creatives, their review and their export."""
