"""Numbers as words: sizes and times that somebody wants to read at a glance."""


def size_text(size: float) -> str:
    """Return a number of bytes as ``12.3 MB`` or ``4.5 GB``."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def duration_text(seconds: float) -> str:
    """Return a number of seconds as ``12.3 s``, ``4 min`` or ``2 h 5 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
