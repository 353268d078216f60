"""The page of access keys. A secret is in the one answer that makes it, and nowhere else."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from console.iam import key_rights
from console.iam.models import User
from executions.errors import BadParameters, Refused
from executions.views.http import SignedIn

BAD_REQUEST = 400


class KeyForm(forms.Form):
    """As whom programs will act with the new key, and what it is for."""

    principal = forms.ChoiceField(label="Acts as")
    description = forms.CharField(
        label="Description", max_length=128, required=False, help_text="What will use the key."
    )

    def __init__(self, user: User, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]  # request.POST or nothing
        field = self.fields["principal"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(one.arn, one.arn) for one in user.principals.all()]
        self.initial["principal"] = user.principal.arn if user.principal else ""


@never_cache
@require_safe
def keys(request: SignedIn) -> HttpResponse:
    """One's own access keys, and for administrators those of the account."""
    return _show(request, KeyForm(request.user))


@never_cache
@require_POST
def create_key(request: SignedIn) -> HttpResponse:
    """A new key. Its secret is in this answer, which is kept nowhere, and never again."""
    form = KeyForm(request.user, request.POST)
    if not form.is_valid():
        return _show(request, form, status=BAD_REQUEST)
    try:
        key, secret = key_rights.create(
            request.user, form.cleaned_data["principal"], form.cleaned_data["description"]
        )
    except BadParameters as refusal:
        form.add_error("principal", refusal.message)
        return _show(request, form, status=BAD_REQUEST)
    return render(request, "keys/created.html", {"key": key, "secret": secret})


@require_POST
def revoke_key(request: SignedIn, key_id: str) -> HttpResponse:
    """What is signed with the key does not count any more."""
    try:
        key = key_rights.revoke(request.user, key_id)
        messages.success(request, f"The access key {key} is revoked.")
    except Refused as refusal:
        if refusal.status != 409:
            raise
        messages.error(request, refusal.message)
    return redirect("keys")


def _show(request: SignedIn, form: KeyForm, *, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "own": key_rights.own(request.user),
        "others": key_rights.others(request.user),
    }
    return render(request, "keys/list.html", context, status=status)
