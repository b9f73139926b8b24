"""A source image and the WCS of a target on it."""

import numpy as np
from builders import sky_image, tangent

import skyblot

SOURCE_WCS = tangent(shape=(80, 100))
TARGET_WCS = tangent(orient=33.0, crpix=(20.0, 25.0), shape=(40, 50))
IMAGE = sky_image((80, 100))


def plain(image=IMAGE, **how):
    return skyblot.blot(image, SOURCE_WCS, TARGET_WCS, **how)


def header_of(wcs, **cards):
    header = wcs.to_header(relax=True)
    header.update(cards)
    return header


def same_place(wcs, other, shape):
    y, x = np.indices(shape)
    there = wcs.all_world2pix(*other.all_pix2world(x.ravel(), y.ravel(), 0), 0)
    return np.allclose(there, [x.ravel(), y.ravel()], atol=1e-6)
