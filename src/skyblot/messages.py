"""All that skyblot says of what is wrong or was assumed: one sentence each, with fields for what was given.

A message begins with what it is about (a file and extension, an argument, an option), says what was found there, and
what is allowed or what to do. `docs/messages.rst` lists them all, under the headings of this module, and each with the
comment that stands above it here. In a section errors come first, and then warnings.
"""

from .text import printable, shortened


class Message(str):
    """A sentence with fields; called with their values, it is the sentence.

    Examples
    --------
    >>> NO_SUCH(name="mosaic.fits", kind="file")
    'mosaic.fits: no such file'
    """

    __slots__ = ()

    def __call__(self, **fields: object) -> str:
        """Return the sentence, on one line; a `KeyError` where a field is missing."""
        return printable(shortened(self.format(**fields)))


# ---- Files ----
NO_SUCH = Message("{name}: no such {kind}")
#: The file, or a folder above it, is not for this user to read: `chmod` or its owner helps.
NO_PERMISSION = Message("{name}: no permission to read it")
IS_FOLDER = Message("{name}: is a folder, expected {expected}")
#: A device, a FIFO or a socket may never end, and cannot be read twice: `skyblot` reads files and URLs.
NOT_A_FILE = Message("{name}: is no regular file, expected one, or a URL")
CANNOT_READ = Message("{name}: cannot be read: {reason}")
PART_CANNOT_BE_READ = Message("{name}: {part} cannot be read: {reason}")
KIND_CANNOT_BE = Message("{name}: this {kind} cannot be {done}: {reason}")
NEEDS_PACKAGE = Message("{name}: cannot be read without the package {package} ({install})")
#: The file is of another kind than its name or place says, or its beginning is damaged.
NOT_OF_KIND = Message("{name}: not {kind}: {reason}")
IS_NOT = Message("{name}: is not {kind}, expected {expected}")
#: Something else wrote to the file: run again when it is complete.
HAS_CHANGED = Message("{name}: has changed {since}")
#: The file is not complete, as after a download that was cut off: fetch it again.
TOO_SHORT = Message("{name}: truncated: its {part} need {needed} bytes, {holder} has {present}")
NO_END = Message("{name}: truncated: its {part} does not end")
GZIP_TOO_SHORT = Message("{name}: truncated: the compressed file ends too early")
#: The file became shorter while skyblot read it.
CUT_WHILE_READ = Message("{name}: truncated while it was read")
NO_BLOCK = Message("{name}: truncated: the tree refers to block {number}, which is not there")
GZIP_DAMAGED = Message("{name}: the compressed file is damaged: {reason}")
EXTENSION_DAMAGED = Message("{name}: damaged: extension {number} of {count} cannot be read")
HEADERS_OVERLAP = Message("{name}: damaged: its header does not end before that of the next extension")
#: Compressed files, and those of servers that send whole files only, are copied: set `TMPDIR` to a larger disk.
CANNOT_COPY = Message("{name}: cannot be copied into {folder} (TMPDIR): {reason}")
OUTSIDE_HEAP = Message("{name}: damaged: its table refers to bytes outside of it")
CONCERNING = Message("{name}: {reason}")

# Warnings
WHOLE_FILES_ONLY = Message("{name}: its server sends whole files only: all of it is copied into {folder}")
REST_LEFT_OUT = Message("{name}: what follows extension {number} is no FITS and is left out")

# ---- Output ----
NO_FOLDER = Message("{name}: the folder {folder} does not exist")
READ_ONLY_FOLDER = Message("{name}: the folder {folder} cannot be written to")
#: Only files are replaced. A device, a FIFO or a socket of this name stays what it is.
NOT_REPLACED = Message("{name}: is no regular file, expected the name of a new file, or of one to replace")
EXISTS = Message("{name}: exists already; --overwrite (overwrite=True) replaces it")
CANNOT_WRITE = Message("{name}: cannot be written: {reason}")
NOT_OWN = Message("{name}: is no {noun} of skyblot's, and --resume (resume=True) replaces no other; --overwrite does")
IS_INPUT = Message("{name}: is an input file; inputs are never overwritten")
#: Two exposures have the same name, in two folders: use one output folder for each.
TWO_TO_ONE_FILE = Message("{name}: two references would be written to this file; take them one by one")
#: A log or a page of pictures is called like another output, or a blot is a link to another one.
SAME_OUTPUT = Message("{name}: is the same file as another output, expected one for each")
WRONG_SUFFIX = Message("{name}: a blot onto {reference} is {kind}, expected a name that ends in {suffix}")
#: To compress pixels tile by tile, which every FITS reader knows, use `--compress`.
NO_GZIP = Message("{name}: no blot is compressed as a whole, expected a name that ends in {suffix} or .fits.fz")
HEADERS_NOT_COPIED = Message("{name}: its headers cannot be copied: {reason}")
NOTHING_TO_CHANGE = Message("{name}: has no {part} to change")
BITS_TOO_LARGE = Message("{name}: its DQ is {dtype}, which cannot hold the bits of cosmic rays, {bits}")
OWN_FOLDER = Message(
    "{name}: --keep-name (keep_name=True) needs another folder than that of the exposure: --output-dir"
)
ONE_COPY = Message("--keep-name (keep_name=True) names one copy: give either --update-dq or --clean")

# ---- Names, lists and associations ----
BAD_EXTENSION = Message("{name}: [{text}] is not an extension, expected for example [1], [sci] or [sci,2]")
NO_EXTENSION = Message("{name}: no extension [{extension}], it has {present}")
SEVERAL_EXTENSIONS = Message("{name}: {count} extensions are called so, expected one by its number: {numbers}")
ASDF_EXTENSION = Message("{name}: an ASDF file has no extensions, [{extension}] is not known")
NOT_A_NAME = Message("{name!r}: is not the name of a file")
NO_MATCH = Message("{name}: no file matches this pattern")
LIST_EXTENSION = Message("{name}: a list takes no extension, write it behind each name in the list")
REMOTE_LIST = Message("{name}: lists are read from local files only")
LIST_IN_ITSELF = Message("{name}: this list contains itself")
EMPTY_LIST = Message("{name}: this list names no exposure, expected one name a line")
EMPTY_FOLDER = Message("{name}: this folder holds no exposure, looked for {expected}")
NO_EXPOSURE_MEMBER = Message("{name}: no member of this association is an exposure, expected one with {expected}")
NO_MEMBER_FILE = Message("{name}: its member {member} is missing, looked for {expected}")
MEMBER_NAME = Message("{name}: a science member has expname {value!r}, expected the name of a file")

#: The mosaic comes first on the command line, then the exposures that went into it.
IS_EXPOSURE = Message(
    "{name}: is an exposure ({signs}), expected the mosaic here, before the exposures; --force (force=True) takes it"
)
IS_MOSAIC = Message(
    "{name}: is a mosaic ({signs}), expected an exposure that went into one; --force (force=True) takes it"
)
SAME_FILE = Message(
    "{name}: is given as the mosaic and as an exposure, expected two images; --force (force=True) takes it as both"
)

# Warnings
#: One image is needed, a source for example, and the name means more: name one, as in `file.fits[sci,2]`.
FIRST_OF_MANY = Message("{name}: has {count} images, the first, [{extension}], is used")

# ---- Images ----
NO_IMAGE = Message("{name}: holds no image")
NOT_AN_IMAGE = Message("{name}: {found}, expected a 2-D image (ny, nx)")
NOT_ROMAN = Message("{name}: holds {found}, expected a Roman image in roman/data")
NOT_WHOLE_NUMBERS = Message("{name}: its {part} is {dtype}, expected whole numbers")
PART_SHAPE = Message("{name}: its {part} has shape {shape}, expected {expected}")
NO_PIXELS = Message("the source, a {kind}, has no pixels")
MASKED_INTEGERS = Message("the source has masked pixels, and {dtype} has no NaN for them: give them a value")
ARRAY_IS = Message("{name} is {given}: expected {expected}")
ARRAY_HAS = Message("{name} has {what} {given}: expected {expected}")
CANNOT_AVERAGE = Message(
    "the source has dtype {dtype}, which interp='{interp}' cannot average: "
    "use interp='nearest', which keeps integers, or convert the source to float32"
)
INTEGER_SCALED = Message(
    "scale = {scale}, offset = {offset}: an integer source ({dtype}) keeps its values, expected 1 and 0"
)

# Warnings
#: Different parts of the sky, or a wrong WCS in one of the files.
NO_OVERLAP = Message("{source} does not overlap {reference}: every pixel of the blot is {fill:g}")
UNCERTAINTY_DROPPED = Message(
    "the image's uncertainty, a {kind}, is dropped: expected a standard deviation or a variance"
)
AXIS_DROPPED = Message("the source has shape {shape}: its first axis is dropped")

# ---- Headers and units ----
BAD_KEYWORD = Message("{name}: {keyword} = {value!r}, expected {expected}")
NO_EXPTIME = Message("{name}: no exposure time, its headers have no {keywords} (give --expkey KEYWORD, or {option})")
NOT_CONVERTIBLE = Message(
    "{source} is in {unit} and the blot is to be in {wanted} ({reference}): "
    "flux or surface brightness and counts cannot be converted, "
    "except to DN/s by the reference's PHOTMJSR or --photmjsr{hint}"
)
UNITS_DIFFER = Message("{source} is in {unit} and {reference} in {wanted}: cannot be converted")
NO_ERRORS = Message("{name}: has no errors (ERR) to be carried into a blot: leave --errors (errors=True) out")
#: A map of errors is looked for beside the image first: ERR, UNCERT, VARIANCE, or DECam's file of weights.
NO_NOISE = Message("{name}: {found}, and {missing}: give --gain and --read-noise, or --err (gain=, read_noise=, err=)")

# Warnings
KEYWORD_TWICE = Message(
    "{name}: {keyword} is there more than once, with different values; {value!r}, the first, is used"
)
UNIT_ASSUMED = Message("{name}: {found}; taken as {assumed} (say --{option}, or {argument}=, to choose)")
#: One is in electrons and one in DN: multiply the mosaic by the gain first, or live with the factor.
GAIN_NOT_APPLIED = Message("{source} is in {unit} and {reference} in {wanted}: the gain between them is not applied")
#: A coadd of SWarp's with FSCALASTRO_TYPE NONE, and one by `reproject`, keep the brightness of each pixel: `no`.
AREA_ASSUMED = Message(
    "{name}: no unit tells whether its values are per pixel, and its pixels ({source:.4g} arcsec) are not as large as "
    "those of the blot ({target:.4g} arcsec): values are {done} (--pixel-area yes or no)"
)
#: SWarp's FLXSCALE, which SCAMP writes: it makes all exposures as bright.
FLUX_SCALE_USED = Message(
    "{name}: FLXSCALE = {scale:.6g}, by which SWarp multiplied it for {source}: its blot is divided by that"
)
#: A mean, or a sum, keeps a part of each cosmic ray, and masks made with it miss the fainter ones.
COADD_KEEPS_OUTLIERS = Message(
    "{name}: COMBINET = {value!r}, so the cosmic rays of its exposures are in it, unless their weights left them out: "
    "use a coadd of the kind MEDIAN or CLIPPED"
)
#: A header that was copied from another image, for example.
AREA_STALE = Message("{name}: {keyword} = {value:.4g} sr, but its WCS has pixels of {area:.4g} sr, which are used")
#: SWarp writes the sum of all exposure times, whatever it makes of the pixels. `skyblot reject` measures what is true.
COADD_AS_ONE = Message(
    "{name}: COMBINET = {value!r}, so its counts are those of one exposure and not of its exposure time; "
    "taken as an exposure as long as the one it is blotted onto (in counts per second: --in-units cps)"
)
TIMES_NOT_USED = Message(
    "{name}: is in {unit} as the exposure is, and its values are left as they are, "
    "though exposure times are {source:g} and {reference:g} s"
)
SKY_NOT_A_NUMBER = Message("{name}: sky {keyword} = {value!r} is no number; the background is measured instead")
SKY_UNIT = Message("{name}: {keyword} is in {unit} and the blot in {wanted}; it is added as it is")
NO_SKY = Message("{name}: no sky value {keyword} in its headers; sky 0 is added (--no-addsky says so)")
#: The pipeline's step skymatch tells, JWST's by S_SKYMAT, Roman's by meta.cal_step.skymatch.
LEVEL_ADDED = Message(
    "{name}: its {keyword}, {value:g}, is added, though {source} does not tell whether it was freed of it (--no-addsky)"
)
LEVEL_NOT_ADDED = Message(
    "{name}: its {keyword}, {value:g}, is not added: {source} was not freed of it, its skymatch is {status}"
)
#: An exposure before the step photom. Detectors differ: the factor may be that of another one.
PHOTMJSR_OF_MOSAIC = Message(
    "{name}: has no PHOTMJSR; that of {source}, {value:.4g} MJy/sr for 1 DN/s, is used (--photmjsr gives another)"
)
CARD_NOT_USED = Message("its {card} is not used: expected {expected}")
UNIT_BY_GAIN = Message("its BUNIT is missing: taken as adu, of {gain:.4g} electrons each by its {source}")

# ---- World coordinates ----
NO_HEADER_WCS = Message("{name}: no celestial WCS in its header (CTYPE1 = {value!r})")
NO_STORED_WCS = Message("{name}: no WCS at {place} of its ASDF tree: it has none, or one for each slit")
NOT_CELESTIAL = Message(
    "{name}: its {place} gives {found}, expected longitude and latitude of a 2-D image: spectra cannot be blotted"
)
SINGULAR = Message("{name}: its WCS is singular: {evidence}")
GWCS_FAILS = Message("{name}: its gwcs cannot be evaluated: {reason}")
WCS_FAILS = Message("the {role}'s WCS cannot be {done}: {reason}")
WCS_SINGULAR = Message("the {role}'s WCS is singular: its CD matrix is {matrix}")
WCS_NOT_CELESTIAL = Message("the {role} has no celestial WCS: CTYPE is {found}, expected RA---TAN or the like")
NO_ROTATION = Message(
    "the {role}'s WCS has {keyword} {value}, from which no rotation to the other WCS is known: expected {expected}"
)
WCS_AXES = Message(
    "the {role}'s WCS maps {count} pixel axes to {found}: expected two pixel axes to longitude and latitude"
)
NO_FRAME = Message("the {role}'s WCS names no celestial frame")
NO_INVERSE = Message("the {role}'s WCS has no inverse, from the sky to its pixels")
BAD_TABLE = Message(
    "the {role}'s WCS has a look-up table ({table}) that cannot be used: "
    "its values, CRPIX, CRVAL and CDELT must be finite, and CDELT not 0"
)
NO_WCS = Message("the {role}, a {kind}, has no WCS: give {role}_wcs")
WCS_NOT_GIVEN = Message(
    "the {role}'s WCS is not given, expected an astropy.wcs.WCS, a gwcs.WCS or an APE 14 WCS: give {role}_wcs"
)
TABLES_ELSEWHERE = Message(
    "the {role} HDU's WCS has look-up tables in other extensions of its file: give {role}_wcs=WCS(hdu.header, hdulist)"
)
FITS_WCS_ONLY = Message(
    "the source is a {kind}, which takes no {given} as the target's WCS, only astropy.wcs.WCS: give an NDData"
)
NOT_A_WCS = Message("the {role}'s WCS is a {kind}, expected an astropy.wcs.WCS, a gwcs.WCS or an APE 14 WCS")
OFF_THE_SKY = Message("the WCS has no sky position around its central pixel, {pixel}")
NOT_RA_DEC = Message("user WCS values need a reference with right ascension first, declination second")
#: The image was cut out, or sliced, by a program that left the gwcs as it was. Cut the pixels and the WCS together, and
#: set `array_shape` and `bounding_box` of the gwcs.
GWCS_MISFIT = Message(
    "{name}: its gwcs {misfit}, but the image has {shape} pixels, and no WCS in its header tells what was cut off: "
    "expected the gwcs of this image"
)
NO_OTHER_WCS = Message("{error}; {reason}")
NO_ALTERNATE = Message("{name}: no alternate WCS with the key {key} (--wcs-key), it has {present}")
HEAD_COUNT = Message("{name}: holds {count} headers, and {image} has {images}: expected one for each image")

# Warnings
#: JWST's exact WCS is a gwcs: `pip install 'skyblot[gwcs]'`, or run the step assign_wcs.
HEADER_WCS_USED = Message("{name}: {reason}; {loss}")
PIXEL_AXIS_DROPPED = Message("{name}: its axis {axis}, of one pixel, is dropped")
NO_CARDS = Message("the target's WCS, a {kind}, has no FITS header: the HDU gets none")
TABLES_DROPPED = Message(
    "the target's WCS has look-up tables, which a single HDU cannot hold: the HDU's WCS lacks them"
)
#: ICRS and FK5 J2000 are 23 mas apart. An image HDU, or a file, has a header that tells.
FRAME_NOT_KNOWN = Message(
    "the {role}'s WCS has equinox 2000, and does not tell whether its header states FK5: no rotation is made from or "
    "to ICRS (an image HDU or a file tells)"
)
#: What AstroDrizzle and other programs copied from an exposure's header into that of the mosaic.
STALE_CARDS = Message("{name}: is a drizzled image: what its header has left of {what} from its exposures is ignored")
SIP_NOT_SAID = Message("{name}: has SIP coefficients though CTYPE1 = {value!r} does not say -SIP: they are applied")
NO_DISTORTION = Message("{name}: {reason}: no distortion is applied, positions may be wrong by many pixels")
GWCS_AND_HEADER = Message(
    "{name}: its gwcs, which is used, and the WCS in its header are {pixels:.2g} pixels apart: "
    "only one of them was aligned, or the header's is a poor approximation"
)
#: As by `Cutout2D`, which changes the header and not the extension ASDF.
GWCS_OF_ANOTHER = Message(
    "{name}: its gwcs {misfit}, and the image has {shape} pixels: it was cut out or resampled, and the WCS in its "
    "header is used"
)
IDCSCALE_NOT_USED = Message(
    "{name}: IDCSCALE = {value:g} arcsec {reason}: the pixel scale of its WCS, {scale:.6g} arcsec, is used"
)
HEAD_USED = Message("{name}: the file {head} beside it replaces its WCS")
DISTORTION_DROPPED = Message("{name}: its distortion is dropped, since {given} is given")
WCS_AXES_DROPPED = Message("the {role}'s WCS has {count} axes: {dropped} dropped")

# ---- Parameters and arguments ----
NOT_ALLOWED = Message("{name} = {value!r}: expected {allowed}")
UNKNOWN = Message("unknown {kind} {name!r}{hint}")
GIVEN_TWICE = Message("{name} is given twice, under two of its names, expected one of them")
NOT_GIVEN = Message("blot: {missing} not given, expected blot(data, reference, outdata)")
TOO_MANY_ARGUMENTS = Message("blot() takes at most {most} positional arguments, {count} were given")
ARGUMENT_TWICE = Message("blot() got {name!r} both as a positional argument and as a keyword")
NO_SHAPE = Message("shape is not given and the target's WCS has no array_shape: give shape=(ny, nx)")
MAP_AND_OTHER = Message("{name} is given beside pixel_map: expected one of them")
NO_SECTION = Message("configObj: no section whose name contains {name!r}, it has {present}")
FORWARD_RESULT = Message("wcsmap: forward(x, y) returned {kind}, expected two arrays of {count} positions")
NO_FORWARD = Message("wcsmap: a {kind} has no method forward(x, y)")
NOT_FLOAT = Message("scale_by_pixel_area=True with data of dtype {dtype}: expected float data")
NO_EDITOR = Message("editpars: no editor, set VISUAL or EDITOR (or install skyblot[teal] and use a display)")
EDITOR_FAILED = Message("editpars: the editor {command!r} failed: {reason}")
NOT_INSTALLED = Message("{name}: {package} is not installed ({reason})")
PACKAGE_MISSING = Message("{purpose} need the package {package}: {install}")

# ---- Many exposures ----
#: The others are there; repeat the run with `--resume` when the files are in order.
#: Give less with `--memory`, or use another machine.
NO_MEMORY = Message("the memory is not enough: {reason}")
#: The blot of an image is whole in memory until it is written, and with it the exposure that it is compared with.
NEEDS_MEMORY = Message("{name}: needs about {needed} of memory, {allowed} are allowed: give more (memory)")
SOME_FAILED = Message("{failed} of {count} {what} could not be made: {reasons}")

# ---- Clusters ----
NOT_FOR_CLUSTER = Message("wcsmap = {wcsmap!r}: is for this process only, leave it or the cluster out")
NOT_SENT = Message("these settings cannot be sent to the workers: {reason}")
CLIENT_STATE = Message("client: this distributed.Client is {state}, expected a running synchronous one")
#: Is the scheduler running, and can this machine reach its port?
NO_SCHEDULER = Message("client = {address!r}: no Dask scheduler answers: {reason}")
NO_WORKERS_STARTED = Message(
    "the workers of a local Dask cluster did not start (in a script, the call has to be behind "
    'if __name__ == "__main__"): {reason}'
)
#: Most often its memory was not enough: give workers more, or each fewer threads.
WORKERS_DIED = Message("{name}: every worker that was given it died")
CANCELLED = Message("{name}: was cancelled on the cluster: {reason}")
WORKER_CANNOT_IMPORT = Message("a worker cannot import skyblot, it has to be installed on all of them: {reason}")
OTHER_VERSION = Message(
    "the worker {worker} has skyblot {version}, not {expected} as the process that started the run: "
    "install the same on both"
)
NOT_ON_WORKER = Message("{name}: is not there on the worker {worker}; all workers have to share the files")

# Warnings
NO_WORKERS_YET = Message("the cluster has no workers yet: the run begins when the first one is there")

# ---- Cosmic rays ----
#: There is no mask then: one would call all pixels good.
NOT_COMPARED = Message("{name}: cannot be compared with {source}: {reason}")
WRONG_PLANE = Message("{name}: is {found}, expected the mosaic's own image")
NOT_FOR_COMPARISON = Message("{names}: not for a comparison, which is made on the exposure's own pixels")
NO_SIGMA = Message("sigma is not given, and the exposure, a {kind}, has no uncertainty: expected one of them")
NOT_A_MASK = Message("{name}: is not a mask of {exposure}")
#: Exposure and mosaic show different parts of the sky, or one of their WCS is wrong by much.
NO_MATCHING_BLOT = Message(
    "{name}: the blot does not match it: its sources are not where the blot has them, nor within {reach} pixels of "
    "there; are mosaic and WCS the right ones?"
)
#: Most often an exposure time or a unit is not what it seems: `skyblot info` shows what is read.
FLUX_RATIO_REFUSED = Message(
    "{name}: its sources are {ratio:.3g} times as bright as the blot's, expected a flux ratio within a factor "
    "{most:g}: are units and exposure times right? (--flux-ratio fit, or a number, compares all the same)"
)
NO_TAIL_DIRECTION = Message(
    "{name}: cte_tail = {value}, but {instrument} has no known direction of tails: "
    "give cte_direction, 1 (to larger y) or -1"
)

# Warnings
#: `--dq` names the file, where they are in another one.
NO_FLAGS = Message("its pixels have no flags (DQ): bad ones are judged as all others (--dq, or dq=, names their file)")
NO_ERRORS_IN = Message("its {part} has no value above 0: the noise is made of gain and read noise")
#: The errors, or gain and read noise, are of another unit or image, or the background is far from flat.
NOISE_AT_LIMIT = Message(
    "the noise of its sky is {spread:.3g} times what its errors, or gain and read noise, say, and {used:g} times is "
    "used: are they right (--err, --gain, --read-noise), and is the background flat (--background map)?"
)
#: Look at the unit and the kind of the errors; of a mosaic with little noise of its own the figure is about 1.
ODD_NOISE = Message(
    "its difference to the blot spreads by {spread:.3g} sigma in half of its pixels: is the noise, by {source}, right?"
)
ERRORS_UNIT = Message("its {part} is in {unit} and the image in {wanted}; it is taken as it is")
#: Weights of another mosaic, left there by mistake perhaps.
WEIGHTS_NOT_USED = Message("{name}: {part} beside it has shape {shape}, not {expected}: it is not used")
#: Align the exposures to the mosaic, with TweakReg or tweakreg for example.
MISALIGNED = Message(
    "its sources lie ({dx:+z.2f}, {dy:+z.2f}) pixel from where the blot has them: "
    "more than {most:g} pixel makes sources look like cosmic rays; align the exposures first"
)
#: A rotation, another pixel scale or distortion: the shift that is measured is only the mean of them.
ODD_FIT = Message(
    "its sources do not fit the blot's all over, {percent:.0f} % of their brightness is left: by a rotation or another "
    "distortion, sources may look like cosmic rays; align the exposures first"
)
FLUX_RATIO = Message(
    "its sources are {ratio:.3f} +- {error:.3f} times as bright as the blot's, which is {used}: are units and exposure "
    "times right, or are cores of stars missing in the mosaic? (--flux-ratio says what to use)"
)
UNLIKELY_FRACTION = Message(
    "{percent:.2f} % of its pixels were rejected, and {low:.2g} to {high:.2g} % are "
    "expected of {instrument} in {seconds:g} s: {question}"
)

# ---- Command line ----
ONE_OUTPUT = Message(
    "--output names one file, but there are {count} images to blot onto ({names}): "
    "use --output-dir, or name one extension, as in file.fits[sci,1]"
)
CHECK_WHAT = Message("--check needs the FILE to validate")
NOT_A_PAGE = Message("--report {name}: expected the name of a page to write, .html")
REPORT_OTHER_WCS = Message(
    "--report compares blots with exposures pixel by pixel: it does not go with another WCS "
    "(--outscale, --orient, --raref, --decref, --xrefpix, --yrefpix, --outnx, --outny)"
)
