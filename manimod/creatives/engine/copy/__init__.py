"""The words of an ad: angles, phrases and the copywriter."""
