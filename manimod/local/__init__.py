"""mani on one machine: `python -m manimod.local` runs it, `python -m manimod.local.backup` saves and restores it."""
