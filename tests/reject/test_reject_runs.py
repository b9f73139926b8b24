"""Many exposures to find cosmic rays in: plans, what is kept, logs, clusters; by the same code as
for blots.
"""

import json
import os
import shutil
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from samples import digests

import skyblot
from skyblot import FileError, reject_files

pytestmark = pytest.mark.filterwarnings("ignore::skyblot.SkyblotWarning")


@pytest.fixture
def visit(demo, tmp_path):
    """A mosaic and two exposures of two chips, to be changed."""
    return Path(shutil.copy(demo.median, tmp_path)), [
        Path(shutil.copy(each, tmp_path)) for each in demo.exposures
    ]


@pytest.fixture
def kept(visit, out):
    """Which of the masks are kept by a run with some values."""
    return lambda **values: [each.kept for each in reject_files(*visit, out, resume=True, **values)]


WRITTEN = {
    "masks": {},
    "blots": {"save_blots": True},
    "copies": {"update_dq": True, "clean": True},
    "one file": {"one_file": True},
    "packed blots": {"save_blots": True, "compress": True},
}


class TestResume:
    @pytest.mark.parametrize("products", WRITTEN.values(), ids=WRITTEN)
    def test_what_is_there_is_kept_and_tells_what_was_found(self, visit, out, products):
        first = reject_files(*visit, out, **products)
        before = digests(out)
        again = reject_files(*visit, out, resume=True, **products)
        assert [each.kept for each in again] == [True] * 4
        assert digests(out) == before
        for one, other in zip(first, again, strict=True):
            for name in (
                "mask",
                "shape",
                "rejected",
                "judged",
                "criteria",
                "bits",
                "blot_path",
                "together",
            ):
                assert getattr(one, name) == getattr(other, name)
            for name in (
                "background",
                "noise",
                "ratio",
                "flux_ratio",
                "misalignment",
                "misalignment_error",
                "covered",
            ):
                np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-6)

    @pytest.mark.parametrize("products", WRITTEN.values(), ids=WRITTEN)
    def test_what_is_missing_or_cut_short_is_made_again(self, visit, out, kept, products):
        reject_files(*visit, out, **products)
        before = digests(out)
        for path in sorted(out.glob("isky01a1q*")):
            for lose in (Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-2880])):
                lose(path)
                found = kept(**products)
                assert False in found[:2]
                assert found[2:] == [True, True]
                assert digests(out) == before

    @pytest.mark.parametrize(
        "values",
        [
            {"interp": "linear"}, {"addsky": False}, {"rule": "plain"}, {"snr": (5, 4)},
            {"scale": (1, 0.5)}, {"grow": 1}, {"cte_tail": 2}, {"background": 0.5},
            {"background": "map"}, {"flux_ratio": 1.0}, {"exposures": 5}, {"gain": 1.1},
            {"read_noise": 4.0}, {"err": "*.fits[ERR]"},
        ],
        ids=str,
    )  # fmt: skip
    def test_every_value_that_makes_a_mask_counts(self, kept, values):
        assert kept() == [False] * 4
        assert kept(**values) == [False] * 4
        assert kept(**values) == [True] * 4

    def test_every_file_that_is_read_counts(self, visit, kept):
        mosaic, exposures = visit
        kept()
        os.utime(exposures[1])
        assert kept() == [True, True, False, False]
        os.utime(mosaic)
        assert kept() == [False] * 4
        weights = exposures[0].with_name(exposures[0].stem + ".weight.fits")
        with fits.open(exposures[0]) as hdus:
            for hdu in hdus:
                if hdu.name == "SCI":
                    hdu.data = np.ones_like(hdu.data)
            hdus.writeto(weights)
        assert kept() == [False, False, True, True]
        assert kept() == [True] * 4
        os.utime(weights)
        assert kept() == [False, False, True, True]
        weights.unlink()
        assert kept() == [False, False, True, True]

    def test_a_file_of_flags_counts_where_it_is_named(self, visit, kept):
        for path in visit[1]:
            shutil.copy(path, path.with_name(f"{path.stem}_dq.fits"))
        pattern = "*_dq.fits[DQ]"
        assert kept(dq=pattern) == [False] * 4
        assert kept(dq=pattern) == [True] * 4
        os.utime(visit[1][0].with_name(f"{visit[1][0].stem}_dq.fits"))
        assert kept(dq=pattern) == [False, False, True, True]

    def test_what_is_wanted_beside_the_masks_is_made(self, out, kept):
        assert kept() == [False] * 4
        assert kept(clean=True) == [False] * 4
        assert kept(clean=True) == [True] * 4
        assert kept() == [True] * 4
        assert kept(clean=True, save_blots=True) == [False] * 4
        assert len(list(out.iterdir())) == 4 + 2 + 4

    def test_a_file_of_one_chip_is_none_of_two(self, visit, out):
        mosaic, (exposure, _) = visit
        one = f"{exposure}[sci,1]"
        for product in ("clean", "one_file"):
            how = {product: True, "exposures": 2, "resume": True}
            for names, expected in (
                ([one], [False]),
                ([exposure], [False, False]),
                ([one], [False]),
            ):
                assert [each.kept for each in reject_files(mosaic, names, out, **how)] == expected
                assert [each.kept for each in reject_files(mosaic, names, out, **how)] == [
                    True
                ] * len(expected)

    @pytest.mark.parametrize("name", ["isky01a1q_sci2_crmask.fits", "isky01a1q_crclean.fits"])
    def test_what_skyblot_has_not_made_is_not_replaced(self, visit, out, kept, name):
        kept(clean=True)
        fits.PrimaryHDU(np.zeros((3, 3), "u1")).writeto(out / name, overwrite=True)
        before = digests(out)
        with pytest.raises(FileError, match=f"{name}: is no mask of skyblot's, and --resume"):
            kept(clean=True)
        assert digests(out) == before
        assert kept(clean=True, overwrite=True) == [False, False, True, True]

    def test_roman(self, tmp_path):
        pytest.importorskip("gwcs")
        made = skyblot.make_demo(tmp_path, "roman", exposures=2, chip_shape=(120, 130))
        how = {"update_dq": True, "clean": True, "resume": True}
        first, again = (
            reject_files(made.median, made.exposures, tmp_path, **how) for _ in range(2)
        )
        assert [each.kept for each in (*first, *again)] == [False, False, True, True]
        (tmp_path / again[1].path.name.replace("_crmask.fits", "_crdq.asdf")).unlink()
        assert [
            each.kept for each in reject_files(made.median, made.exposures, tmp_path, **how)
        ] == [True, False]


class TestPlans:
    def test_a_plan_tells_what_will_be_written_and_writes_nothing(self, visit, out):
        plan = skyblot.plan_masks(*visit, out, clean=True, save_blots=True)
        assert list(out.iterdir()) == []
        assert (plan.count, plan.known) == (4, [])
        assert plan.memory_bytes > 0
        with closing(skyblot.run(plan)) as outcomes:
            assert sum(1 for _ in outcomes) == 4
        assert sorted(plan.work.writes) == sorted(out.iterdir())

    def test_a_run_that_is_left_leaves_complete_files(self, visit, out):
        with closing(
            skyblot.run(skyblot.plan_masks(*visit, out, clean=True, threads=1))
        ) as outcomes:
            first = next(outcomes)
        assert first.path.is_file()
        assert not [path for path in out.iterdir() if path.name.startswith(".")]
        reject_files(*visit, out, clean=True, resume=True)
        left = digests(out)
        shutil.rmtree(out)
        out.mkdir()
        reject_files(*visit, out, clean=True)
        assert digests(out) == left

    def test_values_travel_as_one_or_by_name(self, visit, out):
        how = {
            "recipe": skyblot.Recipe(interp="linear"),
            "criteria": {"grow": 1.5},
            "products": skyblot.Products(clean=True),
            "options": skyblot.RunOptions(threads=1, overwrite=True),
        }
        together = skyblot.plan_masks(*visit, out, **how)
        single = {"interp": "linear", "grow": 1.5, "clean": True, "threads": 1, "overwrite": True}
        named = skyblot.plan_masks(*visit, out, **single)
        assert (together.work.step, together.options) == (named.work.step, named.options)
        with pytest.raises(
            skyblot.ParameterError, match=r"unknown parameter 'overwrit' \(closest: 'overwrite'\)"
        ):
            reject_files(*visit, out, overwrit=True)
        with pytest.raises(
            skyblot.ParameterError, match="overwrite = 'perhaps': expected yes or no"
        ):
            reject_files(*visit, out, overwrite="perhaps")


class TestCommandLine:
    def test_dry_run(self, visit, run_reject, out):
        arguments = (
            visit[0],
            *visit[1],
            "--output-dir",
            out,
            "--log",
            out / "log",
            "--report",
            out / "page.html",
        )
        code, said, errors = run_reject(*arguments, "--dry-run")
        assert (code, errors) == (0, "")
        assert len(said.splitlines()) == 1 + 4 + 1
        assert said.splitlines()[-1].startswith("4 masks to make, 0 kept; about ")
        assert list(out.iterdir()) == []

    def test_log_and_resume(self, visit, run_reject, out, tmp_path):
        log = tmp_path / "log"
        arguments = (visit[0], *visit[1], "--output-dir", out, "--log", log, "--resume")
        assert run_reject(*arguments)[0] == 0
        os.utime(visit[1][1])
        code, said, errors = run_reject(*arguments)
        assert code == 0
        assert [line.endswith("  kept") for line in said.splitlines()] == [True, True, False, False]
        assert errors.splitlines()[-1].startswith("2 made, 2 kept, 0 failed, ")
        events = [json.loads(line) for line in log.read_text().splitlines()]
        names = [event["event"] for event in events]
        assert names == [
            "start",
            *["mask"] * 4,
            "end",
            "start",
            "kept",
            "kept",
            "mask",
            "mask",
            "end",
        ]
        assert all(
            0 < event["rejected"] < 0.2 for event in events if event["event"] in ("mask", "kept")
        )

    def test_fail_fast_stops_at_the_first(self, visit, run_reject, out):
        bad = visit[1][0].with_name("bad_flc.fits")
        bad.write_text("no FITS file")
        code, said, errors = run_reject(
            visit[0], bad, *visit[1], "--output-dir", out, "--fail-fast"
        )
        assert (code, said, list(out.iterdir())) == (1, "", [])
        assert errors.count("skyblot: error: ") == 1

    def test_a_page_says_what_was_kept_and_is_not_shown(self, visit, run_reject, out):
        pytest.importorskip("jinja2")
        pytest.importorskip("matplotlib")
        arguments = (visit[0], *visit[1], "--output-dir", out, "--resume")
        assert run_reject(*arguments)[0] == 0
        os.utime(visit[1][1])
        assert run_reject(*arguments, "--report", out / "page.html")[0] == 0
        page = (out / "page.html").read_text()
        assert page.count('class="chip-data"') == 2
        assert page.count("kept, and not shown: ") == 2


def test_a_cluster_writes_the_same_files(visit, out, tmp_path):
    pytest.importorskip("distributed")
    there = tmp_path / "there"
    there.mkdir()
    how = {"clean": True, "update_dq": True, "save_blots": True}
    here = reject_files(*visit, out, **how)
    away = reject_files(*visit, there, client="local", threads=2, **how)
    assert digests(there) == digests(out)
    for one, other in zip(here, away, strict=True):
        assert (one.path.name, one.blot_path.name, one.rejected) == (
            other.path.name,
            other.blot_path.name,
            other.rejected,
        )
        assert other.path.parent == other.blot_path.parent == there
