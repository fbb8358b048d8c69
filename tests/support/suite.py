# SPDX-License-Identifier: Apache-2.0
"""What every test script ends with: suite.main(). A script that runs no test fails."""
import sys
import unittest


def main():
    program = unittest.main(module="__main__", exit=False, verbosity=2)
    ran = program.result.testsRun - len(program.result.skipped)
    if ran <= 0:
        print("no test ran", file=sys.stderr)
    sys.exit(0 if program.result.wasSuccessful() and ran > 0 else 1)
