"""The simulated account: things for runs to act on, and the log that judges what was done."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from console.simulator import client
from console.simulator.calls import READS
from executions import webhooks
from tests.simulator.aws import PRODUCTION, assume, make_client
from tests.simulator.shells import Shells, wait_until
from tests.simulator.stacks import ROLE, queue

CODE = "def handler(event, context):\n    return 'done'\n"
MACHINE = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
HOOK = "https://hooks.example.com/sim/webhooks/chat"  # as the simulated account answers to


@contextmanager
def opened() -> Iterator[Account]:
    """A simulated account where everything is done at the next look, with a topic."""
    with client.started("--time-scale", "0", "--no-fleet") as endpoint:
        made = Account(endpoint)
        made.sns.create_topic(Name="Automation-news")
        yield made


class Account:
    """Production in eu-west-1, where everything is done as soon as somebody looks."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._session = assume(endpoint, PRODUCTION)
        self._clients: dict[str, Any] = {}

    def __getattr__(self, service: str) -> Any:
        """The boto3 client of that service."""
        if service not in self._clients:
            self._clients[service] = make_client(self.endpoint, service, self._session)
        return self._clients[service]

    def name(self, what: str) -> str:
        """A name that nothing has yet."""
        return f"{what}-{uuid.uuid4().hex[:12]}"

    def launch(self, state: str = "running") -> str:
        """The id of a new instance in that state."""
        answer = self.ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)
        instance = str(answer["Instances"][0]["InstanceId"])
        wait_until(lambda: self._state(instance) == "running", f"{instance} runs")
        if state == "stopped":
            self.ec2.stop_instances(InstanceIds=[instance])
            wait_until(lambda: self._state(instance) == "stopped", f"{instance} is stopped")
        return instance

    @cached_property
    def online(self) -> str:
        """An instance that takes commands."""
        return Shells(self.ssm).wait_online(self.launch())

    def image(self) -> str:
        """The id of a new image that is available."""
        made = self.ec2.create_image(InstanceId=self.online, Name=self.name("image"), NoReboot=True)
        image = str(made["ImageId"])
        wait_until(lambda: self._image_state(image) == "available", f"{image} is available")
        return image

    def stack(self) -> str:
        """The name of a new stack that is complete."""
        name = self.name("stack")
        self.cloudformation.create_stack(StackName=name, TemplateBody=self.template())
        wait_until(lambda: self._stack_status(name) == "CREATE_COMPLETE", f"{name} is complete")
        return name

    def template(self) -> str:
        """Of a queue that there is not yet."""
        return json.dumps(queue(self.name("queue")))

    @cached_property
    def function(self) -> str:
        """The name of a function."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("main.py", CODE)
        name = self.name("function")
        # Lambda has a name that Python reserves.
        getattr(self, "lambda").create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=ROLE,
            Handler="main.handler",
            Code={"ZipFile": packed.getvalue()},
        )
        return name

    @cached_property
    def machine(self) -> str:
        """The ARN of a state machine."""
        made = self.stepfunctions.create_state_machine(
            name=self.name("machine"), definition=json.dumps(MACHINE), roleArn=ROLE
        )
        return str(made["stateMachineArn"])

    @cached_property
    def webhook(self) -> str:
        """The name of an integration; what it is sent stands in the log as webhook:Post."""
        value = json.dumps({"url": HOOK})
        self.ssm.put_parameter(Name=f"{webhooks.PATH}chat", Value=value, Type="SecureString")
        return "chat"

    def _state(self, instance: str) -> str:
        found = self.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]
        return str(found["Instances"][0]["State"]["Name"])

    def _image_state(self, image: str) -> str:
        return str(self.ec2.describe_images(ImageIds=[image])["Images"][0]["State"])

    def _stack_status(self, name: str) -> str:
        found = self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        return str(found["StackStatus"])


class Judge:
    """What arrived at AWS since it was made. It never looks at our database."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.calls: list[dict[str, Any]] = []  # as the log had them at the last look
        client.clear_calls(endpoint)

    def await_arrivals(self, sent: int) -> None:
        """Wait until so many calls, sent so far, have arrived and taken effect or not."""
        wait_until(lambda: self._answered() >= sent, f"{sent} calls have arrived")

    def orders(self) -> Counter[str]:
        """How often each operation that can change something was called."""
        return Counter(_name(call) for call in self.calls if not READS.match(call["operation"]))

    def effects(self) -> Counter[str]:
        """How often each operation has changed something."""
        return Counter(_name(call) for call in self.calls if call["changed"])

    def mixed_tokens(self) -> list[str]:
        """Client tokens that came with different bytes."""
        bodies: dict[str, set[str]] = defaultdict(set)
        for call in self.calls:
            if call["client_token"]:
                bodies[call["client_token"]].add(call["body_sha256"])
        return [token for token, known in bodies.items() if len(known) > 1]

    def tokens(self) -> Counter[str]:
        """How many different client tokens each operation came with, but where a fault struck."""
        came = [call for call in self.calls if call["client_token"] and not call["fault"]]
        return Counter(name for name, _ in {(_name(call), call["client_token"]) for call in came})

    def _answered(self) -> int:
        self.calls = client.calls(self.endpoint)
        is_over = all(call["status"] is not None for call in self.calls)
        return len(self.calls) if is_over else -1


def _name(call: dict[str, Any]) -> str:
    return f"{call['service']}:{call['operation']}"
