"""From arrays to a mask of cosmic rays."""
