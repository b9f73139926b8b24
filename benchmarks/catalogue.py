"""The groups of rows in the order in which they are run, with the words that the pages have for
them.
"""

import batch_rows
import clean_rows
import drizzle_rows
import groups
import reject_rows
import transform_rows
import transforms
import work
from groups import Group

GROUPS = (
    Group(
        "memory",
        "In memory, pixel map included",
        "Arrays and WCS in, array out.",
        groups.memory,
    ),
    Group(
        "interpolants",
        "The other interpolants",
        "In memory, pixel map included. drizzlepac has no documented lanczos; its C code does.",
        groups.interpolants,
    ),
    Group("map", "Pixel map alone", "Where every target pixel falls on the source.", groups.maps),
    Group(
        "inverse-map",
        "Pixel map of a mosaic onto an exposure",
        "Where every pixel of a mosaic as large as the chip falls on it: the inverse of SIP, NPOL "
        "and D2IM. The others iterate by `all_world2pix` of astropy to 1e-4 pixel; skyblot's is "
        "within 1e-8.",
        groups.inverse_maps,
        (work.onto_uvis,),
        rounds=3,
    ),
    Group(
        "resample",
        "Resampling alone",
        "The map is given, in memory. skyblot makes its map band by band and never holds it "
        "whole: it is measured here with a map that comes from memory, which costs it time. "
        "`do_blot` gets the map row by row through its `wcsmap`.",
        groups.resampling,
    ),
    Group(
        "drizzle",
        "Drizzling alone",
        "One chip onto its mosaic; where its pixels fall is given, in memory.",
        drizzle_rows.kernels,
    ),
    Group(
        "ir",
        "A small detector",
        "In memory, pixel map included; every interpolant, by everyone who has it.",
        groups.infrared,
        (work.infrared,),
    ),
    Group(
        "nircam",
        "A detector of JWST",
        "In memory, pixel map included.",
        groups.nircam,
        (work.nircam,),
    ),
    Group(
        "gwcs",
        "A gwcs, as JWST and Roman have",
        "In memory. Both transformations are gwcs; skyblot's map is within its default tolerance "
        "of 1e-4 pixel. The blots are linear, pixel map included: stcal's is `gwcs_blot` itself. "
        "How far each map is from the exact transformation is on the page on accuracy.",
        transform_rows.gwcs,
        (transforms.gwcs_detector,),
    ),
    Group(
        "gwcs-large",
        "A gwcs of 16 megapixels",
        "As above, with as many pixels as a detector of Roman.",
        transform_rows.gwcs_large,
        (transforms.gwcs_large,),
        rounds=5,
    ),
    Group(
        "tpv",
        "A chip of a ground-based camera: TPV",
        "In memory; the pixel map alone, then blots with the map included.",
        transform_rows.tpv,
        (transforms.tpv,),
        rounds=3,
    ),
    Group(
        "file",
        "File to file",
        "In one process, everything imported, the files in the system's cache. skyblot flushes "
        "its output to the disk before it gives it its name; drizzlepac does not. The last line "
        "reads the bytes of the mosaic and the reference and writes as many as the reference has, "
        "without a flush.",
        groups.file_to_file,
    ),
    Group(
        "process",
        "Whole processes",
        "From start to end, start-up and imports included, the files in the system's cache. The "
        "peer is a Python process that imports `drizzlepac.ablot` and blots the same files. The "
        "kernels are in Numba's cache.",
        groups.process,
        slow=True,
    ),
    Group(
        "cold",
        "The first run after an installation",
        "The kernels have to be compiled: Numba's cache is empty. The system's caches are not: "
        "dropping them takes rights that a benchmark should not have.",
        groups.cold_process,
        rounds=3,
        warmups=0,
        slow=True,
    ),
    Group(
        "help",
        "Start-up",
        "A Python process that does nothing, and the two help texts.",
        groups.start_up,
        (),
        slow=True,
    ),
    Group(
        "floor",
        "The floor",
        "No blot can be faster than one copy of its source and of itself: `numpy.copyto`, one "
        "thread, into memory that has been used before.",
        groups.floor,
    ),
    Group("threads", "Threads", "skyblot alone.", groups.threads),
    Group(
        "output-size",
        "Larger blots",
        "Square chips with the distortion of WFC3/UVIS scaled to them, the mosaic a little "
        "larger. The time per pixel should stay the same.",
        groups.output_size,
        (),
    ),
    Group(
        "source-size",
        "Larger mosaics",
        "`skyblot blot`, whole process: the same chip from the middle of ever larger mosaics on "
        "disk (float32, big-endian, zeros that take no room). Neither time nor memory should grow.",
        groups.source_size,
        slow=True,
    ),
    Group(
        "batch",
        "Many chips from one mosaic",
        "Sixteen dithered chips, file to file, in one process that has everything imported, the "
        "files in the system's cache. skyblot flushes each blot to the disk before it gives it "
        "its name; nobody else does.",
        batch_rows.chips,
        rounds=5,
    ),
    Group(
        "reject",
        "Cosmic rays",
        "Four full-size exposures of two chips and their median, file to file: masks of cosmic "
        "rays. AstroDrizzle runs once with its defaults, then its steps blot and driz_cr are "
        "timed, with as many processes as there are cores; skyblot takes the same exposures, "
        "reads their errors and flags too, and measures what exposure and blot differ by before "
        "it judges.",
        reject_rows.comparisons,
        (),
        rounds=3,
    ),
    Group(
        "clean",
        "Exposures to a mosaic",
        "Whole processes, from dithered exposures alone to masks and a mosaic without cosmic rays: "
        "AstroDrizzle with its defaults, the sky matched, with as many processes as there are "
        "cores (its peak is that of the largest one); the pipeline of JWST with its steps "
        "skymatch, outlier_detection and resample, from an environment of its own.",
        clean_rows.comparisons,
        (),
        rounds=3,
        slow=True,
    ),
    Group(
        "clean-growth",
        "More and more exposures",
        "`skyblot clean`, whole processes. The time should grow with the number of exposures, and "
        "the memory with the mosaic alone.",
        clean_rows.growth,
        (),
        rounds=3,
        slow=True,
    ),
)
