"""``skyblot warm-up``: compile the kernels beforehand."""

import click

from .common import HELP, set_up_messages, verbosity_options
from .screen import screen


@click.command("warm-up", context_settings=HELP)
@verbosity_options
@click.pass_context
def command(ctx: click.Context, verbose: bool, quiet: bool, debug: bool) -> None:
    """Compile beforehand what else the first run of each command compiles: it takes a minute or
    two, once for each version of skyblot, and seconds where all is there already.

    What is compiled is kept beside skyblot's own files, or in the folder that NUMBA_CACHE_DIR
    names.

    \b
    Example: skyblot warm-up
    """
    set_up_messages(verbose=verbose, quiet=quiet, debug=debug)
    from ..api.warm_up import warm_up_events
    from .signals import interruptible

    with interruptible() as interruption, screen(quiet=quiet) as shown:
        for stage in warm_up_events():
            shown.stage(stage.name, stage.done, stage.total)
            interruption.check()
        shown.message("all kernels are compiled")
