"""The account that is read: its key, its signing secrets, and what mani keeps of its objects."""
