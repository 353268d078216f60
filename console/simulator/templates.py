"""CloudFormation templates: read safely, and refused where CloudFormation refuses them at once.

"Template anatomy" and "AWS CloudFormation quotas" have the form; the words are the service's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

import yaml

from console.simulator.answers import RefusedError

Template = dict[str, Any]

LONGEST_BODY: Final = 51_200
LONGEST_FILE: Final = 460_800
KNOWN_TYPES: Final = ("AWS::", "Custom::", "Alexa::")
NAMED_IAM: Final = {
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
}
OTHER_IAM: Final = frozenset(
    {"AWS::IAM::AccessKey", "AWS::IAM::Policy", "AWS::IAM::UserToGroupAddition"}
)
VARIABLE: Final = re.compile(r"\$\{([^!}][^}]*)\}")
TIMESTAMP: Final = "tag:yaml.org,2002:timestamp"


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short functions; a date stays the text it is."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != TIMESTAMP]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _construct_function(loader: _Loader, name: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = str(node.value)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


_Loader.add_multi_constructor("!", _construct_function)


def parse(text: str) -> Template:
    """The template in a JSON or YAML text; RefusedError (ValidationError) if it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = _parse_yaml(text)
    if not isinstance(value, dict):
        raise refuse("Template format error: unsupported structure.")
    resources = value.get("Resources")
    if not isinstance(resources, dict) or not resources:
        raise refuse("Template format error: At least one Resources member must be defined.")
    for name, resource in resources.items():
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            raise refuse(f"Template format error: [/Resources/{name}] has no Type.")
    normal: Template = _normalise(value)
    return normal


def refuse(message: str, code: str = "ValidationError") -> RefusedError:
    """CloudFormation's own refusal."""
    return RefusedError(code, message)


def order(template: Template) -> list[str]:
    """The resources, each after those that it refers to; RefusedError for a circle."""
    needs = {name: _needs(resource) for name, resource in template["Resources"].items()}
    graph = {name: [other for other in found if other in needs] for name, found in needs.items()}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as circle:
        names = ", ".join(sorted(set(circle.args[1])))
        raise refuse(f"Circular dependency between resources: [{names}]") from circle


def require_sound(template: Template, capabilities: Iterable[str]) -> None:
    """Refuse what CloudFormation refuses before it begins.

    Unknown types, references to nothing, circles, and capabilities that were not
    acknowledged ("CreateStack", Capabilities).
    """
    resources: dict[str, Any] = template["Resources"]
    types = [resource["Type"] for resource in resources.values()]
    if strange := sorted({name for name in types if not name.startswith(KNOWN_TYPES)}):
        listed = ", ".join(strange)
        raise refuse(f"Template format error: Unrecognized resource types: [{listed}]")
    known = resources.keys() | template.get("Parameters", {}).keys()
    missing = {
        name
        for resource in resources.values()
        for name in _needs(resource)
        if name not in known and not name.startswith("AWS::")
    }
    if missing:
        raise refuse(
            f"Template format error: Unresolved resource dependencies "
            f"[{', '.join(sorted(missing))}] in the Resources block of the template"
        )
    order(template)
    needed = capability(template)
    if needed and not _acknowledges(set(capabilities), needed):
        code = "InsufficientCapabilitiesException"
        raise refuse(f"Requires capabilities : [{needed}]", code)


def capability(template: Template) -> str:
    """The capability that a template needs, or nothing."""
    if template.get("Transform"):
        return "CAPABILITY_AUTO_EXPAND"
    needed = ""
    for resource in template.get("Resources", {}).values():  # none yet in a stack under review
        name = NAMED_IAM.get(resource["Type"])
        if name and name in resource.get("Properties", {}):
            return "CAPABILITY_NAMED_IAM"
        if name or resource["Type"] in OTHER_IAM:
            needed = "CAPABILITY_IAM"
    return needed


def defaults(template: Template) -> dict[str, str]:
    """The values of parameters that nobody gives one."""
    declared: dict[str, Any] = template.get("Parameters", {})
    return {name: str(facts["Default"]) for name, facts in declared.items() if "Default" in facts}


def require_parameters(template: Template, given: Mapping[str, str]) -> None:
    """Refuse parameters that the template does not have, or has other values for."""
    declared: dict[str, Any] = template.get("Parameters", {})
    if unknown := sorted(given.keys() - declared.keys()):
        raise refuse(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    if missing := sorted(
        name for name, facts in declared.items() if name not in given and "Default" not in facts
    ):
        raise refuse(f"Parameters: [{', '.join(missing)}] must have values")
    for name, value in given.items():
        facts = declared[name]
        allowed = [str(item) for item in facts.get("AllowedValues", [])]
        if allowed and value not in allowed:
            listed = ", ".join(allowed)
            raise refuse(f"Parameter '{name}' must be one of AllowedValues: [{listed}]")
        pattern = facts.get("AllowedPattern")
        if pattern and not re.fullmatch(pattern, value):
            raise refuse(f"Parameter '{name}' must match pattern {pattern}")


def _acknowledges(given: set[str], needed: str) -> bool:
    named = needed == "CAPABILITY_IAM" and "CAPABILITY_NAMED_IAM" in given
    return needed in given or named


def _parse_yaml(text: str) -> Any:
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, RecursionError) as error:
        where = str(error).splitlines()[0] if str(error) else "too deep"
        raise refuse(f"Template format error: YAML not well-formed. ({where})") from error


def _normalise(value: Any) -> Any:
    """Fn::GetAtt always as a list, wherever it stands."""
    if isinstance(value, list):
        return [_normalise(item) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(name := value.get("Fn::GetAtt"), str):
        return {"Fn::GetAtt": name.split(".", 1)}
    return {str(key): _normalise(item) for key, item in value.items()}


def _needs(resource: Mapping[str, Any]) -> set[str]:
    """What a resource refers to by name, and what it says it depends on."""
    depends = resource.get("DependsOn", [])
    named = {depends} if isinstance(depends, str) else set(depends)
    return named | set(_references(resource.get("Properties", {})))


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _references(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "Ref" and isinstance(item, str):
                yield item
            elif key == "Fn::GetAtt" and isinstance(item, list) and item:
                yield str(item[0])
            elif key == "Fn::Sub":
                yield from _substituted(item)
            else:
                yield from _references(item)


def _substituted(value: Any) -> Iterator[str]:
    """The names in Fn::Sub, without those that it defines itself."""
    text, own = (value[0], value[1]) if isinstance(value, list) else (value, {})
    yield from _references(list(own.values()))
    for name in VARIABLE.findall(str(text)):
        if name.split(".")[0] not in own:
            yield name.split(".")[0]
