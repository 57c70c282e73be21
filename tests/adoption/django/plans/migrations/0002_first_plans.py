from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("plans", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            "INSERT INTO plans_plan (name, price_cents) VALUES ('free', 0), ('team', 900)",
            "DELETE FROM plans_plan WHERE name IN ('free', 'team')",
        ),
    ]
