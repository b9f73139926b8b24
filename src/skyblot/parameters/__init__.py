"""The one table of parameters, and ``.cfg`` files."""
