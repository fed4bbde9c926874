"""The command line: options, exit codes and error lines. ``commands/`` holds what the commands do.

Exit codes: 0 done, 1 failed at run time, 2 wrong usage or configuration. Every problem is one line on stderr.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, TextIO

import click
from click.core import ParameterSource

from smppbridge import __version__
from smppbridge.commands.capacity import Capacity, shown, this_machine
from smppbridge.commands.demo import demo
from smppbridge.commands.explain.command import explain_command
from smppbridge.commands.options import config_option
from smppbridge.commands.send import SendOptions, send
from smppbridge.commands.serve import serve
from smppbridge.commands.store.command import store_command
from smppbridge.config.advice import warnings
from smppbridge.config.file import located
from smppbridge.config.loading import load_located, schema
from smppbridge.config.sections import PASSWORD_LENGTH, Config
from smppbridge.errors import ConfigError, SmppBridgeError
from smppbridge.logs import Format
from smppbridge.model.passwords import hash_password

EXIT_FAILED = 1
EXIT_CONFIG = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="smppbridge")
def cli() -> None:
    """An SMPP 3.4 message centre in front of SMS providers."""


@cli.command("serve")
@config_option
@click.option(
    "--log-format", type=click.Choice(["text", "json"]), help="How log lines look; default: from the file."
)
def serve_command(path: Path, log_format: Format | None) -> None:
    """Run until SIGTERM or Ctrl-C. SIGHUP reloads accounts, routes, inbound rules, limits and
    the log; it names what needs a restart.
    """
    serve(path, log_format)


@cli.command("demo")
@click.option("--once", is_flag=True, help="Stop after the receipts instead of serving on.")
def demo_command(once: bool) -> None:
    """Show a message going out and its receipt coming back, with the sandbox provider."""
    demo(once)


@cli.command("check")
@config_option
@click.option("--urls", is_flag=True, help="Print each provider's callback URL: NAME URL.")
def check_command(path: Path, urls: bool) -> None:
    """Validate the configuration and show what it allows on this machine; opens nothing. Exit code 0 or 2."""
    config, lines = load_located(path)
    capacity = Capacity(config, this_machine())
    for warning in (*located(warnings(config), lines), *capacity.shortfalls()):
        click.echo(f"warning: {warning}", err=True)
    if urls:
        _print_urls(config)
        return
    click.echo(f"{path}: ok")
    for line in shown(capacity.lines()):
        click.echo(line)


def _print_urls(config: Config) -> None:
    if not config.web.public_url:
        raise ConfigError(["web.public_url: set it to the address under which providers reach this bridge"])
    for name, provider in config.providers.items():
        url = config.callback_url(name)
        if url and provider.calls_back():
            click.echo(f"{name} {url}{provider.callback_query()}")


cli.add_command(explain_command)
cli.add_command(store_command)


@cli.command("config-schema")
def schema_command() -> None:
    """Print the JSON Schema of the configuration, for editors."""
    click.echo(json.dumps(schema(), indent=2, ensure_ascii=False))


@cli.command("hash-password")
def hash_password_command() -> None:
    """Read a password (hidden, or from a pipe) and print its password_hash."""
    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise click.UsageError("the password is empty")
    if len(password) < PASSWORD_LENGTH:  # `check` cannot see it any more
        click.echo(
            f"warning: shorter than the {PASSWORD_LENGTH} characters of SMPP 3.4; can be guessed", err=True
        )
    click.echo(hash_password(password))


@cli.command("send")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the SMSC is.")
@click.option("--port", default=2775, show_default=True, type=click.IntRange(1, 65535), help="Its SMPP port.")
@click.option("--system-id", required=True, help="The account.")
@click.option(
    "--password",
    envvar="SMPPBRIDGE_PASSWORD",
    show_envvar=True,
    help="Its password. On the command line everybody on this machine can read it.",
)
@click.option("--password-file", type=click.File(encoding="utf-8"), help="File that holds it; - for stdin.")
@click.option("--tls", is_flag=True, help="Connect over TLS.")
@click.option(
    "--ca",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="CAs (PEM) that may have signed the SMSC's certificate; default: those of the system. With TLS.",
)
@click.option("--from", "source", default="", help="The sender: a name or a number.")
@click.option("--to", "destination", required=True, help="The recipient's number.")
@click.option("--text", required=True, help="The message.")
@click.option(
    "--service-type", default="", help="A paid service instead of an SMS, such as HLR, where it is allowed."
)
@click.option(
    "--wait", default=0.0, type=click.FloatRange(min=0), help="Seconds to wait for the final receipt."
)
def send_command(
    password: str | None, password_file: TextIO | None, tls: bool, ca: Path | None, **message: Any
) -> None:
    """Submit one message as an ESME would; prints one JSON object per event."""
    word = _password(password, password_file)
    try:
        asyncio.run(send(SendOptions(password=word, tls=tls or ca is not None, ca=ca, **message)))
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _password(given: str | None, file: TextIO | None) -> str:
    """The password of `send`, from wherever it is given."""
    source = click.get_current_context().get_parameter_source("password")
    if file is not None:
        if source is ParameterSource.COMMANDLINE:
            raise click.UsageError("give one of --password and --password-file")
        try:
            return file.read().rstrip("\r\n")
        except UnicodeDecodeError:
            raise click.UsageError("--password-file: must be a file of UTF-8 text") from None
    if given is not None:
        return given
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True))
    raise click.UsageError("give --password-file FILE, or the password in SMPPBRIDGE_PASSWORD")


def main() -> None:
    """Entry point. Turns each error into a line on stderr and an exit code."""
    try:
        cli.main(prog_name="smppbridge", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_CONFIG)
    except click.Abort:
        sys.exit(EXIT_FAILED)
    except ConfigError as error:
        for problem in error.problems:
            click.echo(f"smppbridge: {problem}", err=True)
        sys.exit(EXIT_CONFIG)
    except SmppBridgeError as error:
        click.echo(f"smppbridge: {error}", err=True)
        sys.exit(EXIT_FAILED)
    except OSError as error:  # str(error) would begin with "[Errno 98]", which tells people nothing
        click.echo(f"smppbridge: {error if error.filename else error.strerror or error}", err=True)
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        sys.exit(EXIT_FAILED)
