"""The stand-alone task beside ``drizzlepac.ablot``: the documented examples, and saved ``.cfg``
files.
"""

from pathlib import Path

import numpy as np
import pytest
from ablot_cases import CHIP_SHAPE, outcome, script
from astropy.io import fits

from skyblot import ablot
from skyblot.ablot.teal import pars_folder

#: The sky of an exposure in electrons, added to a blot per second: worth a warning, and not what is
#: compared.
pytestmark = [pytest.mark.compat, pytest.mark.filterwarnings("ignore:.*MDRIZSKY is in")]


def test_documented_examples(examples):
    """As printed, with `skyblot` for `drizzlepac`."""
    done = script(
        examples,
        """
        from skyblot import ablot
        from stsci.tools import teal
        blotobj = teal.load('ablot')    # get default values
        ablot.blot('adriz_aligned_wcs_f814w_med.fits','j8c0d1bwq_flc.fits[sci,1]',
                   'aligned_f814w_sci1_blot.fits', configObj=blotobj)
        """,
    )
    assert done.returncode == 0, done.stderr
    blot = fits.getdata(examples / "aligned_f814w_sci1_blot.fits", 1)
    ablot.blot(
        f"{examples}/adriz_aligned_wcs_f814w_med.fits",
        f"{examples}/j8c0d1bwq_flc.fits[sci,1]",
        examples / "direct.fits",
    )
    np.testing.assert_array_equal(blot, fits.getdata(examples / "direct.fits", 1))
    done = script(examples, "from skyblot import ablot\nablot.blot()")
    assert done.returncode == 1
    assert "data, reference and outdata are not given" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("imports", "task"),
    [
        ("", "skyblot.ablot"),
        ("import skyblot.ablot", "ablot"),
        ("import skyblot.ablot, drizzlepac.ablot", "skyblot.ablot"),
        ("import skyblot.ablot, drizzlepac.ablot", "drizzlepac.ablot"),
        ("import drizzlepac.ablot, skyblot.ablot", "ablot"),
        ("from skyblot import ablot; import drizzlepac.ablot", "ablot"),
    ],
)
def test_teal_load(examples, imports, task):
    """Ours by its dotted name, whoever is imported first; DrizzlePac's object serves as well."""
    done = script(
        examples,
        f"""
        {imports}
        from stsci.tools import teal
        config = teal.load({task!r})
        config['data'] = 'adriz_aligned_wcs_f814w_med.fits'
        config['reference'] = 'j8c0d1bwq_flc.fits[sci,1]'
        config['outdata'] = 'o'
        config['interpol'] = 'linear'
        config['Data Scaling Parameters']['out_units'] = 'cps'
        before = repr(config)
        print('file:', config.filename, 'runs:', config.canExecute())
        from skyblot import ablot
        ablot.blot(configObj=config, addsky=False)
        assert repr(config) == before
        ablot.run(config)
        assert repr(config) == before
        if {task!r} == 'skyblot.ablot':
            import os; os.remove('o.fits')
            config.run()
            assert 'Task:' in config.getHelpAsString()
        """,
    )
    assert done.returncode == 0, done.stderr
    if task != "ablot":
        assert (
            f"site-packages/{task.split('.')[0]}" in done.stdout
            or str(pars_folder()) in done.stdout
        )
        assert "runs: True" in done.stdout
    blot = fits.getdata(examples / "o.fits", 1)
    ablot.blot(
        f"{examples}/adriz_aligned_wcs_f814w_med.fits",
        f"{examples}/j8c0d1bwq_flc.fits[sci,1]",
        examples / "direct.fits",
        interp="linear",
        out_units="cps",
    )
    np.testing.assert_array_equal(blot, fits.getdata(examples / "direct.fits", 1))


@pytest.mark.parametrize("task", ["drizzlepac.ablot", "skyblot.ablot"])
def test_a_saved_cfg_loads_unchanged(examples, monkeypatch, task):
    """What TEAL's Save writes; ours and DrizzlePac's."""
    done = script(
        examples,
        f"""
        from stsci.tools import teal
        config = teal.load({task!r})
        config['data'] = 'adriz_aligned_wcs_f814w_med.fits[sci,1]'
        config['reference'] = 'j8c0d1bwq_flc.fits[sci,1]'
        config['outdata'] = 'from_cfg.fits'
        config['interpol'] = 'poly3'
        config['stepsize'] = None
        config['addsky'] = False
        config['skyval'] = 2.5
        config['Data Scaling Parameters']['expout'] = '33.0'
        config['User WCS Parameters']['outnx'] = 50
        config['User WCS Parameters']['user_wcs'] = True
        print(config.saveParList(filename='saved.cfg'))
        config['User WCS Parameters']['user_wcs'] = False
        print(config.saveParList(filename='saved_no_wcs.cfg'))
        """,
    )
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(examples)
    saved = Path("saved.cfg").read_bytes()
    names = ("adriz_aligned_wcs_f814w_med.fits[sci,1]", "j8c0d1bwq_flc.fits[sci,1]", "direct.fits")
    values = {"interp": "poly3", "stepsize": None, "addsky": False, "skyval": 2.5, "expout": 33.0}
    for config, more in (("saved.cfg", {"outnx": 50}), ("saved_no_wcs.cfg", {})):
        ablot.blot(configObj=config)
        ablot.blot(*names, **values, **more)
        np.testing.assert_array_equal(
            fits.getdata("from_cfg.fits", 1), fits.getdata("direct.fits", 1)
        )
        assert fits.getdata("direct.fits", 1).shape == (
            CHIP_SHAPE[0],
            more.get("outnx", CHIP_SHAPE[1]),
        )
    assert Path("saved.cfg").read_bytes() == saved


def test_nothing_of_teals_is_read_from_home(examples):
    """Theirs reads ./*.cfg and ~/.teal without a word."""
    (examples / ".teal").mkdir()
    text = (pars_folder() / "ablot.cfg").read_text().replace("skyval = 0.0", "skyval = 1000.0")
    text = text.replace("addsky = True", "addsky = False").replace("[_RULES_]\n", "")
    for path in (examples / ".teal/ablot.cfg", examples / "ablot.cfg"):
        path.write_text(text)
    values = {}
    for package in ("drizzlepac", "skyblot"):
        done = script(
            examples,
            f"from {package} import ablot; ablot.blot('adriz_aligned_wcs_f814w_med.fits[sci,1]', "
            f"'j8c0d1bwq_flc.fits[sci,1]', '{package}.fits')",
        )
        assert done.returncode == 0, done.stderr
        values[package] = float(np.median(fits.getdata(examples / f"{package}.fits", 1)))
    assert values["skyblot"] < 500
    outcome(
        "``skyval = 1000`` in ``./ablot.cfg``",
        f"median {values['drizzlepac']:.4g}",
        f"median {values['skyblot']:.4g}",
        "skyblot",
    )
