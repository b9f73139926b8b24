"""JWST and Roman files built by hand with gwcs and asdf, in the form that their pipelines write.

Real: the distortion is that of JWST's NIRCam detector NRCB5, the terms of its polynomial up to the
third order; the pipeline of transformations (detector, V2V3, velocity aberration, sky by a sequence
of rotations) and its bounding box are those of JWST's imaging modes; the forms of the files are
those that stdatamodels and roman_datamodels write, as the compat tests check. Not real: the
pointing, the pixels, and Roman's distortion, which is NIRCam's.
"""

import io

import asdf
import numpy as np
from asdf.tagged import TaggedDict
from astropy import units
from astropy.coordinates import ICRS
from astropy.io import fits
from astropy.modeling import models
from gwcs import WCS as GWCS
from gwcs import coordinate_frames as cf
from gwcs.geometry import CartesianToSpherical, SphericalToCartesian
from samples import tan_header
from scipy.ndimage import map_coordinates

NDARRAY = "tag:stsci.edu:asdf/core/ndarray-1.0.0"
ROMAN = "asdf://stsci.edu/datamodels/roman/tags/"
#: Pixel to ideal coordinates of NRCB5, in pixels: SIP's A and B about its centre.
A = {
    (0, 2): 1.61277e-6,
    (1, 1): -1.17519e-5,
    (2, 0): -1.89268e-6,
    (1, 2): 1.73037e-9,
    (3, 0): 1.67914e-9,
}
B = {
    (0, 2): -6.96631e-6,
    (1, 1): -3.65777e-6,
    (2, 0): 4.92018e-6,
    (0, 3): 1.69597e-9,
    (2, 1): 1.69745e-9,
}
CD = np.array([[-5.95034e-6, 1.648276e-5], [1.641301e-5, 6.000497e-6]]) * 3600  # arcsec per pixel
V2, V3, ROLL = 89.4, -388.1, 25.0  # arcsec, arcsec, degrees: near NRCB5's place in the focal plane
RA, DEC, CENTRE = 53.1, -27.8, (53.083719, -27.812553)  # of the telescope, of the subarray
SHAPE, ORIGIN = (200, 240), (-900.0, -850.0)  # of the subarray, in the corner of the detector
SCALE = 0.05  # arcsec, of the mosaics: smaller than the detector's


def polynomial(terms, linear):
    """``linear`` term plus the terms (i, j) of x**i y**j, as a model."""
    coefficients = {
        "c1_0": linear[0],
        "c0_1": linear[1],
        **{f"c{i}_{j}": value for (i, j), value in terms.items()},
    }
    return models.Polynomial2D(3, **coefficients)


def distortion(origin):
    """Pixels of a subarray to V2 and V3 in arcsec; its pixel (0, 0) is ``origin`` (x, y) from the
    detector's centre.
    """
    shift = models.Shift(origin[0]) & models.Shift(origin[1])
    curve = models.Mapping((0, 1, 0, 1)) | polynomial(A, (1, 0)) & polynomial(B, (0, 1))
    to_v2v3 = models.AffineTransformation2D(matrix=CD) | models.Shift(V2) & models.Shift(V3)
    return shift | curve | to_v2v3


def to_sky(ra, dec):
    """V2V3 in arcsec to the sky in degrees, as JWST's pipeline does, (V2, V3) at (ra, dec)."""
    degrees = models.Scale(1 / 3600) & models.Scale(1 / 3600)
    angles = [V2 / 3600, -V3 / 3600, ROLL, dec, -ra]
    turn = models.RotationSequence3D(angles, axes_order="zyxyz")
    return (
        degrees
        | SphericalToCartesian(wrap_lon_at=180)
        | turn
        | CartesianToSpherical(wrap_lon_at=360)
    )


def frames(*names):
    """Frames of the names: in pixels, in V2 and V3, and the sky."""
    made = {
        name: cf.Frame2D(name=name, axes_names=("v2", "v3"), unit=(units.arcsec,) * 2)
        for name in names
    }
    made["detector"] = cf.Frame2D(name="detector", unit=(units.pix, units.pix))
    made["world"] = cf.CelestialFrame(name="world", reference_frame=ICRS())
    return made


def exposure_gwcs(shape=SHAPE, ra=RA, dec=DEC, origin=ORIGIN):
    """The WCS of a subarray of ``shape`` (ny, nx)."""
    frame = frames("v2v3", "v2v3vacorr")
    aberration = models.Scale(0.99993) & models.Scale(0.99993)
    steps = [
        ("detector", distortion(origin)),
        ("v2v3", aberration),
        ("v2v3vacorr", to_sky(ra, dec)),
        ("world", None),
    ]
    return finished(GWCS([(frame[name], transform) for name, transform in steps]), shape)


def finished(wcs, shape):
    """The same WCS with the shape of its image, and NaN outside of it."""
    ny, nx = shape
    wcs.array_shape, wcs.bounding_box = shape, ((-0.5, nx - 0.5), (-0.5, ny - 0.5))
    return wcs


def mosaic_gwcs(header, shape):
    """The gwcs of a mosaic: what its header says, as JWST's and Roman's pipelines write it."""
    matrix = np.array([[header[f"CD{i}_{j}"] for j in (1, 2)] for i in (1, 2)])
    transform = models.Shift(1 - header["CRPIX1"]) & models.Shift(1 - header["CRPIX2"])
    transform = transform | models.AffineTransformation2D(matrix=matrix) | models.Pix2Sky_TAN()
    transform = transform | models.RotateNative2Celestial(header["CRVAL1"], header["CRVAL2"], 180)
    frame = frames()
    return finished(GWCS([(frame["detector"], transform), (frame["world"], None)]), shape)


def sip_header(wcs, degree=2):
    """The SIP approximation that the pipeline puts in the header; it leaves the size of its error
    out.
    """
    header = wcs.to_fits_sip(degree=degree, inv_degree=2)
    for keyword in ("NAXIS", "NAXIS1", "NAXIS2", "SIPMXERR", "SIPIVERR"):
        header.remove(keyword)
    return header


def asdf_hdu(tree):
    """The extension ASDF: a table of one cell, which holds an ASDF file."""
    stream = io.BytesIO()
    asdf.AsdfFile(tree).write_to(stream)
    content = np.frombuffer(stream.getvalue(), np.uint8)
    column = fits.Column(name="ASDF_METADATA", format=f"{content.size}B", array=content[None])
    return fits.BinTableHDU.from_columns([column], name="ASDF")


def jwst_tree(wcs, shape):
    """The tree of an ASDF extension: the arrays are elsewhere in the FITS file."""
    elsewhere = {
        "source": "fits:SCI,1",
        "datatype": "float32",
        "byteorder": "big",
        "shape": list(shape),
    }
    return {"data": TaggedDict(elsewhere, NDARRAY), "meta": {"telescope": "JWST", "wcs": wcs}}


def write_jwst(path, data, wcs, header, tree=None, **primary):
    """Write an image as JWST's pipeline does: header, SCI, ERR, and the gwcs in ASDF."""
    hdus = [fits.PrimaryHDU(header=fits.Header({"TELESCOP": "JWST", "EFFEXPTM": 100.0, **primary}))]
    hdus += [fits.ImageHDU(data, header, name="SCI"), fits.ImageHDU(data, name="ERR")]
    hdus.append(asdf_hdu(jwst_tree(wcs, data.shape) if tree is None else tree))
    fits.HDUList(hdus).writeto(path)
    return path


def write_cal(path, wcs, bunit="MJy/sr", data=None, **cards):
    """Write an exposure with its gwcs, and SIP in its header."""
    header = sip_header(wcs)
    header.update({"BUNIT": bunit, "PHOTMJSR": 0.25, **cards})
    return write_jwst(path, np.zeros(wcs.array_shape, "f4") if data is None else data, wcs, header)


def write_i2d(path, data, header=None, **cards):
    """Write a mosaic of exposures with the same background: the same TAN in its header and in its
    gwcs.
    """
    header = mosaic_header(data.shape, **cards) if header is None else header
    return write_jwst(
        path, data, mosaic_gwcs(header, data.shape), header, S_RESAMP="COMPLETE", S_SKYMAT="SKIPPED"
    )


def mosaic_header(shape, **cards):
    """A north-up TAN mosaic about where `exposure_gwcs` looks."""
    return tan_header(shape, scale=SCALE, ra=CENTRE[0], dec=CENTRE[1], BUNIT="MJy/sr", **cards)


def write_roman(
    path, data, wcs, tag="wfi_image-1.0.0", meta=(), compression=None, more=(), **roman
):
    """Write a Roman file with roman_datamodels' tag (none: a plain mapping), or as near as can be
    without it.
    """
    known = {
        "telescope": "ROMAN",
        "exposure": {"effective_exposure_time": 107.0},
        "cal_step": {"flux": "INCOMPLETE"},
    }
    known |= {"photometry": {"conversion_megajanskys": 0.5}, "wcs": wcs, **dict(meta)}
    image = {
        "meta": {key: value for key, value in known.items() if value is not None},
        "data": data,
        **roman,
    }
    tree = {"roman": TaggedDict(image, ROMAN + tag) if tag else image, **dict(more)}
    with asdf.config_context() as config:
        # which may be there, and would want a complete file
        config.remove_extension(package="roman_datamodels")
        asdf.AsdfFile(tree).write_to(path, all_array_compression=compression)
    return path


def exact_blot(data, source_wcs, target, shape):
    """Bilinear interpolation where the gwcs itself says that each pixel is; both WCS evaluated at
    every pixel.
    """
    y, x = np.indices(shape).astype(float)
    sx, sy = source_wcs.world_to_pixel_values(*target(x, y))
    assert min(sx.min(), sy.min()) > 0
    assert sx.max() < data.shape[1] - 1
    assert sy.max() < data.shape[0] - 1
    return map_coordinates(np.asarray(data, float), [sy, sx], order=1)


def map_error(data, tolerance=1e-4):
    """How far a bilinear blot may be off, with a pixel map off by so much, and float32."""
    slope = np.abs(np.gradient(np.asarray(data, float))).sum(axis=0).max()
    return tolerance * slope + 3e-6 * np.abs(data).max()
