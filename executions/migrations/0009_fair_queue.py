from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('executions', '0008_redrive'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='execution',
            name='execution_slots',
        ),
        migrations.AddIndex(
            model_name='execution',
            index=models.Index(condition=models.Q(('slot__isnull', False)), fields=['account_id', 'slot', 'executed_by', 'created_at', 'id'], name='execution_slots'),
        ),
    ]
