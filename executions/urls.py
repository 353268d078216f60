"""Addresses of documents and executions."""

from __future__ import annotations

from django.urls import path

from executions.views import (
    attachments,
    document_changes,
    document_edit,
    documents,
    executions,
    extras,
    redrive,
    start,
)

urlpatterns = [
    path("documents/", documents.documents, name="documents"),
    path("documents/new/", document_edit.create, name="create_document"),
    path("documents/check/", document_edit.check, name="check_document"),
    path("documents/words/", document_edit.vocabulary, name="document_words"),
    path("documents/<str:owner>/<str:name>/", documents.document, name="document"),
    path("documents/<str:owner>/<str:name>/edit/", document_edit.edit, name="edit_document"),
    path("documents/<str:owner>/<str:name>/compare/", document_changes.compare, name="compare"),
    path(
        "documents/<str:owner>/<str:name>/default/",
        document_changes.set_default,
        name="set_default_version",
    ),
    path("documents/<str:owner>/<str:name>/share/", document_changes.share, name="share_document"),
    path("documents/<str:owner>/<str:name>/tags/", document_changes.tag, name="tag_document"),
    path(
        "documents/<str:owner>/<str:name>/delete/", document_changes.delete, name="delete_document"
    ),
    path("documents/<str:owner>/<str:name>/extras/", extras.extras, name="extras"),
    path("documents/<str:owner>/<str:name>/start/", start.start, name="start"),
    path("attachments/<str:token>/", attachments.attachment, name="attachment"),
    path("instances/", start.instances, name="instances"),
    path("executions/", executions.executions, name="executions"),
    path("executions/<uuid:execution_id>/stop/", executions.stop, name="stop"),
    path("executions/<uuid:execution_id>/redrive/", redrive.redrive, name="redrive"),
    path("executions/<uuid:execution_id>/signal/", executions.signal, name="signal"),
    path(
        "executions/<uuid:execution_id>/steps/<int:number>/passes/<int:iteration>/",
        executions.loop_pass,
        name="pass",
    ),
    path(
        "executions/<uuid:execution_id>/steps/<int:number>/resolve/",
        executions.resolve,
        name="resolve",
    ),
]
