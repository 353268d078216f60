from django.db import migrations, models

import executions.models.ids


class Migration(migrations.Migration):

    dependencies = [
        ('executions', '0009_fair_queue'),
    ]

    operations = [
        # Only what Python does: otherwise SQLite would copy the whole table.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name='execution',
                    name='id',
                    field=models.UUIDField(default=executions.models.ids.make_id, editable=False, primary_key=True, serialize=False),
                ),
                migrations.AlterField(
                    model_name='stepexecution',
                    name='id',
                    field=models.UUIDField(default=executions.models.ids.make_id, editable=False, primary_key=True, serialize=False),
                ),
            ],
        ),
    ]
