"""What ./test does once everything is installed: every check, or pytest alone.

Without arguments (or with --no-browser alone) all checks run, pytest last. Any other argument
goes to pytest, and then only pytest runs:

    ./test --no-browser              all but the tests that need Chromium
    ./test -k approve                the tests with "approve" in their name
    ./test tests/runbook -x          one folder, until the first failure
    ./test --coverage                how much of the language and the actions its tests run
    ./test soak --minutes 5          everything fails for five minutes; ./test soak --help
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# What is measured, the tests that do it, and the least share of lines and branches in percent.
MEASURED = ("executions/runbook", "executions/actions")
MEASURING = ("tests/runbook", "tests/actions", "tests/golden", "tests/engine")
LEAST = 95
CHECKS = {
    "ruff check": ["-m", "ruff", "check", "."],
    "ruff format": ["-m", "ruff", "format", "--check", "."],
    "mypy": ["-m", "mypy"],
    # Its own command, which has no module of that name.
    "lint-imports": [
        "-c",
        "from importlinter.cli import lint_imports_command as c; c()",
        "--no-logo",
    ],
    "makemigrations": ["manage.py", "makemigrations", "--check", "--dry-run"],
}


def main() -> int:
    """Returns 0 only if everything that ran is right."""
    os.chdir(ROOT)
    if sys.argv[1:2] == ["soak"]:
        return python("-m", "tests.soak", *sys.argv[2:])
    parser = argparse.ArgumentParser(
        "./test",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--no-browser", action="store_true", help="leave the browser's tests out")
    parser.add_argument(
        "--coverage", action="store_true", help=f"fail below {LEAST} % of lines and branches"
    )
    options, for_pytest = parser.parse_known_args()
    if not (options.no_browser or options.coverage or install_browser()):
        return 1
    install_sandbox()
    with tempfile.TemporaryDirectory(prefix="countersign-test-") as state:
        os.environ["COUNTERSIGN_STATE"] = state  # not the var/ of a ./run
        os.environ.setdefault("SECRET_KEY", "only-for-checks-and-tests")
        if options.coverage:
            return measure(for_pytest)
        return check(for_pytest, browser=not options.no_browser)


def measure(for_pytest: list[str]) -> int:
    """Runs the tests of the language and the actions, and says what of both they did not run."""
    os.environ["COVERAGE_FILE"] = str(Path(os.environ["COUNTERSIGN_STATE"]) / "coverage")
    heading("pytest, measured")
    run = ["run", f"--source={','.join(MEASURED)}", "-m", "pytest", *(for_pytest or MEASURING)]
    result = python("-m", "coverage", *run)
    heading("coverage")
    return result or python("-m", "coverage", "report", f"--fail-under={LEAST}")


def check(for_pytest: list[str], *, browser: bool) -> int:
    """Runs the checks, unless pytest is asked for something; then pytest, whose words are last."""
    failed = [] if for_pytest else [name for name in CHECKS if not passes(name)]
    heading("pytest" + (f" (failed above: {', '.join(failed)})" if failed else ""))
    selection = [] if browser else ["-m", "not browser"]
    # Three on two cores: some tests wait for a minute, such as the soak.
    result = python("-m", "pytest", *selection, *(for_pytest or ["-n", "3"]))
    return result or bool(failed)


def install_browser() -> bool:
    """Whether there is a Chromium; takes the system's own package where it may."""
    if not find_browser():
        install("chromium", "fonts-dejavu-core")
    if not find_browser():
        print(
            "The browser tests need Chromium, which is not on the PATH. Install it "
            "(Debian: apt-get install chromium), or leave these tests out: ./test --no-browser",
            file=sys.stderr,
        )
    return find_browser() is not None


def install_sandbox() -> None:
    """Takes bubblewrap from the system's packages where it may; its tests fail without it."""
    if not shutil.which("bwrap"):
        install("bubblewrap")
    if not shutil.which("bwrap"):
        print(
            "The tests of aws:executeScript will fail: they need bwrap, which is not on the PATH "
            "(Debian: apt-get install bubblewrap).",
            file=sys.stderr,
        )


def install(*packages: str) -> None:
    """Installs Debian packages, if this is Debian and we are root."""
    apt = shutil.which("apt-get")
    if not apt or os.geteuid() != 0:
        return
    heading(f"apt-get install {' '.join(packages)}")
    subprocess.run([apt, "-qq", "update"], check=False)
    subprocess.run(
        [apt, "-qq", "install", "--yes", "--no-install-recommends", *packages],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        check=False,
    )


def find_browser() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def passes(name: str) -> bool:
    heading(name)
    return python(*CHECKS[name]) == 0


def python(*arguments: str) -> int:
    return subprocess.run([sys.executable, *arguments], check=False).returncode


def heading(text: str) -> None:
    print(f"\n== {text} ==", flush=True)


if __name__ == "__main__":
    sys.exit(main())
