"""``ticketpool --help`` shows each command once, under what it is for, and imports none of them.

In doubt because commands and their groups are two lists, and a name that is in one only would
be there and not be found.
"""

import subprocess
import sys
from collections import Counter

import click
from click.testing import CliRunner

from ticketpool.cli import COMMANDS, GROUPS, cli


def test_every_command_is_shown_once_with_its_purpose() -> None:
    shown = Counter(name for names in GROUPS.values() for name in names)
    assert set(COMMANDS) <= set(shown)
    assert set(shown.values()) == {1}
    text = CliRunner().invoke(cli, ["--help"]).output
    for name in COMMANDS:
        assert sum(line.split()[:1] == [name] for line in text.splitlines()) == 1


def test_every_name_leads_to_a_command_that_explains_itself() -> None:
    context = click.Context(cli)
    for name in COMMANDS:
        found = cli.get_command(context, name)
        assert found is not None
        assert found.help
    assert cli.get_command(context, "no-such-command") is None


def test_help_imports_no_command() -> None:
    program = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from ticketpool.cli import cli\n"
        "assert CliRunner().invoke(cli, ['--help']).exit_code == 0\n"
        "print(sorted(m for m in sys.modules if m.startswith('ticketpool.')))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert found.stdout.strip() == "['ticketpool.cli', 'ticketpool.errors']"
