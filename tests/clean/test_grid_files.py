"""The common grid of exposures in files, and the pixels of a mosaic that is there."""

import shutil

import numpy as np
import pytest
from builders import gwcs_like, tangent
from samples import digests, read_wcs, tan_header, write_sci

import skyblot
from skyblot import DataError, FileError, ParameterError, SkyblotWarning, WCSError


def same(one, other):
    """Whether two grids have the same pixels, to the last bit."""
    assert one.array_shape == other.array_shape
    return one.to_header().tostring() == other.to_header().tostring()


@pytest.fixture(scope="module")
def grid(demo):
    return skyblot.common_grid(demo.exposures)


def test_a_grid_covers_every_chip_of_every_exposure(demo, grid):
    ny, nx = grid.array_shape
    reached = []
    for path in demo.exposures:
        for chip in (1, 2):
            wcs = read_wcs(path, ("SCI", chip))
            rows, columns = wcs.array_shape
            x, y = np.meshgrid([-0.5, columns - 0.5], [-0.5, rows - 0.5])
            reached.append(grid.wcs_world2pix(*wcs.all_pix2world(x.ravel(), y.ravel(), 0), 0))
    x, y = np.concatenate(reached, axis=1)
    assert (x.min(), y.min()) > (-0.6, -0.6)
    assert x.max() < nx - 0.4
    assert y.max() < ny - 0.4


def test_exposures_are_named_as_everywhere(demo, grid, tmp_path):
    listed = tmp_path / "exposures.txt"
    listed.write_text("\n".join(map(str, demo.exposures)))
    for names in (
        demo.folder,
        str(demo.folder / "*_flc.fits"),
        f"@{listed}",
        [str(demo.exposures[1]), demo.exposures[0], demo.exposures[0]],
        [f"{path}[sci,{chip}]" for path in demo.exposures for chip in (2, 1)],
    ):
        assert same(skyblot.common_grid(names), grid)


def test_a_wcs_stands_for_itself_and_may_be_beside_a_file(demo, grid):
    chips = [read_wcs(path, ("SCI", chip)) for path in demo.exposures for chip in (1, 2)]
    assert same(skyblot.common_grid(chips), grid)
    assert same(skyblot.common_grid([*chips[:2], demo.exposures[1]]), grid)
    assert same(skyblot.common_grid(tangent()), skyblot.common_grid([tangent()]))
    assert same(
        skyblot.common_grid(gwcs_like(tangent(), bounded=False)), skyblot.common_grid(tangent())
    )


def test_what_is_wished_for_is_made(demo):
    grid = skyblot.common_grid(
        demo.exposures, scale=0.1, rotation=0, size=(70, 50), centre="03:32:38.9 -27:47:28"
    )
    assert grid.array_shape == (50, 70)
    assert grid.wcs.cd.ravel() == pytest.approx([-0.1 / 3600, 0, 0, 0.1 / 3600])


@pytest.mark.parametrize("kind", ["jwst", "roman"])
def test_exposures_with_a_gwcs(tmp_path, kind):
    pytest.importorskip("gwcs")
    demo = skyblot.make_demo(tmp_path, kind, exposures=2, chip_shape=(64, 96))
    grid = skyblot.common_grid(demo.exposures)
    scale = 3600 * np.sqrt(abs(np.linalg.det(grid.wcs.cd)))
    assert scale == pytest.approx({"jwst": 0.063, "roman": 0.11}[kind], rel=0.02)
    assert np.prod(grid.array_shape) < 6 * 64 * 96
    like = skyblot.common_grid(demo.exposures, like=demo.median)
    with skyblot.io.images.open_image(demo.median) as mosaic:
        assert like.array_shape == mosaic.shape


def test_like_is_the_pixels_of_a_mosaic_exactly(demo):
    grid = skyblot.common_grid(["not there.fits"], like=demo.median)
    mosaic = read_wcs(demo.median)
    assert grid.array_shape == mosaic.array_shape
    assert grid.wcs.compare(mosaic.wcs)


def test_like_leaves_nothing_to_wish_for(demo):
    with pytest.raises(
        ParameterError, match=r"^like is given beside scale and size: expected one of them$"
    ):
        skyblot.common_grid(demo.exposures, like=demo.median, scale=1, size=(5, 5))


def test_no_file_is_changed(demo):
    before = digests(demo.folder)
    skyblot.common_grid(demo.exposures)
    assert digests(demo.folder) == before


def test_an_exposure_without_its_distortion_is_told(tmp_path):
    path = write_sci(
        tmp_path / "x_flc.fits", np.zeros((9, 9), "f4"), primary={"IDCTAB": "iref$x_idc.fits"}
    )
    with pytest.warns(SkyblotWarning, match="IDCTAB is named, but its header has no SIP"):
        skyblot.common_grid([path])


def test_what_cannot_be_used_is_named(tmp_path):
    good = write_sci(tmp_path / "a.fits", np.zeros((50, 50), "f4"))
    far = write_sci(tmp_path / "b.fits", np.zeros((50, 50), "f4"), tan_header((50, 50), dec=10.0))
    with pytest.raises(
        DataError, match=r"b\.fits\[sci,1\]: lies 37.8 degrees from the other exposures"
    ):
        skyblot.common_grid([good, far])
    flat = write_sci(tmp_path / "c.fits", np.zeros((50, 50), "f4"), tan_header((50, 50), CD2_2=0.0))
    with pytest.raises(WCSError, match=r"c\.fits\[sci,1\]: .*singular"):
        skyblot.common_grid([good, flat])
    with pytest.raises(FileError, match=r"missing\.fits: no such file"):
        skyblot.common_grid([good, tmp_path / "missing.fits"])
    with pytest.raises(FileError, match="no file matches this pattern"):
        skyblot.common_grid(str(tmp_path / "*_flt.fits"))
    with pytest.raises(
        ParameterError, match=r"^exposures\[1\]: its WCS has no array_shape: set it to \(ny, nx\)$"
    ):
        skyblot.common_grid([good, tangent(shape=None)])


def test_a_head_file_beside_an_exposure_counts(tmp_path):
    one = write_sci(tmp_path / "a.fits", np.zeros((50, 50), "f4"))
    shutil.copy(one, tmp_path / "b.fits")
    moved = tan_header((50, 50), ra=53.2)
    (tmp_path / "b.head").write_text("\n".join(map(str, moved.cards)) + "\nEND\n")
    with pytest.warns(SkyblotWarning, match=r"b\.head beside it replaces its WCS"):
        place = skyblot.common_grid(tmp_path / "b.fits").wcs.crval
    assert place == pytest.approx([53.2, -27.8], abs=1e-5)
