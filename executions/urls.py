"""Addresses of documents and executions."""

from __future__ import annotations

from django.urls import path

from executions.views import documents, executions, start

urlpatterns = [
    path("documents/", documents.documents, name="documents"),
    path("documents/<str:owner>/<str:name>/", documents.document, name="document"),
    path("documents/<str:owner>/<str:name>/start/", start.start, name="start"),
    path("instances/", start.instances, name="instances"),
    path("executions/", executions.executions, name="executions"),
    path("executions/<uuid:execution_id>/stop/", executions.stop, name="stop"),
    path("executions/<uuid:execution_id>/signal/", executions.signal, name="signal"),
    path(
        "executions/<uuid:execution_id>/steps/<int:number>/resolve/",
        executions.resolve,
        name="resolve",
    ),
]
