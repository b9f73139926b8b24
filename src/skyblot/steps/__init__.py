"""One exposure, from file to file."""
