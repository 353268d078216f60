from django.conf import settings
from django.db import migrations, models

# Runs that were accepted before there was a queue hold a slot until they end, as the others do.
TAKE_SLOTS = """
UPDATE executions_execution
SET slot = CASE
    WHEN current_action IN ('aws:approve', 'aws:pause', 'aws:sleep') THEN 'blocked'
    ELSE 'running' END
WHERE parent_id IS NULL AND status IN ('Pending', 'InProgress', 'Waiting', 'Cancelling')
"""


class Migration(migrations.Migration):

    dependencies = [
        ('executions', '0006_loops_and_children'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='execution',
            name='slot',
            field=models.CharField(choices=[('queued', 'Queued'), ('running', 'Running'), ('blocked', 'Blocked')], max_length=7, null=True),
        ),
        migrations.RunSQL(TAKE_SLOTS, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name='execution',
            index=models.Index(condition=models.Q(('slot__isnull', False)), fields=['account_id', 'slot', 'created_at', 'id'], name='execution_slots'),
        ),
    ]
