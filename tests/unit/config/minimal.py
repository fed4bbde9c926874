"""The least that a configuration must have, and what is wrong with more."""

import json
import re
from pathlib import Path
from textwrap import dedent

import pytest
import yaml

from smppbridge.config.loading import parse
from smppbridge.errors import ConfigError

MINIMAL = """
accounts:
  pbx: {password: secret12}
providers:
  lab: {kind: sandbox}
routes:
  - {to: [lab]}
"""


def problems(text: str, base: Path = Path("/nowhere"), **environ: str) -> list[str]:
    """The mistakes in MINIMAL with the keys of ``text`` in place of its own. Their line is taken off."""
    values = yaml.safe_load(MINIMAL) | yaml.safe_load(dedent(text))
    with pytest.raises(ConfigError) as caught:
        parse(json.dumps(values), base, environ)
    return [re.sub("^line 1: ", "", problem) for problem in caught.value.problems]
