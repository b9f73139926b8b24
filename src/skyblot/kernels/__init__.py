"""Numba kernels: arrays in, arrays filled; no astropy, no files, nothing raised."""
