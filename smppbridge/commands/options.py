"""Options that several commands have."""

from pathlib import Path

import click

config_option = click.option(
    "-c",
    "--config",
    "path",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The configuration file (YAML).",
)
