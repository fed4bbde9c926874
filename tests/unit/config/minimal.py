"""The least that a configuration must have."""

MINIMAL = """
accounts:
  pbx: {password: secret12}
providers:
  lab: {kind: sandbox}
routes:
  - {to: [lab]}
"""
