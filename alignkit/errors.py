"""What a user can mend: one exception, one line."""


class AlignkitError(Exception):
    """A fault in the input or its use; the text says what, where and how to mend it, in one line.

    The command line prints it on stderr without a traceback and exits with code 2.
    """
