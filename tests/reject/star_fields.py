"""Fields of stars with noise, and hits in them."""

import math

import numpy as np
from scipy.special import erf

F32 = float(np.finfo(np.float32).eps)
SIGMA = 2.0


def stars(shape, positions, sigma=1.3, flux=40000.0, shift=(0.0, 0.0)):
    """Gaussian stars, integrated over the pixels; `flux` is that of each or of all."""
    places = np.reshape(positions, (-1, 2)) + shift
    down, across = (
        np.diff(erf((np.arange(n + 1) - 0.5 - centres[:, None]) / (math.sqrt(2) * sigma))) / 2
        for n, centres in ((shape[0], places[:, 1]), (shape[1], places[:, 0]))
    )
    return (down.T * flux) @ across


def field(shape=(120, 140), n=30, **more):
    return stars(
        shape, np.random.default_rng(3).uniform(8, np.array(shape)[::-1] - 8, (n, 2)), **more
    )


def noisy(clean, seed=1, sigma=SIGMA):
    return clean + sigma * np.random.default_rng(seed).standard_normal(clean.shape)
