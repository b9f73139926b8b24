"""What notebooks show of results, files and parameters, and plots with sky coordinates."""

import base64
import re
import sys
import types
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from astropy.io import fits
from astropy.visualization.wcsaxes import WCSAxes

import skyblot
from skyblot.api.progress import progress_bar
from skyblot.text import html_facts, html_rows


@pytest.fixture(scope="module")
def cleaned(demo, tmp_path_factory):
    return skyblot.clean_files(demo.exposures, tmp_path_factory.mktemp("cleaned"))


@pytest.fixture(scope="module")
def rejected(demo, tmp_path_factory):
    return skyblot.reject_files(demo.median, demo.exposures, tmp_path_factory.mktemp("masks"))


@pytest.fixture
def pyplot(monkeypatch):
    matplotlib = pytest.importorskip("matplotlib")
    monkeypatch.setenv("MPLBACKEND", "agg")
    matplotlib.use("agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def cells(html):
    """The texts of the rows of a table."""
    rows = re.findall(r"<tr>(.*?)</tr>", html)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def test_tables_show_what_others_wrote_as_plain_text():
    assert cells(html_facts({"a": "1 < 2", "b": "x\x1b"})) == [["a", "1 &lt; 2"], ["b", r"x\x1b"]]
    assert cells(html_rows([{"a": "1", "b": "2"}, {"a": "3", "b": "<b>"}])) == [
        ["a", "b"],
        ["1", "2"],
        ["3", "&lt;b&gt;"],
    ]
    assert cells(html_rows([])) == [[]]


def test_a_list_of_results_is_one_table(rejected):
    assert isinstance(rejected, list)
    head, *rows = cells(rejected._repr_html_())
    assert head == ["file", "size", "found", "time"]
    assert [row[0] for row in rows] == [str(each.path) for each in rejected]
    assert all("% rejected" in row[2] for row in rows)


def test_a_clean_run_is_its_mosaic_and_a_table_of_the_chips(cleaned):
    html = cleaned._repr_html_()
    assert str(cleaned.mosaic) in html
    head, *rows = cells(html.partition("</div>")[2])
    assert head[:3] == ["exposure", "chip", "rejected"]
    assert [row[:2] for row in rows] == [[row.exposure, row.extension] for row in cleaned.rows]
    assert rows[0][2] == f"{100 * cleaned.rows[0].fraction:.2f} %"
    pytest.importorskip("PIL", reason="pictures need Pillow")
    assert "data:image/png" in html
    assert "<img" not in replace(cleaned, mosaic=None)._repr_html_()


def test_what_is_understood_of_files_is_a_table(demo):
    images = skyblot.info(demo.exposures[0], demo.median)
    head, *rows = cells(images._repr_html_())
    assert head[0] == "image"
    assert [row[0] for row in rows] == [image.name for image in images]
    facts = dict(cells(images[0]._repr_html_()))
    assert facts["image"] == images[0].name
    assert facts["kind"] == "exposure of HST WFC3 UVIS"
    assert "closed form" in facts["with"]


def test_parameters_are_a_table_of_all_with_their_meaning():
    head, *rows = cells(skyblot.Recipe(interp="linear", skyval=2.5)._repr_html_())
    assert head == ["parameter", "value", "default", "meaning"]
    shown = {name: (value, usual) for name, value, usual, _ in rows}
    assert shown["interp"] == ("linear", "poly5")
    assert shown["skyval"] == ("2.5", "0.0")
    assert len(shown) == len(dict(skyblot.Recipe().items()))


# Plots.


def test_a_mask_is_drawn_on_its_exposure_with_its_sky(rejected, pyplot):
    result = rejected[0]
    axes = result.plot()
    assert isinstance(axes, WCSAxes)
    (drawn,) = axes.get_images()
    orange = (np.asarray(drawn.get_array()) == (255, 140, 0)).all(axis=-1)
    np.testing.assert_array_equal(orange, fits.getdata(result.path) == 0)
    assert axes.get_title() == "isky01a1q_flc.fits[sci,1]"
    name = result.reference.partition("[")[0]
    with fits.open(name) as hdus:
        crval = hdus["SCI", 1].header["CRVAL1"], hdus["SCI", 1].header["CRVAL2"]
        crpix = hdus["SCI", 1].header["CRPIX1"] - 1, hdus["SCI", 1].header["CRPIX2"] - 1
    x, y = axes.wcs.all_world2pix(*crval, 0)
    assert (float(x), float(y)) == pytest.approx(crpix, abs=0.5)  # tables move it by less


def test_a_blot_and_a_mosaic_are_drawn(demo, cleaned, pyplot, tmp_path):
    (blot,) = skyblot.blot_files(demo.median, [f"{demo.exposures[0]}[sci,1]"], tmp_path)
    for result, path in ((blot, blot.path), (cleaned, cleaned.mosaic)):
        axes = result.plot()
        (drawn,) = axes.get_images()
        assert drawn.get_array().shape[:2] == fits.getdata(path, "SCI").shape


def test_what_cannot_be_drawn_is_refused(cleaned, rejected, demo, pyplot):
    with pytest.raises(skyblot.DataError, match=r"\.csv: there is no mosaic to draw"):
        replace(cleaned, mosaic=None).plot()
    other = replace(rejected[0], reference=str(demo.median))
    with pytest.raises(skyblot.SkyblotError, match="has another shape than its mask"):
        other.plot()


def test_public_names_are_all_that_is_listed():
    assert dir(skyblot) == sorted(skyblot.__all__)
    assert not [name for name in dir(skyblot) if name.startswith("_") and name != "__version__"]


def test_a_rejection_of_arrays_is_its_mask_and_a_table():
    image_module = pytest.importorskip("PIL.Image", reason="to read the picture")
    exposure = np.full((300, 600), 10.0)
    exposure[21:24, 30:33] += 900  # one block of 3 x 3
    noise = skyblot.Noise(gain=1.0, read_noise=3.0)
    rejection = skyblot.reject(exposure, np.full((300, 600), 10.0), noise)
    html = rejection._repr_html_()
    facts = dict(cells(html))
    assert facts["size"] == "600 x 300 pixels"
    assert facts["rejected"] == "9 pixels, 0.01 %"
    assert facts["misalignment"] == facts["flux ratio"] == "not known"
    uri = re.search(r'src="data:image/png;base64,([^"]+)"', html)[1]
    with image_module.open(BytesIO(base64.b64decode(uri))) as picture:
        assert picture.size == (200, 100)
        colours = np.asarray(picture.convert("RGB"))[::-1].astype(int)
    assert tuple(colours[7, 10]) == (255, 140, 0)
    assert np.count_nonzero(colours[..., 0] > 40) == 1


def test_what_is_doubtful_of_a_rejection_is_told():
    rejection = skyblot.reject(*np.zeros((2, 40, 40)), np.ones((40, 40)))
    off = replace(rejection, misalignment=(0.5, 0.0), misalignment_error=0.01)
    assert any("0.50" in text for word, text in cells(off._repr_html_()) if "doubt" in word)


def test_progress_in_a_notebook_needs_no_widget_and_leaves_nothing(monkeypatch):
    shown = []

    class Output:
        def update(self, html):
            shown.append(html)

    def display(html, *, display_id):
        assert display_id
        shown.append(html)
        return Output()

    module = types.ModuleType("IPython.display")
    module.HTML = str
    module.display = display
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    with progress_bar() as bar:
        bar.expect(2, "comparing")
        bar.advance()
        bar.show("stacking", 3, 7)
    assert bar.console is None
    assert shown[0] == shown[-1] == ""
    assert '<progress value="0" max="2"></progress> comparing 0/2' in shown
    assert any("comparing 1/2 " in each and 'value="1"' in each for each in shown)
    assert '<progress value="3" max="7"></progress> stacking 3/7' in shown
