"""Runs the simulator by hand."""

from tests.simulators.smsc_ru.simulator import main

main()
