"""What mani does, stage by stage along the journey. No Flask request, session or template is touched here."""
