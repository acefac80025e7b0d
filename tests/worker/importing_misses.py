"""A module that needs another one, which is not there."""

import no_such_dependency  # type: ignore[import-not-found]  # noqa: F401
