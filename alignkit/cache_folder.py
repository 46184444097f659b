"""Where downloads and vectors are kept between runs."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """Name the folder of `ALIGNKIT_CACHE`, else the platform's own for alignkit.

    It need not exist yet: whoever writes makes it, and says what is wrong if it cannot.
    """
    named = os.environ.get("ALIGNKIT_CACHE")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("alignkit", appauthor=False)
