"""The pictures of an ad, as SVG and PNG."""
