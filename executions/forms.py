"""Forms: the start form is made from a document's parameters, the history's filters from a URL."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from django import forms
from django.http import QueryDict

from executions.models import Account, Document, Execution
from executions.runbook import values
from executions.runbook.types import Parameter, Runbook
from executions.states import Status
from executions.targets import instance_parameters

UNCHOSEN = "(the document's default)"
PREFIX = "p-"  # a parameter may have any name, also that of another field


class ListWidget(forms.Textarea):
    """Many values of one name, or one text with a value on each line."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        """Every value given, in order, each once."""
        given = data.getlist(name) if hasattr(data, "getlist") else data.get(name, [])
        items = [item.strip() for text in given for item in re.split(r"[\n,]", text)]
        return list(dict.fromkeys(item for item in items if item))

    def format_value(self, value: Any) -> str:
        """One on each line."""
        return value if isinstance(value, str) else "\n".join(value or [])


class ListField(forms.Field):
    """A StringList; `picks_instances` has the page show a picker."""

    widget = ListWidget(attrs={"rows": 3, "spellcheck": "false"})
    picks_instances = False
    many = True


class InstanceField(ListField):
    """Instance ids; a parameter of one value takes one."""

    picks_instances = True

    def __init__(self, *, many: bool, **kwargs: Any) -> None:
        self.many = many
        super().__init__(**kwargs)


class StartForm(forms.Form):
    """A Region, and a field for each parameter. The document's rules are checked by lifecycle."""

    region = forms.ChoiceField(label="Region")
    mode = forms.ChoiceField(
        label="Mode",
        choices=(("Auto", "Auto: one step after the other"), ("Interactive", "Step by step")),
        widget=forms.RadioSelect,
        initial="Auto",
        required=False,
        help_text="Step by step, every step waits until somebody runs it.",
    )
    token = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def __init__(
        self, document: Document, runbook: Runbook, account: Account, *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.runbook = runbook
        region = self.fields["region"]
        if isinstance(region, forms.ChoiceField):
            region.choices = [(name, name) for name in account.regions]
        instances = {p.name for p in instance_parameters(runbook, document.target_type)}
        for parameter in runbook.parameters.values():
            self.fields[PREFIX + parameter.name] = (
                InstanceField(many=parameter.value_type == "StringList", **_common(parameter))
                if parameter.name in instances
                else _field(parameter)
            )

    def wire(self) -> dict[str, list[str]]:
        """The parameters as StartAutomationExecution takes them; those left empty stay out.

        Those that the document does not know stay in: whoever sent them is to be told.
        """
        wire = {
            name.removeprefix(PREFIX): cast("QueryDict", self.data).getlist(name)
            for name in self.data
            if name.startswith(PREFIX) and name not in self.fields
        }
        for name, parameter in self.runbook.parameters.items():
            value = self.cleaned_data.get(PREFIX + name)
            if value in (None, "", []) and not (parameter.required and value == []):
                continue
            wire[name] = value if isinstance(value, list) else values.to_wire(value)
        return wire

    def show(self, problems: Mapping[str, Sequence[str]]) -> None:
        """Put the messages of a refusal at the fields that they are about."""
        for name, messages in problems.items():
            field = PREFIX + name if PREFIX + name in self.fields else name
            for message in messages:
                self.add_error(field if field in self.fields else None, message)


def initial_of(execution: Execution) -> dict[str, Any]:
    """The form's values for starting the like of an execution again."""
    given = {
        PREFIX + name: items if len(items) != 1 else items[0]
        for name, items in execution.parameters.items()
    }
    return {"region": execution.region, "mode": execution.mode, **given}


def _common(parameter: Parameter) -> dict[str, Any]:
    default = values.type_default(parameter) if parameter.has_default else None
    text = parameter.description
    if stored := values.stored_name(parameter):
        default, told = (
            None,
            f"Left empty, it is what Parameter Store has as {stored} at the start.",
        )
        text = f"{text} {told}".strip()
    return {
        "label": parameter.name,
        "help_text": text,
        "required": parameter.required,
        "initial": default,
    }


def _field(parameter: Parameter) -> forms.Field:
    """A field whose widget fits the parameter's type."""
    common = _common(parameter)
    kind = parameter.value_type
    left_open = kind == "Boolean" and values.stored_name(parameter)
    if parameter.allowed_values or left_open:
        return _choice(parameter, common)
    if kind == "Boolean":
        return forms.BooleanField(**{**common, "required": False})
    if kind == "Integer":
        return forms.IntegerField(**common)
    if kind == "StringList":
        return ListField(**common)
    if kind in {"StringMap", "MapList"}:
        common["initial"] = "\n".join(values.to_wire(common["initial"]))
        return forms.CharField(
            widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}), **common
        )
    widget = forms.Textarea(attrs={"rows": 4}) if parameter.display_type == "textarea" else None
    return forms.CharField(widget=widget, strip=False, **common)


def _choice(parameter: Parameter, common: dict[str, Any]) -> forms.Field:
    """One of the allowed values, or several of them for a list."""
    texts = [values.to_wire(value)[0] for value in parameter.allowed_values or (True, False)]
    choices = [(text, text) for text in texts]
    if parameter.value_type == "StringList":
        return forms.MultipleChoiceField(choices=choices, **common)
    if not parameter.required:
        choices.insert(0, ("", UNCHOSEN))
    initial = values.to_wire(common["initial"])
    return forms.ChoiceField(choices=choices, **{**common, "initial": "".join(initial[:1])})


class HistoryForm(forms.Form):
    """The filters of the history. An unusable one is told and left out."""

    q = forms.CharField(required=False)
    status = forms.MultipleChoiceField(choices=Status.choices, required=False)
    document = forms.CharField(required=False)
    by = forms.CharField(required=False)
    after = forms.DateField(required=False, label="From")
    before = forms.DateField(required=False, label="Until")
    ended_after = forms.DateField(required=False, label="Ended since")
