"""Files: names with extensions, reading images and their WCS, writing blots atomically."""
