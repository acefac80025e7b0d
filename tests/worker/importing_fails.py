"""A module whose import fails."""

raise ValueError("no database")
