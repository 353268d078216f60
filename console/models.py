"""Where Django looks for the models of this app."""

from __future__ import annotations

from console.api.models import SignedRequest
from console.iam.models import AccessKey, Policy, Principal, User

__all__ = ["AccessKey", "Policy", "Principal", "SignedRequest", "User"]
