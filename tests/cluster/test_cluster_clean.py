"""A run from exposures to a mosaic on a Dask cluster: its files are those of a run without one."""

import os
import pickle
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from cluster_runs import LEFT_BY_DASK, Kill, allow_failures
from samples import digests, rewrite

import skyblot
from skyblot import BatchError, SkyblotError
from skyblot.api.clean import plan_clean

pytestmark = LEFT_BY_DASK

ALL = {"save_median": True, "objects": True, "update_dq": True, "clean": True}


def clean(exposures, folder, **more):
    """A run; exposures overlap in part only."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r".*no other exposure covers \d\d? percent")
        return skyblot.clean_files(exposures, folder, **{**ALL, **more})


@pytest.fixture(scope="module")
def wanted(demo, tmp_path_factory):
    """What a run without a cluster writes."""
    folder = tmp_path_factory.mktemp("alone")
    clean(demo.exposures, folder)
    return digests(folder)


def test_files_are_those_of_a_local_run(demo, wanted, client, tmp_path):
    result = clean(demo.exposures, tmp_path, client=client)
    assert digests(tmp_path) == wanted  # and nothing temporary is left
    assert [mask.path.name for mask in result.masks] == sorted(
        name for name in wanted if name.endswith("crmask.fits")
    )


@pytest.mark.parametrize(
    "how", [{"passes": 1}, {"shift": "fit", "sky": "plane"}, {"kernel": "turbo", "weight": "err"}]
)
def test_so_they_are_with_other_parameters(demo, client, tmp_path, how):
    for name, where in (("local", {}), ("dask", {"client": client})):
        clean(demo.exposures[:3], tmp_path / name, **how, **where)
    assert digests(tmp_path / "dask") == digests(tmp_path / "local")


def test_rows_of_a_mosaic_have_the_bits_of_the_whole(demo, wanted, client, tmp_path, monkeypatch):
    monkeypatch.setattr("skyblot.mosaics.cluster._ROWS", 37)
    clean(demo.exposures, tmp_path, client=client)
    assert digests(tmp_path) == wanted


def test_a_mosaic_that_does_not_fit_into_memory(demo, client, tmp_path, monkeypatch):
    """It is in files then, and so is what the exposures put in: their sums, not their layers."""
    plan = plan_clean(demo.exposures, tmp_path / "none", memory="4G", threads=1)
    little = plan.memory_bytes - 16 * plan.frame.shape[0] * plan.frame.shape[1] + 1
    assert not plan_clean(demo.exposures, tmp_path / "none", memory=little).fits_in_memory
    clean(demo.exposures, tmp_path / "files", memory=little)
    clean(demo.exposures, tmp_path / "dask", memory=little, client=client)
    monkeypatch.setattr("skyblot.mosaics.plan.KEPT_BYTES", 1)
    clean(demo.exposures, tmp_path / "memory")
    assert digests(tmp_path / "files") == digests(tmp_path / "memory")
    assert digests(tmp_path / "dask") == digests(tmp_path / "memory")


def test_relative_names_begin_where_the_run_was_started(demo, client, tmp_path, monkeypatch):
    """The workers, which were started elsewhere, write absolute names into the headers."""
    shutil.copytree(demo.median.parent, tmp_path / "set")
    monkeypatch.chdir(tmp_path / "set")
    exposures = [path.name for path in demo.exposures]
    clean(exposures, "local")
    clean(exposures, "dask", client=client)
    for path in Path("local").iterdir():
        if path.suffix == ".fits":
            away = Path("dask") / path.name
            with fits.open(path) as here, fits.open(away) as there:
                # where names are long, a card says that values go on in a second one
                for hdu in (*here, *there):
                    hdu.header.remove("LONGSTRN", ignore_missing=True)
                difference = fits.FITSDiff(here, there, ignore_keywords=["CREXP"])
                assert difference.identical, difference.report()
        else:
            assert path.read_bytes() == (Path("dask") / path.name).read_bytes()
    again = skyblot.clean_files(exposures, "dask", client=client, resume=True, **ALL)
    assert again.kept


def test_no_pixels_go_through_the_scheduler(demo, client, tmp_path, monkeypatch):
    sent, received = [], []
    submit = client.map

    def spy(function, *iterables, **more):
        sent.extend(len(pickle.dumps((each, more))) for each in zip(*iterables, strict=True))
        futures = submit(function, *iterables, **more)
        received.extend(len(pickle.dumps(future.result())) for future in futures)
        return futures

    monkeypatch.setattr(client, "map", spy)
    clean(demo.exposures, tmp_path, client=client)
    # measured, judged and written; stacked and drizzled
    assert len(sent) == 8 + 8 + 4 + 2
    assert max(sent) < 4096
    assert max(received) < 4096


def test_what_a_killed_worker_was_at_is_done_by_another(demo, wanted, client, tmp_path, at_rename):
    deaths = tmp_path / "deaths"
    at_rename(Kill("isky01a2q_sci2_crmask.fits", deaths, once=True))
    clean(demo.exposures, tmp_path / "out", client=client)
    assert deaths.read_text() == "x"
    # a mask of this exposure was there already, and the temporary file of the other
    assert digests(tmp_path / "out") == wanted


def test_what_kills_all_workers_ends_the_run(demo, client, tmp_path, at_rename):
    at_rename(Kill("isky01a1q_sci1_crmask.fits", tmp_path / "deaths", once=False))
    client.run_on_scheduler(allow_failures, 0)
    with pytest.raises(SkyblotError, match=r"isky01a1q_flc\.fits: every worker that was given it"):
        clean(demo.exposures, tmp_path / "out", client=client)
    client.run_on_scheduler(allow_failures, 1)
    made = [path.name for path in (tmp_path / "out").iterdir()]
    assert not any(name.endswith(("drc.fits", ".csv", ".json")) for name in made)
    host, process = os.uname().nodename, os.getpid()
    assert not any(f"{host}-{process}-" in name for name in made)  # the folder that all shared


def test_an_exposure_that_cannot_be_written_is_reported(demo, client, tmp_path):
    def shorten(hdus):
        """Flags of 8 bits hold no 4096."""
        hdus["DQ", 2].data = (hdus["DQ", 2].data > 0).astype(np.uint8)

    folder = tmp_path / "in"
    folder.mkdir()
    name = demo.exposures[0].name
    exposures = [*demo.exposures[1:], rewrite(demo.exposures[0], folder / name, shorten)]
    found = {}
    for name, where in (("local", {}), ("dask", {"client": client})):
        with pytest.raises(BatchError) as caught:
            clean(exposures, tmp_path / name, **where)
        found[name] = [(each.reference, each.reason) for each in caught.value.failures]
    assert found["dask"] == found["local"]
    assert digests(tmp_path / "dask") == digests(tmp_path / "local")


def test_workers_with_another_skyblot_end_the_run(demo, client, tmp_path, monkeypatch):
    monkeypatch.setattr("skyblot.__version__", "0.0")
    with pytest.raises(SkyblotError, match="install the same on both"):
        clean(demo.exposures, tmp_path, client=client)
    assert not any(tmp_path.iterdir())
