"""Approved creatives as the sheets that ad platforms import, with their pictures, links and a legend."""
