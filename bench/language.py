"""How fast the language is: a large document read and checked, and references put in.

python -m bench.language
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable

from executions.actions import load, registry
from executions.runbook.template import Scope, resolve
from executions.runbook.tree import MAX_BYTES
from executions.runbook.types import Format
from executions.runbook.validate import check

RUNS = 20
MOST_MS = 100  # of one document of the largest size
FEWEST_REFERENCES = 50_000  # in a second
STEP = """\
  - name: step{number}
    action: aws:executeAwsApi
    description: >-
      Looks at the instances of this step, and notes what they are and where they stand.
    onFailure: Abort
    inputs:
      Service: ec2
      Api: DescribeInstances
      InstanceIds: ['{{{{ InstanceId }}}}']
      Filters: [{{Name: 'tag:Of', Values: ['{{{{ automation:EXECUTION_ID }}}}', 'n{number}']}}]
    outputs:
      - {{Name: State, Selector: '$.Reservations[0].Instances[0].State.Name', Type: String}}
"""
HEAD = """\
schemaVersion: '0.3'
assumeRole: '{{ AutomationAssumeRole }}'
parameters:
  AutomationAssumeRole: {type: String, default: ''}
  InstanceId: {type: StringList}
mainSteps:
"""


def main() -> None:
    """One line for each format of document, one for references."""
    load()
    text = make_document()
    runbook, problems = check(text, registry.specs(), "YAML")
    if runbook is None:
        sys.exit(f"The document is refused: {problems[0]}")
    report_document(text, "YAML")
    report_document(json.dumps(runbook.data), "JSON")
    report_references()


def make_document() -> str:
    """A runbook of the largest size: as many steps as fit, and a comment."""
    text, number = HEAD, 0
    while len(text) + len(STEP) < MAX_BYTES and number < 200:
        text += STEP.format(number=number)
        number += 1
    return text + "#" * (MAX_BYTES - len(text))


def report_document(text: str, fmt: Format) -> None:
    """Parsed and validated, as when it is saved."""
    specs = registry.specs()
    seconds = statistics.median(measure(lambda: check(text, specs, fmt)))
    report(
        benchmark="document",
        format=fmt,
        bytes=len(text.encode()),
        median_ms=round(seconds * 1000, 1),
        limit_ms=MOST_MS,
    )


def report_references() -> None:
    """As in a step's inputs: whole references, references in text, and lists spliced in."""
    scope = Scope(
        parameters={"Id": "i-0123456789abcdef0", "Ids": ["a", "b"]},
        outputs={"look": {"State": "running"}},
        variables={"count": 3},
        system={"global:REGION": "eu-west-1"},
    )
    inputs = {
        "whole": "{{ Id }}",
        "spliced": ["{{ Ids }}", "c"],
        "text": "{{ look.State }} in {{ global:REGION }}, {{variable:count}} times",
        "deep": {"of": [{"it": "{{ look.State }}"}]},
    }
    references, times = 6, 1000
    seconds = statistics.median(measure(lambda: [resolve(inputs, scope) for _ in range(times)]))
    report(
        benchmark="references",
        references_per_second=round(references * times / seconds),
        limit=FEWEST_REFERENCES,
    )


def measure(work: Callable[[], object]) -> list[float]:
    """CPU seconds of each run, since nothing is waited for; the first is warm-up."""
    times = []
    for _ in range(RUNS + 1):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return times[1:]


def report(**facts: object) -> None:
    """One line of JSON."""
    sys.stdout.write(json.dumps(facts) + "\n")


if __name__ == "__main__":
    main()
