"""From arrays to a blot."""
