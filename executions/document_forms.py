"""Forms of documents: what somebody types, as it is; the library's verbs judge it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms

from executions.library import Draft
from executions.library.attachments import MOST_BYTES, MOST_FILES, File, Given
from executions.runbook.types import Problem

FORMATS: Final = (("YAML", "YAML"), ("JSON", "JSON"))
SHARED_VERSIONS: Final = (
    ("$DEFAULT", "The default version, whichever it is"),
    ("$LATEST", "The latest version, whichever it is"),
    ("$ALL", "All versions"),
)
SEPARATORS: Final = re.compile(r"[\s,]+")


class TagsField(forms.Field):
    """A tag on each line, as key=value. A dict; its keys are never empty."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})

    def to_python(self, value: Any) -> dict[str, str]:
        """The tags by key; a line without = is a key without a value."""
        tags: dict[str, str] = {}
        for line in str(value or "").splitlines():
            key, _, text = (part.strip() for part in line.partition("="))
            if not line.strip():
                continue
            if not 0 < len(key) <= 128 or len(text) > 256:
                raise forms.ValidationError(
                    f"{line[:60]}: a tag is key=value; a key has 1 to 128 characters, a value 256"
                    " at most."
                )
            tags[key] = text
        return tags

    def prepare_value(self, value: Any) -> Any:
        """One on each line."""
        if isinstance(value, Mapping):
            return "\n".join(f"{key}={text}" if text else key for key, text in value.items())
        return value


class FilesInput(forms.FileInput):
    """Several files at once."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Files to attach: a Given. Nothing is read of what is too much."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> Given:
        """The files with their bytes; what they have to be, the check of the text says."""
        uploads = [one for one in data or () if one]
        if len(uploads) > MOST_FILES:
            raise forms.ValidationError(
                f"{len(uploads)} files are more than a document has: {MOST_FILES} at most."
            )
        for upload in uploads:
            if upload.size > MOST_BYTES:
                raise forms.ValidationError(
                    f"{upload.name} has {upload.size} bytes, and {MOST_BYTES} are the most."
                )
        return Given(tuple(File(upload.name, upload.read()) for upload in uploads))


class TextForm(forms.Form):
    """The text of a version, and what is said about it."""

    problems: Sequence[Problem] = ()  # of the text and its files, when saving was refused
    content = forms.CharField(
        label="Runbook",
        strip=False,
        required=False,  # that it is empty, the check of the text says
        widget=forms.Textarea(
            attrs={"rows": 24, "spellcheck": "false", "autocapitalize": "off", "wrap": "off"}
        ),
    )
    format = forms.ChoiceField(choices=FORMATS, initial="YAML", widget=forms.RadioSelect)
    version_name = forms.RegexField(
        r"^[a-zA-Z0-9_\-.]{3,128}$",
        label="Version name",
        required=False,
        help_text="A name for this version, such as Release-2. It never changes.",
        error_messages={"invalid": "Give 3 to 128 letters, digits, dots, hyphens or underscores."},
    )
    attachments = FilesField(
        label="Attachments",
        required=False,
        help_text="Those that the runbook names under files, with their checksums. After an error"
        " choose them again.",
    )
    target_type = forms.RegexField(
        r"^/[\w.\-:/]*$",
        label="Acts on",
        required=False,
        max_length=200,
        help_text="A resource type, such as /AWS::EC2::Instance.",
        error_messages={"invalid": "Give a resource type such as /AWS::EC2::Instance, or /."},
    )

    def clean_content(self) -> str:
        """With the line ends that were typed: forms send others."""
        return str(self.cleaned_data["content"]).replace("\r\n", "\n")

    def draft(self) -> Draft:
        """What the form asks for, once it is valid."""
        data = self.cleaned_data
        return Draft(
            data["content"],
            data["format"],
            version_name=data["version_name"],
            target_type=data["target_type"],
            attachments=data["attachments"],
        )

    def show(self, problems: Mapping[str, Sequence[str]]) -> None:
        """Put the messages of a refusal at the fields that they are about; of the text, above."""
        for name, messages in problems.items():
            at_field = name in self.fields and name != "content"
            for message in messages:
                self.add_error(name if at_field else None, message)


class NewForm(TextForm):
    """A new document."""

    name = forms.CharField(
        label="Name",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="3 to 128 letters, digits, dots, hyphens or underscores.",
    )
    tags = TagsField(required=False, help_text="One on each line, such as team=payments.")

    field_order = (
        *("name", "format", "content", "target_type", "version_name"),
        *("tags", "attachments"),
    )


class EditForm(TextForm):
    """A new version, made from the one that is named in `based_on`."""

    based_on = forms.CharField(widget=forms.HiddenInput, max_length=12)
    make_default = forms.BooleanField(
        label="Make it the default version",
        required=False,
        help_text="Else starts go on with the present default.",
    )


class ShareForm(forms.Form):
    """Whom to share with, and what."""

    accounts = forms.CharField(
        label="Accounts",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="Twelve digits each, with commas between; or all, for everyone.",
    )
    version = forms.ChoiceField(label="What they may use", choices=SHARED_VERSIONS)

    def clean_accounts(self) -> list[str]:
        """Each once, without the hyphens that people write in between."""
        texts = SEPARATORS.split(self.cleaned_data["accounts"].strip())
        return list(dict.fromkeys(text.replace("-", "").lower() for text in texts if text))


class TagsForm(forms.Form):
    """All tags of a document."""

    tags = TagsField(label="All tags", required=False, help_text="One on each line, as key=value.")
