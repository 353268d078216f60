import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('executions', '0010_ids'),
    ]

    operations = [
        migrations.AlterField(
            model_name='event',
            name='execution',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='events', to='executions.execution'),
        ),
        migrations.AlterField(
            model_name='stepexecution',
            name='execution',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='steps', to='executions.execution'),
        ),
    ]
