"""Every address of the console; the event stream is console/asgi.py's."""

from __future__ import annotations

from allauth.account import views as account
from django.urls import include, path

from console import pages
from console.iam import key_views

urlpatterns = [
    path("", pages.home, name="home"),
    path("healthz", pages.healthz, name="healthz"),
    path("principal/", pages.switch_principal, name="switch_principal"),
    path("keys/", key_views.keys, name="keys"),
    path("keys/create/", key_views.create_key, name="create_key"),
    path("keys/<str:key_id>/revoke/", key_views.revoke_key, name="revoke_key"),
    path("executions/<uuid:execution_id>/", pages.execution, name="execution"),
    path("", include("console.live.urls")),
    path("", include("executions.urls")),
    path("approvals/", include("approvals.urls")),
    # Of allauth only what is used here: accounts are made by an administrator.
    path("accounts/login/", account.login, name="account_login"),
    path("accounts/logout/", account.logout, name="account_logout"),
    path("accounts/password/", pages.change_password, name="account_change_password"),
]
