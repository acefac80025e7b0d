"""Makes the README's pictures anew, each from a real run: ``tox -e pictures``.

``python -m tests.pictures [NAME...]``: of these modules only; all without a name. Each has
``main(folder)``.
"""

import importlib
import sys
from pathlib import Path

NAMES = ("page", "terminal")


def main(names: list[str]) -> None:
    for name in names or NAMES:
        module = importlib.import_module(f"tests.pictures.{name}")
        module.main(Path(__file__).parent)


if __name__ == "__main__":
    main(sys.argv[1:])
